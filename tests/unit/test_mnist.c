/* The real MNIST, where $FOVEA_DATA/mnist holds it: sums, split sizes, subset sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_test.h"
#include "formats/sha256.h"
#include "formats/source.h"
#include "fovea/data.h"

static fv_dataset *set;

static int set_up(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    if (fv_dataset_open("mnist", &set, &error) == FV_OK) return 0;
    print_error("%s\n", error.message);
    return -1;
}

static int tear_down(void **state) {
    (void)state;
    fv_dataset_destroy(set);
    return 0;
}

/* Sums of the uncompressed files as they were published. */
static void the_files_are_the_original_ones(void **state) {
    (void)state;
    static const struct {
        const char *file, *sum;
    } rows[] = {{"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
                {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
                {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
                {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}};
    static uint8_t buffer[1 << 20];
    for (int i = 0; i < 4; i++) {
        char path[1024], sum_text[65];
        snprintf(path, sizeof path, "%s/%s", set->path, rows[i].file);
        if (access(path, R_OK) != 0) strncat(path, ".gz", sizeof path - strlen(path) - 1);
        fv_source *source;
        fv_sha256 sum;
        size_t got;
        assert_int_equal(fv_source_open(path, &source, NULL), FV_OK);
        fv_sha256_init(&sum);
        do {
            assert_int_equal(fv_source_read(source, buffer, sizeof buffer, &got, NULL), FV_OK);
            fv_sha256_add(&sum, buffer, got);
        } while (got == sizeof buffer);
        fv_source_close(source);
        fv_sha256_hex(&sum, sum_text);
        assert_string_equal(sum_text, rows[i].sum);
    }
}

static void counts(const fv_images *images, const fv_indices *indices, size_t out[10]) {
    memset(out, 0, 10 * sizeof *out);
    for (size_t i = 0; i < (indices ? indices->n : images->n); i++) out[images->labels[indices ? indices->at[i] : i]]++;
}

static void validation_is_the_reference_split(void **state) {
    (void)state;
    assert_int_equal(set->train.n, 60000);
    assert_int_equal(set->test.n, 10000);
    fv_indices training, validation;
    assert_int_equal(fv_split_stratified(&set->train, 10, 0.15, 0, &training, &validation), FV_OK);
    assert_int_equal(training.n, 51005);
    assert_int_equal(validation.n, 8995);
    size_t all[10], taken[10];
    counts(&set->train, NULL, all);
    counts(&set->train, &validation, taken);
    for (int c = 0; c < 10; c++) assert_int_equal(taken[c], all[c] * 15 / 100);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
}

static void fractions_are_exact(void **state) {
    (void)state;
    fv_indices all, part;
    size_t n[10], taken[10];
    assert_int_equal(fv_indices_all(set->train.n, &all), FV_OK);
    counts(&set->train, NULL, n);
    for (size_t divisor = 1; divisor <= 16; divisor *= 2) {
        assert_int_equal(fv_subset_stratified(&set->train, 10, &all, 60000 / divisor, 1, &part), FV_OK);
        assert_int_equal(part.n, 60000 / divisor);
        counts(&set->train, &part, taken);
        for (int c = 0; c < 10; c++) assert_in_range(taken[c], n[c] / divisor, (n[c] + divisor - 1) / divisor);
        fv_indices_deinit(&part);
    }
    fv_indices_deinit(&all);
}

/* The figures that every MNIST tutorial normalises with. */
static void statistics_are_the_known_ones(void **state) {
    (void)state;
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    assert_int_equal(fv_pixel_statistics(&set->train, NULL, mean, std), FV_OK);
    assert_float_equal(mean[0], 0.1306604762738429, 1e-8);
    assert_float_equal(std[0], 0.30810780717887876, 1e-7);
    fv_duplicates found;
    assert_int_equal(fv_count_duplicates(set, &found), FV_OK);
    assert_int_equal(found.in_train, 0);
    assert_int_equal(found.in_test, 0);
    assert_int_equal(found.across, 0);
    assert_string_equal(set->class_names[7], "7");
}

int main(void) {
    const char *data = getenv("FOVEA_DATA");
    char path[1024];
    snprintf(path, sizeof path, "%s/mnist", data ? data : "");
    if (!data || access(path, R_OK) != 0) {
        printf("SKIP: there is no $FOVEA_DATA/mnist\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_are_the_original_ones),
        cmocka_unit_test(validation_is_the_reference_split),
        cmocka_unit_test(fractions_are_exact),
        cmocka_unit_test(statistics_are_the_known_ones),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
