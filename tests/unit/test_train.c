/* The training loop: the same bits whatever the threads, and what its options promise. On the embedded digits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fovea/train.h"

static fv_dataset *digits;
static fv_indices training, validation;

static int open_digits(void **state) {
    (void)state;
    fv_error error;
    return fv_dataset_open("digits", &digits, &error) != FV_OK ||
           fv_split_stratified(&digits->train, digits->n_classes, 0.2, 0, &training, &validation) != FV_OK;
}

static int close_digits(void **state) {
    (void)state;
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_dataset_destroy(digits);
    return 0;
}

static fv_net *new_net(const char *text) {
    fv_net *net = NULL;
    fv_error error = {0};
    float mean = 0.3f, std = 0.4f;
    if (fv_net_create(text, digits->train.shape, digits->n_classes, 1, 3, &net, &error) != FV_OK)
        fail_msg("%s", error.message);
    fv_net_set_normalisation(net, &mean, &std);
    return net;
}

static fv_train_options options_of(int epochs, int threads) {
    fv_train_options o = fv_train_defaults();
    o.epochs = epochs;
    o.threads = threads;
    return o;
}

static fv_status train(fv_net *net, const fv_train_options *o, fv_epoch *history, int *n, fv_error *error) {
    return fv_train(net, &digits->train, &training, &validation, o, history, n, error);
}

/* Every kind of layer, odd shapes, a last batch that leaves slots empty. */
static void test_threads(void **state) {
    (void)state;
    const char *text =
        "conv 5 3x3, batchnorm, relu, maxpool 2, residual( conv 5 3x3, relu | conv 5 1x1, batchnorm ), relu, "
        "dropout2d 0.2, conv 7 3x3, relu, avgpool 2, dropout 0.3, dense 20, relu, dense classes";
    fv_augment *augment;
    fv_error error = {0};
    assert_int_equal(fv_augment_create("rotation 20, gaussian_blur 3 0.1 0.5", digits->train.shape, &augment, &error),
                     FV_OK);
    char first[65] = "", hash[65];
    const int threads[] = {1, 2, 3, 7};
    for (size_t i = 0; i < 4; i++) {
        fv_net *net = new_net(text);
        fv_train_options o = options_of(2, threads[i]);
        o.batch = 100;
        o.augment = augment;
        assert_int_equal(train(net, &o, NULL, NULL, &error), FV_OK);
        fv_net_hash(net, hash);
        if (i == 0) strcpy(first, hash);
        assert_string_equal(hash, first);
        fv_net_destroy(net);
    }
    fv_augment_destroy(augment);
}

static void test_learns(void **state) {
    (void)state;
    static const char *const optimisers[] = {"adadelta", "sgd nesterov", "adam", "adamw weight_decay 0.01"};
    static const char *const schedules[] = {"step 0.7", "onecycle", "cosine warmup 1", "constant"};
    for (size_t i = 0; i < 4; i++) {
        fv_net *net = new_net("conv 8 3x3, batchnorm, relu, maxpool 2, dense 32, relu, dense classes");
        fv_train_options o = options_of(8, 2);
        fv_epoch history[8];
        fv_error error = {0};
        int n;
        o.optimizer = optimisers[i];
        o.schedule = schedules[i];
        o.batch = 32;
        if (train(net, &o, history, &n, &error) != FV_OK) fail_msg("%s", error.message);
        assert_int_equal(n, 8);
        if (history[7].validation_accuracy < 0.92)
            fail_msg("%s, %s: %g", optimisers[i], schedules[i], history[7].validation_accuracy);
        fv_net_destroy(net);
    }
}

/* The smoothed loss of uniform logits is log 10 with any smoothing; the first step's loss is near it. */
static void test_label_smoothing_changes_weights(void **state) {
    (void)state;
    char plain[65], smooth[65];
    for (int i = 0; i < 2; i++) {
        fv_net *net = new_net("dense classes");
        fv_train_options o = options_of(1, 1);
        fv_error error = {0};
        o.label_smoothing = i ? 0.1 : 0;
        assert_int_equal(train(net, &o, NULL, NULL, &error), FV_OK);
        fv_net_hash(net, i ? smooth : plain);
        fv_net_destroy(net);
    }
    assert_string_not_equal(plain, smooth);
}

/* With decay 0 the average is the weights themselves; with a long memory it lies near the start. */
static void test_ema(void **state) {
    (void)state;
    double loss[3];
    const double decay[3] = {0, 0.5, 0.999999};
    for (int i = 0; i < 3; i++) {
        fv_net *net = new_net("conv 4 3x3, relu, maxpool 2, dense classes");
        fv_train_options o = options_of(3, 1);
        fv_epoch history[3];
        fv_error error = {0};
        fv_score score;
        o.ema = decay[i];
        assert_int_equal(train(net, &o, history, NULL, &error), FV_OK);
        loss[i] = history[2].validation_loss;
        assert_int_equal(fv_evaluate(net, &digits->train, &validation, 1, NULL, 0, 0, &score, NULL), FV_OK);
        assert_true(score.loss == loss[i]); /* what was judged is what was kept */
        fv_net_destroy(net);
    }
    assert_true(loss[1] != loss[0] && loss[2] > 1.5);
}

static void test_patience(void **state) {
    (void)state;
    fv_net *net = new_net("dense 64, relu, dense classes");
    fv_train_options o = options_of(200, 1);
    fv_epoch history[200];
    fv_error error = {0};
    fv_score score;
    int n, best = 0;
    o.schedule = "constant";
    o.patience = 3;
    assert_int_equal(train(net, &o, history, &n, &error), FV_OK);
    assert_true(n > 3 && n < 200);
    for (int i = 0; i < n; i++)
        if (history[i].validation_loss < history[best].validation_loss) best = i;
    assert_int_equal(best, n - 4);
    assert_int_equal(fv_evaluate(net, &digits->train, &validation, 1, NULL, 0, 0, &score, NULL), FV_OK);
    assert_true(score.loss == history[best].validation_loss);
    fv_net_destroy(net);
}

static void test_divergence(void **state) {
    (void)state;
    fv_net *net = new_net("dense 16, dense 16, dense classes");
    fv_train_options o = options_of(5, 2);
    fv_error error = {0};
    char before[65], after[65];
    int n;
    o.optimizer = "sgd";
    o.learning_rate = 1000;
    fv_net_hash(net, before);
    assert_int_equal(train(net, &o, NULL, &n, &error), FV_E_DIVERGED);
    assert_non_null(strstr(error.message, "learning rate"));
    fv_net_hash(net, after);
    if (n == 0) assert_string_equal(before, after); /* the last finite weights */
    fv_net_destroy(net);
}

static bool after_ten(void *context) {
    return ++*(int *)context > 10;
}

static void test_interruption(void **state) {
    (void)state;
    fv_net *net = new_net("dense classes");
    fv_train_options o = options_of(50, 2);
    fv_error error = {0};
    int asked = 0, n;
    o.context = &asked;
    o.cancelled = after_ten;
    assert_int_equal(train(net, &o, NULL, &n, &error), FV_E_INTERRUPTED);
    assert_true(n < 2);
    fv_net_destroy(net);
}

static void test_bad_options(void **state) {
    (void)state;
    fv_train_options o[10];
    for (int i = 0; i < 10; i++) o[i] = fv_train_defaults();
    o[0].epochs = 0;
    o[1].batch = -4;
    o[2].learning_rate = -1;
    o[3].learning_rate = (double)NAN;
    o[4].label_smoothing = 1;
    o[5].ema = 1;
    o[6].optimizer = "sgd momentum 2";
    o[7].schedule = "stepp 0.7";
    o[8].schedule = "cosine warmup 10";
    o[9].threads = -1;
    for (int i = 0; i < 10; i++) {
        fv_error error = {0};
        if (fv_train_check(&o[i], &error) == FV_OK || !error.message[0]) fail_msg("case %d passed", i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_label_smoothing_changes_weights),
        cmocka_unit_test(test_ema),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_interruption),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, open_digits, close_digits);
}
