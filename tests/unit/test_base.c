/* Random numbers, mathematics, memory and threads. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "base/philox.h"
#include "base/threads.h"
#include "cmocka_test.h"
#include "fovea/machine.h"

/* ---- random numbers ---- */

/* Random123, tests/kat_vectors, philox 4x32 10. */
static void test_philox_known_answers(void **state) {
    (void)state;
    const struct {
        uint32_t counter[4], key[2], word[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int i = 0; i < 3; i++) {
        const uint32_t *c = known[i].counter;
        fv_words4 got = fv_philox(known[i].key[0], (fv_purpose)known[i].key[1], c[0], c[1], c[2], c[3]);
        assert_memory_equal(got.word, known[i].word, sizeof got.word);
    }
}

/* The upper half of a seed counts. */
static void test_seed_folds(void **state) {
    (void)state;
    assert_int_equal(fv_philox_key0(0x0000000500000003ULL), 6);
    fv_words4 a = fv_philox(1, FV_RANDOM_TEST, 0, 0, 0, 0), b = fv_philox(1ULL << 33, FV_RANDOM_TEST, 0, 0, 0, 0);
    assert_memory_not_equal(&a, &b, sizeof a);
}

static void test_unit_and_below(void **state) {
    (void)state;
    assert_true(fv_unit(0) == 0 && fv_unit(0xffffffff) == 1 - 0x1p-24F && fv_unit(0x80000000) == 0.5F);
    assert_int_equal(fv_below(0xffffffff, 1), 0);
    assert_int_equal(fv_below(0xffffffff, 10), 9);
    assert_int_equal(fv_below(0, 10), 0);
    int counts[10] = {0};
    for (uint32_t i = 0; i < 10000; i++) counts[fv_below(fv_philox(3, FV_RANDOM_TEST, i, 0, 0, 0).word[0], 10)]++;
    for (int i = 0; i < 10; i++) assert_in_range(counts[i], 850, 1150); /* 5 standard deviations of 30 */
}

static void test_shuffle(void **state) {
    (void)state;
    enum { N = 1000 };
    uint32_t a[N], b[N];
    for (size_t n = 0; n <= N; n += n < 8 ? 1 : 248) {
        uint8_t seen[N] = {0};
        for (uint32_t i = 0; i < n; i++) a[i] = b[i] = i;
        fv_shuffle(a, n, 7, FV_RANDOM_ORDER, 2, 0);
        fv_shuffle(b, n, 7, FV_RANDOM_ORDER, 2, 0);
        assert_memory_equal(a, b, n * sizeof *a);
        for (size_t i = 0; i < n; i++) {
            assert_true(a[i] < n);
            assert_int_equal(seen[a[i]]++, 0);
        }
    }
    fv_shuffle(b, N, 7, FV_RANDOM_ORDER, 3, 0);
    assert_memory_not_equal(a, b, sizeof a);
}

/* An order that a second, independent writing of Philox and Fisher-Yates gave: splits and epochs must never change. */
static void test_shuffle_known_answer(void **state) {
    (void)state;
    const uint32_t want[16] = {8, 5, 13, 7, 10, 15, 2, 9, 12, 6, 0, 11, 3, 4, 1, 14};
    uint32_t got[16];
    for (uint32_t i = 0; i < 16; i++) got[i] = i;
    fv_shuffle(got, 16, 7, FV_RANDOM_ORDER, 2, 0);
    assert_memory_equal(got, want, sizeof got);
}

/* Each of the six orders of three about equally often. */
static void test_shuffle_is_fair(void **state) {
    (void)state;
    int counts[27] = {0};
    for (uint32_t epoch = 0; epoch < 6000; epoch++) {
        uint32_t a[3] = {0, 1, 2};
        fv_shuffle(a, 3, 11, FV_RANDOM_ORDER, epoch, 0);
        counts[a[0] * 9 + a[1] * 3 + a[2]]++;
    }
    const int orders[] = {5, 7, 11, 15, 19, 21};
    for (int i = 0; i < 6; i++) assert_in_range(counts[orders[i]], 855, 1145); /* 5 standard deviations of 29 */
}

/* ---- mathematics ---- */

/* Distance in units of the last place of `want`; `slack` absorbs an absolute error. */
static void check_ulps(const char *what, double x, double got, long double want, double ulps, double slack) {
    long double unit = (long double)nextafter(fabs((double)want), INFINITY) - (long double)fabs((double)want);
    if (!(fabsl((long double)got - want) <= (long double)ulps * unit + (long double)slack))
        fail_msg("%s(%.17g) is %.17g, not %.17Lg", what, x, got, want);
}

static double random_in(uint32_t i, double low, double high) {
    fv_words4 w = fv_philox(5, FV_RANDOM_TEST, i, 0, 0, 0);
    return low + (high - low) * ((double)w.word[0] + (double)w.word[1] * 0x1p-32) * 0x1p-32;
}

static void test_math(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        double x = random_in(i, -708, 709), y = random_in(i, -1, 1), z = random_in(i, -1e5, 1e5);
        check_ulps("exp", x, fv_exp(x), expl((long double)x), 4, 0);
        check_ulps("exp", y, fv_exp(y), expl((long double)y), 4, 0);
        double near = 1 + y / 2, e = ldexp(1 + fabs(y), (int)(i % 2040) - 1020);
        check_ulps("log", e, fv_log(e), logl((long double)e), 4, 0);
        check_ulps("log", near, fv_log(near), logl((long double)near), 4, 0);
        check_ulps("sin", z, fv_sin(z), sinl((long double)z), 4, 1e-20);
        check_ulps("cos", z, fv_cos(z), cosl((long double)z), 4, 1e-20);
        check_ulps("sin", y, fv_sin(y), sinl((long double)y), 4, 0);
        check_ulps("pow", near, fv_pow(near, 0.37), powl((long double)near, (long double)0.37), 4, 0);
        check_ulps("pow", near, fv_pow(near, -2.25), powl((long double)near, (long double)-2.25), 4, 0);
    }
}

static void test_math_corners(void **state) {
    (void)state;
    assert_true(fv_exp(0) == 1 && fv_exp(-709) == 0 && isinf(fv_exp(710)) && fv_exp(-INFINITY) == 0);
    assert_true(isnan(fv_exp(NAN)) && isnan(fv_log(NAN)) && isnan(fv_log(-1)));
    assert_true(fv_log(1) == 0 && isinf(fv_log(0)) && fv_log(0) < 0 && isinf(fv_log(INFINITY)));
    assert_true(fv_sin(0) == 0 && fv_cos(0) == 1 && fv_sqrt(2) == sqrt(2));
    assert_true(fv_pow(0.7, 0) == 1 && fv_pow(0.7, 1) == 0.7 && fv_pow(3, 4) == 81 && fv_pow(2, 100) == 0x1p100);
    double product = 1;
    for (int i = 0; i < 9; i++) product *= 0.7;
    check_ulps("pow", 0.7, fv_pow(0.7, 9), (long double)product, 4, 0);
}

/* ---- memory ---- */

static void test_memory(void **state) {
    (void)state;
    size_t product = 7;
    assert_true(fv_multiply(3, 5, &product) && product == 15);
    assert_false(fv_multiply((size_t)1 << 40, (size_t)1 << 40, &product));
    assert_null(fv_alloc((size_t)1 << 40, (size_t)1 << 40));
    assert_null(fv_alloc((size_t)-1, 1));
    for (size_t n = 0; n < 200; n += 7) {
        uint8_t *at = fv_alloc(n, 3);
        assert_non_null(at);
        assert_int_equal((uintptr_t)at % FV_ALIGN, 0);
        for (size_t i = 0; i < n * 3; i++) assert_int_equal(at[i], 0);
        free(at);
    }
    char *copy = fv_copy_text("fovea");
    assert_string_equal(copy, "fovea");
    free(copy);
}

/* ---- machine, status ---- */

static void test_machine(void **state) {
    (void)state;
    char name[8];
    memset(name, 'x', sizeof name);
    fv_machine_name(name, 4);
    assert_true(strlen(name) <= 3 && name[4] == 'x');
    assert_true(fv_processors() >= 1);
    assert_true(strlen(fv_version()) > 0 && strlen(fv_compiler()) > 0);
}

static void test_status(void **state) {
    (void)state;
    fv_error error = {0};
    assert_int_equal(fv_fail(&error, FV_E_DATA, "%s: %d classes", "x.gz", 3), FV_E_DATA);
    assert_int_equal(error.code, FV_E_DATA);
    assert_string_equal(error.message, "x.gz: 3 classes");
    assert_int_equal(fv_fail(NULL, FV_E_IO, "nobody listens"), FV_E_IO);
    char wide[2000];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = 0;
    fv_fail(&error, FV_E_IO, "%s", wide);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    for (int s = FV_OK; s <= FV_E_UNSUPPORTED; s++)
        assert_string_not_equal(fv_status_text((fv_status)s), "unknown status");
}

/* ---- threads ---- */

enum { MOST_THREADS = 7, ROUNDS = 300, PHASES = 4 };

typedef struct rounds {
    fv_team *team;
    atomic_int count, n_wrong;
    int ran[MOST_THREADS], round;
} rounds;

/* Between two barriers every thread sees what all have done before the first. */
static void one_round(void *context, int thread, int n_threads) {
    rounds *r = context;
    r->ran[thread]++;
    for (int phase = 1; phase <= PHASES; phase++) {
        atomic_fetch_add(&r->count, 1);
        fv_team_barrier(r->team);
        if (atomic_load(&r->count) != phase * n_threads + r->round * PHASES * n_threads)
            atomic_fetch_add(&r->n_wrong, 1);
        fv_team_barrier(r->team);
    }
}

static void test_team(void **state) {
    (void)state;
    const int sizes[] = {1, 2, 3, MOST_THREADS};
    for (int s = 0; s < 4; s++) {
        rounds r = {.team = NULL};
        assert_int_equal(fv_team_create(sizes[s], &r.team), FV_OK);
        assert_int_equal(fv_team_size(r.team), sizes[s]);
        for (r.round = 0; r.round < ROUNDS; r.round++) {
            fv_team_run(r.team, one_round, &r);
            for (int t = 0; t < MOST_THREADS; t++) assert_int_equal(r.ran[t], t < sizes[s] ? r.round + 1 : 0);
        }
        assert_int_equal(atomic_load(&r.n_wrong), 0);
        fv_team_destroy(r.team);
    }
}

static void test_team_unused(void **state) {
    (void)state;
    fv_team *team = NULL;
    assert_int_equal(fv_team_create(0, &team), FV_E_ARGUMENT);
    assert_null(team);
    assert_int_equal(fv_team_create(3, &team), FV_OK);
    fv_team_destroy(team);
    fv_team_destroy(NULL);
}

static void test_share(void **state) {
    (void)state;
    for (int n = 0; n < 40; n++)
        for (int n_threads = 1; n_threads <= 9; n_threads++) {
            int next = 0;
            for (int t = 0; t < n_threads; t++) {
                int begin, end;
                fv_team_share(n, t, n_threads, &begin, &end);
                assert_int_equal(begin, next);
                assert_in_range(end - begin, n / n_threads, (n + n_threads - 1) / n_threads);
                next = end;
            }
            assert_int_equal(next, n);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_known_answers),
        cmocka_unit_test(test_seed_folds),
        cmocka_unit_test(test_unit_and_below),
        cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_shuffle_known_answer),
        cmocka_unit_test(test_shuffle_is_fair),
        cmocka_unit_test(test_math),
        cmocka_unit_test(test_math_corners),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_team),
        cmocka_unit_test(test_team_unused),
        cmocka_unit_test(test_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
