/* Direct convolution: forward (and input gradient, which is a convolution of the gradient), weight and bias gradient.
 * A tile keeps its sums in registers: forward, channels x pixels over all inputs and taps; weight gradient, channels x
 * taps over all pixels. Each set's vector.h lists its tiles, largest first and ending with one channel. */
#include "kernels/fold.h"

enum { MAX_CHANNELS = 8, MAX_VECTORS = 16, MAX_TAPS = 9 };

/* ---- forward ---- */

size_t FV_K(conv_packed_size)(int n_out, int n_in, int n_taps) {
    return ((size_t)n_out * (size_t)n_in * (size_t)n_taps + 15) / 16 * 16;
}

/* packed: tile after tile, each [c][t][channel of the tile] */
void FV_K(conv_pack)(int n_out, int n_in, int n_taps, const float *w, ptrdiff_t stride_out, ptrdiff_t stride_in,
                     const int32_t *order, float *packed) {
    int o = 0;
#define PACK(channels, pixels)                                                                                         \
    for (; o + (channels) <= n_out; o += (channels))                                                                   \
        for (int c = 0; c < n_in; c++)                                                                                 \
            for (int t = 0; t < n_taps; t++)                                                                           \
                for (int q = o; q < o + (channels); q++) *packed++ = w[q * stride_out + c * stride_in + order[t]];
    FV_CONV_TILES(PACK)
#undef PACK
}

typedef struct conv_job {
    const fv_conv_shape *s;
    const float *x, *packed, *bias;
    float *y;
    fv_conv_start start;
    int relu;
} conv_job;

/* n_q channels from o on x n_p pixels; x, y: where they lie. */
INL void conv_tile(int n_q, int n_p, const conv_job *job, int o, const float *const *x, float *const *y) {
    const int n_in = job->s->n_in, n_taps = job->s->n_taps, n_v = n_p * NV;
    const ptrdiff_t x_plane = job->s->x_plane, y_plane = job->s->y_plane;
    const int32_t *taps = job->s->taps;
    const float *w = job->packed + (ptrdiff_t)o * n_in * n_taps, *at[MAX_VECTORS];
    V a[MAX_CHANNELS][MAX_VECTORS];
    UNROLL for (int p = 0; p < n_p; p++) at[p] = x[p];
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int v = 0; v < n_v; v++) a[q][v] = v_zero();
    if (job->start == FV_FROM_BIAS)
        UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int v = 0; v < n_v; v++) a[q][v] = v_bc(job->bias + o + q);
    if (job->start == FV_FROM_Y)
        UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int v = 0; v < n_v; v++) a[q][v] =
            v_load(y[v / NV] + q * y_plane + v % NV * V_L);
    for (int c = 0; c < n_in; c++) {
        for (int t = 0; t < n_taps; t++) {
            const ptrdiff_t tap = taps[t];
            V u[MAX_VECTORS];
            UNROLL for (int v = 0; v < n_v; v++) {
                u[v] = v_load(at[v / NV] + tap + v % NV * V_L);
                PIN(u[v]);
            }
            UNROLL for (int q = 0; q < n_q; q++) {
                V b = v_bc(w + q);
                PIN(b);
                UNROLL for (int v = 0; v < n_v; v++) a[q][v] = v_fma(b, u[v], a[q][v]);
            }
            w += n_q;
            FENCE;
        }
        UNROLL for (int p = 0; p < n_p; p++) at[p] += x_plane;
    }
    if (job->relu)
        UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int v = 0; v < n_v; v++) a[q][v] = v_max(a[q][v], v_zero());
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int v = 0; v < n_v; v++)
        v_store(y[v / NV] + q * y_plane + v % NV * V_L, a[q][v]);
}

/* All pixels of n_q channels, n_p at a time wherever they lie, the last ones singly. */
INL void conv_channels(int n_q, int n_p, const conv_job *job, int o) {
    const fv_conv_shape *s = job->s;
    for (int i = 0, j = 0, left = s->h * s->w; left > 0;) {
        const float *x[MAX_VECTORS];
        float *y[MAX_VECTORS];
        const int n = left >= n_p ? n_p : 1;
        UNROLL for (int p = 0; p < n_p; p++) {
            if (p >= n) break;
            x[p] = job->x + i * s->x_row + j * s->x_col;
            y[p] = job->y + o * s->y_plane + i * s->y_row + j * s->y_col;
            if (++j == s->w) j = 0, i++;
        }
        if (n == n_p)
            conv_tile(n_q, n_p, job, o, x, y);
        else
            conv_tile(n_q, 1, job, o, x, y);
        left -= n;
    }
}

#define CHANNELS(channels, pixels)                                                                                     \
    static void conv_channels_##channels(const conv_job *job, int o) {                                                 \
        conv_channels(channels, pixels, job, o);                                                                       \
    }
FV_CONV_TILES(CHANNELS)
#undef CHANNELS

void FV_K(conv)(const fv_conv_shape *s, const float *x, const float *packed, const float *bias, float *y,
                fv_conv_start start, int relu) {
    const conv_job job = {s, x, packed, bias, y, start, relu};
    int o = 0;
#define RUN(channels, pixels)                                                                                          \
    for (; o + (channels) <= s->n_out; o += (channels)) conv_channels_##channels(&job, o);
    FV_CONV_TILES(RUN)
#undef RUN
}

/* ---- weight gradient ---- */

/* scratch: a vector of 16 lanes per weight of a tile's channels, in the order of g */
size_t FV_K(conv_dw_scratch)(int n_out, int n_offsets) {
    return fold_size((size_t)(n_out < MAX_CHANNELS ? n_out : MAX_CHANNELS) * (size_t)n_offsets);
}

typedef struct dw_job {
    const fv_conv_shape *s;
    const int32_t *offsets; /* of the tile's taps */
    const float *x, *dy;    /* dy of the tile's first channel */
    float *sums;            /* of the tile's first channel and tap */
    ptrdiff_t sums_row;     /* from channel to channel */
    int from, to;           /* rows of the strip */
} dw_job;

/* n_q channels x n_t taps over a strip, lanes `part`. Taps come in runs of `run` neighbouring pixels. */
INL void dw_tile(int n_q, int n_t, int run, const dw_job *job, int part) {
    const fv_conv_shape *s = job->s;
    const ptrdiff_t y_plane = s->y_plane, x_col = s->x_col, y_col = s->y_col;
    const int w = s->w;
    V a[MAX_CHANNELS][MAX_TAPS];
    float *sums = job->sums + part * V_L;
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int t = 0; t < n_t; t++) a[q][t] =
        job->from ? v_load(sums + q * job->sums_row + t * 16) : v_zero();
    for (int i = job->from; i < job->to; i++) {
        const float *d = job->dy + i * s->y_row + part * V_L, *x[MAX_TAPS];
        UNROLL for (int r = 0; r < n_t / run; r++) x[r] = job->x + job->offsets[r * run] + i * s->x_row + part * V_L;
        for (int j = 0; j < w; j++) {
            if (n_q <= n_t) {
                V e[MAX_CHANNELS];
                UNROLL for (int q = 0; q < n_q; q++) {
                    e[q] = v_load(d + q * y_plane);
                    PIN(e[q]);
                }
                UNROLL for (int t = 0; t < n_t; t++) {
                    V u = v_load(x[t / run] + t % run * 16);
                    UNROLL for (int q = 0; q < n_q; q++) a[q][t] = v_fma(e[q], u, a[q][t]);
                }
            } else {
                V u[MAX_TAPS];
                UNROLL for (int t = 0; t < n_t; t++) {
                    u[t] = v_load(x[t / run] + t % run * 16);
                    PIN(u[t]);
                }
                UNROLL for (int q = 0; q < n_q; q++) {
                    V e = v_load(d + q * y_plane);
                    PIN(e);
                    UNROLL for (int t = 0; t < n_t; t++) a[q][t] = v_fma(e, u[t], a[q][t]);
                }
            }
            FENCE;
            d += y_col;
            UNROLL for (int r = 0; r < n_t / run; r++) x[r] += x_col;
        }
    }
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int t = 0; t < n_t; t++)
        v_store(sums + q * job->sums_row + t * 16, a[q][t]);
}

/* All taps of n_q channels, n_t at a time, in strips of rows whose dy stays in the first-level cache. */
INL void dw_channels(int n_q, int n_t, int run, const fv_conv_shape *s, int n_offsets, const int32_t *offsets,
                     const float *x, const float *dy, float *scratch) {
    const int rows = FV_DW_STRIP / (n_q * s->w * 64) + 1;
    dw_job job = {.s = s, .x = x, .dy = dy, .sums_row = (ptrdiff_t)n_offsets * 16};
    for (job.from = 0; job.from < s->h; job.from = job.to) {
        job.to = job.from + rows < s->h ? job.from + rows : s->h;
        for (int t = 0, n; t < n_offsets; t += n) {
            n = n_offsets - t >= n_t ? n_t : run;
            job.offsets = offsets + t;
            job.sums = scratch + t * 16;
            for (int part = 0; part < NV; part++)
                if (n == n_t)
                    dw_tile(n_q, n_t, run, &job, part);
                else
                    dw_tile(n_q, run, run, &job, part);
        }
    }
}

/* Whether the taps come in rows of three neighbours, as those of 3x3 kernels do. */
static int in_threes(int n, const int32_t *offsets) {
    if (n % 3) return 0;
    for (int t = 0; t < n; t += 3)
        if (offsets[t + 1] != offsets[t] + 16 || offsets[t + 2] != offsets[t] + 32) return 0;
    return 1;
}

#define CHANNELS(channels, threes, singles)                                                                            \
    static void dw_channels_##channels(const fv_conv_shape *s, int n_offsets, const int32_t *offsets, const float *x,  \
                                       const float *dy, float *scratch) {                                              \
        if (in_threes(n_offsets, offsets))                                                                             \
            dw_channels(channels, threes, 3, s, n_offsets, offsets, x, dy, scratch);                                   \
        else                                                                                                           \
            dw_channels(channels, singles, 1, s, n_offsets, offsets, x, dy, scratch);                                  \
    }
FV_DW_TILES(CHANNELS)
#undef CHANNELS

void FV_K(conv_dw)(const fv_conv_shape *s, int n_offsets, const int32_t *offsets, const float *x, const float *dy,
                   float *scratch, float *g, int add) {
    int o = 0;
#define RUN(channels, threes, singles)                                                                                 \
    for (; o + (channels) <= s->n_out; o += (channels)) {                                                              \
        dw_channels_##channels(s, n_offsets, offsets, x, dy + o * s->y_plane, scratch);                                \
        fold_vectors((size_t)(channels) * (size_t)n_offsets, scratch, g + (ptrdiff_t)o * n_offsets, add);              \
    }
    FV_DW_TILES(RUN)
#undef RUN
}

/* ---- bias gradient ---- */

/* n_k channels' sums over the pixels, per lane. */
INL void plane_sums(int n_k, const fv_map *dy, int k, float *sums) {
    for (int part = 0; part < NV; part++) {
        V a[4];
        UNROLL for (int q = 0; q < n_k; q++) a[q] = v_zero();
        for (int i = 0; i < dy->h; i++) {
            const float *d = dy->at + k * dy->plane + i * dy->row + part * V_L;
            for (int j = 0; j < dy->w; j++, d += 16)
                UNROLL for (int q = 0; q < n_k; q++) a[q] = v_add(a[q], v_load(d + q * dy->plane));
        }
        UNROLL for (int q = 0; q < n_k; q++) v_store(sums + q * 16 + part * V_L, a[q]);
    }
}

void FV_K(channel_sum)(const fv_map *dy, float *db, int add) {
    for (int k = 0; k < dy->c; k += 16) {
        _Alignas(64) float sums[16 * 16];
        const int n = dy->c - k < 16 ? dy->c - k : 16;
        int q = 0;
        for (; q + 4 <= n; q += 4) plane_sums(4, dy, k + q, sums + q * 16);
        for (; q < n; q++) plane_sums(1, dy, k + q, sums + q * 16);
        fold_vectors((size_t)n, sums, db + k, add);
    }
}
