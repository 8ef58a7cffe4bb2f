/* Folders of images: train/<class>/, val/, test/, or <class>/ alone. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "data/images.h"
#include "formats/class_names.h"
#include "formats/files.h"
#include "formats/image_list.h"
#include "formats/known_sets.h"
#include "formats/natural_order.h"
#include "fovea/image.h"
#include "fovea/net.h"

enum { MOST_DEPTH = 8 /* of folders inside a class */ };

static const char *const split_names[][5] = {
    {"train", "training"}, {"val", "valid", "validation", "dev"}, {"test", "testing"}};

/* The names in a directory, hidden ones left out, in natural order. */
typedef struct listing {
    char **names;
    int n;
} listing;

static int compare(const struct dirent **a, const struct dirent **b) {
    return fv_natural_compare((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static fv_status list_directory(const char *path, listing *out, fv_error *error) {
    struct dirent **entries;
    int n = scandir(path, &entries, is_shown, compare);
    if (n < 0)
        return fv_fail(error, errno == ENOMEM ? FV_E_MEMORY : FV_E_IO, "%s: could not be read: %s", fv_path_shown(path),
                       strerror(errno));
    *out = (listing){calloc((size_t)n + 1, sizeof *out->names), 0};
    for (int i = 0; i < n; i++) {
        char *name = out->names ? strdup(entries[i]->d_name) : NULL;
        if (name) out->names[out->n++] = name;
        free(entries[i]);
    }
    free(entries);
    if (out->n == n) return FV_OK;
    fv_strings_free(out->names, out->n);
    return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
}

static bool join(char out[PATH_MAX], const char *directory, const char *name) {
    int n = snprintf(out, PATH_MAX, "%s%s%s", directory, *directory && *name ? "/" : "", name);
    return n >= 0 && n < PATH_MAX;
}

/* A folder may be a link, but inside a class links to folders are not followed: they could lead in circles. */
static bool is_inner_directory(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_plain_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Whether the folder holds an image file, at any depth that is read; depth 0 is the set, 1 a split or class, 2 a
 * class. */
static fv_status find_images(const char *path, int depth, bool *found, fv_error *error) {
    listing names = {0};
    char inside[PATH_MAX];
    *found = false;
    FV_TRY(list_directory(path, &names, error));
    for (int i = 0; i < names.n && !*found; i++)
        *found = fv_picture_name(names.names[i]) && join(inside, path, names.names[i]) && is_plain_file(inside);
    fv_status status = FV_OK;
    for (int i = 0; i < names.n && !*found && status == FV_OK && depth < MOST_DEPTH; i++)
        if (join(inside, path, names.names[i]) && (depth < 2 ? fv_is_directory(inside) : is_inner_directory(inside)))
            status = find_images(inside, depth + 1, found, error);
    fv_strings_free(names.names, names.n);
    return status;
}

/* Where memory is too short to look, reading it says so. */
static bool is_here(const char *path) {
    bool found;
    return fv_is_directory(path) && (find_images(path, 0, &found, NULL) == FV_E_MEMORY || found);
}

typedef struct scan {
    const char *root;
    const fv_dataset_options *options;
    fv_image_list list;
    size_t n_others; /* files that are no images by their names */
    char other[120]; /* the first of them */
    fv_error *error;
} scan;

static void note(const scan *s, const char *text) {
    if (s->options->on_note) s->options->on_note(s->options->context, text);
}

/* Adds the images below root/`inside`. */
static fv_status add_files(scan *s, const char *inside, int label, fv_list_split split, int depth) {
    char path[PATH_MAX], below[PATH_MAX];
    listing names = {0};
    if (!join(path, s->root, inside))
        return fv_fail(s->error, FV_E_IO, "%s: the path is too long", fv_path_shown(inside));
    FV_TRY(list_directory(path, &names, s->error));
    fv_status status = FV_OK;
    for (int i = 0; i < names.n && status == FV_OK; i++) {
        bool good = join(below, inside, names.names[i]) && join(path, s->root, below);
        if (!good)
            status = fv_fail(s->error, FV_E_IO, "%s: the path is too long", fv_path_shown(below));
        else if (is_inner_directory(path))
            status = depth < MOST_DEPTH ? add_files(s, below, label, split, depth + 1) : FV_OK;
        else if (!fv_picture_name(names.names[i]) || !is_plain_file(path)) {
            if (s->n_others++ == 0) fv_name_shown(below, s->other, sizeof s->other);
        } else if (fv_image_list_add(&s->list, below, label, split) != FV_OK)
            status = fv_fail(s->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(s->root));
    }
    fv_strings_free(names.names, names.n);
    return status;
}

static int class_of(const scan *s, const char *name) {
    for (int i = 0; i < s->list.n_classes; i++)
        if (strcmp(s->list.class_names[i], name) == 0) return i;
    return -1;
}

/* A new class; the array has room for FV_MAX_CLASSES. */
static fv_status add_class(scan *s, const char *where, const char *name) {
    char shown[120];
    fv_name_shown(name, shown, sizeof shown);
    if (!fv_class_name_good(name))
        return fv_fail(s->error, FV_E_DATA,
                       "%s: the folder \"%s\" is no class name: at most 100 bytes of UTF-8 without control characters "
                       "are; rename it",
                       fv_path_shown(where), shown);
    if (s->list.n_classes == FV_MAX_CLASSES)
        return fv_fail(s->error, FV_E_DATA, "%s: holds more than %d folders with images; so many classes are allowed",
                       fv_path_shown(where), FV_MAX_CLASSES);
    char *copy = strdup(name);
    if (!copy) return fv_fail(s->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(where));
    s->list.class_names[s->list.n_classes++] = copy;
    return FV_OK;
}

static fv_status unknown_class(const scan *s, const char *where, const char *name) {
    char shown[120];
    fv_name_shown(name, shown, sizeof shown);
    return fv_fail(s->error, FV_E_DATA, "%s: \"%s\" is none of the %d classes of %s: rename or remove this folder",
                   fv_path_shown(where), shown, s->list.n_classes,
                   s->options->class_names ? "the model" : "the training images");
}

/* The classes below root/`inside`: folders that hold images. Training makes classes, the others must know them. */
static fv_status add_split(scan *s, const char *inside, fv_list_split split) {
    char path[PATH_MAX], below[PATH_MAX];
    listing names = {0};
    bool makes_classes = split == FV_LIST_TRAIN && !s->options->class_names;
    if (!join(path, s->root, inside))
        return fv_fail(s->error, FV_E_IO, "%s: the path is too long", fv_path_shown(inside));
    FV_TRY(list_directory(path, &names, s->error));
    fv_status status = FV_OK;
    for (int i = 0; i < names.n && status == FV_OK; i++) {
        const char *name = names.names[i];
        char folder[PATH_MAX];
        if (!join(below, inside, name) || !join(folder, s->root, below) || !fv_is_directory(folder)) continue;
        bool found;
        status = find_images(folder, 2, &found, s->error);
        if (status == FV_OK && !found) continue;
        if (status == FV_OK && makes_classes) status = add_class(s, path, name);
        if (status != FV_OK) break;
        int label = class_of(s, name);
        status = label < 0 ? unknown_class(s, path, name) : add_files(s, below, label, split, 1);
    }
    fv_strings_free(names.names, names.n);
    return status;
}

/* The split that a folder's name means; -1: none. */
static int split_of(const char *name) {
    for (int split = 0; split < 3; split++)
        for (int i = 0; split_names[split][i]; i++)
            if (strcasecmp(name, split_names[split][i]) == 0) return split;
    return -1;
}

/* The folders named for splits ("" where there is none); others beside a train folder are told. */
static fv_status find_splits(scan *s, char found[3][256]) {
    listing names = {0};
    char path[PATH_MAX], text[400], shown[200];
    FV_TRY(list_directory(s->root, &names, s->error));
    memset(found, 0, 3 * sizeof *found);
    fv_status status = FV_OK;
    bool holds = false;
    for (int i = 0; i < names.n && status == FV_OK; i++) {
        int split = split_of(names.names[i]);
        if (split < 0 || *found[split] || !join(path, s->root, names.names[i]) || !fv_is_directory(path)) continue;
        status = find_images(path, 1, &holds, s->error);
        if (status == FV_OK && holds) snprintf(found[split], sizeof *found, "%s", names.names[i]);
    }
    for (int i = 0; i < names.n && *found[FV_LIST_TRAIN] && status == FV_OK; i++) {
        const char *name = names.names[i];
        bool taken = false;
        for (int split = 0; split < 3; split++) taken |= strcmp(name, found[split]) == 0;
        if (taken || !join(path, s->root, name) || !fv_is_directory(path)) continue;
        status = find_images(path, 1, &holds, s->error);
        if (status == FV_E_IO) status = FV_OK; /* it would be left out anyway */
        if (!holds) continue;
        fv_name_shown(path, shown, sizeof shown);
        snprintf(text, sizeof text, "%s: is neither train, val nor test: left out", shown);
        note(s, text);
    }
    fv_strings_free(names.names, names.n);
    return status;
}

static fv_status scan_all(scan *s) {
    char split[3][256];
    FV_TRY(find_splits(s, split));
    if (!*split[FV_LIST_TRAIN]) return add_split(s, "", FV_LIST_TRAIN);
    for (int i = 0; i < 3; i++)
        if (*split[i]) FV_TRY(add_split(s, split[i], (fv_list_split)i));
    return FV_OK;
}

static fv_status check(const scan *s) {
    const char *root = fv_path_shown(s->root);
    if (s->list.n == 0)
        return fv_fail(s->error, FV_E_DATA,
                       "%s: holds images, but no folder of them: a class is a folder, as in <class>/1.png or "
                       "train/<class>/1.png",
                       root);
    if (s->options->class_names || s->list.n_classes > 1) return FV_OK;
    return fv_fail(s->error, FV_E_DATA,
                   "%s: the only folder with training images is \"%s\"; at least two classes are needed, a folder each",
                   root, s->list.class_names[0]);
}

static fv_status start_classes(scan *s) {
    const fv_dataset_options *o = s->options;
    s->list.class_names = calloc(FV_MAX_CLASSES, sizeof *s->list.class_names);
    if (!s->list.class_names) return fv_fail(s->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(s->root));
    for (int i = 0; o->class_names && i < o->n_classes; i++) FV_TRY(add_class(s, s->root, o->class_names[i]));
    return FV_OK;
}

static fv_status read_folder(const char *path, fv_set_content *out, fv_error *error) {
    scan s = {.root = path,
              .options = out->options,
              .list = {.root = path, .name = path, .add_test = "test/<class>/ beside train/<class>/"},
              .error = error};
    fv_status status = start_classes(&s);
    if (status == FV_OK) status = scan_all(&s);
    if (status == FV_OK) status = check(&s);
    if (status == FV_OK && s.n_others) {
        char text[420];
        snprintf(text, sizeof text, "%s: %zu file%s no image by name, left out: %s%s", fv_path_shown(path), s.n_others,
                 s.n_others == 1 ? " is" : "s are", s.other, s.n_others == 1 ? "" : ", ...");
        note(&s, text);
    }
    if (status == FV_OK) status = fv_image_list_read(&s.list, out, error);
    fv_image_list_deinit(&s.list);
    return status;
}

fv_status fv_image_files(const char *directory, char ***paths, size_t *n, fv_error *error) {
    const fv_dataset_options none = {0};
    scan s = {.root = directory, .options = &none, .list = {.root = directory, .name = directory}, .error = error};
    fv_status status = add_files(&s, "", 0, FV_LIST_TRAIN, 0);
    char **found = status == FV_OK ? calloc(s.list.n + 1, sizeof *found) : NULL;
    if (status == FV_OK && s.list.n == 0)
        status = fv_fail(error, FV_E_DATA, "%s: holds no image files", fv_path_shown(directory));
    for (size_t i = 0; found && i < s.list.n; i++) {
        size_t room = strlen(directory) + strlen(s.list.at[i].file) + 2;
        found[i] = malloc(room);
        if (found[i])
            snprintf(found[i], room, "%s%s%s", directory, directory[strlen(directory) - 1] == '/' ? "" : "/",
                     s.list.at[i].file);
    }
    for (size_t i = 0; i < s.list.n && status == FV_OK; i++)
        if (!found || !found[i])
            status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(directory));
    if (status == FV_OK) {
        *paths = found;
        *n = s.list.n;
    } else {
        fv_strings_free(found, found ? (int)s.list.n : 0);
    }
    fv_image_list_deinit(&s.list);
    return status;
}

const fv_set_format fv_set_folder = {"folders of images", is_here, read_folder};
