/* The training loop: the same bits whatever the threads, and what its options promise. On the embedded digits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_test.h"
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

/* A probability too small to drop any number changes nothing. */
static void test_faint_dropout(void **state) {
    (void)state;
    static const char *const texts[] = {"dense 16, dense classes", "dense 16, dropout 1e-17, dense classes"};
    char hash[2][65];
    for (int i = 0; i < 2; i++) {
        fv_net *net = new_net(texts[i]);
        fv_train_options o = options_of(1, 1);
        fv_error error = {0};
        assert_int_equal(train(net, &o, NULL, NULL, &error), FV_OK);
        fv_net_hash(net, hash[i]);
        fv_net_destroy(net);
    }
    assert_string_equal(hash[0], hash[1]);
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

/* Sets all of tensor `index` to one value. */
static void fill_tensor(fv_net *net, int index, float value) {
    fv_tensor_info info;
    fv_net_tensor(net, index, &info);
    float *values = malloc(info.n * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < info.n; i++) values[i] = i % 3 ? value : -value; /* rows differ */
    fv_net_tensor_set(net, index, values);
    free(values);
}

/* Before its first epoch ends; the weights stay those it began with. */
static void assert_diverges(fv_net *net, fv_train_options *o) {
    char before[65], after[65];
    int n;
    fv_net_hash(net, before);
    assert_int_equal(fv_train(net, &digits->train, &training, NULL, o, NULL, &n, NULL), FV_E_DIVERGED);
    assert_int_equal(n, 0);
    fv_net_hash(net, after);
    assert_string_equal(before, after);
}

/* Weights of 1e25 behind the first layer give it gradients whose squares are infinite: its steps are 0 from then on,
 * weights and losses stay finite, and nothing is learned. */
static void test_state_overflow(void **state) {
    (void)state;
    const char *const optimizers[] = {"adam", "adadelta"};
    for (size_t i = 0; i < 2; i++) {
        fv_net *net = new_net("dense 16, relu, dense classes");
        fv_train_options o = options_of(1, 1);
        o.optimizer = optimizers[i];
        fill_tensor(net, 2, 1e25F);
        assert_diverges(net, &o);
        fv_net_destroy(net);
    }
}

/* A last step too long for 32 bits: loss, gradients and the optimiser's state are finite, the weights are not. */
static void test_weights_overflow(void **state) {
    (void)state;
    fv_net *net = new_net("dense 16, relu, dense classes");
    fv_train_options o = options_of(1, 1);
    o.optimizer = "sgd";
    o.learning_rate = 1e30;
    o.batch = 65536;
    fill_tensor(net, 0, 1e10F);
    assert_diverges(net, &o);
    fv_net_destroy(net);
}

static bool always(void *context) {
    (void)context;
    return true;
}

static fv_status check_state(void *context, const fv_train_state *state, fv_error *error) {
    (void)error;
    ++*(int *)context;
    for (int i = 0; i < FV_N_STATE_ARRAYS; i++)
        for (size_t j = 0; state->array[i] && j < (i < FV_STATE_STATISTICS ? state->n_weights : state->n_statistics);
             j++)
            assert_true(isfinite(state->array[i][j]));
    return FV_OK;
}

/* However a training diverges, no state that is given away holds a number that is not finite, nor does the net. */
static void test_states_are_finite(void **state) {
    (void)state;
    static const double rates[] = {3, 1e3, 1e9, 1e20};
    int n_states = 0, n_diverged = 0;
    for (size_t i = 0; i < 8; i++) {
        fv_net *net = new_net("dense 16, batchnorm, relu, dense 16, relu, dense classes");
        fv_train_options o = options_of(2, 1);
        fv_epoch history[2];
        fv_score score;
        o.optimizer = i < 4 ? "sgd" : "adam";
        o.learning_rate = rates[i % 4];
        o.ema = i % 2 ? 0.9 : 0;
        o.patience = i % 2;
        o.context = &n_states;
        o.state_due = always;
        o.on_state = check_state;
        fv_status status = train(net, &o, history, NULL, NULL);
        assert_true(status == FV_OK || status == FV_E_DIVERGED);
        n_diverged += status == FV_E_DIVERGED;
        assert_int_equal(fv_evaluate(net, &digits->train, &validation, 1, NULL, 0, 0, &score, NULL), FV_OK);
        assert_true(isfinite(score.loss));
        fv_net_destroy(net);
    }
    assert_true(n_states > 0 && n_diverged >= 2);
}

/* Outputs that overflow are told by all that infers. */
static void test_outputs_overflow(void **state) {
    (void)state;
    fv_net *net = new_net("dense 16, relu, dense classes");
    fv_score score = {.n = 7};
    static float logits[40];
    fv_images few = digits->train;
    few.n = 2; /* run one by one */
    fill_tensor(net, 0, 1e30F);
    fill_tensor(net, 2, 1e30F);
    assert_int_equal(fv_evaluate(net, &digits->train, NULL, 2, NULL, 0, 0, &score, NULL), FV_E_DIVERGED);
    assert_int_equal(score.n, 7);
    assert_int_equal(fv_net_infer(net, &few, NULL, 1, logits, NULL), FV_E_DIVERGED);
    fv_runner *runner;
    assert_int_equal(fv_runner_create(net, 1, &runner), FV_OK);
    assert_int_equal(fv_runner_infer(runner, &few, NULL, logits, NULL), FV_E_DIVERGED);
    fv_runner_destroy(runner);
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

/* Labels beyond the net's classes are refused, not read beyond its logits. */
static void test_foreign_labels(void **state) {
    (void)state;
    fv_net *net = NULL;
    fv_error error = {0};
    fv_score score;
    fv_train_options o = options_of(1, 1);
    assert_int_equal(fv_net_create("dense classes", digits->train.shape, 9, 0, 3, &net, &error), FV_OK);
    assert_int_equal(train(net, &o, NULL, NULL, &error), FV_E_SHAPE);
    assert_non_null(strstr(error.message, "9 classes"));
    assert_int_equal(fv_evaluate(net, &digits->train, &validation, 1, NULL, 0, 0, &score, NULL), FV_E_SHAPE);
    uint32_t zero = 0; /* sound images to train on do not hide foreign ones to validate with */
    while (digits->train.labels[zero] != 0) zero++;
    const fv_indices sound = {1, &zero};
    char hash[2][65];
    fv_net_hash(net, hash[0]);
    assert_int_equal(fv_train(net, &digits->train, &sound, &validation, &o, NULL, NULL, &error), FV_E_SHAPE);
    fv_net_hash(net, hash[1]);
    assert_string_equal(hash[0], hash[1]);
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

/* ---- states ---- */

enum { MOST_STATES = 64, EPOCHS = 4 };

typedef struct states {
    fv_train_state at[MOST_STATES];
    int n, fail_at; /* the number whose keeping fails; -1: none */
} states;

static const void *kept(const void *from, size_t size) {
    if (!from) return NULL;
    void *to = malloc(size + 1);
    assert_non_null(to);
    return memcpy(to, from, size);
}

static fv_status keep_state(void *context, const fv_train_state *state, fv_error *error) {
    states *s = context;
    if (s->n == s->fail_at) return fv_fail(error, FV_E_IO, "no room");
    assert_true(s->n < MOST_STATES);
    fv_train_state *to = &s->at[s->n++];
    *to = *state;
    for (int i = 0; i < FV_N_STATE_ARRAYS; i++) {
        size_t n = i >= FV_STATE_STATISTICS ? state->n_statistics : state->n_weights;
        to->array[i] = kept(state->array[i], n * sizeof(float));
    }
    to->history = kept(state->history, (size_t)state->epoch * sizeof *state->history);
    return FV_OK;
}

static void drop(const void *at) {
    free((void *)(uintptr_t)at);
}

static void drop_states(states *s) {
    for (int i = 0; i < s->n; i++) {
        for (int j = 0; j < FV_N_STATE_ARRAYS; j++) drop(s->at[i].array[j]);
        drop(s->at[i].history);
    }
}

static const char *const stateful =
    "conv 5 3x3, batchnorm, relu, maxpool 2, dropout2d 0.2, dense 20, relu, dense classes";

static fv_status train_some(fv_net *net, fv_train_options *o, states *s, fv_epoch *history, int *n, fv_error *error) {
    const fv_indices some = {330, training.at};
    o->context = s;
    if (s) o->on_state = keep_state;
    if (s) o->state_due = always;
    return fv_train(net, &digits->train, &some, &validation, o, history, n, error);
}

static void assert_same_history(const fv_epoch *a, const fv_epoch *b, int n) {
    for (int i = 0; i < n; i++) {
        assert_true(a[i].train_loss == b[i].train_loss && a[i].train_accuracy == b[i].train_accuracy);
        assert_true(a[i].validation_loss == b[i].validation_loss && a[i].epoch == b[i].epoch);
    }
}

/* From every state that a training gives away another net goes on to the same bits. */
static int resume_from_each(fv_train_options o) {
    states s = {.fail_at = -1};
    fv_epoch history[EPOCHS], again[EPOCHS];
    fv_error error = {0};
    char whole[65], plain[65], hash[65];
    int n, n_again;
    fv_train_options without = o;
    fv_net *net = new_net(stateful), *watched = new_net(stateful);
    assert_int_equal(train_some(net, &without, NULL, history, &n, &error), FV_OK);
    fv_net_hash(net, plain);
    assert_int_equal(train_some(watched, &o, &s, history, &n, &error), FV_OK);
    fv_net_hash(watched, whole);
    assert_string_equal(whole, plain);
    assert_int_equal(s.n, 4 * n); /* 3 pauses in an epoch, and its end */
    for (int i = 0; i < s.n; i++) {
        fv_net *other = new_net(stateful);
        fv_train_options rest = without;
        rest.resume = &s.at[i];
        rest.threads = 1 + i % 3;
        if (train_some(other, &rest, NULL, again, &n_again, &error) != FV_OK) fail_msg("%s", error.message);
        fv_net_hash(other, hash);
        assert_string_equal(hash, whole);
        assert_int_equal(n_again, n);
        assert_same_history(history, again, n);
        fv_net_destroy(other);
    }
    drop_states(&s);
    fv_net_destroy(net);
    fv_net_destroy(watched);
    return n;
}

static void test_resume(void **state) {
    (void)state;
    fv_train_options o = options_of(EPOCHS, 2);
    o.batch = 100;
    assert_int_equal(resume_from_each(o), EPOCHS);
    o.optimizer = "adam";
    o.ema = 0.9;
    o.schedule = "onecycle";
    assert_int_equal(resume_from_each(o), EPOCHS);
    o.optimizer = "sgd momentum 0.9";
    o.learning_rate = 2; /* too much: an early epoch stays the best */
    o.schedule = "constant";
    o.patience = 1;
    assert_in_range(resume_from_each(o), 2, EPOCHS - 1);
}

/* States of other trainings, and such that no training gives. */
static void test_strange_states(void **state) {
    (void)state;
    states s = {.fail_at = -1};
    fv_train_options o = options_of(2, 1);
    fv_epoch history[2];
    fv_error error = {0};
    o.batch = 100;
    fv_net *net = new_net(stateful);
    assert_int_equal(train_some(net, &o, &s, history, NULL, &error), FV_OK);
    float *infinite = calloc(s.at[1].n_weights, sizeof *infinite);
    assert_non_null(infinite);
    infinite[3] = INFINITY;
    fv_train_state wrong[18];
    for (int i = 0; i < 18; i++) wrong[i] = s.at[1];
    wrong[0].n_weights++;
    wrong[1].n_statistics = 0;
    wrong[2].epoch = -1;
    wrong[3].epoch = 3;
    wrong[4].n_done = 331;
    wrong[5].n_done = 150;
    wrong[6].n_correct = 201;
    wrong[7].loss = NAN;
    wrong[8].time_s = -1;
    wrong[9].array[FV_STATE_AVERAGE] = infinite;
    wrong[10].array[FV_STATE_OPTIMIZER1] = NULL;
    wrong[11].array[FV_STATE_LAST_WEIGHTS] = infinite;
    wrong[12].epochs_since_best = 1;
    wrong[13].best_loss = 0.5;
    wrong[14].array[FV_STATE_WEIGHTS] = infinite;
    wrong[15].array[FV_STATE_OPTIMIZER2] = infinite;
    wrong[16].loss = INFINITY;
    wrong[17].epoch = 2; /* the last is done, and 200 images of another */
    for (int i = 0; i < 18; i++) {
        fv_net *other = new_net(stateful);
        char before[65], after[65];
        fv_net_hash(other, before);
        fv_train_options rest = options_of(2, 1);
        rest.batch = 100;
        rest.resume = &wrong[i];
        error = (fv_error){0};
        if (train_some(other, &rest, NULL, history, NULL, &error) != FV_E_DATA) fail_msg("state %d was taken", i);
        assert_non_null(strstr(error.message, "state"));
        fv_net_hash(other, after);
        assert_string_equal(before, after);
        fv_net_destroy(other);
    }
    free(infinite);
    drop_states(&s);
    fv_net_destroy(net);
}

/* More epochs without a better one than there were. */
static void test_strange_patience(void **state) {
    (void)state;
    states s = {.fail_at = -1};
    fv_train_options o = options_of(2, 1), rest = o;
    fv_epoch history[2];
    fv_error error = {0};
    o.batch = rest.batch = 100;
    o.patience = rest.patience = 2;
    fv_net *net = new_net(stateful);
    assert_int_equal(train_some(net, &o, &s, history, NULL, &error), FV_OK);
    assert_int_equal(s.at[4].epoch, 1);
    s.at[4].epochs_since_best = 2;
    rest.resume = &s.at[4];
    assert_int_equal(train_some(net, &rest, NULL, history, NULL, &error), FV_E_DATA);
    s.at[4].epochs_since_best = 1;
    assert_int_equal(train_some(net, &rest, NULL, history, NULL, &error), FV_OK);
    drop_states(&s);
    fv_net_destroy(net);
}

/* A state that could not be kept ends the training, with the reason. */
static void test_unkept_state(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        states s = {.fail_at = i};
        fv_train_options o = options_of(2, 2);
        fv_epoch history[2];
        fv_error error = {0};
        int n;
        o.batch = 100;
        fv_net *net = new_net(stateful);
        assert_int_equal(train_some(net, &o, &s, history, &n, &error), FV_E_IO);
        assert_string_equal(error.message, "no room");
        assert_int_equal(n, i < 3 ? 0 : 1);
        drop_states(&s);
        fv_net_destroy(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_faint_dropout),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_label_smoothing_changes_weights),
        cmocka_unit_test(test_ema),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_state_overflow),
        cmocka_unit_test(test_weights_overflow),
        cmocka_unit_test(test_states_are_finite),
        cmocka_unit_test(test_outputs_overflow),
        cmocka_unit_test(test_interruption),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_foreign_labels),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_strange_states),
        cmocka_unit_test(test_strange_patience),
        cmocka_unit_test(test_unkept_state),
    };
    return cmocka_run_group_tests(tests, open_digits, close_digits);
}
