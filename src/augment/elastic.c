/* Source: torchvision 0.14, transforms/transforms.py, ElasticTransform: noise uniform in [-1, 1], smoothed by a
 * Gaussian whose kernel is 8 sigma + 1 wide, times alpha / 2 pixels (alpha w / (2 h) along x in images that are not
 * square, h and w the other way round along y). Simard, Steinkraus, Platt 2003. */
#include "augment/transform.h"

enum { ALPHA, SIGMA, MOST_SIGMA = 100, MOST_RADIUS = 4 * MOST_SIGMA + 1 };

static const fv_param params[] = {
    [ALPHA] = {.name = "alpha", .kind = FV_PARAM_NUMBER, .position = 1, .max = 10000, .fallback = 50},
    [SIGMA] = {.name = "sigma", .kind = FV_PARAM_NUMBER, .position = 2, .min = 0.1, .max = MOST_SIGMA, .fallback = 5}};

static int radius_of(const double *values) {
    return ((int)(8 * values[SIGMA] + 1) | 1) / 2;
}

static fv_status check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape, fv_error *error) {
    const int side = shape.h < shape.w ? shape.h : shape.w, radius = radius_of(values);
    if (radius < side) return FV_OK;
    if (side < 2) return FV_SHAPE_FAIL(cursor, call, error, "`elastic` needs images of at least 2x2 pixels");
    return FV_SHAPE_FAIL(cursor, call, error,
                         "sigma %g smooths over %d pixels on each side, which must be below the images' %dx%d: at most "
                         "%g",
                         values[SIGMA], radius, shape.h, shape.w, (2 * side - 2) / 8.0);
}

static fv_status prepare(const double *values, fv_shape shape, void **out) {
    const int radius = radius_of(values);
    uint16_t weights[MOST_RADIUS + 1];
    fv_blur_weights(radius, values[SIGMA], weights);
    *out = fv_smoother_create(shape.h, shape.w, radius, weights);
    return *out ? FV_OK : FV_E_MEMORY;
}

/* ---- the field ---- */

/* Scratch: places, two planes of displacements [h][w rounded up to 16], one of words, the kernel's. */
static size_t plane_size(fv_shape shape) {
    return (size_t)shape.h * (size_t)fv_round_up(shape.w, 16) + FV_IMAGE_SLACK;
}
static size_t n_words(fv_shape shape) {
    return fv_random_round((size_t)shape.h * (size_t)shape.w + FV_IMAGE_SLACK);
}

static size_t scratch_size(const double *values, fv_shape shape) {
    return fv_round_up_size(fv_places_scratch(shape)) + plane_size(shape) * 2 * sizeof(float) +
           n_words(shape) * sizeof(uint32_t) + fv_kernels_chosen()->smooth_scratch(shape.h, shape.w, radius_of(values));
}

/* Two fields from one draw of words: their lower and their upper halves. */
static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const fv_kernels *kernels = fv_kernels_chosen();
    const size_t n = plane_size(shape);
    const fv_places at = fv_places_in(shape, scratch);
    float *field[2] = {(float *)(void *)((uint8_t *)scratch + fv_round_up_size(fv_places_scratch(shape)))};
    field[1] = field[0] + n;
    uint32_t *words = (uint32_t *)(void *)(field[1] + n);
    fv_draw_many(draw, n_words(shape), words);
    for (int axis = 0; axis < 2; axis++) {
        const double ratio = axis ? (double)shape.h / shape.w : (double)shape.w / shape.h;
        const float pixels = (float)(values[ALPHA] / 2 * ratio / 32768);
        kernels->smooth(draw->prepared, words, 16 * axis, 32767.5F, pixels, field[axis], words + n_words(shape));
    }
    kernels->displace(shape.h, shape.w, fv_round_up(shape.w, 16), field[0], field[1], at.x, at.y);
    fv_warp(&at, shape, x, y);
    return true;
}

const fv_transform fv_transform_elastic = {.name = "elastic",
                                           .params = params,
                                           .n_params = 2,
                                           .check = check,
                                           .prepare = prepare,
                                           .scratch = scratch_size,
                                           .apply = apply};
