/* Any bytes as SVHN's MATLAB files, plain and, for what lies within, as a compressed array. */
#include "fuzz.h"

#include "mat_test.h"

const unsigned fuzz_rounds = 2000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"train_32x32.mat", "test_32x32.mat"};
    const char *directory = fuzz_directory(names, 2);
    fuzz_file(data, size);
    fuzz_open_set(directory);
    if (size <= 136) return 0;
    bytes file = mat_header(); /* a fuzzer cannot make zlib's checksums */
    uLongf n = compressBound(size - 128);
    uint8_t *packed = malloc(n);
    FUZZ_NEED(packed && compress2(packed, &n, data + 128, size - 128, 1) == Z_OK);
    mat_word(&file, 15);
    mat_word(&file, (uint32_t)n);
    bytes_add(&file, packed, n);
    free(packed);
    fuzz_file(file.at, file.n);
    bytes_free(&file);
    fuzz_open_set(directory);
    return 0;
}

bytes fuzz_seed(int index) {
    if (index < 4) return mat_svhn(2, 0, index & 1 ? 9 : 2, index & 2);
    if (index > 4) return (bytes){0};
    bytes out = mat_header();
    mat_add(&out, &(mat_array){"X", 9, 2, {32, 32, 3, 1}, (uint8_t[3072]){0}, 3072, 0});
    return out;
}
