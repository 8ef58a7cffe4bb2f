/* Resampling a plane of bytes. Plain loops over whole numbers, which every compiler turns into the vectors of the
 * instruction set; each stands in a function of its own because that is where `restrict` counts. */
#include <string.h>

#include "fovea/data.h"
#include "kernels/pixels.h"

enum { TILE = FV_MAX_SIDE }; /* pixels whose places are kept at a time; at least a row */

INL int32_t clamp(int32_t v, int32_t most) {
    v = v < 0 ? 0 : v;
    return v > most ? most : v;
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
