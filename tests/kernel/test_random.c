/* Words of Philox and normal numbers for whole images, on every set that runs. (Dropout's masks: test_pointwise.c.) */
#include "kernel/kernel_test.h"

enum { N = 1 << 16 };

static void words_are_philox(void **state) {
    (void)state;
    const uint64_t seed = 0x123456789ABCDEFu;
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        uint32_t *words = test_alloc(256 + 1, sizeof *words);
        words[256] = 77;
        k->random_words(fv_philox_key0(seed), FV_RANDOM_AUGMENT, 5, 6, 7, 0xFFFFFFF8u, 256, words);
        for (uint32_t i = 0; i < 64; i++) {
            const fv_words4 want = fv_philox(seed, FV_RANDOM_AUGMENT, 5, 6, 7, 0xFFFFFFF8u + i); /* runs over */
            for (uint32_t w = 0; w < 4; w++) assert_int_equal(words[i / 16 * 64 + 16 * w + i % 16], want.word[w]);
        }
        assert_int_equal(words[256], 77);
        check_bits(&bits, "random_words", k, words, 256 * sizeof *words);
        free(words);
    }
    same_bits_free(&bits);
}

/* Each number against Box and Muller in double. */
static void normals_are_box_and_mullers(void **state) {
    (void)state;
    const double turn = 2 * acos(-1);
    same_bits bits = {0};
    const fv_kernels *k;
    uint32_t *words = test_alloc(N, sizeof *words);
    fv_kernels_chosen()->random_words(1, FV_RANDOM_TEST, 0, 0, 0, 0, N, words);
    words[0] = 0; /* the ends */
    words[1] = 0xFFFFFFFF;
    words[2] = 0xFFFFF000;
    words[3] = 0x00000FFF;
    for (int set = 0; (k = test_set(set)); set++) {
        float *z = test_alloc(2 * N, sizeof *z);
        k->normals(N, words, z);
        for (size_t i = 0; i < N; i++) {
            const double u = ((words[i] >> 12) + 0.5) / 1048576, angle = ((words[i] & 4095) + 0.5) / 4096 * turn;
            const size_t at = i / 64 * 128 + i % 64;
            assert_true(fabs((double)z[at] - sqrt(-2 * log(u)) * cos(angle)) < 4e-5);
            assert_true(fabs((double)z[at + 64] - sqrt(-2 * log(u)) * sin(angle)) < 4e-5);
        }
        check_bits(&bits, "normals", k, z, 2 * N * sizeof *z);
        free(z);
    }
    same_bits_free(&bits);
    free(words);
}

/* Mean, variance, and the shares beyond one, two and three deviations, within five standard errors. */
static void normals_are_normal(void **state) {
    (void)state;
    static const double beyond[] = {0.317310508, 0.045500264, 0.002699796};
    const double n = 2 * N;
    uint32_t *words = test_alloc(N, sizeof *words);
    float *z = test_alloc(2 * N, sizeof *z);
    double sum = 0, squares = 0, count[3] = {0};
    fv_kernels_chosen()->random_words(2, FV_RANDOM_TEST, 0, 0, 0, 0, N, words);
    fv_kernels_chosen()->normals(N, words, z);
    for (size_t i = 0; i < 2 * N; i++) {
        sum += z[i];
        squares += (double)z[i] * z[i];
        for (int d = 0; d < 3; d++) count[d] += fabs((double)z[i]) > d + 1;
    }
    assert_true(fabs(sum / n) < 5 / sqrt(n));
    assert_true(fabs(squares / n - 1) < 5 * sqrt(2 / n));
    for (int d = 0; d < 3; d++) assert_true(fabs(count[d] / n - beyond[d]) < 5 * sqrt(beyond[d] * (1 - beyond[d]) / n));
    free(words);
    free(z);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_philox),
                                       cmocka_unit_test(normals_are_box_and_mullers),
                                       cmocka_unit_test(normals_are_normal)};
    return RUN_KERNEL_TESTS(tests);
}
