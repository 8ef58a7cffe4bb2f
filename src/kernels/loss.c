/* Softmax with negative log-likelihood on sixteen images; exp is our own: the same bits on every machine. */
#include "base/math.h"
#include "kernels/isa.h"

/* exp(x), x <= 0: 2^n exp(r), n = round(x / ln 2), |r| <= ln(2)/2, ln 2 in two parts so that r is exact enough; error
 * below 2 units in the last place. 0 below -87, where the result would leave the normal floats. NaN stays NaN.
 * Polynomial: S. L. Moshier, Cephes, expf. */
INL V exponential(V x) {
    V n = v_max(v_round(v_mul(x, v_set(1.44269504F))), v_set(-126)); /* a whole number in range even of a NaN */
    V r = v_fma(n, v_set(-0.693359375F), x);
    r = v_fma(n, v_set(2.12194440e-4F), r);
    V p = v_fma(r, v_set(1.9875691e-4F), v_set(1.3981999e-3F));
    p = v_fma(p, r, v_set(8.3334519e-3F));
    p = v_fma(p, r, v_set(4.1665796e-2F));
    p = v_fma(p, r, v_set(1.6666665e-1F));
    p = v_fma(p, r, v_set(0.5F));
    p = v_fma(v_mul(r, r), p, v_add(r, v_set(1)));
    return v_select(v_gt(v_set(-87), x), v_zero(), v_mul(p, v_pow2(n)));
}

/* Of every lane: the largest logit, sum of exp(z - largest), sum of z - largest, first largest class. */
typedef struct summary {
    _Alignas(64) float largest[16], sum[16], sum_below[16], best[16];
} summary;

/* exponentials (NULL: none) [n][16] gets exp(z - largest). */
INL void summarise(int n, const float *z, int v, float *exponentials, summary *s) {
    V largest = v_load(z + v * V_L), best = v_zero(), sum = v_zero(), below = v_zero();
    for (int k = 1; k < n; k++) {
        V at = v_load(z + k * FV_LANES + v * V_L);
        M more = v_gt(at, largest);
        largest = v_select(more, at, largest);
        best = v_select(more, v_set((float)k), best);
    }
    for (int k = 0; k < n; k++) {
        V d = v_sub(v_load(z + k * FV_LANES + v * V_L), largest), e = exponential(d);
        below = v_add(below, d);
        sum = v_add(sum, e);
        if (exponentials) v_store(exponentials + k * FV_LANES + v * V_L, e);
    }
    v_store(s->largest + v * V_L, largest);
    v_store(s->best + v * V_L, best);
    v_store(s->sum + v * V_L, sum);
    v_store(s->sum_below + v * V_L, below);
}

/* From the exponentials: p and dz, of which one holds them. */
INL void gradients(int n, const float *exponentials, const summary *s, const float *label, int n_lanes, float smoothing,
                   float scale, int v, float *dz, float *p) {
    const float off = smoothing / (float)n;
    const V low = v_set(off), high = v_set(1 - smoothing + off), factor = v_set(scale);
    const V sum = v_load(s->sum + v * V_L), mine = v_load(label + v * V_L);
    const M lanes = m_first(n_lanes, v);
    for (int k = 0; k < n; k++) {
        const int at = k * FV_LANES + v * V_L;
        const V share = v_div(v_load(exponentials + at), sum), class = v_set((float)k);
        const M other = m_or(v_gt(mine, class), v_gt(class, mine));
        if (p) v_store(p + at, share);
        if (dz) v_store(dz + at, v_keep(lanes, v_mul(v_sub(share, v_select(other, low, high)), factor)));
    }
}

void FV_K(softmax_loss)(int n, const float *z, const uint16_t label[16], int n_lanes, float smoothing, float scale,
                        float *dz, float *p, float loss[16], uint16_t best[16]) {
    summary s;
    _Alignas(64) float wanted[16];
    float *exponentials = p ? p : dz;
    for (int l = 0; l < FV_LANES; l++) wanted[l] = l < n_lanes ? (float)label[l] : -1;
    UNROLL for (int v = 0; v < NV; v++) {
        summarise(n, z, v, exponentials, &s);
        if (exponentials) gradients(n, exponentials, &s, wanted, n_lanes, smoothing, scale, v, dz, p);
    }
    for (int l = 0; l < FV_LANES; l++) {
        best[l] = (uint16_t)s.best[l];
        loss[l] = 0;
        if (l >= n_lanes) continue;
        const double log_sum = fv_log(s.sum[l]), mean_below = (double)s.sum_below[l] / n;
        const double likelihood = (double)z[label[l] * FV_LANES + l] - (double)s.largest[l];
        loss[l] = (float)(log_sum - (1 - (double)smoothing) * likelihood - (double)smoothing * mean_below);
    }
}
