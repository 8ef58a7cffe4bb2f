/* Where the pixels of a map are. */
#ifndef FV_MAP_H
#define FV_MAP_H

#include <stdbool.h>

#include "kernels/isa.h"

INL float *map_pixel(const fv_map *m, int c, int i, int j) {
    return m->at + c * m->plane + i * m->row + j * (ptrdiff_t)FV_LANES;
}

/* No border between the rows of a plane: they are one run of pixels. */
INL bool map_is_flat(const fv_map *m) {
    return m->row == m->w * (ptrdiff_t)FV_LANES;
}

#endif
