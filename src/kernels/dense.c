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

INL void store_sum(V sum, const finish *f, ptrdiff_t at, float *y) {
    if (f->relu) sum = v_max(sum, v_zero());
    if (f->gate) sum = v_keep(v_gt(v_load(f->gate + at), v_zero()), sum);
    if (f->add) sum = v_add(v_load(y + at), sum);
    v_store(y + at, sum);
}

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
    UNROLL for (int q = 0; q < n; q++) {
        UNROLL for (int v = 0; v < NV; v++) store_sum(sum[q][v], f, (o + q) * FV_LANES + v * V_L, y);
    }
}

#define EACH_TILE(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)
#define TILE_OF(q)                                                                                                     \
    case q:                                                                                                            \
        if (q <= TILE) product_tile(q <= TILE ? q : 1, n_in, stride, x, w, f, o, y);                                   \
        break;
INL void product(int n_in, int n_out, const float *x, const float *w, const finish *f, float *y) {
    const ptrdiff_t stride = fv_round_up(n_out, 16);
    for (int o = 0; o < n_out; o += TILE) {
        switch (n_out - o < TILE ? n_out - o : TILE) { EACH_TILE(TILE_OF) }
    }
}
#undef TILE_OF
#undef EACH_TILE

void FV_K(dense)(int n_in, int n_out, const float *x, const float *w, const float *bias, float *y, int relu) {
    const finish f = {.start = bias, .relu = relu};
    product(n_in, n_out, x, w, &f, y);
}

void FV_K(dense_dx)(int n_in, int n_out, const float *dy, const float *wt, const float *gate, float *dx, int add) {
    const finish f = {.gate = gate, .add = add};
    product(n_out, n_in, dy, wt, &f, dx);
}

/* 16 x 16 floats of w [n_rows][..] to wt, of which the last rows and columns may be missing: read as zero, not
 * written. */
static void transpose_edge(int n_rows, int n_columns, const float *w, size_t stride, float *wt, size_t wt_stride) {
    float from[256] = {0}, to[256];
    for (size_t r = 0; r < (size_t)n_rows; r++) memcpy(from + 16 * r, w + r * stride, 16 * sizeof *w);
    v_transpose16(from, 16, to, 16);
    for (size_t c = 0; c < (size_t)n_columns; c++) memcpy(wt + c * wt_stride, to + 16 * c, 16 * sizeof *wt);
}

void FV_K(dense_transpose)(int n_in, int n_out, const float *w, float *wt) {
    const size_t stride = (size_t)fv_round_up(n_out, 16), wt_stride = (size_t)fv_round_up(n_in, 16);
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

size_t FV_K(dense_dw_scratch)(int n_in, int n_out) {
    (void)n_in;
    return (size_t)FV_LANES * (size_t)fv_round_up(n_out, 16);
}

/* dy [O][16] to dyt [16][stride], and its folded sums to db. */
static void transpose_dy(int n_out, const float *dy, size_t stride, float *dyt, float *db, int add) {
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

INL void gradient_columns(const int n_columns, int n_in, const float *x, const float *dyt, ptrdiff_t stride, float *g,
                          int add) {
    const int n_rows = FV_DENSE_SUMS / n_columns;
    int i = 0;
    for (; i + n_rows <= n_in; i += n_rows)
        gradient_tile(n_rows, n_columns, x + i * FV_LANES, dyt, stride, g + i * stride, add);
    for (; i + 4 <= n_in; i += 4) gradient_tile(4, n_columns, x + i * FV_LANES, dyt, stride, g + i * stride, add);
    for (; i < n_in; i++) gradient_tile(1, n_columns, x + i * FV_LANES, dyt, stride, g + i * stride, add);
}

void FV_K(dense_dw)(int n_in, int n_out, const float *x, const float *dy, float *scratch, float *g, float *db,
                    int add) {
    const int stride = fv_round_up(n_out, 16);
    transpose_dy(n_out, dy, (size_t)stride, scratch, db, add);
    for (int o = 0; o < stride; o += MOST_COLUMNS * V_L) {
        const int left = (stride - o) / V_L;
#define COLUMNS_OF(k)                                                                                                  \
    case k:                                                                                                            \
        if (k <= MOST_COLUMNS) gradient_columns(k <= MOST_COLUMNS ? k : 1, n_in, x, scratch + o, stride, g + o, add);  \
        break;
        switch (left < MOST_COLUMNS ? left : MOST_COLUMNS) { COLUMNS_OF(1) COLUMNS_OF(2) COLUMNS_OF(3) COLUMNS_OF(4) }
#undef COLUMNS_OF
    }
}
