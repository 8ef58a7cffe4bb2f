/* Many small images as one PNG. */
#ifndef FV_SPRITE_H
#define FV_SPRITE_H

#include "fovea/data.h"
#include "report/buffer.h"

typedef struct fv_sprite {
    int columns, width, height; /* of a tile, pixels */
    int channels;               /* 1 or 3 */
    fv_buffer png;
} fv_sprite;

/* Tiles 0 .. n-1 from pixels [.][C][H][W]; tile i is image order[i] (order NULL: image i). Two channels show the first,
 * more than three the first three. Tiles shrink until the PNG has at most max_bytes (or 8 pixels a side).
 * FV_E_MEMORY, FV_E_ARGUMENT. */
fv_status fv_sprite_make(const uint8_t *pixels, fv_shape shape, const uint32_t *order, size_t n, size_t max_bytes,
                         fv_sprite *out) FV_MUST_CHECK;
void fv_sprite_deinit(fv_sprite *sprite);

#endif
