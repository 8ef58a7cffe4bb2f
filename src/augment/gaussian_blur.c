/* Source: torchvision 0.14, transforms/functional_tensor.py, _get_gaussian_kernel1d and gaussian_blur. */
#include "augment/transform.h"
#include "base/math.h"

enum { KERNEL, SIGMA_MIN, SIGMA_MAX, MOST_KERNEL = FV_MAX_SIDE - 1 };

static const fv_param params[] = {
    [KERNEL] =
        {.name = "kernel", .kind = FV_PARAM_INTEGER, .position = 1, .required = true, .min = 1, .max = MOST_KERNEL},
    [SIGMA_MIN] =
        {.name = "sigma_min", .kind = FV_PARAM_NUMBER, .position = 2, .required = true, .min = 0.01, .max = 1000},
    [SIGMA_MAX] = {
        .name = "sigma_max", .kind = FV_PARAM_NUMBER, .position = 3, .required = true, .min = 0.01, .max = 1000}};

static int radius_of(const double *values) {
    return (int)values[KERNEL] / 2;
}

static fv_status check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape, fv_error *error) {
    const int kernel = (int)values[KERNEL];
    if (kernel % 2 == 0)
        return fv_text_fail(cursor, call, error, "kernel of `gaussian_blur` must be odd: %d or %d, not %d", kernel - 1,
                            kernel + 1, kernel);
    FV_TRY(fv_transform_ascending(cursor, call, params, values, SIGMA_MIN, SIGMA_MAX, error));
    if (kernel > shape.h || kernel > shape.w)
        return FV_SHAPE_FAIL(cursor, call, error, "kernel %d is larger than the images, which are %dx%d", kernel,
                             shape.h, shape.w);
    return FV_OK;
}

/* exp(-d^2 / (2 sigma^2)) over its sum; the middle takes what rounding leaves. */
void fv_blur_weights(int radius, double sigma, uint16_t *weights) {
    double density[MOST_KERNEL / 2 + 1], sum = 1; /* 1 at distance 0 */
    for (int d = 1; d <= radius; d++) {
        density[d] = fv_exp(-0.5 * (d / sigma) * (d / sigma));
        sum += 2 * density[d];
    }
    int rest = 65536;
    for (int d = 1; d <= radius; d++) {
        weights[d] = (uint16_t)(65536 * density[d] / sum + 0.5);
        rest -= 2 * weights[d];
    }
    weights[0] = (uint16_t)(rest < 65535 ? rest : 65535);
}

static size_t scratch_size(const double *values, fv_shape shape) {
    return fv_kernels_chosen()->blur_scratch(shape.h, shape.w, radius_of(values));
}

static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const double sigma = fv_draw_between(fv_draw_words(draw, 0).word[0], values[SIGMA_MIN], values[SIGMA_MAX]);
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    uint16_t weights[MOST_KERNEL / 2 + 1];
    fv_blur_weights(radius_of(values), sigma, weights);
    for (int c = 0; c < shape.c; c++, x += plane, y += plane)
        fv_kernels_chosen()->blur(shape.h, shape.w, radius_of(values), weights, x, y, scratch);
    return true;
}

const fv_transform fv_transform_gaussian_blur = {
    .name = "gaussian_blur", .params = params, .n_params = 3, .check = check, .scratch = scratch_size, .apply = apply};
