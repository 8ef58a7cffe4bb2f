#include <string.h>

#include "fovea/explain.h"

void fv_confusion(const fv_prediction *predictions, size_t n, int n_classes, size_t *counts) {
    const size_t classes = (size_t)n_classes;
    memset(counts, 0, classes * classes * sizeof *counts);
    for (size_t i = 0; i < n; i++) counts[predictions[i].truth * classes + predictions[i].predicted]++;
}
