/* CSV of pixels as a data set: a row an image, its label and its pixels 0 to 255. With a header the label is the column
 * of that name; without one it is the first. Grey images are square; 3 x side x side values are colour, a pixel's red,
 * green and blue together. A directory holds <name>train.csv and, for a test split, <name>test.csv.
 * As Kaggle's digits, its Fashion-MNIST and Sign Language MNIST, and EMNIST have them. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/files.h"
#include "formats/lines.h"
#include "formats/npy.h"
#include "formats/set_format.h"

enum { FILE_PATH = 820 };

/* ---- one file ---- */

typedef struct table {
    const char *path;
    size_t n_columns, label; /* the label's column */
    fv_shape shape;
    uint8_t *pixels; /* [n][n_columns - 1] */
    uint16_t *labels;
    size_t n, room;
} table;

static fv_status fail(const table *t, fv_error *error, const char *why) {
    return fv_fail(error, FV_E_DATA, "%s: %s", fv_path_shown(t->path), why);
}

/* The side of n pixels in a square; 0: they are none. */
static int side_of(size_t n) {
    size_t side = 1;
    while (side * side < n) side++;
    return side * side == n && side <= FV_MAX_SIDE ? (int)side : 0;
}

static fv_status find_shape(table *t, fv_error *error) {
    size_t n = t->n_columns - 1;
    int grey = n > 0 && n <= (size_t)FV_MAX_SIDE * FV_MAX_SIDE ? side_of(n) : 0;
    int colour = !grey && n % 3 == 0 && n > 0 && n / 3 <= (size_t)FV_MAX_SIDE * FV_MAX_SIDE ? side_of(n / 3) : 0;
    if (!grey && !colour) {
        bool unlabelled = side_of(t->n_columns) > 1;
        return fv_fail(
            error, FV_E_DATA,
            "%s: has %zu columns, so %zu pixels beside the label, which is neither side x side (grey) nor 3 x "
            "side x side (colour)%s",
            fv_path_shown(t->path), t->n_columns, n,
            unlabelled ? "; if its rows have no label, as those of Kaggle's test.csv, it cannot be used" : "");
    }
    t->shape = grey ? (fv_shape){1, grey, grey} : (fv_shape){3, colour, colour};
    return FV_OK;
}

/* Counts the columns and, in a header, finds the label. */
static fv_status read_head(table *t, char *line, bool header, fv_error *error) {
    bool found = !header;
    for (char *at = line; at; t->n_columns++) {
        const char *cell = fv_cell_next(&at);
        if (!cell) return fail(t, error, "line 1 has quotes that are not closed");
        if (header && (strcasecmp(cell, "label") == 0 || strcasecmp(cell, "class") == 0)) {
            if (found) return fail(t, error, "has two label columns; one is needed");
            found = true;
            t->label = t->n_columns;
        }
    }
    if (!found)
        return fail(t, error,
                    "has no column `label`: without labels nothing can be learned or tested (Kaggle's test.csv has "
                    "none: move it away, and 15 % of the training images are set aside as the test)");
    return find_shape(t, error);
}

static bool grow(table *t) {
    if (t->n < t->room) return true;
    size_t room = t->room ? 2 * t->room : 64;
    uint8_t *pixels = realloc(t->pixels, room * (t->n_columns - 1));
    if (pixels) t->pixels = pixels;
    uint16_t *labels = realloc(t->labels, room * sizeof *labels);
    if (labels) t->labels = labels;
    if (!pixels || !labels) return false;
    t->room = room;
    return true;
}

static fv_status fail_cell(const table *t, size_t number, size_t column, const char *cell, fv_error *error) {
    int length = (int)strcspn(cell, ",");
    bool label = column == t->label;
    return fv_fail(error, FV_E_DATA, "%s: line %zu, column %zu: `%.*s` is no %s: a whole number from 0 to %d is",
                   fv_path_shown(t->path), number, column + 1, length < 40 ? length : 40, cell,
                   label ? "label" : "pixel", label ? FV_MAX_CLASSES - 1 : 255);
}

/* A whole number of at most three digits; false: there is none. */
static bool take_number(const char **at, unsigned *value) {
    const char *from = *at + strspn(*at, " \t\"");
    unsigned x = 0;
    int n = 0;
    for (; n < 4 && isdigit((unsigned char)from[n]); n++) x = 10 * x + (unsigned)(from[n] - '0');
    if (n == 0 || n > 3) return false;
    from += n;
    if (*from && *from != ',') from += strspn(from, " \t\"");
    if (*from && *from != ',') return false;
    *at = *from ? from + 1 : from;
    *value = x;
    return true;
}

static fv_status read_row(table *t, const char *line, size_t number, fv_error *error) {
    if (!grow(t)) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(t->path));
    uint8_t *pixel = t->pixels + t->n * (t->n_columns - 1);
    const char *at = line;
    for (size_t column = 0; column < t->n_columns; column++) {
        const char *cell = at;
        unsigned value;
        if (*cell == 0)
            return fv_fail(error, FV_E_DATA, "%s: line %zu has %zu columns, those above it %zu: is the file cut short?",
                           fv_path_shown(t->path), number, column, t->n_columns);
        if (!take_number(&at, &value) || (column != t->label && value > 255))
            return fail_cell(t, number, column, cell, error);
        if (column == t->label)
            t->labels[t->n] = (uint16_t)value;
        else
            *pixel++ = (uint8_t)value;
    }
    if (*at || at[-1] == ',')
        return fv_fail(error, FV_E_DATA, "%s: line %zu has more than the %zu columns above it", fv_path_shown(t->path),
                       number, t->n_columns);
    t->n++;
    return FV_OK;
}

static fv_status read_rows(table *t, fv_lines *lines, fv_error *error) {
    char *line;
    size_t number;
    FV_TRY(fv_lines_next(lines, &line, &number, error));
    if (!line) return fail(t, error, "is empty");
    bool header = !isdigit((unsigned char)line[strspn(line, " \t\"")]);
    char *copy = fv_copy_text(line);
    if (!copy) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(t->path));
    fv_status status = read_head(t, copy, header, error);
    free(copy);
    FV_TRY(status);
    if (!header) FV_TRY(read_row(t, line, number, error));
    for (;;) {
        FV_TRY(fv_lines_next(lines, &line, &number, error));
        if (!line) break;
        FV_TRY(read_row(t, line, number, error));
    }
    if (t->n > UINT32_MAX / 2) return fail(t, error, "has too many rows");
    return t->n ? FV_OK : fail(t, error, "has a header, but no rows");
}

static fv_status read_file(const char *path, fv_images *out, fv_error *error) {
    table t = {.path = path};
    fv_lines *lines;
    FV_TRY(fv_lines_open(path, &lines, error));
    fv_status status = read_rows(&t, lines, error);
    fv_lines_close(lines);
    if (status == FV_OK && fv_pixels_channels_first(t.pixels, t.n, t.shape) != FV_OK)
        status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    *out = (fv_images){.n = t.n, .shape = t.shape, .pixels = t.pixels, .labels = t.labels};
    return status;
}

/* ---- where files are ---- */

static bool is_regular(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Where `ending` ends the name, before a .gz too; NULL: it does not. */
static const char *find_ending(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0) n -= 3;
    return n >= m && strncmp(name + n - m, ending, m) == 0 ? name + n - m : NULL;
}

/* The first file <name>train.csv of a directory in the order of names, and how many there are. */
static int find_train(const char *directory, char out[FILE_PATH]) {
    struct dirent **entries;
    int n = scandir(directory, &entries, NULL, alphasort), n_found = 0;
    char path[FILE_PATH];
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        int length = snprintf(path, sizeof path, "%s/%s", directory, name);
        bool fits = length > 0 && length < FILE_PATH - 1;
        if (*name != '.' && fits && find_ending(name, "train.csv") && is_regular(path) && n_found++ == 0)
            memcpy(out, path, (size_t)length + 1);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return n_found;
}

/* The companion of <name>train.csv, plain or .gz; false: there is none. */
static bool find_test(const char *train, char out[FILE_PATH]) {
    int before = (int)(find_ending(train, "train.csv") - train);
    for (int gzip = 0; gzip < 2; gzip++) {
        snprintf(out, FILE_PATH, "%.*stest.csv%s", before, train, gzip ? ".gz" : "");
        if (is_regular(out)) return true;
    }
    return false;
}

static bool is_here(const char *path) {
    char train[FILE_PATH];
    if (is_regular(path)) return find_ending(path, ".csv") != NULL;
    return find_train(path, train) > 0;
}

/* EMNIST's CSV files hold their images as its IDX files do. */
static bool is_emnist(const char *path) {
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, "emnist-", 7) == 0;
}

static fv_status read_set(const char *path, fv_set_content *out, fv_error *error) {
    char train[FILE_PATH], test[FILE_PATH];
    out->transposed = is_emnist(path);
    if (is_regular(path)) return read_file(path, &out->train, error);
    int n = find_train(path, train);
    if (n != 1)
        return fv_fail(error, FV_E_DATA, "%s: holds %d files that end in train.csv; one is needed: give its path",
                       fv_path_shown(path), n);
    out->transposed = is_emnist(train);
    FV_TRY(read_file(train, &out->train, error));
    return find_test(train, test) ? read_file(test, &out->test, error) : FV_OK;
}

const fv_set_format fv_set_csv = {"CSV of pixels", is_here, read_set};
