/* Source: Albumentations, MedianBlur(blur_limit=(3, kernel)): the median of an odd square of 3 .. `kernel` pixels; the
 * outermost pixels repeat beyond the border. */
#include "augment/transform.h"

enum { KERNEL, P, MOST_KERNEL = 15 };

static const fv_param params[] = {
    [KERNEL] = {.name = "kernel", .kind = FV_PARAM_INTEGER, .position = 1, .min = 3, .max = MOST_KERNEL, .fallback = 7},
    [P] = {.name = "p", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.5}};

static size_t scratch_size(const double *values, fv_shape shape) {
    return fv_kernels_chosen()->median_scratch(shape.h, shape.w, (int)values[KERNEL] / 2);
}

static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const fv_words4 words = fv_draw_words(draw, 0);
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    const int radius = 1 + (int)fv_below(words.word[1], (uint32_t)values[KERNEL] / 2);
    if (!fv_draw_chance(words.word[0], values[P])) return false;
    for (int c = 0; c < shape.c; c++, x += plane, y += plane)
        fv_kernels_chosen()->median(shape.h, shape.w, radius, x, y, scratch);
    return true;
}

const fv_transform fv_transform_median_blur = {.name = "median_blur",
                                               .params = params,
                                               .n_params = 2,
                                               .check = fv_transform_odd_kernel,
                                               .scratch = scratch_size,
                                               .apply = apply};
