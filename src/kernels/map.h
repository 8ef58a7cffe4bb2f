/* Where a pixel of a map is. */
#ifndef FV_MAP_H
#define FV_MAP_H

#include "kernels/isa.h"

INL float *map_pixel(const fv_map *m, int c, int i, int j) {
    return m->at + c * m->plane + i * m->row + j * (ptrdiff_t)FV_LANES;
}

#endif
