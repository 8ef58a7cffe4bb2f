/* Batch norm on sixteen images: statistics, normalisation, and the gradient of both.
 *
 * Each lane of a channel sums its pixels in raster order, one addition after another: a chain. FLIGHT channels run side
 * by side, so that their chains hide each other's latency. Behind a max-pool the gradient dy is the pooled map's, and
 * winners name the pixel of each 2x2 window that it belongs to. */
#include <string.h>

#include "kernels/map.h"

enum { FLIGHT = 4 };

/* The pixels of every plane as runs: one where neither map has a border between its rows. */
typedef struct runs {
    int n;
    ptrdiff_t length; /* floats */
} runs;

INL runs plane_runs(const fv_map *a, const fv_map *b) {
    const ptrdiff_t length = (ptrdiff_t)a->w * FV_LANES;
    return map_is_flat(a) && map_is_flat(b) ? (runs){1, length * a->h} : (runs){a->h, length};
}

/* Of the pixel that won window (i, j) of channel c; `place`: the window's winners. Where off, the first pixel. */
INL V winner(const fv_map *x, int c, int i, int j, const uint8_t *place, int v) {
    const float *top = map_pixel(x, c, 2 * i, 2 * j) + v * V_L, *bottom = top + x->row;
    const M column = v_index_bit(place + v * V_L, 0), row = v_index_bit(place + v * V_L, 1);
    V upper = v_select(column, v_load(top + FV_LANES), v_load(top));
    V lower = v_select(column, v_load(bottom + FV_LANES), v_load(bottom));
    return v_select(row, lower, upper);
}

/* ---- sums over the pixels of n channels from c, to sums [n][16] (n is a constant) ---- */

INL void store_sums(const int n, V sum[][NV], int n_lanes, float *sums) {
    UNROLL for (int k = 0; k < n; k++) {
        UNROLL for (int v = 0; v < NV; v++)
            v_store(sums + k * FV_LANES + v * V_L, v_keep(m_first(n_lanes, v), sum[k][v]));
    }
}

/* Of x, or with mean: of (x - mean)^2. */
INL void sum_moment(const int n, const fv_map *x, int c, const float *mean, int n_lanes, float *sums) {
    V sum[FLIGHT][NV], centre[FLIGHT];
    UNROLL for (int k = 0; k < n; k++) {
        centre[k] = mean ? v_set(mean[k]) : v_zero();
        UNROLL for (int v = 0; v < NV; v++) sum[k][v] = v_zero();
    }
    const runs r = plane_runs(x, x);
    for (int i = 0; i < r.n; i++) {
        const float *at = x->at + c * x->plane + i * x->row, *end = at + r.length;
        for (; at < end; at += FV_LANES) {
            UNROLL for (int k = 0; k < n; k++) {
                UNROLL for (int v = 0; v < NV; v++) {
                    V d = v_load(at + k * x->plane + v * V_L);
                    if (mean) d = v_sub(d, centre[k]);
                    sum[k][v] = mean ? v_fma(d, d, sum[k][v]) : v_add(sum[k][v], d);
                }
            }
        }
    }
    store_sums(n, sum, n_lanes, sums);
}

/* Of the gradient, and of gradient * (x - mean). winners NULL: dy is a full map. */
INL void sum_gradient(const int n, const fv_map *x, const fv_map *dy, const uint8_t *winners, int c, const float *mean,
                      float *sums_dy, float *sums_dy_x) {
    V sum[FLIGHT][NV], sum_x[FLIGHT][NV], centre[FLIGHT];
    UNROLL for (int k = 0; k < n; k++) {
        centre[k] = v_set(mean[k]);
        UNROLL for (int v = 0; v < NV; v++) sum[k][v] = sum_x[k][v] = v_zero();
    }
    for (int i = 0; i < dy->h; i++)
        for (int j = 0; j < dy->w; j++) {
            UNROLL for (int k = 0; k < n; k++) {
                UNROLL for (int v = 0; v < NV; v++) {
                    const ptrdiff_t window = ((ptrdiff_t)(c + k) * dy->h + i) * dy->w + j;
                    V d = v_load(map_pixel(dy, c + k, i, j) + v * V_L);
                    V at = winners ? winner(x, c + k, i, j, winners + window * FV_LANES, v)
                                   : v_load(map_pixel(x, c + k, i, j) + v * V_L);
                    sum[k][v] = v_add(sum[k][v], d);
                    sum_x[k][v] = v_fma(d, v_sub(at, centre[k]), sum_x[k][v]);
                }
            }
        }
    store_sums(n, sum, FV_LANES, sums_dy);
    store_sums(n, sum_x, FV_LANES, sums_dy_x);
}

/* Folds sums [n][16], n <= 16, of which the rest are zero. */
INL void fold(int n, const float *sums, float *out) {
    float folded[16];
    v_fold16(sums, folded);
    memcpy(out, folded, (size_t)n * sizeof *out);
}

INL int at_most_16(int n) {
    return n < 16 ? n : 16;
}

/* Folded moments of the n <= 16 channels from c. */
static void moments(const fv_map *x, int c, int n, const float *mean, int n_lanes, float *out) {
    _Alignas(64) float sums[256] = {0};
    int k = 0;
    for (; k + FLIGHT <= n; k += FLIGHT) {
        if (mean)
            sum_moment(FLIGHT, x, c + k, mean + k, n_lanes, sums + k * FV_LANES);
        else
            sum_moment(FLIGHT, x, c + k, NULL, n_lanes, sums + k * FV_LANES);
    }
    for (; k < n; k++) sum_moment(1, x, c + k, mean ? mean + k : NULL, n_lanes, sums + k * FV_LANES);
    fold(n, sums, out);
}

void FV_K(norm_statistics)(const fv_map *x, int n_lanes, float *mean, float *m2) {
    const float count = (float)n_lanes * (float)(x->h * x->w);
    for (int c = 0; c < x->c; c += 16) {
        const int n = at_most_16(x->c - c);
        moments(x, c, n, NULL, n_lanes, mean + c);
        for (int k = 0; k < n; k++) mean[c + k] /= count;
        moments(x, c, n, mean + c, n_lanes, m2 + c);
    }
}

INL void gradient_sums(const fv_map *x, const fv_map *dy, const uint8_t *winners, const float *mean,
                       const float *inverse, float *sum_dy, float *sum_dy_x) {
    for (int c = 0; c < x->c; c += 16) {
        const int n = at_most_16(x->c - c);
        _Alignas(64) float sums[256] = {0}, sums_x[256] = {0};
        int k = 0;
        for (; k + FLIGHT <= n; k += FLIGHT)
            sum_gradient(FLIGHT, x, dy, winners, c + k, mean + c + k, sums + k * FV_LANES, sums_x + k * FV_LANES);
        for (; k < n; k++)
            sum_gradient(1, x, dy, winners, c + k, mean + c + k, sums + k * FV_LANES, sums_x + k * FV_LANES);
        fold(n, sums, sum_dy + c);
        fold(n, sums_x, sum_dy_x + c);
        for (k = c; k < c + n; k++) sum_dy_x[k] *= inverse[k];
    }
}

void FV_K(norm_sums)(const fv_map *x, const fv_map *dy, const float *mean, const float *inverse, float *sum_dy,
                     float *sum_dy_x) {
    gradient_sums(x, dy, NULL, mean, inverse, sum_dy, sum_dy_x);
}

void FV_K(norm_sums_pool)(const fv_map *x, const fv_map *dy, const uint8_t *winners, const float *mean,
                          const float *inverse, float *sum_dy, float *sum_dy_x) {
    gradient_sums(x, dy, winners, mean, inverse, sum_dy, sum_dy_x);
}

/* ---- pixel by pixel ---- */

INL void apply(const fv_map *from, const float *scale, const float *shift, const fv_map *to, const int relu) {
    const fv_map x = *from, y = *to;
    const runs r = plane_runs(from, to);
    for (int c = 0; c < x.c; c++) {
        const V a = v_set(scale[c]), b = v_set(shift[c]);
        for (int i = 0; i < r.n; i++) {
            const float *px = map_pixel(&x, c, i, 0);
            float *py = map_pixel(&y, c, i, 0);
            for (ptrdiff_t e = 0; e < r.length; e += V_L) {
                V out = v_fma(v_load(px + e), a, b);
                v_store(py + e, relu ? v_max(out, v_zero()) : out);
            }
        }
    }
}

void FV_K(norm_apply)(const fv_map *x, const float *scale, const float *shift, const fv_map *y, int relu) {
    if (relu)
        apply(x, scale, shift, y, 1);
    else
        apply(x, scale, shift, y, 0);
}

/* One window: the first of equals wins, window order (0,0) (0,1) (1,0) (1,1). */
INL void apply_window(const float *top, ptrdiff_t x_row, V a, V b, M kept, V keep_scale, float *y, uint8_t *place) {
    const float *bottom = top + x_row;
    V p0 = v_fma(v_load(top), a, b), p1 = v_fma(v_load(top + FV_LANES), a, b);
    V p2 = v_fma(v_load(bottom), a, b), p3 = v_fma(v_load(bottom + FV_LANES), a, b);
    M right_above = v_gt(p1, p0), right_below = v_gt(p3, p2);
    V above = v_select(right_above, p1, p0), below = v_select(right_below, p3, p2);
    M row = v_gt(below, above);
    V most = v_select(row, below, above);
    M on = m_and(v_gt(most, v_zero()), kept);
    v_store(y, v_keep(on, v_mul(most, keep_scale)));
    if (place) m_store_winner(place, m_or(m_and(row, right_below), m_andnot(row, right_above)), row, on);
}

void FV_K(norm_apply_pool)(const fv_map *from, const float *scale, const float *shift, const uint16_t *keep,
                           float keep_scale, const fv_map *to, uint8_t *winners) {
    const fv_map x = *from, y = *to;
    const V kept_scale = v_set(keep ? keep_scale : 1);
    for (int c = 0; c < y.c; c++) {
        const V a = v_set(scale[c]), b = v_set(shift[c]);
        M kept[NV];
        UNROLL for (int v = 0; v < NV; v++) kept[v] = keep ? m_bits(keep + c, v) : m_first(FV_LANES, v);
        for (int i = 0; i < y.h; i++) {
            const float *px = map_pixel(&x, c, 2 * i, 0);
            float *py = map_pixel(&y, c, i, 0);
            for (int j = 0; j < y.w; j++, px += 2 * FV_LANES, py += FV_LANES) {
                UNROLL for (int v = 0; v < NV; v++) apply_window(px + v * V_L, x.row, a, b, kept[v], kept_scale,
                                                                 py + v * V_L, winners ? winners + v * V_L : NULL);
                if (winners) winners += FV_LANES;
            }
        }
    }
}

void FV_K(norm_dx)(const fv_map *from, const fv_map *gradient, const float *a, const float *b, const float *d,
                   int n_lanes, const fv_map *to) {
    const fv_map x = *from, dy = *gradient, dx = *to;
    for (int c = 0; c < x.c; c++) {
        const V va = v_set(a[c]), vb = v_set(b[c]), vd = v_set(d[c]);
        for (int i = 0; i < x.h; i++) {
            const float *px = map_pixel(&x, c, i, 0), *pdy = map_pixel(&dy, c, i, 0);
            float *pdx = map_pixel(&dx, c, i, 0);
            for (int j = 0; j < x.w; j++, px += FV_LANES, pdy += FV_LANES, pdx += FV_LANES) {
                UNROLL for (int v = 0; v < NV; v++) {
                    V out = v_fma(va, v_load(pdy + v * V_L), v_fma(vb, v_load(px + v * V_L), vd));
                    v_store(pdx + v * V_L, v_keep(m_first(n_lanes, v), out));
                }
            }
        }
    }
}

typedef struct factors {
    V a, b, d;
    int n_lanes;
} factors;

/* A pixel's dx; place (NULL: no window covers it) names the winner of its window, `mine` is its place there. */
INL void dx_pixel(const float *x, const float *dy, const uint8_t *place, int mine, const factors *f, float *dx) {
    UNROLL for (int v = 0; v < NV; v++) {
        V out = v_fma(f->b, v_load(x + v * V_L), f->d);
        if (place) out = v_fma(f->a, v_keep(v_index_is(place + v * V_L, mine), v_load(dy + v * V_L)), out);
        v_store(dx + v * V_L, v_keep(m_first(f->n_lanes, v), out));
    }
}

void FV_K(norm_dx_pool)(const fv_map *from, const fv_map *gradient, const uint8_t *winners, const float *a,
                        const float *b, const float *d, int n_lanes, const fv_map *to) {
    const fv_map x = *from, dy = *gradient, dx = *to;
    for (int c = 0; c < x.c; c++) {
        const factors f = {v_set(a[c]), v_set(b[c]), v_set(d[c]), n_lanes};
        for (int i = 0; i < x.h; i++) {
            const int covered = i < 2 * dy.h ? dy.w : 0;
            const uint8_t *place = winners + ((ptrdiff_t)c * dy.h + i / 2) * dy.w * FV_LANES;
            const float *px = map_pixel(&x, c, i, 0), *pdy = map_pixel(&dy, c, i / 2, 0);
            float *pdx = map_pixel(&dx, c, i, 0);
            for (int j = 0; j < covered; j++, px += 2 * FV_LANES, pdx += 2 * FV_LANES) {
                dx_pixel(px, pdy + j * FV_LANES, place + j * FV_LANES, i % 2 * 2, &f, pdx);
                dx_pixel(px + FV_LANES, pdy + j * FV_LANES, place + j * FV_LANES, i % 2 * 2 + 1, &f, pdx + FV_LANES);
            }
            for (int j = 2 * covered; j < x.w; j++, px += FV_LANES, pdx += FV_LANES)
                dx_pixel(px, NULL, NULL, 0, &f, pdx);
        }
    }
}
