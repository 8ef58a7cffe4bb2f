/* Images of bytes: resampling and filtering one plane. Plain loops over whole numbers, which every compiler turns into
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
    uint32_t x_step[TILE + 16], y_step[TILE + 16];                /* the same in every row: additions are cheaper */
    for (int k = 0; k < n; k++) {
        x_step[k] = x_col * (uint32_t)k;
        y_step[k] = y_col * (uint32_t)k;
    }
    for (int i = row; i < row + n_rows; i++, index += r->w, right += r->w, below += r->w) {
        const uint32_t x = (uint32_t)r->x0 + border + (uint32_t)r->x_row * (uint32_t)i;
        const uint32_t y = (uint32_t)r->y0 + border + (uint32_t)r->y_row * (uint32_t)i;
        for (int k = 0; k < n; k++) {
            const int32_t u = clamp((int32_t)(x + x_step[k]), x_most) >> shift;
            const int32_t v = clamp((int32_t)(y + y_step[k]), y_most) >> shift;
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

/* Like place_bilinear, with places that are given in 1/256 pixel, for n pixels in raster order. */
static void place_given(int h, int w, size_t n, const int32_t *restrict x, const int32_t *restrict y,
                        int32_t *restrict index, uint16_t *restrict right, uint16_t *restrict below) {
    const int32_t x_most = (w + 1) << 8, y_most = (h + 1) << 8, stride = w + 2;
    for (size_t k = 0; k < n; k++) {
        const int32_t u = clamp(x[k] + 256, x_most), v = clamp(y[k] + 256, y_most);
        index[k] = (v >> 8) * stride + (u >> 8);
        right[k] = (uint16_t)(u & 255);
        below[k] = (uint16_t)(v << 8);
    }
}

void FV_K(warp)(int h, int w, const int32_t *at_x, const int32_t *at_y, const uint8_t *x, uint8_t *y, void *scratch) {
    const size_t n = size(h) * size(w);
    uint16_t *pairs = scratch;
    uint8_t *bordered = (uint8_t *)(pairs + pairs_of(h, w));
    places at;
    uint16_t picked[2 * TILE];
    add_border(h, w, x, bordered);
    make_pairs(pairs_of(h, w), bordered, bordered + w + 2, pairs);
    for (size_t k = 0; k < n; k += TILE) {
        const size_t many = n - k < TILE ? n - k : TILE;
        place_given(h, w, many, at_x + k, at_y + k, at.index, at.right, at.below);
        pick_pairs(many, pairs, at.index, picked);
        mix(many, picked, at.right, at.below, y + k);
    }
}

/* ---- blur: columns, then rows, pixels in 1/256 ---- */

/* The border of p [h + 2 radius][w + 2 radius] reflects the image in its middle. */
static void reflect(int h, int w, int radius, uint16_t *p) {
    const size_t stride = size(w + 2 * radius);
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

/* p [h + 2 radius][w + 2 radius] in 1/256, reflected at the border. */
static void widen(int h, int w, int radius, const uint8_t *restrict x, uint16_t *restrict p) {
    const size_t stride = size(w + 2 * radius);
    for (int i = 0; i < h; i++, x += w) {
        uint16_t *restrict to = p + size(i + radius) * stride + radius;
        for (size_t k = 0; k < steps(w); k++) to[k] = (uint16_t)(x[k] << 8);
    }
    reflect(h, w, radius, p);
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

/* The bordered image p becomes its columns' and rows' sums, row i at p + i * stride; q is as large. */
static void sum_both(int h, int w, int radius, const uint16_t *weights, uint16_t *p, uint16_t *q, uint32_t *sum) {
    const size_t stride = size(w + 2 * radius), rows = size(h) * stride;
    sum_taps(rows, radius, weights, p + size(radius) * stride, stride, q, sum);
    sum_taps(rows - 2 * size(radius), radius, weights, q + radius, 1, p, sum);
}

void FV_K(blur)(int h, int w, int radius, const uint16_t *weights, const uint8_t *x, uint8_t *y, void *scratch) {
    const size_t n = blur_pixels(h, w, radius);
    uint32_t *sum = scratch;
    uint16_t *p = (uint16_t *)(sum + n), *q = p + n;
    widen(h, w, radius, x, p);
    sum_both(h, w, radius, weights, p, q, sum);
    narrow(h, w, size(w + 2 * radius), p, y);
}

void FV_K(smooth)(int h, int w, int radius, const uint16_t *weights, const uint16_t *x, uint16_t *y, void *scratch) {
    const size_t n = blur_pixels(h, w, radius), stride = size(w + 2 * radius), bytes = size(w) * sizeof *x;
    uint32_t *sum = scratch;
    uint16_t *p = (uint16_t *)(sum + n), *q = p + n;
    for (int i = 0; i < h; i++) memcpy(p + size(i + radius) * stride + radius, x + size(i) * size(w), bytes);
    reflect(h, w, radius, p);
    sum_both(h, w, radius, weights, p, q, sum);
    for (int i = 0; i < h; i++) memcpy(y + size(i) * size(w), p + size(i) * stride, bytes);
}

void FV_K(blur_line)(int h, int w, int radius, int n_steps, const int32_t (*step)[2], const uint8_t *x, uint8_t *y,
                     void *scratch) {
    const size_t n = blur_pixels(h, w, radius), stride = size(w + 2 * radius), rows = size(h) * stride;
    const size_t used = rows - 2 * size(radius);
    const uint32_t side = 65536U / (2 * (uint32_t)n_steps + 1), middle = 65536U - 2 * side * (uint32_t)n_steps;
    uint32_t *sum = scratch;
    uint16_t *p = (uint16_t *)(sum + n), *q = p + n;
    const uint16_t *at = p + size(radius) * stride + radius;
    widen(h, w, radius, x, p);
    sum_start(used, middle, at, sum);
    for (int i = 0; i < n_steps; i++) {
        const ptrdiff_t apart = step[i][0] * (ptrdiff_t)stride + step[i][1];
        sum_add(used, side, at - apart, at + apart, sum);
    }
    sum_end(used, sum, q);
    narrow(h, w, stride, q, y);
}

/* ---- median ---- */

/* p [h + 2 radius][w + 2 radius]: the outermost pixels repeat beyond the border. */
static void extend(int h, int w, int radius, const uint8_t *restrict x, uint8_t *restrict p) {
    const size_t stride = size(w + 2 * radius), r = size(radius);
    for (size_t i = 0; i < size(h); i++, x += w) {
        uint8_t *row = p + (i + r) * stride;
        memset(row, x[0], r);
        memcpy(row + r, x, size(w));
        memset(row + r + size(w), x[w - 1], r);
    }
    for (size_t k = 0; k < r; k++) {
        memcpy(p + k * stride, p + r * stride, stride);
        memcpy(p + (r + size(h) + k) * stride, p + (r + size(h) - 1) * stride, stride);
    }
}

static void count_below(size_t n, const uint8_t *restrict at, const uint8_t *restrict guess, uint8_t *restrict count) {
    for (size_t k = 0; k < n; k++) count[k] = (uint8_t)(count[k] + (at[k] < guess[k]));
}
/* A bit more stays in the guess where no more than half of the pixels lie below it. */
static void settle_bit(size_t n, uint8_t half, uint8_t bit, const uint8_t *restrict count, uint8_t *restrict guess) {
    for (size_t k = 0; k < n; k++) guess[k] = (uint8_t)(count[k] > half ? guess[k] ^ bit : guess[k]);
}
static void set_bit(size_t n, uint8_t bit, uint8_t *restrict guess) {
    for (size_t k = 0; k < n; k++) guess[k] |= bit;
}

static size_t median_pixels(int h, int w, int radius) {
    return size(h + 2 * radius) * size(w + 2 * radius) + 16;
}

size_t FV_K(median_scratch)(int h, int w, int radius) {
    return 3 * median_pixels(h, w, radius);
}

/* The largest value that at most half of a window's pixels lie below, a bit at a time from the highest. */
void FV_K(median)(int h, int w, int radius, const uint8_t *x, uint8_t *y, void *scratch) {
    const size_t n = median_pixels(h, w, radius), stride = size(w + 2 * radius);
    const size_t used = size(h) * stride - 2 * size(radius);
    const int kernel = 2 * radius + 1;
    uint8_t *p = scratch, *guess = p + n, *count = guess + n;
    extend(h, w, radius, x, p);
    memset(guess, 0, used);
    for (unsigned bit = 128; bit; bit >>= 1) {
        set_bit(used, (uint8_t)bit, guess);
        memset(count, 0, used);
        for (int t = 0; t < kernel * kernel; t++)
            count_below(used, p + size(t / kernel) * stride + size(t % kernel), guess, count);
        settle_bit(used, (uint8_t)(kernel * kernel / 2), (uint8_t)bit, count, guess);
    }
    for (int i = 0; i < h; i++) memcpy(y + size(i) * size(w), guess + size(i) * stride, size(w));
}
