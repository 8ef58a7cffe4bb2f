/* Augmentation: random changes of training images, by torchvision's and Albumentations' names and with their meaning.
 * docs/augmentation.md says what each of them does.
 *
 * The text is a list of calls, positional arguments first, then named ones; [in brackets] what may be left out:
 *   rotation DEGREES [nearest|bilinear]      uniform in [-degrees, degrees]
 *   affine degrees D translate T scale_min A scale_max B shear S [nearest|bilinear]
 *   translate FRACTION, shear DEGREES, scale MIN MAX, each with [nearest|bilinear]: one of affine's
 *   hflip [P]      vflip [P]                 with probability P (0.5)
 *   crop PADDING                             zero padding, then a random crop of the image's size
 *   resize SCALE_MIN SCALE_MAX               the image shrinks or grows inside its unchanged frame; as scale
 *   resized_crop [AREA_MIN AREA_MAX]         a random part of the image over its whole size
 *   perspective [DISTORTION] [P]      elastic [ALPHA] [SIGMA]      grid_distortion [STEPS] [LIMIT] [P]
 *   brightness A   contrast A   saturation A   hue A   color_jitter [BRIGHTNESS] [CONTRAST] [SATURATION] [HUE]
 *   invert [P]   posterize BITS [P]   solarize THRESHOLD [P]   equalize [P]   autocontrast [P]   sharpness FACTOR [P]
 *   gaussian_blur KERNEL SIGMA_MIN SIGMA_MAX odd kernel, reflected at the border
 *   motion_blur [KERNEL] [P]   median_blur [KERNEL] [P]
 *   gaussian_noise [SIGMA]     salt_and_pepper [AMOUNT_MIN AMOUNT_MAX] [P]
 *   erasing [P] [area_min A area_max B]      a random rectangle of raw zeros
 *   coarse_dropout [HOLES] [SIZE_MIN SIZE_MAX] [P]
 *   trivialaugment   randaugment [N] [MAGNITUDE]
 *   mixup [ALPHA]   cutmix [ALPHA]           of two images, and of their labels; the last call (training only)
 *   apply [P]                                what stands behind it happens with probability P (0.5), all or nothing
 * or a preset: none, mild, strong. Neighbouring geometric calls (the first six lines) are one resampling (bilinear
 * unless `nearest` is said). Fill is 0 in raw pixels. */
#ifndef FOVEA_AUGMENT_H
#define FOVEA_AUGMENT_H

#include "fovea/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A text that was read: what happens to an image. Constant once made; threads may share it. */
typedef struct fv_augment fv_augment;

/* Parses the text for images of `shape`. "none" and "" give *out = NULL, which every call takes as "change nothing".
 * Errors: FV_E_TEXT pointing at the word; FV_E_SHAPE where a call does not fit the image (a blur larger than it). */
fv_status fv_augment_create(const char *text, fv_shape shape, fv_augment **out, fv_error *error) FV_MUST_CHECK;
/* Takes NULL. */
void fv_augment_destroy(fv_augment *augment);
/* The text with presets written out; "none" for NULL. */
const char *fv_augment_text(const fv_augment *augment);
/* Bytes of scratch that one thread needs for fv_augment_apply. */
size_t fv_augment_scratch(const fv_augment *augment);

/* One image [C][H][W] uint8 -> one image, drawn from (seed, epoch, position): the same bits on every machine.
 * `position` is the sample's place in the epoch's order. `out` must not overlap `in`; augment NULL leaves it as it is.
 * scratch: fv_augment_scratch. Allocates nothing. */
void fv_augment_apply(const fv_augment *augment, uint64_t seed, uint32_t epoch, uint32_t position, const uint8_t *in,
                      uint8_t *out, void *scratch);

/* mixup and cutmix mix neighbours: image l of a block with image l - 1, the first with the last. They are not part of
 * fv_augment_apply; a training mixes the sixteen images of a block after it. */
enum { FV_BLOCK_IMAGES = 16 };
/* What was mixed into the images of a block. */
typedef struct fv_mixture {
    uint8_t partner[FV_BLOCK_IMAGES]; /* whose image and label were mixed in; itself: nobody's */
    float share[FV_BLOCK_IMAGES];     /* weight of the own label, [0, 1]; 1 where nothing was mixed in */
} fv_mixture;
/* Whether the text ends in mixup or cutmix. */
bool fv_augment_mixes(const fv_augment *augment);
/* Mixes images [n][C][H][W], 1 <= n <= 16, of positions position .. position + n - 1, in place, after fv_augment_apply
 * of each. Writes all of *out, also where nothing is mixed. scratch: fv_augment_scratch. */
void fv_augment_mix(const fv_augment *augment, uint64_t seed, uint32_t epoch, uint32_t position, int n, uint8_t *images,
                    fv_mixture *out, void *scratch);

/* Several texts as one, with semicolons between: "none; strong; elastic 30 3". Each is read for images of `shape`.
 *   texts   out  [*n] the texts without blanks around them, one allocation: free() frees all
 * FV_E_TEXT and FV_E_SHAPE as fv_augment_create; FV_E_ARGUMENT where one is empty or given twice, or there are more
 * than 64; FV_E_MEMORY. */
fv_status fv_augment_list(const char *list, fv_shape shape, char ***texts, int *n, fv_error *error) FV_MUST_CHECK;

/* The presets' texts: index 0, 1, ...; NULL at the end. */
const char *fv_augment_preset(int index, const char **text);

#ifdef __cplusplus
}
#endif
#endif
