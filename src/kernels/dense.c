/* Dense layers on sixteen images: y = W x + b, the gradient of x, and the gradient of W.
 *
 * Weights are [I][S]: the outputs of one input lie together, so that a tile of outputs reads its weights in order. A
 * tile keeps its sums in FV_DENSE_SUMS registers. Forward: outputs x one pixel; an input is loaded once a tile, a
 * weight is a broadcast memory operand. The input gradient is the same product with the transposed weights. Weight
 * gradient: inputs x vectors of outputs; dy is transposed once to [16][S], x is broadcast straight from the lanes. */
#include <string.h>

#include "kernels/isa.h"

enum {
    TILE = FV_DENSE_SUMS / NV < 16 ? FV_DENSE_SUMS / NV : 16, /* outputs of a tile: at most a cache line of weights */
    MOST_COLUMNS = FV_DENSE_SUMS / 6                          /* vectors of outputs in a tile of the weight gradient */
};

/* What happens to a product's sums on their way to y. */
typedef struct finish {
    const float *start; /* [outputs] or NULL: +0 */
    const float *gate;  /* [outputs][16] or NULL: y = gate > 0 ? sum : 0 */
    int relu, add;
} finish;

/* y[o .. o + n) of y[o] = start[o] + sum over i in order w[i*stride + o] * x[i]; n is a constant. */
INL void product_tile(const int n, int n_in, ptrdiff_t stride, const float *x, const float *w, const finish *f, int o,
                      float *y) {
    V sum[TILE][NV];
    UNROLL for (int q = 0; q < n; q++) {
        V first = f->start ? v_set(f->start[o + q]) : v_zero();
        UNROLL for (int v = 0; v < NV; v++) sum[q][v] = first;
    }
    const float *row = w + o;
    for (int i = 0; i < n_in; i++, row += stride, x += FV_LANES) {
        V in[NV];
        UNROLL for (int v = 0; v < NV; v++) in[v] = v_load(x + v * V_L);
        UNROLL for (int q = 0; q < n; q++) {
            V weight = v_bc(row + q);
            UNROLL for (int v = 0; v < NV; v++) sum[q][v] = v_fma(weight, in[v], sum[q][v]);
        }
    }
    float *to = y + (ptrdiff_t)o * FV_LANES;
    UNROLL for (int q = 0; q < n; q++) {
        UNROLL for (int v = 0; v < NV; v++) {
            const int at = q * FV_LANES + v * V_L;
            V out = sum[q][v];
            if (f->relu) out = v_max(out, v_zero());
            if (f->gate) out = v_keep(v_gt(v_load(f->gate + (ptrdiff_t)o * FV_LANES + at), v_zero()), out);
            if (f->add) out = v_add(v_load(to + at), out);
            v_store(to + at, out);
        }
    }
}

/* All tiles of n outputs that fit. */
INL int product_tiles(const int n, int o, int n_out, int n_in, ptrdiff_t stride, const float *x, const float *w,
                      const finish *f, float *y) {
    for (; o + n <= n_out; o += n) product_tile(n, n_in, stride, x, w, f, o, y);
    return o;
}

static void product(int n_in, int n_out, ptrdiff_t stride, const float *x, const float *w, const finish *f, float *y) {
    int o = product_tiles(TILE, 0, n_out, n_in, stride, x, w, f, y);
    if (TILE > 8) o = product_tiles(8, o, n_out, n_in, stride, x, w, f, y);
    o = product_tiles(4, o, n_out, n_in, stride, x, w, f, y);
    o = product_tiles(2, o, n_out, n_in, stride, x, w, f, y);
    product_tiles(1, o, n_out, n_in, stride, x, w, f, y);
}

void FV_K(dense)(int n_in, int n_out, ptrdiff_t stride, const float *x, const float *w, const float *bias, float *y,
                 int relu) {
    const finish f = {.start = bias, .relu = relu};
    product(n_in, n_out, stride, x, w, &f, y);
}

void FV_K(dense_dx)(int n_in, int n_out, ptrdiff_t stride, const float *dy, const float *wt, const float *gate,
                    float *dx, int add) {
    const finish f = {.gate = gate, .add = add};
    product(n_out, n_in, stride, dy, wt, &f, dx);
}

/* 16 x 16 floats of w [n_rows][..] to wt, of which the last rows and columns may be missing: read as zero, not
 * written. */
static void transpose_edge(int n_rows, int n_columns, const float *w, size_t stride, float *wt, size_t wt_stride) {
    float from[256] = {0}, to[256];
    for (size_t r = 0; r < (size_t)n_rows; r++) memcpy(from + 16 * r, w + r * stride, 16 * sizeof *w);
    v_transpose16(from, 16, to, 16);
    for (size_t c = 0; c < (size_t)n_columns; c++) memcpy(wt + c * wt_stride, to + 16 * c, 16 * sizeof *wt);
}

void FV_K(dense_transpose)(int n_in, int n_out, const float *w, ptrdiff_t to_stride, float *wt) {
    const size_t stride = (size_t)fv_round_up(n_out, 16), wt_stride = (size_t)to_stride;
    for (int i = 0; i < n_in; i += 16)
        for (int o = 0; o < n_out; o += 16) {
            const float *from = w + (size_t)i * stride + (size_t)o;
            float *to = wt + (size_t)o * wt_stride + (size_t)i;
            if (n_in - i >= 16 && n_out - o >= 16)
                v_transpose16(from, stride, to, wt_stride);
            else
                transpose_edge(n_in - i < 16 ? n_in - i : 16, n_out - o < 16 ? n_out - o : 16, from, stride, to,
                               wt_stride);
        }
}

void FV_K(dense_turn)(int n_out, const float *dy, float *dyt, float *db, int add) {
    const size_t stride = (size_t)fv_round_up(n_out, 16);
    for (int o = 0; o < n_out; o += 16) {
        const int n = n_out - o < 16 ? n_out - o : 16;
        _Alignas(64) float edge[256] = {0};
        const float *from = dy + o * FV_LANES;
        float sum[16];
        if (n < 16) from = memcpy(edge, from, (size_t)n * FV_LANES * sizeof *dy);
        v_transpose16(from, FV_LANES, dyt + o, stride);
        v_fold16(from, sum);
        for (int k = 0; k < n; k++) db[o + k] = add ? db[o + k] + sum[k] : sum[k];
    }
}

/* g[q*stride + k] (+)= sum over images l in order x[q][l] * dyt[l][k]; n_rows, n_columns (vectors) are constants. */
INL void gradient_tile(const int n_rows, const int n_columns, const float *x, const float *dyt, ptrdiff_t stride,
                       float *g, int add) {
    V sum[FV_DENSE_SUMS][MOST_COLUMNS];
    UNROLL for (int q = 0; q < n_rows; q++) {
        UNROLL for (int k = 0; k < n_columns; k++) sum[q][k] = add ? v_load(g + q * stride + k * V_L) : v_zero();
    }
    for (int l = 0; l < FV_LANES; l++) {
        V dy[MOST_COLUMNS];
        UNROLL for (int k = 0; k < n_columns; k++) dy[k] = v_load(dyt + l * stride + k * V_L);
        UNROLL for (int q = 0; q < n_rows; q++) {
            V in = v_bc(x + q * FV_LANES + l);
            UNROLL for (int k = 0; k < n_columns; k++) sum[q][k] = v_fma(in, dy[k], sum[q][k]);
        }
    }
    UNROLL for (int q = 0; q < n_rows; q++) {
        UNROLL for (int k = 0; k < n_columns; k++) v_store(g + q * stride + k * V_L, sum[q][k]);
    }
}

/* All groups of n_columns vectors of outputs that fit. */
INL int gradient_columns(const int n_columns, int o, int n_in, const float *x, const float *dyt, int stride, float *g,
                         int add) {
    const int n_rows = FV_DENSE_SUMS / n_columns;
    for (; o + n_columns * V_L <= stride; o += n_columns * V_L) {
        int i = 0;
#define ROWS(n) gradient_tile(n, n_columns, x + i * FV_LANES, dyt + o, stride, g + (ptrdiff_t)i * stride + o, add)
        for (; i + n_rows <= n_in; i += n_rows) ROWS(n_rows);
        for (; i + 4 <= n_in; i += 4) ROWS(4);
        for (; i < n_in; i++) ROWS(1);
#undef ROWS
    }
    return o;
}

void FV_K(dense_dw)(int n_in, int n_out, const float *x, const float *dyt, float *g, int add) {
    const int stride = fv_round_up(n_out, 16);
    int o = gradient_columns(MOST_COLUMNS, 0, n_in, x, dyt, stride, g, add);
    if (MOST_COLUMNS > NV) o = gradient_columns(2, o, n_in, x, dyt, stride, g, add);
    if (MOST_COLUMNS > NV) gradient_columns(1, o, n_in, x, dyt, stride, g, add);
}
