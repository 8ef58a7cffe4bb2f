#include "formats/sha256.h"

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
