/* Pooling, and what is done to each pixel by itself, on sixteen images. */
#include <string.h>

#include "base/philox.h"
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

INL void max_pool(const fv_map *x, const int k, const fv_map *y, uint8_t *which) {
    for (int c = 0; c < y->c; c++)
        for (int i = 0; i < y->h; i++)
            for (int j = 0; j < y->w; j++) {
                UNROLL for (int v = 0; v < NV; v++)
                    max_window(map_pixel(x, c, k * i, k * j) + v * V_L, x->row, k, map_pixel(y, c, i, j) + v * V_L,
                               which ? which + v * V_L : NULL);
                if (which) which += FV_LANES;
            }
}

void FV_K(max_pool)(const fv_map *x, int k, const fv_map *y, uint8_t *which) {
    if (k == 2)
        max_pool(x, 2, y, which);
    else
        max_pool(x, k, y, which);
}

INL void max_pool_dx(const fv_map *dy, const uint8_t *which, const int k, const fv_map *dx, int add) {
    for (int c = 0; c < dy->c; c++) {
        for (int i = 0; i < dy->h; i++)
            for (int j = 0; j < dy->w; j++, which += FV_LANES) UNROLL for (int v = 0; v < NV; v++) {
                    V gradient = v_load(map_pixel(dy, c, i, j) + v * V_L);
                    for (int t = 0; t < k * k; t++)
                        put(map_pixel(dx, c, k * i + t / k, k * j + t % k) + v * V_L,
                            v_keep(v_index_is(which + v * V_L, t), gradient), add);
                }
        if (!add) clear_uncovered(dx, c, k * dy->h, k * dy->w);
    }
}

void FV_K(max_pool_dx)(const fv_map *dy, const uint8_t *which, int k, const fv_map *dx, int add) {
    if (k == 2)
        max_pool_dx(dy, which, 2, dx, add);
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

void FV_K(mean_pool_dx)(const fv_map *dy, int kh, int kw, const fv_map *dx, int add) {
    const V share = v_set(1 / (float)(kh * kw));
    for (int c = 0; c < dy->c; c++) {
        for (int i = 0; i < dy->h; i++)
            for (int j = 0; j < dy->w; j++) UNROLL for (int v = 0; v < NV; v++) {
                    V each = v_mul(v_load(map_pixel(dy, c, i, j) + v * V_L), share);
                    for (int r = 0; r < kh; r++)
                        for (int s = 0; s < kw; s++) put(map_pixel(dx, c, kh * i + r, kw * j + s) + v * V_L, each, add);
                }
        if (!add) clear_uncovered(dx, c, kh * dy->h, kw * dy->w);
    }
}

/* ---- pixel by pixel ---- */

/* Runs `statement` for every vector of maps of one shape: c, i the row, e the float inside it. */
#define EACH_VECTOR(shape, statement)                                                                                  \
    for (int c = 0; c < (shape)->c; c++)                                                                               \
        for (int i = 0; i < (shape)->h; i++)                                                                           \
            for (ptrdiff_t e = 0; e < (ptrdiff_t)(shape)->w * FV_LANES; e += V_L) statement

#define AT(m) (map_pixel(m, c, i, 0) + e)

void FV_K(relu)(const fv_map *x, const fv_map *y) {
    EACH_VECTOR(x, v_store(AT(y), v_max(v_load(AT(x)), v_zero())));
}

void FV_K(relu_dx)(const fv_map *gate, const fv_map *dy, const fv_map *dx, int add) {
    EACH_VECTOR(dy, put(AT(dx), v_keep(v_gt(v_load(AT(gate)), v_zero()), v_load(AT(dy))), add));
}

void FV_K(add)(const fv_map *a, const fv_map *b, const fv_map *y) {
    EACH_VECTOR(y, v_store(AT(y), v_add(v_load(AT(a)), v_load(AT(b)))));
}

void FV_K(copy)(const fv_map *x, const fv_map *y, int add) {
    EACH_VECTOR(x, put(AT(y), v_load(AT(x)), add));
}

void FV_K(mask)(const fv_map *x, const uint16_t *keep, int per_channel, float scale, const fv_map *y, int add) {
    const V factor = v_set(scale);
    for (int c = 0; c < x->c; c++)
        for (int i = 0; i < x->h; i++)
            for (int j = 0; j < x->w; j++) {
                const uint16_t *bits = per_channel ? keep + c : keep++;
                const float *from = map_pixel(x, c, i, j);
                float *to = map_pixel(y, c, i, j);
                UNROLL for (int v = 0; v < NV; v++)
                    put(to + v * V_L, v_keep(m_bits(bits, v), v_mul(v_load(from + v * V_L), factor)), add);
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

/* ---- dropout ---- */

static const uint32_t lane_numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* fv_philox of base/philox.h on vectors of counters. */
INL void philox(uint32_t k0, uint32_t k1, W c[4]) {
    UNROLL for (int round = 0; round < 10; round++) {
        const W a = w_set(0xD2511F53U), b = w_set(0xCD9E8D57U);
        W n0 = w_xor(w_xor(w_mul_hi(c[2], b), c[1]), w_set(k0));
        W n2 = w_xor(w_xor(w_mul_hi(c[0], a), c[3]), w_set(k1));
        c[1] = w_mul_lo(c[2], b);
        c[3] = w_mul_lo(c[0], a);
        c[0] = n0;
        c[2] = n2;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
}

void FV_K(keep_masks)(uint32_t seed0, uint32_t position, uint32_t epoch, uint32_t layer, int n, uint32_t threshold,
                      uint16_t *keep) {
    const W limit = w_set(threshold);
    for (int i = 0; i < n; i += 4) {
        unsigned bits[4] = {0};
        UNROLL for (int v = 0; v < NV; v++) {
            W words[4] = {w_add(w_set(position), w_load(lane_numbers + v * V_L)), w_set(epoch), w_set(layer),
                          w_set((uint32_t)i / 4)};
            philox(seed0, FV_RANDOM_DROPOUT, words);
            UNROLL for (int k = 0; k < 4; k++) bits[k] |= m_to_bits(w_lt(words[k], limit)) << v * V_L;
        }
        for (int k = 0; k < 4 && i + k < n; k++) keep[i + k] = (uint16_t)bits[k];
    }
}
