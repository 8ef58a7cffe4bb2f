#include <stdlib.h>
#include <string.h>

#include "fovea/explain.h"

void fv_confusion(const fv_prediction *predictions, size_t n, int n_classes, size_t *counts) {
    const size_t classes = (size_t)n_classes;
    memset(counts, 0, classes * classes * sizeof *counts);
    for (size_t i = 0; i < n; i++) counts[predictions[i].truth * classes + predictions[i].predicted]++;
}

fv_status fv_macro_of(const fv_prediction *predictions, size_t n, int n_classes, fv_macro_score *out) {
    const size_t classes = (size_t)n_classes;
    size_t *counts = calloc(classes * classes, sizeof *counts);
    fv_class_score *scores = calloc(classes, sizeof *scores);
    fv_status status = counts && scores ? FV_OK : FV_E_MEMORY;
    if (status == FV_OK) {
        fv_confusion(predictions, n, n_classes, counts);
        fv_class_scores(counts, n_classes, scores);
        *out = fv_macro_scores(scores, n_classes);
    }
    free(counts);
    free(scores);
    return status;
}
