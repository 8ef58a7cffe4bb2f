/* 3x3 convolution of stride 1 by Winograd's F(2x2, 3x3), and the input gradient, which is one: see winograd.h. For a
 * few tiles at a time, whose transformed inputs stay in the second-level cache, and some output channels, whose 16 sums
 * stay in the first-level one. */
#include <string.h>

#include "kernels/winograd.h"

/* ---- weights ---- */

size_t FV_K(winograd_packed_size)(int n_out, int n_in) {
    return (size_t)POSITIONS * (size_t)n_out * (size_t)n_in;
}

typedef float channels[MAX_CHANNELS];

INL void times_g(const channels a, const channels b, const channels c, channels *u, int step) {
    for (int q = 0; q < MAX_CHANNELS; q++) {
        const float ends = a[q] + c[q];
        u[0][q] = a[q], u[step][q] = (ends + b[q]) * 0.5F, u[2 * step][q] = (ends - b[q]) * 0.5F, u[3 * step][q] = c[q];
    }
}

/* n_q channels' G w G^T from input channel c: position p to u + p * step. */
INL void pack_kernels(int n_q, const float *w, ptrdiff_t stride_out, int turned, float *packed, ptrdiff_t step) {
    channels kernel[9] = {0}, rows[12], u[POSITIONS];
    for (int t = 0; t < 9; t++)
        for (int q = 0; q < n_q; q++) kernel[t][q] = w[q * stride_out + (turned ? 8 - t : t)];
    for (int j = 0; j < 3; j++) times_g(kernel[j], kernel[3 + j], kernel[6 + j], &rows[j], 3);
    for (int i = 0; i < 4; i++) times_g(rows[3 * i], rows[3 * i + 1], rows[3 * i + 2], &u[4 * i], 1);
    for (int p = 0; p < POSITIONS; p++) memcpy(packed + p * step, u[p], (size_t)n_q * sizeof(float));
}

/* packed: some channels after the others, each [p][c][channel of them] */
void FV_K(winograd_pack)(int n_out, int n_in, const float *w, ptrdiff_t stride_out, ptrdiff_t stride_in, int turned,
                         float *packed) {
    int o = 0;
#define PACK(n_q)                                                                                                      \
    for (; o + (n_q) <= n_out; o += (n_q), packed += POSITIONS * n_in * (n_q))                                         \
        for (int c = 0; c < n_in; c++)                                                                                 \
            pack_kernels(n_q, w + o * stride_out + c * stride_in, stride_out, turned, packed + c * (n_q),              \
                         (ptrdiff_t)n_in * (n_q));
    FV_WINOGRAD_CHANNELS(PACK)
#undef PACK
}

/* ---- forward ---- */

/* From position to position of v: a line more than the inputs take, or sixteen stores would meet in one set of the
 * cache. */
INL ptrdiff_t position_step(int n_in) {
    return ((ptrdiff_t)n_in * FV_WINOGRAD_TILES + 1) * 16;
}

typedef struct winograd_job {
    const fv_conv_shape *s;
    const float *bias;
    float *y;
    fv_conv_start start;
    int relu;
    const float *v; /* inputs [p][c][tile] */
    float *m;       /* sums [p][channel][tile] */
    tile tiles[FV_WINOGRAD_TILES];
    int n; /* of them */
} winograd_job;

/* m = sum over c of u[c][channel] v[c][tile] */
INL void multiply_position(int n_q, int n_in, const float *u, const float *v, float *m) {
    enum { N_V = FV_WINOGRAD_TILES * NV };
    V a[MAX_CHANNELS][MAX_VECTORS];
    multiply(n_q, N_V, n_in, u, 1, n_q, v, 16, N_V * V_L, a);
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int k = 0; k < N_V; k++) v_store(m + (q * N_V + k) * V_L, a[q][k]);
}

/* A^T M A of one channel's tile: m at position p is m + p * step. */
INL void transform_output(const float *m, ptrdiff_t step, V y[2][2]) {
    V r[2][4];
    UNROLL for (int j = 0; j < 4; j++) {
        const V a = v_load(m + j * step), b = v_load(m + (4 + j) * step), c = v_load(m + (8 + j) * step),
                d = v_load(m + (12 + j) * step);
        r[0][j] = v_add(v_add(a, b), c);
        r[1][j] = v_sub(v_sub(b, c), d);
    }
    UNROLL for (int i = 0; i < 2; i++) {
        y[i][0] = v_add(v_add(r[i][0], r[i][1]), r[i][2]);
        y[i][1] = v_sub(v_sub(r[i][1], r[i][2]), r[i][3]);
    }
}

/* y = [relu](start + the tile's outputs), of channel o. */
INL void store_tile(const winograd_job *job, const tile *t, int o, const float *m, ptrdiff_t step, int part) {
    const fv_conv_shape *s = job->s;
    float *at = job->y + o * s->y_plane + t->i * s->y_row + t->j * s->y_col + part * V_L;
    V y[2][2];
    transform_output(m, step, y);
    UNROLL for (int i = 0; i < 2; i++) UNROLL for (int j = 0; j < 2; j++) {
        float *to = at + i * s->y_row + j * s->y_col;
        if (i >= t->rows || j >= t->cols) continue;
        if (job->start == FV_FROM_BIAS) y[i][j] = v_add(y[i][j], v_bc(job->bias + o));
        if (job->start == FV_FROM_Y) y[i][j] = v_add(y[i][j], v_load(to));
        if (job->relu) y[i][j] = v_max(y[i][j], v_zero());
        v_store(to, y[i][j]);
    }
}

INL void winograd_channels(int n_q, const winograd_job *job, int o, const float *u) {
    const int n_in = job->s->n_in, step = n_q * FV_WINOGRAD_TILES * 16;
    for (int p = 0; p < POSITIONS; p++)
        multiply_position(n_q, n_in, u + p * n_in * n_q, job->v + p * position_step(n_in), job->m + p * step);
    for (int q = 0; q < n_q; q++)
        for (int k = 0; k < job->n; k++)
            for (int part = 0; part < NV; part++)
                store_tile(job, &job->tiles[k], o + q, job->m + (q * FV_WINOGRAD_TILES + k) * 16 + part * V_L, step,
                           part);
}

#define CHANNELS(channels)                                                                                             \
    static void winograd_channels_##channels(const winograd_job *job, int o, const float *u) {                         \
        winograd_channels(channels, job, o, u);                                                                        \
    }
FV_WINOGRAD_CHANNELS(CHANNELS)
#undef CHANNELS

/* The inputs of all channels; where tiles are missing, the last one stands for them, and nobody asks for its sums. */
static void transform_inputs(const winograd_job *job, const float *x, float *v) {
    const fv_conv_shape *s = job->s;
    const ptrdiff_t step = position_step(s->n_in);
    for (int c = 0; c < s->n_in; c++)
        for (int k = 0; k < FV_WINOGRAD_TILES; k++) {
            const tile *t = &job->tiles[k < job->n ? k : job->n - 1];
            for (int part = 0; part < NV; part++)
                transform_input(t, x + c * s->x_plane + t->i * s->x_row + t->j * s->x_col + part * V_L, s->x_row,
                                v + (c * FV_WINOGRAD_TILES + k) * 16 + part * V_L, step);
        }
}

size_t FV_K(winograd_scratch)(int n_in) {
    return (size_t)POSITIONS * FV_WINOGRAD_TILES * 16 * (size_t)(n_in + 1 + MAX_CHANNELS);
}

void FV_K(winograd)(const fv_conv_shape *s, const float *x, const float *packed, const float *bias, float *y,
                    fv_conv_start start, int relu, float *scratch) {
    winograd_job job = {.s = s, .bias = bias, .y = y, .start = start, .relu = relu};
    float *v = scratch + POSITIONS * FV_WINOGRAD_TILES * 16 * MAX_CHANNELS;
    job.m = scratch;
    job.v = v;
    for (int n = 0; n < n_tiles(s); n += job.n) {
        for (job.n = 0; job.n < FV_WINOGRAD_TILES && n + job.n < n_tiles(s); job.n++)
            job.tiles[job.n] = tile_at(s, n + job.n);
        transform_inputs(&job, x, v);
        int o = 0;
#define RUN(channels)                                                                                                  \
    for (; o + (channels) <= s->n_out; o += (channels))                                                                \
        winograd_channels_##channels(&job, o, packed + (ptrdiff_t)o * POSITIONS * s->n_in);
        FV_WINOGRAD_CHANNELS(RUN)
#undef RUN
    }
}
