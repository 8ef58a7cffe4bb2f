/* What `fovea bench` rests on: counts against values worked out by hand, parts that add up to the step. */
#include <math.h>
#include <string.h>

#include "cmocka_test.h"
#include "fovea/bench.h"
#include "fovea/machine.h"

static fv_bench_training measure(const char *model, fv_shape input, int batch, int threads) {
    fv_net *net;
    fv_error error = {0};
    fv_bench_training out = {0};
    fv_train_options options = fv_train_defaults();
    options.batch = batch;
    options.threads = threads;
    if (fv_net_create(model, input, 10, 0, 1, &net, &error) != FV_OK ||
        fv_bench_train(net, &options, 0.05, &out, &error) != FV_OK)
        fail_msg("%s", error.message);
    fv_net_destroy(net);
    return out;
}

static void check_row(const fv_bench_operation *row, const char *text, double forward, double backward) {
    assert_string_equal(row->text, text);
    assert_true(row->forward.multiply_adds == forward);
    assert_true(row->backward.multiply_adds == backward);
    assert_true(row->forward.time_s > 0 && row->backward.time_s > 0);
}

/* Pools drop the 11th row and column of the second convolution, hence the 13th of the first pool's. */
static void test_convnet(void **state) {
    (void)state;
    fv_bench_training t = measure("convnet", (fv_shape){1, 28, 28}, 64, 2);
    const double conv1 = 24 * 24 * 8 * 9, conv2 = 10 * 10 * 8 * 8 * 9, dense1 = 200 * 64, dense2 = 64 * 10;
    const char *conv = "conv 8 3x3 + relu + maxpool 2 + dropout2d 0.5";
    assert_int_equal(t.n_operations, 4);
    check_row(&t.operations[0], conv, 64 * conv1, 64 * conv1); /* nobody asks for the images' gradient */
    check_row(&t.operations[1], conv, 64 * conv2, 64 * 2 * conv2);
    check_row(&t.operations[2], "dense 64 + relu", 64 * dense1, 64 * 2 * dense1);
    check_row(&t.operations[3], "dense 10", 64 * dense2, 64 * 2 * dense2);
    assert_true(t.multiply_adds == 64 * 296064.0);
    /* 4 blocks of 16 images: the input whole, 12x12x8 pooled, a byte of winner for each of those, 80 weights */
    assert_true(t.operations[0].forward.bytes == 4 * (16 * (4 * 28 * 28 + 5 * 12 * 12 * 8) + 4 * 80));
    /* the gradient of 64 (the layer behind it has applied the relu), the input and its gradient, weights and theirs */
    assert_true(t.operations[2].backward.bytes == 4 * (4 * 16 * (64 + 2 * 200) + 4 * 2 * (200 * 64 + 64)));
    fv_bench_training_deinit(&t);
}

/* Batch norm's two operations are one row; in a residual strides and 1x1 convolutions count what they compute. */
static void test_residual(void **state) {
    (void)state;
    fv_bench_training t =
        measure("conv 8 3x3 pad 1, batchnorm, relu, residual( conv 12 3x3 pad 1 stride 2 | conv 12 1x1 stride 2 ), "
                "globalavgpool, dense classes",
                (fv_shape){3, 9, 7}, 40, 1);
    assert_int_equal(t.n_operations, 7);
    assert_string_equal(t.operations[1].text, "batchnorm + relu");
    assert_true(t.operations[1].forward.time_s > 0 && t.operations[1].backward.time_s > 0);
    check_row(&t.operations[2], "conv 12 3x3 pad 1 stride 2", 40 * 5 * 4 * 12 * 8 * 9, 40 * 2 * 5 * 4 * 12 * 8 * 9);
    check_row(&t.operations[3], "conv 12 1x1 stride 2", 40 * 5 * 4 * 12 * 8, 40 * 2 * 5 * 4 * 12 * 8);
    assert_int_equal(t.operations[3].depth, 1);
    /* forward: 63 pixels of 8 channels read twice, written once; 3 blocks */
    assert_true(t.operations[1].forward.bytes == 3 * (3 * 4 * 16 * 63 * 8 + 4 * 2 * 8));
    fv_bench_training_deinit(&t);
}

static double sum_of_parts(const fv_bench_training *t) {
    double sum = t->feed_s + t->loss_s + t->update_s + t->pack_s + t->wait_s;
    for (int i = 0; i < t->n_operations; i++) sum += t->operations[i].forward.time_s + t->operations[i].backward.time_s;
    return sum;
}

/* A machine in use may stretch a measurement; eight in a row would be ours. */
static void test_sum(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        double off = 1;
        for (int try = 0; try < 8 && off > 0.2; try++) {
            fv_bench_training t = measure("convnet-bn", (fv_shape){1, 28, 28}, 64, threads);
            assert_int_equal(t.threads, threads);
            assert_true(t.n_steps > 0 && t.step_s > 0 && t.peak_flops > 0);
            assert_true(t.feed_s > 0 && t.loss_s > 0 && t.update_s > 0 && t.pack_s > 0 && t.wait_s >= 0);
            assert_true(fabs(sum_of_parts(&t) + t.rest_s - t.step_s) < 1e-9 * t.step_s);
            off = fabs(t.rest_s) / t.step_s;
            fv_bench_training_deinit(&t);
        }
        if (off > 0.2) fail_msg("%d threads: the parts miss %.0f %% of the step", threads, 100 * off);
    }
}

/* More threads than slots; a batch larger than the made-up images; one image a step. */
static void test_extremes(void **state) {
    (void)state;
    const int batches[] = {1, 17, 4096}, threads[] = {8, 3, 2};
    for (int i = 0; i < 3; i++) {
        fv_bench_training t = measure("maxpool 8, dense classes", (fv_shape){3, 64, 64}, batches[i], threads[i]);
        assert_int_equal(t.batch, batches[i]);
        assert_true(t.n_steps > 0);
        assert_int_equal(t.threads, i == 0 ? 1 : i == 1 ? 2 : 2);
        fv_bench_training_deinit(&t);
    }
}

static bool always(void *context) {
    (void)context;
    return true;
}

static void test_errors(void **state) {
    (void)state;
    fv_net *net;
    fv_error error;
    fv_bench_training t = {0};
    fv_train_options options = fv_train_defaults();
    assert_int_equal(fv_net_create("dense classes", (fv_shape){1, 8, 8}, 10, 0, 1, &net, &error), FV_OK);
    options.batch = 0;
    assert_int_equal(fv_bench_train(net, &options, 0.01, &t, &error), FV_E_ARGUMENT);
    options.batch = 16;
    options.cancelled = always;
    assert_int_equal(fv_bench_train(net, &options, 0.01, &t, &error), FV_E_INTERRUPTED);
    options.cancelled = NULL;
    options.learning_rate = 1000;
    options.optimizer = "sgd";
    fv_status status = fv_bench_train(net, &options, 0.01, &t, &error);
    assert_true(status == FV_OK || status == FV_E_DIVERGED);
    fv_bench_training_deinit(&t);
    double call_s;
    assert_int_equal(fv_bench_infer(net, 0, 1, 1, 0.01, &call_s), FV_E_ARGUMENT);
    assert_int_equal(fv_bench_infer(net, 100, 2, 1, 0.01, &call_s), FV_OK);
    assert_true(call_s > 0 && call_s < 1);
    fv_net_destroy(net);
}

static void test_machine(void **state) {
    (void)state;
    fv_machine_speed m;
    assert_int_equal(fv_bench_machine(2, &m), FV_OK);
    assert_int_equal(m.threads, 2);
    assert_true(m.core_flops > 1e6 && m.all_flops > 1e6 && m.core_read_bytes_s > 1e6 && m.all_copy_bytes_s > 1e6);
    assert_true(fv_processors() < 2 ? m.round_trip_s == 0 : m.round_trip_s > 1e-9 && m.round_trip_s < 1);
}

/* A runner gives what fv_net_infer gives, as often as it is asked. */
static void test_runner(void **state) {
    (void)state;
    fv_dataset *digits;
    fv_error error;
    fv_net *net;
    fv_runner *runner;
    assert_int_equal(fv_dataset_open("digits", &digits, &error), FV_OK);
    assert_int_equal(fv_net_create("conv 8 3x3, batchnorm, relu, dense 20, relu, dense classes", digits->test.shape, 10,
                                   0, 1, &net, &error),
                     FV_OK);
    float want[360 * 10], got[360 * 10], want_features[360 * 20], features[360 * 20];
    assert_int_equal(digits->test.n, 360);
    assert_int_equal(fv_net_infer(net, &digits->test, NULL, 1, want, want_features), FV_OK);
    for (int threads = 0; threads <= 3; threads++) {
        assert_int_equal(fv_runner_create(net, threads, &runner), FV_OK);
        for (size_t n = 1; n <= 360; n += 119) {
            uint32_t at[360];
            for (size_t i = 0; i < n; i++) at[i] = (uint32_t)(359 - i);
            fv_indices last = {n, at};
            memset(got, 0, sizeof got);
            assert_int_equal(fv_runner_infer(runner, &digits->test, &last, got, features), FV_OK);
            for (size_t i = 0; i < n; i++) {
                assert_memory_equal(got + 10 * i, want + 10 * (359 - i), 10 * sizeof *got);
                assert_memory_equal(features + 20 * i, want_features + 20 * (359 - i), 20 * sizeof *got);
            }
        }
        fv_images wrong = digits->test;
        wrong.shape.h++;
        assert_int_equal(fv_runner_infer(runner, &wrong, NULL, got, NULL), FV_E_SHAPE);
        fv_runner_destroy(runner);
    }
    fv_runner_destroy(NULL);
    fv_net_destroy(net);
    fv_dataset_destroy(digits);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_convnet), cmocka_unit_test(test_residual),
                                       cmocka_unit_test(test_sum),     cmocka_unit_test(test_extremes),
                                       cmocka_unit_test(test_errors),  cmocka_unit_test(test_machine),
                                       cmocka_unit_test(test_runner)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
