/* A picture at a model's size. */
#ifndef FV_IMAGE_FIT_H
#define FV_IMAGE_FIT_H

#include "formats/picture.h"
#include "fovea/image.h"

/* Fits the picture to `shape` (one or three channels): transparent parts over black, grey by luminance, EXIF's
 * orientation applied, as `fit` says, shrinking by area, growing bilinearly, in double precision: the same pixels with
 * every version of libvips. invert: dark becomes light, after transparency; padding stays dark. out [C][H][W]. */
fv_status fv_image_fit(fv_picture *picture, const char *path, fv_shape shape, fv_fit fit, bool invert, uint8_t *out,
                       fv_error *error) FV_MUST_CHECK;

#endif
