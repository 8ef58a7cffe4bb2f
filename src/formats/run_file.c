#include "formats/run_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

fv_status fv_path_join(char out[FV_PATH_SIZE], const char *directory, const char *file, fv_error *error) {
    int n = snprintf(out, FV_PATH_SIZE, "%s/%s", directory, file);
    if (n >= 0 && n < FV_PATH_SIZE) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "%.80s...: the path is too long: at most %d characters", directory,
                   FV_PATH_SIZE - 1);
}

fv_status fv_write_whole(const char *path, const char *bytes, size_t n, fv_error *error) {
    char partial[FV_PATH_SIZE + 16];
    snprintf(partial, sizeof partial, "%s.partial", path);
    FILE *f = fopen(partial, "wb");
    if (!f) return fv_fail(error, FV_E_IO, "%s: could not be written: %s", path, strerror(errno));
    bool good = fwrite(bytes, 1, n, f) == n;
    int reason = errno;
    if (fclose(f) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (good && rename(partial, path) != 0) {
        good = false;
        reason = errno;
    }
    if (good) return FV_OK;
    unlink(partial);
    return fv_fail(error, FV_E_IO, "%s: could not be written: %s", path, strerror(reason));
}

static fv_status read_stream(FILE *f, const char *path, size_t most, char **out, size_t *n, fv_error *error) {
    size_t size = 1 << 14, used = 0;
    char *text = NULL;
    for (;;) {
        char *more = realloc(text, size + 1);
        if (!more) {
            free(text);
            return fv_fail(error, FV_E_MEMORY, "%s: out of memory", path);
        }
        text = more;
        used += fread(text + used, 1, size - used, f);
        if (used < size) break;
        if (size > most) {
            free(text);
            return fv_fail(error, FV_E_DATA, "%s: larger than %zu bytes: not a file of this kind", path, most);
        }
        size *= 2;
    }
    if (ferror(f)) {
        free(text);
        return fv_fail(error, FV_E_IO, "%s: could not be read: %s", path, strerror(errno));
    }
    text[used] = 0;
    *out = text;
    *n = used;
    return FV_OK;
}

fv_status fv_read_whole(const char *path, size_t most, char **out, size_t *n, fv_error *error) {
    FILE *f = fopen(path, "rb");
    if (!f) return fv_fail(error, FV_E_IO, "%s: could not be read: %s", path, strerror(errno));
    fv_status status = read_stream(f, path, most, out, n, error);
    fclose(f);
    return status;
}
