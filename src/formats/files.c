#include "formats/files.h"

#include "fovea/data.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *fv_path_shown(const char *path) {
    size_t n = strlen(path), most = 200;
    if (n <= most) return path;
    path += n - most;
    for (int i = 0; i < 3 && ((unsigned char)*path & 0xc0) == 0x80; i++) path++; /* not from within a character */
    return path;
}

/* Bytes of the UTF-8 character at `at`; 0: it is none. */
static size_t sequence(const unsigned char *at) {
    if (*at < 0x80) return 1;
    size_t n = *at >= 0xf0 && *at <= 0xf4 ? 4 : *at >= 0xe0 && *at < 0xf0 ? 3 : *at >= 0xc2 && *at < 0xe0 ? 2 : 0;
    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    bool overlong = (*at == 0xe0 && at[1] < 0xa0) || (*at == 0xf0 && at[1] < 0x90);
    bool no_code = (*at == 0xed && at[1] >= 0xa0) || (*at == 0xf4 && at[1] >= 0x90);
    return overlong || no_code ? 0 : n;
}

/* The same, but 0 for a control character, too. */
static size_t character(const unsigned char *at) {
    bool control = *at < ' ' || *at == 127 || (*at == 0xc2 && at[1] < 0xa0);
    return control ? 0 : sequence(at);
}

bool fv_is_utf8(const char *text) {
    for (size_t n; *text; text += n)
        if (!(n = sequence((const unsigned char *)text))) return false;
    return true;
}

void fv_name_shown(const char *name, char *out, size_t size) {
    size_t used = 0;
    while (*name) {
        size_t n = character((const unsigned char *)name), width = n ? n : 1;
        if (used + width >= size) break;
        if (n)
            memcpy(out + used, name, n);
        else
            out[used] = '?';
        used += width;
        name += width;
    }
    out[used] = 0;
}

static fv_status fail_io(const char *path, const char *what, int reason, fv_error *error) {
    char shown[256];
    fv_name_shown(fv_path_shown(path), shown, sizeof shown);
    return fv_fail(error, FV_E_IO, "%s: could not be %s: %s", shown, what, strerror(reason));
}

/* All of the file from where it stands; *size bytes, and a zero behind them. */
static fv_status read_all(int fd, const char *path, size_t limit, char **data, size_t *size, fv_error *error) {
    size_t room = 0, used = 0;
    char *bytes = NULL;
    for (;;) {
        if (used == room) {
            room = room ? 2 * room : 1 << 16;
            char *more = realloc(bytes, room + 1);
            if (!more) {
                free(bytes);
                return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
            }
            bytes = more;
        }
        ssize_t n = read(fd, bytes + used, room - used);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            if (n == 0) break;
            int reason = errno;
            free(bytes);
            return fail_io(path, "read", reason, error);
        }
        used += (size_t)n;
        if (used > limit) {
            free(bytes);
            return fv_fail(error, FV_E_DATA, "%s: larger than %zu bytes, which no file of its kind is",
                           fv_path_shown(path), limit);
        }
    }
    bytes[used] = 0;
    *data = bytes;
    *size = used;
    return FV_OK;
}

fv_status fv_file_open(const char *path, int *out, fv_error *error) {
    struct stat info;
    char shown[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for; files know no such waiting */
    if (fd < 0) return fail_io(path, "read", errno, error);
    if (fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
        *out = fd;
        return FV_OK;
    }
    close(fd);
    fv_name_shown(fv_path_shown(path), shown, sizeof shown);
    return fv_fail(error, FV_E_DATA, "%s: is a pipe or a device: give a file", shown);
}

fv_status fv_file_read(const char *path, size_t limit, char **data, size_t *size, fv_error *error) {
    int fd;
    FV_TRY(fv_file_open(path, &fd, error));
    fv_status status = read_all(fd, path, limit, data, size, error);
    close(fd);
    return status;
}

/* 0, or errno. */
static int write_all(int fd, const fv_part *parts, size_t n_parts) {
    for (size_t i = 0; i < n_parts; i++) {
        const char *at = parts[i].data;
        size_t left = parts[i].size;
        while (left > 0) {
            ssize_t n = write(fd, at, left < 1 << 30 ? left : 1 << 30);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return errno;
            at += n;
            left -= (size_t)n;
        }
    }
    return 0;
}

/* A new file beside `path`, of a name that nobody can guess: its descriptor, or -1 and errno. */
static int create_beside(const char *path, char *name, size_t size) {
    for (int i = 0; i < 100; i++) {
        uint64_t chance;
        if (getentropy(&chance, sizeof chance) != 0) return -1;
        int n = snprintf(name, size, "%s.part-%016" PRIx64, path, chance);
        if (n < 0 || (size_t)n >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* Whether `entry` is a name that create_beside makes, of the file `name` or of any (NULL). */
static bool is_left_over(const char *entry, const char *name) {
    const char *at = strstr(entry, ".part-");
    if (!at || strspn(at + 6, "0123456789abcdef") != 16 || at[6 + 16]) return false;
    return !name || (strlen(name) == (size_t)(at - entry) && strncmp(entry, name, (size_t)(at - entry)) == 0);
}

void fv_directory_clean(const char *path, const char *name) {
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (is_left_over(entry->d_name, name)) unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries) closedir(entries);
}

/* Makes a new name last. 0, or errno; file systems without such a sync are taken as they are. */
static int sync_directory(const char *path) {
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(directory, sizeof directory, "%.*s", (int)(slash - path) + (slash == path), path)
                  : snprintf(directory, sizeof directory, ".");
    if (n < 0 || (size_t)n >= sizeof directory) return ENAMETOOLONG;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? 0 : errno; /* it may be written, not read */
    int reason = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    close(fd);
    return reason;
}

/* 0, or errno. */
static int replace(const char *path, const fv_part *parts, size_t n_parts) {
    char name[PATH_MAX];
    int fd = create_beside(path, name, sizeof name);
    if (fd < 0) return errno;
    int reason = write_all(fd, parts, n_parts);
    if (!reason && fsync(fd) != 0) reason = errno;
    if (close(fd) != 0 && !reason) reason = errno;
    if (!reason && rename(name, path) != 0) reason = errno;
    if (reason)
        unlink(name);
    else
        reason = sync_directory(path);
    return reason;
}

/* 0, or errno. */
static int write_through(const char *path, const fv_part *parts, size_t n_parts) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int reason = write_all(fd, parts, n_parts);
    if (close(fd) != 0 && !reason) reason = errno;
    return reason;
}

fv_status fv_file_write_parts(const char *path, const fv_part *parts, size_t n_parts, fv_error *error) {
    struct stat info;
    char target[PATH_MAX];
    bool exists = stat(path, &info) == 0;
    int reason;
    if (exists && !S_ISREG(info.st_mode)) {
        reason = write_through(path, parts, n_parts);
    } else {
        reason = replace(exists && realpath(path, target) ? target : path, parts, n_parts);
    }
    return reason ? fail_io(path, "written", reason, error) : FV_OK;
}

fv_status fv_file_write(const char *path, const void *data, size_t size, fv_error *error) {
    fv_part part = {data, size};
    return fv_file_write_parts(path, &part, 1, error);
}

fv_status fv_file_is_own(const char *path, fv_error *error) {
    struct stat info;
    char shown[256];
    if (lstat(path, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) return FV_OK;
    fv_name_shown(fv_path_shown(path), shown, sizeof shown);
    return fv_fail(error, FV_E_IO, "%s: is a %s, which is not written through; remove it", shown,
                   S_ISLNK(info.st_mode) ? "link" : "pipe or a device");
}

fv_status fv_directory_writable(const char *path, fv_error *error) {
    char inside[PATH_MAX], name[PATH_MAX];
    int n = snprintf(inside, sizeof inside, "%s/fovea", path);
    if (n < 0 || (size_t)n >= sizeof inside) return fail_io(path, "written", ENAMETOOLONG, error);
    int fd = create_beside(inside, name, sizeof name);
    if (fd < 0) return fail_io(path, "written", errno, error);
    close(fd);
    unlink(name);
    return FV_OK;
}
