/* metrics.csv and predictions-<split>.csv. */
#define _GNU_SOURCE
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/files.h"
#include "formats/run_config.h"

static const char metrics_head[] = "epoch,time_s,learning_rate,train_loss,train_accuracy,validation_loss,"
                                   "validation_accuracy,images_per_s";
static const char predictions_head[] = "index,true,predicted,p_true,p_predicted,loss";

/* Ends a memory stream and writes what it holds. */
static fv_status write_stream(FILE *f, char **text, const size_t *n, const char *path, fv_error *error) {
    bool good = !ferror(f);
    good = fclose(f) == 0 && good;
    fv_status status = good ? fv_file_write(path, *text, *n, error)
                            : fv_fail(error, FV_E_MEMORY, "%s: out of memory", fv_path_shown(path));
    free(*text);
    return status;
}

fv_status fv_run_write_metrics(const char *directory, const fv_epoch *history, int n, fv_error *error) {
    char path[FV_PATH_SIZE], *text = NULL;
    size_t size = 0;
    FV_TRY(fv_path_join(path, directory, "metrics.csv", error));
    FV_TRY(fv_file_is_own(path, error));
    FILE *f = open_memstream(&text, &size);
    if (!f) return fv_fail(error, FV_E_MEMORY, "%s: out of memory", fv_path_shown(path));
    fprintf(f, "%s\n", metrics_head);
    for (int i = 0; i < n; i++) {
        const fv_epoch *e = &history[i];
        fprintf(f, "%d,%.9g,%.9g,%.9g,%.9g,", e->epoch, e->time_s, e->learning_rate, e->train_loss, e->train_accuracy);
        if (isnan(e->validation_loss))
            fprintf(f, ",,");
        else
            fprintf(f, "%.9g,%.9g,", e->validation_loss, e->validation_accuracy);
        fprintf(f, "%.9g\n", e->images_per_s);
    }
    return write_stream(f, &text, &size, path, error);
}

static fv_status predictions_path(char path[FV_PATH_SIZE], const char *directory, const char *split, fv_error *error) {
    char file[160];
    snprintf(file, sizeof file, "predictions-%s.csv", split);
    return fv_path_join(path, directory, file, error);
}

fv_status fv_run_write_predictions(const char *directory, const char *split, const fv_prediction *predictions, size_t n,
                                   fv_error *error) {
    char path[FV_PATH_SIZE], *text = NULL;
    size_t size = 0;
    FV_TRY(predictions_path(path, directory, split, error));
    FV_TRY(fv_file_is_own(path, error));
    FILE *f = open_memstream(&text, &size);
    if (!f) return fv_fail(error, FV_E_MEMORY, "%s: out of memory", fv_path_shown(path));
    fprintf(f, "%s\n", predictions_head);
    for (size_t i = 0; i < n; i++) {
        const fv_prediction *p = &predictions[i];
        fprintf(f, "%u,%u,%u,%.9g,%.9g,%.9g\n", (unsigned)p->index, (unsigned)p->truth, (unsigned)p->predicted,
                (double)p->p_true, (double)p->p_predicted, (double)p->loss);
    }
    return write_stream(f, &text, &size, path, error);
}

/* One row of exactly n numbers without blanks; an empty cell is NaN. */
static bool read_row(const char *line, double *cells, int n) {
    for (int i = 0; i < n; i++) {
        char *end;
        bool empty = *line == ',' || *line == '\n' || !*line;
        cells[i] = empty ? NAN : strtod(line, &end);
        if (!empty && (end == line || isspace((unsigned char)*line))) return false;
        if (!empty) line = end;
        if (i < n - 1 && *line++ != ',') return false;
    }
    return *line == 0 || *line == '\n';
}

/* Reads a table of numbers under `head`: *cells [*n][width] malloc'd. */
static fv_status read_table(const char *path, const char *head, int width, double **cells, size_t *n, fv_error *error) {
    enum { MOST = 1 << 30 };
    char *text;
    size_t size, rows = 0;
    FV_TRY(fv_file_read(path, MOST, &text, &size, error));
    fv_status status = FV_OK;
    size_t length = strlen(head);
    *cells =
        calloc(size / (size_t)width + 2, (size_t)width * sizeof **cells); /* a sound row is at least `width` bytes */
    if (!*cells) {
        status = fv_fail(error, FV_E_MEMORY, "%s: out of memory", fv_path_shown(path));
    } else if (strlen(text) != size) {
        status = fv_fail(error, FV_E_DATA, "%s: holds a zero byte: this is no text", fv_path_shown(path));
    } else if (strncmp(text, head, length) != 0 || text[length] != '\n') {
        status = fv_fail(error, FV_E_DATA, "%s: the first line must be `%s`", fv_path_shown(path), head);
    } else {
        for (const char *line = text + length + 1; *line && status == FV_OK; rows++) {
            if (!read_row(line, *cells + rows * (size_t)width, width))
                status = fv_fail(error, FV_E_DATA, "%s: line %zu: not %d numbers separated by commas",
                                 fv_path_shown(path), rows + 2, width);
            const char *end = strchr(line, '\n');
            line = end ? end + 1 : line + strlen(line);
        }
    }
    free(text);
    if (status != FV_OK) free(*cells);
    *n = rows;
    return status;
}

fv_status fv_run_read_metrics(const char *directory, fv_epoch **history, int *n, fv_error *error) {
    enum { WIDTH = 8 };
    char path[FV_PATH_SIZE];
    double *cells;
    size_t rows;
    FV_TRY(fv_path_join(path, directory, "metrics.csv", error));
    FV_TRY(read_table(path, metrics_head, WIDTH, &cells, &rows, error));
    fv_epoch *out = calloc(rows + 1, sizeof *out);
    if (!out) {
        free(cells);
        return fv_fail(error, FV_E_MEMORY, "%s: out of memory", fv_path_shown(path));
    }
    for (size_t i = 0; i < rows; i++) {
        const double *c = cells + i * WIDTH;
        out[i] = (fv_epoch){(int)i + 1, c[1], c[2], c[3], c[4], c[5], c[6], c[7]};
    }
    free(cells);
    *history = out;
    *n = (int)rows;
    return FV_OK;
}

/* Whole and in [0, max]. */
static bool is_whole(double x, double max) {
    return x >= 0 && x <= max && x == floor(x);
}

fv_status fv_run_read_predictions(const char *directory, const char *split, fv_prediction **predictions, size_t *n,
                                  fv_error *error) {
    enum { WIDTH = 6 };
    char path[FV_PATH_SIZE];
    double *cells;
    size_t rows;
    FV_TRY(predictions_path(path, directory, split, error));
    FV_TRY(read_table(path, predictions_head, WIDTH, &cells, &rows, error));
    fv_status status = FV_OK;
    fv_prediction *out = calloc(rows + 1, sizeof *out);
    if (!out) status = fv_fail(error, FV_E_MEMORY, "%s: out of memory", fv_path_shown(path));
    for (size_t i = 0; i < rows && status == FV_OK; i++) {
        const double *c = cells + i * WIDTH;
        if (!is_whole(c[0], UINT32_MAX) || !is_whole(c[1], FV_MAX_CLASSES - 1) || !is_whole(c[2], FV_MAX_CLASSES - 1))
            status = fv_fail(error, FV_E_DATA, "%s: line %zu: index and classes must be whole numbers",
                             fv_path_shown(path), i + 2);
        else
            out[i] =
                (fv_prediction){(uint32_t)c[0], (uint16_t)c[1], (uint16_t)c[2], (float)c[3], (float)c[4], (float)c[5]};
    }
    free(cells);
    if (status != FV_OK) {
        free(out);
        return status;
    }
    *predictions = out;
    *n = rows;
    return FV_OK;
}
