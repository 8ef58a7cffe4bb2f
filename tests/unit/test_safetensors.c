/* safetensors: what is written comes back; the bytes are those of the format. */
#include "directory_test.h"

#include "formats/files.h"
#include "formats/safetensors.h"

static void every_type_comes_back(void **state) {
    (void)state;
    static const float f[2][3] = {{1, -2.5f, 3e-30f}, {0, 1e30f, -0.0f}};
    static const int32_t i[4] = {INT32_MIN, -1, 0, INT32_MAX};
    static const uint32_t u[1] = {UINT32_MAX};
    static const uint8_t b[5] = {0, 1, 127, 128, 255};
    const fv_named_tensor tensors[] = {
        {"bytes", FV_UINT8, 1, {5}, b},           {"0.weight", FV_FLOAT32, 2, {2, 3}, f},
        {"index", FV_INT32, 4, {2, 1, 2, 1}, i},  {"scalar", FV_UINT32, 0, {0}, u},
        {"nothing", FV_FLOAT32, 2, {3, 0}, NULL}, {"gr\xc3\xbc\xc3\x9f \"q\"", FV_UINT8, 1, {1}, b}};
    const fv_metadata metadata[] = {{"model", "conv 8 3x3,\nrelu"}, {"names", "[\"a\\b\", \"\xc3\xa9\"]"}};
    const char *path = scratch_path(directory, "x.safetensors");
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_safetensors_write(path, tensors, 6, metadata, 2, &error), FV_OK);
    fv_safetensors *file;
    assert_int_equal(fv_safetensors_read(path, &file, &error), FV_OK);
    for (int t = 0; t < 6; t++) {
        const fv_named_tensor *got = fv_safetensors_find(file, tensors[t].name);
        size_t n, width = tensors[t].dtype == FV_UINT8 ? 1 : 4;
        assert_non_null(got);
        assert_int_equal(got->dtype, tensors[t].dtype);
        assert_int_equal(got->rank, tensors[t].rank);
        for (int j = 0; j < got->rank; j++) assert_int_equal(got->size[j], tensors[t].size[j]);
        assert_true(fv_tensor_count(got, &n));
        if (n) assert_memory_equal(got->data, tensors[t].data, n * width);
        assert_int_equal((uintptr_t)got->data % 64, 0);
    }
    assert_string_equal(fv_safetensors_at(file, 0)->name, "0.weight"); /* wide types first */
    assert_null(fv_safetensors_at(file, 6));
    assert_null(fv_safetensors_find(file, "other"));
    assert_string_equal(fv_safetensors_metadata(file, "model"), metadata[0].value);
    assert_string_equal(fv_safetensors_metadata(file, "names"), metadata[1].value);
    assert_null(fv_safetensors_metadata(file, "other"));
    fv_safetensors_destroy(file);
    assert_int_equal(scratch_count(directory), 1);
}

/* By Python's hashlib, of the file below with zeros in its place. */
#define CHECKSUM "a956d5a6ddcd70c5937e242e319c8d229b5da2150234482197acbecff05dc4dd"

/* The file byte for byte, so that a reader of another make can count on it. */
static void the_bytes_are_the_formats(void **state) {
    (void)state;
    static const float f[2] = {1, 2};
    const fv_named_tensor tensor = {"a", FV_FLOAT32, 1, {2}, f};
    const fv_metadata metadata = {"k", "v"};
    const char *path = scratch_path(directory, "x.safetensors");
    assert_int_equal(fv_safetensors_write(path, &tensor, 1, &metadata, 1, NULL), FV_OK);
    static const char header[] = "{\"__metadata__\":{\"k\":\"v\",\"content_sha256\":\"" CHECKSUM "\"},"
                                 "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    char *data;
    size_t size;
    assert_int_equal(fv_file_read(path, 1 << 20, &data, &size, NULL), FV_OK);
    assert_int_equal(size, 192 + 8);
    assert_memory_equal(data, "\xb8\0\0\0\0\0\0\0", 8);
    assert_memory_equal(data + 8, header, strlen(header));
    for (size_t i = 8 + strlen(header); i < 192; i++) assert_int_equal(data[i], ' ');
    assert_memory_equal(data + 192, "\0\0\x80\x3f\0\0\0\x40", 8);
    free(data);
}

/* Every bit of a file, one at a time. A key that is no longer the checksum's leaves a file without one. */
static void every_flipped_bit_is_found(void **state) {
    (void)state;
    static const float f[3] = {1, 2, -3};
    const fv_named_tensor tensor = {"a", FV_FLOAT32, 1, {3}, f};
    const fv_metadata metadata = {"model", "dense classes"};
    const char *path = scratch_path(directory, "x.safetensors");
    char *data;
    size_t size, n_without = 0;
    assert_int_equal(fv_safetensors_write(path, &tensor, 1, &metadata, 1, NULL), FV_OK);
    assert_int_equal(fv_file_read(path, 1 << 20, &data, &size, NULL), FV_OK);
    for (size_t i = 0; i < 8 * size; i++) {
        fv_safetensors *file = NULL;
        fv_error error = {FV_OK, ""};
        data[i / 8] = (char)(data[i / 8] ^ 1 << i % 8);
        fv_status status = fv_safetensors_parse("x", data, size, &file, &error);
        data[i / 8] = (char)(data[i / 8] ^ 1 << i % 8);
        if (status == FV_E_DATA) continue;
        assert_int_equal(status, FV_OK);
        assert_null(fv_safetensors_metadata(file, "content_sha256"));
        assert_memory_equal(fv_safetensors_find(file, "a")->data, f, sizeof f);
        assert_string_equal(fv_safetensors_metadata(file, "model"), "dense classes");
        fv_safetensors_destroy(file);
        n_without++;
    }
    assert_in_range(n_without, 1, 8 * strlen("content_sha256"));
    free(data);
}

static void unaligned_tensors_of_others_are_read(void **state) {
    (void)state;
    static const char header[] = "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                                 "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}";
    bytes content = {0};
    uint64_t length = strlen(header);
    bytes_add(&content, &length, 8);
    bytes_add(&content, header, strlen(header));
    bytes_add(&content, "\x07\0\0\x80\x3f", 5);
    fv_safetensors *file;
    assert_int_equal(fv_safetensors_parse("x", content.at, content.n, &file, NULL), FV_OK);
    bytes_free(&content);
    const float *value = fv_safetensors_find(file, "a")->data;
    assert_true(*value == 1);
    assert_int_equal((uintptr_t)value % 64, 0);
    fv_safetensors_destroy(file);
}

static void what_cannot_be_written_is_refused(void **state) {
    (void)state;
    static const float f[2] = {1, 2};
    fv_named_tensor tensors[] = {{"a", FV_FLOAT32, 1, {2}, f}, {"a", FV_FLOAT32, 1, {2}, f}};
    const fv_metadata twice[] = {{"k", "v"}, {"k", "w"}}, broken = {"k", "\xff"};
    const char *path = scratch_path(directory, "x.safetensors");
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_safetensors_write(path, tensors, 2, NULL, 0, &error), FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "\"a\""));
    assert_int_equal(fv_safetensors_write(path, tensors, 1, twice, 2, &error), FV_E_ARGUMENT);
    assert_int_equal(fv_safetensors_write(path, tensors, 1, &broken, 1, &error), FV_E_ARGUMENT);
    tensors[0].name = "__metadata__";
    assert_int_equal(fv_safetensors_write(path, tensors, 1, twice, 1, &error), FV_E_ARGUMENT);
    tensors[0] = (fv_named_tensor){"b", FV_FLOAT32, 2, {SIZE_MAX / 2, 3}, f};
    assert_int_equal(fv_safetensors_write(path, tensors, 1, NULL, 0, &error), FV_E_ARGUMENT);
    assert_int_equal(scratch_count(directory), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_type_comes_back),
        TEST(the_bytes_are_the_formats),
        TEST(every_flipped_bit_is_found),
        TEST(unaligned_tensors_of_others_are_read),
        TEST(what_cannot_be_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
