/* The kernels that measure the machine do the work that they count. */
#include "kernel/kernel_test.h"

static void test_chains(void **state) {
    (void)state;
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++)
        for (size_t n = 0; n < 20; n += 3) {
            float sums[192];
            const size_t done = k->fma_chains(n, 0.5F, sums), lanes = k->fma_chains(1, 0.5F, sums) / 12;
            assert_true(lanes == 4 || lanes == 8 || lanes == 16);
            assert_int_equal(done, n * 12 * lanes);
            k->fma_chains(n, 0.5F, sums);
            for (size_t i = 0; i < 12 * lanes; i++) { /* a - 1 is halved by every step */
                const double want = 1 + ((double)(i / lanes) - 1) / (double)(1 << n);
                if (fabs((double)sums[i] - want) > 1e-6)
                    fail_msg("%s, %zu steps, chain %zu: %g, not %g", k->name, n, i / lanes, (double)sums[i], want);
            }
        }
}

static void test_sum(void **state) {
    (void)state;
    const fv_kernels *k;
    const size_t sizes[] = {0, 128, 1280};
    float *x = test_alloc(1280, sizeof *x);
    test_fill_coarse(x, 1280, 5);
    for (int set = 0; (k = test_set(set)); set++)
        for (int s = 0; s < 3; s++) {
            double want = 0;
            for (size_t i = 0; i < sizes[s]; i++) want += (double)x[i];
            assert_true((double)k->stream_sum(sizes[s], x) == want);
        }
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chains), cmocka_unit_test(test_sum)};
    return RUN_KERNEL_TESTS(tests);
}
