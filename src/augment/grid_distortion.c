/* Source: Albumentations, GridDistortion(normalized=True), as documented: the image is cut into steps x steps cells,
 * every column and row of cells is stretched by 1 + a number uniform in [-limit, limit], and the grid is scaled back to
 * the image, so that nothing leaves it; bilinear. */
#include "augment/transform.h"

enum { STEPS, LIMIT, P, MOST_STEPS = 64 };

static const fv_param params[] = {
    [STEPS] = {.name = "steps", .kind = FV_PARAM_INTEGER, .position = 1, .min = 1, .max = MOST_STEPS, .fallback = 5},
    [LIMIT] = {.name = "limit", .kind = FV_PARAM_NUMBER, .position = 2, .max = 0.99, .fallback = 0.3},
    [P] = {.name = "p", .kind = FV_PARAM_NUMBER, .position = 3, .max = 1, .fallback = 0.5}};

/* Where the middle of output pixel `i` of `side` reads: n steps of equal width in the output, of theirs in the input.
 */
static int32_t place_on_axis(int i, int side, int n, const double *steps, const double *before) {
    const double cells = (i + 0.5) * n / side;
    const int cell = (int)cells < n ? (int)cells : n - 1;
    const double at = before[cell] + (cells - cell) * steps[cell], pixels = at / before[n] * side - 0.5;
    return fv_place(pixels < 0 ? 0 : pixels > side - 1 ? side - 1 : pixels, side);
}

void fv_grid_places(int n, const double *x_steps, const double *y_steps, fv_shape shape, const fv_places *at) {
    double x_before[MOST_STEPS + 1] = {0}, y_before[MOST_STEPS + 1] = {0};
    for (int i = 0; i < n; i++) {
        x_before[i + 1] = x_before[i] + x_steps[i];
        y_before[i + 1] = y_before[i] + y_steps[i];
    }
    for (int i = 0, k = 0; i < shape.h; i++) {
        const int32_t row = place_on_axis(i, shape.h, n, y_steps, y_before);
        for (int j = 0; j < shape.w; j++, k++) {
            at->y[k] = row;
            at->x[k] = i ? at->x[j] : place_on_axis(j, shape.w, n, x_steps, x_before);
        }
    }
}

static size_t scratch_size(const double *values, fv_shape shape) {
    (void)values;
    return fv_places_scratch(shape);
}

static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const int n = (int)values[STEPS];
    double x_steps[MOST_STEPS], y_steps[MOST_STEPS];
    const fv_places at = fv_places_in(shape, scratch);
    if (!fv_draw_chance(fv_draw_words(draw, 0).word[0], values[P])) return false;
    for (int i = 0; i < n; i++) {
        const fv_words4 words = fv_draw_words(draw, (uint32_t)i + 1);
        x_steps[i] = 1 + fv_draw_between(words.word[0], -values[LIMIT], values[LIMIT]);
        y_steps[i] = 1 + fv_draw_between(words.word[1], -values[LIMIT], values[LIMIT]);
    }
    fv_grid_places(n, x_steps, y_steps, shape, &at);
    fv_warp(&at, shape, x, y);
    return true;
}

const fv_transform fv_transform_grid_distortion = {
    .name = "grid_distortion", .params = params, .n_params = 3, .scratch = scratch_size, .apply = apply};
