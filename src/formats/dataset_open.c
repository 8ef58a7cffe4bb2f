/* From a name or path to a dataset in memory. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/class_names.h"
#include "formats/files.h"
#include "formats/known_sets.h"
#include "formats/set_format.h"
#include "formats/sha256.h"
#include "fovea/net.h"

static int largest_label(const fv_images *images, size_t *where) {
    uint16_t most = 0;
    *where = 0;
    for (size_t i = 0; i < images->n; i++) {
        if (images->labels[i] > most) {
            most = images->labels[i];
            *where = i;
        }
    }
    return most;
}

/* Labels must lie below n_classes, which `source` says. */
static fv_status check_labels(const fv_dataset *set, const char *source, fv_error *error) {
    const fv_images *splits[] = {&set->train, &set->test};
    for (int i = 0; i < 2; i++) {
        size_t where;
        int label = largest_label(splits[i], &where);
        if (label >= set->n_classes)
            return fv_fail(error, FV_E_DATA,
                           "%s: label %zu of %s is %d, but %s has %d classes (0 to %d); get the files "
                           "again, or name every class in classes.txt beside them, a line each",
                           fv_path_shown(set->path), where, i == 0 ? "train" : "test", label, source, set->n_classes,
                           set->n_classes - 1);
    }
    return FV_OK;
}

/* Class names, and with them the number of classes: from classes.txt, from the files themselves (whose names `content`
 * gives away), from a known name, else counted. */
static fv_status name_classes(fv_dataset *set, const char *path, fv_set_content *content, fv_error *error) {
    const fv_known_set *known = fv_known_set_find(set->name);
    if (path && !content->pictures) FV_TRY(fv_class_names_read(path, &set->class_names, &set->n_classes, error));
    const char *source = set->class_names              ? "classes.txt"
                         : content->class_names        ? "the set"
                         : known && known->class_names ? set->name
                                                       : NULL;
    if (!set->class_names && content->class_names) {
        set->class_names = content->class_names;
        set->n_classes = content->n_classes;
        content->class_names = NULL;
    } else if (!set->class_names && known && known->class_names) {
        set->n_classes = known->n_classes;
        set->class_names = fv_copy_names(known->class_names, known->n_classes);
    } else if (!set->class_names) {
        size_t where;
        int train = largest_label(&set->train, &where), test = largest_label(&set->test, &where);
        set->n_classes = (train > test ? train : test) + 1;
        set->class_names = fv_numbered_names(set->n_classes);
    }
    if (!set->class_names) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(set->path));
    return source ? check_labels(set, source, error) : FV_OK;
}

/* Labels that the files count from 1 (EMNIST's letters) count from 0 here. */
static fv_status shift_labels(fv_dataset *set, fv_error *error) {
    const fv_known_set *known = fv_known_set_find(set->name);
    const fv_images *splits[] = {&set->train, &set->test};
    for (int s = 0; known && s < 2; s++) {
        uint16_t *labels = (uint16_t *)(uintptr_t)splits[s]->labels; /* owned */
        for (size_t i = 0; i < splits[s]->n; i++) {
            if (labels[i] < known->first_label)
                return fv_fail(error, FV_E_DATA, "%s: label %zu of %s is %d; %s counts from %d",
                               fv_path_shown(set->path), i, s ? "test" : "train", labels[i], known->name,
                               known->first_label);
            labels[i] = (uint16_t)(labels[i] - known->first_label);
        }
    }
    return FV_OK;
}

/* A set of one class cannot be learned. */
static fv_status check_classes(const fv_dataset *set, fv_error *error) {
    for (size_t i = 1; i < set->train.n; i++) {
        if (set->train.labels[i] != set->train.labels[0]) return FV_OK;
    }
    return fv_fail(error, FV_E_DATA, "%s: all %zu training images are of class %u; at least two classes are needed",
                   fv_path_shown(set->path), set->train.n, set->train.labels[0]);
}

/* Moves a part of train to test. Always drawn from seed 0: the test split is a property of the set. */
static fv_status set_aside(fv_dataset *set, fv_error *error) {
    fv_indices rest = {0}, drawn = {0};
    fv_images train = {0}, test = {0};
    size_t n_validation = 0;
    fv_status status = fv_split_drawn(&set->train, set->n_classes, FV_SET_ASIDE, 0, FV_SPLIT_TEST, &rest, &drawn);
    if (status == FV_OK && drawn.n == 0) {
        status = fv_fail(error, FV_E_DATA,
                         "%s: has no test split, and no class has the 7 images it takes to set 15 %% "
                         "aside for testing; add one (t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte of IDX files)",
                         fv_path_shown(set->path));
    } else {
        if (status == FV_OK) status = fv_images_gather(&set->train, &rest, &train);
        if (status == FV_OK) status = fv_images_gather(&set->train, &drawn, &test);
        if (status != FV_OK) status = fv_fail(error, status, "%s: not enough memory", fv_path_shown(set->path));
    }
    for (size_t i = 0; i < rest.n; i++) n_validation += rest.at[i] >= set->train.n - set->n_validation;
    if (status == FV_OK && n_validation == rest.n)
        status = fv_fail(error, FV_E_DATA,
                         "%s: has no test split, and once 15 %% are set aside no training image is left beside its "
                         "validation split; add more",
                         fv_path_shown(set->path));
    fv_indices_deinit(&rest);
    fv_indices_deinit(&drawn);
    if (status != FV_OK) {
        fv_images_deinit(&train);
        fv_images_deinit(&test);
        return status;
    }
    fv_images_deinit(&set->train);
    set->train = train;
    set->test = test;
    set->n_validation = n_validation;
    set->test_set_aside = true;
    return FV_OK;
}

static fv_status check_shapes(const char *path, const fv_set_content *content, fv_error *error) {
    const fv_images *others[] = {&content->validation, &content->test};
    for (int i = 0; i < 2; i++) {
        fv_shape a = content->train.shape, b = others[i]->shape;
        if (others[i]->n > 0 && !fv_shape_equal(a, b))
            return fv_fail(error, FV_E_DATA,
                           "%s: the images of train are %dx%dx%d, those of %s %dx%dx%d (height x "
                           "width x channels); both must be the same",
                           fv_path_shown(path), a.h, a.w, a.c, i ? "test" : "validation", b.h, b.w, b.c);
    }
    return FV_OK;
}

/* Puts the validation images behind those of training. */
static fv_status append_validation(fv_dataset *set, fv_images *validation) {
    const fv_images *train = &set->train;
    fv_shape shape = train->shape;
    size_t size = fv_image_size(shape), n = train->n + validation->n;
    uint8_t *pixels = fv_alloc(n, size);
    uint16_t *labels = fv_alloc(n, sizeof *labels);
    if (!pixels || !labels) {
        free(pixels);
        free(labels);
        return FV_E_MEMORY;
    }
    memcpy(pixels, train->pixels, train->n * size);
    memcpy(pixels + train->n * size, validation->pixels, validation->n * size);
    memcpy(labels, train->labels, train->n * sizeof *labels);
    memcpy(labels + train->n, validation->labels, validation->n * sizeof *labels);
    set->n_validation = validation->n;
    fv_images_deinit(&set->train);
    fv_images_deinit(validation);
    set->train = (fv_images){.n = n, .shape = shape, .pixels = pixels, .labels = labels};
    return FV_OK;
}

static fv_status read_content(const char *path, fv_set_content *content, fv_error *error) {
    const fv_set_format *format = path ? fv_set_format_of(path) : NULL;
    if (!path) return fv_digits_load(&content->train, &content->test);
    FV_TRY((format ? format : &fv_set_idx)->read(path, content, error));
    FV_TRY(check_shapes(path, content, error));
    fv_images *splits[] = {&content->train, &content->validation, &content->test};
    bool turn = !content->pictures && (content->transposed || content->options->transpose);
    for (int i = 0; turn && i < 3; i++)
        if (splits[i]->n > 0) FV_TRY(fv_images_transpose(splits[i]));
    return FV_OK;
}

/* What is known of image files; their reader has split, checked and summed already. */
static void take_pictures(fv_dataset *set, fv_set_content *content) {
    set->pictures = true;
    set->fit = content->options->fit;
    set->n_validation = content->n_validation;
    set->test_set_aside = content->test_set_aside;
    set->n_bad = content->n_bad;
    set->origins = content->origins;
    set->origin_names = content->origin_names;
    content->origins = NULL;
    content->origin_names = NULL;
    memcpy(set->train_sha256, content->train_sha256, sizeof set->train_sha256);
    memcpy(set->test_sha256, content->test_sha256, sizeof set->test_sha256);
}

static fv_status fill(fv_dataset *set, const char *path, fv_set_content *content, fv_error *error) {
    fv_status status = read_content(path, content, error);
    set->train = content->train;
    set->test = content->test;
    set->test.shape = set->train.shape;
    content->train = content->test = (fv_images){0};
    if (status == FV_OK && content->validation.n > 0) status = append_validation(set, &content->validation);
    if (status == FV_E_MEMORY) return fv_fail(error, status, "%s: not enough memory", fv_path_shown(set->path));
    FV_TRY(status);
    set->transposed = !content->pictures && content->options->transpose;
    if (!content->pictures) FV_TRY(shift_labels(set, error));
    FV_TRY(name_classes(set, path, content, error));
    if (content->pictures) {
        take_pictures(set, content);
        return FV_OK;
    }
    FV_TRY(check_classes(set, error));
    if (set->test.n == 0 && !content->options->keep_whole) FV_TRY(set_aside(set, error));
    fv_images_sha256(&set->train, set->n_classes, set->train_sha256);
    fv_images_sha256(&set->test, set->n_classes, set->test_sha256);
    return FV_OK;
}

/* Opens a directory or file, or the embedded set where `path` is NULL. */
static fv_status open_set(const char *name, const char *path, const fv_dataset_options *options, fv_dataset **out,
                          fv_error *error) {
    fv_dataset *set = calloc(1, sizeof *set);
    if (!set) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", name);
    fv_name_shown(name, set->name, sizeof set->name);
    snprintf(set->path, sizeof set->path, "%s", path ? path : "embedded");
    fv_set_content content = {.options = options};
    fv_status status = fill(set, path, &content, error);
    fv_set_content_deinit(&content);
    if (status != FV_OK) {
        fv_dataset_destroy(set);
        return status;
    }
    fv_images_expect(&set->train, false);
    fv_images_expect(&set->test, false);
    *out = set;
    return FV_OK;
}

static fv_status open_path(const char *path, const fv_dataset_options *options, fv_dataset **out, fv_error *error) {
    char directory[FV_SET_PATH], real[PATH_MAX];
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    if (n >= FV_SET_PATH)
        return fv_fail(error, FV_E_ARGUMENT, "%s: this path has %zu bytes; at most %d are allowed", fv_path_shown(path),
                       n, FV_SET_PATH - 1);
    snprintf(directory, sizeof directory, "%.*s", (int)n, path);
    if (access(directory, F_OK) != 0)
        return fv_fail(error, FV_E_IO,
                       "%s: there is no such directory or file; give one that holds a data set, or a name that "
                       "`fovea data list` shows",
                       fv_path_shown(directory));
    if (!fv_is_directory(directory) && !fv_set_format_of(directory))
        return fv_fail(error, FV_E_IO,
                       "%s: is a file of none of the formats that are read (docs/data.md); give one that is, or the "
                       "directory that holds the files",
                       fv_path_shown(directory));
    const char *last = strrchr(directory, '/') ? strrchr(directory, '/') + 1 : directory;
    bool nameless = *last == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
    if (nameless && realpath(directory, real)) last = strrchr(real, '/') + 1;
    char name[sizeof((fv_dataset *)0)->name];
    snprintf(name, sizeof name, "%.63s", last);
    for (int endings = fv_is_directory(directory) ? 0 : 2; endings > 0; endings--) { /* x.csv, x.csv.gz */
        char *ending = strrchr(name, '.');
        if (ending && ending > name && (endings == 1 || strcmp(ending, ".gz") == 0)) *ending = 0;
    }
    return open_set(*name ? name : "/", directory, options, out, error);
}

static fv_status fail_name(const char *name, fv_error *error) {
    const fv_known_set *known = fv_known_set_find(name);
    if (known)
        return fv_fail(error, FV_E_NAME,
                       "%s: this data set is not on this machine; %s (it is looked for in "
                       "$FOVEA_DATA, ~/.cache/fovea and /usr/share/datasets)",
                       name, known->get);
    char list[240] = "";
    size_t n = 0;
    for (int i = 0; (known = fv_known_set_at(i)) && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", known->name);
    return fv_fail(error, FV_E_NAME,
                   "\"%.60s\" is no data set here; known: %s (`fovea data list` says which are here, `fovea data get "
                   "NAME` downloads); or give the path of one",
                   name, list);
}

static fv_status check_options(const fv_dataset_options *o, fv_error *error) {
    bool sized = o->height >= 1 && o->height <= FV_MAX_SIDE && o->width >= 1 && o->width <= FV_MAX_SIDE;
    if (!sized && (o->height != 0 || o->width != 0))
        return fv_fail(error, FV_E_ARGUMENT, "images of %d x %d: sides must be 1 to %d", o->height, o->width,
                       FV_MAX_SIDE);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return fv_fail(error, FV_E_ARGUMENT, "images of %d channels: image files give 1 or 3", o->channels);
    return FV_OK;
}

fv_status fv_dataset_open_with(const char *name_or_path, const fv_dataset_options *options, fv_dataset **out,
                               fv_error *error) {
    FV_TRY(check_options(options, error));
    char directory[FV_SET_PATH];
    if (strchr(name_or_path, '/') || fv_is_directory(name_or_path) || fv_set_format_of(name_or_path))
        return open_path(name_or_path, options, out, error);
    if (*name_or_path && fv_set_locate(name_or_path, directory))
        return open_set(name_or_path, directory, options, out, error);
    const fv_known_set *known = fv_known_set_find(name_or_path);
    if (known && !known->get) return open_set(known->name, NULL, options, out, error);
    return *name_or_path && access(name_or_path, F_OK) == 0 ? open_path(name_or_path, options, out, error)
                                                            : fail_name(name_or_path, error);
}

fv_status fv_dataset_open(const char *name_or_path, fv_dataset **out, fv_error *error) {
    const fv_dataset_options defaults = {0};
    return fv_dataset_open_with(name_or_path, &defaults, out, error);
}
