/* What a convolution is given, for its tests. */
#ifndef FV_CONV_SETTING_H
#define FV_CONV_SETTING_H

#include "kernel/kernel_test.h"

typedef struct setting {
    fv_conv_shape s;
    test_map x, y;
    float *w, *bias; /* w [K][C][taps] */
    int32_t taps[25], *offsets;
    int n_offsets;
    char name[96];
} setting;

typedef void filler(float *at, size_t n, uint32_t stream);

/* The rest of `t`, whose maps are there: a square kernel, whose outputs lie y_step pixels apart in y. */
static inline void setting_fill(setting *t, int kernel, int stride, int y_step, filler fill) {
    const test_map *x = &t->x, *y = &t->y;
    const int n_in = x->map.c, n_out = y->map.c, n_taps = kernel * kernel;
    t->n_offsets = n_in * n_taps;
    t->w = test_alloc((size_t)(n_out * t->n_offsets), sizeof *t->w);
    t->bias = test_alloc((size_t)n_out, sizeof *t->bias);
    t->offsets = test_alloc((size_t)t->n_offsets, sizeof *t->offsets);
    fill(t->w, (size_t)(n_out * t->n_offsets), 3);
    fill(t->bias, (size_t)n_out, 4);
    for (int k = 0; k < n_taps; k++) t->taps[k] = (int32_t)(k / kernel * x->map.row + k % kernel * FV_LANES);
    for (int k = 0; k < t->n_offsets; k++) t->offsets[k] = (int32_t)(k / n_taps * x->map.plane + t->taps[k % n_taps]);
    t->s = (fv_conv_shape){.n_in = n_in,
                           .n_out = n_out,
                           .n_taps = n_taps,
                           .h = y->map.h / y_step,
                           .w = y->map.w / y_step,
                           .x_row = stride * x->map.row,
                           .x_col = stride * FV_LANES,
                           .x_plane = x->map.plane,
                           .y_row = y_step * y->map.row,
                           .y_col = y_step * FV_LANES,
                           .y_plane = y->map.plane};
}

static inline void setting_free(setting *t) {
    free(t->x.base);
    free(t->y.base);
    free(t->w);
    free(t->bias);
    free(t->offsets);
}

#endif
