/* NumPy's arrays: shapes, types, names, archives; what is refused. */
#include "directory_test.h"
#include "npy_test.h"
#include "set_test.h"

#include "data/images.h"
#include "formats/set_format.h"

/* MedMNIST's six arrays: 12 training, 4 validation, 6 test images of 2x3. */
static void sound_npz(const char *d) {
    const char *path = scratch_path(d, "x.npz");
    zip_put(path, "train_images.npy", npy_images("(12, 2, 3)", 72, 0));
    zip_put(path, "train_labels.npy", npy_labels(12, 3));
    zip_put(path, "val_images.npy", npy_images("(4, 2, 3)", 24, 100));
    zip_put(path, "val_labels.npy", npy_labels(4, 2));
    zip_put(path, "test_images.npy", npy_images("(6, 2, 3)", 36, 50));
    zip_put(path, "test_labels.npy", npy_labels(6, 3));
}

static void medmnist_keys_are_read(void **state) {
    (void)state;
    sound_npz(directory);
    scratch_text(directory, "classes.txt", "a\nb\nc\n");
    fv_dataset *set = set_open(scratch_path(directory, "x.npz"));
    assert_string_equal(set->name, "x");
    assert_string_equal(set->class_names[2], "c");
    assert_int_equal(set->n_classes, 3);
    assert_int_equal(set->train.n, 16);
    assert_int_equal(set->n_validation, 4);
    assert_int_equal(set->test.n, 6);
    assert_int_equal(set->train.shape.h, 2);
    assert_int_equal(set->train.shape.w, 3);
    for (int i = 0; i < 72; i++) assert_int_equal(set->train.pixels[i], i);
    for (int i = 0; i < 24; i++) assert_int_equal(set->train.pixels[72 + i], 100 + i);
    for (int i = 0; i < 36; i++) assert_int_equal(set->test.pixels[i], 50 + i);
    for (int i = 0; i < 16; i++) assert_int_equal(set->train.labels[i], i < 12 ? i % 3 : (i - 12) % 2);
    fv_dataset_destroy(set);
}

/* The validation images that the files set apart are those that a training watches; a fraction of 0 trains on all. */
static void own_validation_is_used(void **state) {
    (void)state;
    sound_npz(directory);
    fv_dataset *set = set_open(scratch_path(directory, "x.npz"));
    fv_indices training, validation;
    assert_int_equal(fv_dataset_split(set, 0.15, 0, &training, &validation), FV_OK);
    assert_int_equal(training.n, 12);
    assert_int_equal(validation.n, 4);
    for (uint32_t i = 0; i < 12; i++) assert_int_equal(training.at[i], i);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(validation.at[i], 12 + i);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    assert_int_equal(fv_dataset_split(set, 0, 0, &training, &validation), FV_OK);
    assert_int_equal(training.n, 16);
    assert_int_equal(validation.n, 0);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_run_config config = fv_run_config_defaults();
    strcpy(config.subset, "1/2");
    assert_int_equal(fv_run_split(&config, set, &training, &validation, NULL), FV_OK);
    assert_int_equal(training.n, 6);
    assert_int_equal(validation.n, 4);
    assert_int_equal(validation.at[0], 12);
    for (size_t i = 0; i < 6; i++) assert_true(training.at[i] < 12);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_dataset_destroy(set);
}

/* Where the files have validation images but no test images, both splits stay apart. */
static void set_aside_keeps_the_validation_apart(void **state) {
    (void)state;
    const char *path = scratch_path(directory, "x.npz");
    zip_put(path, "train_images.npy", npy_images("(40, 1, 2)", 80, 0));
    zip_put(path, "train_labels.npy", npy_labels(40, 2));
    zip_put(path, "val_images.npy", npy_images("(20, 1, 2)", 40, 200));
    zip_put(path, "val_labels.npy", npy_labels(20, 2));
    fv_dataset *set = set_open(path);
    assert_true(set->test_set_aside);
    assert_int_equal(set->test.n, 8);
    assert_int_equal(set->train.n, 52);
    size_t n = set->train.n - set->n_validation;
    for (size_t i = 0; i < set->train.n; i++) assert_true((set->train.pixels[2 * i] >= 200) == (i >= n));
    fv_dataset_destroy(set);
}

/* Pixel (y, x) of channel c of image i under each way to lay it down. */
static unsigned value(unsigned i, unsigned c, unsigned y, unsigned x) {
    return 97 * i + 31 * c + 7 * y + x;
}

static void channels_may_come_first_or_last(void **state) {
    (void)state;
    for (int last = 0; last < 2; last++) {
        bytes pixels = {0};
        for (unsigned i = 0; i < 14; i++)
            for (unsigned a = 0; a < (last ? 20 : 3); a++)
                for (unsigned b = 0; b < (last ? 18 : 20); b++)
                    for (unsigned c = 0; c < (last ? 3 : 18); c++)
                        bytes_add(&pixels, &(uint8_t){(uint8_t)(last ? value(i, c, a, b) : value(i, a, b, c))}, 1);
        scratch_put(directory, "x_train.npy",
                    npy_raw(last ? "{'descr': '|u1', 'fortran_order': False, 'shape': (14, 20, 18, 3), }"
                                 : "{'descr': '|u1', 'fortran_order': False, 'shape': (14, 3, 20, 18), }",
                            pixels.at, pixels.n));
        bytes_free(&pixels);
        scratch_put(directory, "y_train.npy", npy_labels(14, 2));
        fv_dataset *set = set_open(directory);
        assert_int_equal(set->train.shape.c, 3);
        assert_int_equal(set->train.shape.h, 20);
        assert_int_equal(set->train.shape.w, 18);
        assert_int_equal(set->train.n, 12);
        for (unsigned c = 0; c < 3; c++)
            for (unsigned y = 0; y < 20; y++)
                for (unsigned x = 0; x < 18; x++)
                    assert_int_equal((uint8_t)(set->train.pixels[(c * 20 + y) * 18 + x] - set->train.pixels[0]),
                                     (uint8_t)(value(0, c, y, x)));
        fv_dataset_destroy(set);
    }
}

static void small_colour_images_keep_their_channels(void **state) {
    (void)state;
    static const struct {
        const char *shape;
        int c, h, w;
    } rows[] = {{"(14, 3, 8, 9)", 3, 8, 9},     {"(14, 8, 9, 3)", 3, 8, 9},     {"(14, 5, 6, 7)", 7, 5, 6},
                {"(14, 4, 20, 20)", 4, 20, 20}, {"(14, 28, 28, 1)", 1, 28, 28}, {"(14, 49)", 1, 7, 7}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scratch_put(directory, "X.npy", npy_images(rows[i].shape, (size_t)(14 * rows[i].c * rows[i].h * rows[i].w), 0));
        scratch_put(directory, "y.npy", npy_labels(14, 2));
        fv_dataset *set = set_open(directory);
        assert_int_equal(set->train.shape.c, rows[i].c);
        assert_int_equal(set->train.shape.h, rows[i].h);
        assert_int_equal(set->train.shape.w, rows[i].w);
        fv_dataset_destroy(set);
    }
}

static void labels_of_every_width_are_read(void **state) {
    (void)state;
    static const char *const types[] = {"|u1", "|i1", "<u2", ">u2", "<i4", ">i4", "<i8", ">i8", "<u8"};
    scratch_put(directory, "images.npy", npy_images("(14, 2, 2)", 56, 0));
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        char text[128];
        bytes values = {0};
        int width = types[t][2] - '0';
        for (int i = 0; i < 14; i++)
            for (int b = 0; b < width; b++)
                bytes_add(&values, &(uint8_t){(uint8_t)((types[t][0] == '>' ? width - 1 - b : b) == 0 ? i % 2 : 0)}, 1);
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (14,), }", types[t]);
        scratch_put(directory, "labels.npy", npy_raw(text, values.at, values.n));
        bytes_free(&values);
        fv_dataset *set = set_open(directory);
        assert_int_equal(set->n_classes, 2);
        assert_int_equal(set->train.labels[1], 1);
        fv_dataset_destroy(set);
    }
}

/* ---- what is refused ---- */

static void put(const char *d, const char *member, bytes content) {
    zip_put(scratch_path(d, "x.npz"), member, content);
}
static void is_no_zip(const char *d) {
    scratch_text(d, "x.npz", "PK, but no archive");
}
static void is_empty(const char *d) {
    scratch_text(d, "x.npz", "");
}
static void cut(const char *d, long from_end) {
    const char *path = scratch_path(d, "x.npz");
    struct stat info;
    scratch_need(stat(path, &info) == 0 && truncate(path, info.st_size - from_end) == 0, path);
}
static void is_cut(const char *d) {
    cut(d, 200);
}
static void is_corrupt(const char *d) { /* a value of the first member, which is compressed or stored */
    FILE *f = fopen(scratch_path(d, "x.npz"), "r+b");
    scratch_need(f && fseek(f, 60, SEEK_SET) == 0 && fwrite("\xff\xff\xff", 1, 3, f) == 3 && fclose(f) == 0, "x.npz");
}
static void is_packed_to_a_millionth(const char *d) {
    zip_t *zip = zip_open(scratch_path(d, "x.npz"), 0, NULL);
    scratch_need(zip && zip_set_file_compression(zip, 0, ZIP_CM_BZIP2, 9) == 0 && zip_close(zip) == 0, "x.npz");
}
static void has_other_names(const char *d) {
    remove(scratch_path(d, "x.npz"));
    put(d, "arr_0.npy", npy_images("(4, 2, 3)", 24, 0));
}
static void lacks_labels(const char *d) {
    remove(scratch_path(d, "x.npz"));
    put(d, "train_images.npy", npy_images("(4, 2, 3)", 24, 0));
}
static void has_label_columns(const char *d) {
    put(d, "train_labels.npy", npy_images("(12, 14)", 168, 0));
}
static void has_fewer_labels(const char *d) {
    put(d, "val_labels.npy", npy_labels(3, 2));
}
static void has_float_labels(const char *d) {
    put(d, "train_labels.npy", npy_raw("{'descr': '<f4', 'fortran_order': False, 'shape': (12,), }", "", 0));
}
static void has_negative_label(const char *d) {
    put(d, "test_labels.npy", npy_raw("{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", "\x01\xff", 2));
}
static void has_large_label(const char *d) {
    put(d, "test_labels.npy", npy_raw("{'descr': '<u2', 'fortran_order': False, 'shape': (1,), }", "\xe8\x03", 2));
}
static void is_float(const char *d) {
    put(d, "train_images.npy", npy_raw("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2, 3), }", "", 0));
}
static void is_fortran(const char *d) {
    put(d, "train_images.npy", npy_raw("{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2, 3), }", "123456", 6));
}
static void is_structured(const char *d) {
    put(d, "train_images.npy",
        npy_raw("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1, 2, 3), }", "123456", 6));
}
static void has_short_values(const char *d) {
    put(d, "train_images.npy", npy_images("(12, 2, 3)", 71, 0));
}
static void has_more_values(const char *d) {
    put(d, "train_images.npy", npy_images("(12, 2, 3)", 73, 0));
}
static void promises_too_much(const char *d) {
    put(d, "train_images.npy", npy_images("(4294967296, 1024, 1024)", 100, 0));
}
static void promises_beyond_address(const char *d) {
    put(d, "train_images.npy", npy_images("(99999999999999999999, 28, 28)", 100, 0));
}
static void multiplies_beyond(const char *d) {
    put(d, "train_images.npy", npy_images("(9999999999999999999, 28, 28)", 100, 0));
}
static void has_no_image(const char *d) {
    put(d, "train_images.npy", npy_images("(0, 28, 28)", 0, 0));
}
static void is_one_image(const char *d) {
    put(d, "train_images.npy", npy_images("(28)", 28, 0));
}
static void is_no_square(const char *d) {
    put(d, "train_images.npy", npy_images("(2, 783)", 2 * 783, 0));
}
static void is_too_large(const char *d) {
    put(d, "train_images.npy", npy_images("(1, 1025, 1)", 1025, 0));
}
static void has_other_shape(const char *d) {
    put(d, "val_images.npy", npy_images("(4, 3, 3)", 36, 0));
}
static void is_no_array(const char *d) {
    bytes text = {0};
    bytes_add(&text, "NUMPY and not", 13);
    put(d, "train_images.npy", text);
}
static void ends_in_header(const char *d) {
    bytes array = npy_images("(12, 2, 3)", 72, 0);
    array.n = 40;
    put(d, "train_images.npy", array);
}
static void has_long_header(const char *d) {
    bytes array = npy_images("(12, 2, 3)", 72, 0);
    array.at[6] = 2;
    memset(array.at + 8, 0xff, 4);
    put(d, "train_images.npy", array);
}

static void broken_archives_are_refused(void **state) {
    (void)state;
    static const set_fault rows[] = {
        SET_FAULT(is_no_zip, FV_E_DATA, "x.npz", "zip archive"),
        SET_FAULT(is_empty, FV_E_DATA, "x.npz", "zip archive"),
        SET_FAULT(is_cut, FV_E_DATA, "x.npz", "zip archive"),
        SET_FAULT(is_corrupt, FV_E_DATA, "x.npz"),
        SET_FAULT(is_packed_to_a_millionth, FV_E_DATA, "train_images.npy: is packed by method 12", "savez"),
        SET_FAULT(has_other_names, FV_E_DATA, "arr_0.npy", "train_images and train_labels"),
        SET_FAULT(lacks_labels, FV_E_DATA, "train_images.npy, but not train_labels.npy"),
        SET_FAULT(has_label_columns, FV_E_DATA, "train_labels.npy", "14 label columns", "one-hot", "argmax"),
        SET_FAULT(has_fewer_labels, FV_E_DATA, "val_labels.npy holds 3 labels", "4 images"),
        SET_FAULT(has_float_labels, FV_E_DATA, "train_labels.npy", "f4", "integers"),
        SET_FAULT(has_negative_label, FV_E_DATA, "label 1 is negative", "0 to 999"),
        SET_FAULT(has_large_label, FV_E_DATA, "label 0 is too large", "0 to 999"),
        SET_FAULT(is_float, FV_E_DATA, "type f8", "uint8", "* 255"),
        SET_FAULT(is_fortran, FV_E_DATA, "Fortran", "ascontiguousarray"),
        SET_FAULT(is_structured, FV_E_DATA, "plain array"),
        SET_FAULT(has_short_values, FV_E_DATA, "cut short", "71 of the 72 bytes"),
        SET_FAULT(has_more_values, FV_E_DATA, "bytes behind"),
        SET_FAULT(promises_too_much, FV_E_DATA, "cut short", "100 of the 4503599627370496 bytes"),
        SET_FAULT(promises_beyond_address, FV_E_DATA, "plain array"),
        SET_FAULT(multiplies_beyond, FV_E_DATA, "more than this machine can address"),
        SET_FAULT(has_no_image, FV_E_DATA, "(0, 28, 28)", "empty"),
        SET_FAULT(is_one_image, FV_E_DATA, "(28)", "is no images"),
        SET_FAULT(is_no_square, FV_E_DATA, "(2, 783)", "is no images"),
        SET_FAULT(is_too_large, FV_E_DATA, "(1, 1025, 1)", "1 to 1024"),
        SET_FAULT(has_other_shape, FV_E_DATA, "2x3x1", "validation 3x3x1"),
        SET_FAULT(is_no_array, FV_E_DATA, "93 4e 55 4d 50 59"),
        SET_FAULT(ends_in_header, FV_E_DATA, "inside its .npy header"),
        SET_FAULT(has_long_header, FV_E_DATA, "no known version"),
    };
    set_hold_faults(rows, sizeof rows / sizeof *rows, sound_npz, "/x.npz");
}

/* Whether the image that is drawn of seven of a class is the first. */
static bool draws_the_first(uint16_t class) {
    const uint16_t labels[] = {class, class, class, class, class, class, class};
    const fv_images images = {.n = 7, .labels = labels};
    fv_indices rest, drawn;
    assert_int_equal(fv_split_drawn(&images, FV_MAX_CLASSES, 0.15, 0, FV_SPLIT_TEST, &rest, &drawn), FV_OK);
    bool first = drawn.n == 1 && drawn.at[0] == 0;
    fv_indices_deinit(&rest);
    fv_indices_deinit(&drawn);
    return first;
}

/* Two classes of one training image and six to validate with each, and of both the former is drawn for the test. */
static void a_set_aside_that_takes_all_is_refused(void **state) {
    (void)state;
    uint16_t class[2] = {0, 0}, labels[12];
    while (!draws_the_first(class[0])) class[0]++;
    for (class[1] = (uint16_t)(class[0] + 1); !draws_the_first(class[1]);) class[1]++;
    for (int i = 0; i < 12; i++) labels[i] = class[i % 2];
    const char *path = scratch_path(directory, "x.npz");
    zip_put(path, "train_images.npy", npy_images("(2, 2, 3)", 12, 0));
    zip_put(path, "train_labels.npy", npy_raw("{'descr': '<u2', 'fortran_order': False, 'shape': (2,), }", class, 4));
    zip_put(path, "val_images.npy", npy_images("(12, 2, 3)", 72, 100));
    zip_put(path, "val_labels.npy", npy_raw("{'descr': '<u2', 'fortran_order': False, 'shape': (12,), }", labels, 24));
    fv_dataset *set = NULL;
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_dataset_open(path, &set, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "no training image is left"));
}

/* Between the first look at a directory and the reading its files may go. */
static void arrays_that_went_are_missed(void **state) {
    (void)state;
    fv_set_content content = {0};
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_set_numpy.read(directory, &content, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "holds no array"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(medmnist_keys_are_read),
        TEST(own_validation_is_used),
        TEST(set_aside_keeps_the_validation_apart),
        TEST(channels_may_come_first_or_last),
        TEST(small_colour_images_keep_their_channels),
        TEST(labels_of_every_width_are_read),
        TEST(a_set_aside_that_takes_all_is_refused),
        TEST(arrays_that_went_are_missed),
        cmocka_unit_test(broken_archives_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
