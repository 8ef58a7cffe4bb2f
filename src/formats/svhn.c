/* SVHN's cropped digits: train_32x32.mat, test_32x32.mat, of which each holds X, uint8 [32][32][3][N] with the row
 * running fastest, and y, [N] from 1 to 10, where 10 is the digit 0. The larger extra_32x32.mat is not read.
 * Source: Netzer et al. 2011; http://ufldl.stanford.edu/housenumbers, "Format 2". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/images.h"
#include "formats/files.h"
#include "formats/mat.h"
#include "formats/set_format.h"

enum { SIDE = 32, CHANNELS = 3, FILE_PATH = 720 };

static bool file_in(const char *directory, const char *split, char out[FILE_PATH]) {
    struct stat info;
    int n = snprintf(out, FILE_PATH, "%s/%s_32x32.mat", directory, split);
    return n > 0 && n < FILE_PATH && stat(out, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_here(const char *path) {
    char file[FILE_PATH];
    return file_in(path, "train", file);
}

/* The last size is left out where it is 1. */
static fv_status read_images(const char *path, fv_mat *mat, const fv_mat_array *a, fv_images *out, fv_error *error) {
    uint8_t *pixels;
    const size_t n = a->rank == 4 ? a->size[3] : 1;
    if (out->pixels) return fv_fail(error, FV_E_DATA, "%s: holds X twice", fv_path_shown(path));
    if (a->rank < 3 || a->rank > 4 || a->size[0] != SIDE || a->size[1] != SIDE || a->size[2] != CHANNELS || n == 0 ||
        n > UINT32_MAX / 2)
        return fv_fail(error, FV_E_DATA, "%s: X holds %d sizes, the first %zu x %zu x %zu; SVHN's are 32 x 32 x 3 x n",
                       fv_path_shown(path), a->rank, a->size[0], a->size[1], a->rank > 2 ? a->size[2] : 1);
    FV_TRY(fv_mat_bytes(mat, &pixels, error));
    out->pixels = pixels;
    out->n = n;
    if (fv_images_transpose(out) == FV_OK) return FV_OK;
    return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
}

static fv_status read_labels(const char *path, fv_mat *mat, const fv_mat_array *a, uint16_t **labels, size_t *n,
                             fv_error *error) {
    fv_mat_numbers numbers;
    if (*labels) return fv_fail(error, FV_E_DATA, "%s: holds y twice", fv_path_shown(path));
    if (a->n > UINT32_MAX / 2)
        return fv_fail(error, FV_E_DATA, "%s: y holds %zu labels; at most %u are allowed", fv_path_shown(path), a->n,
                       UINT32_MAX / 2);
    FV_TRY(fv_mat_numbers_read(mat, &numbers, error));
    *n = a->n;
    *labels = calloc(a->n + 1, sizeof **labels);
    fv_status status = *labels ? FV_OK : fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    for (size_t i = 0; status == FV_OK && i < *n; i++) {
        const double value = fv_mat_number(&numbers, i);
        const int digit = value >= 1 && value <= 10 ? (int)value : 0;
        if (digit == 0 || value != digit)
            status = fv_fail(error, FV_E_DATA, "%s: the label of image %zu is %g; labels are 1 to 10",
                             fv_path_shown(path), i, value);
        (*labels)[i] = (uint16_t)(digit % 10);
    }
    free(numbers.bytes);
    return status;
}

static fv_status check_counts(const char *path, size_t n_labels, size_t n, fv_error *error) {
    if (n_labels == n) return FV_OK;
    return fv_fail(error, FV_E_DATA, "%s: holds %zu labels for %zu images; each needs one", fv_path_shown(path),
                   n_labels, n);
}

static fv_status read_arrays(const char *path, fv_mat *mat, fv_images *out, fv_error *error) {
    uint16_t *labels = NULL;
    size_t n_labels = 0;
    fv_status status = FV_OK;
    for (bool ended = false; status == FV_OK;) {
        fv_mat_array array;
        status = fv_mat_next(mat, &array, &ended, error);
        if (status != FV_OK || ended) break;
        if (strcmp(array.name, "X") == 0) status = read_images(path, mat, &array, out, error);
        if (strcmp(array.name, "y") != 0) continue;
        if (out->pixels && !labels)
            status = check_counts(path, array.n, out->n, error); /* before memory is taken for them */
        if (status == FV_OK) status = read_labels(path, mat, &array, &labels, &n_labels, error);
    }
    out->labels = labels;
    if (status == FV_OK && (!out->pixels || !labels))
        status = fv_fail(error, FV_E_DATA, "%s: holds no array %s; SVHN's images are X, their labels y",
                         fv_path_shown(path), out->pixels ? "y" : "X");
    return status == FV_OK ? check_counts(path, n_labels, out->n, error) : status;
}

static fv_status read_file(const char *path, fv_images *out, fv_error *error) {
    fv_mat *mat;
    FV_TRY(fv_mat_open(path, &mat, error));
    out->shape = (fv_shape){CHANNELS, SIDE, SIDE};
    fv_status status = read_arrays(path, mat, out, error);
    fv_mat_close(mat);
    return status;
}

static fv_status read_set(const char *path, fv_set_content *out, fv_error *error) {
    char file[FILE_PATH];
    (void)file_in(path, "train", file);
    FV_TRY(read_file(file, &out->train, error));
    return file_in(path, "test", file) ? read_file(file, &out->test, error) : FV_OK;
}

const fv_set_format fv_set_svhn = {"SVHN, MATLAB", is_here, read_set};
