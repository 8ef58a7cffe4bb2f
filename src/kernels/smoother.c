/* What `smooth` needs of its weights: fv_smoother. */
#include "base/memory.h"
#include "fovea/data.h"
#include "kernels/kernels.h"

static int even(int n) {
    return n + n % 2;
}

/* Row i of the matrix over n pixels, as 16-bit numbers; false where one does not fit. */
static bool fold_row(const fv_smoother *s, int n, int i, int16_t *row) {
    uint32_t sum[FV_MAX_SIDE + 1] = {0};
    bool fits = true;
    for (int d = -s->radius; d <= s->radius; d++) {
        const int k = i + d;
        sum[k < 0 ? -k : k >= n ? 2 * n - 2 - k : k] += s->weights[d < 0 ? -d : d];
    }
    for (int k = 0; k < even(n); k++) {
        fits = fits && sum[k] <= INT16_MAX;
        row[k] = (int16_t)sum[k];
    }
    return fits;
}

static bool fold(const fv_smoother *s, int16_t *down, uint32_t *along) {
    const int h = s->h, w = s->w, stride = fv_round_up(w, 16);
    bool fits = s->radius != 1; /* blur drops fractions there */
    for (int i = 0; i < h && fits; i++) fits = fold_row(s, h, i, down + i * even(h));
    for (int j = 0; j < w && fits; j++) {
        int16_t row[FV_MAX_SIDE + 1];
        fits = fold_row(s, w, j, row);
        for (int k = 0; k < even(w) / 2; k++)
            along[k * stride + j] = (uint16_t)row[2 * k] | (uint32_t)(uint16_t)row[2 * k + 1] << 16;
    }
    return fits;
}

fv_smoother *fv_smoother_create(int h, int w, int radius, const uint16_t *weights) {
    const size_t n_along = (size_t)(even(w) / 2) * (size_t)fv_round_up(w, 16), n_down = (size_t)h * (size_t)even(h);
    fv_smoother *s = fv_alloc(sizeof *s + n_along * sizeof(uint32_t) + (n_down + (size_t)radius + 1) * 2, 1);
    if (!s) return NULL;
    uint32_t *along = (uint32_t *)(s + 1);
    int16_t *down = (int16_t *)(along + n_along);
    uint16_t *kept = (uint16_t *)(down + n_down);
    *s = (fv_smoother){.h = h, .w = w, .radius = radius, .weights = kept};
    for (int d = 0; d <= radius; d++) {
        kept[d] = weights[d];
        s->total += weights[d] * (d ? 2U : 1U);
    }
    if (!fold(s, down, along)) return s;
    s->down = down;
    s->along = along;
    return s;
}
