/* A directory of IDX files as a data set: train-images-idx3-ubyte and its three companions (see fv_dataset_open). Their
 * names may begin with one more word, as those of EMNIST (emnist-letters-train-images-idx3-ubyte.gz) and QMNIST do. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/images.h"
#include "formats/files.h"
#include "formats/idx.h"
#include "formats/set_format.h"

enum { FILE_PATH = 840, PREFIX = 64 }; /* a dataset's path and a file name; "emnist-letters-" */

static const char *const image_files[] = {"images-idx3-ubyte", "images-idx4-ubyte", NULL};
static const char *const label_files[] = {"labels-idx1-ubyte", "labels-idx1-short", "labels-idx2-int", NULL};

/* One of the sets that a directory may hold. */
typedef struct place {
    const char *directory;
    char prefix[PREFIX]; /* "", "qmnist-" */
} place;

/* The first of the names that is there, plain or .gz; one that is there but unreadable counts, and fails when read. */
static bool find_file(const place *in, const char *split, const char *const *names, char out[FILE_PATH]) {
    for (int i = 0; names[i]; i++) {
        for (int gzip = 0; gzip < 2; gzip++) {
            struct stat info;
            int n =
                snprintf(out, FILE_PATH, "%s/%s%s-%s%s", in->directory, in->prefix, split, names[i], gzip ? ".gz" : "");
            if (n > 0 && n < FILE_PATH && (stat(out, &info) == 0 || (errno != ENOENT && errno != ENOTDIR))) return true;
        }
    }
    return false;
}

/* The word before train-images-... of a file's name, with its dash; false: it is no such name. */
static bool prefix_of(const char *name, char out[PREFIX]) {
    const char *at = strstr(name, "-train-images-idx");
    size_t n = at ? (size_t)(at - name) + 1 : 0;
    if (!at || n >= PREFIX || *name == '.') return false;
    memcpy(out, name, n);
    out[n] = 0;
    return true;
}

/* Looks for a set with a prefix: its place, and how many there are. */
static int find_prefixed(const char *directory, place *out) {
    struct dirent **entries;
    int n = scandir(directory, &entries, NULL, alphasort), n_found = 0;
    char file[FILE_PATH];
    place found = {.directory = directory};
    for (int i = 0; i < n; i++) {
        if (prefix_of(entries[i]->d_name, found.prefix) && find_file(&found, "train", image_files, file) &&
            (n_found == 0 || strcmp(found.prefix, out->prefix) != 0)) {
            *out = found;
            n_found++;
        }
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return n_found;
}

static bool has_images(const char *directory) {
    char path[FILE_PATH];
    place in = {.directory = directory};
    return find_file(&in, "train", image_files, path) || find_prefixed(directory, &in) > 0;
}

static fv_status read_pair(const char *image_path, const char *label_path, fv_images *out, fv_error *error) {
    uint16_t *labels;
    size_t n_labels;
    fv_images images;
    FV_TRY(fv_idx_read_images(image_path, &images, error));
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

static fv_status read_split(const place *in, const char *split, bool required, fv_images *out, fv_error *error) {
    char images[FILE_PATH], labels[FILE_PATH];
    bool has_images = find_file(in, split, image_files, images);
    bool has_labels = find_file(in, split, label_files, labels);
    if (has_images && has_labels) return read_pair(images, labels, out, error);
    if (!required && !has_images && !has_labels) return FV_OK;
    return fv_fail(error, FV_E_IO,
                   "%s: %s%s-%s is missing (plain or .gz); a data set is a directory with "
                   "train-images-idx3-ubyte, train-labels-idx1-ubyte and, for a test split of its own, "
                   "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
                   fv_path_shown(in->directory), in->prefix, split, has_images ? label_files[0] : image_files[0]);
}

static fv_status read_set(const char *path, fv_set_content *out, fv_error *error) {
    char file[FILE_PATH];
    place in = {.directory = path};
    int n_prefixed = find_file(&in, "train", image_files, file) ? 0 : find_prefixed(path, &in);
    if (n_prefixed > 1)
        return fv_fail(error, FV_E_DATA,
                       "%s: holds the files of %d sets, one of them %strain-images; give each set's files a directory "
                       "of its own",
                       fv_path_shown(path), n_prefixed, in.prefix);
    out->transposed = strncmp(in.prefix, "emnist-", 7) == 0;
    FV_TRY(read_split(&in, "train", true, &out->train, error));
    bool t10k = find_file(&in, "t10k", image_files, file) || find_file(&in, "t10k", label_files, file);
    bool test = !t10k && (find_file(&in, "test", image_files, file) || find_file(&in, "test", label_files, file));
    return read_split(&in, test ? "test" : "t10k", false, &out->test, error);
}

const fv_set_format fv_set_idx = {"IDX files", has_images, read_set};
