/* Weight gradient of a 3x3 convolution of stride 1 by Winograd's F(2x2, 3x3), see winograd.h. What forward does to w,
 *     Y = A^T [ (G w G^T) . (B^T x B) ] A,      gives      dw = G^T [ sum over tiles of (A dY A^T) . (B^T x B) ] G.
 * The sum runs over tiles and images, so x is transposed: input channels in the lanes, each position's sums [K][C] are
 * a product of matrices, and no lanes are left to fold. */
#include <string.h>

#include "kernels/winograd.h"

enum { GROUP = 4, TERMS = GROUP * 16 }; /* tiles at a time; the terms that they add to each sum */

typedef struct dw_job {
    const fv_conv_shape *s;
    const float *x, *dy;
    float *sums;  /* [p][K][C] */
    float *v;     /* B^T x B [p][C / 16][tile][lane][16 of C] */
    float *z;     /* A dY A^T [p][K][tile][lane] */
    float *stage; /* [p][16 of C][lane] */
} dw_job;

size_t FV_K(winograd_dw_scratch)(int n_out, int n_in) {
    const size_t k = (size_t)n_out, c = (size_t)n_in;
    return POSITIONS * (k * c + TERMS * (k + c) + 16 + 16 * 16);
}

/* From position to position of z: a line more than it takes, see position_step in winograd.c. */
INL ptrdiff_t z_step(int n_out) {
    return (ptrdiff_t)n_out * TERMS + 16;
}

/* The tile's inputs as the k-th of the group. */
static void transform_inputs(const dw_job *job, const tile *t, int k) {
    const fv_conv_shape *s = job->s;
    for (int c = 0; c < s->n_in; c += 16) {
        for (int l = 0; l < 16; l++)
            for (int part = 0; part < NV; part++)
                transform_input(t, job->x + (c + l) * s->x_plane + t->i * s->x_row + t->j * s->x_col + part * V_L,
                                s->x_row, job->stage + l * 16 + part * V_L, 16 * 16);
        for (int p = 0; p < POSITIONS; p++)
            v_transpose16(job->stage + p * 16 * 16, 16, job->v + ((p * s->n_in + c) * GROUP + k * 16) * 16, 16);
    }
}

INL void times_a(V *a, V *b, V *c, V *d) { /* a vector of A y from one of y, which is a, b */
    const V p = v_add(*a, *b), q = v_sub(*a, *b), r = v_sub(v_zero(), *b);
    *b = p, *c = q, *d = r;
}

/* A dY A^T of all channels. */
static void transform_gradients(const dw_job *job, const tile *t, int k) {
    const fv_conv_shape *s = job->s;
    for (int o = 0; o < s->n_out; o++)
        for (int part = 0; part < NV; part++) {
            V d[4][4];
            load_square(2, job->dy + o * s->y_plane + t->i * s->y_row + t->j * s->y_col + part * V_L, s->y_row, t->rows,
                        t->cols, d);
            UNROLL for (int j = 0; j < 2; j++) times_a(&d[0][j], &d[1][j], &d[2][j], &d[3][j]);
            UNROLL for (int i = 0; i < 4; i++) times_a(&d[i][0], &d[i][1], &d[i][2], &d[i][3]);
            UNROLL for (int p = 0; p < POSITIONS; p++)
                v_store(job->z + p * z_step(s->n_out) + o * TERMS + k * 16 + part * V_L, d[p / 4][p % 4]);
        }
}

/* The n terms' part of n_q x n_v vectors of sums. */
INL void add_products(int n_q, int n_v, int n, const float *z, const float *v, float *sums, ptrdiff_t sums_row) {
    V a[MAX_CHANNELS][MAX_VECTORS];
    multiply(n_q, n_v, n, z, TERMS, 1, v, TERMS * 16, 16, a);
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int k = 0; k < n_v; k++) {
        float *at = sums + q * sums_row + k * V_L;
        v_store(at, v_add(v_load(at), a[q][k]));
    }
}

INL void add_rows(int n_q, int n, const dw_job *job, int p, int o) {
    const int n_in = job->s->n_in, n_out = job->s->n_out, wide = FV_WINOGRAD_TILES * 16;
    const float *z = job->z + p * z_step(n_out) + o * TERMS, *v = job->v + p * n_in * TERMS;
    float *sums = job->sums + ((ptrdiff_t)p * n_out + o) * n_in;
    int c = 0;
    for (; c + wide <= n_in; c += wide) add_products(n_q, FV_WINOGRAD_TILES * NV, n, z, v + c * TERMS, sums + c, n_in);
    for (; c < n_in; c += 16) add_products(n_q, NV, n, z, v + c * TERMS, sums + c, n_in);
}

#define ROWS(channels)                                                                                                 \
    static void add_rows_##channels(int n, const dw_job *job, int p, int o) {                                          \
        add_rows(channels, n, job, p, o);                                                                              \
    }
FV_WINOGRAD_CHANNELS(ROWS)
#undef ROWS

/* sums += A dY A^T . B^T x B of n tiles */
static void add_group(const dw_job *job, int n) {
    for (int p = 0; p < POSITIONS; p++) {
        int o = 0;
#define RUN(channels)                                                                                                  \
    for (; o + (channels) <= job->s->n_out; o += (channels)) add_rows_##channels(n * 16, job, p, o);
        FV_WINOGRAD_CHANNELS(RUN)
#undef RUN
    }
}

INL void times_g(V *a, V *b, V *c, const V *d) { /* a vector of G^T u from one of u */
    const V half = v_set(0.5F), sum = v_mul(v_add(*b, *c), half);
    *b = v_mul(v_sub(*b, *c), half);
    *a = v_add(*a, sum);
    *c = v_add(sum, *d);
}

/* g (+)= G^T sums G of one output channel and sixteen input channels. */
static void store_gradient(const float *sums, ptrdiff_t step, float *g, int add) {
    _Alignas(64) float w[9][16];
    for (int part = 0; part < NV; part++) {
        V u[4][4];
        UNROLL for (int p = 0; p < POSITIONS; p++) u[p / 4][p % 4] = v_load(sums + p * step + part * V_L);
        UNROLL for (int j = 0; j < 4; j++) times_g(&u[0][j], &u[1][j], &u[2][j], &u[3][j]);
        UNROLL for (int i = 0; i < 3; i++) times_g(&u[i][0], &u[i][1], &u[i][2], &u[i][3]);
        UNROLL for (int t = 0; t < 9; t++) v_store(w[t] + part * V_L, u[t / 3][t % 3]);
    }
    for (int c = 0; c < 16; c++)
        for (int t = 0; t < 9; t++) g[c * 9 + t] = add ? g[c * 9 + t] + w[t][c] : w[t][c];
}

void FV_K(winograd_dw)(const fv_conv_shape *s, const float *x, const float *dy, float *scratch, float *g, int add) {
    const ptrdiff_t n_weights = (ptrdiff_t)s->n_out * s->n_in;
    dw_job job = {.s = s, .x = x, .dy = dy, .sums = scratch};
    job.v = job.sums + POSITIONS * n_weights;
    job.z = job.v + POSITIONS * TERMS * s->n_in;
    job.stage = job.z + POSITIONS * z_step(s->n_out);
    memset(job.sums, 0, POSITIONS * (size_t)n_weights * sizeof *job.sums);
    for (int begin = 0, n; begin < n_tiles(s); begin += n) {
        for (n = 0; n < GROUP && begin + n < n_tiles(s); n++) {
            const tile t = tile_at(s, begin + n);
            transform_inputs(&job, &t, n);
            transform_gradients(&job, &t, n);
        }
        add_group(&job, n);
    }
    for (ptrdiff_t w = 0; w < n_weights; w += 16) store_gradient(job.sums + w, n_weights, g + w * 9, add);
}
