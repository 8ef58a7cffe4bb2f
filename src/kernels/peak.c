/* What the machine can do at most, measured with the vectors that the kernels use. */
#include "kernels/isa.h"

enum { CHAINS = 12 }; /* above latency x multiply-adds started a cycle; with their operand still in 16 registers */

size_t FV_K(fma_chains)(size_t n, float x, float *sums) {
    V a[CHAINS];
    const V factor = v_set(x);
    UNROLL for (int k = 0; k < CHAINS; k++) a[k] = v_set((float)k);
    for (size_t i = 0; i < n; i++) UNROLL for (int k = 0; k < CHAINS; k++) a[k] = v_fma(a[k], factor, factor);
    UNROLL for (int k = 0; k < CHAINS; k++) v_storeu(sums + k * V_L, a[k]);
    return n * CHAINS * V_L;
}

float FV_K(stream_sum)(size_t n, const float *x) {
    enum { SUMS = 8 };
    V sum[SUMS];
    float lanes[V_L], total = 0;
    UNROLL for (int k = 0; k < SUMS; k++) sum[k] = v_zero();
    for (size_t i = 0; i < n; i += SUMS * V_L)
        UNROLL for (int k = 0; k < SUMS; k++) sum[k] = v_add(sum[k], v_load(x + i + k * V_L));
    UNROLL for (int k = 1; k < SUMS; k++) sum[0] = v_add(sum[0], sum[k]);
    v_storeu(lanes, sum[0]);
    for (int l = 0; l < V_L; l++) total += lanes[l];
    return total;
}
