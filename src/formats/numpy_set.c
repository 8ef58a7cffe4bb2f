/* NumPy's arrays as a data set: an .npz archive or a directory of .npy files, by the names that people give them.
 * Source of the first: MedMNIST, https://medmnist.com ("train_images", ..., one label column). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/images.h"
#include "formats/files.h"
#include "formats/npy.h"
#include "formats/set_format.h"
#include "formats/zip_archive.h"

enum { NAME = 64, FILE_PATH = 720, N_SPLITS = 3 };

/* Names of images and labels; %s is the split. Those without one hold training images. */
typedef struct names {
    const char *images, *labels;
} names;

static const names known[] = {{"%s_images", "%s_labels"}, {"x_%s", "y_%s"}, {"X_%s", "y_%s"},
                              {"images", "labels"},       {"X", "y"},       {"x", "y"}};
static const char *const splits[N_SPLITS] = {"train", "val", "test"};

static const char *name_of(const char *pattern, const char *split, char out[NAME]) {
    const char *gap = strstr(pattern, "%s");
    int before = gap ? (int)(gap - pattern) : (int)strlen(pattern);
    snprintf(out, NAME, "%.*s%s%s.npy", before, pattern, gap ? split : "", gap ? gap + 2 : "");
    return out;
}

static bool is_regular(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_npz(const char *path) {
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".npz") == 0 && is_regular(path);
}

static bool in_directory(const char *directory, const char *name, char out[FILE_PATH]) {
    int n = snprintf(out, FILE_PATH, "%s/%s", directory, name);
    return n > 0 && n < FILE_PATH && is_regular(out);
}

static bool is_here(const char *path) {
    char name[NAME], file[FILE_PATH];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (in_directory(path, name_of(known[i].images, splits[0], name), file)) return true;
    }
    return is_npz(path);
}

/* Where arrays are found: an archive, or a directory where it is NULL. */
typedef struct place {
    const char *path;
    fv_zip *archive;
} place;

static bool holds(const place *in, const char *name) {
    char file[FILE_PATH];
    return in->archive ? fv_zip_has(in->archive, name) : in_directory(in->path, name, file);
}

static fv_status open_array(const place *in, const char *name, fv_source **out, fv_error *error) {
    char file[FILE_PATH];
    if (in->archive) return fv_source_open_member(in->path, name, false, out, error);
    snprintf(file, sizeof file, "%s/%s", in->path, name);
    return fv_source_open(file, out, error);
}

static fv_status read_images(const place *in, const char *name, fv_images *out, fv_error *error) {
    fv_source *source;
    FV_TRY(open_array(in, name, &source, error));
    fv_status status = fv_npy_read_images(source, out, error);
    fv_source_close(source);
    return status;
}

static fv_status read_labels(const place *in, const char *name, fv_images *out, fv_error *error) {
    fv_source *source;
    uint16_t *labels;
    size_t n;
    FV_TRY(open_array(in, name, &source, error));
    fv_status status = fv_npy_read_labels(source, &labels, &n, error);
    fv_source_close(source);
    FV_TRY(status);
    out->labels = labels;
    if (n == out->n && n <= UINT32_MAX / 2) return FV_OK;
    return fv_fail(error, FV_E_DATA, "%s: %s holds %zu labels, for %zu images; each needs one", fv_path_shown(in->path),
                   name, n, out->n);
}

static fv_status read_split(const place *in, const names *of, const char *split, fv_images *out, fv_error *error) {
    char images[NAME], labels[NAME];
    name_of(of->images, split, images);
    name_of(of->labels, split, labels);
    bool has_images = holds(in, images), has_labels = holds(in, labels);
    if (!has_images && !has_labels) return FV_OK;
    if (has_images != has_labels)
        return fv_fail(error, FV_E_DATA, "%s: holds %s, but not %s, which belongs to it", fv_path_shown(in->path),
                       has_images ? images : labels, has_images ? labels : images);
    FV_TRY(read_images(in, images, out, error));
    return read_labels(in, labels, out, error);
}

static fv_status fail_names(const place *in, fv_error *error) {
    char found[160] = "";
    size_t n = 0;
    const char *name;
    for (size_t i = 0; in->archive && (name = fv_zip_name(in->archive, i)) && n < sizeof found - 40; i++)
        n += (size_t)snprintf(found + n, sizeof found - n, "%s%.30s", i ? ", " : "", name);
    return fv_fail(error, FV_E_DATA,
                   "%s: holds %s; train_images and train_labels are needed (or x_train and y_train), test_... and "
                   "val_... beside them if there are",
                   fv_path_shown(in->path), *found ? found : "no array");
}

static fv_status read_place(const place *in, fv_set_content *out, fv_error *error) {
    fv_images *const to[N_SPLITS] = {&out->train, &out->validation, &out->test};
    char name[NAME];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!holds(in, name_of(known[i].images, splits[0], name))) continue;
        int n_splits = strstr(known[i].images, "%s") ? N_SPLITS : 1;
        for (int s = 0; s < n_splits; s++) FV_TRY(read_split(in, &known[i], splits[s], to[s], error));
        return FV_OK;
    }
    return fail_names(in, error);
}

static fv_status read_set(const char *path, fv_set_content *out, fv_error *error) {
    place in = {.path = path};
    if (is_npz(path)) FV_TRY(fv_zip_open(path, &in.archive, error));
    fv_status status = read_place(&in, out, error);
    fv_zip_close(in.archive);
    return status;
}

const fv_set_format fv_set_numpy = {"NumPy arrays", is_here, read_set};
