/* Transforms that move pixels. Neighbours in a text are joined into one map, and the image is resampled once.
 * Source: torchvision 0.14, transforms/functional.py, _get_inverse_affine_matrix. */
#include "augment/transform.h"
#include "base/math.h"

static const fv_inverse identity = {.xx = 1, .yy = 1};

/* M = R(angle) SHx(shear) scale, moved by t; its inverse is M^-1 (p - t). */
fv_inverse fv_inverse_affine(double angle, double right, double down, double scale, double shear) {
    const double turn = angle * (FV_PI / 180), lean = shear * (FV_PI / 180);
    const double c = fv_cos(turn), s = fv_sin(turn), tangent = shear == 0 ? 0 : fv_sin(lean) / fv_cos(lean);
    const double to_x = -c * tangent - s, to_y = -s * tangent + c; /* the second column of M / scale */
    fv_inverse m = {.xx = to_y / scale, .xy = -to_x / scale, .yx = -s / scale, .yy = c / scale};
    m.x0 = -(m.xx * right + m.xy * down);
    m.y0 = -(m.yx * right + m.yy * down);
    return m;
}

fv_inverse fv_inverse_join(fv_inverse a, fv_inverse b) {
    return (fv_inverse){.xx = a.xx * b.xx + a.xy * b.yx,
                        .xy = a.xx * b.xy + a.xy * b.yy,
                        .x0 = a.xx * b.x0 + a.xy * b.y0 + a.x0,
                        .yx = a.yx * b.xx + a.yy * b.yx,
                        .yy = a.yx * b.xy + a.yy * b.yy,
                        .y0 = a.yx * b.x0 + a.yy * b.y0 + a.y0};
}

bool fv_inverse_is_identity(const fv_inverse *m) {
    return m->xx == 1 && m->xy == 0 && m->x0 == 0 && m->yx == 0 && m->yy == 1 && m->y0 == 0;
}

int fv_resample_shift(fv_shape shape, double reach) {
    const double most = reach + shape.h + shape.w + 4; /* pixels from the corner, and the border */
    int shift = 24;
    while (shift >= 8 && !(most * (double)(1 << shift) < 0x1p30)) shift--;
    return shift < 8 ? -1 : shift;
}

static int32_t fixed(double pixels, int shift) {
    return (int32_t)fv_round_half(pixels * (double)(1 << shift));
}

fv_resample fv_resample_plan(const fv_inverse *m, fv_shape shape, int shift, bool nearest) {
    const double x = (shape.w - 1) / 2.0, y = (shape.h - 1) / 2.0; /* the centre, from the middle of pixel (0, 0) */
    return (fv_resample){.h = shape.h,
                         .w = shape.w,
                         .shift = shift,
                         .nearest = nearest,
                         .x0 = fixed(x + m->x0 - m->xx * x - m->xy * y, shift),
                         .y0 = fixed(y + m->y0 - m->yx * x - m->yy * y, shift),
                         .x_row = fixed(m->xy, shift),
                         .y_row = fixed(m->yy, shift),
                         .x_col = fixed(m->xx, shift),
                         .y_col = fixed(m->yx, shift)};
}

void fv_resample_image(const fv_resample *plan, fv_shape shape, const uint8_t *x, uint8_t *y, void *scratch) {
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    for (int c = 0; c < shape.c; c++, x += plane, y += plane) fv_kernels_chosen()->resample(plan, x, y, scratch);
}

/* ---- rotation ---- */

static const fv_param rotation_params[] = {
    {.name = "degrees", .kind = FV_PARAM_NUMBER, .position = 1, .required = true, .max = 360},
    {.name = "nearest", .kind = FV_PARAM_FLAG},
    {.name = "bilinear", .kind = FV_PARAM_FLAG}};

static fv_inverse rotation_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    (void)shape;
    return fv_inverse_affine(fv_draw_between(fv_draw_words(draw, 0).word[0], -values[0], values[0]), 0, 0, 1, 0);
}

const fv_transform fv_transform_rotation = {
    .name = "rotation", .params = rotation_params, .n_params = 3, .invert = rotation_invert};

/* ---- affine ---- */

enum { DEGREES, TRANSLATE, SCALE_MIN, SCALE_MAX, SHEAR };

static const fv_param affine_params[] = {
    [DEGREES] = {.name = "degrees", .kind = FV_PARAM_NUMBER, .max = 360},
    [TRANSLATE] = {.name = "translate", .kind = FV_PARAM_NUMBER, .max = 1},
    [SCALE_MIN] = {.name = "scale_min", .kind = FV_PARAM_NUMBER, .min = 0.01, .max = 100, .fallback = 1},
    [SCALE_MAX] = {.name = "scale_max", .kind = FV_PARAM_NUMBER, .min = 0.01, .max = 100, .fallback = 1},
    [SHEAR] = {.name = "shear", .kind = FV_PARAM_NUMBER, .max = 80},
    {.name = "nearest", .kind = FV_PARAM_FLAG},
    {.name = "bilinear", .kind = FV_PARAM_FLAG}};

static fv_status affine_check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                              fv_error *error) {
    (void)shape;
    return fv_transform_ascending(cursor, call, affine_params, values, SCALE_MIN, SCALE_MAX, error);
}

/* Moved by whole pixels, as torchvision does. */
static fv_inverse affine_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    const fv_words4 a = fv_draw_words(draw, 0), b = fv_draw_words(draw, 1);
    const double right = values[TRANSLATE] * shape.w, down = values[TRANSLATE] * shape.h;
    return fv_inverse_affine(fv_draw_between(a.word[0], -values[DEGREES], values[DEGREES]),
                             fv_round_half(fv_draw_between(a.word[1], -right, right)),
                             fv_round_half(fv_draw_between(a.word[2], -down, down)),
                             fv_draw_between(a.word[3], values[SCALE_MIN], values[SCALE_MAX]),
                             fv_draw_between(b.word[0], -values[SHEAR], values[SHEAR]));
}

static double affine_reach(const double *values, fv_shape shape, double radius) {
    const double lean = values[SHEAR] * (FV_PI / 180), moved = values[TRANSLATE] * (shape.h + shape.w) + 2;
    return (radius + moved) * (1 + fv_sin(lean) / fv_cos(lean)) / values[SCALE_MIN];
}

const fv_transform fv_transform_affine = {.name = "affine",
                                          .params = affine_params,
                                          .n_params = 7,
                                          .check = affine_check,
                                          .invert = affine_invert,
                                          .reach = affine_reach};

/* ---- translate, scale, shear: affine's, one at a time ---- */

#define ONE_NUMBER(called, most, least)                                                                                \
    {                                                                                                                  \
        {.name = called, .kind = FV_PARAM_NUMBER, .position = 1, .required = true, .min = least, .max = most},         \
            {.name = "nearest", .kind = FV_PARAM_FLAG}, {.name = "bilinear", .kind = FV_PARAM_FLAG},                   \
    }
static const fv_param translate_params[] = ONE_NUMBER("fraction", 1, 0), shear_params[] = ONE_NUMBER("degrees", 80, 0);

static fv_inverse translate_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    const fv_words4 words = fv_draw_words(draw, 0);
    const double right = values[0] * shape.w, down = values[0] * shape.h;
    return fv_inverse_affine(0, fv_round_half(fv_draw_between(words.word[0], -right, right)),
                             fv_round_half(fv_draw_between(words.word[1], -down, down)), 1, 0);
}

static double translate_reach(const double *values, fv_shape shape, double radius) {
    return radius + values[0] * (shape.h + shape.w) + 2;
}

const fv_transform fv_transform_translate = {.name = "translate",
                                             .params = translate_params,
                                             .n_params = 3,
                                             .invert = translate_invert,
                                             .reach = translate_reach};

static fv_inverse shear_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    (void)shape;
    return fv_inverse_affine(0, 0, 0, 1, fv_draw_between(fv_draw_words(draw, 0).word[0], -values[0], values[0]));
}

static double shear_reach(const double *values, fv_shape shape, double radius) {
    const double lean = values[0] * (FV_PI / 180);
    (void)shape;
    return radius * (1 + fv_sin(lean) / fv_cos(lean));
}

const fv_transform fv_transform_shear = {
    .name = "shear", .params = shear_params, .n_params = 3, .invert = shear_invert, .reach = shear_reach};

/* ---- flips ---- */

static const fv_param flip_params[] = {
    {.name = "p", .kind = FV_PARAM_NUMBER, .position = 1, .max = 1, .fallback = 0.5}};

static fv_inverse hflip_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    (void)shape;
    fv_inverse m = identity;
    if (fv_draw_chance(fv_draw_words(draw, 0).word[0], values[0])) m.xx = -1;
    return m;
}
static fv_inverse vflip_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    (void)shape;
    fv_inverse m = identity;
    if (fv_draw_chance(fv_draw_words(draw, 0).word[0], values[0])) m.yy = -1;
    return m;
}

const fv_transform fv_transform_hflip = {.name = "hflip", .params = flip_params, .n_params = 1, .invert = hflip_invert};
const fv_transform fv_transform_vflip = {.name = "vflip", .params = flip_params, .n_params = 1, .invert = vflip_invert};

/* ---- crop ---- */

static const fv_param crop_params[] = {
    {.name = "padding", .kind = FV_PARAM_INTEGER, .position = 1, .required = true, .min = 1, .max = FV_MAX_SIDE}};

static fv_status crop_check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                            fv_error *error) {
    if (values[0] < shape.h && values[0] < shape.w) return FV_OK;
    return FV_SHAPE_FAIL(cursor, call, error,
                         "padding %g would crop images of %dx%d to nothing; it must be below height and width",
                         values[0], shape.h, shape.w);
}

static fv_inverse crop_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    (void)shape;
    const fv_words4 words = fv_draw_words(draw, 0);
    const uint32_t places = 2 * (uint32_t)values[0] + 1;
    fv_inverse m = identity;
    m.y0 = fv_below(words.word[0], places) - values[0];
    m.x0 = fv_below(words.word[1], places) - values[0];
    return m;
}

static double crop_reach(const double *values, fv_shape shape, double radius) {
    (void)shape;
    return radius + 2 * values[0];
}

const fv_transform fv_transform_crop = {.name = "crop",
                                        .params = crop_params,
                                        .n_params = 1,
                                        .check = crop_check,
                                        .invert = crop_invert,
                                        .reach = crop_reach};

/* ---- resize, and scale, its other name, which can say how to resample ---- */

enum { RESIZE_PARAMS = 2, SCALE_PARAMS = 4 };

static const fv_param scale_params[SCALE_PARAMS] = {
    {.name = "scale_min", .kind = FV_PARAM_NUMBER, .position = 1, .required = true, .min = 0.01, .max = 100},
    {.name = "scale_max", .kind = FV_PARAM_NUMBER, .position = 2, .required = true, .min = 0.01, .max = 100},
    {.name = "nearest", .kind = FV_PARAM_FLAG},
    {.name = "bilinear", .kind = FV_PARAM_FLAG}};

static fv_status scale_check(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                             fv_error *error) {
    (void)shape;
    return fv_transform_ascending(cursor, call, scale_params, values, 0, 1, error);
}

static fv_inverse scale_invert(const double *values, fv_shape shape, const fv_draw *draw) {
    (void)shape;
    const double scale = fv_draw_between(fv_draw_words(draw, 0).word[0], values[0], values[1]);
    fv_inverse m = identity;
    m.xx = m.yy = 1 / scale;
    return m;
}

static double scale_reach(const double *values, fv_shape shape, double radius) {
    (void)shape;
    return radius / values[0];
}

#define SCALE_TRANSFORM(called, n)                                                                                     \
    {                                                                                                                  \
        .name = called, .params = scale_params, .n_params = n, .check = scale_check, .invert = scale_invert,           \
        .reach = scale_reach                                                                                           \
    }
const fv_transform fv_transform_resize = SCALE_TRANSFORM("resize", RESIZE_PARAMS);
const fv_transform fv_transform_scale = SCALE_TRANSFORM("scale", SCALE_PARAMS);
