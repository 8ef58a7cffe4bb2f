/* 3x3 convolution + bias + relu + 2x2 max-pooling in one pass, and its gradients. Behind the pooling one gradient of
 * four is not zero, another one in each lane: the weight gradient selects the input that met it, the input gradient
 * selects the weight, instead of multiplying by zeros. */
#include "kernels/fold.h"

/* ---- forward ---- */

typedef struct pool_job {
    const fv_conv_pool_shape *s;
    const float *x, *w, *bias;
    const uint16_t *keep; /* or NULL */
    float scale, *y;
    uint8_t *winners; /* or NULL */
} pool_job;

/* The four sums of window (i, j) of channel o -> pooled value and winner. */
INL void pool_four(const pool_job *job, const V *a, int o, int i, int j, int part) {
    const fv_conv_pool_shape *s = job->s;
    const M right0 = v_gt(a[1], a[0]), right1 = v_gt(a[3], a[2]);
    const V top = v_max(a[1], a[0]), bottom = v_max(a[3], a[2]);
    const M lower = v_gt(bottom, top);
    V best = v_max(bottom, top);
    M on = v_gt(best, v_zero());
    if (job->keep) {
        on = m_and(on, m_bits(job->keep + o, part));
        best = v_mul(best, v_set(job->scale));
    }
    v_store(job->y + o * s->y_plane + i * s->y_row + j * 16 + part * V_L, v_keep(on, best));
    if (job->winners) {
        const M right = m_or(m_and(lower, right1), m_andnot(lower, right0));
        m_store_winner(job->winners + ((o * s->ph + i) * s->pw + j) * FV_WINNER_BYTES + part * V_L, right, lower, on);
    }
}

/* n_q channels from o on x the four pixels of window (i, j); every pixel of x is loaded once a channel, a row ahead. */
INL void pool_tile(int n_q, const pool_job *job, int o, int i, int j, int part) {
    const fv_conv_pool_shape *s = job->s;
    const ptrdiff_t x_row = s->x_row, w_out = (ptrdiff_t)s->n_in * 9;
    const float *x = job->x + 2 * i * x_row + 2 * j * 16 + part * V_L, *w = job->w + o * w_out;
    V a[4][4];
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int p = 0; p < 4; p++) a[q][p] = v_bc(job->bias + o + q);
    for (int c = 0; c < s->n_in; c++, x += s->x_plane, w += 9) {
        V u[4][4];
        UNROLL for (int r = 0; r < 4; r++) {
            UNROLL for (int p = 0; p < 4; p++) u[r][p] = v_load(x + r * x_row + p * 16);
            if (r == 0) continue;
            UNROLL for (int t = 0; t < 3; t++) UNROLL for (int q = 0; q < n_q; q++) {
                const V b = v_bc(w + q * w_out + (r - 1) * 3 + t);
                UNROLL for (int p = 0; p < 4; p++) a[q][p] = v_fma(b, u[r - 1 + p / 2][t + p % 2], a[q][p]);
            }
        }
    }
    UNROLL for (int q = 0; q < n_q; q++) pool_four(job, a[q], o + q, i, j, part);
}

INL void pool_row(int n_q, const pool_job *job, int o, int i) {
    for (int j = 0; j < job->s->pw; j++)
        for (int part = 0; part < NV; part++) pool_tile(n_q, job, o, i, j, part);
}

#define CHANNELS(channels)                                                                                             \
    static void pool_row_##channels(const pool_job *job, int o, int i) {                                               \
        pool_row(channels, job, o, i);                                                                                 \
    }
FV_POOL_TILES(CHANNELS)
#undef CHANNELS

void FV_K(conv_pool)(const fv_conv_pool_shape *s, const float *x, const float *w, const float *bias,
                     const uint16_t *keep, float scale, float *y, uint8_t *winners) {
    const pool_job job = {s, x, w, bias, keep, scale, y, winners};
    for (int i = 0; i < s->ph; i++) {
        int o = 0;
#define RUN(channels)                                                                                                  \
    for (; o + (channels) <= s->n_out; o += (channels)) pool_row_##channels(&job, o, i);
        FV_POOL_TILES(RUN)
#undef RUN
    }
}

void FV_K(conv_pool_ready)(const fv_conv_pool_shape *s, float *dy, const uint8_t *winners, float scale) {
    const V factor = v_set(scale);
    for (int k = 0; k < s->n_out; k++)
        for (int i = 0; i < s->ph; i++) {
            float *d = dy + k * s->y_plane + i * s->y_row;
            for (int v = 0; v < s->pw * NV; v++, d += V_L, winners += V_L)
                v_store(d, v_select(v_index_bit(winners, 2), v_zero(), v_mul(v_load(d), factor)));
        }
}

/* ---- weight gradient ---- */

/* scratch: a vector per weight in the order of g, then a vector per bias */
size_t FV_K(conv_pool_dw_scratch)(int n_out, int n_in) {
    return fold_size((size_t)n_out * (size_t)n_in * 9) + fold_size((size_t)n_out);
}

typedef struct pool_dw_job {
    const fv_conv_pool_shape *s;
    const float *x, *dy;    /* of the channel pair */
    const uint8_t *winners; /* of the output channel */
    float *sums, *bias;     /* [9][16], [16] */
    int from, to;           /* rows of the strip */
} pool_dw_job;

/* One input and one output channel over a strip, lanes `part`. Where registers suffice, two columns of x stay from
 * window to window. */
INL void pool_dw_tile(int with_bias, const pool_dw_job *job, int part) {
    const fv_conv_pool_shape *s = job->s;
    const ptrdiff_t x_row = s->x_row;
    V a[9], bias = job->from && with_bias ? v_load(job->bias + part * V_L) : v_zero();
    UNROLL for (int t = 0; t < 9; t++) a[t] = job->from ? v_load(job->sums + t * 16 + part * V_L) : v_zero();
    for (int i = job->from; i < job->to; i++) {
        const float *x = job->x + 2 * i * x_row + part * V_L, *d = job->dy + i * s->y_row + part * V_L;
        const uint8_t *winner = job->winners + i * s->pw * FV_WINNER_BYTES + part * V_L;
        V u[4][4], column[4][3];
        if (FV_POOL_DW_CARRY)
            UNROLL for (int r = 0; r < 4; r++) UNROLL for (int p = 2; p < 4; p++) u[r][p] =
                v_load(x + r * x_row + (p - 2) * 16);
        for (int j = 0; j < s->pw; j++, x += 32, d += 16, winner += FV_WINNER_BYTES) {
            const V e = v_load(d);
            const M right = v_index_bit(winner, 0), lower = v_index_bit(winner, 1);
            if (with_bias) bias = v_add(bias, e);
            UNROLL for (int r = 0; r < 4; r++) {
                UNROLL for (int p = 0; p < 2; p++) {
                    u[r][p] = FV_POOL_DW_CARRY ? u[r][p + 2] : v_load(x + r * x_row + p * 16);
                    u[r][p + 2] = v_load(x + r * x_row + (p + 2) * 16);
                }
                UNROLL for (int t = 0; t < 3; t++) column[r][t] = v_select(right, u[r][t + 1], u[r][t]);
                if (r == 0) continue;
                UNROLL for (int t = 0; t < 3; t++) a[(r - 1) * 3 + t] =
                    v_fma(e, v_select(lower, column[r][t], column[r - 1][t]), a[(r - 1) * 3 + t]);
            }
        }
    }
    UNROLL for (int t = 0; t < 9; t++) v_store(job->sums + t * 16 + part * V_L, a[t]);
    if (with_bias) v_store(job->bias + part * V_L, bias);
}

static void pool_dw_strip(const pool_dw_job *job) {
    for (int part = 0; part < NV; part++) pool_dw_tile(0, job, part);
}
static void pool_dw_strip_bias(const pool_dw_job *job) {
    for (int part = 0; part < NV; part++) pool_dw_tile(1, job, part);
}

void FV_K(conv_pool_dw)(const fv_conv_pool_shape *s, const float *x, const float *dy, const uint8_t *winners,
                        float *scratch, float *g, float *db, int add) {
    const size_t n = (size_t)s->n_out * (size_t)s->n_in * 9;
    float *bias = scratch + fold_size(n);
    /* a strip of x stays in the first-level cache while the output channels pass */
    const int fit = (int)(FV_POOL_DW_STRIP / (s->x_row * 4) - 2) / 2, rows = fit > 1 ? fit : 1;
    for (int from = 0; from < s->ph; from += rows)
        for (int c = 0; c < s->n_in; c++)
            for (int o = 0; o < s->n_out; o++) {
                const pool_dw_job job = {.s = s,
                                         .x = x + c * s->x_plane,
                                         .dy = dy + o * s->y_plane,
                                         .winners = winners + (ptrdiff_t)o * s->ph * s->pw * FV_WINNER_BYTES,
                                         .sums = scratch + ((ptrdiff_t)o * s->n_in + c) * 9 * 16,
                                         .bias = bias + o * 16,
                                         .from = from,
                                         .to = from + rows < s->ph ? from + rows : s->ph};
                if (c == 0)
                    pool_dw_strip_bias(&job);
                else
                    pool_dw_strip(&job);
            }
    fold_vectors(n, scratch, g, add);
    fold_vectors((size_t)s->n_out, bias, db, add);
}

/* ---- input gradient ---- */

enum { WEIGHTS = 64 }; /* floats per channel pair */

/* packed [c][o][pixel of the 4x4 window][winner]: the weight that joins them, 0 where none does */
size_t FV_K(conv_pool_dx_packed_size)(int n_out, int n_in) {
    return (size_t)n_out * (size_t)n_in * WEIGHTS;
}

void FV_K(conv_pool_dx_pack)(int n_out, int n_in, const float *w, float *packed) {
    memset(packed, 0, (size_t)n_out * (size_t)n_in * WEIGHTS * sizeof *packed);
    for (int c = 0; c < n_in; c++)
        for (int o = 0; o < n_out; o++, packed += WEIGHTS)
            for (int t = 0; t < 9; t++)
                for (int winner = 0; winner < 4; winner++)
                    packed[((t / 3 + winner / 2) * 4 + t % 3 + winner % 2) * 4 + winner] =
                        w[((ptrdiff_t)o * n_in + c) * 9 + t];
}

typedef struct pool_dx_job {
    const fv_conv_pool_shape *s;
    const float *dy, *packed; /* packed of the input channel */
    const uint8_t *winners;
    float *dx; /* of the input channel */
    int add;
} pool_dx_job;

/* Rows `top` .. top + n_r - 1 of the 4x4 windows of row i, lanes `part`. Two columns stay from window to window. */
INL void pool_dx_tile(int n_r, const pool_dx_job *job, int i, int top, int part) {
    const fv_conv_pool_shape *s = job->s;
    const ptrdiff_t x_row = s->x_row, y_plane = s->y_plane, winners_plane = (ptrdiff_t)s->ph * s->pw * FV_WINNER_BYTES;
    const int n_out = s->n_out;
    float *to = job->dx + (2 * i + top) * x_row + part * V_L;
    V a[4][4];
    int begun[4]; /* the row holds sums already */
    UNROLL for (int r = 0; r < n_r; r++) {
        begun[r] = job->add || (i > 0 && top + r < 2);
        UNROLL for (int p = 0; p < 2; p++) a[r][p] = begun[r] ? v_load(to + r * x_row + p * 16) : v_zero();
    }
    for (int j = 0; j < s->pw; j++) {
        const float *d = job->dy + i * s->y_row + j * 16 + part * V_L, *w = job->packed + top * 16;
        const uint8_t *winner = job->winners + (i * s->pw + j) * FV_WINNER_BYTES + part * V_L;
        UNROLL for (int r = 0; r < n_r; r++) UNROLL for (int p = 2; p < 4; p++) a[r][p] =
            begun[r] ? v_load(to + r * x_row + p * 16) : v_zero();
        for (int o = 0; o < n_out; o++, d += y_plane, winner += winners_plane, w += WEIGHTS) {
            const V e = v_load(d);
            UNROLL for (int r = 0; r < n_r; r++) {
                V u[4];
                v_pick4(w + r * 16, winner, u);
                UNROLL for (int p = 0; p < 4; p++) a[r][p] = v_fma(e, u[p], a[r][p]);
            }
        }
        UNROLL for (int r = 0; r < n_r; r++) UNROLL for (int p = 0; p < 2; p++) {
            v_store(to + r * x_row + p * 16, a[r][p]);
            a[r][p] = a[r][p + 2];
        }
        to += 32;
    }
    UNROLL for (int r = 0; r < n_r; r++) UNROLL for (int p = 0; p < 2; p++) v_store(to + r * x_row + p * 16, a[r][p]);
}

void FV_K(conv_pool_dx)(const fv_conv_pool_shape *s, const float *dy, const uint8_t *winners, const float *packed,
                        float *dx, int add) {
    for (int c = 0; c < s->n_in; c++) {
        const pool_dx_job job = {s, dy, packed + (ptrdiff_t)c * s->n_out * WEIGHTS, winners, dx + c * s->x_plane, add};
        for (int i = 0; i < s->ph; i++)
            for (int top = 0; top < 4; top += FV_POOL_DX_ROWS)
                for (int part = 0; part < NV; part++) pool_dx_tile(FV_POOL_DX_ROWS, &job, i, top, part);
    }
}
