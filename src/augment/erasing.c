/* Source: torchvision 0.14, transforms/transforms.py, RandomErasing; Zhong et al. 2017, "Random erasing data
 * augmentation". The ratio of height to width is log-uniform in 0.3 .. 3.3. */
#include <string.h>

#include "augment/transform.h"
#include "base/math.h"

enum { P, AREA_MIN, AREA_MAX, ATTEMPTS = 10 };

static const fv_param params[] = {
    [P] = {.name = "p", .kind = FV_PARAM_NUMBER, .position = 1, .max = 1, .fallback = 0.5},
    [AREA_MIN] = {.name = "area_min", .kind = FV_PARAM_NUMBER, .max = 1, .fallback = 0.02},
    [AREA_MAX] = {.name = "area_max", .kind = FV_PARAM_NUMBER, .max = 1, .fallback = 0.33}};

static fv_status check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape, fv_error *error) {
    (void)shape;
    return fv_transform_ascending(cursor, call, params, values, AREA_MIN, AREA_MAX, error);
}

void fv_erase_size(double area, double ratio, int *h, int *w) {
    *h = (int)fv_round_half(fv_sqrt(area * ratio));
    *w = (int)fv_round_half(fv_sqrt(area / ratio));
}

void fv_erase(fv_shape shape, int top, int left, int h, int w, uint8_t *x) {
    for (int c = 0; c < shape.c; c++)
        for (int i = top; i < top + h; i++)
            memset(x + ((size_t)c * (size_t)shape.h + (size_t)i) * (size_t)shape.w + left, 0, (size_t)w);
}

/* An area that fits is looked for ten times; then the image stays as it is. */
static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    (void)y;
    (void)scratch;
    if (!fv_draw_chance(fv_draw_words(draw, 0).word[0], values[P])) return false;
    for (uint32_t i = 1; i <= ATTEMPTS; i++) {
        const fv_words4 words = fv_draw_words(draw, i);
        const double part = fv_draw_between(words.word[0], values[AREA_MIN], values[AREA_MAX]);
        int h, w;
        fv_erase_size(part * shape.h * shape.w, fv_exp(fv_draw_between(words.word[1], fv_log(0.3), fv_log(3.3))), &h,
                      &w);
        if (h >= shape.h || w >= shape.w) continue;
        fv_erase(shape, (int)fv_below(words.word[2], (uint32_t)(shape.h - h + 1)),
                 (int)fv_below(words.word[3], (uint32_t)(shape.w - w + 1)), h, w, x);
        return false;
    }
    return false;
}

const fv_transform fv_transform_erasing = {
    .name = "erasing", .params = params, .n_params = 3, .check = check, .apply = apply};
