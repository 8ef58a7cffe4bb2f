/* The small language: words, arguments, and messages that point at the word. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmocka_test.h"

static fv_cursor cursor_at(const char *text) {
    return (fv_cursor){.text = text, .at = text, .what = "model"};
}

static void test_words(void **state) {
    (void)state;
    fv_cursor c = cursor_at(" conv 8\t3x3,relu(a|b) # the rest , of the line\n\ndense#\n# end");
    const char *words[] = {"conv", "8", "3x3", ",", "relu", "(", "a", "|", "b", ")", "dense"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_true(fv_word_is(fv_text_peek(&c), words[i])); /* looking does not move */
        assert_true(fv_word_is(fv_text_next(&c), words[i]));
    }
    assert_true(fv_text_at_end(&c));
    assert_int_equal(fv_text_next(&c).length, 0);
    c = cursor_at("dense 10");
    assert_false(fv_word_is(fv_text_peek(&c), "den"));
    assert_false(fv_text_accept(&c, "dense1"));
    assert_true(fv_text_accept(&c, "dense"));
    assert_false(fv_text_at_end(&c));
}

static const fv_param params[] = {
    {"channels", FV_PARAM_INTEGER, 1, true, 1, 4096, 0},
    {"kernel", FV_PARAM_SIZE, 2, false, 1, 15, 3},
    {NULL, FV_PARAM_SIZE, 0, false, 0, 0, 3},
    {"pad", FV_PARAM_INTEGER, 0, false, 0, 7, 0},
    {"scale", FV_PARAM_NUMBER, 0, false, -1, 1, 0.5},
    {"bias", FV_PARAM_FLAG, 0, false, 0, 1, 0},
};
enum { N_PARAMS = sizeof params / sizeof *params };

static fv_status parse(const char *text, double *values, fv_error *error) {
    fv_cursor c = cursor_at(text);
    fv_word call = fv_text_next(&c);
    return fv_text_arguments(&c, call, params, N_PARAMS, 10, values, error);
}

static void check_values(const char *text, const double *want) {
    double values[N_PARAMS];
    fv_error error = {0};
    if (parse(text, values, &error) != FV_OK) fail_msg("%s: %s", text, error.message);
    for (int i = 0; i < N_PARAMS; i++)
        if (values[i] != want[i]) fail_msg("%s: value %d is %g, not %g", text, i, values[i], want[i]);
}

static void test_arguments(void **state) {
    (void)state;
    check_values("conv 8", (double[]){8, 3, 3, 0, 0.5, 0});
    check_values("conv 8 5", (double[]){8, 5, 5, 0, 0.5, 0});
    check_values("conv 8 5x1", (double[]){8, 5, 1, 0, 0.5, 0});
    check_values("conv 8 3x3 pad 1", (double[]){8, 3, 3, 1, 0.5, 0});
    check_values("conv pad 1 bias 8", (double[]){8, 3, 3, 1, 0.5, 1});
    check_values("conv kernel 1x7 channels 2 scale -.25", (double[]){2, 1, 7, 0, -0.25, 0});
    check_values("conv scale 2.5e-1 8 3", (double[]){8, 3, 3, 0, 0.25, 0});
    check_values("conv classes", (double[]){10, 3, 3, 0, 0.5, 0});
}

/* Reading stops at the call's end. */
static void test_end_of_call(void **state) {
    (void)state;
    const char *texts[] = {"conv 8, pad 1", "conv 8 ) pad", "conv 8|pad", "conv 8 # pad 1"};
    const char *next[] = {",", ")", "|", ""};
    for (int i = 0; i < 4; i++) {
        fv_cursor c = cursor_at(texts[i]);
        double values[N_PARAMS];
        fv_error error;
        fv_word call = fv_text_next(&c);
        assert_int_equal(fv_text_arguments(&c, call, params, N_PARAMS, 0, values, &error), FV_OK);
        assert_true(values[3] == 0);
        assert_true(fv_word_is(fv_text_peek(&c), next[i]));
    }
}

static void check_message(const char *text, const char *want) {
    double values[N_PARAMS];
    fv_error error = {0};
    assert_int_equal(parse(text, values, &error), FV_E_TEXT);
    assert_int_equal(error.code, FV_E_TEXT);
    assert_string_equal(error.message, want);
}

static void test_messages(void **state) {
    (void)state;
    check_message("conv pad 1", "model text, character 1: `conv` needs channels\n"
                                "    conv pad 1\n"
                                "    ^");
    check_message("conv 8 3y3", "model text, character 8: `conv` needs a size like 3x3 for kernel, not `3y3`\n"
                                "    conv 8 3y3\n"
                                "           ^");
    check_message("conv eight", "model text, character 6: `conv` needs a number for channels, not `eight`\n"
                                "    conv eight\n"
                                "         ^");
    check_message("conv 0", "model text, character 6: channels of `conv` must lie in 1 to 4096\n"
                            "    conv 0\n"
                            "         ^");
    check_message("conv 8 3x99", "model text, character 8: kernel of `conv` must lie in 1 to 15\n"
                                 "    conv 8 3x99\n"
                                 "           ^");
    check_message("conv 2.5", "model text, character 6: channels of `conv` must be a whole number\n"
                              "    conv 2.5\n"
                              "         ^");
    check_message("conv 8 3 4", "model text, character 10: `conv` does not know `4`\n"
                                "    conv 8 3 4\n"
                                "             ^");
    check_message("conv 8 pad 1 pad 2", "model text, character 14: pad of `conv` is given twice\n"
                                        "    conv 8 pad 1 pad 2\n"
                                        "                 ^");
    check_message("conv 8 channels 9", "model text, character 8: channels of `conv` is given twice\n"
                                       "    conv 8 channels 9\n"
                                       "           ^");
    check_message("conv 8 pad", "model text, character 11: `conv` needs a number for pad, not ``\n"
                                "    conv 8 pad\n"
                                "              ^");
}

/* What a number is not. */
static void test_not_numbers(void **state) {
    (void)state;
    const char *bad[] = {"0x1", "1e999", "nan", "inf", "--1", "1.2.3", "8k", "+8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        double values[N_PARAMS];
        fv_error error;
        snprintf(text, sizeof text, "conv 8 pad %s", bad[i]);
        assert_int_equal(parse(text, values, &error), FV_E_TEXT);
    }
    double values[N_PARAMS];
    char wide[400];
    memset(wide, '1', sizeof wide);
    memcpy(wide, "conv ", 5);
    wide[sizeof wide - 1] = 0;
    fv_error error;
    assert_int_equal(parse(wide, values, &error), FV_E_TEXT);
    assert_int_equal(parse("conv 8 classes", values, &error), FV_E_TEXT);
    assert_int_equal(parse("conv 8 scale classes", values, &error), FV_E_TEXT);
    assert_int_equal(parse("conv 8 3x", values, &error), FV_E_TEXT);
    assert_int_equal(parse("conv 8 x3", values, &error), FV_E_TEXT);
    assert_int_equal(parse("conv 8 3x3x3", values, &error), FV_E_TEXT);
    fv_cursor c = cursor_at("conv 8 pad classes"); /* where the number of classes is not known */
    fv_word call = fv_text_next(&c);
    assert_int_equal(fv_text_arguments(&c, call, params, N_PARAMS, 0, values, &error), FV_E_TEXT);
}

static void test_number(void **state) {
    (void)state;
    const double values[] = {0.5, 0, 1, 0.1234567, 1.0 / 3, 1e-17, -2.2250738585072014e-308};
    const char *texts[] = {"0.5", "0", "1", "0.1234567", "0.3333333333333333", "1e-17", "-2.2250738585072014e-308"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[25];
        assert_int_equal(fv_text_number(text, sizeof text, values[i]), strlen(texts[i]));
        assert_string_equal(text, texts[i]);
    }
}

/* A word far along a text is shown with what stands around it. */
static void test_message_of_long_text(void **state) {
    (void)state;
    const char *text = "conv 8 3x3, relu, maxpool 2, conv 8 3x3, relu, maxpool 2, dense 64, rulu, dense classes";
    fv_cursor c = cursor_at(text);
    fv_word word = {strstr(text, "rulu"), 4};
    fv_error error;
    assert_int_equal(fv_text_fail(&c, word, &error, "unknown `%.*s`", word.length, word.at), FV_E_TEXT);
    assert_string_equal(error.message, "model text, character 69: unknown `rulu`\n"
                                       "    ...3, relu, maxpool 2, dense 64, rulu, dense classes\n"
                                       "                                     ^");
}

static void test_join(void **state) {
    (void)state;
    const char *names[] = {"convnet", "convnet-bn", "resnet"};
    char out[64], small[12];
    fv_text_join(out, sizeof out, names, 3);
    assert_string_equal(out, "convnet, convnet-bn, resnet");
    fv_text_join(out, sizeof out, names, 1);
    assert_string_equal(out, "convnet");
    fv_text_join(out, sizeof out, names, 0);
    assert_string_equal(out, "");
    fv_text_join(small, sizeof small, names, 3);
    assert_string_equal(small, "convnet, co");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_end_of_call),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_message_of_long_text),
        cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
