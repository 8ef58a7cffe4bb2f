/* Transforms that choose one of fourteen operations for every image: trivialaugment (one, at any magnitude) and
 * randaugment (n of them, at a given one).
 * Source: torchvision 0.14, transforms/autoaugment.py, TrivialAugmentWide and RandAugment, 31 magnitudes, nearest
 * pixel. Mueller, Hutter 2021; Cubuk et al. 2019. */
#include "augment/transform.h"
#include "base/math.h"

enum { BINS = 31 };

/* torchvision's order. */
enum {
    IDENTITY,
    SHEAR_X,
    SHEAR_Y,
    TRANSLATE_X,
    TRANSLATE_Y,
    ROTATE,
    BRIGHTNESS,
    COLOUR,
    CONTRAST,
    SHARPNESS,
    POSTERIZE,
    SOLARIZE,
    AUTOCONTRAST,
    EQUALIZE
};

/* ---- one operation ---- */

static fv_inverse map_of(int index, double magnitude, fv_shape shape) {
    const double whole = (double)(int)magnitude; /* pixels, the fraction dropped */
    fv_inverse m = {.xx = 1, .yy = 1};
    if (index == ROTATE) return fv_inverse_affine(-magnitude, 0, 0, 1, 0);
    if (index == TRANSLATE_X) m.x0 = -whole;
    if (index == TRANSLATE_Y) m.y0 = -whole;
    if (index == SHEAR_X) { /* about the upper left corner */
        m.xy = magnitude;
        m.x0 = magnitude * shape.h / 2;
    }
    if (index == SHEAR_Y) {
        m.yx = magnitude;
        m.y0 = magnitude * shape.w / 2;
    }
    return m;
}

static bool resample(int index, double magnitude, fv_shape shape, const uint8_t *x, uint8_t *y, void *scratch) {
    const double reach = 3.0 * (shape.h + shape.w) + 32; /* beyond any of them */
    const fv_inverse m = map_of(index, magnitude, shape);
    const fv_resample plan = fv_resample_plan(&m, shape, fv_resample_shift(shape, reach), true);
    fv_resample_image(&plan, shape, x, y, scratch);
    return true;
}

bool fv_policy_operation(int index, double magnitude, fv_shape shape, uint8_t *x, uint8_t *y, void *scratch) {
    switch (index) {
    case BRIGHTNESS:
        return fv_adjust_brightness(shape, 1 + magnitude, x), false;
    case COLOUR:
        return fv_adjust_saturation(shape, 1 + magnitude, x), false;
    case CONTRAST:
        return fv_adjust_contrast(shape, 1 + magnitude, x), false;
    case SHARPNESS:
        return fv_adjust_sharpness(shape, 1 + magnitude, x, y), true;
    case POSTERIZE:
        return fv_posterize(shape, (int)magnitude, x), false;
    case SOLARIZE:
        return fv_solarize(shape, magnitude, x), false;
    case AUTOCONTRAST:
        return fv_autocontrast(shape, x), false;
    case EQUALIZE:
        return fv_equalize(shape, x), false;
    case IDENTITY:
        return false;
    default:
        return resample(index, magnitude, shape, x, y, scratch);
    }
}

/* ---- magnitudes: of bin 0 .. 30 ---- */

/* The largest of each, and how many bits posterize takes at most. */
typedef struct space {
    double shear, translate_x, translate_y, rotate, colour, bits;
} space;

static double magnitude_of(int index, int bin, const space *s) {
    const double share = (double)bin / (BINS - 1);
    switch (index) {
    case SHEAR_X:
    case SHEAR_Y:
        return s->shear * share;
    case TRANSLATE_X:
        return s->translate_x * share;
    case TRANSLATE_Y:
        return s->translate_y * share;
    case ROTATE:
        return s->rotate * share;
    case POSTERIZE:
        return 8 - fv_round_half(s->bits * share);
    case SOLARIZE:
        return 255 * (1 - share);
    default:
        return s->colour * share;
    }
}

/* Draws an operation, its sign, and its bin where none is given (< 0), and does it. */
static bool draw_operation(fv_words4 words, int bin, const space *s, fv_shape shape, uint8_t *x, uint8_t *y,
                           void *scratch) {
    const int index = (int)fv_below(words.word[0], FV_POLICY_OPERATIONS);
    double magnitude = magnitude_of(index, bin < 0 ? (int)fv_below(words.word[1], BINS) : bin, s);
    if (index >= SHEAR_X && index <= SHARPNESS && words.word[2] >> 31) magnitude = -magnitude;
    return fv_policy_operation(index, magnitude, shape, x, y, scratch);
}

static size_t scratch_size(const double *values, fv_shape shape) {
    (void)values;
    return fv_kernels_chosen()->resample_scratch(shape.h, shape.w);
}

/* ---- the transforms ---- */

static bool trivialaugment(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y,
                           void *scratch) {
    static const space wide = {0.99, 32, 32, 135, 0.99, 6};
    (void)values;
    return draw_operation(fv_draw_words(draw, 0), -1, &wide, shape, x, y, scratch);
}

const fv_transform fv_transform_trivialaugment = {
    .name = "trivialaugment", .check = fv_transform_colours, .scratch = scratch_size, .apply = trivialaugment};

static const fv_param rand_params[] = {
    {.name = "n", .kind = FV_PARAM_INTEGER, .position = 1, .min = 1, .max = 14, .fallback = 2},
    {.name = "magnitude", .kind = FV_PARAM_INTEGER, .position = 2, .max = BINS - 1, .fallback = 9}};

static bool randaugment(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y,
                        void *scratch) {
    const space s = {0.3, 150.0 / 331 * shape.w, 150.0 / 331 * shape.h, 30, 0.9, 4};
    bool swapped = false;
    for (uint32_t i = 0; i < (uint32_t)values[0]; i++) {
        if (!draw_operation(fv_draw_words(draw, i), (int)values[1], &s, shape, x, y, scratch)) continue;
        uint8_t *const other = x;
        x = y;
        y = other;
        swapped = !swapped;
    }
    return swapped;
}

const fv_transform fv_transform_randaugment = {.name = "randaugment",
                                               .params = rand_params,
                                               .n_params = 2,
                                               .check = fv_transform_colours,
                                               .scratch = scratch_size,
                                               .apply = randaugment};
