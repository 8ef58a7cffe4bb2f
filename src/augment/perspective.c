/* Source: torchvision 0.14, transforms/transforms.py, RandomPerspective; transforms/functional.py,
 * _get_perspective_coeffs; transforms/functional_tensor.py, _perspective_grid. */
#include "augment/transform.h"

enum { UNKNOWNS = 8 };

static const fv_param params[] = {
    {.name = "distortion", .kind = FV_PARAM_NUMBER, .position = 1, .max = 1, .fallback = 0.5},
    {.name = "p", .kind = FV_PARAM_NUMBER, .position = 2, .max = 1, .fallback = 0.5}};

/* a [n][n + 1]: n equations and their right sides, solved in place by elimination with the largest pivot. */
static bool solve(double a[UNKNOWNS][UNKNOWNS + 1]) {
    for (int k = 0; k < UNKNOWNS; k++) {
        int best = k;
        for (int i = k + 1; i < UNKNOWNS; i++)
            if (a[i][k] * a[i][k] > a[best][k] * a[best][k]) best = i;
        if (a[best][k] * a[best][k] < 1e-18) return false;
        for (int j = 0; j <= UNKNOWNS; j++) {
            const double other = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = other;
        }
        for (int i = 0; i < UNKNOWNS; i++) {
            if (i == k) continue;
            const double factor = a[i][k] / a[k][k];
            for (int j = k; j <= UNKNOWNS; j++) a[i][j] -= factor * a[k][j];
        }
    }
    for (int k = 0; k < UNKNOWNS; k++) a[k][UNKNOWNS] /= a[k][k];
    return true;
}

/* x' = (m0 x + m1 y + m2) / (m6 x + m7 y + 1), y' likewise with m3, m4, m5, in coordinates whose pixel (0, 0) lies at
 * (1/2, 1/2). */
bool fv_perspective_places(const double from[4][2], const double to[4][2], fv_shape shape, const fv_places *at) {
    double a[UNKNOWNS][UNKNOWNS + 1];
    for (int i = 0; i < 4; i++) {
        const double x = to[i][0], y = to[i][1], u = from[i][0], v = from[i][1];
        const double rows[2][UNKNOWNS + 1] = {{x, y, 1, 0, 0, 0, -u * x, -u * y, u},
                                              {0, 0, 0, x, y, 1, -v * x, -v * y, v}};
        for (int j = 0; j <= UNKNOWNS; j++) {
            a[2 * i][j] = rows[0][j];
            a[2 * i + 1][j] = rows[1][j];
        }
    }
    if (!solve(a)) return false;
    double m[UNKNOWNS];
    for (int k = 0; k < UNKNOWNS; k++) m[k] = a[k][UNKNOWNS];
    int32_t *columns = at->x, *rows = at->y;
    for (int i = 0; i < shape.h; i++)
        for (int k = 0; k < shape.w; k++) {
            const double x = k + 0.5, y = i + 0.5, depth = m[6] * x + m[7] * y + 1;
            *columns++ = fv_place((m[0] * x + m[1] * y + m[2]) / depth - 0.5, shape.w);
            *rows++ = fv_place((m[3] * x + m[4] * y + m[5]) / depth - 0.5, shape.h);
        }
    return true;
}

static size_t scratch_size(const double *values, fv_shape shape) {
    (void)values;
    return fv_places_scratch(shape);
}

static bool apply(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch) {
    const double right = shape.w - 1, bottom = shape.h - 1;
    const double corners[4][2] = {{0, 0}, {right, 0}, {right, bottom}, {0, bottom}};
    const uint32_t most_x = (uint32_t)(values[0] * (shape.w / 2)), most_y = (uint32_t)(values[0] * (shape.h / 2));
    double moved[4][2];
    if (!fv_draw_chance(fv_draw_words(draw, 0).word[0], values[1])) return false;
    for (uint32_t i = 0; i < 4; i++) {
        const fv_words4 words = fv_draw_words(draw, i + 1);
        const double in_x = fv_below(words.word[0], most_x + 1), in_y = fv_below(words.word[1], most_y + 1);
        moved[i][0] = corners[i][0] > 0 ? right - in_x : in_x;
        moved[i][1] = corners[i][1] > 0 ? bottom - in_y : in_y;
    }
    const fv_places at = fv_places_in(shape, scratch);
    if (!fv_perspective_places(corners, moved, shape, &at)) return false;
    fv_warp(&at, shape, x, y);
    return true;
}

const fv_transform fv_transform_perspective = {
    .name = "perspective", .params = params, .n_params = 2, .scratch = scratch_size, .apply = apply};
