/* A fuzz target: one entry that libFuzzer calls too, and sound inputs to start from.
 *
 * Under ctest each target is linked with fuzz_main.c, which changes the seeds at random, but the same way every time,
 * for about a second. For longer: make fuzz. */
#ifndef FV_FUZZ_H
#define FV_FUZZ_H

#define _GNU_SOURCE

#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>
#include <sys/mman.h>

#include "formats/safetensors_types.h"
#include "fovea/data.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seed 0, 1, ...; `at` NULL at the end. The caller frees. */
bytes fuzz_seed(int index);

/* How many changed inputs make about a second. */
extern const unsigned fuzz_rounds;

/* For what must hold whatever the input. */
#define FUZZ_NEED(what) scratch_need(what, #what)

/* A file without a place on disk: /proc/self/fd/<n>. */
static inline const char *fuzz_file(const uint8_t *data, size_t size) {
    static int fd = -1;
    static char path[32];
    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_NEED(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}

static char *fuzz_made; /* by fuzz_directory */
static inline void fuzz_drop(void) {
    scratch_drop(fuzz_made);
}

/* A directory whose files all are that file, under the n names; removed at the end. */
static inline const char *fuzz_directory(const char *const *names, size_t n) {
    if (fuzz_made) return fuzz_made;
    const char *file = fuzz_file(NULL, 0), *directory = fuzz_made = scratch_make();
    atexit(fuzz_drop);
    for (size_t i = 0; i < n; i++) FUZZ_NEED(symlink(file, scratch_path(directory, names[i])) == 0);
    return directory;
}

/* Hands the input to `parse` as it is, and, where it holds a checksum of ours, with that put right: in memory of just
 * its size, so that the sanitizers see a byte too far. */
static inline void fuzz_checksummed(void (*parse)(const void *, size_t), const uint8_t *data, size_t size) {
    parse(data, size);
    const char *at = fv_checksum_find((const char *)data, size);
    if (!at) return;
    const fv_part whole = {data, size};
    char digits[FV_CHECKSUM_DIGITS + 1], *copy = malloc(size);
    FUZZ_NEED(copy != NULL);
    memcpy(copy, data, size);
    fv_checksum_of(&whole, 1, at, digits);
    memcpy(copy + (at - (const char *)data), digits, FV_CHECKSUM_DIGITS);
    parse(copy, size);
    free(copy);
}

/* Opens a whole data set, which must work or fail with a message that begins with its path. */
static inline void fuzz_open_set(const char *path) {
    fv_error error = {FV_OK, ""};
    fv_dataset *set = NULL;
    fv_status status = fv_dataset_open(path, &set, &error);
    if (status != FV_OK) {
        bool right = (status == FV_E_DATA || status == FV_E_IO) && error.code == status &&
                     strncmp(error.message, path, strlen(path)) == 0;
        if (!right) fprintf(stderr, "status %d: %s\n", status, error.message);
        FUZZ_NEED(right);
        return;
    }
    const fv_images *splits[] = {&set->train, &set->test};
    FUZZ_NEED(set->n_validation < set->train.n && set->train.n > 0 && set->test.n > 0);
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < splits[s]->n; i++) FUZZ_NEED(splits[s]->labels[i] < set->n_classes);
    fv_dataset_destroy(set);
}

#endif
