/* What an augmentation is made of. A transform is one struct in the file of its family and a row in augmentation.c. */
#ifndef FV_TRANSFORM_H
#define FV_TRANSFORM_H

#include <stdbool.h>

#include "base/philox.h"
#include "base/text.h"
#include "fovea/augment.h"
#include "kernels/kernels.h"

enum { FV_TRANSFORM_VALUES = 8 };

/* Who draws: the words of counter (position, epoch, call, draw). */
typedef struct fv_draw {
    uint64_t seed;
    uint32_t epoch, position, call;
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
/* To the nearest whole number, |x| < 2^53; halves away from zero. */
static inline double fv_round_half(double x) {
    return (double)(int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

/* Where an output point (x, y) reads its input: (xx*x + xy*y + x0, yx*x + yy*y + y0), in pixels from the centre. */
typedef struct fv_inverse {
    double xx, xy, x0, yx, yy, y0;
} fv_inverse;

typedef struct fv_transform {
    const char *name;
    const fv_param *params;
    int n_params; /* at most FV_TRANSFORM_VALUES; values[i] belongs to params[i] */
    /* What fv_text_arguments cannot see: FV_E_TEXT or FV_E_SHAPE, pointing at `call`. NULL: nothing. */
    fv_status (*check)(const fv_cursor *cursor, fv_word call, const double *values, fv_shape shape, fv_error *error);

    /* True: the calls behind are left out for this image. NULL: never. */
    bool (*ends)(const double *values, const fv_draw *draw);

    /* Geometric transforms have these two ... */
    fv_inverse (*invert)(const double *values, fv_shape shape, const fv_draw *draw);
    /* The furthest from the centre that points within `radius` read, in pixels. NULL: as far. */
    double (*reach)(const double *values, fv_shape shape, double radius);

    /* ... the others these. Images are [C][H][W] and FV_IMAGE_SLACK bytes. */
    size_t (*scratch)(const double *values, fv_shape shape); /* NULL: 0 bytes */
    /* True: the result is in y; false: in x, maybe unchanged. */
    bool (*apply)(const double *values, fv_shape shape, const fv_draw *draw, uint8_t *x, uint8_t *y, void *scratch);
} fv_transform;

extern const fv_transform fv_transform_rotation, fv_transform_affine, fv_transform_hflip, fv_transform_vflip,
    fv_transform_crop, fv_transform_resize, fv_transform_gaussian_blur, fv_transform_erasing, fv_transform_apply;

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

/* ---- gaussian_blur.c ---- */

/* weights [radius + 1]: the kernel from its middle outwards, in 1/65536. */
void fv_blur_weights(int radius, double sigma, uint16_t *weights);

/* ---- erasing.c ---- */

/* Height and width of an area in pixels with a ratio of height to width. */
void fv_erase_size(double area, double ratio, int *h, int *w);
void fv_erase(fv_shape shape, int top, int left, int h, int w, uint8_t *x);

#endif
