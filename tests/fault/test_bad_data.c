/* Broken data sets: each must be refused with the right status and a message that names the file and what is wrong. */
#include "directory_test.h"
#include "set_test.h"

enum { N_TRAIN = 40, N_TEST = 10, SIDE = 4 };

static void put_images(const char *d, bytes content) {
    scratch_put(d, "train-images-idx3-ubyte", content);
}

static void put_labels(const char *d, bytes content) {
    scratch_put(d, "train-labels-idx1-ubyte", content);
}

static void drop(const char *d, const char *file) {
    scratch_need(remove(scratch_path(d, file)) == 0, file);
}

/* train-images as .gz in place of the plain file, with byte `at` (from the end when negative) changed, or cut there. */
static void put_gzip(const char *d, long at, int cut) {
    bytes plain = idx_images(N_TRAIN, SIDE, SIDE, 0), packed = bytes_gzip(&plain);
    size_t place = at < 0 ? packed.n - (size_t)-at : (size_t)at;
    if (cut)
        packed.n = place;
    else
        packed.at[place] ^= 0x55;
    bytes_free(&plain);
    drop(d, "train-images-idx3-ubyte");
    scratch_put(d, "train-images-idx3-ubyte.gz", packed);
}

static void no_images(const char *d) {
    drop(d, "train-images-idx3-ubyte");
}
static void no_labels(const char *d) {
    drop(d, "train-labels-idx1-ubyte");
}
static void no_test_images(const char *d) {
    drop(d, "t10k-images-idx3-ubyte");
}
static void no_test_labels(const char *d) {
    drop(d, "t10k-labels-idx1-ubyte");
}
static void images_are_a_directory(const char *d) {
    no_images(d);
    scratch_subdirectory(d, "train-images-idx3-ubyte");
}
static void images_are_empty(const char *d) {
    put_images(d, (bytes){0});
}
static void images_end_in_header(const char *d) {
    bytes content = idx_images(N_TRAIN, SIDE, SIDE, 0);
    content.n = 13;
    put_images(d, content);
}
static void images_are_cut(const char *d) {
    bytes content = idx_images(N_TRAIN, SIDE, SIDE, 0);
    content.n -= 5;
    put_images(d, content);
}
static void images_have_more(const char *d) {
    bytes content = idx_images(N_TRAIN, SIDE, SIDE, 0);
    bytes_add(&content, "abc", 3);
    put_images(d, content);
}
static void labels_are_cut(const char *d) {
    bytes content = idx_labels(N_TRAIN, 2);
    content.n -= 1;
    put_labels(d, content);
}
static void labels_have_more(const char *d) {
    bytes content = idx_labels(N_TRAIN, 2);
    bytes_add(&content, "a", 1);
    put_labels(d, content);
}
static void gzip_is_cut_early(const char *d) {
    put_gzip(d, 5, 1);
}
static void gzip_is_cut(const char *d) {
    put_gzip(d, -60, 1);
}
static void gzip_lacks_checksum(const char *d) {
    put_gzip(d, -8, 1);
}
static void gzip_lacks_last_byte(const char *d) {
    put_gzip(d, -1, 1);
}
static void gzip_has_wrong_checksum(const char *d) {
    put_gzip(d, -8, 0);
}
static void gzip_has_wrong_length(const char *d) {
    put_gzip(d, -4, 0);
}
static void gzip_has_wrong_method(const char *d) {
    put_gzip(d, 2, 0);
}
static void gzip_is_corrupt(const char *d) {
    put_gzip(d, 11, 0);
}
static void gzip_has_more(const char *d) {
    bytes plain = idx_images(N_TRAIN, SIDE, SIDE, 0), packed = bytes_gzip(&plain);
    bytes_add(&packed, "more", 4);
    bytes_free(&plain);
    no_images(d);
    scratch_put(d, "train-images-idx3-ubyte.gz", packed);
}
static void gzip_content_has_more(const char *d) {
    bytes plain = idx_images(N_TRAIN, SIDE, SIDE, 0);
    bytes_add(&plain, "more", 4);
    no_images(d);
    scratch_put(d, "train-images-idx3-ubyte.gz", bytes_gzip(&plain));
    bytes_free(&plain);
}
static void gzip_is_a_web_page(const char *d) {
    no_images(d);
    scratch_text(d, "train-images-idx3-ubyte.gz", "<html><body>404 not found</body></html>");
}
static void gzip_is_one_byte(const char *d) {
    no_images(d);
    scratch_text(d, "train-images-idx3-ubyte.gz", "\x1f");
}
static void images_are_png(const char *d) {
    no_images(d);
    scratch_text(d, "train-images-idx3-ubyte", "\x89PNG\r\n\x1a\n and so on");
}
static void images_are_labels(const char *d) {
    put_images(d, idx_labels(N_TRAIN, 2));
}
static void labels_are_images(const char *d) {
    put_labels(d, idx_images(N_TRAIN, SIDE, SIDE, 0));
}
static void images_are_float(const char *d) {
    put_images(d, idx_header(0x0d, 3, (const uint32_t[]){N_TRAIN, 4, 4}));
}
static void labels_are_int32(const char *d) {
    put_labels(d, idx_header(0x0c, 1, (const uint32_t[]){N_TRAIN}));
}
static void images_have_unknown_type(const char *d) {
    put_images(d, idx_header(0x42, 3, (const uint32_t[]){1, 4, 4}));
}
static void images_have_rank_5(const char *d) {
    put_images(d, idx_header(8, 5, (const uint32_t[]){1, 1, 1, 4, 4}));
}
static void images_have_rank_0(const char *d) {
    put_images(d, idx_header(8, 0, NULL));
}
static void images_have_rank_255(const char *d) {
    static const uint32_t size[255] = {1};
    put_images(d, idx_header(8, 255, size));
}
static void fewer_labels(const char *d) {
    put_labels(d, idx_labels(N_TRAIN - 1, 2));
}
static void more_test_labels(const char *d) {
    scratch_put(d, "t10k-labels-idx1-ubyte", idx_labels(N_TEST + 1, 2));
}
static void no_image_at_all(const char *d) {
    put_images(d, idx_images(0, SIDE, SIDE, 0));
    put_labels(d, idx_labels(0, 2));
}
static void no_label_at_all(const char *d) {
    put_labels(d, idx_labels(0, 2));
}
static void sides_of_zero(const char *d) {
    put_images(d, idx_header(8, 3, (const uint32_t[]){N_TRAIN, 0, 4}));
}
static void sides_too_large(const char *d) {
    put_images(d, idx_header(8, 3, (const uint32_t[]){N_TRAIN, 4, 1025}));
}
static void sides_absurd(const char *d) {
    put_images(d, idx_header(8, 3, (const uint32_t[]){UINT32_MAX, UINT32_MAX, UINT32_MAX}));
}
static void count_absurd(const char *d) {
    put_images(d, idx_header(8, 3, (const uint32_t[]){UINT32_MAX, 1024, 1024}));
}
static void labels_absurd(const char *d) {
    put_labels(d, idx_header(8, 1, (const uint32_t[]){UINT32_MAX}));
}
static void channels_last(const char *d) {
    put_images(d, idx_header(8, 4, (const uint32_t[]){N_TRAIN, 32, 32, 3}));
}
static void channels_zero(const char *d) {
    put_images(d, idx_header(8, 4, (const uint32_t[]){N_TRAIN, 0, 4, 4}));
}
static void label_beyond(const char *d) {
    uint32_t n = N_TRAIN;
    bytes content = idx_header(0x0b, 1, &n);
    for (int i = 0; i < N_TRAIN; i++) bytes_add(&content, i == 17 ? "\x03\xe8" : "\0\1", 2);
    put_labels(d, content);
}
static void label_negative(const char *d) {
    uint32_t n = N_TRAIN;
    bytes content = idx_header(0x0b, 1, &n);
    for (int i = 0; i < N_TRAIN; i++) bytes_add(&content, i == 17 ? "\xff\xff" : "\0\1", 2);
    put_labels(d, content);
}
static void one_class(const char *d) {
    put_labels(d, idx_labels(N_TRAIN, 1));
}
static void other_test_shape(const char *d) {
    scratch_put(d, "t10k-images-idx3-ubyte", idx_images(N_TEST, SIDE, SIDE + 1, 0));
}
static void too_few_to_set_aside(const char *d) {
    no_test_images(d);
    no_test_labels(d);
    put_images(d, idx_images(12, SIDE, SIDE, 0));
    put_labels(d, idx_labels(12, 2));
}
static void names_too_few(const char *d) {
    scratch_text(d, "classes.txt", "only\n");
}
static void names_below_labels(const char *d) {
    put_labels(d, idx_labels(N_TRAIN, 5));
    scratch_text(d, "classes.txt", "a\nb\nc\n");
}
static void names_below_test_labels(const char *d) {
    scratch_put(d, "t10k-labels-idx1-ubyte", idx_labels(N_TEST, 4));
    scratch_text(d, "classes.txt", "a\nb\nc\n");
}
static void names_empty_line(const char *d) {
    scratch_text(d, "classes.txt", "\nb\nc\n");
}
static void names_twice(const char *d) {
    scratch_text(d, "classes.txt", "a\nb\na\n");
}
static void names_not_utf8(const char *d) {
    scratch_text(d, "classes.txt", "a\nb\xff\n");
}
static void names_control(const char *d) {
    scratch_text(d, "classes.txt", "a\nb\x1b[31m\n");
}
static void names_too_many(const char *d) {
    bytes content = {0};
    for (int i = 0; i < 1001; i++) {
        char line[16];
        bytes_add(&content, line, (size_t)snprintf(line, sizeof line, "c%d\n", i));
    }
    scratch_put(d, "classes.txt", content);
}
static void names_too_long(const char *d) {
    char text[300] = "a\n";
    memset(text + 2, 'x', 200);
    scratch_text(d, "classes.txt", text);
}

/* The words stand for what a person needs: the file, the numbers, what would be right. */
static const set_fault rows[] = {
    SET_FAULT(no_images, FV_E_IO, "train-images-idx3-ubyte is missing"),
    SET_FAULT(no_labels, FV_E_IO, "train-labels-idx1-ubyte is missing"),
    SET_FAULT(no_test_images, FV_E_IO, "t10k-images-idx3-ubyte is missing"),
    SET_FAULT(no_test_labels, FV_E_IO, "t10k-labels-idx1-ubyte is missing"),
    SET_FAULT(images_are_a_directory, FV_E_IO, "/train-images-idx3-ubyte:", "directory"),
    SET_FAULT(images_are_empty, FV_E_DATA, "/train-images-idx3-ubyte:", "holds 0 bytes", "header"),
    SET_FAULT(images_end_in_header, FV_E_DATA, "/train-images-idx3-ubyte:", "holds 13 bytes", "header"),
    SET_FAULT(images_are_cut, FV_E_DATA, "/train-images-idx3-ubyte:", "holds 651 bytes", "40 images of 4x4 (656)",
              "cut short"),
    SET_FAULT(images_have_more, FV_E_DATA, "holds 659 bytes", "40 images of 4x4 (656)", "left over"),
    SET_FAULT(labels_are_cut, FV_E_DATA, "/train-labels-idx1-ubyte:", "holds 47 bytes", "40 labels (48)", "cut short"),
    SET_FAULT(labels_have_more, FV_E_DATA, "/train-labels-idx1-ubyte:", "holds 49 bytes", "left over"),
    SET_FAULT(gzip_is_cut_early, FV_E_DATA, "ubyte.gz:", "cut short"),
    SET_FAULT(gzip_is_cut, FV_E_DATA, "ubyte.gz:", "uncompressed", "40 images of 4x4 (656)", "cut short"),
    SET_FAULT(gzip_lacks_checksum, FV_E_DATA, "ubyte.gz:", "cut short", "checksum"),
    SET_FAULT(gzip_lacks_last_byte, FV_E_DATA, "ubyte.gz:", "cut short", "checksum"),
    SET_FAULT(gzip_has_wrong_checksum, FV_E_DATA, "ubyte.gz:", "corrupt", "data check"),
    SET_FAULT(gzip_has_wrong_length, FV_E_DATA, "ubyte.gz:", "corrupt", "length check"),
    SET_FAULT(gzip_has_wrong_method, FV_E_DATA, "ubyte.gz:", "corrupt"),
    SET_FAULT(gzip_is_corrupt, FV_E_DATA, "ubyte.gz:"),
    SET_FAULT(gzip_has_more, FV_E_DATA, "ubyte.gz:", "behind the end"),
    SET_FAULT(gzip_content_has_more, FV_E_DATA, "ubyte.gz:", "660 bytes uncompressed", "left over"),
    SET_FAULT(gzip_is_a_web_page, FV_E_DATA, "ubyte.gz:", "3c 68", "1f 8b"),
    SET_FAULT(gzip_is_one_byte, FV_E_DATA, "ubyte.gz:", "1 bytes"),
    SET_FAULT(images_are_png, FV_E_DATA, "89 50 4e 47", "00 00 08 03"),
    SET_FAULT(images_are_labels, FV_E_DATA, "train-images", "rank 1", "labels"),
    SET_FAULT(labels_are_images, FV_E_DATA, "train-labels", "rank 3"),
    SET_FAULT(images_are_float, FV_E_DATA, "32-bit floats", "unsigned bytes (08)"),
    SET_FAULT(labels_are_int32, FV_E_DATA, "32-bit integers", "(0b)"),
    SET_FAULT(images_have_unknown_type, FV_E_DATA, "IDX type 42"),
    SET_FAULT(images_have_rank_5, FV_E_DATA, "rank 5", "rank 3"),
    SET_FAULT(images_have_rank_0, FV_E_DATA, "no IDX file of images"),
    SET_FAULT(images_have_rank_255, FV_E_DATA, "rank 255"),
    SET_FAULT(fewer_labels, FV_E_DATA, "train-labels", "39 labels", "40 images"),
    SET_FAULT(more_test_labels, FV_E_DATA, "t10k-labels", "11 labels", "10 images"),
    SET_FAULT(no_image_at_all, FV_E_DATA, "train-images", "0 images"),
    SET_FAULT(no_label_at_all, FV_E_DATA, "train-labels", "0 labels"),
    SET_FAULT(sides_of_zero, FV_E_DATA, "0x4", "1 to 1024"),
    SET_FAULT(sides_too_large, FV_E_DATA, "4x1025", "1 to 1024"),
    SET_FAULT(sides_absurd, FV_E_DATA, "4294967295x4294967295", "1 to 1024"),
    SET_FAULT(count_absurd, FV_E_DATA, "holds 16 bytes", "4294967295 images of 1024x1024"),
    SET_FAULT(labels_absurd, FV_E_DATA, "holds 8 bytes", "4294967295 labels"),
    SET_FAULT(channels_last, FV_E_DATA, "32 channels", "[N][C][H][W]"),
    SET_FAULT(channels_zero, FV_E_DATA, "0 channels"),
    SET_FAULT(label_beyond, FV_E_DATA, "train-labels", "label 17 is 1000", "0 to 999"),
    SET_FAULT(label_negative, FV_E_DATA, "label 17 is 65535", "0 to 999"),
    SET_FAULT(one_class, FV_E_DATA, "40", "class 0", "two classes"),
    SET_FAULT(other_test_shape, FV_E_DATA, "4x4x1", "4x5x1", "same"),
    SET_FAULT(too_few_to_set_aside, FV_E_DATA, "7 images", "t10k-images"),
    SET_FAULT(names_too_few, FV_E_DATA, "classes.txt:", "1 class;", "2 to 1000"),
    SET_FAULT(names_below_labels, FV_E_DATA, "label 4 of train is 4", "3 classes"),
    SET_FAULT(names_below_test_labels, FV_E_DATA, "label 3 of test is 3", "3 classes"),
    SET_FAULT(names_empty_line, FV_E_DATA, "classes.txt:", "line 1", "class 0"),
    SET_FAULT(names_twice, FV_E_DATA, "classes.txt:", "lines 1 and 3", "\"a\""),
    SET_FAULT(names_not_utf8, FV_E_DATA, "classes.txt:", "line 2", "UTF-8"),
    SET_FAULT(names_control, FV_E_DATA, "classes.txt:", "line 2", "27"),
    SET_FAULT(names_too_many, FV_E_DATA, "classes.txt:", "more than 1000"),
    SET_FAULT(names_too_long, FV_E_DATA, "classes.txt:", "line 2", "100 bytes"),
};

static fv_status open_and_close(const char *path, fv_error *error) {
    fv_dataset *set = NULL;
    fv_status status = fv_dataset_open(path, &set, error);
    assert_true((status == FV_OK) == (set != NULL));
    fv_dataset_destroy(set);
    return status;
}

static void sound(const char *d) {
    scratch_set(d, N_TRAIN, N_TEST, SIDE, SIDE, 2);
}

static void every_broken_set_is_refused(void **state) {
    (void)state;
    set_hold_faults(rows, sizeof rows / sizeof *rows, sound, "");
}

/* A small file may promise more than any machine holds: the answer must come without asking for the memory. */
static void promises_cost_no_memory(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    sound(directory);
    bytes header = idx_header(8, 4, (const uint32_t[]){1u << 31, 16, 1024, 1024});
    no_images(directory);
    scratch_put(directory, "train-images-idx4-ubyte.gz", bytes_gzip(&header));
    bytes_free(&header);
    assert_int_equal(open_and_close(directory, &error), FV_E_DATA); /* 2^55 bytes: not FV_E_MEMORY */
    assert_non_null(strstr(error.message, "cut short"));
}

static void unknown_names_list_the_known(void **state) {
    (void)state;
    fv_error error = {FV_OK, ""};
    setenv("FOVEA_DATA", directory, 1);
    setenv("XDG_CACHE_HOME", directory, 1);
    static const char *const names[] = {"minst", "", "no such set"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(open_and_close(names[i], &error), FV_E_NAME);
        static const char *const words[] = {"digits", "mnist", "fashion-mnist", "fovea data list", "fovea data get"};
        for (int w = 0; w < 5; w++) assert_non_null(strstr(error.message, words[w]));
    }
    if (access("/usr/share/datasets/mnist", F_OK) != 0) {
        assert_int_equal(open_and_close("mnist", &error), FV_E_NAME);
        assert_non_null(strstr(error.message, "FOVEA_DATA"));
    }
}

static void paths_that_are_no_directory_are_refused(void **state) {
    (void)state;
    char deep[2000];
    fv_error error = {FV_OK, ""};
    scratch_text(directory, "file", "text");
    assert_int_equal(open_and_close(scratch_path(directory, "file"), &error), FV_E_IO);
    assert_non_null(strstr(error.message, "is a file"));
    assert_int_equal(open_and_close(scratch_path(directory, "none"), &error), FV_E_IO);
    assert_non_null(strstr(error.message, "no such directory or file"));
    memset(deep, 'x', sizeof deep);
    deep[0] = '/';
    deep[sizeof deep - 1] = 0;
    assert_int_equal(open_and_close(deep, &error), FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "1999 bytes"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_set_is_refused),
        TEST(promises_cost_no_memory),
        TEST(unknown_names_list_the_known),
        TEST(paths_that_are_no_directory_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
