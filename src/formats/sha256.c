#include "formats/sha256.h"

#include "data/images.h"

#include <stdint.h>

void fv_sha256_init(fv_sha256 *sum) {
    SHA256Init(&sum->state);
}

void fv_sha256_add(fv_sha256 *sum, const void *data, size_t size) {
    SHA256Update(&sum->state, data, size);
}

void fv_sha256_hex(fv_sha256 *sum, char out[65]) {
    static const char digit[] = "0123456789abcdef";
    uint8_t bytes[SHA256_DIGEST_LENGTH];
    SHA256Final(bytes, &sum->state);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        out[2 * i] = digit[bytes[i] >> 4];
        out[2 * i + 1] = digit[bytes[i] & 15];
    }
    out[64] = 0;
}

void fv_images_sha256(const fv_images *images, int n_classes, char out[65]) {
    fv_sha256 sum;
    fv_sha256_init(&sum);
    fv_sha256_add(&sum, images->pixels, images->n * fv_image_size(images->shape));
    for (size_t i = 0; i < images->n; i++) {
        uint8_t bytes[2] = {(uint8_t)images->labels[i], (uint8_t)(images->labels[i] >> 8)};
        fv_sha256_add(&sum, bytes, n_classes <= 256 ? 1 : 2);
    }
    fv_sha256_hex(&sum, out);
}
