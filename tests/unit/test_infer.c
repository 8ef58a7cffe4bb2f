/* Few images run with their pixels in the lanes, many sixteen at a time: the same numbers, bit for bit. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_test.h"
#include "fovea/machine.h"
#include "fovea/net.h"
#include "nn/plan.h"

enum { N = 19, CLASSES = 7 };

typedef struct row {
    const char *model;
    fv_shape input;
} row;

/* Widths around a vector's, pads, one channel and many, with and without pool, norm, relu. */
static const row rows[] = {
    {"convnet", {1, 28, 28}},
    {"convnet-bn", {1, 28, 28}},
    {"conv 5 3x3 pad 1, conv 9 5x5 pad 2, relu, dense classes", {3, 9, 17}},
    {"conv 8 3x3 pad 1, batchnorm, relu, conv 16 3x3, batchnorm, dense 70, relu, dense classes", {3, 16, 16}},
    {"conv 3 1x1, relu, maxpool 2, dense 16, relu, dense classes", {1, 5, 4}},
    {"conv 17 3x3 pad 1, relu, maxpool 2, conv 8 3x3 pad 1, relu, maxpool 2, dense classes", {2, 33, 35}},
    {"dense 33, relu, dense classes", {1, 6, 7}},
    {"conv 4 3x3 stride 2, relu, dense classes", {1, 11, 11}}, /* in blocks, whatever the number */
    {"conv 8 3x3, relu, maxpool 2, conv classes 3x3", {1, 8, 8}},
    {"dense 20, flatten, dense classes", {1, 4, 5}},
    {"dense 20, relu, conv 9 1x1, relu, dense classes", {1, 4, 5}},
};

static void give_statistics(fv_net *net) {
    for (size_t i = 0; i < net->n_statistics; i++) net->statistics[i] = 0.25F + (float)(i % 5) / 8;
}

static void check(const row *r) {
    fv_net *net = NULL;
    fv_error error = {0};
    const float mean[] = {0.1F, 0.3F, 0.5F}, std[] = {0.3F, 0.2F, 0.4F};
    if (fv_net_create(r->model, r->input, CLASSES, 0, 3, &net, &error) != FV_OK) fail_msg("%s", error.message);
    fv_net_set_normalisation(net, mean, std);
    give_statistics(net);
    size_t size = fv_shape_size(r->input), n_features = (size_t)fv_net_n_features(net);
    uint8_t *pixels = malloc(N * size);
    uint16_t labels[N] = {0};
    for (size_t i = 0; i < N * size; i++) pixels[i] = (uint8_t)(i * 2654435761U >> 13);
    fv_images images = {.n = N, .shape = r->input, .pixels = pixels, .labels = labels};
    float *logits = calloc(N * CLASSES, sizeof *logits), *features = calloc(N * n_features, sizeof *features);
    float few_logits[4 * CLASSES], *few_features = calloc(4 * n_features, sizeof *few_features);
    assert_int_equal(fv_net_infer(net, &images, NULL, 1, logits, features), FV_OK);
    for (size_t n = 1; n <= 4; n++)
        for (uint32_t first = 0; first + n <= N; first += 4) {
            uint32_t at[4] = {first, first + 1, first + 2, first + 3};
            fv_indices indices = {.at = at, .n = n};
            assert_int_equal(fv_net_infer(net, &images, &indices, 2, few_logits, few_features), FV_OK);
            assert_memory_equal(few_logits, logits + first * CLASSES, n * CLASSES * sizeof *logits);
            assert_memory_equal(few_features, features + first * n_features, n * n_features * sizeof *features);
        }
    free(few_features);
    free(features);
    free(logits);
    free(pixels);
    fv_net_destroy(net);
}

static void test_few_are_as_many(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check(&rows[i]);
}

static void test_any_number_of_threads(void **state) {
    (void)state;
    fv_net *net;
    const uint8_t pixels[4] = {1, 2, 3, 4};
    const uint16_t label = 0;
    const fv_images images = {.n = 1, .shape = {1, 2, 2}, .pixels = pixels, .labels = &label};
    float logits[CLASSES], one[CLASSES];
    assert_int_equal(fv_net_create("dense classes", images.shape, CLASSES, 0, 1, &net, NULL), FV_OK);
    assert_int_equal(fv_net_infer(net, &images, NULL, 1, one, NULL), FV_OK);
    assert_int_equal(fv_net_infer(net, &images, NULL, 0, logits, NULL), FV_OK);
    assert_memory_equal(logits, one, sizeof one);
    fv_net_destroy(net);
}

/* Kernels keep offsets within a block's values in 32 bits: 200 channels of 1024 x 1024 would not fit. */
static void test_values_beyond_offsets(void **state) {
    (void)state;
    fv_net *net;
    fv_plan *plan;
    const fv_shape largest = {1, 1024, 1024};
    assert_int_equal(fv_net_create("conv 200 1x1, conv classes 3x3, globalavgpool", largest, CLASSES, 0, 1, &net, NULL),
                     FV_OK);
    assert_int_equal(fv_plan_create(net, FV_INFER, 1, &plan), FV_E_SHAPE);
    fv_net_destroy(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_few_are_as_many),
                                       cmocka_unit_test(test_any_number_of_threads),
                                       cmocka_unit_test(test_values_beyond_offsets)};
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
