#include <stdlib.h>

#include "fovea/explain.h"

typedef struct mistake {
    float loss;
    uint32_t at;
} mistake;

static int worse_first(const void *a, const void *b) {
    const mistake *p = a, *q = b;
    if (p->loss != q->loss) return p->loss > q->loss ? -1 : 1;
    return p->at < q->at ? -1 : p->at > q->at;
}

fv_status fv_mistakes(const fv_prediction *predictions, size_t n, uint32_t **out, size_t *n_out) {
    size_t n_wrong = 0, k = 0;
    for (size_t i = 0; i < n; i++) n_wrong += predictions[i].predicted != predictions[i].truth;
    mistake *wrong = calloc(n_wrong + 1, sizeof *wrong);
    uint32_t *at = calloc(n_wrong + 1, sizeof *at);
    if (!wrong || !at) {
        free(wrong);
        free(at);
        return FV_E_MEMORY;
    }
    for (size_t i = 0; i < n; i++)
        if (predictions[i].predicted != predictions[i].truth) wrong[k++] = (mistake){predictions[i].loss, (uint32_t)i};
    qsort(wrong, n_wrong, sizeof *wrong, worse_first);
    for (size_t i = 0; i < n_wrong; i++) at[i] = wrong[i].at;
    free(wrong);
    *out = at;
    *n_out = n_wrong;
    return FV_OK;
}
