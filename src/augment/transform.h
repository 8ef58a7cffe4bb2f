/* What an augmentation is made of. A transform is one struct in the file of its family and a row in augmentation.c. */
#ifndef FV_TRANSFORM_H
#define FV_TRANSFORM_H

#include <stdbool.h>

#include "base/memory.h"
#include "base/philox.h"
#include "base/text.h"
#include "fovea/augment.h"
#include "kernels/kernels.h"

enum { FV_TRANSFORM_VALUES = 8 };

/* Who draws: the words of counter (position, epoch, call, draw). */
typedef struct fv_draw {
    uint64_t seed;
    uint32_t epoch, position, call;
    const void *prepared; /* by the call's transform; NULL: it has no `prepare` */
} fv_draw;

static inline fv_words4 fv_draw_words(const fv_draw *draw, uint32_t index) {
    return fv_philox(draw->seed, FV_RANDOM_AUGMENT, draw->position, draw->epoch, draw->call, index);
}
static inline double fv_draw_between(uint32_t word, double min, double max) {
    return min + (max - min) * (double)fv_unit(word);
}
static inline bool fv_draw_chance(uint32_t word, double p) {
    return (double)fv_unit(word) < p;
}
/* Many words, for pixels: n as fv_random_round gives it. Their draws begin behind all those by hand. */
enum { FV_DRAW_MANY = 1 << 16 };
static inline size_t fv_random_round(size_t n) {
    return (n + 63) / 64 * 64;
}
static inline void fv_draw_many(const fv_draw *draw, size_t n, uint32_t *words) {
    fv_kernels_chosen()->random_words(fv_philox_key0(draw->seed), FV_RANDOM_AUGMENT, draw->position, draw->epoch,
                                      draw->call, FV_DRAW_MANY, n, words);
}
static inline size_t fv_round_up_size(size_t n) {
    return (n + FV_ALIGN - 1) / FV_ALIGN * FV_ALIGN;
}
/* To the nearest whole number, |x| < 2^53; halves away from zero. */
static inline double fv_round_half(double x) {
    return (double)(int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

/* Where an output point (x, y) reads its input: (xx*x + xy*y + x0, yx*x + yy*y + y0), in pixels from the centre. */
typedef struct fv_inverse {
    double xx, xy, x0, yx, yy, y0;
} fv_inverse;

/* How an image and its partner become one: levels blended, or a box of the partner pasted in. */
typedef struct fv_mix {
    double share; /* of the image itself, in [0, 1] */
    bool pastes;
    int top, left, h, w;
} fv_mix;

typedef struct fv_transform {
    const char *name;
    const fv_param *params;
    int n_params; /* at most FV_TRANSFORM_VALUES; values[i] belongs to params[i] */
    /* What fv_text_arguments cannot see: FV_E_TEXT or FV_E_SHAPE, pointing at `call`. NULL: nothing. */
    fv_status (*check)(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape, fv_error *error);

    /* What `apply` needs of values and shape alone, made once; *out is malloc'd. NULL: nothing. FV_E_MEMORY. */
    fv_status (*prepare)(const double *values, fv_shape shape, void **out);

    /* True: the calls behind are left out for this image. NULL: never. */
    bool (*ends)(const double *values, const fv_draw *draw);

    /* Those that mix images have this; they end a text. */
    fv_mix (*mix)(const double *values, fv_shape shape, const fv_draw *draw);

    /* Geometric transforms have these two ... */
    fv_inverse (*invert)(const double *values, fv_shape shape, const fv_draw *draw);
    /* The furthest from the centre that points within `radius` read, in pixels. NULL: as far. */
    double (*reach)(const double *values, fv_shape shape, double radius);

    /* ... the others these. Images are [C][H][W] and FV_IMAGE_SLACK bytes. */
    size_t (*scratch)(const double *values, fv_shape shape); /* NULL: 0 bytes */
    /* True: the result is in y; false: in x, maybe unchanged. */
    bool (*apply)(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch);
} fv_transform;

extern const fv_transform fv_transform_rotation, fv_transform_affine, fv_transform_translate, fv_transform_scale,
    fv_transform_shear, fv_transform_hflip, fv_transform_vflip, fv_transform_crop, fv_transform_resize,
    fv_transform_resized_crop, fv_transform_perspective, fv_transform_elastic, fv_transform_grid_distortion,
    fv_transform_brightness, fv_transform_contrast, fv_transform_saturation, fv_transform_hue,
    fv_transform_color_jitter, fv_transform_invert, fv_transform_posterize, fv_transform_solarize,
    fv_transform_equalize, fv_transform_autocontrast, fv_transform_sharpness, fv_transform_gaussian_blur,
    fv_transform_motion_blur, fv_transform_median_blur, fv_transform_gaussian_noise, fv_transform_salt_and_pepper,
    fv_transform_erasing, fv_transform_coarse_dropout, fv_transform_trivialaugment, fv_transform_randaugment,
    fv_transform_apply, fv_transform_mixup, fv_transform_cutmix;

/* fv_text_fail's message under the code FV_E_SHAPE. */
#define FV_SHAPE_FAIL(cursor, word, error, ...)                                                                        \
    (fv_text_fail(cursor, word, error, __VA_ARGS__), fv_transform_misfit(error))
fv_status fv_transform_misfit(fv_error *error);
/* Fails where values[low] > values[high]. */
fv_status fv_transform_ascending(const fv_cursor *cursor, fv_word call, const fv_param *params, const double *values,
                                 int low, int high, fv_error *error);

/* ---- geometric.c ---- */

/* torchvision's `affine`: turned clockwise, sheared along x, scaled, then moved; degrees and pixels. */
fv_inverse fv_inverse_affine(double angle, double right, double down, double scale, double shear);
/* `first`, then `second`. */
fv_inverse fv_inverse_join(fv_inverse first, fv_inverse second);
bool fv_inverse_is_identity(const fv_inverse *inverse);
/* The bits of fraction that coordinates may have, when points are read as far as `reach` pixels from the centre; -1
 * when it is too far. */
int fv_resample_shift(fv_shape shape, double reach);
fv_resample fv_resample_plan(const fv_inverse *inverse, fv_shape shape, int shift, bool nearest);
/* All channels. scratch: resample_scratch of the kernels. */
void fv_resample_image(const fv_resample *plan, fv_shape shape, const uint8_t *x, uint8_t *y, void *scratch);

/* ---- warp.c: transforms that give every pixel a place of its own ---- */

/* Places in 1/256 pixel, columns then rows, [h * w] each and FV_IMAGE_SLACK behind. */
typedef struct fv_places {
    int32_t *x, *y;
    void *scratch; /* of the kernel */
} fv_places;
size_t fv_places_scratch(fv_shape shape);
fv_places fv_places_in(fv_shape shape, void *scratch);
/* A column or row that may lie anywhere, cut to what an image of `side` pixels can show: -1 to side. NaN is outside. */
static inline int32_t fv_place(double pixels, int side) {
    const double from_border = pixels > -1 ? pixels + 1 : 0, most = side + 1;
    return (int32_t)((from_border < most ? from_border : most) * 256 + 0.5) - 256;
}
/* All channels, bilinear, zeros outside. */
void fv_warp(const fv_places *at, fv_shape shape, const uint8_t *x, uint8_t *y);

/* to[i] and from[i]: corners top-left, top-right, bottom-right, bottom-left as x, y; from[i] of the input shows at
 * to[i] of the output. False where the corners allow no such map. Source: torchvision's _get_perspective_coeffs. */
bool fv_perspective_places(const double from[4][2], const double to[4][2], fv_shape shape, const fv_places *at);
/* The h x w pixels at (top, left) over the whole image. */
void fv_resized_crop_places(int top, int left, int h, int w, fv_shape shape, const fv_places *at);
/* x_steps, y_steps [n]: how wide the n columns and how high the n rows of the grid are in the input, relative to each
 * other. */
void fv_grid_places(int n, const double *x_steps, const double *y_steps, fv_shape shape, const fv_places *at);

/* ---- tone.c: in place, all channels ---- */

void fv_invert(fv_shape shape, uint8_t *x);
void fv_posterize(fv_shape shape, int bits, uint8_t *x);
void fv_solarize(fv_shape shape, double threshold, uint8_t *x);
void fv_autocontrast(fv_shape shape, uint8_t *x);
void fv_equalize(fv_shape shape, uint8_t *x);

/* ---- colour.c: in place; torchvision's adjust_... ---- */

void fv_adjust_brightness(fv_shape shape, double factor, uint8_t *x);
void fv_adjust_contrast(fv_shape shape, double factor, uint8_t *x);
void fv_adjust_saturation(fv_shape shape, double factor, uint8_t *x);
void fv_adjust_hue(fv_shape shape, double turn, uint8_t *x);
void fv_adjust_sharpness(fv_shape shape, double factor, const uint8_t *x, uint8_t *y);
/* A transform's check: one channel or three. */
fv_status fv_transform_colours(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                               fv_error *error);

/* ---- policy.c: torchvision's trivialaugment and randaugment ---- */

/* Operation `index` of FV_POLICY_OPERATIONS at a magnitude, as torchvision's _apply_op. True: the result is in y.
 * scratch: resample_scratch of the kernels. */
enum { FV_POLICY_OPERATIONS = 14 };
bool fv_policy_operation(int index, double magnitude, fv_shape shape, uint8_t *x, uint8_t *y, void *scratch);

/* ---- motion_blur.c, median_blur.c ---- */

/* A line through the middle of a kernel: the pixels on one side of the middle, as steps (down, right) from it; the
 * other side mirrors them. Returns how many, at most 2 radius + 1. */
int fv_motion_line(int radius, double degrees, int32_t step[][2]);
/* A transform's check of values[0]: odd, and no larger than the image. */
fv_status fv_transform_odd_kernel(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape,
                                  fv_error *error);

/* ---- mix.c ---- */

double fv_draw_beta(double alpha, const fv_draw *draw);
/* cutmix's box about a pixel, for a share of the image that is wanted; the mix has the share that is. */
fv_mix fv_cutmix_box(double share, int row, int column, fv_shape shape);
void fv_mix_images(const fv_mix *mix, fv_shape shape, const uint8_t *partner, uint8_t *x);

/* ---- noise.c ---- */

/* x += noise * sigma * 255, the fraction dropped, cut to 0..255. */
void fv_add_noise(size_t n, const float *noise, double sigma, uint8_t *x);

/* ---- gaussian_blur.c ---- */

/* weights [radius + 1]: the kernel from its middle outwards, in 1/65536. */
void fv_blur_weights(int radius, double sigma, uint16_t *weights);

/* ---- erasing.c ---- */

/* Height and width of an area in pixels with a ratio of height to width. */
void fv_erase_size(double area, double ratio, int *h, int *w);
void fv_erase(fv_shape shape, int top, int left, int h, int w, uint8_t *x);

#endif
