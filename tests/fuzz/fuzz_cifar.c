/* Any bytes as every batch of CIFAR-10. */
#include "fuzz.h"

const unsigned fuzz_rounds = 3000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                        "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
    const char *directory = fuzz_directory(names, 6);
    fuzz_file(data, size);
    fuzz_open_set(directory);
    return 0;
}

bytes fuzz_seed(int index) {
    bytes out = {0};
    for (int i = 0; index < 2 && i < 2 + index; i++) {
        bytes_add(&out, &(uint8_t){(uint8_t)i}, 1);
        for (int j = 0; j < 3072; j++) bytes_add(&out, &(uint8_t){(uint8_t)j}, 1);
    }
    return out;
}
