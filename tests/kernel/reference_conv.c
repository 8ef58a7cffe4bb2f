#include "kernel/reference_conv.h"

#include <math.h>

/* A sum and the sum of its magnitudes. */
typedef struct sum {
    double value, size;
} sum;

static void add(sum *s, double term) {
    s->value += term;
    s->size += fabs(term);
}

void reference_conv(const fv_conv_shape *s, const float *x, const float *w, const float *bias, const float *before,
                    fv_conv_start start, int relu, double *value, double *size) {
    for (int o = 0; o < s->n_out; o++)
        for (int i = 0; i < s->h; i++)
            for (int j = 0; j < s->w; j++)
                for (int l = 0; l < FV_LANES; l++) {
                    const ptrdiff_t at = o * s->y_plane + i * s->y_row + j * s->y_col + l;
                    sum a = {0, 0};
                    if (start == FV_FROM_BIAS) add(&a, bias[o]);
                    if (start == FV_FROM_Y) add(&a, before[at]);
                    for (int c = 0; c < s->n_in; c++)
                        for (int t = 0; t < s->n_taps; t++)
                            add(&a, (double)w[(o * s->n_in + c) * s->n_taps + t] *
                                        x[c * s->x_plane + i * s->x_row + j * s->x_col + s->taps[t] + l]);
                    value[at] = relu && !(a.value > 0) ? 0 : a.value;
                    size[at] = a.size;
                }
}

void reference_conv_dw(const fv_conv_shape *s, int n_offsets, const int32_t *offsets, const float *x, const float *dy,
                       const float *before, double *value, double *size) {
    for (int o = 0; o < s->n_out; o++)
        for (int t = 0; t < n_offsets; t++) {
            sum a = {0, 0};
            for (int i = 0; i < s->h; i++)
                for (int j = 0; j < s->w; j++)
                    for (int l = 0; l < FV_LANES; l++)
                        add(&a, (double)dy[o * s->y_plane + i * s->y_row + j * s->y_col + l] *
                                    x[offsets[t] + i * s->x_row + j * s->x_col + l]);
            if (before) add(&a, before[o * n_offsets + t]);
            value[o * n_offsets + t] = a.value;
            size[o * n_offsets + t] = a.size;
        }
}

void reference_channel_sum(const fv_map *dy, const float *before, double *value, double *size) {
    for (int k = 0; k < dy->c; k++) {
        sum a = {0, 0};
        for (int i = 0; i < dy->h; i++)
            for (int j = 0; j < dy->w; j++)
                for (int l = 0; l < FV_LANES; l++) add(&a, dy->at[k * dy->plane + i * dy->row + j * FV_LANES + l]);
        if (before) add(&a, before[k]);
        value[k] = a.value;
        size[k] = a.size;
    }
}

/* The convolution at pixel (i, j), lane l, of channel o. */
static sum pixel(const fv_conv_pool_shape *s, const float *x, const float *w, const float *bias, int o, int i, int j,
                 int l) {
    sum a = {0, 0};
    add(&a, bias[o]);
    for (int c = 0; c < s->n_in; c++)
        for (int t = 0; t < 9; t++)
            add(&a, (double)w[(o * s->n_in + c) * 9 + t] *
                        x[c * s->x_plane + (i + t / 3) * s->x_row + (j + t % 3) * FV_LANES + l]);
    return a;
}

void reference_conv_pool(const fv_conv_pool_shape *s, const float *x, const float *w, const float *bias,
                         const uint16_t *keep, float scale, double *value, double *size, uint8_t *winners) {
    for (int o = 0; o < s->n_out; o++)
        for (int i = 0; i < s->ph; i++)
            for (int j = 0; j < s->pw; j++)
                for (int l = 0; l < FV_LANES; l++) {
                    const ptrdiff_t at = o * s->y_plane + i * s->y_row + j * FV_LANES + l;
                    sum best = {-INFINITY, 0};
                    int winner = 0;
                    for (int q = 0; q < 4; q++) {
                        const sum a = pixel(s, x, w, bias, o, 2 * i + q / 2, 2 * j + q % 2, l);
                        if (a.value > best.value) winner = q, best.value = a.value;
                        if (a.size > best.size) best.size = a.size;
                    }
                    const int on = best.value > 0 && (!keep || keep[o] >> l & 1);
                    const double factor = keep ? scale : 1;
                    value[at] = on ? best.value * factor : 0;
                    size[at] = best.size * factor;
                    winners[((o * s->ph + i) * s->pw + j) * FV_WINNER_BYTES + l] = (uint8_t)(on ? winner : 4);
                }
}

/* Calls `visit` for every tap of every winner: dy[at] met x[from] through weight t of (o, c). */
typedef struct met {
    int o, c, t;
    ptrdiff_t dy, x;
} met;

static void each_winner(const fv_conv_pool_shape *s, const uint8_t *winners, void (*visit)(void *, met), void *to) {
    for (int o = 0; o < s->n_out; o++)
        for (int i = 0; i < s->ph; i++)
            for (int j = 0; j < s->pw; j++)
                for (int l = 0; l < FV_LANES; l++) {
                    const int q = winners[((o * s->ph + i) * s->pw + j) * FV_WINNER_BYTES + l];
                    if (q == 4) continue;
                    for (int c = 0; c < s->n_in; c++)
                        for (int t = 0; t < 9; t++)
                            visit(to, (met){o, c, t, o * s->y_plane + i * s->y_row + j * FV_LANES + l,
                                            c * s->x_plane + (2 * i + q / 2 + t / 3) * s->x_row +
                                                (2 * j + q % 2 + t % 3) * FV_LANES + l});
                }
}

typedef struct target {
    const fv_conv_pool_shape *s;
    const float *a, *dy;
    double *value, *size;
} target;

static void into_weight(void *to, met m) {
    const target *g = to;
    const double term = (double)g->dy[m.dy] * g->a[m.x];
    const int at = (m.o * g->s->n_in + m.c) * 9 + m.t;
    g->value[at] += term;
    g->size[at] += fabs(term);
}

static void into_input(void *to, met m) {
    const target *g = to;
    const double term = (double)g->dy[m.dy] * g->a[(m.o * g->s->n_in + m.c) * 9 + m.t];
    g->value[m.x] += term;
    g->size[m.x] += fabs(term);
}

static void begin(int n, const float *before, double *value, double *size) {
    for (int k = 0; k < n; k++) {
        value[k] = before ? before[k] : 0;
        size[k] = fabs(value[k]);
    }
}

void reference_conv_pool_dw(const fv_conv_pool_shape *s, const float *x, const float *dy, const uint8_t *winners,
                            const float *before, const float *bias_before, double *value, double *size,
                            double *bias_value, double *bias_size) {
    target g = {s, x, dy, value, size};
    begin(s->n_out * s->n_in * 9, before, value, size);
    each_winner(s, winners, into_weight, &g);
    float *at = (float *)(uintptr_t)dy; /* fv_map has no const; only read */
    const fv_map map = {at, s->n_out, s->ph, s->pw, s->y_row, s->y_plane};
    reference_channel_sum(&map, bias_before, bias_value, bias_size);
}

void reference_conv_pool_dx(const fv_conv_pool_shape *s, const float *dy, const uint8_t *winners, const float *w,
                            const float *before, double *value, double *size) {
    target g = {s, w, dy, value, size};
    for (int c = 0; c < s->n_in; c++)
        for (int i = 0; i < 2 * s->ph + 2; i++) {
            const ptrdiff_t at = c * s->x_plane + i * s->x_row;
            begin((2 * s->pw + 2) * FV_LANES, before ? before + at : NULL, value + at, size + at);
        }
    each_winner(s, winners, into_input, &g);
}
