/* CIFAR-10 and CIFAR-100, binary. */
#include "directory_test.h"
#include "set_test.h"

enum { PIXELS = 3072 };

/* n records; the label of record i is i % n_classes, its pixel j is first + i + j. */
static bytes records(unsigned n, unsigned n_labels, unsigned n_classes, unsigned first) {
    bytes out = {0};
    for (unsigned i = 0; i < n; i++) {
        if (n_labels == 2) bytes_add(&out, &(uint8_t){19}, 1);
        bytes_add(&out, &(uint8_t){(uint8_t)(i % n_classes)}, 1);
        for (unsigned j = 0; j < PIXELS; j++) bytes_add(&out, &(uint8_t){(uint8_t)(first + i + j)}, 1);
    }
    return out;
}

static void sound_10(const char *d) {
    for (unsigned i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%u.bin", i);
        scratch_put(d, name, records(2 * i, 1, 10, 10 * i));
    }
    scratch_put(d, "test_batch.bin", records(4, 1, 10, 7));
    scratch_text(d, "batches.meta.txt", "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
}

static void batches_are_joined_in_order(void **state) {
    (void)state;
    sound_10(directory);
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->n_classes, 10);
    assert_string_equal(set->class_names[9], "truck");
    assert_int_equal(set->train.n, 30);
    assert_int_equal(set->test.n, 4);
    assert_int_equal(set->train.shape.c, 3);
    assert_int_equal(set->train.shape.h, 32);
    size_t at = 0;
    for (unsigned batch = 1; batch <= 5; batch++) {
        for (unsigned i = 0; i < 2 * batch; i++, at++) {
            assert_int_equal(set->train.labels[at], i % 10);
            for (unsigned j = 0; j < PIXELS; j++)
                assert_int_equal(set->train.pixels[at * PIXELS + j], (uint8_t)(10 * batch + i + j));
        }
    }
    assert_int_equal(set->test.pixels[3 * PIXELS + 100], 7 + 3 + 100);
    fv_dataset_destroy(set);
}

/* The directory that holds what the archive unpacks to is as good. */
static void directory_above_is_found(void **state) {
    (void)state;
    sound_10(scratch_subdirectory(directory, "cifar-10-batches-bin"));
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->train.n, 30);
    fv_dataset_destroy(set);
}

static void sound_100(const char *d) {
    bytes names = {0};
    for (int i = 0; i < 100; i++) {
        char name[16];
        bytes_add(&names, name, (size_t)snprintf(name, sizeof name, "fine %d\n", i));
    }
    scratch_put(d, "fine_label_names.txt", names);
    scratch_put(d, "train.bin", records(120, 2, 100, 1));
    scratch_put(d, "test.bin", records(5, 2, 100, 2));
}

static void fine_labels_are_the_classes(void **state) {
    (void)state;
    sound_100(directory);
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->n_classes, 100);
    assert_string_equal(set->class_names[99], "fine 99");
    assert_int_equal(set->train.labels[119], 19);
    assert_int_equal(set->train.labels[99], 99);
    assert_int_equal(set->train.pixels[99 * PIXELS], 100);
    assert_int_equal(set->test.n, 5);
    fv_dataset_destroy(set);
}

static void batch_is_missing(const char *d) {
    remove(scratch_path(d, "data_batch_3.bin"));
}
static void batch_is_cut(const char *d) {
    bytes all = records(3, 1, 10, 0);
    all.n -= 1;
    scratch_put(d, "data_batch_2.bin", all);
}
static void batch_is_empty(const char *d) {
    scratch_text(d, "data_batch_1.bin", "");
}
static void batch_is_of_100(const char *d) {
    scratch_put(d, "data_batch_4.bin", records(3, 2, 10, 0));
}
static void label_is_beyond(const char *d) {
    bytes all = records(3, 1, 10, 0);
    all.at[2 * (PIXELS + 1)] = 10;
    scratch_put(d, "test_batch.bin", all);
}
static void names_are_short(const char *d) {
    scratch_text(d, "batches.meta.txt", "a\nb\n");
}
static void names_are_twice(const char *d) {
    scratch_text(d, "batches.meta.txt", "a\na\n");
}
static void fine_label_is_beyond(const char *d) {
    bytes all = records(3, 2, 10, 0);
    all.at[1] = 100;
    scratch_put(d, "train.bin", all);
}
static void train_is_of_10(const char *d) {
    scratch_put(d, "train.bin", records(3, 1, 10, 0));
}

static void broken_sets_are_refused(void **state) {
    (void)state;
    static const set_fault ten[] = {
        SET_FAULT(batch_is_missing, FV_E_IO, "data_batch_3.bin", "could not be read"),
        SET_FAULT(batch_is_cut, FV_E_DATA, "data_batch_2.bin: holds 9218 bytes", "3073"),
        SET_FAULT(batch_is_empty, FV_E_DATA, "data_batch_1.bin: holds 0 bytes"),
        SET_FAULT(batch_is_of_100, FV_E_DATA, "data_batch_4.bin: holds 9222 bytes"),
        SET_FAULT(label_is_beyond, FV_E_DATA, "test_batch.bin", "record 2 is 10", "0 to 9"),
        SET_FAULT(names_are_short, FV_E_DATA, "batches.meta.txt", "2 classes"),
        SET_FAULT(names_are_twice, FV_E_DATA, "batches.meta.txt", "lines 1 and 2"),
    };
    static const set_fault hundred[] = {
        SET_FAULT(fine_label_is_beyond, FV_E_DATA, "train.bin", "record 0 is 100", "0 to 99"),
        SET_FAULT(train_is_of_10, FV_E_DATA, "train.bin", "3074"),
    };
    set_hold_faults(ten, sizeof ten / sizeof *ten, sound_10, "");
    set_hold_faults(hundred, sizeof hundred / sizeof *hundred, sound_100, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(batches_are_joined_in_order),
        TEST(directory_above_is_found),
        TEST(fine_labels_are_the_classes),
        cmocka_unit_test(broken_sets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
