/* A system that fails: linked into the program in place of the calls below, it lets the n-th call of a kind fail, once
 * or from then on. FOVEA_FAULT is KIND:N or KIND:N+ (KIND: memory, disk, thread, map); with KIND:0 none fails and the
 * number of calls is written to descriptor 9 at the end. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory_test.h"

typedef enum fault_kind { NONE, MEMORY, DISK, THREAD, MAP } fault_kind;

static fault_kind kind;
static long nth;
static bool from_then_on;
static atomic_long calls;

/* jansson's parser takes memory that it does not get for the end of its input, or stops by an assertion: it gets it. */
static _Thread_local int parsing;

static bool fails(fault_kind of) {
    if (of != kind || parsing) return false;
    long n = atomic_fetch_add(&calls, 1) + 1;
    return nth > 0 && (n == nth || (from_then_on && n > nth));
}

static bool memory_fails(void) {
    return fails(MEMORY);
}

REAL(char *, strdup, const char *text) {
    return fails(MEMORY) ? NULL : __real_strdup(text);
}
REAL(FILE *, open_memstream, char **text, size_t *size) {
    return fails(MEMORY) ? NULL : __real_open_memstream(text, size);
}

REAL(json_t *, json_loads, const char *text, size_t flags, json_error_t *error) {
    parsing++;
    json_t *root = __real_json_loads(text, flags, error);
    parsing--;
    return root;
}
REAL(json_t *, json_loadb, const char *text, size_t n, size_t flags, json_error_t *error) {
    parsing++;
    json_t *root = __real_json_loadb(text, n, flags, error);
    parsing--;
    return root;
}
REAL(json_t *, json_load_file, const char *path, size_t flags, json_error_t *error) {
    parsing++;
    json_t *root = __real_json_load_file(path, flags, error);
    parsing--;
    return root;
}

REAL(void *, mmap, void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    if (!fails(MAP)) return __real_mmap(at, size, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

REAL(ssize_t, write, int fd, const void *bytes, size_t n) {
    if (!fails(DISK)) return __real_write(fd, bytes, n);
    errno = ENOSPC;
    return -1;
}
REAL(int, fsync, int fd) {
    if (!fails(DISK)) return __real_fsync(fd);
    errno = EIO;
    return -1;
}
REAL(int, rename, const char *from, const char *to) {
    if (!fails(DISK)) return __real_rename(from, to);
    errno = EACCES;
    return -1;
}
REAL(int, mkdir, const char *path, mode_t mode) {
    if (!fails(DISK)) return __real_mkdir(path, mode);
    errno = EROFS;
    return -1;
}
REAL(FILE *, fopen, const char *path, const char *mode) {
    if (!fails(DISK)) return __real_fopen(path, mode);
    errno = EMFILE;
    return NULL;
}
REAL(size_t, fread, void *to, size_t size, size_t n, FILE *f) {
    return fails(DISK) ? 0 : __real_fread(to, size, n, f);
}
REAL(DIR *, opendir, const char *path) {
    if (!fails(DISK)) return __real_opendir(path);
    errno = EMFILE;
    return NULL;
}
REAL(int, scandir, const char *path, struct dirent ***names, int (*keep)(const struct dirent *),
     int (*compare)(const struct dirent **, const struct dirent **)) {
    if (!fails(DISK)) return __real_scandir(path, names, keep, compare);
    errno = EMFILE;
    return -1;
}
REAL(int, ftruncate, int fd, off_t size) {
    if (!fails(DISK)) return __real_ftruncate(fd, size);
    errno = EIO;
    return -1;
}
REAL(char *, mkdtemp, char *name) {
    if (!fails(DISK)) return __real_mkdtemp(name);
    errno = ENOSPC;
    return NULL;
}
REAL(int, close, int fd) {
    int result = __real_close(fd);
    if (!fails(DISK)) return result;
    errno = EDQUOT;
    return -1;
}
REAL(int, open, const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = (mode_t)va_arg(rest, int);
        va_end(rest);
    }
    if (!fails(DISK)) return __real_open(path, flags, mode);
    errno = EMFILE;
    return -1;
}
REAL(ssize_t, read, int fd, void *bytes, size_t n) {
    if (!fails(DISK)) return __real_read(fd, bytes, n);
    errno = EIO;
    return -1;
}

REAL(int, pthread_create, pthread_t *thread, const pthread_attr_t *how, void *(*begin)(void *), void *context) {
    return fails(THREAD) ? EAGAIN : __real_pthread_create(thread, how, begin, context);
}

static void tell(void) {
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
    if (__real_write(9, text, (size_t)n) < 0) _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    static const struct {
        const char *name;
        fault_kind kind;
    } kinds[] = {{"memory:", MEMORY}, {"disk:", DISK}, {"thread:", THREAD}, {"map:", MAP}};
    const char *fault = getenv("FOVEA_FAULT");
    for (int i = 0; fault && i < 4; i++) {
        size_t n = strlen(kinds[i].name);
        if (strncmp(fault, kinds[i].name, n) != 0) continue;
        nth = strtol(fault + n, NULL, 10);
        from_then_on = strchr(fault, '+') != NULL;
        json_set_alloc_funcs(__wrap_malloc, free); /* jansson is a library of its own, which the linker does not wrap */
        if (nth == 0) atexit(tell);
        kind = kinds[i].kind;
    }
}
