/* CIFAR-10 and CIFAR-100 in their binary version: records of one label byte (CIFAR-100: coarse, then fine) and
 * [3][32][32] pixels. The directory is the one that the archive unpacks to, or the one above it.
 * Source: Krizhevsky 2009; https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/class_names.h"
#include "formats/files.h"
#include "formats/set_format.h"
#include "formats/source.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, FILE_PATH = 720, MOST_FILES = 5 };

typedef struct variant {
    const char *directory, *names; /* of the archive; the file of class names */
    const char *train[MOST_FILES + 1], *test;
    size_t n_labels; /* bytes before the pixels; the last is the class */
    int n_classes;
} variant;

static const variant variants[] = {
    {"cifar-10-batches-bin",
     "batches.meta.txt",
     {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
     "test_batch.bin",
     1,
     10},
    {"cifar-100-binary", "fine_label_names.txt", {"train.bin"}, "test.bin", 2, 100},
};

static bool join(char out[FILE_PATH], const char *directory, const char *below, const char *file) {
    int n = snprintf(out, FILE_PATH, "%s%s%s/%s", directory, *below ? "/" : "", below, file);
    return n > 0 && n < FILE_PATH;
}

static bool is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Which variant lies in the directory, and in which directory below it ("": itself); NULL: none. A lone train.bin may
 * be anything; its names tell. */
static const variant *find(const char *directory, const char **below) {
    char first[FILE_PATH], names[FILE_PATH];
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        const variant *v = &variants[i];
        for (int deep = 0; deep < 2; deep++) {
            *below = deep ? v->directory : "";
            if (!join(first, directory, *below, v->train[0]) || !is_file(first)) continue;
            if (v->n_classes == 10 || (join(names, directory, *below, v->names) && is_file(names))) return v;
        }
    }
    return NULL;
}

static bool is_here(const char *path) {
    const char *below;
    return find(path, &below) != NULL;
}

/* Appends the records of a file to `images`, whose memory grows with what the file holds. */
static fv_status add_records(const variant *v, const char *path, fv_images *images, fv_error *error) {
    size_t record = v->n_labels + PIXELS, size, n = 0;
    char *bytes;
    FV_TRY(fv_file_read(path, (size_t)1 << 30, &bytes, &size, error));
    fv_status status = FV_OK;
    if (size == 0 || size % record != 0)
        status = fv_fail(error, FV_E_DATA,
                         "%s: holds %zu bytes, no whole number of records of %zu bytes (%zu of labels and 32x32x3 "
                         "pixels): get the binary version of CIFAR again",
                         fv_path_shown(path), size, record, v->n_labels);
    n = status == FV_OK ? size / record : 0;
    uint8_t *pixels = n ? realloc((void *)(uintptr_t)images->pixels, (images->n + n) * PIXELS) : NULL;
    if (pixels) images->pixels = pixels;
    uint16_t *labels = pixels ? realloc((void *)(uintptr_t)images->labels, (images->n + n) * sizeof *labels) : NULL;
    if (labels) images->labels = labels;
    if (n && !labels) status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    for (size_t i = 0; status == FV_OK && i < n; i++) {
        const uint8_t *at = (const uint8_t *)bytes + i * record;
        uint8_t label = at[v->n_labels - 1];
        if (label >= v->n_classes)
            status = fv_fail(error, FV_E_DATA, "%s: the label of record %zu is %d; labels are 0 to %d",
                             fv_path_shown(path), i, label, v->n_classes - 1);
        labels[images->n + i] = label;
        memcpy(pixels + (images->n + i) * PIXELS, at + v->n_labels, PIXELS);
    }
    free(bytes);
    if (status == FV_OK) images->n += n;
    return status;
}

static fv_status read_set(const char *path, fv_set_content *out, fv_error *error) {
    const char *below;
    char file[FILE_PATH];
    const variant *v = find(path, &below);
    if (!v) return fv_fail(error, FV_E_IO, "%s: has no CIFAR files", fv_path_shown(path));
    out->train.shape = out->test.shape = (fv_shape){3, SIDE, SIDE};
    for (int i = 0; v->train[i]; i++) {
        (void)join(file, path, below, v->train[i]); /* as long as those that `find` joined */
        FV_TRY(add_records(v, file, &out->train, error));
    }
    (void)join(file, path, below, v->test);
    if (is_file(file)) FV_TRY(add_records(v, file, &out->test, error));
    (void)join(file, path, below, v->names);
    if (!is_file(file)) return FV_OK;
    FV_TRY(fv_class_names_read_file(file, &out->class_names, &out->n_classes, error));
    if (out->n_classes == v->n_classes) return FV_OK;
    return fv_fail(error, FV_E_DATA, "%s: names %d classes, CIFAR-%d has %d", fv_path_shown(file), out->n_classes,
                   v->n_classes, v->n_classes);
}

const fv_set_format fv_set_cifar = {"CIFAR, binary", is_here, read_set};
