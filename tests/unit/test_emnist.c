/* IDX files as EMNIST and QMNIST have them: names in front, images on their side, labels in columns or from 1 on. */
#include "directory_test.h"
#include "set_test.h"

/* "test" stands for "t10k" there. EMNIST's images lie on their side. */
static void prefixed_files_are_found(void **state) {
    (void)state;
    static const char *const prefixes[] = {"emnist-digits", "qmnist"};
    static const char *const ends[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "test-images-idx3-ubyte",
                                       "test-labels-idx1-ubyte"};
    for (int i = 0; i < 2; i++) {
        const char *below = scratch_subdirectory(directory, i ? "a" : "b");
        for (int f = 0; f < 4; f++) {
            char name[80];
            uint32_t n = f < 2 ? 6 : 3;
            snprintf(name, sizeof name, "%s-%s", prefixes[i], ends[f]);
            scratch_put(below, name, f % 2 ? idx_labels(n, 3) : idx_images(n, 4, 5, f < 2 ? 0 : 100));
        }
        fv_dataset *set = set_open(below);
        bool turned = i == 0;
        assert_int_equal(set->test.n, 3);
        assert_false(set->test_set_aside);
        assert_int_equal(set->train.shape.h, turned ? 5 : 4);
        assert_int_equal(set->train.shape.w, turned ? 4 : 5);
        for (int y = 0; y < 4; y++) {
            for (int x = 0; x < 5; x++) {
                int at = 20 + (turned ? x * 4 + y : y * 5 + x);
                assert_int_equal(set->train.pixels[at], 7 + y * 5 + x);
                assert_int_equal(set->test.pixels[at], 107 + y * 5 + x);
            }
        }
        fv_dataset_destroy(set);
    }
}

static void transposing_can_be_asked_for(void **state) {
    (void)state;
    scratch_set(directory, 6, 3, 4, 5, 3);
    fv_dataset_options options = {.transpose = true};
    fv_dataset *set;
    fv_error error;
    assert_int_equal(fv_dataset_open_with(directory, &options, &set, &error), FV_OK);
    assert_int_equal(set->train.shape.h, 5);
    assert_int_equal(set->train.pixels[1], 5);
    assert_int_equal(set->test.pixels[1], 105);
    fv_dataset_destroy(set);
}

/* EMNIST unpacks into one directory that holds six sets. */
static void several_sets_in_a_directory_are_refused(void **state) {
    (void)state;
    fv_dataset *set;
    fv_error error;
    scratch_put(directory, "emnist-digits-train-images-idx3-ubyte", idx_images(6, 4, 5, 0));
    scratch_put(directory, "emnist-letters-train-images-idx3-ubyte", idx_images(6, 4, 5, 0));
    assert_int_equal(fv_dataset_open(directory, &set, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "files of 2 sets"));
}

/* [n][columns] of 32-bit numbers. */
static bytes columns(uint32_t n, uint32_t n_columns, const uint8_t *words, size_t n_words) {
    bytes out = idx_header(0x0c, 2, (const uint32_t[]){n, n_columns});
    bytes_add(&out, words, 4 * n_words);
    return out;
}

/* QMNIST's labels are rows of eight numbers, the class first. */
static void labels_may_be_the_first_of_columns(void **state) {
    (void)state;
    uint8_t words[20 * 8 * 4] = {0};
    for (int i = 0; i < 160; i++) words[4 * i + 3] = (uint8_t)(i % 8 ? 200 : i / 8 % 3);
    scratch_put(directory, "train-images-idx3-ubyte", idx_images(20, 4, 4, 0));
    scratch_put(directory, "train-labels-idx2-int", columns(20, 8, words, 160));
    scratch_put(directory, "test-images-idx3-ubyte", idx_images(1, 4, 4, 0));
    scratch_put(directory, "test-labels-idx2-int", columns(1, 8, words, 8));
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->n_classes, 3);
    assert_int_equal(set->train.n, 20);
    for (int i = 0; i < 20; i++) assert_int_equal(set->train.labels[i], i % 3);
    fv_dataset_destroy(set);
    words[0] = 1;
    const struct {
        uint32_t n, n_columns;
        size_t n_words;
        const char *word;
    } rows[] = {{20, 0, 0, "of 0 columns"},
                {20, 65, 160, "of 65 columns"},
                {20, 4294967295u, 160, "of 4294967295 columns"},
                {20, 8, 159, "cut short"},
                {20, 8, 160, "label 0 is 16777216"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_error error;
        scratch_put(directory, "train-labels-idx2-int", columns(rows[i].n, rows[i].n_columns, words, rows[i].n_words));
        assert_int_equal(fv_dataset_open(directory, &set, &error), FV_E_DATA);
        if (!strstr(error.message, rows[i].word)) fail_msg("%s", error.message);
    }
}

/* EMNIST's letters are counted from 1. */
static void letters_begin_with_a(void **state) {
    (void)state;
    const char *below = scratch_subdirectory(directory, "emnist-letters");
    uint32_t n = 52, one = 1;
    bytes labels = idx_header(8, 1, &n), last = idx_header(8, 1, &one), zero = idx_header(8, 1, &one);
    for (int i = 0; i < 52; i++) bytes_add(&labels, &(uint8_t){(uint8_t)(1 + i % 26)}, 1);
    bytes_add(&last, "\x1a", 1);
    bytes_add(&zero, "", 1);
    scratch_put(below, "emnist-letters-train-images-idx3-ubyte", idx_images(52, 3, 3, 0));
    scratch_put(below, "emnist-letters-train-labels-idx1-ubyte", labels);
    scratch_put(below, "emnist-letters-test-images-idx3-ubyte", idx_images(1, 3, 3, 0));
    scratch_put(below, "emnist-letters-test-labels-idx1-ubyte", last);
    fv_dataset *set = set_open(below);
    assert_int_equal(set->n_classes, 26);
    assert_string_equal(set->class_names[set->train.labels[0]], "A");
    assert_string_equal(set->class_names[set->test.labels[0]], "Z");
    fv_dataset_destroy(set);
    scratch_put(below, "emnist-letters-test-labels-idx1-ubyte", zero);
    fv_error error;
    assert_int_equal(fv_dataset_open(below, &set, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "label 0 of test is 0; emnist-letters counts from 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(prefixed_files_are_found),
        TEST(transposing_can_be_asked_for),
        TEST(several_sets_in_a_directory_are_refused),
        TEST(labels_may_be_the_first_of_columns),
        TEST(letters_begin_with_a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
