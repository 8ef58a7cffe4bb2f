/* Filtering planes of bytes: Gaussian blurs, blurs along a line, medians, in whole numbers. Plain loops become vectors
 * as in image.c. */
#include <string.h>

#include "kernels/pixels.h"

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
