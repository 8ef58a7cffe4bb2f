/* Softmax and its negative log-likelihood against double formulas, and every set against the others. */
#include "kernel/kernel_test.h"

enum { MOST = 1000 };

typedef struct results { /* compared bit for bit, padding included */
    _Alignas(64) float dz[MOST * 16], p[MOST * 16];
    float loss[16];
    uint16_t best[16];
} results;

typedef struct reference {
    wanted dz, p, loss;
    uint16_t best[16];
} reference;

static reference want_loss(int n, const float *z, const uint16_t *label, int n_lanes, double smoothing, double scale) {
    reference r = {wanted_create((size_t)n * 16), wanted_create((size_t)n * 16), wanted_create(16), {0}};
    for (int l = 0; l < 16; l++) {
        double most = z[l], sum = 0, below = 0;
        for (int k = 1; k < n; k++)
            if (z[k * 16 + l] > most) most = z[k * 16 + l], r.best[l] = (uint16_t)k;
        for (int k = 0; k < n; k++) sum += exp(z[k * 16 + l] - most), below += z[k * 16 + l] - most;
        for (int k = 0; k < n; k++) {
            const int at = k * 16 + l;
            const double share = exp(z[at] - most) / sum, target = smoothing / n + (k == label[l] ? 1 - smoothing : 0);
            r.p.value[at] = share;
            r.p.size[at] = share * (1 + (most - (double)z[at])) + 1e-31; /* exp magnifies rounding; 0 below e^-87 */
            if (l >= n_lanes) continue;
            r.dz.value[at] = (share - target) * scale;
            r.dz.size[at] = (r.p.size[at] + target) * scale;
        }
        if (l >= n_lanes) continue;
        const double likelihood = z[label[l] * 16 + l] - most;
        r.loss.value[l] = log(sum) - (1 - smoothing) * likelihood - smoothing * below / n;
        r.loss.size[l] = fabs(r.loss.value[l]) + smoothing * fabs(below / n) + 1;
    }
    return r;
}

static void reference_free(reference *r) {
    wanted_free(&r->dz);
    wanted_free(&r->p);
    wanted_free(&r->loss);
}

static void check_loss(int n, const float *z, const uint16_t *label, int n_lanes, float smoothing, float scale) {
    reference want = want_loss(n, z, label, n_lanes, (double)smoothing, (double)scale);
    same_bits bits = {0};
    results *got = test_alloc(1, sizeof *got);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        memset(got, 0x55, sizeof *got);
        k->softmax_loss(n, z, label, n_lanes, smoothing, scale, got->dz, got->p, got->loss, got->best);
        if (set == 0) {
            check_close("p", got->p, &want.p, n + 8);
            check_close("dz", got->dz, &want.dz, n + 8);
            check_close("loss", got->loss, &want.loss, n + 8);
            assert_memory_equal(got->best, want.best, sizeof want.best);
        }
        check_bits(&bits, "softmax_loss", k, got, sizeof *got);
        for (int only = 0; only < 3; only++) { /* without one of p and dz, or both: the rest stays the same */
            results *part = test_alloc(1, sizeof *part);
            memset(part, 0x55, sizeof *part);
            k->softmax_loss(n, z, label, n_lanes, smoothing, scale, only == 1 ? part->dz : NULL,
                            only == 2 ? part->p : NULL, part->loss, part->best);
            if (only == 1) assert_memory_equal(part->dz, got->dz, sizeof got->dz);
            if (only == 2) assert_memory_equal(part->p, got->p, sizeof got->p);
            assert_memory_equal(part->loss, got->loss, sizeof got->loss);
            assert_memory_equal(part->best, got->best, sizeof got->best);
            free(part);
        }
    }
    same_bits_free(&bits);
    free(got);
    reference_free(&want);
}

static void test_shapes(void **state) {
    (void)state;
    const int sizes[] = {1, 2, 3, 10, 26, 100, MOST};
    float *z = test_alloc(MOST * 16, sizeof *z);
    for (int i = 0; i < 7; i++)
        for (int n_lanes = 1; n_lanes <= 16; n_lanes += n_lanes == 1 ? 1 : 7) {
            uint16_t label[16];
            test_fill(z, (size_t)sizes[i] * 16, (uint32_t)(30 + i));
            for (int k = 0; k < sizes[i] * 16; k++) z[k] *= 6;
            for (int l = 0; l < 16; l++) /* labels of missing lanes are never used */
                label[l] = l < n_lanes ? (uint16_t)test_below(31, (size_t)l, (uint32_t)sizes[i]) : 65535;
            check_loss(sizes[i], z, label, n_lanes, 0, 1 / 64.0F);
            check_loss(sizes[i], z, label, n_lanes, 0.1F, 1 / 50.0F);
        }
    free(z);
}

/* Far apart, equal, enormous. */
static void test_corners(void **state) {
    (void)state;
    _Alignas(64) float z[4 * 16] = {0};
    const float values[][4] = {{0, 0, 0, 0},       {-1000, 1000, 0, 5}, {80, -8, 80, -80},    {-87, 0, -88, -86.9F},
                               {1e30F, 0, -1e30F}, {-103, -16, -2, -1}, {1e-30F, 0, -1e-30F}, {3, 3, 3.0000002F, 3}};
    uint16_t label[16];
    for (int l = 0; l < 16; l++) {
        label[l] = (uint16_t)(l / 4);
        for (int k = 0; k < 4; k++) z[k * 16 + l] = values[l % 8][k];
    }
    check_loss(4, z, label, 16, 0, 1);
    check_loss(4, z, label, 16, 0.25F, 1);
}

static void test_first_of_equals(void **state) {
    (void)state;
    _Alignas(64) float z[3 * 16];
    const uint16_t label[16] = {0};
    for (int i = 0; i < 48; i++) z[i] = i < 16 ? 1 : 2;
    float loss[16];
    uint16_t best[16];
    fv_kernels_chosen()->softmax_loss(3, z, label, 16, 0, 1, NULL, NULL, loss, best);
    for (int l = 0; l < 16; l++) assert_int_equal(best[l], 1);
}

/* A NaN among the logits must reach the loss: it is how a divergence is seen. */
static void test_not_finite(void **state) {
    (void)state;
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++)
        for (int class = 0; class < 3; class ++)
            for (int bad = 0; bad < 2; bad++) {
                _Alignas(64) float z[3 * 16] = {0};
                const uint16_t label[16] = {0};
                float loss[16];
                uint16_t best[16];
                z[class * 16 + 4] = bad ? NAN : INFINITY;
                k->softmax_loss(3, z, label, 16, 0, 1, NULL, NULL, loss, best);
                for (int l = 0; l < 16; l++) assert_int_equal(l == 4, !isfinite(loss[l]));
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_corners),
                                       cmocka_unit_test(test_first_of_equals), cmocka_unit_test(test_not_finite)};
    return RUN_KERNEL_TESTS(tests);
}
