/* CSV of pixels: headers, colour, directories, lines and cells; what is refused. */
#include "directory_test.h"
#include "set_test.h"

#include "formats/lines.h"

/* n rows of 2x2 pixels first + 4 * i + j, labels i % 2; `end` ends each. */
static bytes rows(const char *header, unsigned n, unsigned first, const char *end) {
    bytes out = {0};
    char row[64];
    if (*header) bytes_add(&out, row, (size_t)snprintf(row, sizeof row, "%s%s", header, end));
    for (unsigned i = 0; i < n; i++) {
        unsigned p = first + 4 * i;
        bytes_add(&out, row, (size_t)snprintf(row, sizeof row, "%u,%u,%u,%u,%u%s", i % 2, p, p + 1, p + 2, p + 3, end));
    }
    return out;
}

static void sound(const char *d) {
    scratch_put(d, "train.csv", rows("label,pixel0,pixel1,pixel2,pixel3", 8, 0, "\n"));
    scratch_put(d, "test.csv", rows("label,pixel0,pixel1,pixel2,pixel3", 3, 100, "\n"));
}

static void kaggle_files_are_read(void **state) {
    (void)state;
    sound(directory);
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->train.n, 8);
    assert_int_equal(set->test.n, 3);
    assert_int_equal(set->n_classes, 2);
    assert_int_equal(set->train.shape.c, 1);
    assert_int_equal(set->train.shape.h, 2);
    assert_int_equal(set->train.shape.w, 2);
    for (int i = 0; i < 32; i++) assert_int_equal(set->train.pixels[i], i);
    for (int i = 0; i < 12; i++) assert_int_equal(set->test.pixels[i], 100 + i);
    for (int i = 0; i < 8; i++) assert_int_equal(set->train.labels[i], i % 2);
    fv_dataset_destroy(set);
}

/* Headers or none, either line end, a byte order mark, quotes, the label last, gzip: the same set. */
static void ways_to_write_it_are_equal(void **state) {
    (void)state;
    sound(directory);
    fv_dataset *set = set_open(directory);
    char sum[65];
    memcpy(sum, set->train_sha256, 65);
    fv_dataset_destroy(set);
    for (int way = 0; way < 6; way++) {
        char name[32];
        snprintf(name, sizeof name, "way%d", way);
        const char *d = scratch_subdirectory(directory, name);
        bytes plain = way == 0   ? rows("", 8, 0, "\n")
                      : way == 1 ? rows("\xef\xbb\xbf\"label\",\"a\",\"b\",c,d", 8, 0, "\r\n")
                      : way == 2 ? rows("", 8, 0, "\n\n")
                      : way == 3 ? rows("Class,a,b,c,d", 8, 0, " \n")
                                 : (bytes){0};
        for (unsigned i = 0; way == 4 && i < 8; i++) { /* the label last */
            char row[64];
            if (i == 0) bytes_add(&plain, "a,b,c,d,label\n", 14);
            bytes_add(&plain, row,
                      (size_t)snprintf(row, sizeof row, "%u, %u,%u , \"%u\",%u\n", 4 * i, 4 * i + 1, 4 * i + 2,
                                       4 * i + 3, i % 2));
        }
        if (way == 5) {
            bytes text = rows("label,a,b,c,d", 8, 0, "\n");
            scratch_put(d, "mnist_train.csv.gz", bytes_gzip(&text));
            bytes_free(&text);
        } else {
            scratch_put(d, "mnist_train.csv", plain);
        }
        scratch_put(d, "mnist_test.csv", rows("", 3, 100, "\n"));
        set = set_open(d);
        assert_string_equal(set->train_sha256, sum);
        assert_int_equal(set->test.n, 3);
        fv_dataset_destroy(set);
    }
}

/* A file alone is the training set. */
static void one_file_is_split(void **state) {
    (void)state;
    scratch_put(directory, "some.csv", rows("", 60, 0, "\n"));
    fv_dataset *set = set_open(scratch_path(directory, "some.csv"));
    assert_string_equal(set->name, "some");
    assert_true(set->test_set_aside);
    assert_int_equal(set->train.n + set->test.n, 60);
    fv_dataset_destroy(set);
}

static void colour_is_by_pixel(void **state) {
    (void)state;
    bytes text = {0};
    for (int i = 0; i < 14; i++) {
        char row[128];
        bytes_add(&text, row, (size_t)snprintf(row, sizeof row, "%d,1,2,3,11,12,13,21,22,23,31,32,33\n", i % 2));
    }
    scratch_put(directory, "rgb.csv", text);
    fv_dataset *set = set_open(scratch_path(directory, "rgb.csv"));
    static const uint8_t expected[] = {1, 11, 21, 31, 2, 12, 22, 32, 3, 13, 23, 33};
    assert_int_equal(set->train.shape.c, 3);
    assert_int_equal(set->train.shape.h, 2);
    assert_memory_equal(set->train.pixels, expected, 12);
    fv_dataset_destroy(set);
}

static void cells_follow_rfc_4180(void **state) {
    (void)state;
    char line[] = " a b ,\"c, \"\"d\"\"\" ,,\"\",e";
    static const char *const cells[] = {"a b", "c, \"d\"", "", "", "e"};
    char *at = line;
    for (int i = 0; i < 5; i++) {
        assert_non_null(at);
        assert_string_equal(fv_cell_next(&at), cells[i]);
    }
    assert_null(at);
    char open[] = "\"a", behind[] = "\"a\" b,c";
    at = open;
    assert_null(fv_cell_next(&at));
    at = behind;
    assert_null(fv_cell_next(&at));
}

/* Lines longer than the buffer's first size. */
static void long_lines_are_whole(void **state) {
    (void)state;
    bytes text = {0};
    for (int line = 0; line < 3; line++) {
        for (int i = 0; i < 150000 + line; i++) bytes_add(&text, &(char){(char)('a' + line)}, 1);
        if (line < 2) bytes_add(&text, "\n", 1);
    }
    scratch_put(directory, "long.txt", text);
    fv_lines *lines;
    char *at;
    size_t number;
    assert_int_equal(fv_lines_open(scratch_path(directory, "long.txt"), &lines, NULL), FV_OK);
    for (int line = 0; line < 3; line++) {
        assert_int_equal(fv_lines_next(lines, &at, &number, NULL), FV_OK);
        assert_int_equal(number, line + 1);
        assert_int_equal(strlen(at), 150000 + line);
        assert_int_equal(at[149999], 'a' + line);
    }
    assert_int_equal(fv_lines_next(lines, &at, &number, NULL), FV_OK);
    assert_null(at);
    fv_lines_close(lines);
}

/* ---- what is refused ---- */

static void train(const char *d, const char *text) {
    scratch_text(d, "train.csv", text);
}
static void test_has_no_labels(const char *d) { /* Kaggle's test.csv */
    scratch_text(d, "test.csv", "pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n");
}
static void test_has_no_labels_nor_header(const char *d) {
    scratch_text(d, "test.csv", "1,2,3,4,5,6,7,8,9\n5,6,7,8,9,1,2,3,4\n");
}
static void is_empty(const char *d) {
    train(d, "");
}
static void has_header_only(const char *d) {
    train(d, "label,a\n");
}
static void has_two_labels(const char *d) {
    train(d, "label,class,a\n0,0,1\n");
}
static void is_cut(const char *d) {
    train(d, "label,a,b,c,d\n0,1,2,3,4\n1,2,3");
}
static void has_more(const char *d) {
    train(d, "label,a,b,c,d\n0,1,2,3,4,5\n");
}
static void has_comma_behind(const char *d) {
    train(d, "label,a,b,c,d\n0,1,2,3,4,\n");
}
static void has_large_pixel(const char *d) {
    train(d, "0,1,2,3,4\n0,1,2,256,4\n");
}
static void has_fraction(const char *d) {
    train(d, "0,1,2,3,4\n0,1,2,0.5,4\n");
}
static void has_negative(const char *d) {
    train(d, "0,1,2,3,4\n-1,1,2,3,4\n");
}
static void has_large_label(const char *d) {
    train(d, "0,1,2,3,4\n1000,1,2,3,4\n");
}
static void has_word(const char *d) {
    train(d, "label,a,b,c,d\ncat,1,2,3,4\n");
}
static void has_empty_cell(const char *d) {
    train(d, "label,a,b,c,d\n0,1,,3,4\n");
}
static void is_no_square(const char *d) {
    train(d, "label,a,b,c,d,e\n0,1,2,3,4,5\n");
}
static void is_one_column(const char *d) {
    train(d, "0\n1\n");
}
static void has_zero_byte(const char *d) {
    bytes text = {0};
    bytes_add(&text, "0,1,2,3,4\n0,1\0,3,4\n", 20);
    scratch_put(d, "train.csv", text);
}
static void is_binary(const char *d) {
    scratch_put(d, "train.csv", idx_images(40, 4, 4, 0));
}
static void has_open_quote(const char *d) {
    train(d, "\"label,a,b,c,d\n0,1,2,3,4\n");
}
static void has_other_size(const char *d) {
    scratch_text(d, "test.csv", "0,1\n1,1\n");
}
static void has_long_line(const char *d) {
    bytes text = {0};
    for (int i = 0; i < 1100000; i++) bytes_add(&text, "0,255,0,", 8);
    scratch_put(d, "train.csv", text);
}
static void has_two_sets(const char *d) {
    scratch_text(d, "other_train.csv", "0,1,2,3,4\n");
}

static void broken_files_are_refused(void **state) {
    (void)state;
    static const set_fault faults[] = {
        SET_FAULT(test_has_no_labels, FV_E_DATA, "test.csv", "no column `label`", "Kaggle's test.csv"),
        SET_FAULT(test_has_no_labels_nor_header, FV_E_DATA, "test.csv", "9 columns", "have no label"),
        SET_FAULT(is_empty, FV_E_DATA, "train.csv", "is empty"),
        SET_FAULT(has_header_only, FV_E_DATA, "train.csv", "no rows"),
        SET_FAULT(has_two_labels, FV_E_DATA, "train.csv", "two label columns"),
        SET_FAULT(is_cut, FV_E_DATA, "line 3 has 3 columns", "above it 5", "cut short"),
        SET_FAULT(has_more, FV_E_DATA, "line 2 has more than the 5 columns"),
        SET_FAULT(has_comma_behind, FV_E_DATA, "line 2 has more than the 5 columns"),
        SET_FAULT(has_large_pixel, FV_E_DATA, "line 2, column 4: `256` is no pixel", "0 to 255"),
        SET_FAULT(has_fraction, FV_E_DATA, "line 2, column 4: `0.5` is no pixel", "0 to 255"),
        SET_FAULT(has_negative, FV_E_DATA, "line 2, column 1: `-1` is no label", "0 to 999"),
        SET_FAULT(has_large_label, FV_E_DATA, "line 2, column 1: `1000` is no label", "0 to 999"),
        SET_FAULT(has_word, FV_E_DATA, "line 2, column 1: `cat` is no label", "0 to 999"),
        SET_FAULT(has_empty_cell, FV_E_DATA, "line 2, column 3: `` is no pixel"),
        SET_FAULT(is_no_square, FV_E_DATA, "6 columns, so 5 pixels", "side x side"),
        SET_FAULT(is_one_column, FV_E_DATA, "0 pixels"),
        SET_FAULT(has_zero_byte, FV_E_DATA, "line 2", "no text"),
        SET_FAULT(is_binary, FV_E_DATA, "train.csv"),
        SET_FAULT(has_open_quote, FV_E_DATA, "quotes"),
        SET_FAULT(has_other_size, FV_E_DATA, "2x2x1", "test 1x1x1"),
        SET_FAULT(has_long_line, FV_E_DATA, "line 1 is longer than 8388608 bytes"),
        SET_FAULT(has_two_sets, FV_E_DATA, "2 files that end in train.csv"),
    };
    set_hold_faults(faults, sizeof faults / sizeof *faults, sound, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(kaggle_files_are_read),
        TEST(ways_to_write_it_are_equal),
        TEST(one_file_is_split),
        TEST(colour_is_by_pixel),
        TEST(cells_follow_rfc_4180),
        TEST(long_lines_are_whole),
        cmocka_unit_test(broken_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
