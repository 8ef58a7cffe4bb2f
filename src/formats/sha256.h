/* SHA-256 by libmd. */
#ifndef FV_SHA256_H
#define FV_SHA256_H

#include <sha2.h>
#include <stddef.h>

#include "fovea/data.h"

typedef struct fv_sha256 {
    SHA2_CTX state;
} fv_sha256;

void fv_sha256_init(fv_sha256 *sum);
void fv_sha256_add(fv_sha256 *sum, const void *data, size_t size);
/* 64 hexadecimal digits and a zero. */
void fv_sha256_hex(fv_sha256 *sum, char out[65]);

/* Of pixels, then labels (fv_dataset says how). */
void fv_images_sha256(const fv_images *images, int n_classes, char out[65]);

#endif
