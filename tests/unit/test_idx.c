/* Datasets from IDX files: formats, names, look-up order, the test split that is set aside. */
#include "directory_test.h"
#include "set_test.h"

#include "formats/source.h"

static void plain_files_are_read(void **state) {
    (void)state;
    scratch_set(directory, 6, 3, 4, 5, 3);
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->n_classes, 3);
    assert_int_equal(set->train.n, 6);
    assert_int_equal(set->test.n, 3);
    assert_int_equal(set->train.shape.c, 1);
    assert_int_equal(set->train.shape.h, 4);
    assert_int_equal(set->train.shape.w, 5);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(set->train.labels[i], i % 3);
        for (int j = 0; j < 20; j++) assert_int_equal(set->train.pixels[20 * i + j], 7 * i + j);
    }
    assert_int_equal(set->test.pixels[2 * 20 + 19], 100 + 14 + 19);
    assert_string_equal(set->class_names[2], "2");
    assert_string_equal(set->path, directory);
    assert_false(set->test_set_aside);
    fv_dataset_destroy(set);
}

/* The sums are those of python3's hashlib over the same bytes. */
static void sums_are_of_pixels_then_labels(void **state) {
    (void)state;
    scratch_set(directory, 6, 3, 4, 5, 3);
    fv_dataset *set = set_open(directory);
    assert_string_equal(set->train_sha256, "9a26bc47f45edd13b6a46f35fdc3614b9b89bbeb0c46474838c30538fbed8d4d");
    assert_string_equal(set->test_sha256, "ac53b35f900d60789350ca270c7893d4e1a14fcc47835ad8ae925ac76b920f47");
    fv_dataset_destroy(set);
}

static void gzip_gives_the_same_set(void **state) {
    (void)state;
    scratch_set(directory, 500, 40, 28, 28, 10);
    fv_dataset *plain = set_open(directory);
    static const char *const files[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"};
    for (int i = 0; i < 3; i++) {
        char name[64];
        bytes content = i == 0   ? idx_images(500, 28, 28, 0)
                        : i == 1 ? idx_labels(500, 10)
                                 : idx_images(40, 28, 28, 100);
        snprintf(name, sizeof name, "%s.gz", files[i]);
        scratch_put(directory, name, bytes_gzip(&content));
        bytes_free(&content);
        assert_int_equal(remove(scratch_path(directory, files[i])), 0);
    }
    fv_dataset *packed = set_open(directory);
    assert_string_equal(packed->train_sha256, plain->train_sha256);
    assert_string_equal(packed->test_sha256, plain->test_sha256);
    fv_dataset_destroy(plain);
    fv_dataset_destroy(packed);
}

/* RFC 1952: a gzip file may be several members. */
static void gzip_members_are_joined(void **state) {
    (void)state;
    scratch_set(directory, 50, 3, 4, 4, 5);
    bytes whole = idx_images(50, 4, 4, 0), first = {whole.at, 333, 0}, second = {whole.at + 333, whole.n - 333, 0};
    bytes packed = bytes_gzip(&first), rest = bytes_gzip(&second);
    bytes_add(&packed, rest.at, rest.n);
    fv_dataset *plain = set_open(directory);
    remove(scratch_path(directory, "train-images-idx3-ubyte"));
    scratch_put(directory, "train-images-idx3-ubyte.gz", packed);
    fv_dataset *joined = set_open(directory);
    assert_string_equal(joined->train_sha256, plain->train_sha256);
    fv_dataset_destroy(plain);
    fv_dataset_destroy(joined);
    bytes_free(&whole);
    bytes_free(&rest);
}

static void rank_4_holds_channels(void **state) {
    (void)state;
    bytes images = idx_header(8, 4, (const uint32_t[]){4, 3, 2, 5});
    for (int i = 0; i < 4 * 30; i++) bytes_add(&images, &(uint8_t){(uint8_t)i}, 1);
    scratch_put(directory, "train-images-idx4-ubyte", images);
    scratch_put(directory, "train-labels-idx1-ubyte", idx_labels(4, 2));
    images = idx_header(8, 4, (const uint32_t[]){1, 3, 2, 5});
    for (int i = 0; i < 30; i++) bytes_add(&images, &(uint8_t){(uint8_t)(200 + i)}, 1);
    scratch_put(directory, "t10k-images-idx4-ubyte", images);
    scratch_put(directory, "t10k-labels-idx1-ubyte", idx_labels(1, 2));
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->train.shape.c, 3);
    assert_int_equal(set->train.shape.h, 2);
    assert_int_equal(set->train.shape.w, 5);
    for (int i = 0; i < 4 * 30; i++) assert_int_equal(set->train.pixels[i], i);
    assert_int_equal(set->test.pixels[29], 229);
    fv_dataset_destroy(set);
}

static void sixteen_bit_labels_allow_a_thousand_classes(void **state) {
    (void)state;
    uint32_t n = 1000;
    bytes labels = idx_header(0x0b, 1, &n);
    for (unsigned i = 0; i < n; i++) bytes_add(&labels, (const uint8_t[]){(uint8_t)(i >> 8), (uint8_t)i}, 2);
    scratch_put(directory, "train-labels-idx1-short", labels);
    scratch_put(directory, "train-images-idx3-ubyte", idx_images(n, 2, 2, 0));
    scratch_put(directory, "t10k-labels-idx1-ubyte", idx_labels(3, 3));
    scratch_put(directory, "t10k-images-idx3-ubyte", idx_images(3, 2, 2, 0));
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->n_classes, 1000);
    assert_string_equal(set->class_names[999], "999");
    for (unsigned i = 0; i < n; i++) assert_int_equal(set->train.labels[i], i);
    fv_dataset_destroy(set);
}

static void known_names_bring_class_names(void **state) {
    (void)state;
    const char *path = scratch_subdirectory(directory, "fashion-mnist");
    scratch_set(path, 30, 3, 4, 4, 9); /* the tenth class is missing here, and has its name all the same */
    fv_dataset *set = set_open(path);
    assert_string_equal(set->name, "fashion-mnist");
    assert_int_equal(set->n_classes, 10);
    assert_string_equal(set->class_names[0], "T-shirt/top");
    assert_string_equal(set->class_names[9], "Ankle boot");
    fv_dataset_destroy(set);
}

static void classes_txt_names_classes(void **state) {
    (void)state;
    scratch_set(directory, 30, 3, 4, 4, 3);
    scratch_text(directory, "classes.txt", "crack\r\n  scratch \nGr\xc3\xbc n\nnone\n\n");
    fv_dataset *set = set_open(directory);
    assert_int_equal(set->n_classes, 4);
    assert_string_equal(set->class_names[0], "crack");
    assert_string_equal(set->class_names[1], "scratch");
    assert_string_equal(set->class_names[2], "Gr\xc3\xbc n");
    assert_string_equal(set->class_names[3], "none");
    fv_dataset_destroy(set);
}

/* 20, 20 and 6 images: 3, 3 and none are set aside; every image is in one split, and the same on every call. */
static void test_split_is_set_aside(void **state) {
    (void)state;
    uint32_t n = 46;
    bytes labels = idx_header(8, 1, &n);
    for (unsigned i = 0; i < n; i++) bytes_add(&labels, &(uint8_t){(uint8_t)(i < 6 ? 2 : i % 2)}, 1);
    bytes images = idx_header(8, 3, (const uint32_t[]){n, 1, 1});
    for (unsigned i = 0; i < n; i++) bytes_add(&images, &(uint8_t){(uint8_t)i}, 1);
    scratch_put(directory, "train-labels-idx1-ubyte", labels);
    scratch_put(directory, "train-images-idx3-ubyte", images);
    fv_dataset *set = set_open(directory), *again = set_open(directory);
    assert_true(set->test_set_aside);
    assert_int_equal(set->test.n, 6);
    assert_int_equal(set->train.n, 40);
    int count[3] = {0}, seen[46] = {0};
    for (size_t i = 0; i < set->test.n; i++) count[set->test.labels[i]]++;
    assert_int_equal(count[0], 3);
    assert_int_equal(count[1], 3);
    const fv_images *splits[] = {&set->train, &set->test};
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < splits[s]->n; i++) {
            unsigned image = splits[s]->pixels[i];
            assert_int_equal(splits[s]->labels[i], image < 6 ? 2 : image % 2);
            seen[image]++;
        }
    }
    for (unsigned i = 0; i < n; i++) assert_int_equal(seen[i], 1);
    assert_string_equal(set->test_sha256, again->test_sha256);
    fv_dataset_destroy(set);
    fv_dataset_destroy(again);
}

static bool list_has(const char *name, const char *path) {
    fv_dataset_entry entry;
    for (int i = 0; fv_dataset_list(i, &entry); i++) {
        if (strcmp(entry.name, name) == 0) return strcmp(entry.path, path) == 0;
    }
    return false;
}

static void names_are_looked_for_in_order(void **state) {
    (void)state;
    char data[512], cache[512];
    snprintf(data, sizeof data, "%s", scratch_subdirectory(directory, "data"));
    snprintf(cache, sizeof cache, "%s", scratch_subdirectory(directory, "cache"));
    scratch_subdirectory(cache, "fovea");
    setenv("FOVEA_DATA", data, 1);
    setenv("XDG_CACHE_HOME", cache, 1);
    scratch_set(scratch_subdirectory(cache, "fovea/cells"), 20, 2, 3, 3, 2);
    fv_dataset *set = set_open("cells");
    assert_string_equal(set->name, "cells");
    assert_int_equal(set->train.n, 20);
    fv_dataset_destroy(set);
    assert_true(list_has("cells", scratch_path(cache, "fovea/cells")));
    scratch_set(scratch_subdirectory(data, "cells"), 10, 2, 3, 3, 2);
    set = set_open("cells");
    assert_int_equal(set->train.n, 10);
    fv_dataset_destroy(set);
    assert_true(list_has("cells", scratch_path(data, "cells")));
    scratch_set(scratch_subdirectory(data, "digits"), 12, 2, 3, 3, 2);
    set = set_open("digits");
    assert_int_equal(set->train.n, 12);
    fv_dataset_destroy(set);
}

static void list_says_how_to_get_what_is_absent(void **state) {
    (void)state;
    fv_dataset_entry entry;
    setenv("FOVEA_DATA", directory, 1);
    setenv("XDG_CACHE_HOME", directory, 1);
    scratch_subdirectory(directory, "empty");
    assert_true(fv_dataset_list(0, &entry));
    assert_string_equal(entry.name, "digits");
    assert_string_equal(entry.path, "embedded");
    assert_true(fv_dataset_list(1, &entry));
    assert_string_equal(entry.name, "mnist");
    if (access("/usr/share/datasets/mnist", F_OK) != 0) {
        assert_string_equal(entry.path, "");
        assert_non_null(strstr(entry.how, "fovea data get"));
    }
    assert_true(fv_dataset_list(2, &entry));
    assert_string_equal(entry.name, "fashion-mnist");
    assert_false(list_has("empty", scratch_path(directory, "empty")));
}

static void a_path_gives_its_last_part_as_name(void **state) {
    (void)state;
    char inside[600], slashes[700];
    snprintf(inside, sizeof inside, "%s", scratch_subdirectory(directory, "wafers"));
    scratch_set(inside, 10, 2, 3, 3, 2);
    snprintf(slashes, sizeof slashes, "%s//", inside);
    fv_dataset *set = set_open(slashes);
    assert_string_equal(set->name, "wafers");
    fv_dataset_destroy(set);
    snprintf(slashes, sizeof slashes, "%s/.", inside);
    set = set_open(slashes);
    assert_string_equal(set->name, "wafers");
    fv_dataset_destroy(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(plain_files_are_read),
        TEST(sums_are_of_pixels_then_labels),
        TEST(gzip_gives_the_same_set),
        TEST(gzip_members_are_joined),
        TEST(rank_4_holds_channels),
        TEST(sixteen_bit_labels_allow_a_thousand_classes),
        TEST(known_names_bring_class_names),
        TEST(classes_txt_names_classes),
        TEST(test_split_is_set_aside),
        TEST(names_are_looked_for_in_order),
        TEST(list_says_how_to_get_what_is_absent),
        TEST(a_path_gives_its_last_part_as_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
