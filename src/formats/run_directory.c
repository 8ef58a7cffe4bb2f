#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/files.h"
#include "formats/run_config.h"

fv_status fv_path_join(char out[FV_PATH_SIZE], const char *directory, const char *file, fv_error *error) {
    int n = snprintf(out, FV_PATH_SIZE, "%s/%s", directory, file);
    if (n >= 0 && n < FV_PATH_SIZE) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "%.80s...: the path is too long: at most %d characters", directory,
                   FV_PATH_SIZE - 1);
}

/* mkdir -p for everything in front of the last part. */
static fv_status make_parents(const char *path, fv_error *error) {
    char part[1024];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return fv_fail(error, FV_E_ARGUMENT, "%.80s...: the path is too long: at most %zu characters", path,
                       sizeof part - 1);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return fv_fail(error, FV_E_IO, "%s: could not be made: %s", part, strerror(errno));
        *at = '/';
    }
    return FV_OK;
}

static fv_status check_empty(const char *path, fv_error *error) {
    DIR *directory = opendir(path);
    if (!directory && errno == ENOTDIR)
        return fv_fail(error, FV_E_EXISTS, "%s: is a file: name a directory that does not exist yet", path);
    if (!directory) return fv_fail(error, FV_E_IO, "%s: could not be read: %s", path, strerror(errno));
    bool empty = true;
    for (struct dirent *entry; empty && (entry = readdir(directory));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    if (empty) return FV_OK;
    return fv_fail(error, FV_E_EXISTS, "%s: exists and is not empty: name another directory, or remove it first", path);
}

static fv_status claim_number(const char *verb, char *path, size_t size, fv_error *error) {
    for (int n = 1; n < 1000000; n++) {
        snprintf(path, size, "runs/%s-%d", verb, n);
        if (mkdir(path, 0777) == 0) return FV_OK;
        if (errno != EEXIST) return fv_fail(error, FV_E_IO, "%s: could not be made: %s", path, strerror(errno));
    }
    return fv_fail(error, FV_E_EXISTS, "runs: holds a million runs: name another directory with --out");
}

fv_status fv_run_directory(const char *out, const char *verb, char *path, size_t size, fv_error *error) {
    if (!out) {
        FV_TRY(make_parents("runs/x", error));
        return claim_number(verb, path, size, error);
    }
    if (!*out) return fv_fail(error, FV_E_ARGUMENT, "the output directory's name is empty: name a directory");
    FV_TRY(make_parents(out, error));
    if (mkdir(out, 0777) != 0) {
        if (errno != EEXIST) return fv_fail(error, FV_E_IO, "%s: could not be made: %s", out, strerror(errno));
        FV_TRY(check_empty(out, error));
    }
    snprintf(path, size, "%s", out);
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') path[--length] = 0;
    return FV_OK;
}

fv_status fv_run_lock(const char *directory, int *lock, fv_error *error) {
    char model[FV_PATH_SIZE]; /* the other files are looked at as they are written */
    FV_TRY(fv_path_join(model, directory, "model.safetensors", error));
    FV_TRY(fv_file_is_own(model, error));
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fv_fail(error, FV_E_IO, "%s: could not be read: %s", directory, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(fd);
        return fv_fail(error, FV_E_EXISTS,
                       "%s: another fovea is training in it: wait for it, or name another directory", directory);
    }
    fv_directory_clean(directory, NULL);
    *lock = fd;
    return FV_OK;
}
