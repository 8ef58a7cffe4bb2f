/* Folders of images made by Pillow (tests/cli/images/make_folders.py), and the cache behind them. */
#include "directory_test.h"
#include "set_test.h"

#include "formats/natural_order.h"
#include "fovea/image.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE };

static char *home; /* of the cache */

static const char *make(const char *kind) {
    static char to[600]; /* one at a time */
    char command[2400];
    snprintf(to, sizeof to, "%s/%s", directory, kind);
    snprintf(command, sizeof command, "/usr/bin/python3 '%s/tests/cli/images/make_folders.py' %s '%s'",
             FOVEA_SOURCE_DIR, kind, to);
    if (system(command) != 0) {
        print_message("Pillow is not here (Debian's python3-pil)\n");
        exit(77);
    }
    return to;
}

static void read_file(const char *folder, const char *file, fv_shape shape, fv_fit fit, uint8_t *out) {
    fv_error error = {0};
    if (fv_image_read(scratch_path(folder, file), shape, fit, false, out, &error) != FV_OK)
        fail_msg("%s", error.message);
}

/* The largest and the mean difference. */
static void differ(const uint8_t *a, const uint8_t *b, size_t n, int *most, double *mean) {
    *most = 0;
    *mean = 0;
    for (size_t i = 0; i < n; i++) {
        int d = abs(a[i] - b[i]);
        *most = d > *most ? d : *most;
        *mean += (double)d / (double)n;
    }
}

static void formats_agree(void **state) {
    (void)state;
    static const struct {
        const char *file, *like;
        int most;    /* of a pixel */
        double mean; /* of the image */
    } rows[] = {{"a/colour.bmp", "a/colour.png", 0, 0},   {"a/colour.tif", "a/colour.png", 0, 0},
                {"a/colour.ppm", "a/colour.png", 0, 0},   {"a/colour.webp", "a/colour.png", 0, 0},
                {"a/palette.bmp", "a/palette.png", 0, 0}, {"a/progressive.jpg", "a/colour.png", 160, 12},
                {"a/cmyk.jpg", "a/cmyk.tif", 160, 12},    {"a/alpha.webp", "a/alpha.png", 0, 0},
                {"a/cmyk.tif", "a/colour.png", 255, 60},  {"b/grey.bmp", "b/grey.png", 0, 0},
                {"b/grey.gif", "b/grey.png", 0, 0},       {"b/grey.tif", "b/grey.png", 0, 0},
                {"b/grey.pgm", "b/grey.png", 0, 0},       {"b/sixteen.png", "b/grey.png", 0, 0},
                {"b/sixteen.tif", "b/grey.png", 0, 0},    {"b/bits.pbm", "b/bits.png", 0, 0},
                {"b/grey.jpg", "b/grey.png", 60, 5}};
    const char *folder = make("kinds");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t a[PIXELS], b[PIXELS];
        int most;
        double mean;
        read_file(folder, rows[i].file, (fv_shape){3, SIDE, SIDE}, FV_FIT_STRETCH, a);
        read_file(folder, rows[i].like, (fv_shape){3, SIDE, SIDE}, FV_FIT_STRETCH, b);
        differ(a, b, PIXELS, &most, &mean);
        if (most > rows[i].most || mean > rows[i].mean)
            fail_msg("%s differs from %s by up to %d, %.1f on average", rows[i].file, rows[i].like, most, mean);
    }
    uint8_t whole[PIXELS], half[PIXELS];
    read_file(folder, "a/colour.png", (fv_shape){3, SIDE, SIDE}, FV_FIT_STRETCH, whole);
    read_file(folder, "a/alpha.png", (fv_shape){3, SIDE, SIDE}, FV_FIT_STRETCH, half);
    for (int i = 0; i < PIXELS; i++) assert_int_equal(half[i], (whole[i] * 128 * 2 + 255) / 510);
}

static void orientation_is_applied(void **state) {
    (void)state;
    char name[32];
    const char *folder = make("kinds");
    enum { H = 20 };
    uint8_t upright[PIXELS], turned[PIXELS];
    read_file(folder, "turned/1.png", (fv_shape){3, H, SIDE}, FV_FIT_STRETCH, upright);
    for (int i = 2; i <= 8; i++) {
        snprintf(name, sizeof name, "turned/%d.png", i);
        read_file(folder, name, (fv_shape){3, H, SIDE}, FV_FIT_STRETCH, turned);
        if (memcmp(upright, turned, 3 * H * SIDE) != 0) fail_msg("orientation %d", i);
    }
    /* resized, too: the same image in half the size, from any orientation */
    read_file(folder, "turned/1.png", (fv_shape){3, 7, 11}, FV_FIT_STRETCH, upright);
    for (int i = 2; i <= 8; i++) {
        int most;
        double mean;
        snprintf(name, sizeof name, "turned/%d.png", i);
        read_file(folder, name, (fv_shape){3, 7, 11}, FV_FIT_STRETCH, turned);
        differ(upright, turned, 3 * 7 * 11, &most, &mean);
        if (most > 1) fail_msg("orientation %d, resized: %d", i, most);
    }
}

static void fits(void **state) {
    (void)state;
    bytes wide = {0}; /* 4 wide, 2 high: 10 20 30 40 / 50 60 70 80 */
    bytes_add(&wide, "P5 4 2 255\n\x0a\x14\x1e\x28\x32\x3c\x46\x50", 19);
    scratch_put(directory, "wide.pgm", wide);
    uint8_t out[16];
    read_file(directory, "wide.pgm", (fv_shape){1, 2, 4}, FV_FIT_STRETCH, out);
    assert_memory_equal(out, ((uint8_t[]){10, 20, 30, 40, 50, 60, 70, 80}), 8);
    read_file(directory, "wide.pgm", (fv_shape){1, 2, 2}, FV_FIT_STRETCH, out);
    assert_memory_equal(out, ((uint8_t[]){15, 35, 55, 75}), 4);
    read_file(directory, "wide.pgm", (fv_shape){1, 2, 2}, FV_FIT_CROP, out);
    assert_memory_equal(out, ((uint8_t[]){20, 30, 60, 70}), 4);
    read_file(directory, "wide.pgm", (fv_shape){1, 4, 4}, FV_FIT_PAD, out);
    assert_memory_equal(out, ((uint8_t[]){0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 0, 0, 0, 0}), 16);
    read_file(directory, "wide.pgm", (fv_shape){1, 2, 2}, FV_FIT_PAD, out); /* 1 x 2, above the middle */
    assert_memory_equal(out, ((uint8_t[]){35, 55, 0, 0}), 4);
}

static void names_are_ordered_naturally(void **state) {
    (void)state;
    static const char *const sorted[] = {
        "",  "1", "01", "2",   "2a", "10",  "010", "99999999999999999999998", "99999999999999999999999",
        "A", "a", "a1", "a1b", "a2", "a10", "b"};
    size_t n = sizeof sorted / sizeof *sorted;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int order = fv_natural_compare(sorted[i], sorted[j]);
            if (i < 7 && j < 7 && i != j && strspn(sorted[i], "0") + strspn(sorted[j], "0")) continue; /* below */
            if ((order < 0) != (i < j) || (order == 0) != (i == j)) fail_msg("%s, %s: %d", sorted[i], sorted[j], order);
        }
    assert_true(fv_natural_compare("01", "1") != 0 && fv_natural_compare("01", "2") < 0);
    assert_true(fv_natural_compare("2", "010") < 0);
}

/* ---- the cache ---- */

typedef struct events {
    size_t decoded, notes;
    bool stop;
} events;

static void on_progress(void *context, size_t n_done, size_t n) {
    (void)n;
    ((events *)context)->decoded = n_done;
}

static void on_note(void *context, const char *note) {
    (void)note;
    ((events *)context)->notes++;
}

static bool cancelled(void *context) {
    return ((events *)context)->stop;
}

/* Opens with callbacks; returns how many files were decoded. */
static size_t decoded(const char *folder, const fv_dataset_options *options, fv_dataset **out) {
    events seen = {0};
    fv_error error = {0};
    fv_dataset_options o = *options;
    o.context = &seen;
    o.on_progress = on_progress;
    o.on_note = on_note;
    if (fv_dataset_open_with(folder, &o, out, &error) != FV_OK) fail_msg("%s", error.message);
    return seen.decoded;
}

static const char *cache_file(void) {
    char folder[512], name[256];
    snprintf(folder, sizeof folder, "%s/fovea/.images", home);
    DIR *open = opendir(folder);
    scratch_need(open != NULL, folder);
    *name = 0;
    for (const struct dirent *entry; (entry = readdir(open));)
        if (entry->d_name[0] != '.') snprintf(name, sizeof name, "%s", entry->d_name);
    closedir(open);
    scratch_need(*name != 0, "a cache file");
    return scratch_path(folder, name);
}

/* Opens again and compares with `sound`; whether it was decoded. */
static bool opens_anew(const char *folder, const fv_dataset *sound) {
    fv_dataset *set;
    const fv_dataset_options none = {0};
    bool anew = decoded(folder, &none, &set) > 0;
    assert_string_equal(set->train_sha256, sound->train_sha256);
    assert_string_equal(set->test_sha256, sound->test_sha256);
    for (size_t i = 0; i < set->train.n + set->test.n; i++) {
        assert_string_equal(set->origins[i].file, sound->origins[i].file);
        assert_string_equal(set->origins[i].mode, sound->origins[i].mode);
        assert_int_equal(set->origins[i].h, sound->origins[i].h);
    }
    fv_dataset_destroy(set);
    return anew;
}

static void second_run_decodes_nothing(void **state) {
    (void)state;
    const char *folder = make("shapes");
    fv_dataset *sound, *other;
    const fv_dataset_options none = {0}, small = {.height = 8, .width = 8, .channels = 1};
    assert_int_equal(decoded(folder, &none, &sound), 100);
    assert_int_equal(sound->n_classes, 2);
    assert_false(opens_anew(folder, sound));
    assert_int_equal(decoded(folder, &small, &other), 100); /* other options, another file */
    assert_int_equal(other->train.shape.c, 1);
    fv_dataset_destroy(other);
    assert_false(opens_anew(folder, sound));
    /* A file that is touched, one that is new, one that is gone. */
    char command[1400];
    snprintf(command, sizeof command, "touch -d 2001-01-01 '%s/train/bars/0.png'", folder);
    scratch_need(system(command) == 0, command);
    assert_true(opens_anew(folder, sound));
    assert_false(opens_anew(folder, sound));
    scratch_need(unlink(scratch_path(folder, "test/rings/105.png")) == 0, "unlink");
    assert_int_equal(decoded(folder, &none, &other), 99);
    fv_dataset_destroy(other);
    fv_dataset_destroy(sound);
}

static void bad_caches_are_not_believed(void **state) {
    (void)state;
    const char *folder = make("plain");
    fv_dataset *sound;
    const fv_dataset_options none = {0};
    char *fresh = scratch_make();
    setenv("XDG_CACHE_HOME", fresh, 1);
    char *kept = home;
    home = fresh;
    decoded(folder, &none, &sound);
    bytes whole = bytes_read(cache_file());
    assert_true(whole.n > 1000 && whole.n < 1 << 16);
    assert_false(opens_anew(folder, sound));
    for (size_t cut = 0; cut < whole.n; cut += cut < 600 ? 37 : 997) { /* cut short */
        bytes_write(&(bytes){whole.at, cut, 0}, cache_file());
        assert_true(opens_anew(folder, sound));
    }
    for (size_t at = 0; at < whole.n; at += at < 600 ? 41 : 997) { /* a bit turned over */
        whole.at[at] ^= 4;
        bytes_write(&whole, cache_file());
        whole.at[at] ^= 4;
        assert_true(opens_anew(folder, sound));
    }
    bytes_free(&whole);
    /* No place for a cache: the set opens all the same. */
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    assert_true(opens_anew(folder, sound));
    setenv("XDG_CACHE_HOME", kept, 1);
    home = kept;
    fv_dataset_destroy(sound);
    scratch_drop(fresh);
}

static void stops_when_asked(void **state) {
    (void)state;
    const char *folder = make("shapes");
    events seen = {.stop = true};
    fv_error error = {0};
    fv_dataset *set = NULL;
    const fv_dataset_options o = {.height = 9, .width = 9, .context = &seen, .cancelled = cancelled};
    assert_int_equal(fv_dataset_open_with(folder, &o, &set, &error), FV_E_INTERRUPTED);
    assert_null(set);
}

/* Same images and sums for any number of threads. */
static void threads_change_nothing(void **state) {
    (void)state;
    char first[65];
    const char *folder = make("kinds");
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    for (int threads = 1; threads <= 5; threads++) {
        fv_dataset *set;
        const fv_dataset_options o = {.threads = threads};
        decoded(folder, &o, &set);
        if (threads == 1) memcpy(first, set->train_sha256, sizeof first);
        assert_string_equal(first, set->train_sha256);
        fv_dataset_destroy(set);
    }
    setenv("XDG_CACHE_HOME", home, 1);
}

/* val/ is the set's own validation split. */
static void validation_folder(void **state) {
    (void)state;
    char command[1400];
    const char *folder = make("shapes");
    snprintf(command, sizeof command, "mv '%s/test' '%s/val'", folder, folder);
    scratch_need(system(command) == 0, command);
    fv_dataset *set;
    const fv_dataset_options none = {0};
    decoded(folder, &none, &set);
    assert_int_equal(set->n_validation, 20);
    assert_true(set->test_set_aside);
    assert_int_equal(set->test.n, 12); /* floor(15 % of 40) of each */
    assert_int_equal(set->train.n, 68 + 20);
    for (size_t i = 68; i < 88; i++) assert_int_equal(strncmp(set->origins[i].file, "val/", 4), 0);
    fv_dataset_destroy(set);
}

static void keep_note(void *context, const char *note) {
    snprintf(context, 512, "%s", note);
}

static void other_files_are_told_by_their_folder(void **state) {
    (void)state;
    char name[256] = "", note[512] = "";
    const char *folder = make("shapes");
    memset(name, 'a', 100);
    const char *longer = scratch_path(directory, name);
    scratch_need(rename(folder, longer) == 0, longer);
    scratch_text(scratch_path(longer, "train/rings"), "x.txt", "");
    fv_dataset *set;
    fv_error error = {0};
    const fv_dataset_options options = {.on_note = keep_note, .context = note};
    if (fv_dataset_open_with(longer, &options, &set, &error) != FV_OK) fail_msg("%s", error.message);
    strcat(name, ": 1 file is no image by name, left out: train/rings/x.txt");
    if (!strstr(note, name)) fail_msg("%s", note);
    fv_dataset_destroy(set);
}

int main(void) {
    home = scratch_make();
    setenv("XDG_CACHE_HOME", home, 1);
    const struct CMUnitTest tests[] = {
        TEST(formats_agree),
        TEST(orientation_is_applied),
        TEST(fits),
        cmocka_unit_test(names_are_ordered_naturally),
        TEST(second_run_decodes_nothing),
        TEST(bad_caches_are_not_believed),
        TEST(stops_when_asked),
        TEST(threads_change_nothing),
        TEST(validation_folder),
        TEST(other_files_are_told_by_their_folder),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_drop(home);
    return failed;
}
