/* A directory for a test's files, and IDX files to put there. */
#ifndef FV_TEST_SCRATCH_H
#define FV_TEST_SCRATCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* For trouble in the test itself. */
static inline void scratch_need(int good, const char *what) {
    if (good) return;
    perror(what);
    abort();
}

static inline char *scratch_make(void) {
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    scratch_need(asprintf(&path, "%s/fovea-test-XXXXXX", base && *base ? base : "/tmp") > 0, "asprintf");
    scratch_need(mkdtemp(path) != NULL, path);
    return path;
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

/* Removes the directory and all in it, and frees the path. */
static inline void scratch_drop(char *path) {
    nftw(path, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(path);
}

/* "<directory>/<file>" in one of 32 buffers that take turns. */
static inline const char *scratch_path(const char *directory, const char *file) {
    static char buffer[32][1024];
    static int turn;
    char path[1024]; /* `directory` may itself be one of the buffers */
    snprintf(path, sizeof path, "%s/%s", directory, file);
    turn = (turn + 1) % 32;
    return memcpy(buffer[turn], path, sizeof path);
}

static inline const char *scratch_subdirectory(const char *directory, const char *name) {
    const char *path = scratch_path(directory, name);
    scratch_need(mkdir(path, 0777) == 0, path);
    return path;
}

static inline int scratch_count(const char *directory) {
    int n = 0;
    DIR *open = opendir(directory);
    scratch_need(open != NULL, directory);
    for (const struct dirent *entry; (entry = readdir(open));) n += entry->d_name[0] != '.';
    closedir(open);
    return n;
}

/* Bytes that grow. */
typedef struct bytes {
    uint8_t *at;
    size_t n, room;
} bytes;

static inline void bytes_add(bytes *to, const void *data, size_t n) {
    if (to->n + n >= to->room) {
        to->room = 2 * (to->n + n) + 64;
        to->at = realloc(to->at, to->room);
        scratch_need(to->at != NULL, "realloc");
    }
    if (n) memcpy(to->at + to->n, data, n);
    to->n += n;
}

static inline void bytes_free(bytes *of) {
    free(of->at);
    *of = (bytes){0};
}

static inline void bytes_write(const bytes *of, const char *path) {
    FILE *f = fopen(path, "wb");
    scratch_need(f && (of->n == 0 || fwrite(of->at, 1, of->n, f) == of->n) && fclose(f) == 0, path);
}

static inline bytes bytes_copy(const bytes *of) {
    bytes out = {0};
    bytes_add(&out, of->at, of->n);
    return out;
}

static inline bytes bytes_read(const char *path) {
    bytes out = {0};
    uint8_t part[4096];
    FILE *f = fopen(path, "rb");
    scratch_need(f != NULL, path);
    for (size_t n; (n = fread(part, 1, sizeof part, f));) bytes_add(&out, part, n);
    scratch_need(!ferror(f) && fclose(f) == 0, path);
    return out;
}

/* The content as one gzip member. */
static inline bytes bytes_gzip(const bytes *of) {
    z_stream stream = {0};
    scratch_need(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflateInit2");
    bytes out = {malloc(deflateBound(&stream, of->n) + 64), 0, 0};
    scratch_need(out.at != NULL, "malloc");
    stream.next_in = of->at;
    stream.avail_in = (uInt)of->n;
    stream.next_out = out.at;
    stream.avail_out = (uInt)(deflateBound(&stream, of->n) + 64);
    scratch_need(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflate");
    out.n = stream.total_out;
    deflateEnd(&stream);
    return out;
}

/* An IDX header. */
static inline bytes idx_header(int type, int rank, const uint32_t *size) {
    bytes out = {0};
    uint8_t magic[4] = {0, 0, (uint8_t)type, (uint8_t)rank};
    bytes_add(&out, magic, 4);
    for (int i = 0; i < rank; i++) {
        uint8_t word[4] = {(uint8_t)(size[i] >> 24), (uint8_t)(size[i] >> 16), (uint8_t)(size[i] >> 8),
                           (uint8_t)size[i]};
        bytes_add(&out, word, 4);
    }
    return out;
}

/* n images of h x w; pixel j of image i is first + 7 * i + j. */
static inline bytes idx_images(uint32_t n, uint32_t h, uint32_t w, unsigned first) {
    bytes out = idx_header(8, 3, (const uint32_t[]){n, h, w});
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < h * w; j++) {
            uint8_t pixel = (uint8_t)(first + 7 * i + j);
            bytes_add(&out, &pixel, 1);
        }
    }
    return out;
}

/* n labels: i modulo n_classes. */
static inline bytes idx_labels(uint32_t n, unsigned n_classes) {
    bytes out = idx_header(8, 1, &n);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t label = (uint8_t)(i % n_classes);
        bytes_add(&out, &label, 1);
    }
    return out;
}

static inline void scratch_put(const char *directory, const char *file, bytes content) {
    bytes_write(&content, scratch_path(directory, file));
    bytes_free(&content);
}

static inline void scratch_text(const char *directory, const char *file, const char *text) {
    bytes content = {0};
    bytes_add(&content, text, strlen(text));
    scratch_put(directory, file, content);
}

/* A sound set: n_train and n_test images of h x w in n_classes; no t10k files for n_test 0. */
static inline void scratch_set(const char *directory, uint32_t n_train, uint32_t n_test, uint32_t h, uint32_t w,
                               unsigned n_classes) {
    scratch_put(directory, "train-images-idx3-ubyte", idx_images(n_train, h, w, 0));
    scratch_put(directory, "train-labels-idx1-ubyte", idx_labels(n_train, n_classes));
    if (n_test == 0) return;
    scratch_put(directory, "t10k-images-idx3-ubyte", idx_images(n_test, h, w, 100));
    scratch_put(directory, "t10k-labels-idx1-ubyte", idx_labels(n_test, n_classes));
}

#endif
