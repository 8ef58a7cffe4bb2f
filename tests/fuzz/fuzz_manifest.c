/* Any bytes as a manifest of image files, which are not there: rows are read, nothing is decoded. */
#include "fuzz.h"

const unsigned fuzz_rounds = 8000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const name = "m.csv";
    const char *path = scratch_path(fuzz_directory(&name, 1), name);
    fv_error error = {FV_OK, ""};
    fv_dataset *set = NULL;
    fuzz_file(data, size);
    fv_status status = fv_dataset_open(path, &set, &error);
    FUZZ_NEED(status == FV_OK || status == FV_E_DATA || status == FV_E_IO || status == FV_E_UNSUPPORTED);
    FUZZ_NEED(status == FV_OK || (error.code == status && *error.message));
    if (status == FV_OK) fv_dataset_destroy(set); /* a changed head makes it a CSV of pixels */
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const heads[] = {"path,label\n", "split,\"Label\",x,path\r\n"};
    bytes out = {0};
    if (index > 1) return out;
    bytes_add(&out, heads[index], strlen(heads[index]));
    for (int i = 0; i < 12; i++) {
        char row[64];
        int n = snprintf(row, sizeof row, index ? "%s,\"c, %d\",,a/%d.png\n" : "%sa%d,%d.png\n",
                         index ? (const char *[]){"train", "val", "test"}[i % 3] : "", i % 2, i);
        bytes_add(&out, row, (size_t)n);
    }
    return out;
}
