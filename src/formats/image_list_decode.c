/* One file of a list, and the size that all are to have. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/image_fit.h"
#include "formats/image_list.h"

enum { MOST_BYTES = 1 << 30, SAMPLE = 1001, MOST_SIDE = 64, HEAD_BYTES = 1 << 18 };

/* The path to read, and the one to show. FV_E_IO when it is too long. */
static fv_status find_path(const fv_image_list *list, const fv_listed *file, char path[PATH_MAX], char shown[PATH_MAX],
                           fv_error *error) {
    int n = *file->file == '/' ? snprintf(path, PATH_MAX, "%s", file->file)
                               : snprintf(path, PATH_MAX, "%s/%s", list->root, file->file);
    if (n < 0 || n >= PATH_MAX) return fv_fail(error, FV_E_IO, "%s: the path is too long", fv_path_shown(file->file));
    fv_name_shown(path, shown, PATH_MAX);
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* a pipe would be waited for */
        return fv_fail(error, FV_E_DATA, "%.400s: is no file", fv_path_shown(shown));
    return FV_OK;
}

static void note_origin(fv_listed *file, const fv_picture *picture) {
    file->origin = (fv_origin){file->file, fv_picture_height(picture), fv_picture_width(picture), ""};
    memcpy(file->origin.mode, picture->mode, sizeof file->origin.mode);
}

fv_status fv_image_list_decode(const fv_image_list *list, fv_listed *file, fv_shape shape, fv_fit fit, uint8_t *out,
                               fv_error *error) {
    char path[PATH_MAX], shown[PATH_MAX], *bytes;
    size_t n;
    fv_picture picture;
    FV_TRY(find_path(list, file, path, shown, error));
    FV_TRY(fv_file_read(path, MOST_BYTES, &bytes, &n, error));
    fv_status status = fv_picture_open(shown, bytes, n, 2 * (shape.h > shape.w ? shape.h : shape.w), &picture, error);
    if (status == FV_OK) {
        note_origin(file, &picture);
        status = fv_image_fit(&picture, shown, shape, fit, false, out, error);
        fv_picture_close(&picture);
    }
    free(bytes);
    return status;
}

/* Opens the picture from its first bytes where they tell, else from all of them. */
static fv_status look_at(const fv_image_list *list, fv_listed *file, fv_error *error) {
    char path[PATH_MAX], shown[PATH_MAX], *bytes = fv_alloc(HEAD_BYTES, 1);
    fv_picture picture;
    fv_status status = bytes ? find_path(list, file, path, shown, error) : FV_E_MEMORY;
    int fd = status == FV_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = fd >= 0 ? read(fd, bytes, HEAD_BYTES) : -1;
    int reason = errno;
    if (fd >= 0) close(fd);
    if (status == FV_OK && got == 0) status = fv_fail(error, FV_E_DATA, "%s: is empty", shown);
    if (status == FV_OK && got < 0)
        status = fv_fail(error, FV_E_IO, "%s: could not be read: %s", shown, strerror(reason));
    if (status == FV_OK) status = fv_picture_open(shown, bytes, (size_t)got, 0, &picture, error);
    free(bytes);
    bytes = NULL;
    if (status == FV_E_DATA && got == HEAD_BYTES) {
        size_t n;
        status = fv_file_read(path, MOST_BYTES, &bytes, &n, error);
        if (status == FV_OK) status = fv_picture_open(shown, bytes, n, 0, &picture, error);
    }
    if (status == FV_OK) {
        note_origin(file, &picture);
        fv_picture_close(&picture);
    }
    free(bytes);
    return status;
}

static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

fv_status fv_image_list_size(const fv_image_list *list, fv_shape *shape, fv_error *error) {
    int h[SAMPLE] = {0}, w[SAMPLE] = {0};
    size_t n_train = 0, n = 0;
    fv_status first = FV_E_DATA;
    fv_error reason = {0}; /* of the first that fails */
    while (n_train < list->n && list->at[n_train].split == FV_LIST_TRAIN) n_train++;
    size_t n_looked = n_train < SAMPLE ? n_train : SAMPLE;
    for (size_t i = 0; i < n_looked; i++) {
        fv_listed file = list->at[i * n_train / n_looked];
        fv_error failure = {0};
        fv_status status = look_at(list, &file, &failure);
        if (status != FV_OK && !*reason.message) reason = failure, first = status;
        if (status == FV_E_MEMORY || status == FV_E_UNSUPPORTED) return fv_fail(error, status, "%s", failure.message);
        if (status != FV_OK) continue; /* told when all are decoded */
        h[n] = file.origin.h;
        w[n++] = file.origin.w;
    }
    if (n == 0)
        return fv_fail(error, first, "%s: none of its training images can be read; the first: %.300s",
                       fv_path_shown(list->name), reason.message);
    qsort(h, n, sizeof *h, compare);
    qsort(w, n, sizeof *w, compare);
    int height = h[n / 2], width = w[n / 2], longer = height > width ? height : width;
    if (longer > MOST_SIDE) {
        height = (height * MOST_SIDE + longer / 2) / longer;
        width = (width * MOST_SIDE + longer / 2) / longer;
    }
    shape->h = height > 0 ? height : 1;
    shape->w = width > 0 ? width : 1;
    return FV_OK;
}
