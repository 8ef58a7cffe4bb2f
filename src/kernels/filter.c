/* Filtering planes of bytes: Gaussian blurs, blurs along a line, medians, in whole numbers. Plain loops become vectors
 * as in image.c. */
#include <string.h>

#include "fovea/data.h"
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

/* ---- smoothing ---- */

/* What is multiplied are numbers less 32768, in pairs of signed 16-bit numbers: sums of whole numbers are exact, so
 * that both ways of smoothing give the same bits. A tile is four rows by as many columns as leave its sums in
 * registers. */
enum { TILE_ROWS = 4, TILE_COLUMNS = V_L == 16 ? 32 : 16, OFFSET = 0x8000 };

/* Sums over the pairs begin <= k < end of n_rows rows of `a` and n_columns columns of b [k][stride]; a row's pairs lie
 * as words of a little-endian machine. */
INL void sum_tile(int n_rows, int n_columns, int begin, int end, const int16_t *a, size_t a_stride, const uint32_t *b,
                  size_t stride, uint32_t rest, uint32_t *out) {
    const int n = n_columns / V_L;
    W sum[TILE_ROWS][TILE_COLUMNS / V_L];
    UNROLL for (int i = 0; i < n_rows; i++) {
        UNROLL for (int v = 0; v < n; v++) sum[i][v] = w_set(rest);
    }
    for (size_t k = size(begin); k < size(end); k++) {
        W at[TILE_COLUMNS / V_L];
        UNROLL for (int v = 0; v < n; v++) at[v] = w_load(b + k * stride + v * V_L);
        UNROLL for (int i = 0; i < n_rows; i++) {
            uint32_t both;
            memcpy(&both, a + size(i) * a_stride + 2 * k, sizeof both);
            const W all = w_set(both);
            UNROLL for (int v = 0; v < n; v++) sum[i][v] = w_add(sum[i][v], w_dot(at[v], all));
        }
    }
    UNROLL for (int i = 0; i < n_rows; i++) {
        UNROLL for (int v = 0; v < n; v++) w_store(out + size(i) * stride + v * V_L, sum[i][v]);
    }
}

/* n_rows rows and n_columns columns, at most a tile's. */
static void sum_rows(int n_rows, int n_columns, int begin, int end, const int16_t *a, size_t a_stride,
                     const uint32_t *b, size_t stride, uint32_t rest, uint32_t *out) {
    if (n_rows == TILE_ROWS && n_columns == TILE_COLUMNS) {
        sum_tile(TILE_ROWS, TILE_COLUMNS, begin, end, a, a_stride, b, stride, rest, out);
        return;
    }
    for (int i = 0; i < n_rows; i++)
        for (size_t j = 0; j < size(n_columns); j += FV_LANES)
            sum_tile(1, FV_LANES, begin, end, a + size(i) * a_stride, a_stride, b + j, stride, rest,
                     out + size(i) * stride + j);
}

static int least(int a, int b) {
    return a < b ? a : b;
}
/* The pairs that reach from `first` to `last` of n pixels. */
static int pair_begin(int first, int radius) {
    return first > radius ? (first - radius) / 2 : 0;
}
static int pair_end(int last, int radius, int n) {
    return least(last + radius, n - 1) / 2 + 1;
}

/* Rows 2 k and 2 k + 1 (behind the last row: itself, which weighs nothing there). */
static void pair_rows(size_t n, int shift, const uint32_t *restrict upper, const uint32_t *restrict lower,
                      uint32_t *restrict pairs) {
    for (size_t j = 0; j < n; j++) pairs[j] = ((upper[j] >> shift & 0xFFFF) | lower[j] >> shift << 16) ^ 0x80008000U;
}

static void keep_upper(size_t n, const uint32_t *restrict sum, int16_t *restrict y) {
    for (size_t j = 0; j < n; j++) y[j] = (int16_t)(uint16_t)(sum[j] >> 16 ^ OFFSET);
}
static void scale_upper(size_t n, const uint32_t *restrict sum, float middle, float scale, float *restrict y) {
    for (size_t j = 0; j < n; j++) y[j] = ((float)(int32_t)(sum[j] >> 16) - middle) * scale;
}

static void smooth_by_matrices(const fv_smoother *s, const uint32_t *x, int shift, float middle, float scale, float *y,
                               void *scratch) {
    const int h = s->h, w = s->w, radius = s->radius, across = fv_round_up(w, 16);
    const size_t stride = size(across), h_even = size(h + h % 2);
    const uint32_t rest = 32768 + OFFSET * s->total;
    uint32_t *pairs = scratch, *sum = pairs + h_even / 2 * stride;
    int16_t *half = (int16_t *)(sum + TILE_ROWS * stride);
    for (int i = 0; i < h; i += 2)
        pair_rows(stride, shift, x + size(i) * size(w), x + size(least(i + 1, h - 1)) * size(w),
                  pairs + size(i / 2) * stride);
    for (int i = 0; i < h; i += TILE_ROWS) {
        const int n = least(TILE_ROWS, h - i), begin = pair_begin(i, radius), end = pair_end(i + n - 1, radius, h);
        for (int j = 0; j < across; j += TILE_COLUMNS)
            sum_rows(n, least(TILE_COLUMNS, across - j), begin, end, s->down + size(i) * h_even, h_even, pairs + j,
                     stride, rest, sum + j);
        keep_upper(size(n) * stride, sum, half + size(i) * stride);
    }
    for (int i = 0; i < h; i += TILE_ROWS) {
        const int n = least(TILE_ROWS, h - i);
        for (int j = 0; j < across; j += TILE_COLUMNS)
            sum_rows(n, least(TILE_COLUMNS, across - j), pair_begin(j, radius),
                     pair_end(j + TILE_COLUMNS - 1, radius, w), half + size(i) * stride, stride, s->along + j, stride,
                     rest, sum + j);
        scale_upper(size(n) * stride, sum, middle, scale, y + size(i) * stride);
    }
}

static void smooth_by_taps(const fv_smoother *s, const uint32_t *x, int shift, float middle, float scale, float *y,
                           void *scratch) {
    const int h = s->h, w = s->w, radius = s->radius;
    const size_t n = blur_pixels(h, w, radius), stride = size(w + 2 * radius);
    uint32_t *sum = scratch;
    uint16_t *p = (uint16_t *)(sum + n), *q = p + n;
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++)
            p[size(i + radius) * stride + size(j + radius)] = (uint16_t)(x[size(i) * size(w) + size(j)] >> shift);
    reflect(h, w, radius, p);
    sum_both(h, w, radius, s->weights, p, q, sum);
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++)
            y[size(i) * steps(w) + size(j)] = ((float)p[size(i) * stride + size(j)] - middle) * scale;
}

size_t FV_K(smooth_scratch)(int h, int w, int radius) {
    const size_t taps = FV_K(blur_scratch)(h, w, radius), matrices = 4 * size(h + 1 + TILE_ROWS) * steps(w);
    return taps > matrices ? taps : matrices;
}

void FV_K(smooth)(const fv_smoother *s, const uint32_t *x, int shift, float middle, float scale, float *y,
                  void *scratch) {
    if (s->down)
        smooth_by_matrices(s, x, shift, middle, scale, y, scratch);
    else
        smooth_by_taps(s, x, shift, middle, scale, y, scratch);
}

/* own + floor(256 d + 1/2), between own + least and own + most, whole numbers all; exact below 2^24. The fraction
 * decides, since adding 1/2 would round. */
INL V displaced(V d, V own, V least, V most) {
    V x = v_max(v_mul(d, v_set(256)), least); /* NaN becomes the least */
    x = v_select(v_gt(x, most), most, x);
    const V n = v_round(x), place = v_add(own, n);
    return v_select(v_gt(v_set(0.5F), v_sub(x, n)), place, v_add(place, v_set(1)));
}

/* Between one pixel before the first and one behind the last, in 1/256 pixel. */
static void displace_row(int w, const float *d, float own, float step, int side, int32_t *restrict at) {
    const V low = v_set(-256), high = v_set(256 * (float)side);
    float place[FV_MAX_SIDE], lane[FV_LANES];
    for (int l = 0; l < FV_LANES; l++) lane[l] = 256 * (own + step * (float)l);
    for (int j = 0; j < w; j += FV_LANES) {
        UNROLL for (int v = 0; v < NV; v++) {
            const V from = v_add(v_loadu(lane + v * V_L), v_set(256 * step * (float)j));
            v_storeu(place + j + v * V_L,
                     displaced(v_loadu(d + j + v * V_L), from, v_sub(low, from), v_sub(high, from)));
        }
    }
    for (size_t j = 0; j < steps(w); j++) at[j] = (int32_t)place[j];
}

void FV_K(displace)(int h, int w, int stride, const float *dx, const float *dy, int32_t *at_x, int32_t *at_y) {
    for (int i = 0; i < h; i++, dx += stride, dy += stride, at_x += w, at_y += w) {
        displace_row(w, dx, 0, 1, w, at_x);
        displace_row(w, dy, (float)i, 0, h, at_y);
    }
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
