/* Transforms that give every grey level of a channel another one: invert, posterize, solarize, equalize, autocontrast.
 * Source: torchvision 0.14, transforms/functional_tensor.py. */
#include "augment/transform.h"

enum { LEVELS = 256, MOST = LEVELS - 1 };

static size_t plane_size(fv_shape shape) {
    return (size_t)shape.h * (size_t)shape.w;
}

static void look_up(size_t n, const uint8_t table[LEVELS], uint8_t *x) {
    for (size_t k = 0; k < n; k++) x[k] = table[x[k]];
}

void fv_invert(fv_shape shape, uint8_t *x) {
    for (size_t k = 0; k < (size_t)shape.c * plane_size(shape); k++) x[k] = (uint8_t)(MOST - x[k]);
}

void fv_posterize(fv_shape shape, int bits, uint8_t *x) {
    const uint8_t kept = (uint8_t)(0xFF00 >> bits);
    for (size_t k = 0; k < (size_t)shape.c * plane_size(shape); k++) x[k] &= kept;
}

void fv_solarize(fv_shape shape, double threshold, uint8_t *x) {
    const float limit = (float)threshold;
    for (size_t k = 0; k < (size_t)shape.c * plane_size(shape); k++)
        if ((float)x[k] >= limit) x[k] = (uint8_t)(MOST - x[k]);
}

/* The darkest level becomes 0, the brightest 255; the fraction is dropped. */
void fv_autocontrast(fv_shape shape, uint8_t *x) {
    const size_t n = plane_size(shape);
    for (int c = 0; c < shape.c; c++, x += n) {
        uint8_t low = MOST, high = 0, table[LEVELS];
        for (size_t k = 0; k < n; k++) {
            low = x[k] < low ? x[k] : low;
            high = x[k] > high ? x[k] : high;
        }
        if (low == high) continue;
        const float scale = (float)MOST / ((float)high - (float)low);
        for (int v = low; v <= high; v++) {
            const float stretched = ((float)v - (float)low) * scale;
            table[v] = (uint8_t)(stretched < (float)MOST ? stretched : (float)MOST);
        }
        look_up(n, table, x);
    }
}

/* Levels spread so that their cumulative counts grow evenly: the histogram without its last level is shared out in
 * steps of a 255th. Source: _scale_channel there. */
void fv_equalize(fv_shape shape, uint8_t *x) {
    const size_t n = plane_size(shape);
    for (int c = 0; c < shape.c; c++, x += n) {
        uint32_t count[LEVELS] = {0}, before = 0;
        uint8_t table[LEVELS];
        for (size_t k = 0; k < n; k++) count[x[k]]++;
        int last = MOST;
        while (count[last] == 0) last--;
        const uint32_t step = ((uint32_t)n - count[last]) / MOST;
        if (step == 0) continue;
        for (int v = 0; v < LEVELS; before += count[v++]) {
            const uint32_t level = v ? (before + step / 2) / step : 0;
            table[v] = (uint8_t)(level < MOST ? level : MOST);
        }
        look_up(n, table, x);
    }
}

/* ---- the transforms ---- */

#define TONE_APPLY(what, p_at, call)                                                                                   \
    static bool what(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y,                \
                     void *scratch) {                                                                                  \
        (void)y;                                                                                                       \
        (void)scratch;                                                                                                 \
        if (fv_draw_chance(fv_draw_words(draw, 0).word[0], values[p_at])) call;                                        \
        return false;                                                                                                  \
    }
TONE_APPLY(invert, 0, fv_invert(shape, x))
TONE_APPLY(autocontrast, 0, fv_autocontrast(shape, x))
TONE_APPLY(equalize, 0, fv_equalize(shape, x))
TONE_APPLY(posterize, 1, fv_posterize(shape, (int)values[0], x))
TONE_APPLY(solarize, 1, fv_solarize(shape, values[0], x))

static const fv_param chance[] = {{.name = "p", .kind = FV_PARAM_NUMBER, .position = 1, .max = 1, .fallback = 0.5}};
static const fv_param posterize_params[] = {
    {.name = "bits", .kind = FV_PARAM_INTEGER, .position = 1, .required = true, .max = 8},
    {.name = "p", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.5}};
static const fv_param solarize_params[] = {
    {.name = "threshold", .kind = FV_PARAM_NUMBER, .position = 1, .required = true, .max = 255},
    {.name = "p", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.5}};

const fv_transform fv_transform_invert = {.name = "invert", .params = chance, .n_params = 1, .apply = invert};
const fv_transform fv_transform_autocontrast = {
    .name = "autocontrast", .params = chance, .n_params = 1, .apply = autocontrast};
const fv_transform fv_transform_equalize = {.name = "equalize", .params = chance, .n_params = 1, .apply = equalize};
const fv_transform fv_transform_posterize = {
    .name = "posterize", .params = posterize_params, .n_params = 2, .apply = posterize};
const fv_transform fv_transform_solarize = {
    .name = "solarize", .params = solarize_params, .n_params = 2, .apply = solarize};
