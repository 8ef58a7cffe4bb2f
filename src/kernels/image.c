/* Images of bytes: resampling and blurring one plane. Plain loops over whole numbers, which every compiler turns into
 * the vectors of the instruction set; each stands in a function of its own because that is where `restrict` counts.
 * Rows are handled in steps of 16: what a row writes too much, the next row overwrites. */
#include <string.h>

#include "fovea/data.h"
#include "kernels/isa.h"

enum { TILE = FV_MAX_SIDE }; /* pixels whose places are kept at a time; at least a row */

INL size_t size(int n) {
    return (size_t)n;
}
INL size_t steps(int n) {
    return (size_t)fv_round_up(n, 16);
}

INL int32_t clamp(int32_t v, int32_t most) {
    v = v < 0 ? 0 : v;
    return v > most ? most : v;
}
/* The upper half of a product: a * b with b in 1/65536. */
INL uint16_t times(uint16_t a, uint16_t b) {
    return (uint16_t)(((uint32_t)a * b) >> 16);
}

/* ---- resampling ---- */

/* Where the pixels of some rows lie: `index` in an image with a border of one pixel, and how far to the right of and
 * below that pixel, in 1/256 and 1/65536. */
typedef struct places {
    int32_t index[TILE + 16];
    uint16_t right[TILE + 16], below[TILE + 16];
} places;

/* Sets the bordered image p [h + 3][w + 2] and a byte: zeros around x, and two rows of them under it. */
static void add_border(int h, int w, const uint8_t *restrict x, uint8_t *restrict p) {
    const size_t stride = size(w) + 2;
    memset(p, 0, stride + 1);
    for (int i = 0; i < h; i++, x += w) {
        uint8_t *to = p + size(i + 1) * stride + 1;
        for (size_t k = 0; k < steps(w); k += 16) memcpy(to + k, x + k, 16);
        to[w] = to[w + 1] = 0;
    }
    memset(p + size(h + 1) * stride, 0, 2 * stride + 1);
}

static void make_pairs(size_t n, const uint8_t *restrict upper, const uint8_t *restrict lower,
                       uint16_t *restrict pairs) {
    for (size_t k = 0; k < n; k++) pairs[k] = (uint16_t)(upper[k] | lower[k] << 8);
}

static void place_nearest(const fv_resample *restrict r, int row, int n_rows, int32_t *restrict index) {
    const int shift = r->shift, stride = r->w + 2, n = fv_round_up(r->w, 16);
    const int32_t x_most = (r->w + 1) << shift, y_most = (r->h + 1) << shift;
    const uint32_t x_col = (uint32_t)r->x_col, y_col = (uint32_t)r->y_col, middle = 3U << (shift - 1);
    for (int i = row; i < row + n_rows; i++, index += r->w) {
        const uint32_t x = (uint32_t)r->x0 + middle + (uint32_t)r->x_row * (uint32_t)i;
        const uint32_t y = (uint32_t)r->y0 + middle + (uint32_t)r->y_row * (uint32_t)i;
        for (int k = 0; k < n; k++)
            index[k] = (clamp((int32_t)(y + y_col * (uint32_t)k), y_most) >> shift) * stride +
                       (clamp((int32_t)(x + x_col * (uint32_t)k), x_most) >> shift);
    }
}

static void place_bilinear(const fv_resample *restrict r, int row, int n_rows, int32_t *restrict index,
                           uint16_t *restrict right, uint16_t *restrict below) {
    const int shift = r->shift - 8, stride = r->w + 2, n = fv_round_up(r->w, 16);
    const int32_t x_most = (r->w + 1) << r->shift, y_most = (r->h + 1) << r->shift;
    const uint32_t x_col = (uint32_t)r->x_col, y_col = (uint32_t)r->y_col;
    const uint32_t border = (1U << r->shift) + (1U << shift) / 2; /* and the rounding to 1/256 */
    for (int i = row; i < row + n_rows; i++, index += r->w, right += r->w, below += r->w) {
        const uint32_t x = (uint32_t)r->x0 + border + (uint32_t)r->x_row * (uint32_t)i;
        const uint32_t y = (uint32_t)r->y0 + border + (uint32_t)r->y_row * (uint32_t)i;
        for (int k = 0; k < n; k++) {
            const int32_t u = clamp((int32_t)(x + x_col * (uint32_t)k), x_most) >> shift;
            const int32_t v = clamp((int32_t)(y + y_col * (uint32_t)k), y_most) >> shift;
            index[k] = (v >> 8) * stride + (u >> 8);
            right[k] = (uint16_t)(u & 255);
            below[k] = (uint16_t)(v << 8);
        }
    }
}

/* Four at a time, a load and a store each: left alone, gcc builds vectors byte by byte, at twice the time. */
static void pick_pixels(size_t n, const uint8_t *restrict p, const int32_t *restrict index, uint8_t *restrict y) {
    size_t k = 0;
    for (; k + 4 <= n; k += 4) {
        UNROLL for (size_t l = k; l < k + 4; l++) {
            y[l] = p[index[l]];
            FENCE;
        }
    }
    for (; k < n; k++) y[k] = p[index[k]];
}

/* A pair and the one to its right, with one load. */
static void pick_pairs(size_t n, const uint16_t *restrict p, const int32_t *restrict index, uint16_t *restrict y) {
    for (size_t k = 0; k < n; k++) memcpy(y + 2 * k, p + index[k], 4);
}

/* Between left and right by 256ths, then between above and below by 65536ths. */
static void mix(size_t n, const uint16_t *restrict pairs, const uint16_t *restrict right,
                const uint16_t *restrict below, uint8_t *restrict y) {
    for (size_t k = 0; k < n; k++) {
        const uint16_t l = pairs[2 * k], r = pairs[2 * k + 1], f = right[k], g = below[k];
        const uint16_t l0 = l & 255, l1 = l >> 8, r0 = r & 255, r1 = r >> 8;
        const uint16_t above = (uint16_t)((l0 << 8) + (uint16_t)(r0 - l0) * f);
        const uint16_t under = (uint16_t)((l1 << 8) + (uint16_t)(r1 - l1) * f);
        const uint16_t sum = (uint16_t)(times(above, (uint16_t)~g) + times(under, g));
        y[k] = (uint8_t)((uint16_t)(sum + 128) >> 8);
    }
}

static size_t pairs_of(int h, int w) {
    return size(h + 2) * (size(w) + 2) + 1;
}
static size_t bordered_size(int h, int w) {
    return pairs_of(h, w) + size(w) + 2 + 16;
}

size_t FV_K(resample_scratch)(int h, int w) {
    return 2 * pairs_of(h, w) + bordered_size(h, w);
}

void FV_K(resample)(const fv_resample *r, const uint8_t *x, uint8_t *y, void *scratch) {
    const int h = r->h, w = r->w, most_rows = TILE / w;
    uint16_t *pairs = scratch;
    uint8_t *bordered = (uint8_t *)(pairs + pairs_of(h, w));
    places at;
    uint16_t picked[2 * TILE];
    add_border(h, w, x, bordered);
    if (!r->nearest) make_pairs(pairs_of(h, w), bordered, bordered + w + 2, pairs);
    for (int i = 0; i < h; i += most_rows) {
        const int n_rows = h - i < most_rows ? h - i : most_rows;
        const size_t n = size(n_rows) * size(w);
        if (r->nearest) {
            place_nearest(r, i, n_rows, at.index);
            pick_pixels(n, bordered, at.index, y);
        } else {
            place_bilinear(r, i, n_rows, at.index, at.right, at.below);
            pick_pairs(n, pairs, at.index, picked);
            mix(n, picked, at.right, at.below, y);
        }
        y += n;
    }
}

/* ---- blur: columns, then rows, pixels in 1/256 ---- */

/* p [h + 2 radius][w + 2 radius] in 1/256, reflected at the border. */
static void widen(int h, int w, int radius, const uint8_t *restrict x, uint16_t *restrict p) {
    const size_t stride = size(w + 2 * radius);
    for (int i = 0; i < h; i++, x += w) {
        uint16_t *restrict to = p + size(i + radius) * stride + radius;
        for (size_t k = 0; k < steps(w); k++) to[k] = (uint16_t)(x[k] << 8);
    }
    for (int k = 1; k <= radius; k++) {
        uint16_t *row = p + size(radius) * stride + radius;
        for (int i = 0; i < h; i++, row += stride) {
            row[-k] = row[k];
            row[w - 1 + k] = row[w - 1 - k];
        }
    }
    uint16_t *first = p + size(radius) * stride, *last = first + size(h - 1) * stride;
    for (size_t k = 1; k <= size(radius); k++) {
        memcpy(first - k * stride, first + k * stride, 2 * stride);
        memcpy(last + k * stride, last - k * stride, 2 * stride);
    }
}

static void sum_three(size_t n, const uint16_t *weights, const uint16_t *before, const uint16_t *at,
                      const uint16_t *after, uint16_t *restrict y) {
    const uint16_t middle = weights[0], side = weights[1];
    for (size_t k = 0; k < n; k++)
        y[k] = (uint16_t)(times(at[k], middle) + times(before[k], side) + times(after[k], side));
}

static void sum_start(size_t n, uint32_t weight, const uint16_t *restrict at, uint32_t *restrict sum) {
    for (size_t k = 0; k < n; k++) sum[k] = 32768 + weight * at[k];
}
static void sum_add(size_t n, uint32_t weight, const uint16_t *before, const uint16_t *after, uint32_t *restrict sum) {
    for (size_t k = 0; k < n; k++) sum[k] += weight * ((uint32_t)before[k] + after[k]);
}
static void sum_end(size_t n, const uint32_t *restrict sum, uint16_t *restrict y) {
    for (size_t k = 0; k < n; k++) y[k] = (uint16_t)(sum[k] >> 16);
}

/* y[k] = weights[0] * at[k] + sum over d of weights[d] * (at[k - d * step] + at[k + d * step]) */
static void sum_taps(size_t n, int radius, const uint16_t *weights, const uint16_t *at, size_t step, uint16_t *y,
                     uint32_t *sum) {
    if (radius == 1) {
        sum_three(n, weights, at - step, at, at + step, y);
        return;
    }
    sum_start(n, weights[0], at, sum);
    for (size_t d = 1; d <= size(radius); d++) sum_add(n, weights[d], at - d * step, at + d * step, sum);
    sum_end(n, sum, y);
}

static void narrow(int h, int w, size_t stride, const uint16_t *restrict p, uint8_t *restrict y) {
    for (int i = 0; i < h; i++, p += stride, y += w)
        for (size_t k = 0; k < steps(w); k++) y[k] = (uint8_t)((uint16_t)(p[k] + 128) >> 8);
}

/* Sixteen more than the bordered image: rows are written in steps. */
static size_t blur_pixels(int h, int w, int radius) {
    return size(h + 2 * radius) * size(w + 2 * radius) + 16;
}

size_t FV_K(blur_scratch)(int h, int w, int radius) {
    return blur_pixels(h, w, radius) * (sizeof(uint32_t) + 2 * sizeof(uint16_t));
}

void FV_K(blur)(int h, int w, int radius, const uint16_t *weights, const uint8_t *x, uint8_t *y, void *scratch) {
    const size_t n = blur_pixels(h, w, radius), stride = size(w + 2 * radius), rows = size(h) * stride;
    uint32_t *sum = scratch;
    uint16_t *p = (uint16_t *)(sum + n), *q = p + n;
    widen(h, w, radius, x, p);
    sum_taps(rows, radius, weights, p + size(radius) * stride, stride, q, sum);
    sum_taps(rows - 2 * size(radius), radius, weights, q + radius, 1, p, sum);
    narrow(h, w, stride, p, y);
}
