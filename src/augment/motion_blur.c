/* Source: Albumentations, MotionBlur(blur_limit=(3, kernel), angle_range=(0, 360), direction_range=(0, 0),
 * allow_shifted=False): an odd kernel of 3 .. `kernel` pixels with a line through its middle, all of its pixels of
 * equal weight; reflected at the border. */
#include "augment/transform.h"
#include "base/math.h"

enum { KERNEL, P, MOST_KERNEL = 31 };

static const fv_param params[] = {
    [KERNEL] = {.name = "kernel", .kind = FV_PARAM_INTEGER, .position = 1, .min = 3, .max = MOST_KERNEL, .fallback = 7},
    [P] = {.name = "p", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.5}};

fv_status fv_transform_odd_kernel(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                                  fv_error *error) {
    const int kernel = (int)values[0];
    if (kernel % 2 == 0)
        return fv_text_fail(cursor, call, error, "kernel of `%.*s` must be odd: %d or %d, not %d", call.length, call.at,
                            kernel - 1, kernel + 1, kernel);
    if (kernel > shape.h || kernel > shape.w)
        return FV_SHAPE_FAIL(cursor, call, error, "kernel %d is larger than the images, which are %dx%d", kernel,
                             shape.h, shape.w);
    return FV_OK;
}

int fv_motion_line(int radius, double degrees, int32_t step[][2]) {
    const double turn = degrees * (FV_PI / 180), dx = fv_cos(turn), dy = fv_sin(turn);
    const int n = 2 * (2 * radius + 1); /* points on the line, evenly from end to end */
    int found = 0;
    for (int i = n / 2; i < n; i++) {
        const double along = -radius + 2.0 * radius * i / (n - 1);
        const int32_t row = (int32_t)fv_round_half(dy * along), column = (int32_t)fv_round_half(dx * along);
        if (row == 0 && column == 0) continue;
        if (found && step[found - 1][0] == row && step[found - 1][1] == column) continue;
        step[found][0] = row;
        step[found++][1] = column;
    }
    return found;
}

static size_t scratch_size(const double *values, fv_shape shape) {
    return fv_kernels_chosen()->blur_scratch(shape.h, shape.w, (int)values[KERNEL] / 2);
}

static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const fv_words4 words = fv_draw_words(draw, 0);
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    const int radius = 1 + (int)fv_below(words.word[1], (uint32_t)values[KERNEL] / 2);
    int32_t step[MOST_KERNEL * 2][2];
    if (!fv_draw_chance(words.word[0], values[P])) return false;
    const int n = fv_motion_line(radius, fv_draw_between(words.word[2], 0, 360), step);
    for (int c = 0; c < shape.c; c++, x += plane, y += plane)
        fv_kernels_chosen()->blur_line(shape.h, shape.w, radius, n, step, x, y, scratch);
    return true;
}

const fv_transform fv_transform_motion_blur = {.name = "motion_blur",
                                               .params = params,
                                               .n_params = 2,
                                               .check = fv_transform_odd_kernel,
                                               .scratch = scratch_size,
                                               .apply = apply};
