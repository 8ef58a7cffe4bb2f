/* The model language: what it accepts, what it says of errors, how it names tensors. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_test.h"
#include "fovea/net.h"

static const fv_shape mnist = {1, 28, 28};

static fv_net *net_of(const char *text, fv_shape input) {
    fv_net *net = NULL;
    fv_error error = {0};
    if (fv_net_create(text, input, 10, 0, 1, &net, &error) != FV_OK) fail_msg("%s", error.message);
    return net;
}

static void test_convnet(void **state) {
    (void)state;
    fv_net *net = net_of("convnet", mnist);
    assert_int_equal(fv_net_n_weights(net), 14178);
    assert_int_equal(fv_net_n_multiply_adds(net), 131808);
    assert_int_equal(fv_net_n_features(net), 64);
    fv_layer_info row;
    assert_int_equal(fv_net_n_layers(net), 6);
    fv_net_layer(net, 2, &row);
    assert_string_equal(row.text, "conv 8 3x3 + relu + maxpool 2");
    assert_int_equal(row.n_weights, 584);
    assert_int_equal(row.n_multiply_adds, 69696);
    assert_true(row.out.c == 8 && row.out.h == 5 && row.out.w == 5);
    fv_net_destroy(net);
}

/* The resolved text reads back to itself. */
static void test_round_trip(void **state) {
    (void)state;
    const char *const texts[] = {
        "conv 4 3x5 stride 2 pad 1, batchnorm, relu, avgpool 2, dropout 0.25, dense 7, relu, dropout, dense classes",
        "conv 6 3x3 pad 1, residual( conv 6 3x3 pad 1, relu, conv 6 1x1 ), relu, residual( conv 8 3x3 stride 2 pad 1 | "
        "conv "
        "8 1x1 stride 2, batchnorm ), globalavgpool, dense 10",
        "flatten, dense 12, dense classes # no convolution",
        "dense classes",
        "dropout 0.1234567, dropout2d 1e-17, dense classes",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fv_net *a = net_of(texts[i], mnist), *b = net_of(fv_net_text(a), mnist);
        assert_string_equal(fv_net_text(a), fv_net_text(b));
        assert_int_equal(fv_net_n_weights(a), fv_net_n_weights(b));
        assert_true(i < 4 || strstr(fv_net_text(a), "dropout 0.1234567, dropout2d 1e-17"));
        fv_net_destroy(a);
        fv_net_destroy(b);
    }
}

static void test_tensor_names(void **state) {
    (void)state;
    static const char *const names[] = {"0.weight",
                                        "0.bias",
                                        "1.main.0.weight",
                                        "1.main.0.bias",
                                        "1.shortcut.0.weight",
                                        "1.shortcut.0.bias",
                                        "1.shortcut.1.weight",
                                        "1.shortcut.1.bias",
                                        "1.shortcut.1.running_mean",
                                        "1.shortcut.1.running_var",
                                        "4.weight",
                                        "4.bias"};
    fv_net *net =
        net_of("conv 2 3x3, residual( conv 2 1x1 | conv 2 1x1, batchnorm ), relu, globalavgpool, dense 10", mnist);
    assert_int_equal(fv_net_n_tensors(net), sizeof names / sizeof *names);
    for (int i = 0; i < fv_net_n_tensors(net); i++) {
        fv_tensor_info info;
        fv_net_tensor(net, i, &info);
        assert_string_equal(info.name, names[i]);
    }
    fv_net_destroy(net);
}

/* Dense weights are kept transposed inside; outside they are PyTorch's. */
static void test_tensor_values(void **state) {
    (void)state;
    fv_net *net = net_of("dense 3, dense classes", (fv_shape){1, 1, 5});
    float in[15], out[15];
    for (int i = 0; i < 15; i++) in[i] = (float)i;
    fv_net_tensor_set(net, 0, in);
    fv_net_tensor_get(net, 0, out);
    assert_memory_equal(in, out, sizeof in);
    uint8_t pixels[5] = {1, 0, 0, 0, 2};
    uint16_t label = 0;
    fv_images images = {.n = 1, .shape = {1, 1, 5}, .pixels = pixels, .labels = &label};
    float mean = 0, std = 1.0f / 255, bias[3] = {0}, features[3], logits[10];
    fv_net_tensor_set(net, 1, bias);
    fv_net_set_normalisation(net, &mean, &std);
    assert_int_equal(fv_net_infer(net, &images, NULL, 1, logits, features), FV_OK);
    for (int o = 0; o < 3; o++) assert_true(features[o] == in[o * 5] + 2 * in[o * 5 + 4]);
    fv_net_destroy(net);
}

static void test_errors(void **state) {
    (void)state;
    static const struct {
        const char *text;
        fv_status status;
        const char *says;
    } cases[] = {
        {"", FV_E_TEXT, "a layer is missing"},
        {"conv 8 3x3, relux, dense classes", FV_E_TEXT, "`relux` is no layer"},
        {"convnett", FV_E_NAME, "the named models are convnet"},
        {"conv 8 3y3, dense classes", FV_E_TEXT, "size like 3x3"},
        {"conv 8 4x4, dense classes", FV_E_SHAPE, "no centre"},
        {"conv 0 3x3, dense classes", FV_E_TEXT, "1 to 4096"},
        {"conv -3 3x3, dense classes", FV_E_TEXT, "1 to 4096"},
        {"conv 8 31x31, dense classes", FV_E_SHAPE, "does not fit its input of 28x28"},
        {"conv 8 3x3 pad 3, dense classes", FV_E_SHAPE, "pad 3"},
        {"flatten, conv 8 3x3 pad 1, dense classes", FV_E_SHAPE, "without pad"},
        {"dense 8, relu, dropout, residual( conv 8 3x3 pad 1 ), dense classes", FV_E_SHAPE, "without pad"},
        {"dense 8, dropout2d 0.3, conv 8 3x3 pad 1, dense classes", FV_E_SHAPE, "without pad"},
        {"conv 8 3x3 stride 2 stride 2, dense classes", FV_E_TEXT, "given twice"},
        {"conv 8 3x3 dilation 2, dense classes", FV_E_TEXT, "does not know `dilation`"},
        {"maxpool 2, maxpool 15, dense classes", FV_E_SHAPE, "larger than its input of 14x14"},
        {"dense 5", FV_E_SHAPE, "the data has 10 classes"},
        {"dense classes relu", FV_E_TEXT, "does not know `relu`"},
        {"dropout 1.5, dense classes", FV_E_TEXT, "0 to 0.99"},
        {"residual conv 8 3x3, dense classes", FV_E_TEXT, "needs `( main )`"},
        {"residual( conv 8 3x3, dense classes", FV_E_TEXT, "not closed"},
        {"residual( conv 8 3x3 ), dense classes", FV_E_SHAPE, "cannot be summed"},
        {"residual( residual( relu ) ), dense classes", FV_E_TEXT, "inside a residual"},
        {"dense 60000, dense 60000, dense classes", FV_E_SHAPE, "weights"},
        {"relu, , dense classes", FV_E_TEXT, "`,` is no layer"},
        {"dense classes )", FV_E_TEXT, "a comma or the end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_net *net = NULL;
        fv_error error = {0};
        fv_status status = fv_net_create(cases[i].text, mnist, 10, 0, 1, &net, &error);
        if (status != cases[i].status || !strstr(error.message, cases[i].says) || net)
            fail_msg("%s: status %d: %s", cases[i].text, (int)status, error.message);
    }
}

/* The study gives convolutions of small images a pad of 1, unless they name their own. */
static void test_default_pad(void **state) {
    (void)state;
    fv_net *net = NULL;
    fv_shape small = {1, 8, 8};
    fv_error error;
    assert_int_equal(fv_net_create("convnet", small, 10, 0, 1, &net, &error), FV_E_SHAPE);
    assert_int_equal(fv_net_create("convnet", small, 10, 1, 1, &net, &error), FV_OK);
    assert_non_null(strstr(fv_net_text(net), "conv 8 3x3 pad 1"));
    fv_net_destroy(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convnet),       cmocka_unit_test(test_round_trip), cmocka_unit_test(test_tensor_names),
        cmocka_unit_test(test_tensor_values), cmocka_unit_test(test_errors),     cmocka_unit_test(test_default_pad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
