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

/* Of one image. */
typedef struct fv_similar_limits {
    size_t looked;   /* hashes of a bucket that are looked at */
    size_t compared; /* images whose pixels are compared with its own */
} fv_similar_limits;

/* What keeps the time of a set linear in its bytes, however much its images are alike: see FV_NEAR_PIXELS. */
fv_similar_limits fv_similar_limits_for(size_t n, size_t image_size);

/* best [n]: for each image the most similar before it whose hash differs in at most 7 bits and whose pixels correlate
 * at least FV_NEAR; one of the first n_first images before any other. Similarity 0: there is none, or the image is of
 * left_out [n]. The search for an image ends where it reaches a limit; *n_partly such images. The same for any number
 * of threads. */
fv_status fv_similar_find(const fv_image_view *views, const bool *left_out, size_t n, size_t n_first, size_t image_size,
                          fv_similar_limits most, int threads, fv_pair *best, size_t *n_partly) FV_MUST_CHECK;

#endif
