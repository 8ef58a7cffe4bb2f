/* What --class-weights means. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/lines.h"
#include "fovea/run.h"

/* n / (k n_c), k the classes that have images; 1 for those that have none. */
static void balance(const fv_dataset *dataset, const fv_indices *training, float *weights) {
    size_t count[FV_MAX_CLASSES] = {0}, n_present = 0;
    for (size_t i = 0; i < training->n; i++) count[dataset->train.labels[training->at[i]]]++;
    for (int c = 0; c < dataset->n_classes; c++) n_present += count[c] > 0;
    for (int c = 0; c < dataset->n_classes; c++)
        weights[c] = count[c] ? (float)((double)training->n / ((double)n_present * (double)count[c])) : 1;
}

static fv_status read_number(const char *path, const char *line, size_t number, float *out, fv_error *error) {
    char *end;
    errno = 0;
    double value = strtod(line, &end);
    end += strspn(end, " \t");
    if (end == line || *end || errno || !(value > 0 && value <= 1e6))
        return fv_fail(error, FV_E_DATA, "%s: line %zu: `%.40s` is no weight: a number above 0, to 1000000, is",
                       fv_path_shown(path), number, line);
    *out = (float)value;
    return FV_OK;
}

static fv_status read_lines(const char *path, fv_lines *lines, int n_classes, float *weights, fv_error *error) {
    int n = 0;
    for (;;) {
        char *line;
        size_t number;
        FV_TRY(fv_lines_next(lines, &line, &number, error));
        if (!line) break;
        if (n < n_classes) FV_TRY(read_number(path, line, number, &weights[n], error));
        n++;
    }
    if (n == n_classes) return FV_OK;
    return fv_fail(error, FV_E_DATA, "%s: holds %d weights; the set has %d classes, each needs a line",
                   fv_path_shown(path), n, n_classes);
}

fv_status fv_run_class_weights(const fv_run_config *config, const fv_dataset *dataset, const fv_indices *training,
                               float **weights, fv_error *error) {
    const char *text = config->class_weights;
    *weights = NULL;
    if (!*text || strcmp(text, "none") == 0) return FV_OK;
    float *found = fv_alloc((size_t)dataset->n_classes, sizeof *found);
    if (!found) return fv_fail(error, FV_E_MEMORY, "class weights: out of memory");
    fv_status status = FV_OK;
    fv_lines *lines = NULL;
    if (strcmp(text, "balanced") == 0) {
        balance(dataset, training, found);
    } else {
        status = fv_lines_open(text, &lines, error);
        if (status == FV_OK) status = read_lines(text, lines, dataset->n_classes, found, error);
        fv_lines_close(lines);
    }
    if (status != FV_OK) {
        free(found);
        return status;
    }
    *weights = found;
    return FV_OK;
}
