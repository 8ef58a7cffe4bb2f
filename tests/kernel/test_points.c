/* What points do to each other, against double sums, and every set against the others. */
#include "kernel/kernel_test.h"

enum { POINTS = 300 };

static void test_within(void **state) {
    (void)state;
    enum { N = 7 };
    _Alignas(64) float product[N * FV_LANES], norm[FV_LANES], limit[N];
    test_fill_coarse(product, N * FV_LANES, 1);
    test_fill_coarse(norm, FV_LANES, 2);
    test_fill_coarse(limit, N, 3);
    norm[15] = INFINITY;
    limit[5] = INFINITY;
    limit[6] = -INFINITY;
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        uint16_t which[N + 1];
        memset(which, 0x5a, sizeof which);
        k->within(N, product, norm, limit, which);
        for (int i = 0; i < N; i++)
            for (int l = 0; l < FV_LANES; l++)
                assert_int_equal(which[i] >> l & 1, product[i * FV_LANES + l] + norm[l] < limit[i]);
        assert_int_equal(which[N], 0x5a5a);
    }
}

/* Rows of 0, 1, 2, 3 times sixteen edges. */
static void test_attract(void **state) {
    (void)state;
    enum { ROWS = 19, MOST = ROWS * 3 * FV_LANES };
    float *xy = test_alloc(POINTS, 2 * sizeof *xy), *p = test_alloc(MOST, sizeof *p);
    float *force = test_alloc(ROWS + 8, 2 * sizeof *force);
    uint32_t start[ROWS + 1] = {0}, to[MOST];
    test_fill(xy, 2 * POINTS, 1);
    test_fill(p, MOST, 2);
    for (int i = 0; i < 2 * POINTS; i++) xy[i] *= 3;
    for (int i = 0; i < ROWS; i++) start[i + 1] = start[i] + (uint32_t)(i % 4) * FV_LANES;
    for (uint32_t e = 0; e < MOST; e++) to[e] = test_below(3, e, POINTS);
    wanted want = wanted_create(2 * ROWS);
    for (size_t i = 0; i < ROWS; i++)
        for (uint32_t e = start[i]; e < start[i + 1]; e++) {
            double d[2], square = 0;
            for (size_t axis = 0; axis < 2; axis++) {
                d[axis] = (double)xy[2 * i + axis] - (double)xy[2 * to[e] + axis];
                square += d[axis] * d[axis];
            }
            for (size_t axis = 0; axis < 2; axis++) {
                want.value[2 * i + axis] += (double)p[e] * d[axis] / (1 + square);
                want.size[2 * i + axis] += fabs((double)p[e] * d[axis] / (1 + square)) + 1e-3;
            }
        }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        for (int i = 0; i < 2 * (ROWS + 8); i++) force[i] = 55;
        k->attract(0, 8, start, to, p, xy, force);
        k->attract(8, ROWS, start, to, p, xy, force);
        if (set == 0) check_close("attract", force, &want, 10);
        for (int i = 2 * ROWS; i < 2 * (ROWS + 8); i++) assert_true(force[i] == 55);
        check_bits(&bits, "attract", k, force, 2 * ROWS * sizeof *force);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(xy);
    free(p);
    free(force);
}

static void test_repel(void **state) {
    (void)state;
    enum { PADDED = (POINTS + FV_LANES - 1) / FV_LANES * FV_LANES };
    float *at = test_alloc(5 * PADDED, sizeof *at), *x = at, *y = at + PADDED, *out = at + 2 * PADDED;
    test_fill(x, POINTS, 1);
    test_fill(y, POINTS, 2);
    for (int i = 0; i < POINTS; i++) x[i] *= 5, y[i] *= 5;
    wanted want = wanted_create(3 * PADDED);
    for (int i = 0; i < PADDED; i++)
        for (int j = 0; j < POINTS; j++) {
            const double dx = (double)x[i] - (double)x[j], dy = (double)y[i] - (double)y[j];
            const double q = 1 / (1 + dx * dx + dy * dy), term[3] = {q * q * dx, q * q * dy, q};
            for (int part = 0; part < 3; part++) {
                want.value[part * PADDED + i] += term[part];
                want.size[part * PADDED + i] += fabs(term[part]) + 1e-3 * q;
            }
        }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        memset(out, 0, 3 * PADDED * sizeof *out);
        k->repel(0, 16, POINTS, x, y, out, out + PADDED, out + 2 * PADDED);
        k->repel(16, PADDED, POINTS, x, y, out, out + PADDED, out + 2 * PADDED);
        if (set == 0) check_close("repel", out, &want, 300);
        check_bits(&bits, "repel", k, out, 3 * PADDED * sizeof *out);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(at);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_within), cmocka_unit_test(test_attract),
                                       cmocka_unit_test(test_repel)};
    return RUN_KERNEL_TESTS(tests);
}
