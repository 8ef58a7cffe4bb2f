/* Any bytes as a safetensors file. */
#include "fuzz.h"

#include "formats/safetensors_types.h"

const unsigned fuzz_rounds = 150000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fv_safetensors *file;
    fv_error error = {FV_OK, ""};
    fv_status status = fv_safetensors_parse("x", data, size, &file, &error);
    if (status != FV_OK) {
        FUZZ_NEED(status == FV_E_DATA && error.code == status && strncmp(error.message, "x: ", 3) == 0);
        return 0;
    }
    size_t total = 0;
    const fv_named_tensor *tensor;
    for (size_t i = 0; (tensor = fv_safetensors_at(file, i)); i++) {
        size_t n = 0, width = fv_dtype_table[tensor->dtype].size_bytes;
        FUZZ_NEED(tensor->rank >= 0 && tensor->rank <= FV_TENSOR_RANK && fv_tensor_count(tensor, &n));
        FUZZ_NEED(fv_safetensors_find(file, tensor->name) == tensor);
        total += n * width;
        if (n == 0) continue;
        volatile uint8_t last = ((const uint8_t *)tensor->data)[n * width - 1];
        (void)last;
    }
    FUZZ_NEED(total <= size);
    fv_safetensors_destroy(file);
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const headers[] = {
        "{\"__metadata__\":{\"model\":\"relu\"},\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]"
        "},"
        "\"0.bias\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[24,28]},"
        "\"x\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[28,32]}}",
        "{\"a\":{\"dtype\":\"U32\",\"shape\":[8],\"data_offsets\":[0,32]}}   ",
        "{\"half\":{\"dtype\":\"F16\",\"shape\":[400],\"data_offsets\":[0,800]}}",
    };
    bytes out = {0};
    if (index >= 3) return out;
    uint64_t length = strlen(headers[index]);
    bytes_add(&out, &length, 8);
    bytes_add(&out, headers[index], (size_t)length);
    for (int i = 0; i < (index < 2 ? 1 : 25); i++) bytes_add(&out, "0123456789abcdef0123456789abcdef", 32);
    return out;
}
