/* Uneven classes: weighted losses, balanced sampling, macro averages. */
#include "scratch.h"

#include <math.h>

#include "set_test.h"

#include "fovea/fovea.h"

enum { N = 400, RARE = 20 };

/* Blank images of two classes, the second 5 %: a model can learn nothing but how often each comes. */
static const fv_images *blank(void) {
    static uint8_t pixels[N * 4];
    static uint16_t labels[N];
    static const fv_images images = {.n = N, .shape = {1, 2, 2}, .pixels = pixels, .labels = labels};
    for (int i = 0; i < N; i++) labels[i] = i % RARE == 0;
    return &images;
}

/* The probability that a model trained so gives the rare class. */
static double learned(const float *weights, bool balanced) {
    fv_net *net;
    fv_error error;
    fv_prediction predictions[N];
    fv_score score;
    fv_train_options options = fv_train_defaults();
    options.optimizer = "sgd";
    options.learning_rate = 0.3;
    options.schedule = "cosine";
    options.epochs = 300;
    options.batch = N; /* each batch is divided by its own weights, so that small ones would lean to the common */
    options.threads = 1;
    options.class_weights = weights;
    options.balanced = balanced;
    if (fv_net_create("dense classes", (fv_shape){1, 2, 2}, 2, 0, 1, &net, &error) != FV_OK)
        fail_msg("%s", error.message);
    if (fv_train(net, blank(), NULL, NULL, &options, NULL, NULL, &error) != FV_OK) fail_msg("%s", error.message);
    assert_int_equal(fv_evaluate(net, blank(), NULL, 1, NULL, 0, 0, &score, predictions), FV_OK);
    fv_net_destroy(net);
    assert_int_equal(predictions[0].truth, 1);
    return (double)predictions[0].p_true;
}

static void frequencies_follow_weights_and_sampling(void **state) {
    (void)state;
    static const float even[] = {1, 1}, balanced[] = {0.5F / 0.95F, 10}, third[] = {1, 9.5F};
    assert_float_equal(learned(NULL, false), 0.05, 0.005);
    assert_float_equal(learned(even, false), 0.05, 0.005);
    assert_float_equal(learned(balanced, false), 0.5, 0.03);
    assert_float_equal(learned(third, false), 1.0 / 3, 0.03); /* 9.5 * 0.05 : 0.95 */
    assert_float_equal(learned(NULL, true), 0.5, 0.03);
}

/* One step of plain gradient descent against PyTorch's formula in double: sum w l / sum w over the batch. */
static void one_step_is_pytorch_s(void **state) {
    (void)state;
    enum { M = 5, D = 4, K = 3 };
    static const uint8_t pixels[M * D] = {0, 51,  102, 255, 255, 0,  51, 204, 102, 102,
                                          0, 255, 10,  20,  30,  40, 9,  7,   5,   3};
    static const uint16_t labels[M] = {0, 1, 2, 1, 0};
    static const float weights[K] = {0.5F, 2, 3.25F};
    const fv_images images = {.n = M, .shape = {1, 2, 2}, .pixels = pixels, .labels = labels};
    fv_net *net;
    fv_error error;
    float w[K * D], b[K];
    fv_train_options options = fv_train_defaults();
    options.epochs = 1;
    options.batch = M;
    options.optimizer = "sgd momentum 0";
    options.learning_rate = 0.5;
    options.schedule = "constant";
    options.class_weights = weights;
    if (fv_net_create("dense classes", images.shape, K, 0, 3, &net, &error) != FV_OK) fail_msg("%s", error.message);
    fv_net_set_normalisation(net, (float[]){0}, (float[]){1});
    fv_net_tensor_get(net, 0, w);
    fv_net_tensor_get(net, 1, b);
    double sum = 0, dw[K * D] = {0}, db[K] = {0};
    for (int i = 0; i < M; i++) sum += (double)weights[labels[i]];
    for (int i = 0; i < M; i++) {
        double z[K], total = 0;
        for (int k = 0; k < K; k++) {
            z[k] = (double)b[k];
            for (int d = 0; d < D; d++) z[k] += (double)w[k * D + d] * pixels[i * D + d] / 255;
        }
        for (int k = 0; k < K; k++) total += exp(z[k]);
        for (int k = 0; k < K; k++) {
            double dz = (exp(z[k]) / total - (labels[i] == k)) * (double)weights[labels[i]] / sum;
            db[k] += dz;
            for (int d = 0; d < D; d++) dw[k * D + d] += dz * pixels[i * D + d] / 255;
        }
    }
    if (fv_train(net, &images, NULL, NULL, &options, NULL, NULL, &error) != FV_OK) fail_msg("%s", error.message);
    float after_w[K * D], after_b[K];
    fv_net_tensor_get(net, 0, after_w);
    fv_net_tensor_get(net, 1, after_b);
    for (int i = 0; i < K * D; i++) assert_float_equal(after_w[i], (float)((double)w[i] - 0.5 * dw[i]), 2e-7);
    for (int k = 0; k < K; k++) assert_float_equal(after_b[k], (float)((double)b[k] - 0.5 * db[k]), 2e-7);
    fv_net_destroy(net);
}

static void weights_that_are_none_are_refused(void **state) {
    (void)state;
    static const float zero[] = {1, 0}, none[] = {1, NAN};
    fv_error error;
    fv_net *net;
    fv_train_options options = fv_train_defaults();
    options.epochs = 1;
    assert_int_equal(fv_net_create("dense classes", (fv_shape){1, 2, 2}, 2, 0, 1, &net, &error), FV_OK);
    for (int i = 0; i < 2; i++) {
        options.class_weights = i ? none : zero;
        assert_int_equal(fv_train(net, blank(), NULL, NULL, &options, NULL, NULL, &error), FV_E_ARGUMENT);
        assert_non_null(strstr(error.message, "class 1"));
    }
    fv_net_destroy(net);
}

/* The weights that the option's words and files mean. */
static void class_weights_are_read(void **state) {
    (void)state;
    char *directory = scratch_make();
    fv_dataset set = {.n_classes = 3, .train = *blank()};
    fv_run_config config = fv_run_config_defaults();
    fv_indices all;
    float *weights;
    fv_error error;
    assert_int_equal(fv_indices_all(N, &all), FV_OK);
    assert_int_equal(fv_run_class_weights(&config, &set, &all, &weights, &error), FV_OK);
    assert_null(weights);
    strcpy(config.class_weights, "balanced");
    assert_int_equal(fv_run_class_weights(&config, &set, &all, &weights, &error), FV_OK);
    assert_float_equal(weights[0], 400.0 / (2 * 380), 1e-6);
    assert_float_equal(weights[1], 400.0 / (2 * 20), 1e-6);
    assert_float_equal(weights[2], 1, 0);
    free(weights);
    snprintf(config.class_weights, sizeof config.class_weights, "%s", scratch_path(directory, "w.txt"));
    scratch_text(directory, "w.txt", "1\n 2.5 \n\n1e-3\n");
    assert_int_equal(fv_run_class_weights(&config, &set, &all, &weights, &error), FV_OK);
    assert_float_equal(weights[1], 2.5, 0);
    assert_float_equal(weights[2], 1e-3, 1e-9);
    free(weights);
    static const struct {
        const char *text, *word;
    } rows[] = {{"", "holds 0 weights"},  {"1\n2\n", "holds 2 weights"}, {"1\n2\n3\n4\n", "holds 4 weights"},
                {"1\nx\n3\n", "line 2"},  {"1\n2 3\n3\n", "line 2"},     {"0\n1\n1\n", "line 1"},
                {"-1\n1\n1\n", "line 1"}, {"nan\n1\n1\n", "line 1"},     {"1e99\n1\n1\n", "line 1"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scratch_text(directory, "w.txt", rows[i].text);
        assert_int_equal(fv_run_class_weights(&config, &set, &all, &weights, &error), FV_E_DATA);
        if (!strstr(error.message, rows[i].word)) fail_msg("%s: %s", rows[i].text, error.message);
    }
    snprintf(config.class_weights, sizeof config.class_weights, "%s", scratch_path(directory, "none.txt"));
    assert_int_equal(fv_run_class_weights(&config, &set, &all, &weights, &error), FV_E_IO);
    fv_indices_deinit(&all);
    scratch_drop(directory);
}

/* The figures are scikit-learn's: balanced_accuracy_score and f1_score(average="macro"). */
static void macro_averages_count_classes_alike(void **state) {
    (void)state;
    static const size_t counts[] = {90, 5, 5, 4, 6, 0, 0, 3, 7};
    fv_class_score classes[3];
    fv_class_scores(counts, 3, classes);
    fv_macro_score macro = fv_macro_scores(classes, 3);
    assert_float_equal(macro.accuracy, (0.9 + 0.6 + 0.7) / 3, 1e-12);
    assert_float_equal(macro.f1, (2 * 90.0 / 194 + 2 * 6.0 / 24 + 2 * 7.0 / 22) / 3, 1e-12);
    assert_float_equal(macro.precision, (90.0 / 94 + 6.0 / 14 + 7.0 / 12) / 3, 1e-12);
    assert_true(fv_macro_differs(&macro, 103, 120)); /* 0.73 beside 0.86 (0.78-0.91) */
    assert_false(fv_macro_differs(&macro, 88, 120));
    assert_false(fv_macro_differs(&macro, 0, 0));
    static const size_t absent[] = {8, 2, 0, 0};
    fv_class_scores(absent, 2, classes);
    assert_float_equal(fv_macro_scores(classes, 2).accuracy, 0.8, 1e-12);
    fv_prediction predictions[120];
    for (int cell = 0, i = 0; cell < 9; cell++)
        for (size_t k = 0; k < counts[cell]; k++)
            predictions[i++] = (fv_prediction){.truth = (uint16_t)(cell / 3), .predicted = (uint16_t)(cell % 3)};
    fv_macro_score same;
    assert_int_equal(fv_macro_of(predictions, 120, 3, &same), FV_OK);
    assert_memory_equal(&same, &macro, sizeof same);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frequencies_follow_weights_and_sampling), cmocka_unit_test(one_step_is_pytorch_s),
        cmocka_unit_test(weights_that_are_none_are_refused),       cmocka_unit_test(class_weights_are_read),
        cmocka_unit_test(macro_averages_count_classes_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
