/* Single images from files. */
#ifndef FOVEA_IMAGE_H
#define FOVEA_IMAGE_H

#include <stdbool.h>

#include "fovea/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a PNG, JPEG, WebP, TIFF, BMP, GIF, PGM or PPM (its first page or frame; grey, colour, palette or CMYK; 1 to 16
 * bits; transparent parts over black; EXIF's orientation applied) and fits it to `shape`: to one channel by luminance
 * (ITU-R BT.601) or to three; to H x W as `fit` says, shrinking by area, growing bilinearly.
 *   invert  dark becomes light, after transparency
 *   out     out  [C][H][W]
 * Errors: FV_E_IO; FV_E_DATA (no image of these kinds, or broken); FV_E_SHAPE (neither 1 nor 3 channels);
 * FV_E_UNSUPPORTED (libvips is not on this machine); FV_E_MEMORY. */
fv_status fv_image_read(const char *path, fv_shape shape, fv_fit fit, bool invert, uint8_t *out,
                        fv_error *error) FV_MUST_CHECK;
/* The same from the bytes of a file; `name` is for messages. */
fv_status fv_image_read_bytes(const char *name, const void *bytes, size_t n, fv_shape shape, fv_fit fit, bool invert,
                              uint8_t *out, fv_error *error) FV_MUST_CHECK;

/* fv_image_read of n files on `threads` threads (0: fv_processors()): file i into out + i * C*H*W; failed[i] says that
 * it could not be read, and fv_image_read why. FV_E_SHAPE, FV_E_UNSUPPORTED, FV_E_MEMORY. */
fv_status fv_image_read_many(const char *const *paths, size_t n, fv_shape shape, fv_fit fit, bool invert, int threads,
                             uint8_t *out, bool *failed, fv_error *error) FV_MUST_CHECK;

/* The image files below a directory (by their names; hidden ones are left out), in natural order: paths that begin with
 * it. Each is malloc'd, and so is the array. FV_E_IO, FV_E_DATA (there is none), FV_E_MEMORY. */
fv_status fv_image_files(const char *directory, char ***paths, size_t *n, fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
