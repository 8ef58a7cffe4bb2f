/* Memory runs out at the n-th request, for every n: each call must say so, and give back what it had (asan tells). */
#include "memory_test.h"
#include "scratch.h"

#include <jansson.h>

#include "cmocka_test.h"
#include "formats/safetensors.h"
#include "fovea/data.h"
#include "fovea/export.h"

static long left = -1; /* requests that still succeed; -1: all do */
static bool refused;

static bool memory_fails(void) {
    if (left < 0 || left-- > 0) return false;
    left = 0;
    return refused = true;
}

static char *directory;

static fv_status open_set(fv_error *error) {
    fv_dataset *set = NULL;
    fv_status status = fv_dataset_open(directory, &set, error);
    fv_dataset_destroy(set);
    return status;
}

static fv_status open_digits(fv_error *error) {
    fv_dataset *set = NULL;
    fv_status status = fv_dataset_open("digits", &set, error);
    fv_dataset_destroy(set);
    return status;
}

static fv_status split_and_count(fv_error *error) {
    static const uint8_t pixels[40];
    uint16_t labels[40];
    for (int i = 0; i < 40; i++) labels[i] = (uint16_t)(i % 2);
    const fv_dataset set = {.train = {.n = 40, .shape = {1, 1, 1}, .pixels = pixels, .labels = labels},
                            .test = {.n = 1, .shape = {1, 1, 1}, .pixels = pixels, .labels = labels}};
    fv_indices training = {0}, validation = {0}, part = {0};
    fv_duplicates found;
    fv_status status = fv_split_stratified(&set.train, 2, 0.5, 0, &training, &validation);
    if (status == FV_OK) status = fv_subset_stratified(&set.train, 2, &training, 5, 0, &part);
    if (status == FV_OK) status = fv_count_duplicates(&set, &found);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_indices_deinit(&part);
    return status == FV_OK ? FV_OK : fv_fail(error, status, "memory");
}

static fv_status write_and_read(fv_error *error) {
    static const float values[3];
    const fv_named_tensor tensor = {"a", FV_FLOAT32, 1, {3}, values};
    const fv_metadata metadata = {"key", "value"};
    const char *path = scratch_path(directory, "x.safetensors");
    fv_safetensors *file = NULL;
    FV_TRY(fv_safetensors_write(path, &tensor, 1, &metadata, 1, error));
    fv_status status = fv_safetensors_read(path, &file, error);
    fv_safetensors_destroy(file);
    return status;
}

/* Every export, and what verifies them but C, which is compiled by another program. */
static fv_net *net;

static fv_status export_and_verify(fv_error *error) {
    static const char *const names[] = {"a", "b", "c"};
    static const uint8_t pixels[4 * 64];
    static const uint16_t labels[4];
    const fv_images images = {.n = 4, .shape = {1, 8, 8}, .pixels = pixels, .labels = labels};
    const char *onnx = scratch_path(directory, "x.onnx"), *npz = scratch_path(directory, "x.npz");
    const char *c = scratch_path(directory, "x.c");
    fv_c_size size;
    fv_agreement agreement;
    FV_TRY(fv_export_onnx(net, onnx, names, FV_ONNX_UINT8, error));
    FV_TRY(fv_export_verify(net, onnx, FV_EXPORT_ONNX, &images, NULL, 1, &agreement, error));
    FV_TRY(fv_export_npz(net, npz, names, error));
    FV_TRY(fv_export_verify(net, npz, FV_EXPORT_NPZ, &images, NULL, 1, &agreement, error));
    FV_TRY(fv_export_c(net, c, names, NULL, NULL, &size, error));
    return fv_export_c(net, c, names, &images, NULL, &size, error);
}

/* Lets the work fail at request 0, 1, ... until none is refused. */
static int fail_each(fv_status (*work)(fv_error *)) {
    for (int n = 0; n < 1000; n++) {
        fv_error error = {FV_OK, ""};
        refused = false;
        left = n;
        fv_status status = work(&error);
        left = -1;
        if (!refused) {
            assert_int_equal(status, FV_OK);
            return n;
        }
        if (status != FV_E_MEMORY) fail_msg("request %d: status %d, \"%s\"", n, status, error.message);
        assert_non_null(strstr(error.message, "memory"));
    }
    fail_msg("more than 1000 requests");
    return 0;
}

static void every_request_may_fail(void **state) {
    (void)state;
    directory = scratch_make();
    scratch_set(directory, 40, 10, 4, 4, 3);
    assert_true(fail_each(open_set) > 10);
    scratch_text(directory, "classes.txt", "a\nb\nc\n");
    assert_true(fail_each(open_set) > 10);
    remove(scratch_path(directory, "t10k-images-idx3-ubyte"));
    remove(scratch_path(directory, "t10k-labels-idx1-ubyte"));
    assert_true(fail_each(open_set) > 10);
    assert_true(fail_each(open_digits) > 10);
    assert_true(fail_each(split_and_count) > 10);
    assert_true(fail_each(write_and_read) > 5);
    assert_int_equal(fv_net_create("conv 2 3x3, batchnorm, relu, maxpool 2, residual( conv 2 1x1 ), dense classes",
                                   (fv_shape){1, 8, 8}, 3, 0, 1, &net, NULL),
                     FV_OK);
    assert_true(fail_each(export_and_verify) > 50);
    fv_net_destroy(net);
    scratch_drop(directory);
}

/* What compares weights must not take a short memory for other weights: the hash asks for none. */
static void a_hash_needs_no_memory(void **state) {
    (void)state;
    char hash[65], again[65];
    const char *model = "conv 40 5x5, batchnorm, relu, dense 70, dense classes"; /* tensors of more than 1,024 values */
    assert_int_equal(fv_net_create(model, (fv_shape){1, 8, 8}, 3, 0, 1, &net, NULL), FV_OK);
    fv_net_hash(net, hash);
    left = 0;
    refused = false;
    fv_net_hash(net, again);
    left = -1;
    assert_false(refused);
    assert_string_equal(again, hash);
    fv_net_destroy(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_request_may_fail),
                                       cmocka_unit_test(a_hash_needs_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
