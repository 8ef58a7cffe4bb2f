/* What the tests of the formats of data sets share: sets that open, and broken ones whose message is held against
 * words. */
#ifndef FV_SET_TEST_H
#define FV_SET_TEST_H

#include "scratch.h"

#include "cmocka_test.h"
#include "fovea/run.h"

static inline fv_dataset *set_open(const char *path) {
    fv_dataset *set = NULL;
    fv_error error = {FV_OK, ""};
    if (fv_dataset_open(path, &set, &error) != FV_OK) fail_msg("%s", error.message);
    return set;
}

/* One way to break a set in a directory, and the words that its message must hold. */
typedef struct set_fault {
    const char *name;
    void (*make)(const char *directory);
    fv_status status;
    const char *words[4];
} set_fault;

#define SET_FAULT(make, status, ...)                                                                                   \
    {                                                                                                                  \
#make, make, status, {                                                                                         \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

/* Each row breaks a fresh directory that `sound` fills; `file` ("" or "/x.npz") behind the directory is what is
 * opened. The sound set must open, the broken one fail with a message that begins with the directory. */
static inline void set_hold_faults(const set_fault *rows, size_t n, void (*sound)(const char *), const char *file) {
    int n_wrong = 0;
    for (size_t i = 0; i < n; i++) {
        char *broken = scratch_make(), path[1024];
        fv_error error = {FV_OK, ""};
        fv_dataset *set = NULL;
        snprintf(path, sizeof path, "%s%s", broken, file);
        sound(broken);
        fv_dataset_destroy(set_open(path));
        rows[i].make(broken);
        fv_status status = fv_dataset_open(path, &set, &error);
        bool right = status == rows[i].status && status != FV_OK && error.code == status && set == NULL &&
                     strncmp(error.message, broken, strlen(broken)) == 0;
        for (int w = 0; w < 4 && rows[i].words[w]; w++) right = right && strstr(error.message, rows[i].words[w]);
        if (!right) print_error("%s: status %d, \"%s\"\n", rows[i].name, status, error.message);
        n_wrong += !right;
        if (status == FV_OK) fv_dataset_destroy(set);
        scratch_drop(broken);
    }
    assert_int_equal(n_wrong, 0);
}

#endif
