/* Brightness, contrast, saturation, hue, all four in random order, and sharpness: float32 step by step as torchvision
 * computes them, so that the levels are the same ones.
 * Source: torchvision 0.14, transforms/functional_tensor.py; the draws from transforms/transforms.py, ColorJitter. */
#include <string.h>

#include "augment/transform.h"

static size_t plane_size(fv_shape shape) {
    return (size_t)shape.h * (size_t)shape.w;
}

/* Cut to 0..255, the fraction dropped. */
static uint8_t level(float v) {
    v = v > 0 ? v : 0;
    return (uint8_t)(v < 255 ? v : 255);
}

/* The luminance of a pixel, the fraction dropped. */
static uint8_t luminance(const uint8_t *x, size_t plane) {
    return (uint8_t)(0.2989F * (float)x[0] + 0.587F * (float)x[plane] + 0.114F * (float)x[2 * plane]);
}

void fv_adjust_brightness(fv_shape shape, double factor, uint8_t *x) {
    const float ratio = (float)factor;
    for (size_t k = 0; k < (size_t)shape.c * plane_size(shape); k++) x[k] = level(ratio * (float)x[k]);
}

/* Away from the mean luminance of the image. */
void fv_adjust_contrast(fv_shape shape, double factor, uint8_t *x) {
    const size_t n = plane_size(shape);
    const float ratio = (float)factor, rest = (float)(1 - factor);
    uint64_t sum = 0;
    for (size_t k = 0; k < n; k++) sum += shape.c == 3 ? luminance(x + k, n) : x[k];
    const float mean = rest * ((float)sum / (float)n);
    for (size_t k = 0; k < (size_t)shape.c * n; k++) x[k] = level(ratio * (float)x[k] + mean);
}

/* Away from the luminance of the pixel. Grey images have no saturation, and no hue. */
void fv_adjust_saturation(fv_shape shape, double factor, uint8_t *x) {
    const size_t n = plane_size(shape);
    const float ratio = (float)factor, rest = (float)(1 - factor);
    if (shape.c != 3) return;
    for (size_t k = 0; k < n; k++) {
        const float grey = rest * (float)luminance(x + k, n);
        for (size_t c = 0; c < 3; c++) x[c * n + k] = level(ratio * (float)x[c * n + k] + grey);
    }
}

/* Hue in [0, 1) of a colour whose largest part is `most`, `spread` > 0 above its smallest. */
static float hue_of(float r, float g, float b, float most, float spread) {
    const float to_r = (most - r) / spread, to_g = (most - g) / spread, to_b = (most - b) / spread;
    const float sixths = most == r ? to_b - to_g : most == g ? 2 + to_r - to_b : 4 + to_g - to_r;
    const float turn = sixths / 6 + 1;
    return turn >= 1 ? turn - 1 : turn;
}

/* One colour to hue, saturation, value and back. */
static void turn_hue(float turn, uint8_t *x, size_t plane) {
    const float r = (float)x[0] / 255, g = (float)x[plane] / 255, b = (float)x[2 * plane] / 255;
    const float more = r > g ? r : g, most = more > b ? more : b, less = r < g ? r : g, least = less < b ? less : b;
    const float spread = most - least;
    const float saturation = spread > 0 ? spread / most : 0;
    float hue = (spread > 0 ? hue_of(r, g, b, most, spread) : 0) + turn;
    hue = hue >= 1 ? hue - 1 : hue < 0 ? hue + 1 : hue;
    const int sector = (int)(hue * 6);
    const float f = hue * 6 - (float)sector;
    const float p = most * (1 - saturation), q = most * (1 - saturation * f), t = most * (1 - saturation * (1 - f));
    const float colours[6][3] = {{most, t, p}, {q, most, p}, {p, most, t}, {p, q, most}, {t, p, most}, {most, p, q}};
    for (size_t c = 0; c < 3; c++) x[c * plane] = level(colours[sector % 6][c] * 255);
}

/* `turn`: in whole turns, -0.5 .. 0.5. */
void fv_adjust_hue(fv_shape shape, double turn, uint8_t *x) {
    if (shape.c != 3) return;
    for (size_t k = 0; k < plane_size(shape); k++) turn_hue((float)turn, x + k, plane_size(shape));
}

/* Away from the image smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, which has the image's own border. */
void fv_adjust_sharpness(fv_shape shape, double factor, const uint8_t *x, uint8_t *y) {
    const size_t n = plane_size(shape), w = (size_t)shape.w;
    const float ratio = (float)factor, rest = (float)(1 - factor);
    if (shape.h < 3 || shape.w < 3) {
        memcpy(y, x, (size_t)shape.c * n);
        return;
    }
    for (size_t k = 0; k < (size_t)shape.c * n; k++) y[k] = level(ratio * (float)x[k] + rest * (float)x[k]);
    for (int c = 0; c < shape.c; c++, x += n, y += n)
        for (size_t i = 1; i + 1 < (size_t)shape.h; i++)
            for (size_t k = i * w + 1; k + 1 < (i + 1) * w; k++) {
                const uint8_t *u = x + k - w, *d = x + k + w;
                const int sum = u[-1] + u[0] + u[1] + x[k - 1] + 5 * x[k] + x[k + 1] + d[-1] + d[0] + d[1];
                y[k] = level(ratio * (float)x[k] + rest * (float)((2 * sum + 13) / 26));
            }
}

/* ---- the transforms ---- */

enum { MOST_FACTOR = 10 };

fv_status fv_transform_colours(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                               fv_error *error) {
    (void)values;
    if (shape.c == 1 || shape.c == 3) return FV_OK;
    return FV_SHAPE_FAIL(cursor, call, error, "`%.*s` is for grey or colour images (1 or 3 channels); these have %d",
                         call.length, call.at, shape.c);
}

/* A factor around 1, not below 0. */
static double draw_factor(uint32_t word, double amount) {
    return fv_draw_between(word, amount < 1 ? 1 - amount : 0, 1 + amount);
}

#define COLOUR_APPLY(what, call)                                                                                       \
    static bool what(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y,                \
                     void *scratch) {                                                                                  \
        const uint32_t word = fv_draw_words(draw, 0).word[0];                                                          \
        (void)y;                                                                                                       \
        (void)scratch;                                                                                                 \
        call;                                                                                                          \
        return false;                                                                                                  \
    }
COLOUR_APPLY(brightness, fv_adjust_brightness(shape, draw_factor(word, values[0]), x))
COLOUR_APPLY(contrast, fv_adjust_contrast(shape, draw_factor(word, values[0]), x))
COLOUR_APPLY(saturation, fv_adjust_saturation(shape, draw_factor(word, values[0]), x))
COLOUR_APPLY(hue, fv_adjust_hue(shape, fv_draw_between(word, -values[0], values[0]), x))

static bool jitter(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const fv_words4 factors = fv_draw_words(draw, 0), places = fv_draw_words(draw, 1);
    int order[4] = {0, 1, 2, 3};
    (void)y;
    (void)scratch;
    for (uint32_t i = 3; i > 0; i--) {
        const uint32_t j = fv_below(places.word[i], i + 1);
        const int other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    for (int i = 0; i < 4; i++) {
        const double amount = values[order[i]];
        const uint32_t word = factors.word[order[i]];
        if (amount == 0) continue;
        if (order[i] == 0) fv_adjust_brightness(shape, draw_factor(word, amount), x);
        if (order[i] == 1) fv_adjust_contrast(shape, draw_factor(word, amount), x);
        if (order[i] == 2) fv_adjust_saturation(shape, draw_factor(word, amount), x);
        if (order[i] == 3) fv_adjust_hue(shape, fv_draw_between(word, -amount, amount), x);
    }
    return false;
}

static bool sharpness(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y,
                      void *scratch) {
    (void)scratch;
    if (!fv_draw_chance(fv_draw_words(draw, 0).word[0], values[1])) return false;
    fv_adjust_sharpness(shape, values[0], x, y);
    return true;
}

#define AMOUNT(called, place, needed, most)                                                                            \
    { .name = called, .kind = FV_PARAM_NUMBER, .position = place, .required = needed, .max = most }
static const fv_param amount[] = {AMOUNT("amount", 1, true, MOST_FACTOR)}, turn[] = {AMOUNT("amount", 1, true, 0.5)};
static const fv_param jitter_params[] = {AMOUNT("brightness", 1, false, MOST_FACTOR),
                                         AMOUNT("contrast", 2, false, MOST_FACTOR),
                                         AMOUNT("saturation", 3, false, MOST_FACTOR), AMOUNT("hue", 4, false, 0.5)};
static const fv_param sharpness_params[] = {
    AMOUNT("factor", 1, true, MOST_FACTOR),
    {.name = "p", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.5}};

const fv_transform fv_transform_brightness = {
    .name = "brightness", .params = amount, .n_params = 1, .check = fv_transform_colours, .apply = brightness};
const fv_transform fv_transform_contrast = {
    .name = "contrast", .params = amount, .n_params = 1, .check = fv_transform_colours, .apply = contrast};
const fv_transform fv_transform_saturation = {
    .name = "saturation", .params = amount, .n_params = 1, .check = fv_transform_colours, .apply = saturation};
const fv_transform fv_transform_hue = {
    .name = "hue", .params = turn, .n_params = 1, .check = fv_transform_colours, .apply = hue};
const fv_transform fv_transform_color_jitter = {
    .name = "color_jitter", .params = jitter_params, .n_params = 4, .check = fv_transform_colours, .apply = jitter};
const fv_transform fv_transform_sharpness = {
    .name = "sharpness", .params = sharpness_params, .n_params = 2, .apply = sharpness};
