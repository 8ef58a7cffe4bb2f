/* Winograd's F(2x2, 3x3) (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308): the
 * four outputs of a 2x2 tile of a 3x3 convolution from 16 products instead of 36,
 *
 *     Y = A^T [ (G w G^T) . (B^T x B) ] A       x: the 4x4 inputs of the tile, w: the 3x3 kernel, .: by element
 *
 *           | 1  0 -1  0 |        | 1    0    0  |
 *     B^T = | 0  1  1  0 |    G = | 1/2  1/2  1/2|    A^T = | 1  1  1  0 |
 *           | 0 -1  1  0 |        | 1/2 -1/2  1/2|          | 0  1 -1 -1 |
 *           | 0  1  0 -1 |        | 0    0    1  |
 *
 * The products are summed over the channels before A^T .. A, so each of the 16 positions is a product of matrices.
 * Tiles are counted in raster order. */
#ifndef FV_WINOGRAD_H
#define FV_WINOGRAD_H

#include "kernels/isa.h"

enum { POSITIONS = 16, MAX_CHANNELS = 8, MAX_VECTORS = 4 };

typedef struct tile {
    int i, j;       /* its first output pixel */
    int rows, cols; /* of its outputs that there are: 1 or 2 */
} tile;

INL int n_tiles(const fv_conv_shape *s) {
    return (s->h + 1) / 2 * ((s->w + 1) / 2);
}

INL tile tile_at(const fv_conv_shape *s, int n) {
    const int across = (s->w + 1) / 2, i = n / across * 2, j = n % across * 2;
    return (tile){i, j, s->h - i < 2 ? 1 : 2, s->w - j < 2 ? 1 : 2};
}

/* side x side pixels from `at`, +0 where there are fewer than that. */
INL void load_square(int side, const float *at, ptrdiff_t row, int rows, int cols, V d[4][4]) {
    if (rows >= side && cols >= side) {
        UNROLL for (int i = 0; i < side; i++) UNROLL for (int j = 0; j < side; j++) d[i][j] =
            v_load(at + i * row + j * 16);
        return;
    }
    UNROLL for (int i = 0; i < side; i++) UNROLL for (int j = 0; j < side; j++) d[i][j] =
        i < rows && j < cols ? v_load(at + i * row + j * 16) : v_zero();
}

INL void times_b(V *a, V *b, V *c, V *d) { /* a vector of B^T x from one of x */
    const V p = v_sub(*a, *c), q = v_add(*b, *c), r = v_sub(*c, *b), s = v_sub(*b, *d);
    *a = p, *b = q, *c = r, *d = s;
}

/* B^T x B of the tile whose inputs begin at x: position p to v + p * step. */
INL void transform_input(const tile *t, const float *x, ptrdiff_t row, float *v, ptrdiff_t step) {
    V d[4][4];
    load_square(4, x, row, t->rows + 2, t->cols + 2, d);
    UNROLL for (int j = 0; j < 4; j++) times_b(&d[0][j], &d[1][j], &d[2][j], &d[3][j]);
    UNROLL for (int i = 0; i < 4; i++) times_b(&d[i][0], &d[i][1], &d[i][2], &d[i][3]);
    UNROLL for (int p = 0; p < POSITIONS; p++) v_store(v + p * step, d[p / 4][p % 4]);
}

/* a[q][k] = sum over i < n of u[q * u_row + i * u_step] v[i * v_step + k], vector k; sixteen lanes of v are v_block
 * from the next. */
INL void multiply(int n_q, int n_v, int n, const float *u, ptrdiff_t u_row, ptrdiff_t u_step, const float *v,
                  ptrdiff_t v_block, ptrdiff_t v_step, V a[MAX_CHANNELS][MAX_VECTORS]) {
    UNROLL for (int q = 0; q < n_q; q++) UNROLL for (int k = 0; k < n_v; k++) a[q][k] = v_zero();
    for (int i = 0; i < n; i++, u += u_step, v += v_step) {
        V x[MAX_VECTORS];
        UNROLL for (int k = 0; k < n_v; k++) {
            x[k] = v_load(v + k / NV * v_block + k % NV * V_L);
            PIN(x[k]);
        }
        UNROLL for (int q = 0; q < n_q; q++) {
            V b = v_bc(u + q * u_row);
            PIN(b);
            UNROLL for (int k = 0; k < n_v; k++) a[q][k] = v_fma(b, x[k], a[q][k]);
        }
        FENCE;
    }
}

#endif
