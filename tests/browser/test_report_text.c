/* The report's numbers and sentences, its encodings, and what it does with broken input. */
#include "cmocka_test.h"

#include <locale.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fovea/report.h"
#include "report/charts.h"
#include "report/numbers.h"
#include "report/png.h"
#include "report/sentences.h"
#include "report/sprite.h"
#include "report/tables.h"

static void numbers_carry_the_digits_that_mean_something(void **state) {
    (void)state;
    assert_string_equal(fv_count_words(14178).s, "14,178");
    assert_string_equal(fv_count_words(999).s, "999");
    assert_string_equal(fv_count_words(1234567).s, "1,234,567");
    assert_string_equal(fv_percent(0.9908, 1).s, "99.1\u202f%");
    assert_string_equal(fv_decimal(-0.04, 1).s, "0.0");
    assert_string_equal(fv_decimal(-1.44, 1).s, "\u22121.4");
    assert_string_equal(fv_points(0.003, 1).s, "+0.3\u00a0points");
    assert_string_equal(fv_points(-0.014, 1).s, "\u22121.4\u00a0points");
    assert_string_equal(fv_points(0.00001, 1).s, "0.0\u00a0points");
    assert_string_equal(fv_seconds(0.012).s, "12\u202fms");
    assert_string_equal(fv_seconds(2.34).s, "2.3\u202fs");
    assert_string_equal(fv_seconds(119.4).s, "119\u202fs");
    assert_string_equal(fv_seconds(163).s, "2\u202fmin 43\u202fs");
    assert_string_equal(fv_seconds(3720).s, "1\u202fh 2\u202fmin");
    assert_string_equal(fv_significant(328412, 3).s, "328,000");
    assert_string_equal(fv_significant(0.0123, 2).s, "0.012");
    assert_string_equal(fv_short_count(131904).s, "132\u202fk");
    assert_string_equal(fv_p_value(0.00004).s, "p\u00a0<\u00a00.001");
    assert_string_equal(fv_p_value(0.0421).s, "p\u00a0=\u00a00.042");
    assert_string_equal(fv_p_value(0.42).s, "p\u00a0=\u00a00.42");
    assert_string_equal(fv_date_words("2026-11-24T08:12:40Z").s, "24 November 2026, 08:12 UTC");
    assert_string_equal(fv_percent_interval(0.9908, fv_wilson(9908, 10000)).s,
                        "99.1\u202f% (98.9\u2060\u2013\u206099.2)");
    assert_string_equal(fv_percent_interval(0.9, fv_wilson(36, 40)).s, "90\u202f% (77\u2060\u2013\u206096)");
}

/* RFC 4648, section 10. */
static void base64_is_that_of_the_rfc(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fv_buffer out = {0};
        fv_put_base64(&out, pairs[i][0], strlen(pairs[i][0]));
        assert_string_equal(fv_buffer_text(&out), pairs[i][1]);
        fv_buffer_deinit(&out);
    }
}

static void text_is_escaped(void **state) {
    (void)state;
    fv_buffer out = {0};
    fv_put_element(&out, "p", "x", "a < b & \"c\" > d");
    assert_string_equal(fv_buffer_text(&out), "<p class=\"x\">a &lt; b &amp; &quot;c&quot; &gt; d</p>\n");
    fv_buffer_deinit(&out);
}

/* Pixels of a PNG in memory, as RGB. */
static uint8_t *decode(const fv_buffer *png, unsigned *width, unsigned *height) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, png->data, png->n));
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(pixels);
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    *width = image.width, *height = image.height;
    return pixels;
}

static void a_sprite_holds_the_tiles_in_order(void **state) {
    (void)state;
    uint8_t pixels[5][3][2][4]; /* five colour images of 2 x 4 */
    for (int i = 0; i < 5; i++)
        for (int c = 0; c < 3; c++) memset(pixels[i][c], 40 * i + 10 * c, sizeof pixels[i][c]);
    const uint32_t order[] = {4, 0, 1, 2, 3};
    fv_sprite sprite;
    assert_int_equal(fv_sprite_make(&pixels[0][0][0][0], (fv_shape){3, 2, 4}, order, 5, 1000000, &sprite), FV_OK);
    unsigned width, height;
    uint8_t *rgb = decode(&sprite.png, &width, &height);
    assert_int_equal(sprite.columns, 3);
    assert_int_equal(width, 12);
    assert_int_equal(height, 4);
    assert_int_equal(rgb[0], 160);   /* image 4, red */
    assert_int_equal(rgb[4 * 3], 0); /* image 0 */
    assert_int_equal(rgb[4 * 3 + 2], 20);
    assert_int_equal(rgb[(2 * 12 + 4) * 3], 120); /* second row, second tile: image 3 */
    free(rgb);
    fv_sprite_deinit(&sprite);
}

static void tiles_shrink_to_what_they_may_take(void **state) {
    (void)state;
    size_t n = 600, size = 3 * 32 * 32;
    uint8_t *pixels = malloc(n * size);
    uint32_t x = 1;
    assert_non_null(pixels);
    for (size_t i = 0; i < n * size; i++) pixels[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    fv_sprite sprite;
    assert_int_equal(fv_sprite_make(pixels, (fv_shape){3, 32, 32}, NULL, n, 600000, &sprite), FV_OK);
    assert_true(sprite.png.n <= 600000);
    assert_true(sprite.width < 32 && sprite.width >= 8 && sprite.width == sprite.height);
    fv_sprite_deinit(&sprite);
    free(pixels);
}

static void kernels_are_named_by_their_energy(void **state) {
    (void)state;
    const double edge[] = {-1, 0, 1, -1, 0, 1, -1, 0, 1}, slanted[] = {0, 1, 2, -1, 0, 1, -2, -1, 0};
    const double bright[] = {1, 1, 1, 1, 2, 1, 1, 1, 1}, spot[] = {-1, -1, -1, -1, 8, -1, -1, -1, -1};
    assert_int_equal(fv_kernel_classify(edge, 1, 3, 3), FV_KERNEL_EDGE);
    assert_int_equal(fv_kernel_classify(slanted, 1, 3, 3), FV_KERNEL_EDGE);
    assert_int_equal(fv_kernel_classify(bright, 1, 3, 3), FV_KERNEL_BRIGHTNESS);
    assert_int_equal(fv_kernel_classify(spot, 1, 3, 3), FV_KERNEL_OTHER);
}

static void kernels_that_lie_are_not_shown(void **state) {
    (void)state;
    static const char *const shapes[] = {"[2, 1, 1]", "[2, 1, 1, 2]", "[2, -1, -1, 2]", "[65536, 65536, 65536, 65536]",
                                         "[0, 4, 1, 1]"};
    int shape[4];
    size_t size;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"shape\": %s, \"values\": [%s]}", shapes[i], i == 3 ? "" : "1, 2, 3");
        json_t *kernels = json_loads(text, 0, NULL);
        assert_false(fv_kernel_shape(kernels, shape, &size));
        json_decref(kernels);
    }
    json_t *kernels = json_loads("{\"shape\": [2, 1, 1, 2], \"values\": [1, 2, 3, 4]}", 0, NULL);
    assert_true(fv_kernel_shape(kernels, shape, &size));
    assert_int_equal(shape[0], 2);
    assert_int_equal(size, 2);
    json_decref(kernels);
}

static void the_most_confused_come_first(void **state) {
    (void)state;
    json_t *confusion = json_loads("[[9, 2, 5], [5, 9, 0], [1, 5, 9]]", 0, NULL);
    fv_pair pairs[4];
    assert_int_equal(fv_confused_pairs(confusion, pairs, 4), 4);
    const size_t expected[4][3] = {{0, 2, 5}, {1, 0, 5}, {2, 1, 5}, {0, 1, 2}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pairs[i].truth, expected[i][0]);
        assert_int_equal(pairs[i].predicted, expected[i][1]);
        assert_int_equal(pairs[i].count, expected[i][2]);
    }
    json_decref(confusion);
}

#define DATASET                                                                                                        \
    "\"dataset\": {\"name\": \"mnist\", \"n_classes\": 2, \"class_names\": [\"0\", \"1\"], \"n_validation\": 1000}"

static fv_facts read_facts(const char *json) {
    fv_facts facts;
    fv_error error;
    assert_int_equal(fv_facts_read(json, &facts, &error), FV_OK);
    return facts;
}

static void check_sentence(const char *json, void (*say)(const fv_context *, fv_buffer *), const char *expected) {
    fv_facts facts = read_facts(json);
    fv_report report = {0};
    bool failed = false;
    fv_context context = {&report, &facts, &failed};
    fv_buffer out = {0};
    say(&context, &out);
    assert_string_equal(fv_buffer_text(&out), expected);
    assert_false(failed);
    fv_buffer_deinit(&out);
    fv_facts_deinit(&facts);
}

#define ROW(name, seed, correct)                                                                                       \
    "{\"name\": \"" name "\", \"seed\": " seed                                                                         \
    ", \"train_correct\": 1, \"train_total\": 2, \"validation_correct\": " correct ", \"validation_total\": 1000}"

static void one_seed_is_told_by_its_test(void **state) {
    (void)state;
    check_sentence(
        "{" DATASET ", \"augmentation\": [" ROW("none", "1", "950") "," ROW("mild", "1", "953") "," ROW(
            "strong", "1",
            "930") "], \"augmentation_tests\": [{\"a\": \"none\", \"b\": \"mild\", \"seed\": 1, "
                   "\"only_a\": 10, \"only_b\": 13, \"p\": 0.68}, {\"a\": \"none\", \"b\": \"strong\", \"seed\": 1, "
                   "\"only_a\": 30, \"only_b\": 10, \"p\": 0.002}]}",
        fv_glance_augmentation,
        "Mild: not distinguishable, +0.3\u00a0points (p\u00a0=\u00a00.68). Strong: hurts, "
        "\u22122.0\u00a0points (p\u00a0=\u00a00.002).");
}

static void seeds_are_told_by_the_interval_of_their_difference(void **state) {
    (void)state;
    check_sentence(
        "{" DATASET
        ", \"augmentation\": [" ROW("none", "1", "950") "," ROW("none", "2", "950") "," ROW("mild", "1", "955") "," ROW(
            "mild", "2", "957") "], \"augmentation_tests\": [{\"a\": \"none\", "
                                "\"b\": \"mild\", \"seed\": 1, \"p\": 0.9}], \"augmentation_differences\": [{\"a\": "
                                "\"mild\", \"b\": "
                                "\"none\", \"n_seeds\": 2, \"mean\": 0.006, \"low\": 0.002, \"high\": 0.01}]}",
        fv_glance_augmentation, "Mild: helps, +0.6\u00a0points (0.2\u00a0to\u00a01.0).");
}

#define TWO_SEEDS(difference)                                                                                          \
    "{" DATASET ", \"augmentation\": [" ROW("none", "1", "950") "," ROW("none", "2", "950") "," ROW(                   \
        "mild", "1", "955") "," ROW("mild", "2", "957") "], \"augmentation_differences\": [{\"a\": \"mild\", \"b\": "  \
                                                        "\"none\", \"n_seeds\": 2, " difference "}]}"

/* A bound that is not zero does not read as zero; seeds without a spread have no interval. */
static void differences_keep_their_bounds(void **state) {
    (void)state;
    check_sentence(TWO_SEEDS("\"mean\": 0.004, \"low\": 0.0003, \"high\": 0.0077"), fv_glance_augmentation,
                   "Mild: helps, +0.40\u00a0points (0.03\u00a0to\u00a00.77).");
    check_sentence(TWO_SEEDS("\"mean\": 0.104166, \"low\": 0.104166, \"high\": 0.104166"), fv_glance_augmentation,
                   "Mild: helps, +10.4\u00a0points (with every seed).");
    check_sentence(TWO_SEEDS("\"mean\": 0, \"low\": 0, \"high\": 0"), fv_glance_augmentation,
                   "Mild: not distinguishable, 0.0\u00a0points (with every seed).");
}

static void the_headline_reads_digits_and_sorts_the_rest(void **state) {
    (void)state;
    const char *final = ", \"final\": {\"parameters\": 14210, \"test_correct\": 9908, \"test_total\": 10000}}";
    char json[600];
    snprintf(json, sizeof json, "{" DATASET "%s", final);
    check_sentence(json, fv_say_headline, "A network of 14,210 weights reads MNIST at 99.1\u202f%");
    snprintf(json, sizeof json,
             "{\"dataset\": {\"name\": \"cells\", \"n_classes\": 2, \"class_names\": [\"ill\", "
             "\"well\"]}%s",
             final);
    check_sentence(json, fv_say_headline, "A network of 14,210 weights sorts cells at 99.1\u202f%");
}

static void a_flat_trend_is_not_told_as_one(void **state) {
    (void)state;
    check_sentence("{" DATASET
                   ", \"scaling_fit\": {\"exponent\": 0.1, \"exponent_low\": -0.2, \"exponent_high\": 0.4}}",
                   fv_glance_scaling, "No trend with the amount of data that these sizes can tell from chance.");
    check_sentence("{" DATASET ", \"scaling_fit\": {\"exponent\": 1, \"exponent_low\": 0.8, \"exponent_high\": 1.2}}",
                   fv_glance_scaling, "Each doubling cuts the test error by 50\u202f% (43\u2060\u2013\u206056).");
}

#define SCALING(exponents)                                                                                             \
    "{" DATASET ", \"scaling\": [{\"n_train\": 100, \"test_correct\": 90, \"test_total\": 100}], \"scaling_fit\": {"   \
    "\"exponent\": 1, " exponents                                                                                      \
    ", \"forecast\": [{\"n_train\": 200, \"error\": 0.2, \"low\": 0.1, \"high\": 1.96}]}}"

/* No share of the images is above all of them, and what has no slope has no forecast. */
static void a_forecast_is_an_error_that_can_be(void **state) {
    (void)state;
    check_sentence(
        SCALING("\"exponent_low\": 0.8, \"exponent_high\": 1.2"), fv_answer_scaling,
        "Trained on all 100 images, the network errs on 10\u202f% of the test images (6\u2060\u2013\u206017). "
        "On the fitted line each doubling of the data cuts the test error by 50\u202f% "
        "(43\u2060\u2013\u206056). If the line went on, 200 images would leave 20\u202f% "
        "(10\u2060\u2013\u2060100).");
    check_sentence(
        SCALING("\"exponent_low\": -0.8, \"exponent_high\": 1.2"), fv_answer_scaling,
        "Trained on all 100 images, the network errs on 10\u202f% of the test images (6\u2060\u2013\u206017). "
        "The slope of the fitted line is not distinguishable from zero: no forecast is told.");
}

/* Values of the axis of a chart whose loss goes from `high` to `low`, and its first one. */
static size_t loss_ticks(double high, double low, double *first) {
    char json[400];
    snprintf(json, sizeof json,
             "{" DATASET
             ", \"architecture\": [{\"name\": \"m\", \"history\": [{\"train_loss\": %g}, {\"train_loss\": %g}]}]}",
             high, low);
    fv_facts facts = read_facts(json);
    fv_report report = {0};
    bool failed = false;
    fv_context context = {&report, &facts, &failed};
    json_t *charts = fv_charts(&context), *values, *y, *spec;
    spec = json_object_get(json_object_get(charts, "architecture-loss"), "spec");
    y = json_object_get(json_object_get(spec, "encoding"), "y");
    values = json_object_get(json_object_get(y, "axis"), "values");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const double value = json_number_value(json_array_get(values, i));
        if (value >= low && value <= high && n++ == 0) *first = value;
    }
    json_decref(charts);
    fv_facts_deinit(&facts);
    return n;
}

/* A logarithmic axis can be read however little of it there is. */
static void a_short_axis_has_its_values(void **state) {
    (void)state;
    double first;
    assert_int_equal(loss_ticks(0.69, 0.59, &first), 5);
    assert_true(fabs(first - 0.6) < 1e-9);
    assert_in_range(loss_ticks(0.53, 0.23, &first), 3, 6);
    assert_in_range(loss_ticks(7e-5, 3e-5, &first), 3, 6);
    assert_in_range(loss_ticks(80, 20, &first), 3, 6);
    assert_int_equal(loss_ticks(2.3, 0.04, &first), 6); /* 0.05, 0.1, ..., 2 */
}

/* A table's digits follow its intervals: two of 48 images are none of a hundredth. */
static void a_table_has_the_digits_of_its_interval(void **state) {
    (void)state;
    static const char *const totals[][2] = {
        {"\"validation_correct\": 37, \"validation_total\": 48", ">77.1\u202f%<"},
        {"\"validation_correct\": 8879, \"validation_total\": 8995", ">98.71\u202f%<"}};
    for (size_t i = 0; i < 2; i++) {
        char json[400];
        snprintf(json, sizeof json, "{" DATASET ", \"architecture\": [{\"name\": \"m\", %s}]}", totals[i][0]);
        fv_facts facts = read_facts(json);
        fv_report report = {0};
        bool failed = false;
        fv_context context = {&report, &facts, &failed};
        fv_buffer out = {0};
        fv_table_models(&context, &out);
        assert_non_null(strstr(fv_buffer_text(&out), totals[i][1]));
        fv_buffer_deinit(&out);
        fv_facts_deinit(&facts);
    }
}

/* Kernels of one kind are told together, and what "mixed" means. */
static void kernels_of_one_kind_are_all(void **state) {
    (void)state;
    static const char json[] =
        "{" DATASET ", \"kernels\": {\"shape\": [2, 1, 2, 2], \"values\": [1, -1, -1, 1, 1, -1, -1, 1]}}";
    check_sentence(json, fv_glance_kernels, "2 kernels of 2\u00d72: all mixed.");
    check_sentence(
        json, fv_answer_kernels,
        "The first layer holds 2 kernels of 2\u00d72 weights, from \u22121.00 to 1.00. By the energy of their "
        "weights, all are mixed; mixed is what is mainly neither an edge nor brightness.");
}

static void no_mistake_is_not_no_error(void **state) {
    (void)state;
    check_sentence("{" DATASET ", \"mistakes\": [], \"final\": {\"test_total\": 10000, \"test_correct\": 10000}}",
                   fv_answer_mistakes,
                   "The network made no mistake on 10,000 test images; its error may still be as high "
                   "as 0.04\u202f%.");
}

#define UNEVEN(name, correct, macro)                                                                                   \
    "{\"name\": \"" name "\", \"seed\": 1, \"train_correct\": 1, \"train_total\": 2, \"validation_correct\": " correct \
    ", \"validation_total\": 1000, \"validation_macro_accuracy\": " macro ", \"validation_macro_f1\": 0.5}"

/* The balanced accuracy is told where it lies outside the accuracy's interval, and only there. */
static void uneven_classes_are_told(void **state) {
    (void)state;
#define CONFUSION ", \"confusion\": [[95, 5], [3, 7]], \"final\": {\"test_correct\": 102, \"test_total\": 110, "
    check_sentence("{" DATASET CONFUSION "\"test_macro_accuracy\": 0.825, \"test_macro_f1\": 0.8}}",
                   fv_glance_confusion,
                   "It takes 0 for 1\u00a0(5\u00a0images) and 1 for 0\u00a0(3). Balanced accuracy: 82.5\u202f%.");
    check_sentence("{" DATASET CONFUSION "\"test_macro_accuracy\": 0.9, \"test_macro_f1\": 0.8}}", fv_glance_confusion,
                   "It takes 0 for 1\u00a0(5\u00a0images) and 1 for 0\u00a0(3).");
    check_sentence("{" DATASET CONFUSION "\"parameters\": 3}}", fv_glance_confusion,
                   "It takes 0 for 1\u00a0(5\u00a0images) and 1 for 0\u00a0(3).");
    check_sentence(
        "{" DATASET CONFUSION "\"test_macro_accuracy\": 0.825, \"test_macro_f1\": 0.8}}", fv_answer_confusion,
        "Most often it takes 0 for 1\u00a0(5\u00a0images) and 1 for 0\u00a0(3). Of the classes, 1 comes off worst "
        "with 70\u202f% (40\u2060\u2013\u206089) right, 0 best with 95\u202f% (89\u2060\u2013\u206098). With every "
        "class "
        "counted alike, 82.5\u202f% are right (balanced accuracy) against 92.7\u202f% of all images: rare classes "
        "are read worse than frequent ones.");
    check_sentence(
        "{" DATASET ", \"architecture\": [" UNEVEN("a", "950", "0.7") "," UNEVEN("b", "940", "0.8") "]}",
        fv_answer_architecture,
        "a has the highest validation accuracy, 95.0\u202f% (93.5\u2060\u2013\u206096.2). Its lead is not "
        "distinguishable "
        "from chance over b (+1.0\u00a0points). By balanced accuracy, every class counted alike, b leads: "
        "80.0\u202f% against 70.0\u202f%. With one seed this tells trained networks apart on the same 1,000 images, "
        "not yet their recipes.");
}

static void classes_without_images_are_not_the_worst(void **state) {
    (void)state;
    check_sentence("{" DATASET ", \"confusion\": [[0, 0], [0, 5]]}", fv_answer_confusion,
                   "Most often it takes nothing for anything else. Of the classes, 1 comes off worst with "
                   "100\u202f% (57\u2060\u2013\u2060100) right, 1 best with 100\u202f% (57\u2060\u2013\u2060100).");
}

/* Figures that print alike are not set against each other, nor is the balanced accuracy of others a reason to. */
static void like_balanced_figures_are_not_compared(void **state) {
    (void)state;
    check_sentence(
        "{" DATASET ", \"confusion\": [[95, 5], [3, 7]], \"final\": {\"test_correct\": 97700000, \"test_total\": "
        "100000000, \"test_macro_accuracy\": 0.97664, \"test_macro_f1\": 0.8}}",
        fv_answer_confusion,
        "Most often it takes 0 for 1\u00a0(5\u00a0images) and 1 for 0\u00a0(3). Of the classes, 1 comes off "
        "worst with 70\u202f% (40\u2060\u2013\u206089) right, 0 best with 95\u202f% (89\u2060\u2013\u206098).");
#define LEAD                                                                                                           \
    "a has the highest validation accuracy, 95.0\u202f% (93.5\u2060\u2013\u206096.2). Its lead is not "                \
    "distinguishable "                                                                                                 \
    "from chance over b (+1.0\u00a0points)"
#define ONE_SEED "With one seed this tells trained networks apart on the same 1,000 images, not yet their recipes."
    check_sentence("{" DATASET ", \"architecture\": [" UNEVEN("a", "950", "0.7") "," UNEVEN("b", "940", "0.7001") "]}",
                   fv_answer_architecture, LEAD ". " ONE_SEED);
    check_sentence("{" DATASET ", \"architecture\": [" UNEVEN("a", "950", "0.94") "," UNEVEN(
                       "b", "940", "0.945") "," UNEVEN("c", "940", "0.7") "]}",
                   fv_answer_architecture, LEAD " and c (+1.0\u00a0points). " ONE_SEED);
}

static void counts_that_lie_are_no_counts(void **state) {
    (void)state;
    assert_int_equal(fv_counted(3.0), 3);
    assert_int_equal(fv_counted(-4.42056), 0);
    assert_int_equal(fv_counted(1e300), 0);
    assert_int_equal(fv_counted(NAN), 0);
    check_sentence("{" DATASET ", \"final\": {\"test_correct\": -5, \"test_total\": 1e60}}", fv_answer_mistakes,
                   "The network made no mistake on 0 test images; its error may still be as high as 100.00\u202f%.");
}

/* A page of one test image from study.json with these members beside its dataset. */
static char *page_of(const char *members, fv_status expected) {
    static const uint8_t pixels[4] = {1, 2, 3, 4};
    static const uint16_t labels[1] = {1};
    static const float probabilities[2] = {NAN, 1};
    const fv_images images = {.n = 1, .shape = {1, 2, 2}, .pixels = pixels, .labels = labels};
    const fv_prediction prediction = {.index = 0, .truth = 1};
    const char *path = "report-text.html";
    char *json = malloc(strlen(members) + sizeof DATASET + 16), *text = calloc(1, 8000000);
    assert_non_null(json);
    assert_non_null(text);
    sprintf(json, "{" DATASET "%s}", members);
    fv_report report = {
        .study_json = json, .n = 1, .images = &images, .predictions = &prediction, .probabilities = probabilities};
    fv_error error = {0};
    fv_status status = fv_report_write(&report, path, &error);
    if (status != expected) fail_msg("status %d (%s) of %.200s", status, error.message, members);
    FILE *file = fopen(path, "rb");
    if (file) {
        assert_true(fread(text, 1, 7999999, file) > 0);
        fclose(file);
        remove(path);
    }
    free(json);
    return text;
}

/* Figures that no study can have: a page without nan and inf nevertheless, and no want of memory. */
static void figures_that_lie_make_a_page(void **state) {
    (void)state;
    static const char *const members[] = {
        ", \"config\": {\"optimizer\": \"\"}, \"history\": [{\"train_loss\": 1}]",
        ", \"scaling\": [{\"test_correct\": 1, \"test_total\": 2}], \"scaling_fit\": {\"coefficient\": 1, "
        "\"exponent\": "
        "0.5, \"exponent_low\": 0.4, \"exponent_high\": 0.6}",
        ", \"scaling\": [{\"n_train\": 1e5, \"test_correct\": 1, \"test_total\": 0}], \"scaling_fit\": "
        "{\"coefficient\": "
        "1, \"exponent\": -2000, \"exponent_low\": -3000, \"exponent_high\": -1000}",
        ", \"scaling\": [{\"n_train\": 9, \"test_correct\": 20, \"test_total\": 10}, {\"n_train\": 9, \"test_total\": "
        "-10}]",
        ", \"augmentation\": [{\"name\": \"none\", \"validation_correct\": 1e90, \"validation_total\": 1e-90}]",
        ", \"architecture\": [{\"name\": \"m\", \"history\": [{\"train_loss\": 1e249, \"validation_accuracy\": "
        "-1e249}]}]",
        ", \"final\": {\"test_correct\": 1e15, \"test_total\": 1e-200, \"time_s\": 1e60, \"model\": \"m\"}",
        ", \"confusion\": [[1e90, -1e90], [1e-300, -9223372036854775807]]",
        ", \"mistakes\": [{\"index\": -1, \"true\": -1e249, \"predicted\": 1e249}]",
        ", \"embedding\": {\"perplexity\": 5e-324, \"n_features\": 1e250, \"points\": [1]}",
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char *page = page_of(members[i], FV_OK), *end = strstr(page, "id=\"data\"");
        assert_non_null(end);
        *end = 0;
        char *main = strstr(page, "<main>");
        assert_non_null(main);
        if (strstr(main, "nan") || strstr(main, "inf")) fail_msg("nan or inf on the page of %s", members[i]);
        free(page);
    }
    char *page = page_of(", \"mistakes\": [{\"p_true\": 2e-8}, {\"p_true\": 0.00006}]", FV_OK);
    assert_non_null(strstr(page, ">&lt; 0.0001<"));
    free(page);
    page = page_of(", \"mistakes\": [{\"true\": -1, \"predicted\": 7.4}, {\"predicted\": 1}]", FV_OK);
    assert_non_null(strstr(page, "<td>?</td><td>?</td>"));
    assert_non_null(strstr(page, "<td>?</td><td>1</td>"));
    free(page);
    free(page_of(", \"final\": {\"test_loss\": 1e251}", FV_E_DATA));
    free(page_of(", \"kernels\": {\"values\": [1, [-1e308]]}", FV_E_DATA));
}

/* Kernels of no shape are left out: the page's script would make as many pictures as they claim. */
static void a_section_needs_what_its_script_reads(void **state) {
    (void)state;
    char *page = page_of(", \"kernels\": {\"shape\": [1, 1000000000, 1, 1], \"values\": [1]}", FV_OK);
    assert_null(strstr(page, "data-figure=\"kernels\""));
    free(page);
    page = page_of(", \"kernels\": {\"shape\": [1, 1, 1, 1], \"values\": [1]}", FV_OK);
    assert_non_null(strstr(page, "data-figure=\"kernels\""));
    free(page);
}

/* Names are cut between letters, and a bar in one makes no column. */
static void names_of_strangers_stay_whole(void **state) {
    (void)state;
    static const char *const begins[] = {"", "x", "xx"};
    for (int i = 0; i < 3; i++) {
        char members[600], long_name[200] = "";
        for (int k = 0; k < 50; k++) strcat(long_name, "\u2500");
        snprintf(members, sizeof members,
                 ", \"date\": \"%s%s\", \"final\": {\"time_s\": 1, \"test_total\": 4, \"test_correct\": 3, \"model\": "
                 "\"%s%s\"}",
                 begins[i], long_name, begins[i], long_name);
        char *page = page_of(members, FV_OK);
        assert_int_equal(mbstowcs(NULL, page, 0) == (size_t)-1, 0);
        free(page);
    }
    fv_facts facts;
    char json[400] = "{\"dataset\": {\"n_classes\": 2, \"class_names\": [\"a|b\", \"c\"], \"name\": \"";
    for (int k = 0; k < 40; k++) strcat(json, "\u2500");
    strcat(json, "\"}, \"confusion\": [[1, 2], [3, 4]]}");
    fv_error error;
    assert_int_equal(fv_facts_read(json, &facts, &error), FV_OK);
    assert_int_equal(strlen(facts.name), 78); /* 26 letters of three bytes in 79 */
    fv_report report = {0};
    bool failed = false;
    fv_context context = {&report, &facts, &failed};
    fv_buffer out = {0};
    fv_table_confusion(&context, &out);
    assert_non_null(strstr(fv_buffer_text(&out), "<th scope=\"col\" class=\"n\">a|b</th><th scope=\"col\" "
                                                 "class=\"n\">c</th></tr>"));
    fv_buffer_deinit(&out);
    fv_facts_deinit(&facts);
}

/* Many epochs of one seed beside many rows without any: the work is that of what is there, not of their product; and a
 * table of what claims to be neighbours ends. */
static void long_lists_are_read_once(void **state) {
    (void)state;
    enum { ROWS = 60000, EPOCHS = 60000 };
    char *json = malloc(100 * ROWS), *to = json;
    assert_non_null(json);
    to += sprintf(to, "{" DATASET ", \"architecture\": [");
    for (int i = 0; i < ROWS; i++) to += sprintf(to, "{\"name\": \"%d\"},", i % 60);
    to += sprintf(to, "{\"name\": \"1\", \"history\": [");
    for (int i = 0; i < EPOCHS; i++) to += sprintf(to, "%s0", i ? "," : "");
    to += sprintf(to, "]}]}");
    fv_facts facts = read_facts(json);
    fv_report report = {0};
    bool failed = false;
    fv_context context = {&report, &facts, &failed};
    const clock_t begin = clock();
    json_t *charts = fv_charts(&context);
    const double time_s = (double)(clock() - begin) / CLOCKS_PER_SEC;
    assert_true(charts && !failed);
    if (time_s > 60) fail_msg("%.0f s", time_s); /* the product took hours */
    json_decref(charts);
    fv_facts_deinit(&facts);
    to = json + sprintf(json, "{" DATASET ", \"neighbours\": [{\"query\": 1, \"indices\": [");
    for (int i = 0; i < ROWS; i++) to += sprintf(to, "%s0", i ? "," : "");
    sprintf(to, "]}]}");
    facts = read_facts(json);
    fv_buffer out = {0};
    fv_table_neighbours(&context, &out);
    assert_non_null(strstr(fv_buffer_text(&out), ">1,000<"));
    assert_null(strstr(fv_buffer_text(&out), ">1,001<"));
    fv_buffer_deinit(&out);
    fv_facts_deinit(&facts);
    free(json);
}

static void broken_input_is_refused(void **state) {
    (void)state;
    fv_report report = {.study_json = "{\"dataset\": "};
    fv_error error;
    assert_int_equal(fv_report_write(&report, "unused.html", &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "study.json: line 1"));
    report.study_json = "{\"dataset\": {\"n_classes\": 3, \"class_names\": [\"a\"]}}";
    assert_int_equal(fv_report_write(&report, "unused.html", &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "class_names"));
    report.study_json = "{" DATASET ", \"confusion\": [[1, 2], [3, 4], [5, 6]]}";
    assert_int_equal(fv_report_write(&report, "unused.html", &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "`confusion` has 3 rows"));
    assert_int_equal(access("unused.html", F_OK), -1);
    fv_images images = {.n = 1};
    fv_prediction prediction = {.index = 7};
    report = (fv_report){.study_json = "{" DATASET "}", .n = 1, .images = &images, .predictions = &prediction};
    assert_int_equal(fv_report_write(&report, "unused.html", &error), FV_E_ARGUMENT);
    report = (fv_report){.study_json = "{" DATASET "}", .images = &images};
    assert_int_equal(fv_report_write(&report, "/nowhere/report.html", &error), FV_E_IO);
    assert_non_null(strstr(error.message, "/nowhere/report.html"));
}

int main(void) {
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_carry_the_digits_that_mean_something),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(a_sprite_holds_the_tiles_in_order),
        cmocka_unit_test(tiles_shrink_to_what_they_may_take),
        cmocka_unit_test(kernels_are_named_by_their_energy),
        cmocka_unit_test(kernels_that_lie_are_not_shown),
        cmocka_unit_test(the_most_confused_come_first),
        cmocka_unit_test(one_seed_is_told_by_its_test),
        cmocka_unit_test(seeds_are_told_by_the_interval_of_their_difference),
        cmocka_unit_test(differences_keep_their_bounds),
        cmocka_unit_test(a_forecast_is_an_error_that_can_be),
        cmocka_unit_test(a_short_axis_has_its_values),
        cmocka_unit_test(a_table_has_the_digits_of_its_interval),
        cmocka_unit_test(kernels_of_one_kind_are_all),
        cmocka_unit_test(the_headline_reads_digits_and_sorts_the_rest),
        cmocka_unit_test(a_flat_trend_is_not_told_as_one),
        cmocka_unit_test(no_mistake_is_not_no_error),
        cmocka_unit_test(uneven_classes_are_told),
        cmocka_unit_test(classes_without_images_are_not_the_worst),
        cmocka_unit_test(like_balanced_figures_are_not_compared),
        cmocka_unit_test(counts_that_lie_are_no_counts),
        cmocka_unit_test(figures_that_lie_make_a_page),
        cmocka_unit_test(a_section_needs_what_its_script_reads),
        cmocka_unit_test(names_of_strangers_stay_whole),
        cmocka_unit_test(long_lists_are_read_once),
        cmocka_unit_test(broken_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
