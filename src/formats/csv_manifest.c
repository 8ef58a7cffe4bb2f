/* A CSV manifest of image files as a data set: a header with the columns `path` and `label`, and `split` (train, val or
 * test) where there is one; others are not read. Paths are absolute, or begin where the manifest lies. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "formats/class_names.h"
#include "formats/files.h"
#include "formats/image_list.h"
#include "formats/lines.h"
#include "formats/natural_order.h"
#include "fovea/net.h"

enum { PATH_COLUMN, LABEL_COLUMN, SPLIT_COLUMN, N_COLUMNS, MOST_COLUMNS = 1000 };

static const char *const column_names[N_COLUMNS] = {"path", "label", "split"};
static const char *const split_names[3] = {"train", "val", "test"};

typedef struct manifest {
    const char *path;
    const fv_dataset_options *options;
    fv_lines *lines;
    int column[N_COLUMNS]; /* where it stands; -1: nowhere */
    fv_image_list list;    /* labels count class_names */
    fv_error *error;
} manifest;

/* Finds the columns of a header, which is changed. False where it is none of a manifest. */
static bool read_header(char *line, int column[N_COLUMNS]) {
    for (int c = 0; c < N_COLUMNS; c++) column[c] = -1;
    int n = 0;
    for (char *at = line; at && n < MOST_COLUMNS; n++) {
        const char *cell = fv_cell_next(&at);
        if (!cell) return false;
        for (int c = 0; c < N_COLUMNS; c++)
            if (column[c] < 0 && strcasecmp(cell, column_names[c]) == 0) column[c] = n;
    }
    return column[PATH_COLUMN] >= 0 && column[LABEL_COLUMN] >= 0;
}

static bool is_csv(const char *path) {
    struct stat info;
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0) n -= 3;
    return n > 4 && strncmp(path + n - 4, ".csv", 4) == 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static bool is_here(const char *path) {
    fv_lines *lines;
    char *line;
    size_t number;
    int column[N_COLUMNS];
    if (!is_csv(path) || fv_lines_open(path, &lines, NULL) != FV_OK) return false;
    bool found = fv_lines_next(lines, &line, &number, NULL) == FV_OK && line && read_header(line, column);
    fv_lines_close(lines);
    return found;
}

static fv_status fail_row(const manifest *m, size_t number, const char *cell, const char *what) {
    char shown[120];
    fv_name_shown(cell, shown, sizeof shown);
    return fv_fail(m->error, FV_E_DATA, "%s: line %zu: \"%s\" %s", fv_path_shown(m->path), number, shown, what);
}

static fv_status find_split(const manifest *m, const char *cell, size_t number, fv_list_split *out) {
    for (int split = 0; split < 3; split++) {
        if (strcasecmp(cell, split_names[split]) != 0) continue;
        *out = (fv_list_split)split;
        return FV_OK;
    }
    return fail_row(m, number, cell, "is no split: train, val or test is");
}

/* The class of a label, which training rows may be the first to name. */
static fv_status find_class(manifest *m, const char *cell, size_t number, int *out) {
    fv_image_list *list = &m->list;
    for (*out = 0; *out < list->n_classes; ++*out)
        if (strcmp(list->class_names[*out], cell) == 0) return FV_OK;
    if (m->options->class_names) return fail_row(m, number, cell, "is none of the classes of the model");
    if (!fv_class_name_good(cell))
        return fail_row(m, number, cell, "is no class name: 1 to 100 bytes of UTF-8 without control characters are");
    if (list->n_classes == FV_MAX_CLASSES) return fail_row(m, number, cell, "is one class too many: 1000 are allowed");
    list->class_names[list->n_classes] = fv_copy_text(cell);
    if (!list->class_names[list->n_classes])
        return fv_fail(m->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(m->path));
    list->n_classes++;
    return FV_OK;
}

static fv_status read_row(manifest *m, char *line, size_t number) {
    const char *cells[N_COLUMNS] = {NULL, NULL, "train"};
    int n = 0, label;
    for (char *at = line; at && n < MOST_COLUMNS; n++) {
        const char *cell = fv_cell_next(&at);
        if (!cell)
            return fv_fail(m->error, FV_E_DATA, "%s: line %zu has quotes that are not closed", fv_path_shown(m->path),
                           number);
        for (int c = 0; c < N_COLUMNS; c++)
            if (m->column[c] == n) cells[c] = cell;
    }
    fv_list_split split = FV_LIST_TRAIN;
    if (!cells[PATH_COLUMN] || !cells[LABEL_COLUMN] || !*cells[PATH_COLUMN] || n <= m->column[SPLIT_COLUMN])
        return fv_fail(m->error, FV_E_DATA, "%s: line %zu has no %s: each row needs a path and a label%s",
                       fv_path_shown(m->path), number,
                       !cells[PATH_COLUMN] || !*cells[PATH_COLUMN] ? "path"
                       : !cells[LABEL_COLUMN]                      ? "label"
                                                                   : "split",
                       m->column[SPLIT_COLUMN] >= 0 ? ", and here a split" : "");
    FV_TRY(find_split(m, cells[SPLIT_COLUMN], number, &split));
    FV_TRY(find_class(m, cells[LABEL_COLUMN], number, &label));
    if (fv_image_list_add(&m->list, cells[PATH_COLUMN], label, split) != FV_OK)
        return fv_fail(m->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(m->path));
    return FV_OK;
}

static fv_status read_rows(manifest *m) {
    char *line;
    size_t number;
    FV_TRY(fv_lines_next(m->lines, &line, &number, m->error));
    if (!line || !read_header(line, m->column))
        return fv_fail(m->error, FV_E_DATA, "%s: has no columns `path` and `label`", fv_path_shown(m->path));
    for (;;) {
        FV_TRY(fv_lines_next(m->lines, &line, &number, m->error));
        if (!line) return FV_OK;
        FV_TRY(read_row(m, line, number));
    }
}

/* ---- classes ---- */

static int compare(const void *a, const void *b) {
    return fv_natural_compare(*(char *const *)a, *(char *const *)b);
}

/* Every class must have a training image: the model would never see it. */
static fv_status check_classes(const manifest *m) {
    bool seen[FV_MAX_CLASSES] = {false};
    const fv_image_list *list = &m->list;
    if (list->n == 0) return fv_fail(m->error, FV_E_DATA, "%s: has a header, but no rows", fv_path_shown(m->path));
    if (m->options->class_names) return FV_OK;
    if (list->n_classes < 2)
        return fv_fail(m->error, FV_E_DATA, "%s: all labels are \"%s\"; at least two classes are needed",
                       fv_path_shown(m->path), list->class_names[0]);
    for (size_t i = 0; i < list->n; i++) seen[list->at[i].label] |= list->at[i].split == FV_LIST_TRAIN;
    for (int c = 0; c < list->n_classes; c++)
        if (!seen[c])
            return fv_fail(m->error, FV_E_DATA, "%s: no training image is labelled \"%s\"", fv_path_shown(m->path),
                           list->class_names[c]);
    return FV_OK;
}

/* Classes in natural order, as those of folders. */
static fv_status order_classes(manifest *m) {
    fv_image_list *list = &m->list;
    if (m->options->class_names) return FV_OK;
    size_t n = (size_t)list->n_classes;
    char **sorted = fv_alloc(n, sizeof *sorted);
    if (!sorted) return fv_fail(m->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(m->path));
    uint16_t place[FV_MAX_CLASSES] = {0};
    memcpy(sorted, list->class_names, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t c = 0; c < n; c++)
        for (size_t k = 0; k < n; k++)
            if (list->class_names[c] == sorted[k]) place[c] = (uint16_t)k;
    memcpy(list->class_names, sorted, n * sizeof *sorted);
    for (size_t i = 0; i < list->n; i++) list->at[i].label = place[list->at[i].label];
    free(sorted);
    return FV_OK;
}

static fv_status start_classes(manifest *m) {
    const fv_dataset_options *o = m->options;
    m->list.class_names = calloc(FV_MAX_CLASSES, sizeof *m->list.class_names);
    bool good = m->list.class_names != NULL;
    for (int i = 0; good && o->class_names && i < o->n_classes; i++) {
        m->list.class_names[i] = fv_copy_text(o->class_names[i]);
        good = m->list.class_names[i] != NULL;
        m->list.n_classes += good;
    }
    return good ? FV_OK : fv_fail(m->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(m->path));
}

static fv_status read_set(const char *path, fv_set_content *out, fv_error *error) {
    char root[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(root, sizeof root, "%.*s", slash ? (int)(slash - path) + !(slash - path) : 1, slash ? path : ".");
    manifest m = {.path = path,
                  .options = out->options,
                  .list = {.root = root, .name = path, .add_test = "rows whose split is test"},
                  .error = error};
    FV_TRY(fv_lines_open(path, &m.lines, error));
    fv_status status = start_classes(&m);
    if (status == FV_OK) status = read_rows(&m);
    fv_lines_close(m.lines);
    if (status == FV_OK) status = check_classes(&m);
    if (status == FV_OK) status = order_classes(&m);
    if (status == FV_OK) status = fv_image_list_read(&m.list, out, error);
    fv_image_list_deinit(&m.list);
    return status;
}

const fv_set_format fv_set_manifest = {"manifest of images", is_here, read_set};
