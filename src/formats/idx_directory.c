/* A directory of IDX files as a data set: train-images-idx3-ubyte and its three companions (see fv_dataset_open). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "data/images.h"
#include "formats/files.h"
#include "formats/idx.h"
#include "formats/set_format.h"

enum { FILE_PATH = 640 }; /* a dataset's path and a file name */

static const char *const image_files[] = {"images-idx3-ubyte", "images-idx4-ubyte", NULL};
static const char *const label_files[] = {"labels-idx1-ubyte", "labels-idx1-short", NULL};

/* The first of the names that is there, plain or .gz; one that is there but unreadable counts, and fails when read. */
static bool find_file(const char *directory, const char *split, const char *const *names, char out[FILE_PATH]) {
    for (int i = 0; names[i]; i++) {
        for (int gzip = 0; gzip < 2; gzip++) {
            struct stat info;
            int n = snprintf(out, FILE_PATH, "%s/%s-%s%s", directory, split, names[i], gzip ? ".gz" : "");
            if (n > 0 && n < FILE_PATH && (stat(out, &info) == 0 || (errno != ENOENT && errno != ENOTDIR))) return true;
        }
    }
    return false;
}

static bool has_images(const char *directory) {
    char path[FILE_PATH];
    return find_file(directory, "train", image_files, path);
}

static fv_status read_pair(const char *image_path, const char *label_path, fv_images *out, fv_error *error) {
    uint8_t *pixels;
    uint16_t *labels;
    size_t n_labels;
    fv_images images = {0};
    FV_TRY(fv_idx_read_images(image_path, &pixels, &images.n, &images.shape, error));
    images.pixels = pixels;
    fv_status status = fv_idx_read_labels(label_path, &labels, &n_labels, error);
    if (status == FV_OK) {
        images.labels = labels;
        if (images.n != n_labels)
            status = fv_fail(error, FV_E_DATA,
                             "%s: holds %zu labels, but %s beside it holds %zu images; both must be "
                             "the same number: get both files again",
                             fv_path_shown(label_path), n_labels, strrchr(image_path, '/') + 1, images.n);
        else if (images.n > UINT32_MAX / 2)
            status = fv_fail(error, FV_E_DATA, "%s: holds %zu images; at most %u are allowed",
                             fv_path_shown(image_path), images.n, UINT32_MAX / 2);
    }
    if (status != FV_OK) {
        fv_images_deinit(&images);
        return status;
    }
    *out = images;
    return FV_OK;
}

static fv_status read_split(const char *directory, const char *split, bool required, fv_images *out, fv_error *error) {
    char images[FILE_PATH], labels[FILE_PATH];
    bool has_images = find_file(directory, split, image_files, images);
    bool has_labels = find_file(directory, split, label_files, labels);
    if (has_images && has_labels) return read_pair(images, labels, out, error);
    *out = (fv_images){0};
    if (!required && !has_images && !has_labels) return FV_OK;
    return fv_fail(error, FV_E_IO,
                   "%s: %s-%s is missing (plain or .gz); a data set is a directory with "
                   "train-images-idx3-ubyte, train-labels-idx1-ubyte and, for a test split of its own, "
                   "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
                   fv_path_shown(directory), split, has_images ? label_files[0] : image_files[0]);
}

static fv_status read_set(const char *path, fv_set_content *out, fv_error *error) {
    FV_TRY(read_split(path, "train", true, &out->train, error));
    return read_split(path, "t10k", false, &out->test, error);
}

const fv_set_format fv_set_idx = {"IDX files", has_images, read_set};
