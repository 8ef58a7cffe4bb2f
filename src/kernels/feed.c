/* Sixteen uint8 images into the lanes: sixteen pixels at a time, a 16 x 16 transpose of bytes, then normalised. */
#include "kernels/isa.h"

typedef uint8_t bytes16 __attribute__((vector_size(16)));

INL bytes16 bytes_load(const uint8_t *p) {
    bytes16 r;
    __builtin_memcpy(&r, p, sizeof r);
    return r;
}
INL bytes16 zip_low(bytes16 a, bytes16 b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INL bytes16 zip_high(bytes16 a, bytes16 b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/* Rows i and i + 8 zipped: four such rounds make [image][pixel] into [pixel][image]. */
INL void zip_round(const bytes16 *from, bytes16 *to) {
    UNROLL for (int i = 0; i < 8; i++) {
        to[2 * i] = zip_low(from[i], from[i + 8]);
        to[2 * i + 1] = zip_high(from[i], from[i + 8]);
    }
}

/* Pixels at .. at + n of the images, n <= 16, to lanes [n][16]. */
INL void gather(const uint8_t *const image[16], size_t at, int n, bytes16 lanes[16]) {
    if (n == 16) {
        bytes16 other[16];
        UNROLL for (int l = 0; l < FV_LANES; l++) lanes[l] = bytes_load(image[l] + at);
        zip_round(lanes, other);
        zip_round(other, lanes);
        zip_round(lanes, other);
        zip_round(other, lanes);
    } else {
        for (int k = 0; k < n; k++)
            for (int l = 0; l < FV_LANES; l++) lanes[k][l] = image[l][at + (size_t)k];
    }
}

INL void store_pixel(const bytes16 *lanes, V scale, V shift, float *x) {
    UNROLL for (int v = 0; v < NV; v++)
        v_store(x + v * V_L, v_fma(v_from_bytes((const uint8_t *)lanes + v * V_L), scale, shift));
}

/* Planes without a border: a run of pixels. */
static void feed_plane(const uint8_t *const image[16], size_t at, int n, V scale, V shift, float *x) {
    bytes16 lanes[16];
    int k = 0;
    for (; k + 16 <= n; k += 16, at += 16, x += 16 * FV_LANES) {
        gather(image, at, 16, lanes);
        UNROLL for (int p = 0; p < 16; p++) store_pixel(&lanes[p], scale, shift, x + p * FV_LANES);
    }
    gather(image, at, n - k, lanes);
    for (int p = 0; p < n - k; p++) store_pixel(&lanes[p], scale, shift, x + p * FV_LANES);
}

/* Planes with a border: the same runs, broken at the ends of rows. */
static void feed_rows(const uint8_t *const image[16], size_t at, const fv_map *m, V scale, V shift, float *x) {
    const ptrdiff_t gap = m->row - (ptrdiff_t)m->w * FV_LANES;
    int left = m->w;
    for (int k = 0, n = m->h * m->w; k < n; k += 16, at += 16) {
        bytes16 lanes[16];
        const int many = n - k < 16 ? n - k : 16;
        gather(image, at, many, lanes);
        for (int p = 0; p < many; p++, x += FV_LANES) {
            store_pixel(&lanes[p], scale, shift, x);
            if (--left == 0) {
                left = m->w;
                x += gap;
            }
        }
    }
}

void FV_K(feed)(const uint8_t *const image[16], const float *scale, const float *shift, const fv_map *x) {
    const int n = x->h * x->w;
    for (int c = 0; c < x->c; c++) {
        const V a = v_set(scale[c]), b = v_set(shift[c]);
        const size_t at = (size_t)c * (size_t)n;
        float *to = x->at + c * x->plane;
        if (x->row == (ptrdiff_t)x->w * FV_LANES)
            feed_plane(image, at, n, a, b, to);
        else
            feed_rows(image, at, x, a, b, to);
    }
}
