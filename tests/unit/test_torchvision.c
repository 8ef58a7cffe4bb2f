/* Every transform at given parameters against torchvision's values (tests/golden/make_augment.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/transform.h"
#include "cmocka_test.h"
#include "data/images.h"
#include "fovea/machine.h"
#include "golden/golden_file.h"

static uint8_t *image_buffer(fv_shape shape) {
    uint8_t *at = calloc(fv_image_size(shape) + FV_IMAGE_SLACK, 1);
    assert_non_null(at);
    return at;
}

static void resample(const fv_inverse *m, fv_shape shape, bool nearest, const uint8_t *x, uint8_t *y) {
    const fv_kernels *k = fv_kernels_chosen();
    const double reach = 2.0 * (shape.h + shape.w);
    const fv_resample plan = fv_resample_plan(m, shape, fv_resample_shift(shape, reach), nearest);
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    void *scratch = malloc(k->resample_scratch(shape.h, shape.w));
    for (int c = 0; c < shape.c; c++) k->resample(&plan, x + (size_t)c * plane, y + (size_t)c * plane, scratch);
    free(scratch);
}

static void blur(int kernel, double sigma, fv_shape shape, const uint8_t *x, uint8_t *y) {
    const fv_kernels *k = fv_kernels_chosen();
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    uint16_t weights[FV_MAX_SIDE / 2];
    fv_blur_weights(kernel / 2, sigma, weights);
    void *scratch = malloc(k->blur_scratch(shape.h, shape.w, kernel / 2));
    for (int c = 0; c < shape.c; c++)
        k->blur(shape.h, shape.w, kernel / 2, weights, x + (size_t)c * plane, y + (size_t)c * plane, scratch);
    free(scratch);
}

/* torchvision's rotate turns counter-clockwise, its affine clockwise. */
static fv_inverse map_of(const char *operation, const double p[5]) {
    const fv_inverse flip = {.xx = 1, .yy = -1};
    if (strcmp(operation, "rotate") == 0) return fv_inverse_affine(-p[0], 0, 0, 1, 0);
    if (strcmp(operation, "rotate_vflip") == 0) return fv_inverse_join(fv_inverse_affine(-p[0], 0, 0, 1, 0), flip);
    if (strcmp(operation, "affine") == 0) return fv_inverse_affine(p[0], p[1], p[2], p[3], p[4]);
    if (strcmp(operation, "crop") == 0) return (fv_inverse){.xx = 1, .yy = 1, .x0 = p[2] - p[0], .y0 = p[1] - p[0]};
    if (strcmp(operation, "translate") == 0) return fv_inverse_affine(0, p[0], p[1], 1, 0);
    if (strcmp(operation, "scale") == 0) return fv_inverse_affine(0, 0, 0, p[0], 0);
    if (strcmp(operation, "shear") == 0) return fv_inverse_affine(0, 0, 0, 1, p[0]);
    if (strcmp(operation, "vflip") == 0) return flip;
    assert_string_equal(operation, "hflip");
    return (fv_inverse){.xx = -1, .yy = 1};
}

static void apply_field(const golden_file *file, const char *image, fv_shape shape, const fv_places *at) {
    char name[48];
    const size_t n = (size_t)shape.h * (size_t)shape.w;
    snprintf(name, sizeof name, "field/%s/dx", image);
    float *dx = realloc(golden_floats(file, name, n), (n + FV_IMAGE_SLACK) * sizeof *dx);
    snprintf(name, sizeof name, "field/%s/dy", image);
    float *dy = realloc(golden_floats(file, name, n), (n + FV_IMAGE_SLACK) * sizeof *dy);
    assert_true(dx && dy);
    fv_kernels_chosen()->displace(shape.h, shape.w, shape.w, dx, dy, at->x, at->y);
    free(dx);
    free(dy);
}

/* Those that give each pixel its place; false where the operation is not one of them. */
static bool warp(const golden_file *file, const char *image, const char *operation, const double p[5], fv_shape shape,
                 const uint8_t *x, uint8_t *y) {
    static const double inwards[3][4][2] = {
        {{0}}, {{3, 1}, {0, 5}, {2, 2}, {6, 0}}, {{5, 4}, {5, 0}, {0, 3}, {1, 7}}}; /* CORNERS of make_augment.py */
    const double right = shape.w - 1, bottom = shape.h - 1;
    const double corners[4][2] = {{0, 0}, {right, 0}, {right, bottom}, {0, bottom}};
    double moved[4][2];
    void *scratch = malloc(fv_places_scratch(shape));
    const fv_places at = fv_places_in(shape, scratch);
    bool known = true;
    if (strcmp(operation, "resized_crop") == 0) {
        fv_resized_crop_places((int)p[0], (int)p[1], (int)p[2], (int)p[3], shape, &at);
    } else if (strcmp(operation, "elastic") == 0) {
        apply_field(file, image, shape, &at);
    } else if (strcmp(operation, "perspective") == 0) {
        for (int i = 0; i < 4; i++)
            for (int axis = 0; axis < 2; axis++) {
                const double in = inwards[(int)p[0]][i][axis];
                moved[i][axis] = corners[i][axis] + (corners[i][axis] > 0 ? -in : in);
            }
        assert_true(fv_perspective_places(corners, moved, shape, &at));
    } else {
        known = false;
    }
    if (known) fv_warp(&at, shape, x, y);
    free(scratch);
    return known;
}

/* Those that filter plane by plane; false where the operation is not one of them. */
static bool filter(const char *operation, const double p[5], fv_shape shape, const uint8_t *x, uint8_t *y) {
    const fv_kernels *k = fv_kernels_chosen();
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    const bool median = strcmp(operation, "median") == 0;
    const int radius = (int)p[0] / 2;
    int32_t step[32][2];
    if (!median && strcmp(operation, "motion") != 0) return false;
    const int n = median ? 0 : fv_motion_line(radius, p[1], step);
    void *scratch =
        malloc(median ? k->median_scratch(shape.h, shape.w, radius) : k->blur_scratch(shape.h, shape.w, radius));
    for (int c = 0; c < shape.c; c++, x += plane, y += plane) {
        if (median)
            k->median(shape.h, shape.w, radius, x, y, scratch);
        else
            k->blur_line(shape.h, shape.w, radius, n, step, x, y, scratch);
    }
    free(scratch);
    return true;
}

/* Those that change levels in place. */
static const struct {
    const char *operation;
    void (*plain)(fv_shape shape, uint8_t *x);
    void (*by_factor)(fv_shape shape, double factor, uint8_t *x);
} level_changes[] = {{"brightness", NULL, fv_adjust_brightness},
                     {"contrast", NULL, fv_adjust_contrast},
                     {"saturation", NULL, fv_adjust_saturation},
                     {"hue", NULL, fv_adjust_hue},
                     {"solarize", NULL, fv_solarize},
                     {"invert", fv_invert, NULL},
                     {"equalize", fv_equalize, NULL},
                     {"autocontrast", fv_autocontrast, NULL}};

/* False where the operation does not change levels. */
static bool change_levels(const golden_file *file, const char *image, const char *operation, const double p[5],
                          fv_shape shape, const uint8_t *x, uint8_t *y) {
    memcpy(y, x, fv_image_size(shape));
    for (size_t i = 0; i < sizeof level_changes / sizeof *level_changes; i++) {
        if (strcmp(operation, level_changes[i].operation) != 0) continue;
        if (level_changes[i].plain)
            level_changes[i].plain(shape, y);
        else
            level_changes[i].by_factor(shape, p[0], y);
        return true;
    }
    if (strcmp(operation, "posterize") == 0) {
        fv_posterize(shape, (int)p[0], y);
    } else if (strcmp(operation, "sharpness") == 0) {
        fv_adjust_sharpness(shape, p[0], x, y);
    } else if (strcmp(operation, "noise") == 0) {
        char name[32];
        snprintf(name, sizeof name, "noise/%s", image);
        float *noise = golden_floats(file, name, fv_image_size(shape));
        fv_add_noise(fv_image_size(shape), noise, p[0], y);
        free(noise);
    } else {
        return false;
    }
    return true;
}

/* False where the operation is no policy's. */
static bool policy(const char *operation, const double p[5], fv_shape shape, const uint8_t *x, uint8_t *y) {
    if (strcmp(operation, "policy") != 0) return false;
    uint8_t *own = image_buffer(shape);
    void *scratch = malloc(fv_kernels_chosen()->resample_scratch(shape.h, shape.w));
    memcpy(own, x, fv_image_size(shape));
    if (!fv_policy_operation((int)p[0], p[1], shape, own, y, scratch)) memcpy(y, own, fv_image_size(shape));
    free(own);
    free(scratch);
    return true;
}

static void run_case(const golden_file *file, const char *image, const char *operation, const char *mode,
                     const double p[5], fv_shape shape, const uint8_t *x, uint8_t *y) {
    if (strcmp(operation, "blur") == 0) {
        blur((int)p[0], p[1], shape, x, y);
    } else if (strcmp(operation, "erase") == 0) {
        memcpy(y, x, fv_image_size(shape));
        fv_erase(shape, (int)p[0], (int)p[1], (int)p[2], (int)p[3], y);
    } else if (!warp(file, image, operation, p, shape, x, y) && !filter(operation, p, shape, x, y) &&
               !policy(operation, p, shape, x, y) && !change_levels(file, image, operation, p, shape, x, y)) {
        const fv_inverse m = map_of(operation, p);
        resample(&m, shape, strcmp(mode, "exact") == 0, x, y);
    }
}

/* Grey levels between us and torchvision. Nearest pixels are the same ones: none of these cases has a tie. A blur is
 * held against torchvision's value before its rounding: half a level is ours. Bilinear places are whole 1/256 pixels,
 * which moves a value by less than a level where neighbours differ by 255: held against the rounded value. */
static double distance(const char *mode, double got, double want) {
    return fabs(got - (strcmp(mode, "bilinear") == 0 ? rint(want) : want));
}
static double allowed(const char *mode) {
    return strcmp(mode, "exact") == 0 ? 0 : strcmp(mode, "blur") == 0 ? 0.52 : 1;
}

static void agrees_with_torchvision(void **state) {
    (void)state;
    golden_file *file = golden_read(FOVEA_SOURCE_DIR "/tests/golden/augment.golden");
    int n_cases = 0, n_off = 0;
    for (int i = 0; i < file->n_records; i++) {
        const golden_record *r = &file->record[i];
        char operation[16], image[32] = "image/", mode[16];
        double p[5];
        if (sscanf(r->name, "%15[^/]/%15[^/]/%15[^/]/%lf/%lf/%lf/%lf/%lf", operation, image + 6, mode, &p[0], &p[1],
                   &p[2], &p[3], &p[4]) != 8)
            continue;
        const golden_record *source = golden_find(file, image);
        assert_non_null(source);
        const fv_shape shape = {source->size[0], source->size[1], source->size[2]};
        uint8_t *x = image_buffer(shape), *y = image_buffer(shape);
        memcpy(x, source->data, source->n);
        run_case(file, image + 6, operation, mode, p, shape, x, y);
        double worst = 0;
        for (size_t k = 0; k < r->n; k++) {
            float want = ((const uint8_t *)r->data)[k];
            if (strcmp(mode, "exact") != 0) memcpy(&want, (const char *)r->data + 4 * k, 4);
            worst = fmax(worst, distance(mode, y[k], (double)want));
        }
        free(x);
        free(y);
        n_cases++;
        if (worst <= allowed(mode)) continue;
        print_error("%s: %g grey levels from torchvision\n", r->name, worst);
        n_off++;
    }
    assert_int_equal(n_off, 0);
    assert_int_equal(n_cases, 201);
    golden_free(file);
}

static void erased_areas_are_rounded_as_torchvision_does(void **state) {
    (void)state;
    int h, w;
    fv_erase_size(0.1 * 784, 0.5, &h, &w); /* sqrt(39.2), sqrt(156.8) */
    assert_int_equal(h, 6);
    assert_int_equal(w, 13);
    fv_erase_size(0.1 * 784, 2, &h, &w);
    assert_int_equal(h, 13);
    assert_int_equal(w, 6);
    fv_erase_size(0.33 * 784, 3.3, &h, &w); /* sqrt(853.8), sqrt(78.4) */
    assert_int_equal(h, 29);
    assert_int_equal(w, 9);
}

int main(void) {
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_torchvision),
                                       cmocka_unit_test(erased_areas_are_rounded_as_torchvision_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
