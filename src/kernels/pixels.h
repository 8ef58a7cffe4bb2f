/* What the kernels of images of bytes share. Rows are handled in steps of 16: what a row writes too much, the next row
 * overwrites. */
#ifndef FV_PIXELS_H
#define FV_PIXELS_H

#include "kernels/isa.h"

INL size_t size(int n) {
    return (size_t)n;
}
INL size_t steps(int n) {
    return (size_t)fv_round_up(n, 16);
}

/* The upper half of a product: a * b with b in 1/65536. */
INL uint16_t times(uint16_t a, uint16_t b) {
    return (uint16_t)(((uint32_t)a * b) >> 16);
}

#endif
