/* SVHN's MATLAB files, and the level 5 format under them. */
#include "directory_test.h"
#include "mat_test.h"
#include "set_test.h"

#include <sys/resource.h>

static void sound(const char *d) {
    scratch_put(d, "train_32x32.mat", mat_svhn(24, 0, 2, 1));
    scratch_put(d, "test_32x32.mat", mat_svhn(11, 9, 9, 0));
}

static void check_split(const fv_images *images, unsigned n, unsigned first) {
    assert_int_equal(images->n, n);
    assert_true(images->shape.c == 3 && images->shape.h == 32 && images->shape.w == 32);
    const uint8_t *at = images->pixels;
    for (unsigned k = 0; k < n; k++) {
        assert_int_equal(images->labels[k], (k + 1) % 10);
        for (unsigned c = 0; c < 3; c++)
            for (unsigned i = 0; i < 32; i++)
                for (unsigned j = 0; j < 32; j++)
                    if (*at++ != (uint8_t)(3 * k + 5 * i + 7 * j + 11 * c + first))
                        fail_msg("image %u, channel %u, row %u, column %u", k, c, i, j);
    }
}

static void both_ways_to_write_it_are_read(void **state) {
    (void)state;
    sound(directory);
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->n_classes, 10);
    check_split(&set->train, 24, 0);
    check_split(&set->test, 11, 9);
    fv_dataset_destroy(set);
}

/* Other arrays stand around, labels come first, have other types; a single image has three sizes. */
static void other_arrays_are_passed_over(void **state) {
    (void)state;
    static const uint8_t pixels[3072] = {1, 2, 3};
    bytes out = mat_header();
    mat_add(&out, &(mat_array){"a text, of a longer name", 4, 4, {1, 3}, "a\0b\0c\0", 6, 1});
    mat_add(&out, &(mat_array){"y", 11, 3, {1, 1}, (uint8_t[]){10, 0}, 2, 0});
    mat_add(&out, &(mat_array){"s", 2, 9, {1, 1}, pixels, 800, 0});
    mat_add(&out, &(mat_array){"X", 9, 2, {32, 32, 3}, pixels, 3072, 1});
    mat_add(&out, &(mat_array){"Xy", 6, 9, {2, 1}, pixels, 16, 0});
    scratch_put(directory, "train_32x32.mat", mat_svhn(20, 0, 2, 1));
    scratch_put(directory, "test_32x32.mat", out);
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->test.n, 1);
    assert_int_equal(set->test.labels[0], 0);
    assert_int_equal(set->test.pixels[0], 1);
    assert_int_equal(set->test.pixels[32], 2); /* MATLAB's second number is the second row */
    fv_dataset_destroy(set);
}

/* Labels of every type of number; those of 4 bytes and less stand in the tag. */
static void labels_of_any_type_are_read(void **state) {
    (void)state;
    static const struct {
        uint32_t class, type;
        size_t width;
        uint8_t bytes[8];
    } rows[] = {{8, 1, 1, {7}},
                {9, 2, 1, {7}},
                {10, 3, 2, {7}},
                {11, 4, 2, {7}},
                {12, 5, 4, {7}},
                {13, 6, 4, {7}},
                {14, 12, 8, {7}},
                {15, 13, 8, {7}},
                {7, 7, 4, {0, 0, 0xe0, 0x40}},
                {6, 9, 8, {0, 0, 0, 0, 0, 0, 0x1c, 0x40}}};
    static const uint8_t pixels[2 * 3072];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bytes out = mat_header(), labels = {0};
        for (int k = 0; k < 2; k++) bytes_add(&labels, rows[i].bytes, rows[i].width);
        mat_add(&out, &(mat_array){"X", 9, 2, {32, 32, 3, 2}, pixels, sizeof pixels, 1});
        mat_add(&out, &(mat_array){"y", rows[i].class, rows[i].type, {2, 1}, labels.at, labels.n, 1});
        scratch_put(directory, "train_32x32.mat", mat_svhn(20, 0, 2, 1));
        scratch_put(directory, "test_32x32.mat", out);
        fv_dataset *set = set_open(directory);
        assert_true(set->test.labels[0] == 7 && set->test.labels[1] == 7);
        fv_dataset_destroy(set);
        bytes_free(&labels);
    }
}

/* ---- faults ---- */

static const uint8_t zeros[20 * 3072];
static const char file[] = "train_32x32.mat";

/* A file of the array, behind the labels of two images. */
static void put(const char *d, const mat_array *x) {
    bytes out = mat_header();
    mat_add(&out, &(mat_array){"y", 9, 2, {2, 1}, "\1\2", 2, 0});
    mat_add(&out, x);
    scratch_put(d, file, out);
}
static void put_labels(const char *d, const mat_array *y) {
    bytes out = mat_header();
    mat_add(&out, &(mat_array){"X", 9, 2, {32, 32, 3, 2}, zeros, 6144, 1});
    if (y) mat_add(&out, y);
    scratch_put(d, file, out);
}
static void cut_at(const char *d, size_t n, int compressed) {
    bytes all = mat_svhn(24, 0, 2, compressed);
    all.n = n;
    scratch_put(d, file, all);
}

static void is_empty(const char *d) {
    scratch_text(d, file, "");
}
static void is_text(const char *d) {
    scratch_text(d, file, "<!DOCTYPE html>");
}
static void is_hdf5(const char *d) {
    bytes all = mat_svhn(24, 0, 2, 1);
    all.at[124] = 0, all.at[125] = 2;
    scratch_put(d, file, all);
}
static void is_big_endian(const char *d) {
    bytes all = mat_svhn(24, 0, 2, 1);
    all.at[124] = 1, all.at[125] = 0, all.at[126] = 'M', all.at[127] = 'I';
    scratch_put(d, file, all);
}
static void has_only_a_header(const char *d) {
    cut_at(d, 128, 1);
}
static void is_cut_in_a_tag(const char *d) {
    cut_at(d, 130, 1);
}
static void is_cut_in_a_stream(const char *d) {
    cut_at(d, 400, 1);
}
static void is_cut_in_an_array(const char *d) {
    cut_at(d, 9999, 0);
}
static void stream_is_damaged(const char *d) {
    bytes all = mat_svhn(24, 0, 2, 1);
    all.at[200] ^= 1, all.at[201] ^= 64;
    scratch_put(d, file, all);
}
static void stream_ends_early(const char *d) { /* the bytes after it are said to belong to it */
    bytes all = mat_svhn(24, 0, 2, 1), out = {0};
    bytes_add(&out, all.at, 132);
    uint32_t n = (uint32_t)all.at[132] | (uint32_t)all.at[133] << 8;
    mat_word(&out, n + 40);
    bytes_add(&out, all.at + 136, n);
    bytes_add(&out, zeros, 40);
    bytes_free(&all);
    scratch_put(d, file, out);
}
static void images_are_doubles(const char *d) {
    put(d, &(mat_array){"X", 6, 2, {32, 32, 3, 2}, zeros, 6144, 1});
}
static void images_are_wide(const char *d) {
    put(d, &(mat_array){"X", 9, 4, {32, 32, 3, 2}, zeros, 2 * 6144, 1});
}
static void images_are_complex(const char *d) {
    put(d, &(mat_array){"X", 9 | 8 << 8, 2, {32, 32, 3, 2}, zeros, 6144, 0});
}
static void images_are_grey(const char *d) {
    put(d, &(mat_array){"X", 9, 2, {32, 32, 2}, zeros, 2048, 1});
}
static void images_are_missing(const char *d) {
    put(d, &(mat_array){"Z", 9, 2, {32, 32, 3, 2}, zeros, 6144, 1});
}
static void images_are_none(const char *d) {
    bytes all = mat_svhn(1, 0, 2, 0);
    memcpy(all.at + 128 + 8 + 16 + 8 + 12, zeros, 4); /* n */
    scratch_put(d, file, all);
}
static void images_are_twice(const char *d) {
    bytes all = mat_svhn(20, 0, 2, 1);
    mat_add(&all, &(mat_array){"X", 9, 2, {32, 32, 3, 2}, zeros, 6144, 1});
    scratch_put(d, file, all);
}
static void sizes_promise_more(const char *d) {
    put(d, &(mat_array){"X", 9, 2, {32, 32, 3, 3}, zeros, 6144, 1});
}
static void sizes_overflow(const char *d) {
    put(d, &(mat_array){"X", 9, 2, {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff}, zeros, 6144, 1});
}
static void sizes_are_negative(const char *d) {
    put(d, &(mat_array){"X", 9, 2, {32, 32, 3, 0xffffffff}, zeros, 6144, 1});
}
/* 3 GB of a file of some 100 bytes, plain and as a stream. */
static void promises_gigabytes(const char *d, int compressed) {
    bytes matrix = {0}, out = mat_header();
    mat_element(&matrix, 6, (uint8_t[8]){9}, 8);
    mat_element(&matrix, 5, (uint32_t[4]){32, 32, 3, 1000000}, 16);
    mat_word(&matrix, 1 << 16 | 1);
    bytes_add(&matrix, "X\0\0\0", 4);
    mat_word(&matrix, 2);
    mat_word(&matrix, 3072000000U);
    bytes_add(&matrix, zeros, 4096);
    bytes all = {0};
    mat_word(&all, 14);
    mat_word(&all, 3072000056U);
    bytes_add(&all, matrix.at, matrix.n);
    if (compressed) {
        uint8_t packed[8192];
        uLongf n = sizeof packed;
        scratch_need(compress(packed, &n, all.at, all.n) == Z_OK, "compress");
        mat_word(&out, 15);
        mat_word(&out, (uint32_t)n);
        bytes_add(&out, packed, n);
    } else {
        bytes_add(&out, all.at, all.n);
    }
    bytes_free(&matrix);
    bytes_free(&all);
    scratch_put(d, file, out);
}
static void is_a_bomb(const char *d) {
    promises_gigabytes(d, 1);
}
static void promises_more_than_the_file(const char *d) {
    promises_gigabytes(d, 0);
}
static void labels_are_missing(const char *d) {
    put_labels(d, NULL);
}
static void labels_are_fewer(const char *d) {
    put_labels(d, &(mat_array){"y", 9, 2, {1, 1}, "\1", 1, 1});
}
static void labels_are_more(const char *d) { /* none of which is looked at */
    put_labels(d, &(mat_array){"y", 9, 2, {20, 1}, zeros, 20, 1});
}
static void labels_are_twice(const char *d) {
    bytes all = mat_svhn(20, 0, 2, 1);
    mat_add(&all, &(mat_array){"y", 9, 2, {2, 1}, "\1\2", 2, 0});
    scratch_put(d, file, all);
}
static void label_is_zero(const char *d) {
    put_labels(d, &(mat_array){"y", 9, 2, {2, 1}, "\1\0", 2, 1});
}
static void label_is_eleven(const char *d) {
    put_labels(d, &(mat_array){"y", 9, 2, {2, 1}, "\13\1", 2, 1});
}
static void label_is_a_fraction(const char *d) {
    put_labels(d, &(mat_array){"y", 6, 9, {2, 1}, (double[]){1, 1.5}, 16, 1});
}
static void label_is_no_number(const char *d) {
    put_labels(d, &(mat_array){"y", 7, 7, {2, 1}, "\0\0\xc0\x7f\0\0\xc0\x7f", 8, 1});
}
static void labels_are_text(const char *d) {
    put_labels(d, &(mat_array){"y", 4, 2, {2, 1}, "ab", 2, 1});
}

static void broken_files_are_refused(void **state) {
    (void)state;
    static const set_fault faults[] = {
        SET_FAULT(is_empty, FV_E_DATA, file, "no MATLAB file of level 5"),
        SET_FAULT(is_text, FV_E_DATA, file, "no MATLAB file of level 5"),
        SET_FAULT(is_hdf5, FV_E_DATA, file, "7.3", "-v7"),
        SET_FAULT(is_big_endian, FV_E_DATA, file, "little-endian"),
        SET_FAULT(has_only_a_header, FV_E_DATA, file, "no array X"),
        SET_FAULT(is_cut_in_a_tag, FV_E_DATA, file, "cut short"),
        SET_FAULT(is_cut_in_a_stream, FV_E_DATA, file, "cut short"),
        SET_FAULT(is_cut_in_an_array, FV_E_DATA, file, "cut short"),
        SET_FAULT(stream_is_damaged, FV_E_DATA, file, "damaged"),
        SET_FAULT(stream_ends_early, FV_E_DATA, file, "more than its array"),
        SET_FAULT(images_are_doubles, FV_E_DATA, file, "not of class uint8"),
        SET_FAULT(images_are_wide, FV_E_DATA, file, "wider numbers"),
        SET_FAULT(images_are_complex, FV_E_DATA, file, "no real numbers"),
        SET_FAULT(images_are_grey, FV_E_DATA, file, "32 x 32 x 3 x n"),
        SET_FAULT(images_are_missing, FV_E_DATA, file, "no array X"),
        SET_FAULT(images_are_none, FV_E_DATA, file, "32 x 32 x 3 x n"),
        SET_FAULT(images_are_twice, FV_E_DATA, file, "X twice"),
        SET_FAULT(sizes_promise_more, FV_E_DATA, file, "another count of numbers"),
        SET_FAULT(sizes_overflow, FV_E_DATA, file, "more than any memory"),
        SET_FAULT(sizes_are_negative, FV_E_DATA, file, "more than any memory"),
        SET_FAULT(is_a_bomb, FV_E_DATA, file, "less than its header promises"),
        SET_FAULT(promises_more_than_the_file, FV_E_DATA, file, "cut short"),
        SET_FAULT(labels_are_missing, FV_E_DATA, file, "no array y"),
        SET_FAULT(labels_are_fewer, FV_E_DATA, file, "1 labels for 2 images"),
        SET_FAULT(labels_are_more, FV_E_DATA, file, "20 labels for 2 images"),
        SET_FAULT(labels_are_twice, FV_E_DATA, file, "y twice"),
        SET_FAULT(label_is_zero, FV_E_DATA, file, "image 1 is 0", "1 to 10"),
        SET_FAULT(label_is_eleven, FV_E_DATA, file, "image 0 is 11", "1 to 10"),
        SET_FAULT(label_is_a_fraction, FV_E_DATA, file, "image 1 is 1.5"),
        SET_FAULT(label_is_no_number, FV_E_DATA, file, "image 0 is nan"),
        SET_FAULT(labels_are_text, FV_E_DATA, file, "no real numbers"),
    };
    set_hold_faults(faults, sizeof faults / sizeof *faults, sound, "");
}

/* 64 million labels in 62 KB: what they take is bound to the file by what deflate can pack, and by no more. */
static void labels_take_no_more_than_they_hold(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
    skip(); /* their own memory is without limit */
#else
    enum { N = 64000000, MOST = 400 << 20 };
    struct rlimit all, small;
    size_t pages = 0;
    bytes content = mat_header();
    uint8_t *values = calloc(N, 1);
    assert_non_null(values);
    mat_add(&content, &(mat_array){"y", 9, 2, {N, 1}, values, N, 1});
    free(values);
    scratch_put(directory, "train_32x32.mat", content);
    FILE *f = fopen("/proc/self/statm", "r");
    scratch_need(f && fscanf(f, "%zu", &pages) == 1 && fclose(f) == 0, "statm");
    getrlimit(RLIMIT_AS, &all);
    small = (struct rlimit){pages * (size_t)sysconf(_SC_PAGESIZE) + MOST, all.rlim_max};
    setrlimit(RLIMIT_AS, &small);
    fv_dataset *set;
    fv_error error = {FV_OK, ""};
    fv_status status = fv_dataset_open(directory, &set, &error);
    setrlimit(RLIMIT_AS, &all);
    assert_int_equal(status, FV_E_DATA);
    assert_non_null(strstr(error.message, "the label of image 0 is 0"));
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(both_ways_to_write_it_are_read),       TEST(other_arrays_are_passed_over),
        TEST(labels_of_any_type_are_read),          TEST(labels_take_no_more_than_they_hold),
        cmocka_unit_test(broken_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
