/* One image, its pixels in the lanes: sixteen lanes of a block would hold fifteen images that nobody asked for. Each
 * output's sum runs in the order of conv.c and dense.c, so the numbers are the same, bit for bit. */
#include <string.h>

#include "kernels/isa.h"

enum { CHANNELS = V_L >= 16 ? 8 : 4, VECTORS = 2 };

void FV_K(single_feed)(const uint8_t *pixels, int w, float scale, float shift, float *y) {
    for (int j = 0; j < w; j += V_L) {
        uint8_t some[16] = {0};
        const int n = w - j < V_L ? w - j : V_L;
        memcpy(some, pixels + j, (size_t)n);
        v_storeu(y + j, v_keep(m_first(n, 0), v_fma(v_from_bytes(some), v_set(scale), v_set(shift))));
    }
}

/* n_q channels from o on of n_v vectors of pixels, of which `valid` count; the lanes behind are written as zero. */
INL void single_tile(int n_q, int n_v, const fv_single_conv *s, const float *const *x, const float *w,
                     const float *bias, float *const *y, const int *valid) {
    V a[CHANNELS][VECTORS];
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int v = 0; v < n_v; v++) a[q][v] = v_set(bias[q]);
    for (int c = 0; c < s->n_in; c++)
        for (int t = 0; t < s->n_taps; t++) {
            V u[VECTORS];
            UNROLL for (int v = 0; v < n_v; v++) u[v] = v_loadu(x[v] + c * s->x_plane + s->taps[t]);
            UNROLL for (int q = 0; q < n_q; q++) {
                V b = v_set(w[(q * s->n_in + c) * s->n_taps + t]);
                UNROLL for (int v = 0; v < n_v; v++) a[q][v] = v_fma(b, u[v], a[q][v]);
            }
        }
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int v = 0; v < n_v; v++) {
        V out = s->relu ? v_max(a[q][v], v_zero()) : a[q][v];
        v_storeu(y[v] + q * s->y_plane, v_keep(m_first(valid[v], 0), out));
    }
}

/* Channels o .. o + n_q, all pixels, VECTORS vectors at a time wherever they lie. */
INL void single_channels(int n_q, const fv_single_conv *s, const float *x, const float *w, const float *bias, float *y,
                         int o) {
    const float *filters = w + (ptrdiff_t)o * s->n_in * s->n_taps;
    for (int i = 0, j = 0; i < s->h;) {
        const float *from[VECTORS];
        float *to[VECTORS];
        int valid[VECTORS], n = 0;
        for (; n < VECTORS && i < s->h; n++) {
            from[n] = x + i * s->x_row + j;
            to[n] = y + o * s->y_plane + i * s->y_row + j;
            valid[n] = s->w - j;
            if ((j += V_L) >= s->w) j = 0, i++;
        }
        if (n == VECTORS)
            single_tile(n_q, VECTORS, s, from, filters, bias + o, to, valid);
        else
            single_tile(n_q, 1, s, from, filters, bias + o, to, valid);
    }
}

static void channels_many(const fv_single_conv *s, const float *x, const float *w, const float *bias, float *y, int o) {
    single_channels(CHANNELS, s, x, w, bias, y, o);
}
static void channels_one(const fv_single_conv *s, const float *x, const float *w, const float *bias, float *y, int o) {
    single_channels(1, s, x, w, bias, y, o);
}

void FV_K(single_conv)(const fv_single_conv *s, const float *x, const float *w, const float *bias, float *y) {
    int o = 0;
    for (; o + CHANNELS <= s->n_out; o += CHANNELS) channels_many(s, x, w, bias, y, o);
    for (; o < s->n_out; o++) channels_one(s, x, w, bias, y, o);
}

static inline float larger(float a, float b) {
    return a > b ? a : b;
}

void FV_K(single_pool)(int h, int w, const float *x, ptrdiff_t x_row, float *y, ptrdiff_t y_row) {
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++) {
            const float *top = x + 2 * i * x_row + 2 * j, *bottom = top + x_row;
            y[i * y_row + j] = larger(larger(bottom[1], bottom[0]), larger(top[1], top[0]));
        }
}

/* n vectors of outputs. */
INL void single_outputs(int n, int n_in, ptrdiff_t stride, const float *x, const float *w, const float *bias, float *y,
                        int relu) {
    V a[4];
    UNROLL for (int v = 0; v < n; v++) a[v] = v_load(bias + v * V_L);
    for (int i = 0; i < n_in; i++) {
        const V in = v_set(x[i]);
        UNROLL for (int v = 0; v < n; v++) a[v] = v_fma(v_load(w + i * stride + v * V_L), in, a[v]);
    }
    UNROLL for (int v = 0; v < n; v++) v_storeu(y + v * V_L, relu ? v_max(a[v], v_zero()) : a[v]);
}

void FV_K(single_dense)(int n_in, int n_out, const float *x, const float *w, const float *bias, float *y, int relu) {
    const int stride = fv_round_up(n_out, 16);
    int o = 0;
    for (; o + 4 * V_L <= stride; o += 4 * V_L) single_outputs(4, n_in, stride, x, w + o, bias + o, y + o, relu);
    for (; o < stride; o += V_L) single_outputs(1, n_in, stride, x, w + o, bias + o, y + o, relu);
}
