/* PNG into memory. */
#ifndef FV_PNG_H
#define FV_PNG_H

#include "report/buffer.h"

enum { FV_PNG_MAX_SIDE = 16384 }; /* what every browser still draws */

/* pixels [height][width][channels], channels 1 (grey) or 3 (RGB), 8 bits. Appends the file to `out`.
 * FV_E_MEMORY; FV_E_ARGUMENT for a size that PNG or a browser cannot show. */
fv_status fv_png_encode(const uint8_t *pixels, int width, int height, int channels, fv_buffer *out) FV_MUST_CHECK;

#endif
