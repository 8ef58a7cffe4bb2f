/* What a block of sixteen images can have done to it, once per instruction set.
 *
 * Every kernel text in this folder is compiled once per instruction set, against the vector vocabulary that the set's
 * folder supplies as "vector.h". This table names them all; `fv_kernels_chosen()` gives the set in use.
 *
 * Layout: activations are [C][H][W][16] float32, the innermost index is the image ("lane"). A map may have a border of
 * zeros around each plane, so strides are explicit and in floats. All pointers are 64-byte aligned, all strides are
 * multiples of 16.
 *
 * Bits: for each output the order of operations is fixed by the comment beside the kernel, and is the same for every
 * instruction set; multiply-add is one rounding (v_fma). Tiles change which sums are in flight, never their order.
 * "folded" means the sixteen lanes are added 16 -> 8 -> 4 -> 2 -> 1, lane i with lane i + half.
 * Maximum is `a > b ? a : b`; relu(x) is `x > 0 ? x : +0`. */
#ifndef FV_KERNELS_H
#define FV_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { FV_LANES = 16 };
enum { FV_WINNER_BYTES = 16 }; /* per pooled pixel, see conv_pool */

/* A block's activations [c][h][w][16] inside a buffer: pixel (i, j) of channel k is at + k*plane + i*row + j*16. */
typedef struct fv_map {
    float *at;
    int c, h, w;
    ptrdiff_t row, plane;
} fv_map;

/* Which inputs a convolution's output pixel reads. Pixel (i, j) of the output, channel o, is
 *     init + sum over c, then t:  w(o, c, t) * x[c*x_plane + i*x_row + j*x_col + taps[t]]
 * and is stored at y[o*y_plane + i*y_row + j*y_col]. Offsets in floats. */
typedef struct fv_conv_shape {
    int n_in, n_out, n_taps;
    int h, w;            /* output pixels computed */
    const int32_t *taps; /* [n_taps] offset of each tap, multiples of 16 */
    ptrdiff_t x_row, x_col, x_plane;
    ptrdiff_t y_row, y_col, y_plane;
} fv_conv_shape;

typedef enum fv_conv_start { FV_FROM_ZERO, FV_FROM_BIAS, FV_FROM_Y } fv_conv_start;

/* 3x3 stride-1 convolution + bias + relu + 2x2 max-pooling with stride 2. x is the padded input: output pixel (i, j)
 * of the convolution reads x[c*x_plane + (i + a)*x_row + (j + b)*16] for a, b in 0..2. Pooled map [n_out][ph][pw]. */
typedef struct fv_conv_pool_shape {
    int n_in, n_out;
    int ph, pw; /* pooled pixels: the convolution is computed on 2ph x 2pw pixels */
    ptrdiff_t x_row, x_plane;
    ptrdiff_t y_row, y_plane; /* of the pooled map, and of its gradient */
} fv_conv_pool_shape;

/* A stride-1 convolution of one image, planes [h][row] of single floats. Pixel (i, j) of channel o is
 *     bias[o] + sum over c, then t:  w[(o*n_in + c)*n_taps + t] * x[c*x_plane + i*x_row + j + taps[t]] */
typedef struct fv_single_conv {
    int n_in, n_out, n_taps, h, w, relu;
    const int32_t *taps; /* [n_taps] */
    ptrdiff_t x_row, x_plane, y_row, y_plane;
} fv_single_conv;

/* Up to a multiple of `to`. Dense weights are stored [I][S], S = the outputs rounded up to 16, padding zero. */
static inline int fv_round_up(int n, int to) {
    return (n + to - 1) / to * to;
}

/* rho and the betas in double: 1 - 0.999 keeps its digits. */
typedef struct fv_adadelta {
    float learning_rate;
    double rho;
    float eps, weight_decay;
} fv_adadelta;
typedef struct fv_sgd {
    float learning_rate, momentum, weight_decay;
    int nesterov, first; /* first: the momentum buffer starts as the gradient (PyTorch's rule) */
} fv_sgd;
typedef struct fv_adam {
    float learning_rate;
    double beta1, beta2;
    float eps, weight_decay;
    int decoupled;                  /* adamw: weights shrink by learning_rate * weight_decay first */
    float correction1, correction2; /* 1 - beta1^t, 1 - beta2^t */
} fv_adam;

/* Where pixel (i, j) of a resampled image reads, in 2^-shift pixels: column x0 + i*x_row + j*x_col, row likewise. All
 * of them, and h + 1 and w + 1 pixels, lie in (-2^31, 2^31); shift >= 8. */
typedef struct fv_resample {
    int h, w, shift, nearest;
    int32_t x0, y0, x_row, y_row, x_col, y_col;
} fv_resample;
enum { FV_IMAGE_SLACK = 16 }; /* bytes behind an image that its kernels may read and overwrite */

/* A smoothing of h x w pixels, made once (smoother.c): weights [radius + 1] as blur's, and where they are small enough
 * for 16 bits (else NULL) the same as matrices, reflections folded in: pixel i becomes sum over k of m[i][k] x[k]. Of
 * those down the columns, m [h][h], the second size rounded up to an even number; of those along the rows, words
 * [(w + 1) / 2][w rounded up to 16], word (k, j) of m[j][2 k] (its lower half) and m[j][2 k + 1]. */
typedef struct fv_smoother {
    int h, w, radius;
    uint32_t total; /* of the weights: 65,536, or a little less */
    const uint16_t *weights;
    const int16_t *down;
    const uint32_t *along;
} fv_smoother;
/* One allocation, for free; radius < h, w. NULL when out of memory. */
fv_smoother *fv_smoother_create(int h, int w, int radius, const uint16_t *weights);

/* A Fourier transform of length n = product of radix[s], each of 2, 3, 4, 5. twiddle [n][4]: w = exp(-2 pi i k / n) as
 * re w, im w, -im w, 0. */
typedef struct fv_fourier {
    int n, n_stages, radix[16];
    float *twiddle;
} fv_fourier;

/* X(return type, name, arguments) */
#define FV_KERNELS(X)                                                                                                  \
    /* ---- convolution (conv.c) ---- */                                                                               \
    /* Floats that conv_pack writes. */                                                                                \
    X(size_t, conv_packed_size, (int n_out, int n_in, int n_taps))                                                     \
    /* Rearranges weights for `conv`: weight (o, c, t) is w[o*stride_out + c*stride_in + order[t]]. */                 \
    X(void, conv_pack,                                                                                                 \
      (int n_out, int n_in, int n_taps, const float *w, ptrdiff_t stride_out, ptrdiff_t stride_in,                     \
       const int32_t *order, float *packed))                                                                           \
    /* y = [relu](start + convolution); bias [n_out] is read with FV_FROM_BIAS only. Order: start, c, t. */            \
    X(void, conv,                                                                                                      \
      (const fv_conv_shape *s, const float *x, const float *packed, const float *bias, float *y, fv_conv_start start,  \
       int relu))                                                                                                      \
    /* Floats of scratch that conv_dw needs. */                                                                        \
    X(size_t, conv_dw_scratch, (int n_out, int n_offsets))                                                             \
    /* Weight gradient: g[o*n_offsets + t] (+)= folded sum over pixels (i, j) in raster order of                       \
     *     dy[o*y_plane + i*y_row + j*y_col] * x[offsets[t] + i*x_row + j*x_col]                                       \
     * offsets [n_offsets] run over channel, kernel row, kernel column, so g is [K][C][R][S]. add 0: g is set; 1: the  \
     * folded sum is added to g. s->n_in, n_taps, taps, x_plane are not read. */                                       \
    X(void, conv_dw,                                                                                                   \
      (const fv_conv_shape *s, int n_offsets, const int32_t *offsets, const float *x, const float *dy, float *scratch, \
       float *g, int add))                                                                                             \
    /* Bias gradient: db[k] (+)= folded sum over pixels in raster order of dy[k]. */                                   \
    X(void, channel_sum, (const fv_map *dy, float *db, int add))                                                       \
    /* ---- 3x3 convolution of stride 1 by Winograd's F(2x2, 3x3) (winograd.c, winograd.h) ---- */                     \
    /* Floats that winograd_pack writes. */                                                                            \
    X(size_t, winograd_packed_size, (int n_out, int n_in))                                                             \
    /* Weights for `winograd`: weight (o, c, t) is w[o*stride_out + c*stride_in + t], with turned 8 - t for t. */      \
    X(void, winograd_pack,                                                                                             \
      (int n_out, int n_in, const float *w, ptrdiff_t stride_out, ptrdiff_t stride_in, int turned, float *packed))     \
    /* Floats of scratch that winograd needs. */                                                                       \
    X(size_t, winograd_scratch, (int n_in))                                                                            \
    /* conv, but the products in another order; x is where tap 0 of output pixel (0, 0) is, s->taps is not read. */    \
    X(void, winograd,                                                                                                  \
      (const fv_conv_shape *s, const float *x, const float *packed, const float *bias, float *y, fv_conv_start start,  \
       int relu, float *scratch))                                                                                      \
    X(size_t, winograd_dw_scratch, (int n_out, int n_in))                                                              \
    /* conv_dw's g of all channels' 3x3 taps; n_in is a multiple of 16. For each position the products of four tiles   \
     * are summed in the order of tiles, then lanes, and added to the sum of those before. */                          \
    X(void, winograd_dw, (const fv_conv_shape *s, const float *x, const float *dy, float *scratch, float *g, int add)) \
    /* ---- convolution + relu + max-pool (conv_pool.c) ---- */                                                        \
    /* w [K][C][3][3] as it is. y = on ? max * scale : 0, where max is the largest of the four (the first of equals    \
     * wins; window order (0,0) (0,1) (1,0) (1,1)) and on = max > 0 and the lane's bit of keep[k] (keep NULL: all).    \
     * scale multiplies only where keep is given. winners [K][ph][pw][16] uint8: 0..3 the winner, or 4 where off;      \
     * NULL when no backward pass follows. */                                                                          \
    X(void, conv_pool,                                                                                                 \
      (const fv_conv_pool_shape *s, const float *x, const float *w, const float *bias, const uint16_t *keep,           \
       float scale, float *y, uint8_t *winners))                                                                       \
    X(size_t, conv_pool_dw_scratch, (int n_out, int n_in))                                                             \
    /* dy [K] planes of the pooled map: gradients that are already zero where off, and scaled (conv_pool_ready).       \
     * g [K][C][3][3], db [K]: folded sums over the windows in raster order of dy * x(winner). */                      \
    X(void, conv_pool_dw,                                                                                              \
      (const fv_conv_pool_shape *s, const float *x, const float *dy, const uint8_t *winners, float *scratch, float *g, \
       float *db, int add))                                                                                            \
    /* dy = winner < 4 ? dy * scale : 0, in place, over the pooled map. */                                             \
    X(void, conv_pool_ready, (const fv_conv_pool_shape *s, float *dy, const uint8_t *winners, float scale))            \
    X(size_t, conv_pool_dx_packed_size, (int n_out, int n_in))                                                         \
    X(void, conv_pool_dx_pack, (int n_out, int n_in, const float *w, float *packed))                                   \
    /* Input gradient, dx laid out as x (x_row, x_plane; the 2ph+2 x 2pw+2 pixels that x is read at). add 0: those     \
     * pixels are set; 1: added to. Order per pixel: windows in raster order, then k. Beyond-border pixels are written \
     * too; the caller clears the border (map_clear_border). */                                                        \
    X(void, conv_pool_dx,                                                                                              \
      (const fv_conv_pool_shape *s, const float *dy, const uint8_t *winners, const float *packed, float *dx, int add)) \
    /* ---- dense (dense.c) ---- */                                                                                    \
    /* y[o] = [relu](bias[o] + sum over i in order w[i*stride + o] * x[i]), o < n_out; x [I][16], y [O][16]. A part of \
     * the outputs may be asked for: stride is the whole layer's. */                                                   \
    X(void, dense,                                                                                                     \
      (int n_in, int n_out, ptrdiff_t stride, const float *x, const float *w, const float *bias, float *y, int relu))  \
    /* wt[o*stride + i] = w[i*S + o], o < n_out; i up to n_in rounded up to 16, written as zero where not below n_in.  \
     */                                                                                                                \
    X(void, dense_transpose, (int n_in, int n_out, const float *w, ptrdiff_t stride, float *wt))                       \
    /* dx[i] = (gate[i] > 0) * sum over o in order wt[o*stride + i] * dy[o]; gate NULL: no gate. add 1: the (gated)    \
     * sum is added to dx. A part of the inputs may be asked for: stride is the whole layer's. */                      \
    X(void, dense_dx,                                                                                                  \
      (int n_in, int n_out, ptrdiff_t stride, const float *dy, const float *wt, const float *gate, float *dx,          \
       int add))                                                                                                       \
    /* dyt[l*S + o] = dy[o][l], zero in padding columns; db[o] (+)= folded dy[o]. dyt [16][S]. */                      \
    X(void, dense_turn, (int n_out, const float *dy, float *dyt, float *db, int add))                                  \
    /* g[i*S + o] (+)= ...: without add 0 + sum, with add g + sum, by v_fma in lane order: images one after another.   \
     * dyt from dense_turn. Padding columns get zero. */                                                               \
    X(void, dense_dw, (int n_in, int n_out, const float *x, const float *dyt, float *g, int add))                      \
    /* ---- batch norm (batchnorm.c) ---- */                                                                           \
    /* Of the first n_lanes lanes, per channel: mean and sum of squared deviations from it (two passes; per lane in    \
     * raster order, missing lanes as +0, folded). */                                                                  \
    X(void, norm_statistics, (const fv_map *x, int n_lanes, float *mean, float *m2))                                   \
    /* y = [relu](x * scale[c] + shift[c]) by v_fma. */                                                                \
    X(void, norm_apply, (const fv_map *x, const float *scale, const float *shift, const fv_map *y, int relu))          \
    /* The same with relu and 2x2 max-pooling; y is the pooled map; keep, keep_scale and winners as in conv_pool. */   \
    X(void, norm_apply_pool,                                                                                           \
      (const fv_map *x, const float *scale, const float *shift, const uint16_t *keep, float keep_scale,                \
       const fv_map *y, uint8_t *winners))                                                                             \
    /* Per channel, folded sums of dy and of dy * (x - mean[c]), the second then times inverse[c]; dy is zero in       \
     * missing lanes. */                                                                                               \
    X(void, norm_sums,                                                                                                 \
      (const fv_map *x, const fv_map *dy, const float *mean, const float *inverse, float *sum_dy, float *sum_dy_x))    \
    /* The same for a pooled dy (zero where off): only winners contribute. */                                          \
    X(void, norm_sums_pool,                                                                                            \
      (const fv_map *x, const fv_map *dy, const uint8_t *winners, const float *mean, const float *inverse,             \
       float *sum_dy, float *sum_dy_x))                                                                                \
    /* dx = a[c]*dy + (b[c]*x + d[c]) (two v_fma: inner first), 0 in lanes >= n_lanes. */                              \
    X(void, norm_dx,                                                                                                   \
      (const fv_map *x, const fv_map *dy, const float *a, const float *b, const float *d, int n_lanes,                 \
       const fv_map *dx))                                                                                              \
    /* The same from a pooled dy: a[c]*dy is added at the winner only (elsewhere dx = b*x + d). x, dx full size, odd   \
     * last rows and columns included. */                                                                              \
    X(void, norm_dx_pool,                                                                                              \
      (const fv_map *x, const fv_map *dy, const uint8_t *winners, const float *a, const float *b, const float *d,      \
       int n_lanes, const fv_map *dx))                                                                                 \
    /* ---- one image, pixels in the lanes (single.c): the numbers of the kernels for sixteen. Rows are written up to  \
     * 16 floats, zero behind the last pixel; rows of x are read up to 16 floats behind the last pixel needed. ---- */ \
    /* y[j] = pixels[j] * scale + shift by v_fma, j < w. */                                                            \
    X(void, single_feed, (const uint8_t *pixels, int w, float scale, float shift, float *y))                           \
    X(void, single_conv, (const fv_single_conv *s, const float *x, const float *w, const float *bias, float *y))       \
    /* y [h][w] = the largest of each 2x2 window of x. */                                                              \
    X(void, single_pool, (int h, int w, const float *x, ptrdiff_t x_row, float *y, ptrdiff_t y_row))                   \
    /* y[o] = [relu](bias[o] + sum over i in order w[i*S + o] * x[i]); bias and y hold S floats. */                    \
    X(void, single_dense,                                                                                              \
      (int n_in, int n_out, const float *x, const float *w, const float *bias, float *y, int relu))                    \
    /* ---- pooling, pointwise (pointwise.c) ---- */                                                                   \
    /* k x k windows at stride k. which [C][PH][PW][16] uint8 gets the winner's place in the window (k <= 15); NULL    \
     * allowed. First of equals wins. */                                                                               \
    X(void, max_pool, (const fv_map *x, int k, const fv_map *y, uint8_t *which))                                       \
    /* dx (all of it) = 0 but dy at the winners; add 1: dy is added at the winners. */                                 \
    X(void, max_pool_dx, (const fv_map *dy, const uint8_t *which, int k, const fv_map *dx, int add))                   \
    /* Mean of kh x kw windows at stride kh, kw: raster-order sum times 1/(kh*kw). Global pooling: one window. */      \
    X(void, mean_pool, (const fv_map *x, int kh, int kw, const fv_map *y))                                             \
    X(void, mean_pool_dx, (const fv_map *dy, int kh, int kw, const fv_map *dx, int add))                               \
    X(void, relu, (const fv_map *x, const fv_map *y))                                                                  \
    /* dx = gate > 0 ? dy : 0 (dx may be dy); add 1: added to dx. */                                                   \
    X(void, relu_dx, (const fv_map *gate, const fv_map *dy, const fv_map *dx, int add))                                \
    /* y = a + b */                                                                                                    \
    X(void, add, (const fv_map *a, const fv_map *b, const fv_map *y))                                                  \
    /* y = keep ? x * scale : 0 (y may be x); keep has a 16-bit mask per channel (per_channel) or per element          \
     * [C][H][W]; add 1: added to y. Its own backward pass. */                                                         \
    X(void, mask, (const fv_map *x, const uint16_t *keep, int per_channel, float scale, const fv_map *y, int add))     \
    /* y = x; add 1: y += x. */                                                                                        \
    X(void, copy, (const fv_map *x, const fv_map *y, int add))                                                         \
    /* Clears the `border` pixels around each plane. */                                                                \
    X(void, map_clear_border, (const fv_map *m, int border))                                                           \
    /* ---- random numbers (random.c) ---- */                                                                          \
    /* keep[i] bit l = word < threshold, where word is Philox's i % 4th word of counter                                \
     * (position + l, epoch, layer, i / 4), key (seed0, purpose dropout); i < n. */                                    \
    X(void, keep_masks,                                                                                                \
      (uint32_t seed0, uint32_t position, uint32_t epoch, uint32_t layer, int n, uint32_t threshold, uint16_t *keep))  \
    /* out[i + 16*k + l], i < n a multiple of 64: word k of Philox's counter (c0, c1, c2, c3 + i / 4 + l), key (seed0, \
     * purpose). */                                                                                                    \
    X(void, random_words,                                                                                              \
      (uint32_t seed0, uint32_t purpose, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, size_t n,                 \
       uint32_t * out))                                                                                                \
    /* Two normal numbers from each of n words (a multiple of 64), |.| <= 5.4: radius from the upper 20 bits, angle    \
     * from the lower 12. */                                                                                           \
    X(void, normals, (size_t n, const uint32_t *words, float *out))                                                    \
    /* ---- feeding (feed.c) ---- */                                                                                   \
    /* Sixteen uint8 images [C][H][W] into lanes: x = v_fma(pixel, scale[c], shift[c]). */                             \
    X(void, feed, (const uint8_t *const image[16], const float *scale, const float *shift, const fv_map *x))           \
    /* ---- images of bytes (image.c): planes [h][w] of uint8, FV_IMAGE_SLACK bytes behind; whole numbers ---- */      \
    /* Bytes of scratch, aligned for floats. */                                                                        \
    X(size_t, resample_scratch, (int h, int w))                                                                        \
    /* y = x where r says, zero outside: nearest pixel (a half is rounded up), or bilinear by 1/256 pixel. */          \
    X(void, resample, (const fv_resample *r, const uint8_t *x, uint8_t *y, void *scratch))                             \
    /* The same, bilinear, with a place for each pixel, [h*w] in 1/256 pixel, |.| < 2^30. scratch: resample's. */      \
    X(void, warp,                                                                                                      \
      (int h, int w, const int32_t *at_x, const int32_t *at_y, const uint8_t *x, uint8_t *y, void *scratch))           \
    X(size_t, blur_scratch, (int h, int w, int radius))                                                                \
    /* Columns, then rows: weights[0] * x + sum over d = 1..radius of weights[d] * (both at distance d), reflected at  \
     * the border. weights [radius + 1] in 1/65536; their whole sum (others twice) <= 65536; radius < h, w. */         \
    X(void, blur, (int h, int w, int radius, const uint16_t *weights, const uint8_t *x, uint8_t *y, void *scratch))    \
    X(size_t, smooth_scratch, (int h, int w, int radius))                                                              \
    /* blur of the 16-bit pixels (x >> shift) & 65535; y [h][w rounded up to 16] = (blurred - middle) * scale. x [h*w] \
     * and FV_IMAGE_SLACK words. */                                                                                    \
    X(void, smooth,                                                                                                    \
      (const fv_smoother *s, const uint32_t *x, int shift, float middle, float scale, float *y, void *scratch))        \
    /* Places for warp: each pixel's own, moved by dx columns and dy rows [h][stride], cut to what the image can show; \
     * NaN is outside. All arrays have FV_IMAGE_SLACK numbers behind. */                                               \
    X(void, displace, (int h, int w, int stride, const float *dx, const float *dy, int32_t *at_x, int32_t *at_y))      \
    /* The mean of a pixel and those at +- each of n_steps steps (down, right), at most radius; reflected. scratch:    \
     * blur's. */                                                                                                      \
    X(void, blur_line,                                                                                                 \
      (int h, int w, int radius, int n_steps, const int32_t(*step)[2], const uint8_t *x, uint8_t *y, void *scratch))   \
    X(size_t, median_scratch, (int h, int w, int radius))                                                              \
    /* The median of a square of 2 radius + 1, radius <= 7; the outermost pixels repeat beyond the border. */          \
    X(void, median, (int h, int w, int radius, const uint8_t *x, uint8_t *y, void *scratch))                           \
    /* ---- loss (loss.c) ---- */                                                                                      \
    /* z [n][16] logits. loss[l] = -log softmax(z)[label[l]] with label smoothing s: (1 - s) nll + s mean over classes \
     * (nats, own log), 0 in lanes >= n_lanes, whose labels are not read; dz (NULL: none) = (softmax - target) *       \
     * scale, 0 in lanes >= n_lanes; best[l] = first largest class. p (NULL: none) [n][16] gets the softmax. */        \
    X(void, softmax_loss,                                                                                              \
      (int n, const float *z, const uint16_t label[16], int n_lanes, float smoothing, float scale, float *dz,          \
       float *p, float loss[16], uint16_t best[16]))                                                                   \
    /* ---- points: neighbours, t-SNE (points.c) ---- */                                                               \
    /* Bit l of which[i] = product[i][l] + norm[l] < limit[i], i < n; product [n][16]. */                              \
    X(void, within, (int n, const float *product, const float *norm, const float *limit, uint16_t *which))             \
    /* Attraction on points begin <= i < end (begin a multiple of 8): force[2*i + axis] = sum over the edges e from    \
     * start[i] to start[i + 1] (multiples of 16) of p[e] * d / (1 + |d|^2), d = xy[i] - xy[to[e]], axis by axis. Lane \
     * l sums edges l, l + 16, ...; folded. xy [..][2]. */                                                             \
    X(void, attract,                                                                                                   \
      (int begin, int end, const uint32_t *start, const uint32_t *to, const float *p, const float *xy, float *force))  \
    /* Exact repulsion on begin <= i < end (multiples of 16) by all j < n, itself included: z[i] = sum of q, fx[i] and \
     * fy[i] = sum of q^2 * (x[i] - x[j]), ..., where q = 1 / (1 + |d|^2); in the order of j, 256 at a time. */        \
    X(void, repel, (int begin, int end, int n, const float *x, const float *y, float *fx, float *fy, float *z))        \
    /* ---- Fourier transforms in the lanes (fourier.c) ---- */                                                        \
    /* Sixteen transforms of data [n][2][16] (real, imaginary), unscaled. Both buffers are used; returns the one that  \
     * holds the result: scratch where n_stages is odd. */                                                             \
    X(float *, fourier, (const fv_fourier *f, int inverse, float *data, float *scratch))                               \
    /* z [n][2][16] is the transform of a + i b, real columns a (16 of them) and b. Twice their transforms of k <= n/2 \
     * go to spectrum[k/16*stripe + c*32 + k%16], imaginary parts 16 behind; c < 16 are those of a, c < 32 those of b. \
     * What is behind n/2 in its stripe is written too, and means nothing. n even. */                                  \
    X(void, fourier_split, (int n, const float *z, float *spectrum, size_t stripe))                                    \
    /* The way back: z = a + i b (from spectra as they are: not halved). */                                            \
    X(void, fourier_merge, (int n, const float *spectrum, size_t stripe, float *z))                                    \
    /* z[i] *= scale[i], both parts; scale [n][16], z [n][2][16]. */                                                   \
    X(void, fourier_scale, (int n, const float *scale, float *z))                                                      \
    /* ---- optimisers (optimiser.c) ---- */                                                                           \
    /* g[i] = sum over the slots of slots[s*stride + i] as a perfect binary tree, i < n (a multiple of 16). n_slots is \
     * a power of two, at most 16. */                                                                                  \
    X(void, reduce_slots, (size_t n, int n_slots, const float *slots, size_t stride, float *g))                        \
    /* Updates w from g; n a multiple of 16; state arrays [n]. PyTorch's formulas; state below FLT_MIN becomes 0.      \
     * Adadelta: square, delta. sgd with momentum 0 leaves velocity alone (NULL allowed). */                           \
    X(void, adadelta, (size_t n, const fv_adadelta *o, const float *g, float *w, float *square, float *delta))         \
    X(void, sgd, (size_t n, const fv_sgd *o, const float *g, float *w, float *velocity))                               \
    X(void, adam, (size_t n, const fv_adam *o, const float *g, float *w, float *m1, float *m2))                        \
    /* average = decay * average + (1 - decay) * w */                                                                  \
    X(void, average, (size_t n, float decay, const float *w, float *average))                                          \
    /* 1 when every w is finite. */                                                                                    \
    X(int, all_finite, (size_t n, const float *w))                                                                     \
    /* ---- the machine's limits (peak.c): the only kernels whose results depend on the set ---- */                    \
    /* n times a = a*x + x in twelve independent vectors of this set's width, the k-th beginning with k; sums gets     \
     * them, at most [192]. x is no constant, or a compiler would know that some chain stands still. Returns the       \
     * multiply-adds done. */                                                                                          \
    X(size_t, fma_chains, (size_t n, float x, float *sums))                                                            \
    /* The sum of x, in whatever order is fastest; n a multiple of 128. */                                             \
    X(float, stream_sum, (size_t n, const float *x))

typedef struct fv_kernels {
    const char *name;
#define FV_KERNEL_FIELD(type, name, arguments) type(*name) arguments;
    FV_KERNELS(FV_KERNEL_FIELD)
#undef FV_KERNEL_FIELD
} fv_kernels;

/* The table of the instruction set in use (see fovea/machine.h). */
const fv_kernels *fv_kernels_chosen(void);

/* Every table compiled into this build, for tests: index 0, 1, ... until NULL; *runs tells whether this machine can
 * run it. */
const fv_kernels *fv_kernels_at(int index, int *runs);

#endif
