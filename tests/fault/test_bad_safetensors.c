/* Broken safetensors files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_test.h"
#include "formats/safetensors.h"

/* A tensor entry: dtype, shape, begin, end. */
#define TENSOR(name, dtype, shape, begin, end)                                                                         \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static const struct {
    const char *header;
    size_t n_data;
    const char *word; /* NULL: the file is sound */
} rows[] = {
    {"{}", 0, NULL},
    {"{" TENSOR("a", "F32", "[2,1]", "0", "8") "}", 8, NULL},
    {"{" TENSOR("a", "F32", "[2]", "8", "16") "," TENSOR("b", "F32", "[2]", "0", "8") "}", 16, NULL},
    {"", 0, "not JSON"},
    {"[]", 0, "no object"},
    {"3", 0, "not JSON"},
    {"{\"a\":1}", 0, "\"a\""},
    {"{" TENSOR("a", "F32", "[2]", "0", "8"), 8, "not JSON"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8") "} x", 8, "not JSON"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8") "," TENSOR("a", "F32", "[2]", "0", "8") "}", 8, "duplicate"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8") "}", 7, "cut short"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8") "}", 9, "1 bytes are left over"},
    {"{" TENSOR("a", "F32", "[3]", "0", "8") "}", 8, "differ in size"},
    {"{" TENSOR("a", "F32", "[2]", "8", "0") "}", 8, "data_offsets"},
    {"{" TENSOR("a", "F32", "[2]", "-8", "0") "}", 8, "data_offsets"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8.0") "}", 8, "data_offsets"},
    {"{" TENSOR("a", "F32", "[2]", "0", "\"8\"") "}", 8, "data_offsets"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8,9") "}", 8, "data_offsets"},
    {"{" TENSOR("a", "F32", "[2]", "0", "9223372036854775807") "}", 8, "cut short"},
    {"{" TENSOR("a", "F32", "[2]", "0", "99999999999999999999") "}", 8, "not JSON"},
    {"{" TENSOR("a", "F32", "[4294967296,4294967296,2]", "0", "8") "}", 8, "differ in size"},
    {"{" TENSOR("a", "F32", "[4611686018427387905]", "0", "4") "}", 4, "differ in size"}, /* times 4: 2^64 + 4 */
    {"{" TENSOR("a", "F32", "[-2]", "0", "8") "}", 8, "whole number"},
    {"{" TENSOR("a", "F32", "[2.0]", "0", "8") "}", 8, "whole number"},
    {"{" TENSOR("a", "F32", "2", "0", "8") "}", 8, "no shape"},
    {"{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,2]", "0", "8") "}", 8, "dimensions"},
    {"{" TENSOR("a", "F8_E5M2", "[4]", "0", "4") "}", 4, "F8_E5M2"},
    {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype missing"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "no shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8") "," TENSOR("b", "F32", "[2]", "4", "12") "}", 12, "do not begin"},
    {"{" TENSOR("a", "F32", "[2]", "0", "8") "," TENSOR("b", "F32", "[2]", "12", "20") "}", 20, "do not begin"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "metadata"},
    {"{\"__metadata__\":[]}", 0, "metadata"},
    {"{\"\\u0000\":{}}", 0, "not JSON"},
    {"{\"\xff\":{}}", 0, "not JSON"},
};

static void check(const char *bytes, size_t size, const char *word) {
    fv_safetensors *file = NULL;
    fv_error error = {FV_OK, ""};
    fv_status status = fv_safetensors_parse("some.safetensors", bytes, size, &file, &error);
    fv_safetensors_destroy(file);
    bool right = word ? status == FV_E_DATA && !file && strstr(error.message, word) &&
                            strncmp(error.message, "some.safetensors:", 17) == 0
                      : status == FV_OK && file;
    if (!right)
        fail_msg("%.*s: status %d, \"%s\" without \"%s\"", (int)size - 8, bytes + 8, status, error.message, word);
}

static void every_broken_file_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t length = strlen(rows[i].header);
        size_t size = 8 + (size_t)length + rows[i].n_data;
        char *bytes = calloc(size, 1); /* of just this size, so that a read behind it is seen by asan */
        assert_non_null(bytes);
        memcpy(bytes, &length, 8);
        memcpy(bytes + 8, rows[i].header, (size_t)length);
        check(bytes, size, rows[i].word);
        free(bytes);
    }
}

static void header_lengths_are_checked(void **state) {
    (void)state;
    check("", 0, "0 bytes");
    check("\0\0\0\0\0\0\0", 7, "7 bytes");
    check("\3\0\0\0\0\0\0\0{}", 10, "promises a header of 3");
    check("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "promises a header of 18446744073709551615");
}

/* JSON nested without end must not take the stack. */
static void deep_headers_are_refused(void **state) {
    (void)state;
    uint64_t length = 1 << 20;
    char *bytes = malloc(8 + (size_t)length);
    assert_non_null(bytes);
    memcpy(bytes, &length, 8);
    memset(bytes + 8, '[', (size_t)length);
    fv_safetensors *file;
    assert_int_equal(fv_safetensors_parse("x", bytes, 8 + (size_t)length, &file, NULL), FV_E_DATA);
    free(bytes);
}

static void missing_files_are_named(void **state) {
    (void)state;
    fv_safetensors *file;
    fv_error error;
    assert_int_equal(fv_safetensors_read("/nowhere/x.safetensors", &file, &error), FV_E_IO);
    assert_non_null(strstr(error.message, "/nowhere/x.safetensors"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_file_is_refused),
        cmocka_unit_test(header_lengths_are_checked),
        cmocka_unit_test(deep_headers_are_refused),
        cmocka_unit_test(missing_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
