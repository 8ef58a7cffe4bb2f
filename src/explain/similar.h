/* Images that look alike. */
#ifndef FV_SIMILAR_H
#define FV_SIMILAR_H

#include "fovea/audit.h"

typedef struct fv_image_view {
    const uint8_t *pixels;
    uint64_t sum, squares; /* of the pixels */
    uint64_t hash;         /* perceptual */
} fv_image_view;

/* The perceptual hash of one image. */
uint64_t fv_perceptual_hash(const uint8_t *pixels, fv_shape shape);

/* All pairs of images (but those of left_out [n]) whose hashes differ in at most 7 bits and whose pixels correlate at
 * least FV_NEAR. *pairs is malloc'd, in no order. */
fv_status fv_similar_pairs(const fv_image_view *views, const bool *left_out, size_t n, size_t image_size, int threads,
                           fv_pair **pairs, size_t *n_pairs) FV_MUST_CHECK;

#endif
