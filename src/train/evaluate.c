#include <stdlib.h>

#include "data/images.h"
#include "nn/infer.h"

static void add_up(const fv_prediction *p, size_t n, fv_score *score) {
    *score = (fv_score){.n = n};
    for (size_t i = 0; i < n; i++) {
        score->correct += p[i].truth == p[i].predicted;
        score->loss += p[i].loss;
    }
    if (n) score->loss /= (double)n;
}

fv_status fv_evaluate(const fv_net *net, const fv_images *images, const fv_indices *indices, int n_threads,
                      const fv_augment *augment, uint64_t seed, int epoch, fv_score *score,
                      fv_prediction *predictions) {
    if (!fv_shape_equal(net->input, images->shape) || !fv_labels_below(images, indices, net->n_classes))
        return FV_E_SHAPE;
    size_t n = indices ? indices->n : images->n;
    fv_prediction *p = predictions ? predictions : malloc((n + 1) * sizeof *p);
    if (!p) return FV_E_MEMORY;
    fv_source source = {images, indices ? indices->at : NULL, augment, seed, (uint32_t)epoch};
    fv_sink sink = {.predictions = p};
    fv_status status = fv_infer(net, &source, n, n_threads, &sink);
    if (status == FV_OK) add_up(p, n, score);
    if (!predictions) free(p);
    return status;
}
