/* Augmentation: its texts, how they are applied, and what is drawn. test_torchvision.c has the values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/transform.h"
#include "base/math.h"
#include "cmocka_test.h"
#include "data/images.h"
#include "fovea/machine.h"

static const fv_shape digit = {1, 28, 28}, photo = {3, 20, 27};

static uint8_t *image_buffer(fv_shape shape) {
    uint8_t *at = calloc(fv_image_size(shape) + FV_IMAGE_SLACK, 1);
    assert_non_null(at);
    return at;
}

/* ---- texts ---- */

static fv_augment *create(const char *text, fv_shape shape) {
    fv_error error = {0};
    fv_augment *a = NULL;
    if (fv_augment_create(text, shape, &a, &error) != FV_OK) fail_msg("%s: %s", text, error.message);
    return a;
}

static void texts_are_written_out(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"rotation 30 nearest, gaussian_blur 3 0.1 0.5", "rotation 30 nearest, gaussian_blur 3 0.1 0.5"},
        {"mild", "apply 0.3, rotation 30 nearest, gaussian_blur 3 0.1 0.5"},
        {" strong ", "apply 0.3, rotation 180 nearest, vflip 0.5, gaussian_blur 3 0.1 1"},
        {"none, hflip, mild", "hflip 0.5, apply 0.3, rotation 30 nearest, gaussian_blur 3 0.1 0.5"},
        {"vflip p 0.25,crop padding 4", "vflip 0.25, crop 4"},
        {"affine degrees 10 translate 0.1", "affine degrees 10 translate 0.1 scale_min 1 scale_max 1 shear 0"},
        {"affine bilinear shear 5 scale_max 1.1 scale_min 0.9",
         "affine degrees 0 translate 0 scale_min 0.9 scale_max 1.1 shear 5 bilinear"},
        {"erasing", "erasing 0.5 area_min 0.02 area_max 0.33"},
        {"erasing 0.1 area_max 0.3333333333333333", "erasing 0.1 area_min 0.02 area_max 0.3333333333333333"},
        {"resize 0.8 1.2", "resize 0.8 1.2"},
        {"translate 0.1 nearest, scale 0.9 1.1 nearest, shear 10 nearest",
         "translate 0.1 nearest, scale 0.9 1.1 nearest, shear 10 nearest"},
        {"resized_crop, perspective", "resized_crop 0.08 1 ratio_min 0.75 ratio_max 1.3333333333333333, perspective "
                                      "0.5 0.5"},
        {"elastic 8 3, elastic sigma 2", "elastic 8 3, elastic 50 2"},
        {"grid_distortion limit 0.2, coarse_dropout 3", "grid_distortion 5 0.2 0.5, coarse_dropout 3 0.1 0.2 0.5"},
        {"brightness 0.3, contrast 0.3, saturation 0.3, hue 0.1, color_jitter 0.1 hue 0.05",
         "brightness 0.3, contrast 0.3, saturation 0.3, hue 0.1, color_jitter 0.1 0 0 0.05"},
        {"invert, posterize 4, solarize 128, equalize, autocontrast 1, sharpness 2 1",
         "invert 0.5, posterize 4 0.5, solarize 128 0.5, equalize 0.5, autocontrast 1, sharpness 2 1"},
        {"gaussian_noise, salt_and_pepper, motion_blur, median_blur 3",
         "gaussian_noise 0.1, salt_and_pepper 0.01 0.06 0.5, motion_blur 7 0.5, median_blur 3 0.5"},
        {"trivialaugment", "trivialaugment"},
        {"randaugment, randaugment magnitude 5", "randaugment 2 9, randaugment 2 5"},
        {"rotation 12.5 # degrees\n, hflip", "rotation 12.5, hflip 0.5"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_augment *a = create(rows[i][0], digit), *again = create(rows[i][1], digit);
        assert_string_equal(fv_augment_text(a), rows[i][1]);
        assert_string_equal(fv_augment_text(again), rows[i][1]);
        fv_augment_destroy(a);
        fv_augment_destroy(again);
    }
}

static void none_is_null(void **state) {
    (void)state;
    assert_null(create("none", digit));
    assert_null(create("", digit));
    assert_null(create(" # nothing\n", digit));
    assert_string_equal(fv_augment_text(NULL), "none");
    assert_int_equal(fv_augment_scratch(NULL), 0);
    fv_augment_destroy(NULL);
}

static void presets_are_listed_and_parse(void **state) {
    (void)state;
    static const char *const names[] = {"none", "mild", "strong"};
    const char *text;
    for (int i = 0; i < 3; i++) {
        assert_string_equal(fv_augment_preset(i, &text), names[i]);
        fv_augment *a = create(text, digit), *b = create(names[i], digit);
        assert_string_equal(fv_augment_text(a), fv_augment_text(b));
        fv_augment_destroy(a);
        fv_augment_destroy(b);
    }
    assert_null(fv_augment_preset(3, &text));
    assert_null(fv_augment_preset(-1, &text));
}

/* `caret`: where the message points, as the text from there on. */
static void errors_point_at_the_word(void **state) {
    (void)state;
    static const struct {
        const char *text, *caret, *says;
        fv_status status;
    } rows[] = {
        {"rotaton 30", "rotaton", "unknown transform `rotaton`; known are rotation, resize", FV_E_TEXT},
        {"zoom 2", "zoom", "unknown transform `zoom`; known are rotation, affine, translate", FV_E_TEXT},
        {"hflip, rotation 30 sideways", "sideways", "does not know `sideways`", FV_E_TEXT},
        {"rotation", "rotation", "needs degrees", FV_E_TEXT},
        {"rotation 361", "361", "0 to 360", FV_E_TEXT},
        {"rotation -1", "-1", "0 to 360", FV_E_TEXT},
        {"rotation ten", "ten", "a number", FV_E_TEXT},
        {"hflip 1.5", "1.5", "0 to 1", FV_E_TEXT},
        {"erasing -0.1", "-0.1", "0 to 1", FV_E_TEXT},
        {"erasing area_min 0.5 area_max 0.2", "erasing", "area_min of `erasing` must not be above area_max", FV_E_TEXT},
        {"gaussian_blur 3 0 1", "0 1", "0.01 to 1000", FV_E_TEXT},
        {"gaussian_blur 4 0.1 1", "gaussian_blur", "must be odd: 3 or 5, not 4", FV_E_TEXT},
        {"gaussian_blur 3 1 0.5", "gaussian_blur", "sigma_min", FV_E_TEXT},
        {"gaussian_blur 29 0.5 1", "gaussian_blur", "larger than the images, which are 28x28", FV_E_SHAPE},
        {"vflip, crop 28", "crop", "28x28", FV_E_SHAPE},
        {"crop 0", "0", "1 to", FV_E_TEXT},
        {"crop 1.5", "1.5", "whole number", FV_E_TEXT},
        {"resize 1.2 0.8", "resize", "scale_min", FV_E_TEXT},
        {"resize 0 1", "0 1", "0.01", FV_E_TEXT},
        {"affine scale_min 1.5", "affine", "scale_min of `affine` must not be above scale_max", FV_E_TEXT},
        {"affine translate 2", "2", "0 to 1", FV_E_TEXT},
        {"rotation 10 nearest, hflip, affine degrees 3 bilinear", "affine", "one resampling", FV_E_TEXT},
        {"rotation 10 nearest bilinear", "rotation", "one resampling", FV_E_TEXT},
        {"resize 0.01 1, resize 0.01 1, resize 0.01 1", "resize", "less than a pixel", FV_E_TEXT},
        {"elastic 50 7", "elastic", "28 pixels on each side, which must be below the images' 28x28: at most 6.75",
         FV_E_SHAPE},
        {"motion_blur 6", "motion_blur", "must be odd: 5 or 7, not 6", FV_E_TEXT},
        {"median_blur 17", "17", "3 to 15", FV_E_TEXT},
        {"motion_blur 29", "motion_blur", "larger than the images, which are 28x28", FV_E_SHAPE},
        {"resized_crop 0.9 0.8", "resized_crop", "area_min of `resized_crop` must not be above area_max", FV_E_TEXT},
        {"coarse_dropout size_min 0.3", "coarse_dropout", "size_min", FV_E_TEXT},
        {"salt_and_pepper 0.1 0.05", "salt_and_pepper", "amount_min", FV_E_TEXT},
        {"hue 0.6", "0.6", "0 to 0.5", FV_E_TEXT},
        {"posterize 9", "9", "0 to 8", FV_E_TEXT},
        {"brightness", "brightness", "needs amount", FV_E_TEXT},
        {"randaugment 2 31", "31", "0 to 30", FV_E_TEXT},
        {"trivialaugment 1", "1", "does not know `1`", FV_E_TEXT},
        {"translate 0.1, shear 10 bilinear, scale 1 2 nearest", "scale", "one resampling", FV_E_TEXT},
        {"hflip,, vflip", ", vflip", "unknown transform `,`", FV_E_TEXT},
        {"hflip,", "", "missing", FV_E_TEXT},
        {"hflip ) vflip", ")", "not expected", FV_E_TEXT},
        {"mild 3", "3", "not expected", FV_E_TEXT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_error error = {0};
        fv_augment *const untouched = (fv_augment *)&error;
        fv_augment *a = untouched;
        assert_int_equal(fv_augment_create(rows[i].text, digit, &a, &error), rows[i].status);
        assert_int_equal(error.code, rows[i].status);
        assert_ptr_equal(a, untouched);
        if (!strstr(error.message, rows[i].says)) fail_msg("%s: %s", rows[i].text, error.message);
        const char *shown = strchr(error.message, '\n') + 1, *pointer = strchr(shown, '\n') + 1;
        assert_memory_equal(shown + strcspn(pointer, "^"), rows[i].caret, strlen(rows[i].caret));
        assert_int_equal(fv_augment_create(rows[i].text, digit, &a, NULL), rows[i].status);
    }
}

static void lists_are_cut_at_semicolons(void **state) {
    (void)state;
    char **texts;
    int n;
    fv_error error = {0};
    assert_int_equal(fv_augment_list(" none ;strong;elastic 8 3, hflip;\tmixup", digit, &texts, &n, &error), FV_OK);
    assert_int_equal(n, 4);
    assert_string_equal(texts[0], "none");
    assert_string_equal(texts[1], "strong");
    assert_string_equal(texts[2], "elastic 8 3, hflip");
    assert_string_equal(texts[3], "mixup");
    free(texts);
    static const struct {
        const char *list, *says;
        fv_status status;
    } rows[] = {{"", "augmentation 1 is empty", FV_E_ARGUMENT},
                {"hflip; ;vflip", "augmentation 2 is empty", FV_E_ARGUMENT},
                {"hflip;", "augmentation 2 is empty", FV_E_ARGUMENT},
                {"hflip; vflip; hflip ", "`hflip` is given twice", FV_E_ARGUMENT},
                {"hflip; flip", "unknown transform `flip`", FV_E_TEXT},
                {"hflip; crop 28", "padding 28", FV_E_SHAPE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(fv_augment_list(rows[i].list, digit, &texts, &n, &error), rows[i].status);
        if (!strstr(error.message, rows[i].says)) fail_msg("%s: %s", rows[i].list, error.message);
    }
    char many[65 * 12] = "";
    for (int i = 0; i < 65; i++) snprintf(many + strlen(many), 12, "%shflip 0.%d", i ? ";" : "", 10 + i);
    assert_int_equal(fv_augment_list(many, digit, &texts, &n, &error), FV_E_ARGUMENT);
    *strrchr(many, ';') = 0;
    assert_int_equal(fv_augment_list(many, digit, &texts, &n, &error), FV_OK);
    assert_int_equal(n, 64);
    free(texts);
}

static void neighbours_after_a_blur_resample_anew(void **state) {
    (void)state;
    fv_augment_destroy(create("rotation 10 nearest, gaussian_blur 3 0.1 1, affine degrees 3 bilinear", digit));
}

static void too_many_calls_are_refused(void **state) {
    (void)state;
    char text[400] = "hflip";
    for (int i = 1; i < 32; i++) strcat(text, ", hflip");
    fv_augment_destroy(create(text, digit));
    strcat(text, ", hflip");
    fv_augment *a;
    assert_int_equal(fv_augment_create(text, digit, &a, NULL), FV_E_TEXT);
}

/* ---- applying ---- */

static void fill(uint8_t *x, size_t n, uint32_t stream) {
    for (size_t i = 0; i < n; i++) x[i] = (uint8_t)fv_philox(3, FV_RANDOM_TEST, (uint32_t)i, stream, 0, 0).word[0];
}

static void apply(const fv_augment *a, uint32_t epoch, uint32_t position, const uint8_t *in, uint8_t *out) {
    void *scratch = malloc(fv_augment_scratch(a));
    assert_non_null(scratch);
    fv_augment_apply(a, 11, epoch, position, in, out, scratch);
    free(scratch);
}

static uint64_t hash(uint64_t h, const uint8_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ x[i]) * 1099511628211u;
    return h;
}

static const char *const varied[] = {
    "rotation 180 nearest, vflip, gaussian_blur 3 0.1 1", "mild",
    "affine degrees 15 translate 0.1 scale_min 0.8 scale_max 1.2 shear 10, gaussian_blur 5 0.1 2",
    "crop 3, hflip, erasing 0.7", "resize 0.5 1.5, gaussian_blur 3 0.5 0.5, rotation 45, vflip"};

static const char *const level_changes[] = {
    "brightness 0.5, contrast 0.5, saturation 0.5, hue 0.2", "color_jitter 0.4 0.4 0.4 0.1, sharpness 3 1",
    "invert, posterize 3, solarize 100, equalize, autocontrast", "gaussian_noise 0.2, salt_and_pepper 0.1 0.3 1"};
static const char *const place_changes[] = {"perspective 0.6 1, resized_crop 0.3 1",
                                            "elastic 80 2, grid_distortion 4 0.5 1",
                                            "motion_blur 7 1, coarse_dropout 5 0.1 0.3 1, median_blur 5 1",
                                            "translate 0.2, shear 20, scale 0.7 1.3",
                                            "trivialaugment",
                                            "randaugment 3 15"};

static uint64_t hash_of(const char *const *texts, size_t n_texts) {
    uint64_t h = 14695981039346656037u;
    for (size_t t = 0; t < n_texts; t++)
        for (int s = 0; s < 2; s++) {
            const fv_shape shape = s ? photo : digit;
            uint8_t *x = image_buffer(shape), *y = image_buffer(shape);
            fv_augment *a = create(texts[t], shape);
            fill(x, fv_image_size(shape), (uint32_t)t);
            for (uint32_t i = 0; i < 50; i++) {
                apply(a, i % 3, i, x, y);
                h = hash(h, y, fv_image_size(shape));
            }
            fv_augment_destroy(a);
            free(x);
            free(y);
        }
    return h;
}

/* The same bits on every instruction set, compiler and machine: whoever changes what is drawn or computed sees it. */
static void bits_are_the_same_everywhere(void **state) {
    (void)state;
    const struct {
        const char *const *texts;
        size_t n;
        uint64_t hash;
    } rows[] = {{varied, sizeof varied / sizeof *varied, 0x87af04c9fd632d51u},
                {level_changes, sizeof level_changes / sizeof *level_changes, 0x8271a4ccc6b5dbacu},
                {place_changes, sizeof place_changes / sizeof *place_changes, 0xf5b412469b987322u}};
    for (int i = 0; i < 3; i++) {
        const uint64_t h = hash_of(rows[i].texts, rows[i].n);
        if (h != rows[i].hash) fail_msg("%s, ...: hash 0x%016llx", rows[i].texts[0], (unsigned long long)h);
    }
}

/* `apply P` leaves what stands before it, and does all or nothing of what stands behind it. */
static void apply_is_all_or_nothing(void **state) {
    (void)state;
    enum { N = 4000 };
    int n_as_before = 0, n_as_all = 0;
    uint8_t *x = image_buffer(digit), *y = image_buffer(digit), *before = image_buffer(digit),
            *all = image_buffer(digit);
    fv_augment *a = create("vflip 1, apply 0.3, hflip 1, erasing 1 area_min 0.2 area_max 0.2", digit);
    fill(x, fv_image_size(digit), 3);
    for (int i = 0; i < digit.h * digit.w; i++) {
        x[i] |= 1; /* erased pixels alone are 0 */
        before[(digit.h - 1 - i / digit.w) * digit.w + i % digit.w] = x[i];
        all[(digit.h - 1 - i / digit.w) * digit.w + digit.w - 1 - i % digit.w] = x[i];
    }
    for (uint32_t i = 0; i < N; i++) {
        bool erased = false, flipped = true;
        apply(a, 0, i, x, y);
        for (size_t k = 0; k < fv_image_size(digit); k++) {
            erased |= y[k] == 0;
            flipped &= y[k] == 0 || y[k] == all[k];
        }
        n_as_before += memcmp(y, before, fv_image_size(digit)) == 0;
        n_as_all += erased && flipped;
    }
    assert_int_equal(n_as_before + n_as_all, N);
    assert_in_range(n_as_all, (int)(0.27 * N), (int)(0.33 * N));
    fv_augment_destroy(a);
    free(x), free(y), free(before), free(all);
}

/* Position, epoch and seed each matter, and nothing else does: not scratch, not what was done before. */
static void draws_depend_on_their_counters_alone(void **state) {
    (void)state;
    uint8_t *x = image_buffer(digit), *y[5];
    fill(x, 784, 0);
    fv_augment *a = create("rotation 180", digit);
    uint8_t *scratch = malloc(fv_augment_scratch(a) + 1);
    for (int i = 0; i < 5; i++) {
        y[i] = image_buffer(digit);
        memset(scratch, 77 * i, fv_augment_scratch(a) + 1);
        fv_augment_apply(a, i == 1 ? 6 : 5, i == 2, i == 3 ? 8 : 7, x, y[i], scratch + (i == 4));
    }
    for (int i = 1; i < 4; i++) assert_memory_not_equal(y[0], y[i], 784);
    assert_memory_equal(y[0], y[4], 784);
    for (int i = 0; i < 5; i++) free(y[i]);
    free(scratch);
    free(x);
    fv_augment_destroy(a);
}

static void check_writes(const char *text, fv_shape shape) {
    const size_t n = fv_image_size(shape);
    fv_augment *a;
    if (fv_augment_create(text, shape, &a, NULL) != FV_OK) return;
    const size_t scratch_size = fv_augment_scratch(a);
    uint8_t *x = malloc(n), *before = malloc(n), *y = malloc(n + 2), *scratch = malloc(scratch_size + 2);
    fill(x, n, 1);
    memcpy(before, x, n);
    y[0] = y[n + 1] = scratch[0] = scratch[scratch_size + 1] = 0xA5;
    for (uint32_t i = 0; i < 10; i++) fv_augment_apply(a, 1, 0, i, x, y + 1, scratch + 1);
    assert_memory_equal(x, before, n);
    assert_true(y[0] == 0xA5 && y[n + 1] == 0xA5);
    assert_true(scratch[0] == 0xA5 && scratch[scratch_size + 1] == 0xA5);
    free(x);
    free(before);
    free(y);
    free(scratch);
    fv_augment_destroy(a);
}

static void nothing_else_is_written(void **state) {
    (void)state;
    static const char *const each[] = {"perspective 1 1",
                                       "resized_crop",
                                       "elastic 50 0.3",
                                       "elastic 50 0.1",
                                       "grid_distortion p 1",
                                       "brightness 1",
                                       "contrast 1",
                                       "saturation 1",
                                       "hue 0.5",
                                       "color_jitter 1 1 1 0.5",
                                       "invert 1",
                                       "posterize 3 1",
                                       "solarize 9 1",
                                       "equalize 1",
                                       "autocontrast 1",
                                       "sharpness 3 1",
                                       "motion_blur 3 1",
                                       "median_blur 15 1",
                                       "median_blur 3 1",
                                       "gaussian_noise 1",
                                       "salt_and_pepper 1 1 1",
                                       "coarse_dropout 9 0 1 1",
                                       "trivialaugment",
                                       "randaugment 5 30",
                                       "translate 1",
                                       "shear 80"};
    const fv_shape shapes[] = {{1, 28, 28}, {3, 20, 27}, {2, 3, 5}, {1, 3, 200}, {16, 5, 3}, {1, 1, 1}, {3, 1, 9}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t t = 0; t < sizeof varied / sizeof *varied; t++) check_writes(varied[t], shapes[s]);
        for (size_t t = 0; t < sizeof each / sizeof *each; t++) check_writes(each[t], shapes[s]);
    }
}

/* Halving and doubling is no change when it is one resampling, and far from it when it is two. */
static void a_chain_is_one_resampling(void **state) {
    (void)state;
    uint8_t *x = image_buffer(photo), *y = image_buffer(photo);
    fill(x, fv_image_size(photo), 2);
    fv_augment *one = create("resize 0.5 0.5, resize 2 2", photo);
    apply(one, 0, 0, x, y);
    assert_memory_equal(x, y, fv_image_size(photo));
    fv_augment *two = create("resize 0.5 0.5, gaussian_blur 1 1 1, resize 2 2", photo);
    apply(two, 0, 0, x, y);
    assert_memory_not_equal(x, y, fv_image_size(photo));
    fv_augment_destroy(one);
    fv_augment_destroy(two);
    free(x);
    free(y);
}

/* ---- what is drawn ---- */

enum { N_DRAWS = 4000 };

static void flips_happen_with_their_probability(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double p;
    } rows[] = {{"vflip", 0.5}, {"hflip", 0.5},     {"vflip 0", 0},
                {"hflip 1", 1}, {"hflip 0.2", 0.2}, {"hflip, hflip", 0.5}};
    const uint8_t x[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const fv_shape shape = {1, 2, 2};
        fv_augment *a = create(rows[i].text, shape);
        const uint8_t flipped[4] = {rows[i].text[0] == 'v' ? 3 : 2, rows[i].text[0] == 'v' ? 4 : 1,
                                    rows[i].text[0] == 'v' ? 1 : 4, rows[i].text[0] == 'v' ? 2 : 3};
        int n = 0;
        for (uint32_t k = 0; k < N_DRAWS; k++) {
            uint8_t y[4];
            apply(a, 0, k, x, y);
            const bool turned = memcmp(y, flipped, 4) == 0;
            if (!turned) assert_memory_equal(x, y, 4);
            n += turned;
        }
        const double four_sigma = 4 * sqrt(N_DRAWS * rows[i].p * (1 - rows[i].p));
        assert_true(fabs(n - N_DRAWS * rows[i].p) <= four_sigma);
        fv_augment_destroy(a);
    }
}

/* Uniform over [low, high]: stays inside, reaches both ends, and a tenth in each tenth (chi-square, 9 degrees of
 * freedom: below 33.7 but for one seed in 10,000). */
static void assert_uniform(const double *values, double low, double high) {
    double chi2 = 0;
    int bins[10] = {0};
    for (int i = 0; i < N_DRAWS; i++) {
        const double u = (values[i] - low) / (high - low);
        assert_true(u > -1e-9 && u < 1 + 1e-9);
        bins[u < 0 ? 0 : u >= 1 ? 9 : (int)(10 * u)]++;
    }
    for (int b = 0; b < 10; b++) chi2 += (bins[b] - N_DRAWS / 10.0) * (bins[b] - N_DRAWS / 10.0) / (N_DRAWS / 10.0);
    if (chi2 > 33.7) fail_msg("chi-square %g", chi2);
}

static fv_inverse draw_map(const fv_transform *t, const double *values, int position) {
    const fv_draw draw = {.seed = 9, .epoch = 2, .position = (uint32_t)position, .call = 1};
    return t->invert(values, digit, &draw);
}

static void angles_and_scales_are_uniform(void **state) {
    (void)state;
    static double angle[N_DRAWS], scale[N_DRAWS], shear[N_DRAWS], turn[N_DRAWS];
    for (int i = 0; i < N_DRAWS; i++) {
        fv_inverse m = draw_map(&fv_transform_rotation, (double[]){30, 0, 0}, i);
        angle[i] = atan2(m.xy, m.xx) * 180 / FV_PI;
        m = draw_map(&fv_transform_resize, (double[]){0.8, 1.25}, i);
        scale[i] = 1 / m.xx;
        m = draw_map(&fv_transform_affine, (double[]){20, 0, 1, 1, 15, 0, 0}, i);
        turn[i] = atan2(-m.yx, m.yy) * 180 / FV_PI;
        shear[i] = atan(m.xx * m.yx + m.xy * m.yy) * 180 / FV_PI;
    }
    assert_uniform(angle, -30, 30);
    assert_uniform(scale, 0.8, 1.25);
    assert_uniform(turn, -20, 20);
    assert_uniform(shear, -15, 15);
}

static void moves_are_whole_pixels_over_their_range(void **state) {
    (void)state;
    int seen[7][7] = {{0}}, moved[7][7] = {{0}};
    for (int i = 0; i < N_DRAWS; i++) {
        fv_inverse m = draw_map(&fv_transform_crop, (double[]){3}, i);
        seen[(int)m.y0 + 3][(int)m.x0 + 3]++;
        m = draw_map(&fv_transform_affine, (double[]){0, 0.1, 1, 1, 0, 0, 0}, i); /* 2.8 pixels */
        assert_true(m.x0 == floor(m.x0) && m.y0 == floor(m.y0));
        moved[(int)m.y0 + 3][(int)m.x0 + 3]++;
    }
    for (int i = 0; i < 49; i++) { /* the ends of `moved` are drawn with 0.3/1 of the others' probability */
        assert_in_range(seen[i / 7][i % 7], 40, 130);
        assert_true(moved[i / 7][i % 7] > 0);
    }
}

static void erasing_takes_its_share(void **state) {
    (void)state;
    fv_augment *a = create("erasing 0.4 area_min 0.1 area_max 0.2", photo);
    uint8_t *x = image_buffer(photo), *y = image_buffer(photo);
    memset(x, 9, fv_image_size(photo));
    int n = 0;
    for (uint32_t i = 0; i < N_DRAWS; i++) {
        apply(a, 0, i, x, y);
        size_t zeros[3] = {0};
        for (size_t k = 0; k < fv_image_size(photo); k++) zeros[k / 540] += y[k] == 0;
        assert_true(zeros[0] == zeros[1] && zeros[0] == zeros[2]);
        if (zeros[0] == 0) continue;
        n++;
        assert_in_range(zeros[0], 540 * 0.1 - 12, 540 * 0.2 + 12); /* sides are rounded */
    }
    assert_in_range(n, 0.4 * N_DRAWS - 124, 0.4 * N_DRAWS + 124); /* four standard deviations */
    fv_augment_destroy(a);
    free(x);
    free(y);
}

int main(void) {
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_written_out),
                                       cmocka_unit_test(none_is_null),
                                       cmocka_unit_test(presets_are_listed_and_parse),
                                       cmocka_unit_test(apply_is_all_or_nothing),
                                       cmocka_unit_test(errors_point_at_the_word),
                                       cmocka_unit_test(lists_are_cut_at_semicolons),
                                       cmocka_unit_test(neighbours_after_a_blur_resample_anew),
                                       cmocka_unit_test(too_many_calls_are_refused),
                                       cmocka_unit_test(bits_are_the_same_everywhere),
                                       cmocka_unit_test(draws_depend_on_their_counters_alone),
                                       cmocka_unit_test(nothing_else_is_written),
                                       cmocka_unit_test(a_chain_is_one_resampling),
                                       cmocka_unit_test(flips_happen_with_their_probability),
                                       cmocka_unit_test(angles_and_scales_are_uniform),
                                       cmocka_unit_test(moves_are_whole_pixels_over_their_range),
                                       cmocka_unit_test(erasing_takes_its_share)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
