/* Augmentation: random changes of training images, with torchvision's meaning of each.
 *
 * The text is a list of calls, positional arguments first, then named ones:
 *   rotation DEGREES [nearest|bilinear]      uniform in [-degrees, degrees]
 *   affine degrees D translate T scale_min A scale_max B shear S [nearest|bilinear]
 *   hflip [P]      vflip [P]                 with probability P (0.5)
 *   gaussian_blur KERNEL SIGMA_MIN SIGMA_MAX odd kernel, reflected at the border
 *   crop PADDING                             zero padding, then a random crop of the image's size
 *   erasing [P] [area_min A area_max B]      a random rectangle of raw zeros
 *   resize SCALE_MIN SCALE_MAX               the image shrinks or grows inside its unchanged frame
 *   apply [P]                                what stands behind it happens with probability P (0.5), all or nothing
 * or a preset: none, mild, strong. Neighbouring geometric calls are one resampling (bilinear unless `nearest` is said).
 * Fill is 0 in raw pixels. */
#ifndef FOVEA_AUGMENT_H
#define FOVEA_AUGMENT_H

#include "fovea/data.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_augment fv_augment;

/* Parses the text for images of `shape`. "none" and "" give *out = NULL, which every call takes as "change nothing".
 * Errors: FV_E_TEXT pointing at the word; FV_E_SHAPE where a call does not fit the image (a blur larger than it). */
fv_status fv_augment_create(const char *text, fv_shape shape, fv_augment **out, fv_error *error) FV_MUST_CHECK;
void fv_augment_destroy(fv_augment *augment);
/* The text with presets written out; "none" for NULL. */
const char *fv_augment_text(const fv_augment *augment);
/* Bytes of scratch that one thread needs for fv_augment_apply. */
size_t fv_augment_scratch(const fv_augment *augment);

/* One image [C][H][W] uint8 -> one image, drawn from (seed, epoch, position): the same bits on every machine.
 * `position` is the sample's place in the epoch's order. `out` must not overlap `in`. Allocates nothing. */
void fv_augment_apply(const fv_augment *augment, uint64_t seed, uint32_t epoch, uint32_t position, const uint8_t *in,
                      uint8_t *out, void *scratch);

/* The presets' texts: index 0, 1, ...; NULL at the end. */
const char *fv_augment_preset(int index, const char **text);

#ifdef __cplusplus
}
#endif
#endif
