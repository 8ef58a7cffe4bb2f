/* Source: Albumentations, CoarseDropout(num_holes_range=(1, holes), hole_height_range=hole_width_range=(size_min,
 * size_max), fill=0). */
#include "augment/transform.h"

enum { HOLES, SIDE_MIN, SIDE_MAX, P };

static const fv_param params[] = {
    [HOLES] = {.name = "holes", .kind = FV_PARAM_INTEGER, .position = 1, .min = 1, .max = 1000, .fallback = 2},
    [SIDE_MIN] = {.name = "size_min", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.1},
    [SIDE_MAX] = {.name = "size_max", .kind = FV_PARAM_NUMBER, .position = 3, .max = 1, .fallback = 0.2},
    [P] = {.name = "p", .kind = FV_PARAM_NUMBER, .position = 4, .max = 1, .fallback = 0.5}};

static fv_status check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape, fv_error *error) {
    (void)shape;
    return fv_transform_ascending(cursor, call, params, values, SIDE_MIN, SIDE_MAX, error);
}

/* A side of a hole: at least a pixel. */
static int draw_side(uint32_t word, const double *values, int side) {
    const int n = (int)(fv_draw_between(word, values[SIDE_MIN], values[SIDE_MAX]) * side);
    return n < 1 ? 1 : n;
}

static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const fv_words4 first = fv_draw_words(draw, 0);
    (void)y;
    (void)scratch;
    if (!fv_draw_chance(first.word[0], values[P])) return false;
    const uint32_t n = 1 + fv_below(first.word[1], (uint32_t)values[HOLES]);
    for (uint32_t i = 1; i <= n; i++) {
        const fv_words4 words = fv_draw_words(draw, i);
        const int h = draw_side(words.word[0], values, shape.h), w = draw_side(words.word[1], values, shape.w);
        fv_erase(shape, (int)fv_below(words.word[2], (uint32_t)(shape.h - h + 1)),
                 (int)fv_below(words.word[3], (uint32_t)(shape.w - w + 1)), h, w, x);
    }
    return false;
}

const fv_transform fv_transform_coarse_dropout = {
    .name = "coarse_dropout", .params = params, .n_params = 4, .check = check, .apply = apply};
