/* Source: torchvision 0.14, transforms/transforms.py, RandomResizedCrop, bilinear without antialiasing, as its tensors
 * are resized by default. */
#include "augment/transform.h"
#include "base/math.h"

enum { AREA_MIN, AREA_MAX, RATIO_MIN, RATIO_MAX, ATTEMPTS = 10 };

static const fv_param params[] = {
    [AREA_MIN] = {.name = "area_min", .kind = FV_PARAM_NUMBER, .position = 1, .min = 0.001, .max = 1, .fallback = 0.08},
    [AREA_MAX] = {.name = "area_max", .kind = FV_PARAM_NUMBER, .position = 2, .min = 0.001, .max = 1, .fallback = 1},
    [RATIO_MIN] = {.name = "ratio_min", .kind = FV_PARAM_NUMBER, .min = 0.01, .max = 100, .fallback = 0.75},
    [RATIO_MAX] = {.name = "ratio_max", .kind = FV_PARAM_NUMBER, .min = 0.01, .max = 100, .fallback = 4.0 / 3}};

static fv_status check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape, fv_error *error) {
    (void)shape;
    FV_TRY(fv_transform_ascending(cursor, call, params, values, AREA_MIN, AREA_MAX, error));
    return fv_transform_ascending(cursor, call, params, values, RATIO_MIN, RATIO_MAX, error);
}

/* Places beyond the outermost pixels of the crop show these, not what lies outside. */
static int32_t place_within(double pixels, int first, int n) {
    const double low = first, high = first + n - 1;
    return fv_place(pixels < low ? low : pixels > high ? high : pixels, first + n);
}

void fv_resized_crop_places(int top, int left, int h, int w, fv_shape shape, const fv_places *at) {
    const double y_step = (double)h / shape.h, x_step = (double)w / shape.w;
    for (int i = 0, k = 0; i < shape.h; i++) {
        const int32_t row = place_within(top + (i + 0.5) * y_step - 0.5, top, h);
        for (int j = 0; j < shape.w; j++, k++) {
            at->y[k] = row;
            at->x[k] = i ? at->x[j] : place_within(left + (j + 0.5) * x_step - 0.5, left, w);
        }
    }
}

/* What ten attempts do not find: the largest crop in the middle whose ratio of width to height is allowed. */
static void central(const double *values, fv_shape shape, int *h, int *w) {
    const double ratio = (double)shape.w / shape.h;
    *h = shape.h;
    *w = shape.w;
    if (ratio < values[RATIO_MIN]) *h = (int)fv_round_half(shape.w / values[RATIO_MIN]);
    if (ratio > values[RATIO_MAX]) *w = (int)fv_round_half(shape.h * values[RATIO_MAX]);
    if (*h < 1) *h = 1;
    if (*w < 1) *w = 1;
}

static size_t scratch_size(const double *values, fv_shape shape) {
    (void)values;
    return fv_places_scratch(shape);
}

static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    int h = 0, w = 0, top, left;
    const double low = fv_log(values[RATIO_MIN]), high = fv_log(values[RATIO_MAX]);
    const fv_places at = fv_places_in(shape, scratch);
    fv_words4 words;
    bool fits = false;
    for (uint32_t i = 0; i < ATTEMPTS && !fits; i++) {
        words = fv_draw_words(draw, i);
        const double part = fv_draw_between(words.word[0], values[AREA_MIN], values[AREA_MAX]);
        fv_erase_size(part * shape.h * shape.w, fv_exp(fv_draw_between(words.word[1], low, high)), &w, &h);
        fits = h > 0 && w > 0 && h <= shape.h && w <= shape.w;
    }
    if (!fits) central(values, shape, &h, &w);
    top = fits ? (int)fv_below(words.word[2], (uint32_t)(shape.h - h + 1)) : (shape.h - h) / 2;
    left = fits ? (int)fv_below(words.word[3], (uint32_t)(shape.w - w + 1)) : (shape.w - w) / 2;
    fv_resized_crop_places(top, left, h, w, shape, &at);
    fv_warp(&at, shape, x, y);
    return true;
}

const fv_transform fv_transform_resized_crop = {
    .name = "resized_crop", .params = params, .n_params = 4, .check = check, .scratch = scratch_size, .apply = apply};
