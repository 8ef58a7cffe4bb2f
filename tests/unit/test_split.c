/* Splits, subsets, pixel statistics, duplicates: all on labels made here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "cmocka_test.h"
#include "fovea/data.h"

enum { MOST = 4096 };

/* Images without pixels: n[c] of class c, in a mixed order. */
typedef struct labels {
    uint16_t at[MOST];
    fv_images images;
} labels;

static void labels_init(labels *out, const int *n, int n_classes) {
    uint16_t sorted[MOST];
    uint32_t order[MOST];
    size_t total = 0;
    for (int c = 0; c < n_classes; c++) {
        for (int i = 0; i < n[c]; i++) sorted[total++] = (uint16_t)c;
    }
    for (size_t i = 0; i < total; i++) order[i] = (uint32_t)i;
    fv_shuffle(order, total, 5, FV_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < total; i++) out->at[i] = sorted[order[i]];
    out->images = (fv_images){.n = total, .shape = {1, 1, 1}, .labels = out->at};
}

static void count(const labels *of, const fv_indices *indices, int *out, int n_classes) {
    memset(out, 0, (size_t)n_classes * sizeof *out);
    for (size_t i = 0; i < indices->n; i++) out[of->at[indices->at[i]]]++;
}

static void assert_ascending(const fv_indices *indices) {
    for (size_t i = 1; i < indices->n; i++) assert_true(indices->at[i - 1] < indices->at[i]);
}

static void validation_takes_the_floor_of_each_class(void **state) {
    (void)state;
    /* The product in double is below the whole number for 0.29 of 100 and 0.57 of 100, exact for 0.15 of 20. */
    static const struct {
        double fraction;
        int n, taken;
    } rows[] = {{0.15, 20, 3}, {0.15, 19, 2},  {0.15, 6, 0}, {0.15, 7, 1},      {0.29, 100, 29},  {0.57, 100, 57},
                {0.1, 30, 3},  {1. / 3, 3, 1}, {0, 10, 0},   {0.999999, 10, 9}, {0.07, 1000, 70}, {0.28, 25, 7}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static labels of;
        int n[2] = {rows[i].n, 11}, taken[2];
        labels_init(&of, n, 2);
        fv_indices training, validation;
        assert_int_equal(fv_split_stratified(&of.images, 2, rows[i].fraction, 0, &training, &validation), FV_OK);
        count(&of, &validation, taken, 2);
        if (taken[0] != rows[i].taken)
            fail_msg("%g of %d is %d, not %d", rows[i].fraction, n[0], taken[0], rows[i].taken);
        assert_int_equal(training.n + validation.n, of.images.n);
        fv_indices_deinit(&training);
        fv_indices_deinit(&validation);
    }
}

static void split_has_every_image_once(void **state) {
    (void)state;
    static labels of;
    labels_init(&of, (const int[]){300, 40, 7, 0, 1000}, 5);
    fv_indices training, validation;
    assert_int_equal(fv_split_stratified(&of.images, 5, 0.15, 3, &training, &validation), FV_OK);
    assert_int_equal(validation.n, 45 + 6 + 1 + 0 + 150);
    assert_ascending(&training);
    assert_ascending(&validation);
    int seen[MOST] = {0};
    for (size_t i = 0; i < training.n; i++) seen[training.at[i]]++;
    for (size_t i = 0; i < validation.n; i++) seen[validation.at[i]]++;
    for (size_t i = 0; i < of.images.n; i++) assert_int_equal(seen[i], 1);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
}

/* Pins the draws: a changed generator, counter or order of classes would change every published split. */
static void split_is_the_same_everywhere(void **state) {
    (void)state;
    static labels of;
    labels_init(&of, (const int[]){20, 20}, 2);
    fv_indices training, validation, other;
    static const uint32_t pinned[6] = {2, 17, 24, 27, 28, 36};
    assert_int_equal(fv_split_stratified(&of.images, 2, 0.15, 0, &training, &validation), FV_OK);
    assert_int_equal(validation.n, 6);
    for (int i = 0; i < 6; i++) assert_int_equal(validation.at[i], pinned[i]);
    fv_indices_deinit(&training);
    assert_int_equal(fv_split_stratified(&of.images, 2, 0.15, 1, &training, &other), FV_OK);
    assert_memory_not_equal(other.at, validation.at, 6 * sizeof *other.at);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_indices_deinit(&other);
}

static void bad_arguments_are_refused(void **state) {
    (void)state;
    static labels of;
    labels_init(&of, (const int[]){5, 5}, 2);
    fv_indices a, b, all;
    static const double bad[] = {-0.1, 1, 1.5, NAN, INFINITY};
    for (int i = 0; i < 5; i++) assert_int_equal(fv_split_stratified(&of.images, 2, bad[i], 0, &a, &b), FV_E_ARGUMENT);
    assert_int_equal(fv_split_stratified(&of.images, 1, 0.5, 0, &a, &b), FV_E_ARGUMENT); /* a label of 1 */
    assert_int_equal(fv_indices_all(10, &all), FV_OK);
    assert_int_equal(fv_subset_stratified(&of.images, 2, &all, 0, 0, &a), FV_E_ARGUMENT);
    assert_int_equal(fv_subset_stratified(&of.images, 2, &all, 11, 0, &a), FV_E_ARGUMENT);
    all.at[3] = 4; /* twice */
    assert_int_equal(fv_subset_stratified(&of.images, 2, &all, 5, 0, &a), FV_E_ARGUMENT);
    all.at[3] = 10; /* beyond the set */
    assert_int_equal(fv_subset_stratified(&of.images, 2, &all, 5, 0, &a), FV_E_ARGUMENT);
    fv_indices_deinit(&all);
}

/* Every class has its share rounded down or up, and where no paradox interferes the class that was rounded up had no
 * smaller remainder than one that was not: the largest remainder. */
static void check_shares(const int *n, int n_classes, size_t total, const int *taken, size_t count_all,
                         bool remainders) {
    for (int c = 0; c < n_classes; c++) {
        size_t product = count_all * (size_t)n[c];
        assert_in_range(taken[c], product / total, (product + total - 1) / total);
        for (int d = 0; remainders && d < n_classes; d++) {
            size_t other = count_all * (size_t)n[d];
            bool up = (size_t)taken[c] > product / total, other_up = (size_t)taken[d] > other / total;
            if (up && !other_up) assert_true(product % total >= other % total);
        }
    }
}

static void check_subsets(const int *n, int n_classes, bool remainders) {
    static labels of;
    static int last[MOST], now[MOST];
    labels_init(&of, n, n_classes);
    memset(last, 0, sizeof last);
    fv_indices all;
    assert_int_equal(fv_indices_all(of.images.n, &all), FV_OK);
    for (size_t k = 1; k <= of.images.n; k++) {
        fv_indices part;
        int taken[64];
        assert_int_equal(fv_subset_stratified(&of.images, n_classes, &all, k, 9, &part), FV_OK);
        assert_int_equal(part.n, k);
        assert_ascending(&part);
        count(&of, &part, taken, n_classes);
        check_shares(n, n_classes, of.images.n, taken, k, remainders);
        memset(now, 0, sizeof now);
        for (size_t i = 0; i < k; i++) now[part.at[i]] = 1;
        for (size_t i = 0; i < of.images.n; i++) assert_true(now[i] >= last[i]); /* nested */
        memcpy(last, now, sizeof last);
        fv_indices_deinit(&part);
    }
    fv_indices_deinit(&all);
}

static void subsets_nest_and_follow_the_largest_remainder(void **state) {
    (void)state;
    check_subsets((const int[]){10, 10, 10, 10}, 4, true);
    check_subsets((const int[]){40, 20, 20, 10}, 4, true);
    check_subsets((const int[]){37, 63}, 2, true);
    check_subsets((const int[]){5, 0, 9}, 3, true);
    /* Here the method for one count alone would take an image away from the third class between 10 and 11. */
    check_subsets((const int[]){6, 6, 2}, 3, false);
    /* Rounding each share to the nearest would give the first class nothing but itself up to 12. */
    check_subsets((const int[]){50, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 11, false);
    check_subsets((const int[]){59, 67, 60, 61, 58, 54, 59, 63, 59, 60}, 10, false);
}

static void subset_stays_inside_from(void **state) {
    (void)state;
    static labels of;
    labels_init(&of, (const int[]){100, 60}, 2);
    fv_indices training, validation, half, quarter;
    assert_int_equal(fv_split_stratified(&of.images, 2, 0.15, 0, &training, &validation), FV_OK);
    assert_int_equal(fv_subset_stratified(&of.images, 2, &training, training.n / 2, 1, &half), FV_OK);
    assert_int_equal(fv_subset_stratified(&of.images, 2, &half, half.n, 1, &quarter), FV_OK);
    assert_int_equal(quarter.n, half.n);
    assert_memory_equal(quarter.at, half.at, half.n * sizeof *half.at);
    size_t j = 0;
    for (size_t i = 0; i < half.n; i++) {
        while (j < training.n && training.at[j] < half.at[i]) j++;
        assert_true(j < training.n && training.at[j] == half.at[i]);
    }
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_indices_deinit(&half);
    fv_indices_deinit(&quarter);
}

/* Against two passes in long double. */
static void statistics_are_exact(void **state) {
    (void)state;
    enum { N = 7, C = 3, PLANE = 300 * 301 };
    uint8_t *pixels = malloc((size_t)N * C * PLANE);
    assert_non_null(pixels);
    for (size_t i = 0; i < (size_t)N * C * PLANE; i++) {
        uint32_t word = fv_philox(1, FV_RANDOM_TEST, (uint32_t)i, 0, 0, 0).word[0];
        pixels[i] = (uint8_t)(i / PLANE % C == 2 ? 255 : word >> (i / PLANE % C == 0 ? 24 : 27));
    }
    uint16_t none[N] = {0};
    fv_images images = {.n = N, .shape = {C, 300, 301}, .pixels = pixels, .labels = none};
    uint32_t at[] = {1, 4, 6};
    fv_indices some = {3, at};
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    assert_int_equal(fv_pixel_statistics(&images, &some, mean, std), FV_OK);
    for (size_t c = 0; c < C; c++) {
        long double sum = 0, square = 0;
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < 3; i++) {
                const uint8_t *plane = pixels + (at[i] * C + c) * PLANE;
                for (int j = 0; j < PLANE; j++) {
                    long double x = plane[j] / 255.0L, d = x - sum / (3.0L * PLANE);
                    if (pass == 0) sum += x;
                    if (pass == 1) square += d * d;
                }
            }
        }
        assert_float_equal(mean[c], (float)(sum / (3.0L * PLANE)), 1e-7);
        assert_float_equal(std[c], (float)sqrtl(square / (3.0L * PLANE)), 1e-7);
    }
    assert_true(mean[2] == 1 && std[2] == 0);
    fv_indices nothing = {0, at};
    assert_int_equal(fv_pixel_statistics(&images, &nothing, mean, std), FV_E_ARGUMENT);
    free(pixels);
}

/* The square of the sum of so many pixels does not fit 64 bits. */
static void statistics_do_not_overflow(void **state) {
    (void)state;
    enum { SIDE = 1024, N = 20 };
    uint8_t *pixels = malloc(SIDE * SIDE);
    assert_non_null(pixels);
    memset(pixels, 255, SIDE * SIDE);
    uint16_t none[1] = {0};
    uint32_t at[N] = {0};
    fv_images images = {.n = 1, .shape = {1, SIDE, SIDE}, .pixels = pixels, .labels = none};
    fv_indices same = {N, at};
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    assert_int_equal(fv_pixel_statistics(&images, &same, mean, std), FV_OK);
    assert_true(mean[0] == 1 && std[0] == 0);
    free(pixels);
}

static void duplicates_are_counted(void **state) {
    (void)state;
    /* Images of 1x3. */
    static const uint8_t train[] = "aaabbbaaacccaaabbbaab", test[] = "bbbdddbbbaaabaaddd";
    uint16_t none[7] = {0};
    fv_dataset set = {.train = {.n = 7, .shape = {1, 1, 3}, .pixels = train, .labels = none},
                      .test = {.n = 6, .shape = {1, 1, 3}, .pixels = test, .labels = none}};
    fv_duplicates found;
    assert_int_equal(fv_count_duplicates(&set, &found), FV_OK);
    assert_int_equal(found.in_train, 3);
    assert_int_equal(found.in_test, 2);
    assert_int_equal(found.across, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validation_takes_the_floor_of_each_class),
        cmocka_unit_test(split_has_every_image_once),
        cmocka_unit_test(split_is_the_same_everywhere),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(subsets_nest_and_follow_the_largest_remainder),
        cmocka_unit_test(subset_stays_inside_from),
        cmocka_unit_test(statistics_are_exact),
        cmocka_unit_test(statistics_do_not_overflow),
        cmocka_unit_test(duplicates_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
