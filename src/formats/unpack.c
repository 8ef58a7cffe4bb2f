#include "formats/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/files.h"
#include "formats/source.h"
#include "formats/zip_archive.h"

enum { BLOCK = 512, CHUNK = 1 << 16, FILE_PATH = 1024, MAX_MEMBERS = 32, TYPE_AT = 156, SUM_AT = 148, SIZE_AT = 124 };

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The place of the name among those that are wanted; n: it is none. */
static size_t find(const char *const *members, size_t n, const char *name) {
    size_t i = 0;
    while (i < n && strcmp(members[i], last_part(name)) != 0) i++;
    return i;
}

static fv_status fail_missing(const char *archive, const char *member, fv_error *error) {
    return fv_fail(error, FV_E_DATA, "%s: has no %s; get it again", fv_path_shown(archive), member);
}

static fv_status write_all(int fd, const char *path, const uint8_t *bytes, size_t n, fv_error *error) {
    while (n > 0) {
        ssize_t wrote = write(fd, bytes, n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0)
            return fv_fail(error, FV_E_IO, "%s: could not be written: %s", fv_path_shown(path), strerror(errno));
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return FV_OK;
}

/* Copies `size` bytes of the source, or all that come (SIZE_MAX); *got how many. */
static fv_status copy(fv_source *source, size_t size, int fd, const char *path, size_t *got, fv_error *error) {
    uint8_t bytes[CHUNK];
    size_t n = 1;
    for (*got = 0; *got < size && n > 0; *got += n) {
        size_t want = size - *got < CHUNK ? size - *got : CHUNK;
        FV_TRY(fv_source_read(source, bytes, want, &n, error));
        FV_TRY(write_all(fd, path, bytes, n, error));
    }
    return FV_OK;
}

/* The next `size` bytes of the source as directory/name. */
static fv_status copy_to(fv_source *source, size_t size, const char *directory, const char *name, size_t *got,
                         fv_error *error) {
    char path[FILE_PATH];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || length >= FILE_PATH)
        return fv_fail(error, FV_E_IO, "%s: the path is too long", fv_path_shown(directory));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return fv_fail(error, FV_E_IO, "%s: could not be written: %s", fv_path_shown(path), strerror(errno));
    fv_status status = copy(source, size, fd, path, got, error);
    if (close(fd) != 0 && status == FV_OK)
        status = fv_fail(error, FV_E_IO, "%s: could not be written: %s", fv_path_shown(path), strerror(errno));
    return status;
}

/* ---- zip ---- */

/* The archive's own name for a member. */
static fv_status find_in_zip(const char *archive, const char *member, char out[FILE_PATH], fv_error *error) {
    fv_zip *zip;
    const char *name;
    bool found = false;
    FV_TRY(fv_zip_open(archive, &zip, error));
    for (size_t i = 0; !found && (name = fv_zip_name(zip, i)); i++) {
        found = strcmp(last_part(name), member) == 0 && strlen(name) < FILE_PATH;
        if (found) memcpy(out, name, strlen(name) + 1);
    }
    fv_zip_close(zip);
    return found ? FV_OK : fail_missing(archive, member, error);
}

fv_status fv_unpack_zip(const char *archive, const char *const *members, size_t n, const char *directory,
                        fv_error *error) {
    for (size_t i = 0; i < n; i++) {
        char name[FILE_PATH];
        fv_source *source;
        size_t got;
        FV_TRY(find_in_zip(archive, members[i], name, error));
        FV_TRY(fv_source_open_member(archive, name, true, &source, error));
        fv_status status = copy_to(source, SIZE_MAX, directory, members[i], &got, error);
        fv_source_close(source);
        FV_TRY(status);
    }
    return FV_OK;
}

/* ---- tar ---- */

/* An octal number in a field of n bytes; false: it is none. */
static bool octal(const uint8_t *at, size_t n, uint64_t *out) {
    size_t i = 0;
    while (i < n && at[i] == ' ') i++;
    size_t first = i;
    for (*out = 0; i < n && at[i] >= '0' && at[i] <= '7'; i++) *out = 8 * *out + (uint64_t)(at[i] - '0');
    return i > first && (i == n || at[i] == 0 || at[i] == ' ');
}

/* The header's bytes, the sum's own field as blanks. */
static uint64_t header_sum(const uint8_t header[BLOCK]) {
    uint64_t sum = 8 * ' ';
    for (int i = 0; i < BLOCK; i++) sum += i >= SUM_AT && i < SUM_AT + 8 ? 0 : header[i];
    return sum;
}

static fv_status skip(fv_source *source, uint64_t size, fv_error *error) {
    uint8_t bytes[CHUNK];
    for (size_t n = 1; size > 0 && n > 0; size -= n)
        FV_TRY(fv_source_read(source, bytes, size < CHUNK ? (size_t)size : CHUNK, &n, error));
    return FV_OK;
}

static fv_status fail_tar(const char *archive, const char *why, fv_error *error) {
    return fv_fail(error, FV_E_DATA, "%s: is no sound tar archive: %s; get it again", fv_path_shown(archive), why);
}

/* Reads members until those that are wanted have come, or the archive ends. */
static fv_status read_tar(fv_source *source, const char *archive, const char *const *members, size_t n,
                          const char *directory, bool *came, fv_error *error) {
    for (size_t n_left = n; n_left > 0;) {
        uint8_t header[BLOCK];
        char name[101] = "";
        uint64_t size, sum;
        size_t got;
        FV_TRY(fv_source_read(source, header, BLOCK, &got, error));
        if (got == 0 || (got == BLOCK && header[0] == 0)) return FV_OK;
        if (got < BLOCK) return fail_tar(archive, "it is cut short", error);
        if (!octal(header + SUM_AT, 8, &sum) || sum != header_sum(header) || !octal(header + SIZE_AT, 12, &size) ||
            size > INT64_MAX)
            return fail_tar(archive, "a header's checksum is wrong", error);
        memcpy(name, header, 100);
        bool regular = header[TYPE_AT] == '0' || header[TYPE_AT] == 0;
        size_t at = regular ? find(members, n, name) : n;
        if (at == n) {
            FV_TRY(skip(source, (size + BLOCK - 1) / BLOCK * BLOCK, error));
            continue;
        }
        FV_TRY(copy_to(source, (size_t)size, directory, members[at], &got, error));
        if (got < size) return fail_tar(archive, "it is cut short", error);
        FV_TRY(skip(source, (BLOCK - size % BLOCK) % BLOCK, error));
        n_left -= !came[at];
        came[at] = true;
    }
    return FV_OK;
}

fv_status fv_unpack_tar(const char *archive, const char *const *members, size_t n, const char *directory,
                        fv_error *error) {
    bool came[MAX_MEMBERS] = {false};
    fv_source *source;
    if (n > MAX_MEMBERS) return fv_fail(error, FV_E_ARGUMENT, "%s: too many members", archive);
    FV_TRY(fv_source_open(archive, &source, error));
    fv_status status = read_tar(source, archive, members, n, directory, came, error);
    fv_source_close(source);
    FV_TRY(status);
    for (size_t i = 0; i < n; i++)
        if (!came[i]) return fail_missing(archive, members[i], error);
    return FV_OK;
}
