#include "formats/idx_directory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "data/images.h"
#include "formats/files.h"
#include "formats/idx.h"

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

bool fv_idx_directory_has_images(const char *directory) {
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

fv_status fv_idx_directory_read(const char *directory, fv_images *train, fv_images *test, fv_error *error) {
    fv_images first, second;
    FV_TRY(read_split(directory, "train", true, &first, error));
    fv_status status = read_split(directory, "t10k", false, &second, error);
    const fv_shape a = first.shape, b = second.shape;
    if (status == FV_OK && second.n > 0 && (a.c != b.c || a.h != b.h || a.w != b.w)) {
        status = fv_fail(error, FV_E_DATA,
                         "%s: the images of train are %dx%dx%d, those of t10k %dx%dx%d (height x "
                         "width x channels); both must be the same",
                         fv_path_shown(directory), a.h, a.w, a.c, b.h, b.w, b.c);
        fv_images_deinit(&second);
    }
    if (status != FV_OK) {
        fv_images_deinit(&first);
        return status;
    }
    *train = first;
    *test = second;
    return FV_OK;
}
