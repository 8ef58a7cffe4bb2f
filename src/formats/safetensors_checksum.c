#define _GNU_SOURCE
#include <string.h>

#include "formats/safetensors_types.h"
#include "formats/sha256.h"

const char *fv_checksum_find(const char *bytes, size_t size) {
    static const char before[] = "\"" FV_CHECKSUM_KEY "\":\"";
    const size_t n = sizeof before - 1;
    const char *at = memmem(bytes, size, before, n);
    return at && size - (size_t)(at - bytes) >= n + FV_CHECKSUM_DIGITS ? at + n : NULL;
}

void fv_checksum_of(const fv_part *parts, size_t n_parts, const char *digits, char out[FV_CHECKSUM_DIGITS + 1]) {
    char zeros[FV_CHECKSUM_DIGITS];
    fv_sha256 sum;
    const char *first = parts[0].data, *behind = digits + FV_CHECKSUM_DIGITS;
    memset(zeros, '0', sizeof zeros);
    fv_sha256_init(&sum);
    fv_sha256_add(&sum, first, (size_t)(digits - first));
    fv_sha256_add(&sum, zeros, sizeof zeros);
    fv_sha256_add(&sum, behind, parts[0].size - (size_t)(behind - first));
    for (size_t i = 1; i < n_parts; i++) fv_sha256_add(&sum, parts[i].data, parts[i].size);
    fv_sha256_hex(&sum, out);
}
