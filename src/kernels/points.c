/* What points do to each other: candidates for the nearest neighbours, and the forces of t-SNE.
 * Source: van der Maaten, Hinton 2008, "Visualizing data using t-SNE". */
#include "kernels/isa.h"

void FV_K(within)(int n, const float *product, const float *norm, const float *limit, uint16_t *which) {
    for (int i = 0; i < n; i++) {
        const V most = v_set(limit[i]);
        unsigned bits = 0;
        UNROLL for (int v = 0; v < NV; v++) {
            V sum = v_add(v_load(product + i * FV_LANES + v * V_L), v_load(norm + v * V_L));
            bits |= m_to_bits(v_gt(most, sum)) << v * V_L;
        }
        which[i] = (uint16_t)bits;
    }
}

/* One row of the attraction; sums [2][16]: x and y, not folded. */
INL void attract_row(const float *at, const uint32_t *to, const uint32_t *end, const float *p, const float *xy,
                     float *sums) {
    const V x = v_set(at[0]), y = v_set(at[1]), one = v_set(1);
    V fx[NV], fy[NV];
    UNROLL for (int v = 0; v < NV; v++) fx[v] = fy[v] = v_zero();
    for (; to < end; to += FV_LANES, p += FV_LANES) {
        UNROLL for (int v = 0; v < NV; v++) {
            V dy, dx = v_pairs(xy, to + v * V_L, &dy);
            dx = v_sub(x, dx);
            dy = v_sub(y, dy);
            V weight = v_div(v_load(p + v * V_L), v_fma(dx, dx, v_fma(dy, dy, one)));
            fx[v] = v_fma(weight, dx, fx[v]);
            fy[v] = v_fma(weight, dy, fy[v]);
        }
    }
    UNROLL for (int v = 0; v < NV; v++) {
        v_store(sums + v * V_L, fx[v]);
        v_store(sums + FV_LANES + v * V_L, fy[v]);
    }
}

void FV_K(attract)(int begin, int end, const uint32_t *start, const uint32_t *to, const float *p, const float *xy,
                   float *force) {
    _Alignas(64) float sums[8][2 * FV_LANES], folded[FV_LANES];
    for (int first = begin; first < end; first += 8) {
        const int n = end - first < 8 ? end - first : 8;
        for (int i = 0; i < n; i++) {
            const uint32_t from = start[first + i];
            attract_row(xy + 2 * (first + i), to + from, to + start[first + i + 1], p + from, xy, sums[i]);
        }
        v_fold16(sums[0], folded);
        for (int i = 0; i < 2 * n; i++) force[2 * first + i] = folded[i];
    }
}

enum { STRETCH = 256 }; /* points summed on their own, so that a sum over many keeps its last bits */

void FV_K(repel)(int begin, int end, int n, const float *x, const float *y, float *fx, float *fy, float *z) {
    const V one = v_set(1);
    for (int i = begin; i < end; i += V_L) {
        const V xi = v_load(x + i), yi = v_load(y + i);
        V sum_x = v_zero(), sum_y = v_zero(), sum_z = v_zero();
        for (int first = 0; first < n; first += STRETCH) {
            const int last = n - first < STRETCH ? n : first + STRETCH;
            V part_x = v_zero(), part_y = v_zero(), part_z = v_zero();
            for (int j = first; j < last; j++) {
                V dx = v_sub(xi, v_bc(x + j)), dy = v_sub(yi, v_bc(y + j));
                V q = v_div(one, v_fma(dx, dx, v_fma(dy, dy, one))), qq = v_mul(q, q);
                part_z = v_add(part_z, q);
                part_x = v_fma(qq, dx, part_x);
                part_y = v_fma(qq, dy, part_y);
            }
            sum_x = v_add(sum_x, part_x);
            sum_y = v_add(sum_y, part_y);
            sum_z = v_add(sum_z, part_z);
        }
        v_store(fx + i, sum_x);
        v_store(fy + i, sum_y);
        v_store(z + i, sum_z);
    }
}
