/* Manifests of image files: columns, splits, classes; what is refused. */
#include "directory_test.h"
#include "set_test.h"

#include <fcntl.h>

#include "formats/files.h"

static int set_up(void **state) {
    return directory_make(state) || setenv("XDG_CACHE_HOME", scratch_subdirectory(directory, "cache"), 1);
}

/* A grey image of 4x4, all of one value. */
static void put_image(const char *d, const char *file, unsigned value) {
    bytes image = {0};
    bytes_add(&image, "P5\n4 4\n255\n", 11);
    for (int i = 0; i < 16; i++) bytes_add(&image, &(uint8_t){(uint8_t)value}, 1);
    scratch_put(d, file, image);
}

static void put_images(const char *d) {
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u.pgm", i);
        put_image(d, name, 10 * i);
    }
}

static void sound(const char *d) {
    put_images(d);
    scratch_text(d, "m.csv",
                 "Label,path,other,Split\n"
                 "10,0.pgm,,train\n2,1.pgm,x,Train\n10,\"2.pgm\",x,val\n2,3.pgm,x,test\n 10 ,4.pgm,x,train\n");
}

/* The set; skips where libvips is missing. */
static fv_dataset *open_manifest(const char *path, const fv_dataset_options *options) {
    fv_dataset *set = NULL;
    fv_error error;
    fv_status status = fv_dataset_open_with(path, options, &set, &error);
    if (status == FV_E_UNSUPPORTED) {
        print_message("SKIP: %s\n", error.message);
        exit(77);
    }
    if (status != FV_OK) fail_msg("%s", error.message);
    return set;
}

static void splits_and_classes_are_read(void **state) {
    (void)state;
    sound(directory);
    fv_dataset *set = open_manifest(scratch_path(directory, "m.csv"), &(fv_dataset_options){0});
    assert_string_equal(set->name, "m");
    assert_int_equal(set->n_classes, 2);
    assert_string_equal(set->class_names[0], "2"); /* natural order */
    assert_string_equal(set->class_names[1], "10");
    assert_int_equal(set->train.n, 4);
    assert_int_equal(set->n_validation, 1);
    assert_int_equal(set->test.n, 1);
    assert_int_equal(set->train.shape.h, 4);
    static const uint8_t values[] = {0, 10, 40, 20};
    static const uint16_t labels[] = {1, 0, 1, 1};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(set->train.pixels[16 * i], values[i]);
        assert_int_equal(set->train.labels[i], labels[i]);
    }
    assert_int_equal(set->test.pixels[0], 30);
    fv_dataset_destroy(set);
}

/* Without a split column 15 % are set aside. A label with a comma stands in quotes. Paths may be absolute. Labels that
 * change are not taken from the cache. */
static void one_column_less(void **state) {
    (void)state;
    const char *elsewhere = scratch_subdirectory(directory, "images"), *path = scratch_path(directory, "m.csv");
    char sum[65];
    put_images(elsewhere);
    for (int way = 0; way < 3; way++) {
        bytes plain = {0};
        bytes_add(&plain, "path,label\n", 11);
        for (int i = 0; i < 20; i++) {
            char row[1200];
            bytes_add(&plain, row,
                      (size_t)snprintf(row, sizeof row, "%s/%d.pgm,%s\n", way == 1 ? elsewhere : "images", i,
                                       (i + (way == 2)) % 2 ? "\"b, c\"" : "a"));
        }
        scratch_put(directory, "m.csv", plain);
        fv_dataset *set = open_manifest(path, &(fv_dataset_options){0});
        assert_true(set->test_set_aside);
        assert_int_equal(set->train.n, 18);
        assert_string_equal(set->class_names[1], "b, c");
        if (way == 0) memcpy(sum, set->train_sha256, 65);
        assert_true((strcmp(sum, set->train_sha256) == 0) == (way < 2));
        fv_dataset_destroy(set);
    }
}

static void a_models_classes_are_kept(void **state) {
    (void)state;
    sound(directory);
    static const char *const names[] = {"10", "7", "2"};
    fv_dataset_options options = {.class_names = names, .n_classes = 3};
    fv_dataset *set = open_manifest(scratch_path(directory, "m.csv"), &options);
    assert_int_equal(set->n_classes, 3);
    assert_int_equal(set->train.labels[0], 0);
    assert_int_equal(set->train.labels[1], 2);
    fv_dataset_destroy(set);
    options.n_classes = 2;
    fv_error error;
    assert_int_equal(fv_dataset_open_with(scratch_path(directory, "m.csv"), &options, &set, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "line 3: \"2\" is none of the classes of the model"));
}

/* The time of a file is a number as any other; that of the year 2445 has more than 63 bits of nanoseconds. */
static void files_of_the_far_future_are_read(void **state) {
    (void)state;
    const struct timespec times[] = {{15000000000, 0}, {15000000000, 999999999}};
    sound(directory);
    scratch_need(utimensat(AT_FDCWD, scratch_path(directory, "0.pgm"), times, 0) == 0, "0.pgm");
    fv_dataset_destroy(open_manifest(scratch_path(directory, "m.csv"), &(fv_dataset_options){0}));
}

static void count_good_note(void *context, const char *note) {
    *(int *)context += fv_is_utf8(note);
}

/* Of a long path the end is shown, but no part of a character, which the cache could not keep. */
static void notes_of_long_paths_are_kept(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        char name[256] = "";
        snprintf(name, sizeof name, "%.*s", i, "xx");
        for (int k = 0; k < 80; k++) strcat(name, "\xe3\x81\x82");
        const char *d = scratch_subdirectory(directory, name);
        sound(d);
        scratch_text(d, "4.pgm", "P5");
        for (int again = 0; again < 2; again++) {
            int n_notes = 0;
            const fv_dataset_options options = {.skip_bad = true, .on_note = count_good_note, .context = &n_notes};
            fv_dataset_destroy(open_manifest(scratch_path(d, "m.csv"), &options));
            assert_int_equal(n_notes, 2); /* of the file, and of how many are left out */
        }
    }
}

/* A set whose test images all are broken is not one without test images, which would be tested on what it learned. */
static void broken_test_images_are_no_missing_ones(void **state) {
    (void)state;
    fv_dataset *set;
    fv_error error = {FV_OK, ""};
    const fv_dataset_options options = {.skip_bad = true};
    sound(directory);
    scratch_text(directory, "3.pgm", "P5");
    for (int again = 0; again < 2; again++) {
        assert_int_equal(fv_dataset_open_with(scratch_path(directory, "m.csv"), &options, &set, &error), FV_E_DATA);
        assert_non_null(strstr(error.message, "1 of 5 image files cannot be read"));
        assert_non_null(strstr(error.message, "nothing is left to test on"));
    }
}

/* ---- what is refused ---- */

static void put(const char *d, const char *text) {
    scratch_text(d, "m.csv", text);
}
static void has_no_rows(const char *d) {
    put(d, "path,label\n");
}
static void has_one_class(const char *d) {
    put(d, "path,label\n0.pgm,a\n1.pgm,a\n");
}
static void has_empty_label(const char *d) {
    put(d, "path,label\n0.pgm,a\n1.pgm,\n");
}
static void has_no_label(const char *d) {
    put(d, "path,label\n0.pgm,a\n1.pgm\n");
}
static void has_no_path(const char *d) {
    put(d, "path,label\n0.pgm,a\n,b\n");
}
static void has_no_split(const char *d) {
    put(d, "path,label,split\n0.pgm,a,train\n1.pgm,b\n");
}
static void has_unknown_split(const char *d) {
    put(d, "path,label,split\n0.pgm,a,train\n1.pgm,b,tset\n");
}
static void has_untrained_class(const char *d) {
    put(d, "path,label,split\n0.pgm,a,train\n1.pgm,b,train\n2.pgm,c,test\n");
}
static void has_open_quote(const char *d) {
    put(d, "path,label\n0.pgm,a\n\"1.pgm,b\n");
}
static void has_open_quote_in_its_head(const char *d) {
    put(d, "path,label,\"x\n0.pgm,a,\n1.pgm,b,\n");
}
static void has_missing_file(const char *d) {
    put(d, "path,label,split\n0.pgm,a,train\n1.pgm,b,train\nnone.pgm,b,train\n2.pgm,a,test\n");
}
static void has_one_image_of_each(const char *d) {
    put(d, "path,label\n0.pgm,a\n1.pgm,b\n");
}
static void has_a_pipe(const char *d) {
    scratch_need(mkfifo(scratch_path(d, "pipe.pgm"), 0600) == 0, "pipe.pgm");
    put(d, "path,label,split\n0.pgm,a,train\n1.pgm,b,train\npipe.pgm,b,train\n2.pgm,a,test\n");
}
static void has_control_character(const char *d) {
    put(d, "path,label\n0.pgm,a\n1.pgm,b\033[2J\n");
}
static void has_too_many_classes(const char *d) {
    bytes text = {0};
    bytes_add(&text, "path,label\n", 11);
    for (int i = 0; i <= FV_MAX_CLASSES; i++) {
        char row[32];
        bytes_add(&text, row, (size_t)snprintf(row, sizeof row, "0.pgm,c%d\n", i));
    }
    scratch_put(d, "m.csv", text);
}

static void broken_manifests_are_refused(void **state) {
    (void)state;
    static const set_fault rows[] = {
        SET_FAULT(has_no_rows, FV_E_DATA, "m.csv", "no rows"),
        SET_FAULT(has_one_class, FV_E_DATA, "m.csv", "two classes"),
        SET_FAULT(has_empty_label, FV_E_DATA, "line 3", "no class name"),
        SET_FAULT(has_no_label, FV_E_DATA, "line 3 has no label"),
        SET_FAULT(has_no_path, FV_E_DATA, "line 3 has no path"),
        SET_FAULT(has_no_split, FV_E_DATA, "line 3 has no split"),
        SET_FAULT(has_unknown_split, FV_E_DATA, "line 3: \"tset\" is no split", "train, val or test"),
        SET_FAULT(has_untrained_class, FV_E_DATA, "no training image is labelled \"c\""),
        SET_FAULT(has_open_quote, FV_E_DATA, "line 3 has quotes"),
        SET_FAULT(has_open_quote_in_its_head, FV_E_DATA, "line 1 has quotes that are not closed"),
        SET_FAULT(has_missing_file, FV_E_DATA, "1 of 4 image files cannot be read"),
        SET_FAULT(has_one_image_of_each, FV_E_DATA, "m.csv: has no test images", "add rows whose split is test"),
        SET_FAULT(has_a_pipe, FV_E_DATA, "1 of 4 image files cannot be read", "is no file"),
        SET_FAULT(has_control_character, FV_E_DATA, "line 3: \"b?[2J\" is no class name"),
        SET_FAULT(has_too_many_classes, FV_E_DATA, "line 1002", "one class too many"),
    };
    set_hold_faults(rows, sizeof rows / sizeof *rows, sound, "/m.csv");
}

int main(void) {
#define TEST_WITH_CACHE(name) cmocka_unit_test_setup_teardown(name, set_up, directory_drop)
    const struct CMUnitTest tests[] = {
        TEST_WITH_CACHE(splits_and_classes_are_read),  TEST_WITH_CACHE(one_column_less),
        TEST_WITH_CACHE(a_models_classes_are_kept),    TEST_WITH_CACHE(files_of_the_far_future_are_read),
        TEST_WITH_CACHE(notes_of_long_paths_are_kept), TEST_WITH_CACHE(broken_test_images_are_no_missing_ones),
        TEST_WITH_CACHE(broken_manifests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
