/* What the transforms share that give every pixel a place of its own. */
#include "augment/transform.h"

static size_t places_n(fv_shape shape) {
    return (size_t)shape.h * (size_t)shape.w + FV_IMAGE_SLACK;
}

static size_t places_size(fv_shape shape) {
    return (2 * places_n(shape) * sizeof(int32_t) + FV_ALIGN - 1) / FV_ALIGN * FV_ALIGN;
}

size_t fv_places_scratch(fv_shape shape) {
    return places_size(shape) + fv_kernels_chosen()->resample_scratch(shape.h, shape.w);
}

fv_places fv_places_in(fv_shape shape, void *scratch) {
    int32_t *x = scratch;
    return (fv_places){x, x + places_n(shape), (uint8_t *)scratch + places_size(shape)};
}

void fv_warp(const fv_places *at, fv_shape shape, const uint8_t *x, uint8_t *y) {
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    for (int c = 0; c < shape.c; c++, x += plane, y += plane)
        fv_kernels_chosen()->warp(shape.h, shape.w, at->x, at->y, x, y, at->scratch);
}
