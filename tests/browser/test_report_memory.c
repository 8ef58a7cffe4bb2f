/* A report whose n-th allocation fails, for n = 1, 2, ...: it is refused for want of memory and leaves no file, or it
 * is the very page that enough memory gives. */
#include "cmocka_test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fovea/report.h"
#include "memory_test.h"

static size_t n_allocations, failing; /* the one that fails; 0: none */
static bool parsing;

static bool memory_fails(void) {
    return !parsing && ++n_allocations == failing;
}

/* jansson's parser loses a letter and goes on where its buffer cannot grow: not ours to test. */
REAL(json_t *, json_loads, const char *text, size_t flags, json_error_t *error) {
    parsing = true;
    json_t *json = __real_json_loads(text, flags, error);
    parsing = false;
    return json;
}
REAL(json_t *, json_loadb, const char *text, size_t size, size_t flags, json_error_t *error) {
    parsing = true;
    json_t *json = __real_json_loadb(text, size, flags, error);
    parsing = false;
    return json;
}

enum { N = 10 };

#define ROW(name)                                                                                                      \
    "{\"name\": \"" name "\", \"augment\": \"hflip 0.5\", \"model\": \"m\", \"text\": \"relu\", \"seed\": 1, "         \
    "\"parameters\": 5, \"train_correct\": 6, \"train_total\": 8, \"train_loss\": 0.5, \"validation_correct\": 5, "    \
    "\"validation_total\": 8, \"validation_loss\": 0.6, \"time_s\": 1, \"history\": [{\"epoch\": 1, \"train_loss\": "  \
    "0.5, \"train_accuracy\": 0.7, \"validation_loss\": 0.6, \"validation_accuracy\": 0.6}]}"
#define ROWS "[" ROW("none") ", " ROW("mild") "]"
#define TEST "[{\"a\": \"none\", \"b\": \"mild\", \"seed\": 1, \"only_a\": 1, \"only_b\": 2, \"p\": 1}]"

static const char study[] =
    "{\"kind\": \"study\", \"command\": \"fovea study x\", \"dataset\": {\"name\": \"x\", \"shape\": [1, 4, 4], "
    "\"n_classes\": 2, \"class_names\": [\"a\", \"b\"], \"n_train\": 8, \"n_test\": 10, \"n_validation\": 8}, "
    "\"machine\": {\"isa\": \"generic\"}, \"config\": {\"seeds\": [1], \"epochs\": 1}, \"augmentation\": " ROWS
    ", \"augmentation_tests\": " TEST ", \"architecture\": " ROWS ", \"architecture_tests\": " TEST
    ", \"scaling\": [{\"n_train\": 4, \"seed\": 1, \"test_correct\": 6, \"test_total\": 10, \"train_correct\": 4, "
    "\"train_total\": 4}, {\"n_train\": 8, \"seed\": 1, \"test_correct\": 8, \"test_total\": 10, \"train_correct\": 7, "
    "\"train_total\": 8}], \"scaling_fit\": {\"coefficient\": 1.6, \"exponent\": 1, \"points\": [{\"n_train\": 4, "
    "\"error\": 0.4}], \"forecast\": [{\"n_train\": 16, \"error\": 0.1, \"low\": 0.05, \"high\": 0.2}]}, \"final\": "
    "{\"test_total\": 10, \"test_correct\": 9, \"parameters\": 5}, \"mistakes\": [{\"index\": 3, \"true\": 1, "
    "\"predicted\": 0, \"p_true\": 0.1, \"p_predicted\": 0.9, \"loss\": 2.3}], \"kernels\": {\"shape\": [1, 1, 3, 3], "
    "\"values\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}, \"confusion\": [[4, 1], [0, 5]], \"embedding\": {\"n_features\": 2, "
    "\"points\": [[0, 0, 0, 0, 0]]}, \"neighbours\": [{\"query\": 0, \"distances\": [1], \"indices\": [1]}]}";

static fv_status write_page(const char *path) {
    static const uint8_t pixels[2 * N * 16] = {1, 2, 3};
    static const uint16_t labels[N] = {0};
    static const float probabilities[N * 2] = {0.5f, 0.5f}, distances[N * 8] = {1}, xy[N * 2] = {1}, values[4] = {1};
    static const uint32_t nearest[N * 8] = {1}, positions[1] = {0};
    static const char *const schemes[] = {"original", "mild"};
    fv_images images = {.n = N, .shape = {1, 4, 4}, .pixels = pixels, .labels = labels};
    fv_prediction predictions[N] = {0};
    for (uint32_t i = 0; i < N; i++) predictions[i].index = i;
    fv_report report = {study,
                        N,
                        &images,
                        predictions,
                        probabilities,
                        nearest,
                        distances,
                        xy,
                        {2, N, schemes, pixels},
                        {1, {1, 2, 2}, positions, values}};
    return fv_report_write(&report, path, NULL);
}

static char *read_page(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = __real_malloc(4000000);
    assert_non_null(text);
    *n = fread(text, 1, 4000000, file);
    fclose(file);
    return text;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    const char *path = "report-memory.html";
    size_t size, n_refused = 0;
    failing = 0, n_allocations = 0;
    assert_int_equal(write_page(path), FV_OK);
    size_t total = n_allocations;
    char *whole = read_page(path, &size);
    assert_true(total > 500);
    for (size_t n = 1; n <= total; n++) {
        remove(path);
        failing = n, n_allocations = 0;
        fv_status status = write_page(path);
        failing = 0;
        if (status == FV_OK) {
            size_t other_size;
            char *other = read_page(path, &other_size);
            assert_int_equal(other_size, size);
            assert_memory_equal(other, whole, size);
            free(other);
            continue;
        }
        if (status != FV_E_MEMORY) fail_msg("allocation %zu of %zu: status %d", n, total, (int)status);
        assert_int_equal(access(path, F_OK), -1);
        n_refused++;
    }
    assert_true(n_refused > 100);
    remove(path);
    free(whole);
}

int main(void) {
    json_set_alloc_funcs(__wrap_malloc, free); /* jansson's own count too */
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
