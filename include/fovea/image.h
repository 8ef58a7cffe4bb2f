/* Single images from files. */
#ifndef FOVEA_IMAGE_H
#define FOVEA_IMAGE_H

#include <stdbool.h>

#include "fovea/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a PNG (grey, colour, palette, 1 to 16 bits, transparent parts over black) and fits it to `shape`: to one
 * channel by luminance (ITU-R BT.601) or to three; to H x W, each axis by itself, shrinking by area, growing
 * bilinearly. invert  dark becomes light, after transparency out     out  [C][H][W] Errors: FV_E_IO; FV_E_DATA (not a
 * PNG, or broken); FV_E_SHAPE (neither 1 nor 3 channels); FV_E_MEMORY. */
fv_status fv_image_read_png(const char *path, fv_shape shape, bool invert, uint8_t *out, fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
