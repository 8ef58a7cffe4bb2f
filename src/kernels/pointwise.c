/* Pooling, and what is done to each pixel by itself, on sixteen images. */
#include <stdbool.h>
#include <string.h>

#include "kernels/map.h"

INL void put(float *y, V a, int add) {
    v_store(y, add ? v_add(v_load(y), a) : a);
}

/* Sets pixels (i, j .. w) of a map to +0. */
INL void clear_row(const fv_map *m, int c, int i, int j) {
    if (j < m->w) memset(map_pixel(m, c, i, j), 0, (size_t)(m->w - j) * FV_LANES * sizeof(float));
}

/* Sets what windows of kh x kw at the same stride leave over. */
static void clear_uncovered(const fv_map *m, int c, int n_rows, int n_columns) {
    for (int i = 0; i < m->h; i++) clear_row(m, c, i, i < n_rows ? n_columns : 0);
}

/* ---- pooling ---- */

INL void max_window(const float *x, ptrdiff_t row, const int k, float *y, uint8_t *which) {
    V most = v_load(x), place = v_zero();
    for (int t = 1; t < k * k; t++) {
        V at = v_load(x + t / k * row + t % k * FV_LANES);
        M more = v_gt(at, most);
        most = v_select(more, at, most);
        place = v_select(more, v_set((float)t), place);
    }
    v_store(y, most);
    if (which) v_to_bytes(which, place);
}

INL void max_pool(const fv_map *from, const int k, const fv_map *to, uint8_t *which) {
    const fv_map x = *from, y = *to;
    for (int c = 0; c < y.c; c++)
        for (int i = 0; i < y.h; i++) {
            const float *px = map_pixel(&x, c, k * i, 0);
            float *py = map_pixel(&y, c, i, 0);
            for (int j = 0; j < y.w; j++, px += k * FV_LANES, py += FV_LANES) {
                UNROLL for (int v = 0; v < NV; v++)
                    max_window(px + v * V_L, x.row, k, py + v * V_L, which ? which + v * V_L : NULL);
                if (which) which += FV_LANES;
            }
        }
}

void FV_K(max_pool)(const fv_map *x, int k, const fv_map *y, uint8_t *which) {
    if (k == 2)
        max_pool(x, 2, y, which);
    else
        max_pool(x, k, y, which);
}

INL void max_window_dx(const float *dy, const uint8_t *which, const int k, float *dx, ptrdiff_t row, int add) {
    const V gradient = v_load(dy);
    for (int t = 0; t < k * k; t++)
        put(dx + t / k * row + t % k * FV_LANES, v_keep(v_index_is(which, t), gradient), add);
}

INL void max_pool_dx(const fv_map *from, const uint8_t *which, const int k, const fv_map *to, const int add) {
    const fv_map dy = *from, dx = *to;
    for (int c = 0; c < dy.c; c++) {
        for (int i = 0; i < dy.h; i++) {
            const float *p = map_pixel(&dy, c, i, 0);
            float *q = map_pixel(&dx, c, k * i, 0);
            for (int j = 0; j < dy.w; j++, p += FV_LANES, q += k * FV_LANES, which += FV_LANES)
                UNROLL for (int v = 0; v < NV; v++)
                    max_window_dx(p + v * V_L, which + v * V_L, k, q + v * V_L, dx.row, add);
        }
        if (!add) clear_uncovered(&dx, c, k * dy.h, k * dy.w);
    }
}

void FV_K(max_pool_dx)(const fv_map *dy, const uint8_t *which, int k, const fv_map *dx, int add) {
    if (k == 2 && !add)
        max_pool_dx(dy, which, 2, dx, 0);
    else
        max_pool_dx(dy, which, k, dx, add);
}

void FV_K(mean_pool)(const fv_map *x, int kh, int kw, const fv_map *y) {
    const V share = v_set(1 / (float)(kh * kw));
    for (int c = 0; c < y->c; c++)
        for (int i = 0; i < y->h; i++)
            for (int j = 0; j < y->w; j++) {
                V sum[NV];
                UNROLL for (int v = 0; v < NV; v++) sum[v] = v_zero();
                for (int r = 0; r < kh; r++) {
                    const float *at = map_pixel(x, c, kh * i + r, kw * j), *end = at + kw * FV_LANES;
                    for (; at < end; at += FV_LANES)
                        UNROLL for (int v = 0; v < NV; v++) sum[v] = v_add(sum[v], v_load(at + v * V_L));
                }
                UNROLL for (int v = 0; v < NV; v++) v_store(map_pixel(y, c, i, j) + v * V_L, v_mul(sum[v], share));
            }
}

void FV_K(mean_pool_dx)(const fv_map *from, int kh, int kw, const fv_map *to, int add) {
    const fv_map dy = *from, dx = *to;
    const V share = v_set(1 / (float)(kh * kw));
    for (int c = 0; c < dy.c; c++) {
        for (int i = 0; i < dy.h * kh; i++) {
            const float *p = map_pixel(&dy, c, i / kh, 0);
            float *q = map_pixel(&dx, c, i, 0);
            for (int j = 0; j < dy.w; j++, p += FV_LANES)
                for (int s = 0; s < kw; s++, q += FV_LANES)
                    UNROLL for (int v = 0; v < NV; v++) put(q + v * V_L, v_mul(v_load(p + v * V_L), share), add);
        }
        if (!add) clear_uncovered(&dx, c, kh * dy.h, kw * dy.w);
    }
}

/* ---- pixel by pixel ---- */

typedef enum operation { RELU, GATE, SUM, SAME } operation;

INL V operate(const operation op, V a, const float *b) {
    switch (op) {
    case RELU:
        return v_max(a, v_zero());
    case GATE:
        return v_keep(v_gt(v_load(b), v_zero()), a);
    case SUM:
        return v_add(a, v_load(b));
    default:
        return a;
    }
}

/* y (+)= op(a, b); op is a constant. b may be a where the operation takes one. */
INL void each_pixel(const operation op, const fv_map *a, const fv_map *b, const fv_map *y, int add) {
    const fv_map ma = *a, mb = *b, my = *y;
    const bool flat = map_is_flat(a) && map_is_flat(b) && map_is_flat(y);
    const int n_rows = flat ? 1 : my.h;
    const ptrdiff_t length = (ptrdiff_t)my.w * FV_LANES * (flat ? my.h : 1);
    for (int c = 0; c < my.c; c++)
        for (int i = 0; i < n_rows; i++) {
            const float *pa = map_pixel(&ma, c, i, 0), *pb = map_pixel(&mb, c, i, 0);
            float *py = map_pixel(&my, c, i, 0);
            for (ptrdiff_t e = 0; e < length; e += V_L) put(py + e, operate(op, v_load(pa + e), pb + e), add);
        }
}

void FV_K(relu)(const fv_map *x, const fv_map *y) {
    each_pixel(RELU, x, x, y, 0);
}

void FV_K(relu_dx)(const fv_map *gate, const fv_map *dy, const fv_map *dx, int add) {
    if (add)
        each_pixel(GATE, dy, gate, dx, 1);
    else
        each_pixel(GATE, dy, gate, dx, 0);
}

void FV_K(add)(const fv_map *a, const fv_map *b, const fv_map *y) {
    each_pixel(SUM, a, b, y, 0);
}

void FV_K(copy)(const fv_map *x, const fv_map *y, int add) {
    if (add)
        each_pixel(SAME, x, x, y, 1);
    else
        each_pixel(SAME, x, x, y, 0);
}

void FV_K(mask)(const fv_map *from, const uint16_t *keep, int per_channel, float scale, const fv_map *to, int add) {
    const fv_map x = *from, y = *to;
    const V factor = v_set(scale);
    for (int c = 0; c < x.c; c++)
        for (int i = 0; i < x.h; i++) {
            const float *px = map_pixel(&x, c, i, 0);
            float *py = map_pixel(&y, c, i, 0);
            for (int j = 0; j < x.w; j++, px += FV_LANES, py += FV_LANES) {
                const uint16_t *bits = per_channel ? keep + c : keep++;
                UNROLL for (int v = 0; v < NV; v++)
                    put(py + v * V_L, v_keep(m_bits(bits, v), v_mul(v_load(px + v * V_L), factor)), add);
            }
        }
}

void FV_K(map_clear_border)(const fv_map *m, int border) {
    const size_t width = (size_t)(m->w + 2 * border) * FV_LANES * sizeof(float);
    const size_t side = (size_t)border * FV_LANES * sizeof(float);
    for (int c = 0; c < m->c; c++)
        for (int i = -border; i < m->h + border; i++) {
            if (i < 0 || i >= m->h) {
                memset(map_pixel(m, c, i, -border), 0, width);
            } else {
                memset(map_pixel(m, c, i, -border), 0, side);
                memset(map_pixel(m, c, i, m->w), 0, side);
            }
        }
}
