/* mixup and cutmix: what is drawn, what becomes of the pixels, and of the loss. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/transform.h"
#include "cmocka_test.h"
#include "fovea/machine.h"
#include "train/trainer.h"

enum { N_DRAWS = 20000, SIZE = 2 * 9 * 12 };
static const fv_shape shape = {2, 9, 12};

/* ---- shares ---- */

/* Beta(a, a): mean 1/2, variance 1 / (4 (2a + 1)), fourth central moment 3 / (16 (2a + 1) (2a + 3)). */
static void shares_are_beta(void **state) {
    (void)state;
    static const double alphas[] = {0.01, 0.2, 0.5, 1, 2.5, 100};
    for (size_t k = 0; k < sizeof alphas / sizeof *alphas; k++) {
        const double a = alphas[k], variance = 1 / (4 * (2 * a + 1)), fourth = 3 / (16 * (2 * a + 1) * (2 * a + 3));
        double sum = 0, squares = 0;
        for (uint32_t i = 0; i < N_DRAWS; i++) {
            const double share = fv_draw_beta(a, &(fv_draw){.seed = 3, .position = i});
            assert_true(share >= 0 && share <= 1);
            sum += share;
            squares += (share - 0.5) * (share - 0.5);
        }
        assert_true(fabs(sum / N_DRAWS - 0.5) < 5 * sqrt(variance / N_DRAWS));
        assert_true(fabs(squares / N_DRAWS - variance) < 5 * sqrt((fourth - variance * variance) / N_DRAWS) + 1e-12);
    }
}

/* Beta(1, 1) is uniform: a tenth in each tenth (chi-square, 9 degrees of freedom). */
static void alpha_one_is_uniform(void **state) {
    (void)state;
    int count[10] = {0};
    double chi2 = 0;
    for (uint32_t i = 0; i < N_DRAWS; i++) count[(int)(10 * fv_draw_beta(1, &(fv_draw){.seed = 5, .position = i}))]++;
    for (int b = 0; b < 10; b++) chi2 += pow(count[b] - N_DRAWS / 10, 2) / (N_DRAWS / 10);
    if (chi2 > 33.7) fail_msg("chi-square %g", chi2);
}

/* torchvision's: half sides int(0.5 sqrt(1 - share) side), cut at the border, and the share that is left. */
static void boxes_are_torchvisions(void **state) {
    (void)state;
    static const struct {
        double share;
        int row, column, top, left, h, w;
    } rows[] = {{0.75, 4, 6, 2, 3, 4, 6},
                {0.75, 0, 11, 0, 8, 2, 4},
                {0, 4, 6, 0, 0, 8, 12},
                {1, 4, 6, 4, 6, 0, 0},
                {0.3, 8, 0, 5, 0, 4, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const fv_mix mix = fv_cutmix_box(rows[i].share, rows[i].row, rows[i].column, shape);
        assert_true(mix.pastes);
        assert_int_equal(mix.top, rows[i].top);
        assert_int_equal(mix.left, rows[i].left);
        assert_int_equal(mix.h, rows[i].h);
        assert_int_equal(mix.w, rows[i].w);
        assert_true(fabs(mix.share - (1 - rows[i].h * rows[i].w / 108.0)) < 1e-15);
    }
}

/* ---- blocks ---- */

static fv_augment *create(const char *text) {
    fv_error error = {0};
    fv_augment *a = NULL;
    if (fv_augment_create(text, shape, &a, &error) != FV_OK) fail_msg("%s: %s", text, error.message);
    return a;
}

static void fill(uint8_t *images, int n) {
    for (int i = 0; i < n * SIZE; i++) images[i] = (uint8_t)fv_philox(1, FV_RANDOM_TEST, (uint32_t)i, 0, 0, 0).word[0];
}

static void mix(const fv_augment *a, uint32_t position, int n, uint8_t *images, fv_mixture *out) {
    void *scratch = malloc(fv_augment_scratch(a));
    fv_augment_mix(a, 9, 2, position, n, images, out, scratch);
    free(scratch);
}

/* Every image against the images as they were: blended by its share, or a box of as many pixels as its share says. */
static void check_block(const char *text, int n) {
    fv_augment *a = create(text);
    uint8_t before[16 * SIZE], after[16 * SIZE];
    fv_mixture m;
    fill(before, 16);
    memcpy(after, before, sizeof after);
    mix(a, 48, n, after, &m);
    for (int l = 0; l < n; l++) {
        const uint8_t *x = before + l * SIZE, *y = after + l * SIZE, *other = before + (l ? l - 1 : n - 1) * SIZE;
        const double share = (double)m.share[l];
        int pasted = 0;
        assert_int_equal(m.partner[l], l ? l - 1 : n - 1);
        for (int k = 0; k < SIZE; k++) {
            if (text[0] == 'm') assert_true(fabs(y[k] - share * x[k] - (1 - share) * other[k]) < 0.501);
            if (text[0] == 'c') assert_true(y[k] == x[k] || y[k] == other[k]);
            pasted += y[k] == other[k] && y[k] != x[k];
        }
        /* one level in 256 is the same in both */
        if (text[0] == 'c') assert_true(fabs(pasted - (1 - share) * SIZE) <= 8);
    }
    assert_memory_equal(after + n * SIZE, before + n * SIZE, (size_t)((16 - n) * SIZE));
    for (int l = n; l < 16; l++) assert_true(m.share[l] == 1 && m.partner[l] == l);
    fv_augment_destroy(a);
}

static void blocks_are_mixed(void **state) {
    (void)state;
    for (int n = 2; n <= 16; n += 7) {
        check_block("mixup 1", n);
        check_block("cutmix 1", n);
    }
}

static void a_single_image_stays(void **state) {
    (void)state;
    fv_augment *a = create("mixup");
    uint8_t before[SIZE], after[SIZE];
    fv_mixture m;
    fill(before, 1);
    memcpy(after, before, SIZE);
    mix(a, 0, 1, after, &m);
    assert_memory_equal(after, before, SIZE);
    assert_true(m.share[0] == 1 && m.partner[0] == 0);
    mix(NULL, 0, 1, after, &m);
    assert_true(m.share[15] == 1 && m.partner[15] == 15);
    fv_augment_destroy(a);
}

/* `apply P` leaves mixing out as it leaves out the rest, for the same images. */
static void apply_covers_mixing(void **state) {
    (void)state;
    fv_augment *a = create("apply 0.4, invert 1, mixup");
    uint8_t images[16 * SIZE];
    int n_mixed = 0;
    for (uint32_t block = 0; block < 200; block++) {
        fv_mixture m;
        fill(images, 16);
        mix(a, 16 * block, 16, images, &m);
        void *scratch = malloc(fv_augment_scratch(a));
        for (uint32_t l = 0; l < 16; l++) {
            uint8_t x[SIZE] = {0}, y[SIZE];
            fv_augment_apply(a, 9, 2, 16 * block + l, x, y, scratch);
            assert_int_equal(y[0] == 255, m.share[l] < 1);
            n_mixed += m.share[l] < 1;
        }
        free(scratch);
    }
    assert_in_range(n_mixed, 0.4 * 3200 - 139, 0.4 * 3200 + 139); /* five standard deviations */
    fv_augment_destroy(a);
}

static void mixing_is_the_last_call(void **state) {
    (void)state;
    fv_error error = {0};
    fv_augment *a = create("mixup 0.2");
    assert_true(fv_augment_mixes(a));
    assert_string_equal(fv_augment_text(a), "mixup 0.2");
    fv_augment_destroy(a);
    a = create("hflip");
    assert_false(fv_augment_mixes(a) || fv_augment_mixes(NULL));
    fv_augment_destroy(a);
    assert_int_equal(fv_augment_create("mixup, hflip", shape, &a, &error), FV_E_TEXT);
    assert_non_null(strstr(error.message, "`mixup` mixes whole images: it must be the last transform"));
    assert_int_equal(fv_augment_create("cutmix, mixup", shape, &a, &error), FV_E_TEXT);
    assert_int_equal(fv_augment_create("mixup 0", shape, &a, &error), FV_E_TEXT);
}

/* ---- the loss ---- */

/* -sum t log p and (p - t) scale, with t = (1 - s) (share e_own + (1 - share) e_other) + s / n. */
static void the_loss_is_the_soft_targets(void **state) {
    (void)state;
    enum { N = 7 };
    _Alignas(64) float z[N * 16], dz[N * 16];
    const double smoothing = 0.1, scale = 1 / 40.0;
    const int n_lanes = 13;
    uint16_t label[16], best[16];
    float loss[16];
    fv_mixture m;
    for (int l = 0; l < 16; l++) {
        for (int k = 0; k < N; k++)
            z[k * 16 + l] = 8 * fv_unit(fv_philox(2, FV_RANDOM_TEST, (uint32_t)(16 * k + l), 0, 0, 0).word[0]) - 4;
        label[l] = (uint16_t)(l * 3 % N);
        m.partner[l] = (uint8_t)(l ? l - 1 : n_lanes - 1);
        m.share[l] = (float)l / 12;
        if (m.share[l] > 1) m.share[l] = 1;
    }
    label[4] = label[3]; /* mixed with its own class */
    fv_kernels_chosen()->softmax_loss(N, z, label, n_lanes, (float)smoothing, (float)scale, dz, NULL, loss, best);
    fv_loss_mix(&m, label, n_lanes, (float)smoothing, (float)scale, z, dz, loss);
    for (int l = 0; l < n_lanes; l++) {
        double sum = 0, want = 0;
        for (int k = 0; k < N; k++) sum += exp((double)z[k * 16 + l]);
        for (int k = 0; k < N; k++) {
            const double share = (double)m.share[l], log_p = (double)z[k * 16 + l] - log(sum);
            const double t =
                (1 - smoothing) * (share * (k == label[l]) + (1 - share) * (k == label[m.partner[l]])) + smoothing / N;
            want -= t * log_p;
            assert_true(fabs((double)dz[k * 16 + l] - (exp(log_p) - t) * scale) < 1e-7);
        }
        assert_true(fabs((double)loss[l] - want) < 3e-6);
    }
    for (int l = n_lanes; l < 16; l++) assert_true(loss[l] == 0 && dz[l] == 0);
}

int main(void) {
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_beta),         cmocka_unit_test(alpha_one_is_uniform),
        cmocka_unit_test(boxes_are_torchvisions),  cmocka_unit_test(blocks_are_mixed),
        cmocka_unit_test(a_single_image_stays),    cmocka_unit_test(apply_covers_mixing),
        cmocka_unit_test(mixing_is_the_last_call), cmocka_unit_test(the_loss_is_the_soft_targets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
