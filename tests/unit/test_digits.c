/* The embedded digits against scikit-learn's load_digits(). */
#include <stdlib.h>
#include <unistd.h>

#include "cmocka_test.h"
#include "fovea/data.h"

static fv_dataset *open_digits(void) {
    fv_dataset *set = NULL;
    fv_error error = {FV_OK, ""};
    unsetenv("FOVEA_DATA");
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    if (fv_dataset_open("digits", &set, &error) != FV_OK) fail_msg("%s", error.message);
    return set;
}

static void the_split_is_fixed(void **state) {
    (void)state;
    fv_dataset *set = open_digits();
    assert_string_equal(set->name, "digits");
    assert_string_equal(set->path, "embedded");
    assert_int_equal(set->n_classes, 10);
    assert_string_equal(set->class_names[3], "3");
    assert_int_equal(set->train.n, 1437);
    assert_int_equal(set->test.n, 360);
    assert_int_equal(set->train.shape.c, 1);
    assert_int_equal(set->train.shape.h, 8);
    assert_int_equal(set->train.shape.w, 8);
    assert_false(set->test_set_aside);
    /* numpy.bincount(load_digits().target[:1437]) and [1437:] */
    static const int train[10] = {143, 146, 142, 146, 144, 145, 144, 143, 141, 143};
    static const int test[10] = {35, 36, 35, 37, 37, 37, 37, 36, 33, 37};
    int count[2][10] = {{0}};
    for (size_t i = 0; i < set->train.n; i++) count[0][set->train.labels[i]]++;
    for (size_t i = 0; i < set->test.n; i++) count[1][set->test.labels[i]]++;
    for (int c = 0; c < 10; c++) {
        assert_int_equal(count[0][c], train[c]);
        assert_int_equal(count[1][c], test[c]);
    }
    fv_dataset_destroy(set);
}

static void pixels_are_stretched_to_255(void **state) {
    (void)state;
    fv_dataset *set = open_digits();
    /* load_digits().images[0] */
    static const int first[64] = {0, 0,  5, 13, 9,  1, 0,  0, 0,  0,  13, 15, 10, 15, 5, 0,  0,  3, 15, 2, 0,  11,
                                  8, 0,  0, 4,  12, 0, 0,  8, 8,  0,  0,  5,  8,  0,  0, 9,  8,  0, 0,  4, 11, 0,
                                  1, 12, 7, 0,  0,  2, 14, 5, 10, 12, 0,  0,  0,  0,  6, 13, 10, 0, 0,  0};
    assert_int_equal(set->train.labels[0], 0);
    for (int i = 0; i < 64; i++) assert_int_equal(set->train.pixels[i], (first[i] * 255 + 8) / 16);
    int most = 0;
    for (size_t i = 0; i < set->train.n * 64; i++) most = set->train.pixels[i] > most ? set->train.pixels[i] : most;
    assert_int_equal(most, 255);
    fv_dataset_destroy(set);
}

/* Made by /usr/bin/python3:
 *   d = load_digits(); p = ((d.data * 255 + 8) // 16).astype("uint8"); t = d.target.astype("uint8")
 *   hashlib.sha256(p[:1437].tobytes() + t[:1437].tobytes()).hexdigest(), and [1437:] */
static void sums_are_scikit_learns(void **state) {
    (void)state;
    fv_dataset *set = open_digits();
    assert_string_equal(set->train_sha256, "aa02f2dc25de98c0db63bbf179941e0c085f831d7aefade6db5494b09cbd9f1d");
    assert_string_equal(set->test_sha256, "70ab2c3d0feb4c22de39fd4e62be543862dcece6e945549b72295cf9db1417f5");
    fv_dataset_destroy(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_split_is_fixed),
        cmocka_unit_test(pixels_are_stretched_to_255),
        cmocka_unit_test(sums_are_scikit_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
