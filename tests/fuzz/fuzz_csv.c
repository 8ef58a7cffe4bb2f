/* Any bytes as a CSV of pixels. */
#include "fuzz.h"

const unsigned fuzz_rounds = 8000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const name = "x.csv";
    const char *path = scratch_path(fuzz_directory(&name, 1), name);
    fuzz_file(data, size);
    fuzz_open_set(path);
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const heads[] = {"", "label,pixel0,pixel1,pixel2,pixel3\n", "\"class\", a,\"b\",c,d\r\n"};
    bytes out = {0};
    if (index > 3) return out;
    if (index < 3) bytes_add(&out, heads[index], strlen(heads[index]));
    for (int i = 0; i < 16; i++) {
        char row[64];
        int n = snprintf(row, sizeof row, index < 3 ? "%d,%d,2,3,4\n" : "%d,%d,2,3,4,5,6,7,8,9,10,11,12\n", i % 2, i);
        bytes_add(&out, row, (size_t)n);
    }
    return out;
}
