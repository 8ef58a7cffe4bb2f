/* Confusion, mistakes, principal components, nearest neighbours. */
#include "fovea/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "cmocka_test.h"

static float draw(uint32_t i, uint32_t stream) {
    return 2 * fv_unit(fv_philox(1, FV_RANDOM_TEST, i, stream, 0, 0).word[0]) - 1;
}

static void *make(size_t n, size_t size_bytes) {
    void *at = fv_alloc(n, size_bytes);
    assert_non_null(at);
    return at;
}

static void confusion_counts_by_true_class(void **state) {
    (void)state;
    const fv_prediction predictions[] = {{.truth = 0, .predicted = 0},
                                         {.truth = 0, .predicted = 2},
                                         {.truth = 2, .predicted = 1},
                                         {.truth = 0, .predicted = 2},
                                         {.truth = 1, .predicted = 1}};
    const size_t want[9] = {1, 0, 2, 0, 1, 0, 0, 1, 0};
    size_t counts[9];
    memset(counts, 0x55, sizeof counts);
    fv_confusion(predictions, 5, 3, counts);
    assert_memory_equal(counts, want, sizeof want);
}

static void mistakes_come_worst_first(void **state) {
    (void)state;
    const fv_prediction predictions[] = {
        {.truth = 1, .predicted = 0, .loss = 0.7F}, {.truth = 1, .predicted = 1, .loss = 9},
        {.truth = 2, .predicted = 0, .loss = 3},    {.truth = 0, .predicted = 1, .loss = 0.7F},
        {.truth = 0, .predicted = 0, .loss = 0},    {.truth = 0, .predicted = 2, .loss = 5}};
    const uint32_t want[] = {5, 2, 0, 3};
    uint32_t *at;
    size_t n;
    assert_int_equal(fv_mistakes(predictions, 6, &at, &n), FV_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(at, want, sizeof want);
    free(at);
    assert_int_equal(fv_mistakes(predictions, 0, &at, &n), FV_OK);
    assert_int_equal(n, 0);
    free(at);
}

/* Points u a + v b with a = (3, 4)/5, b = (4, -3)/5: u in +-4 and v in +-1, uncorrelated, so the covariance is
 * 16 a a' + 1 b b' = [6.4 7.2; 7.2 10.6]: variances 16 and 1. Largest loadings: 4/5 of a, 4/5 of b. */
static void components_of_a_known_covariance(void **state) {
    (void)state;
    const double u[4] = {4, 4, -4, -4}, v[4] = {1, -1, 1, -1};
    float x[8], z[8];
    double variance[2];
    for (int i = 0; i < 4; i++) {
        x[2 * i] = (float)(10 + (3 * u[i] + 4 * v[i]) / 5);
        x[2 * i + 1] = (float)(-7 + (4 * u[i] - 3 * v[i]) / 5);
    }
    assert_int_equal(fv_principal_components(x, 4, 2, 2, z, variance), FV_OK);
    for (int i = 0; i < 4; i++) {
        assert_true(fabs((double)z[2 * i] - u[i]) < 1e-5);
        assert_true(fabs((double)z[2 * i + 1] - v[i]) < 1e-5);
    }
    assert_true(fabs(variance[0] - 16.0 / 17) < 1e-6 && fabs(variance[1] - 1.0 / 17) < 1e-6);
}

/* More rows than one block, fewer components than dimensions: the components are uncorrelated, their variances
 * descend, and the variance of each is that of the covariance along it. */
static void components_are_uncorrelated_and_ordered(void **state) {
    (void)state;
    enum { N = 700, D = 9, K = 4 };
    float *x = make(N * D, sizeof *x), *z = make(N * K, sizeof *z);
    double variance[K], total = 0, mean[D] = {0}, moment[K][K] = {{0}};
    for (uint32_t i = 0; i < N * D; i++) x[i] = draw(i, 1) * (float)(1 + i % D) + draw(i / D, 2) + 5;
    assert_int_equal(fv_principal_components(x, N, D, K, z, variance), FV_OK);
    for (int i = 0; i < N * D; i++) mean[i % D] += (double)x[i] / N;
    for (int i = 0; i < N * D; i++) total += pow((double)x[i] - mean[i % D], 2);
    for (int i = 0; i < N; i++)
        for (int a = 0; a < K; a++)
            for (int b = 0; b < K; b++) moment[a][b] += (double)z[i * K + a] * (double)z[i * K + b];
    for (int a = 0; a < K; a++) {
        assert_true(fabs(moment[a][a] / total - variance[a]) < 1e-6);
        assert_true(a == 0 || variance[a] < variance[a - 1]);
        for (int b = 0; b < a; b++) assert_true(fabs(moment[a][b]) < 1e-5 * total);
    }
    free(x);
    free(z);
}

static void components_of_odd_input(void **state) {
    (void)state;
    const float same[6] = {1, 2, 1, 2, 1, 2}, bad[4] = {1, NAN, 2, 3};
    float z[6];
    double variance[2];
    assert_int_equal(fv_principal_components(same, 3, 2, 2, z, variance), FV_OK);
    for (int i = 0; i < 6; i++) assert_true(z[i] == 0);
    assert_true(variance[0] == 0 && variance[1] == 0);
    assert_int_equal(fv_principal_components(bad, 2, 2, 1, z, NULL), FV_E_DIVERGED);
    assert_int_equal(fv_principal_components(same, 3, 2, 3, z, NULL), FV_E_ARGUMENT);
    assert_int_equal(fv_principal_components(same, 1, 2, 2, z, NULL), FV_E_ARGUMENT);
}

typedef struct pair {
    double distance;
    uint32_t index;
} pair;

static int nearer_first(const void *a, const void *b) {
    const pair *p = a, *q = b;
    if (p->distance != q->distance) return p->distance < q->distance ? -1 : 1;
    return p->index < q->index ? -1 : 1;
}

/* All distances sorted, in double. */
static void check_nearest(const float *x, size_t n, const float *q, size_t nq, int d, int k, bool exclude,
                          int threads) {
    uint32_t *indices = make(nq * (size_t)k, sizeof *indices);
    float *distances = make(nq * (size_t)k, sizeof *distances);
    pair *all = make(n, sizeof *all);
    assert_int_equal(fv_nearest(x, n, q, nq, d, k, exclude, threads, indices, distances), FV_OK);
    for (size_t i = 0; i < nq; i++) {
        size_t n_all = 0;
        for (size_t p = 0; p < n; p++) {
            double sum = 0;
            for (size_t c = 0; c < (size_t)d; c++)
                sum += pow((double)q[i * (size_t)d + c] - (double)x[p * (size_t)d + c], 2);
            if (!exclude || p != i) all[n_all++] = (pair){sum, (uint32_t)p};
        }
        qsort(all, n_all, sizeof *all, nearer_first);
        for (size_t c = 0; c < (size_t)k; c++) {
            const size_t at = i * (size_t)k + c;
            if (indices[at] != all[c].index)
                fail_msg("n %zu nq %zu d %d k %d: neighbour %zu of %zu is %u, not %u", n, nq, d, k, c, i, indices[at],
                         all[c].index);
            assert_true(fabs((double)distances[at] - sqrt(all[c].distance)) <= 1e-6 * sqrt(all[c].distance));
        }
    }
    free(indices);
    free(distances);
    free(all);
}

static float *random_points(size_t n, int d, uint32_t stream, float offset) {
    float *x = make(n * (size_t)d, sizeof *x);
    for (uint32_t i = 0; i < n * (size_t)d; i++) x[i] = draw(i, stream) + offset;
    return x;
}

static void nearest_agrees_with_sorting(void **state) {
    (void)state;
    static const struct {
        size_t n, nq;
        int d, k;
    } cases[] = {{1, 1, 1, 1},      {17, 5, 3, 17},     {100, 40, 1, 7},   {300, 129, 64, 10},
                 {1030, 3, 50, 91}, {1500, 140, 2, 10}, {700, 260, 5, 200}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *x = random_points(cases[i].n, cases[i].d, 1, 0), *q = random_points(cases[i].nq, cases[i].d, 2, 0);
        for (int threads = 1; threads <= 3; threads++)
            check_nearest(x, cases[i].n, q, cases[i].nq, cases[i].d, cases[i].k, false, threads);
        free(x);
        free(q);
    }
}

static void nearest_excludes_the_point_itself(void **state) {
    (void)state;
    float *x = random_points(500, 6, 3, 0);
    check_nearest(x, 500, x, 500, 6, 12, true, 2);
    check_nearest(x, 13, x, 13, 6, 12, true, 1);
    free(x);
}

/* Far from the origin the products cancel, and small differences must still order the points. */
static void nearest_is_exact_far_from_the_origin(void **state) {
    (void)state;
    float *x = random_points(600, 8, 4, 3000), *q = random_points(50, 8, 5, 3000);
    x[8] = 1e7F; /* one point far out widens every doubt */
    check_nearest(x, 600, q, 50, 8, 9, false, 2);
    free(x);
    free(q);
}

/* Whole numbers: many distances are equal, and equal distances go by index. */
static void nearest_orders_ties_by_index(void **state) {
    (void)state;
    enum { N = 900, D = 3 };
    float *x = make(N * D, sizeof *x);
    for (uint32_t i = 0; i < N * D; i++) x[i] = (float)fv_below(fv_philox(1, FV_RANDOM_TEST, i, 6, 0, 0).word[0], 3);
    check_nearest(x, N, x, N, D, 20, true, 2);
    check_nearest(x, N, x, N, D, 100, false, 1);
    for (uint32_t i = 0; i < N * D; i++) x[i] = 0.1F; /* all the same */
    check_nearest(x, N, x, N, D, 20, true, 2);
    memset(x, 0, N * D * sizeof *x); /* every pair of different points at the same distance */
    for (size_t i = 0; i < N; i++) x[i * D + i % D] = 1;
    check_nearest(x, N, x, N, D, 50, true, 2);
    free(x);
}

static void nearest_refuses_what_it_cannot_do(void **state) {
    (void)state;
    const float x[4] = {0, 1, 2, 3}, bad[2] = {0, INFINITY};
    uint32_t indices[8];
    assert_int_equal(fv_nearest(x, 4, x, 2, 1, 5, false, 1, indices, NULL), FV_E_ARGUMENT);
    assert_int_equal(fv_nearest(x, 4, x, 4, 1, 4, true, 1, indices, NULL), FV_E_ARGUMENT);
    assert_int_equal(fv_nearest(x, 4, x, 2, 1, 0, false, 1, indices, NULL), FV_E_ARGUMENT);
    assert_int_equal(fv_nearest(bad, 2, x, 2, 1, 1, false, 1, indices, NULL), FV_E_DIVERGED);
    assert_int_equal(fv_nearest(x, 4, bad, 2, 1, 1, false, 1, indices, NULL), FV_E_DIVERGED);
    assert_int_equal(fv_nearest(x, 4, x, 0, 1, 1, false, 1, indices, NULL), FV_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confusion_counts_by_true_class),    cmocka_unit_test(mistakes_come_worst_first),
        cmocka_unit_test(components_of_a_known_covariance),  cmocka_unit_test(components_are_uncorrelated_and_ordered),
        cmocka_unit_test(components_of_odd_input),           cmocka_unit_test(nearest_agrees_with_sorting),
        cmocka_unit_test(nearest_excludes_the_point_itself), cmocka_unit_test(nearest_is_exact_far_from_the_origin),
        cmocka_unit_test(nearest_orders_ties_by_index),      cmocka_unit_test(nearest_refuses_what_it_cannot_do)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
