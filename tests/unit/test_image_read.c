/* Image files of every kind, made by tests/cli/images/make_images.py. */
#include <stdio.h>
#include <string.h>

#include "cmocka_test.h"
#include "fovea/image.h"

enum { SIDE = 8, PIXELS = SIDE * SIDE };

/* grey.png: a 3 of scikit-learn's digits. */
static const uint8_t three[PIXELS] = {0, 32, 143, 239, 223, 143, 48, 0, 0, 64, 207, 128, 143, 255, 128, 0,
                                      0, 0,  0,   96,  223, 239, 48, 0, 0, 0,  0,   175, 223, 32,  0,   0,
                                      0, 0,  0,   32,  239, 175, 0,  0, 0, 0,  0,   0,   32,  239, 64,  0,
                                      0, 16, 80,  96,  207, 255, 96, 0, 0, 32, 191, 191, 207, 175, 0,   0};

static fv_status read_png(const char *file, fv_shape shape, bool invert, uint8_t *out, fv_error *error) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/cli/images/%s", FOVEA_SOURCE_DIR, file);
    return fv_image_read(path, shape, FV_FIT_STRETCH, invert, out, error);
}

static void expect(const char *file, fv_shape shape, bool invert, const uint8_t *expected) {
    uint8_t out[3 * PIXELS];
    fv_error error = {0};
    if (read_png(file, shape, invert, out, &error) != FV_OK) fail_msg("%s", error.message);
    size_t n = (size_t)(shape.c * shape.h * shape.w);
    for (size_t i = 0; i < n; i++)
        if (out[i] != expected[i]) fail_msg("%s: value %zu is %d, not %d", file, i, out[i], expected[i]);
}

static void every_kind_gives_the_same_pixels(void **state) {
    (void)state;
    static const char *const files[] = {"grey.png",    "colour.png", "large.png",     "sixteen.png",
                                        "palette.png", "alpha.png",  "interlaced.png"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        expect(files[i], (fv_shape){1, SIDE, SIDE}, false, three);
    expect("inverted.png", (fv_shape){1, SIDE, SIDE}, true, three);
    uint8_t bits[PIXELS];
    for (int i = 0; i < PIXELS; i++) bits[i] = three[i] > 127 ? 255 : 0;
    expect("one-bit.png", (fv_shape){1, SIDE, SIDE}, false, bits);
}

static void channels_are_converted(void **state) {
    (void)state;
    expect("rgbw.png", (fv_shape){1, 2, 2}, false, (const uint8_t[]){76, 150, 29, 255});
    expect("rgbw.png", (fv_shape){3, 2, 2}, false, (const uint8_t[]){255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255});
    uint8_t thrice[3 * PIXELS];
    for (int c = 0; c < 3; c++) memcpy(thrice + c * PIXELS, three, PIXELS);
    expect("grey.png", (fv_shape){3, SIDE, SIDE}, false, thrice);
}

static void shrinking_averages_areas(void **state) {
    (void)state;
    /* (0 + 32 + 0 + 64) / 4 = 24, (143 + 239 + 207 + 128) / 4 = 179.25, ... */
    expect("grey.png", (fv_shape){1, 4, 4}, false,
           (const uint8_t[]){24, 179, 191, 44, 0, 68, 179, 12, 0, 8, 171, 16, 12, 140, 211, 24});
    /* each axis by itself; 16 columns 0, 16, ..., 240 */
    expect("ramp.png", (fv_shape){1, 4, 4}, false,
           (const uint8_t[]){24, 88, 152, 216, 24, 88, 152, 216, 24, 88, 152, 216, 24, 88, 152, 216});
    /* 5 1/3 columns each: (0 + 16 + 32 + 48 + 64 + 80 / 3) / (5 1/3) = 35, ... */
    expect("ramp.png", (fv_shape){1, 1, 3}, false, (const uint8_t[]){35, 120, 205});
}

static void growing_is_linear(void **state) {
    (void)state;
    uint8_t out[PIXELS], small[16];
    fv_error error;
    assert_int_equal(read_png("tiny.png", (fv_shape){1, 4, 4}, false, small, &error), FV_OK);
    assert_int_equal(read_png("tiny.png", (fv_shape){1, SIDE, SIDE}, false, out, &error), FV_OK);
    assert_int_equal(out[0], small[0]); /* beyond the outermost centres nothing changes */
    assert_int_equal(out[PIXELS - 1], small[15]);
    assert_int_equal(out[1], (3 * small[0] + small[1] + 2) / 4);
    assert_int_equal(out[SIDE + 1], (9 * small[0] + 3 * small[1] + 3 * small[4] + small[5] + 8) / 16);
}

static void bad_files_are_told(void **state) {
    (void)state;
    static const struct {
        const char *file;
        int channels;
        fv_status status;
        const char *says;
    } cases[] = {
        {"missing.png", 1, FV_E_IO, "missing.png: could not be read"},
        {"make_images.py", 1, FV_E_DATA, "is no PNG, JPEG, WebP"},
        {"cut.png", 1, FV_E_DATA, "broken PNG"},
        {"flipped.png", 1, FV_E_DATA, "broken PNG"},
        {"huge.png", 1, FV_E_DATA, "more than the 256 MiB that are read"},
        {"grey.png", 2, FV_E_SHAPE, "2 channels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[2 * PIXELS];
        fv_error error = {0};
        fv_status status = read_png(cases[i].file, (fv_shape){cases[i].channels, SIDE, SIDE}, false, out, &error);
        if (status != cases[i].status) fail_msg("%s: status %d: %s", cases[i].file, (int)status, error.message);
        if (!strstr(error.message, cases[i].says)) fail_msg("%s: %s", cases[i].file, error.message);
    }
}

/* 16000 x 8000 pixels in 40 bytes, in each of the three first chunks that a WebP may have. */
static void a_webp_that_promises_too_much(void **state) {
    (void)state;
    static const struct {
        const char *chunk;
        uint8_t data[10];
    } cases[] = {{"VP8X", {0, 0, 0, 0, 0x7f, 0x3e, 0, 0x3f, 0x1f, 0}},
                 {"VP8L", {0x2f, 0x7f, 0xfe, 0xcf, 0x07}},
                 {"VP8 ", {0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x3e, 0x40, 0x1f}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[40] = "RIFF\x20\0\0\0WEBP", out[16];
        memcpy(bytes + 12, cases[i].chunk, 4);
        bytes[16] = 20;
        memcpy(bytes + 20, cases[i].data, sizeof cases[i].data);
        fv_error error = {0};
        fv_status status =
            fv_image_read_bytes("a.webp", bytes, sizeof bytes, (fv_shape){1, 4, 4}, FV_FIT_STRETCH, false, out, &error);
        assert_int_equal(status, FV_E_DATA);
        assert_string_equal(error.message,
                            "a.webp: has 16000 x 8000 pixels, more than the 256 MiB that are read: shrink it first");
    }
}

/* One column of grey, too tall to be asked for in one piece; cut short; and far taller than its bytes. */
static void a_tall_picture(void **state) {
    (void)state;
    enum { HEIGHT = 40000 };
    static uint8_t bytes[HEIGHT + 32];
    int n = snprintf((char *)bytes, sizeof bytes, "P5 1 %d 255\n", HEIGHT);
    uint8_t out[2];
    fv_error error = {0};
    fv_shape shape = {1, 2, 1};
    memset(bytes + n, 10, HEIGHT / 2);
    memset(bytes + n + HEIGHT / 2, 250, HEIGHT / 2);
    assert_int_equal(fv_image_read_bytes("a.pgm", bytes, (size_t)n + HEIGHT, shape, FV_FIT_STRETCH, false, out, &error),
                     FV_OK);
    assert_int_equal(out[0], 10);
    assert_int_equal(out[1], 250);
    assert_int_equal(fv_image_read_bytes("a.pgm", bytes, 20000, shape, FV_FIT_STRETCH, false, out, &error), FV_E_DATA);
    assert_int_equal(fv_image_read_bytes("a.pgm", bytes, 40, shape, FV_FIT_STRETCH, false, out, &error), FV_E_DATA);
    assert_string_equal(error.message, "a.pgm: a broken PNM: 40 bytes cannot hold the 1 x 40000 pixels it promises");
}

/* libvips takes no size, or one too large, for 1. */
static void a_pnm_without_size(void **state) {
    (void)state;
    uint8_t out[2];
    fv_error error = {0};
    fv_shape shape = {1, 2, 1};
    static const char *const sizeless[] = {"P4 0 0\n", "P4 99999999999 3\n", "P6 5 0 255\n", "P5 5 -3 255\n", "P5",
                                           "P5 #"};
    for (size_t i = 0; i < sizeof sizeless / sizeof *sizeless; i++) {
        char bytes[64];
        int n = snprintf(bytes, sizeof bytes, "%s%20s", sizeless[i], "");
        assert_int_equal(fv_image_read_bytes("a.pnm", bytes, (size_t)n, shape, FV_FIT_STRETCH, false, out, &error),
                         FV_E_DATA);
        assert_non_null(strstr(error.message, "no size"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_gives_the_same_pixels),
        cmocka_unit_test(channels_are_converted),
        cmocka_unit_test(shrinking_averages_areas),
        cmocka_unit_test(growing_is_linear),
        cmocka_unit_test(bad_files_are_told),
        cmocka_unit_test(a_webp_that_promises_too_much),
        cmocka_unit_test(a_tall_picture),
        cmocka_unit_test(a_pnm_without_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
