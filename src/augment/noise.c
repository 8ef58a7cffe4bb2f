/* Sources: torchvision v2, GaussianNoise on uint8 images; Albumentations, SaltAndPepper (one mask for all channels). */
#include "augment/transform.h"

/* ---- gaussian_noise ---- */

static const fv_param gaussian_params[] = {
    {.name = "sigma", .kind = FV_PARAM_NUMBER, .position = 1, .max = 1, .fallback = 0.1}};

static size_t image_words(fv_shape shape) { /* a word gives two normal numbers */
    return fv_random_round(((size_t)shape.c * (size_t)shape.h * (size_t)shape.w + 1) / 2);
}

static size_t gaussian_scratch(const double *values, fv_shape shape) {
    (void)values;
    return image_words(shape) * (sizeof(uint32_t) + 2 * sizeof(float));
}

/* sigma is a fraction of the full range; noise drops its fraction of a level. */
void fv_add_noise(size_t n, const float *noise, double sigma, uint8_t *x) {
    const float levels = (float)(sigma * 255);
    for (size_t k = 0; k < n; k++) {
        const int v = x[k] + (int)(noise[k] * levels);
        x[k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static bool gaussian(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const size_t n = image_words(shape);
    float *noise = scratch;
    uint32_t *words = (uint32_t *)(void *)(noise + 2 * n);
    (void)y;
    fv_draw_many(draw, n, words);
    fv_kernels_chosen()->normals(n, words, noise);
    fv_add_noise((size_t)shape.c * (size_t)shape.h * (size_t)shape.w, noise, values[0], x);
    return false;
}

const fv_transform fv_transform_gaussian_noise = {
    .name = "gaussian_noise", .params = gaussian_params, .n_params = 1, .scratch = gaussian_scratch, .apply = gaussian};

/* ---- salt_and_pepper ---- */

enum { AMOUNT_MIN, AMOUNT_MAX, P };

static const fv_param pepper_params[] = {
    [AMOUNT_MIN] = {.name = "amount_min", .kind = FV_PARAM_NUMBER, .position = 1, .max = 1, .fallback = 0.01},
    [AMOUNT_MAX] = {.name = "amount_max", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.06},
    [P] = {.name = "p", .kind = FV_PARAM_NUMBER, .position = 3, .max = 1, .fallback = 0.5}};

static fv_status pepper_check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                              fv_error *error) {
    (void)shape;
    return fv_transform_ascending(cursor, call, pepper_params, values, AMOUNT_MIN, AMOUNT_MAX, error);
}

static size_t pepper_scratch(const double *values, fv_shape shape) {
    (void)values;
    return fv_random_round((size_t)shape.h * (size_t)shape.w) * sizeof(uint32_t);
}

/* A pixel is hit with probability `amount`, and is then white with a probability drawn from 0.4 .. 0.6. */
static bool pepper(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const fv_words4 first = fv_draw_words(draw, 0);
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    (void)y;
    if (!fv_draw_chance(first.word[0], values[P])) return false;
    const double amount = fv_draw_between(first.word[1], values[AMOUNT_MIN], values[AMOUNT_MAX]) * 0x1p32;
    const double white = amount * fv_draw_between(first.word[2], 0.4, 0.6);
    uint32_t *words = scratch;
    fv_draw_many(draw, fv_random_round(plane), words);
    for (size_t k = 0; k < plane; k++) {
        if (words[k] >= amount) continue;
        for (size_t c = 0; c < (size_t)shape.c; c++) x[c * plane + k] = words[k] < white ? 255 : 0;
    }
    return false;
}

const fv_transform fv_transform_salt_and_pepper = {.name = "salt_and_pepper",
                                                   .params = pepper_params,
                                                   .n_params = 3,
                                                   .check = pepper_check,
                                                   .scratch = pepper_scratch,
                                                   .apply = pepper};
