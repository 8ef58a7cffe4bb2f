/* t-SNE and its parts. */
#include "explain/embedding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "cmocka_test.h"
#include "fovea/explain.h"

static float draw(size_t i, uint32_t stream) {
    return 2 * fv_unit(fv_philox(1, FV_RANDOM_TEST, (uint32_t)i, stream, 0, 0).word[0]) - 1;
}

static void *make(size_t n, size_t size_bytes) {
    void *at = fv_alloc(n, size_bytes);
    assert_non_null(at);
    return at;
}

/* Bell-shaped noise around one of `n_clusters` corners; point i belongs to cluster i % n_clusters. */
static float *clusters(size_t n, int d, size_t n_clusters, float apart) {
    float *x = make(n * (size_t)d, sizeof *x);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < (size_t)d; c++) {
            const size_t at = i * (size_t)d + c;
            const float noise = draw(at, 1) + draw(at, 2) + draw(at, 3);
            x[at] = noise + apart * draw(i % n_clusters * 1000 + c, 4);
        }
    return x;
}

/* ---- probabilities ---- */

typedef struct joint {
    size_t n;
    double *p; /* [n][n] */
} joint;

/* One row's p(j | i) by halving beta's interval until the entropy is right, in the most direct way. */
static void condition(const float *x, size_t n, int d, size_t i, const uint32_t *near, int k, double perplexity,
                      double *p) {
    double *square = make((size_t)k, sizeof *square), low = 0, high = 1e6;
    for (int e = 0; e < k; e++)
        for (size_t c = 0; c < (size_t)d; c++)
            square[e] += pow((double)x[i * (size_t)d + c] - (double)x[near[e] * (size_t)d + c], 2);
    for (int step = 0; step < 200; step++) {
        const double beta = (low + high) / 2;
        double sum = 0, entropy = 0;
        for (int e = 0; e < k; e++) sum += exp(-beta * (square[e] - square[0]));
        for (int e = 0; e < k; e++) {
            const double share = exp(-beta * (square[e] - square[0])) / sum;
            p[i * n + near[e]] = share;
            entropy -= share > 0 ? share * log(share) : 0;
        }
        if (entropy > log(perplexity))
            low = beta;
        else
            high = beta;
    }
    free(square);
}

static joint joint_of(const float *x, size_t n, int d, const uint32_t *near, int stride, int k, double perplexity) {
    double *p = make(n * n, sizeof *p);
    for (size_t i = 0; i < n; i++) condition(x, n, d, i, near + i * (size_t)stride, k, perplexity, p);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) p[i * n + j] = p[j * n + i] = (p[i * n + j] + p[j * n + i]) / (2 * (double)n);
    return (joint){n, p};
}

typedef struct near_points {
    uint32_t *indices;
    float *distances;
} near_points;

static near_points find_near(const float *x, size_t n, int d, int k) {
    near_points near = {make(n * (size_t)k, sizeof(uint32_t)), make(n * (size_t)k, sizeof(float))};
    assert_int_equal(fv_nearest(x, n, x, n, d, k, true, 1, near.indices, near.distances), FV_OK);
    return near;
}

static fv_team *team_of(int threads) {
    fv_team *team;
    assert_int_equal(fv_team_create(threads, &team), FV_OK);
    return team;
}

static void check_affinity(size_t n, int d, int stride, int k, double perplexity, int threads) {
    float *x = clusters(n, d, 4, 3);
    near_points near = find_near(x, n, d, stride);
    joint want = joint_of(x, n, d, near.indices, stride, k, perplexity);
    fv_team *team = team_of(threads);
    fv_affinity a;
    assert_int_equal(fv_affinity_create(near.indices, near.distances, n, stride, k, perplexity, team, &a), FV_OK);
    double sum = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a.start[i] % 16, 0);
        for (uint32_t e = a.start[i], last = 0; e < a.start[i + 1]; e++) {
            if (a.p[e] == 0 && a.to[e] == i) continue; /* padding */
            assert_true(e == a.start[i] || a.to[e] > last);
            last = a.to[e];
            const double wanted = want.p[i * n + a.to[e]];
            if (!(fabs((double)a.p[e] - wanted) <= 1e-5 * wanted + 1e-12))
                fail_msg("p(%zu, %u) = %.9g, not %.9g", i, a.to[e], a.p[e], wanted);
            sum += (double)a.p[e];
        }
    }
    for (size_t i = 0; i < n * n; i++) total += want.p[i];
    assert_true(fabs(total - 1) < 1e-9);
    assert_true(fabs(sum - 1) < 1e-5); /* none is missing */
    fv_affinity_deinit(&a);
    fv_team_destroy(team);
    free(near.indices);
    free(near.distances);
    free(want.p);
    free(x);
}

static void widths_give_the_perplexity(void **state) {
    (void)state;
    check_affinity(200, 5, 46, 46, 15, 1);
    check_affinity(131, 3, 20, 16, 5, 3);
    check_affinity(60, 2, 59, 59, 19, 2);
}

/* ---- repulsion ---- */

static float *random_plane(size_t n, float radius) {
    float *xy = make(n, 2 * sizeof *xy);
    for (size_t i = 0; i < 2 * n; i++) xy[i] = radius * (draw(i, 8) + draw(i, 9) / 2);
    return xy;
}

static double repel(const float *xy, size_t n, fv_repulsion_method method, int threads, float *force) {
    fv_team *team = team_of(threads);
    fv_repulsion *r;
    double z;
    assert_int_equal(fv_repulsion_create(n, method, team, &r), FV_OK);
    assert_int_equal(fv_repulsion_at(r, xy, force, &z), FV_OK);
    fv_repulsion_destroy(r);
    fv_team_destroy(team);
    return z;
}

/* Root of the mean squared error of the field's force, relative to that of the force; Z too. */
static void check_field(size_t n, float radius, double force_error, double z_error) {
    float *xy = random_plane(n, radius), *exact = make(n + 8, 2 * sizeof *exact),
          *field = make(n + 8, 2 * sizeof *field);
    const double z = repel(xy, n, FV_REPULSION_EXACT, 1, exact), z_field = repel(xy, n, FV_REPULSION_FIELD, 1, field);
    double off = 0, size = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        off += pow((double)field[i] - (double)exact[i], 2);
        size += pow((double)exact[i], 2);
    }
    if (!(sqrt(off / size) <= force_error)) fail_msg("n %zu radius %g: force error %g", n, radius, sqrt(off / size));
    if (!(fabs(z_field / z - 1) <= z_error)) fail_msg("n %zu radius %g: Z %g, not %g", n, radius, z_field, z);
    free(xy);
    free(exact);
    free(field);
}

/* The nearer the points, the more of them share a force and the better the field. */
static void field_agrees_with_all_pairs(void **state) {
    (void)state;
    check_field(2000, 1e-4F, 0.03, 1e-5);
    check_field(2000, 0.3F, 1e-4, 1e-5);
    check_field(2000, 6, 1e-3, 2e-5);
    check_field(2000, 10, 0.03, 2e-5);
    check_field(2000, 30, 0.07, 5e-5);
    check_field(50, 3, 1e-3, 1e-4);
}

static void exact_repulsion_is_the_sum(void **state) {
    (void)state;
    enum { N = 37 };
    float *xy = random_plane(N, 4), force[2 * N];
    const double z = repel(xy, N, FV_REPULSION_EXACT, 2, force);
    double want_z = 0;
    for (int i = 0; i < N; i++) {
        double want[2] = {0, 0};
        for (int j = 0; j < N; j++) {
            const double dx = (double)xy[2 * i] - (double)xy[2 * j], dy = (double)xy[2 * i + 1] - (double)xy[2 * j + 1];
            const double q = 1 / (1 + dx * dx + dy * dy);
            want[0] += q * q * dx;
            want[1] += q * q * dy;
            want_z += i == j ? 0 : q;
        }
        for (int axis = 0; axis < 2; axis++) assert_true(fabs((double)force[2 * i + axis] - want[axis]) < 1e-5);
    }
    assert_true(fabs(z / want_z - 1) < 1e-5);
    free(xy);
}

/* The force is the gradient of what it should be: -1/2 of the slope of sum of q, by central differences. */
static void exact_repulsion_is_a_gradient(void **state) {
    (void)state;
    enum { N = 20 };
    float *xy = random_plane(N, 2), force[2 * N], unused[2 * N];
    repel(xy, N, FV_REPULSION_EXACT, 1, force);
    for (int i = 0; i < 2 * N; i++) {
        const float at = xy[i], step = 0.01F;
        xy[i] = at + step;
        const double above = repel(xy, N, FV_REPULSION_EXACT, 1, unused);
        xy[i] = at - step;
        const double below = repel(xy, N, FV_REPULSION_EXACT, 1, unused);
        xy[i] = at;
        /* every pair stands twice in Z: dZ/dy = -4 force */
        assert_true(fabs((above - below) / (2 * (double)step) + 4 * (double)force[i]) < 0.02);
    }
    free(xy);
}

static void repulsion_repeats_at_any_number_of_threads(void **state) {
    (void)state;
    enum { N = 1500 };
    float *xy = random_plane(N, 25), *one = make(N + 8, 2 * sizeof *one), *more = make(N + 8, 2 * sizeof *more);
    for (int method = 0; method < 2; method++) {
        const double z = repel(xy, N, (fv_repulsion_method)method, 1, one);
        for (int threads = 2; threads <= 4; threads++) {
            assert_true(repel(xy, N, (fv_repulsion_method)method, threads, more) == z);
            assert_memory_equal(one, more, 2 * N * sizeof *one);
        }
    }
    free(xy);
    free(one);
    free(more);
}

/* ---- the whole ---- */

static fv_embedding embed(const float *x, size_t n, int d, int iterations, int threads) {
    fv_embedding_options o = fv_embedding_defaults();
    fv_embedding e;
    fv_error error;
    o.iterations = iterations;
    o.threads = threads;
    if (fv_embed(x, n, d, &o, &e, &error) != FV_OK) fail_msg("%s", error.message);
    assert_int_equal(e.n, n);
    for (size_t i = 0; i < 2 * n; i++) assert_true(isfinite(e.xy[i]));
    assert_true(isfinite(e.kl_divergence) && e.neighbour_agreement >= 0 && e.neighbour_agreement <= 1);
    return e;
}

/* KL(P || Q) over all pairs, from scratch. */
static double divergence(const joint *p, const float *xy) {
    double z = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < p->n; i++)
            for (size_t j = 0; j < p->n; j++) {
                const double dx = (double)xy[2 * i] - (double)xy[2 * j], share = p->p[i * p->n + j];
                const double dy = (double)xy[2 * i + 1] - (double)xy[2 * j + 1], q = 1 / (1 + dx * dx + dy * dy);
                if (pass == 0)
                    z += i == j ? 0 : q;
                else if (share > 0)
                    sum += share * log(share / (q / z));
            }
    return sum;
}

static void divergence_is_exact_and_falls(void **state) {
    (void)state;
    enum { N = 400, D = 6 };
    float *x = clusters(N, D, 4, 2);
    near_points near = find_near(x, N, D, 91);
    joint p = joint_of(x, N, D, near.indices, 91, 91, 30);
    double before = INFINITY;
    for (int iterations = 20; iterations <= 320; iterations *= 4) {
        fv_embedding e = embed(x, N, D, iterations, 1);
        assert_true(fabs(e.kl_divergence - divergence(&p, e.xy)) < 1e-4);
        assert_true(e.perplexity == 30);
        assert_true(e.kl_divergence < before);
        before = e.kl_divergence;
        fv_embedding_deinit(&e);
    }
    free(near.indices);
    free(near.distances);
    free(p.p);
    free(x);
}

/* scikit-learn 1.2.1 on the same points, TSNE(2, init="pca", learning_rate="auto", random_state=0): 0.81117 and
 * 1.51997 after 1000 iterations. By all pairs, and by the field. */
static void divergence_is_not_above_a_peers(void **state) {
    (void)state;
    float *few = clusters(400, 6, 4, 2), *many = clusters(1400, 20, 5, 2);
    fv_embedding e = embed(few, 400, 6, fv_embedding_defaults().iterations, 1);
    assert_true(e.kl_divergence < 0.81117);
    fv_embedding_deinit(&e);
    e = embed(many, 1400, 20, fv_embedding_defaults().iterations, 1);
    assert_true(e.kl_divergence < 1.51997);
    fv_embedding_deinit(&e);
    free(few);
    free(many);
}

/* By all pairs and by the field: nearly every nearest point of the plane is of the same cluster. */
static void clusters_come_apart(void **state) {
    (void)state;
    static const size_t sizes[2] = {600, 1400};
    for (int s = 0; s < 2; s++) {
        const size_t n = sizes[s];
        float *x = clusters(n, 20, 5, 2);
        fv_embedding e = embed(x, n, 20, 300, 1);
        near_points near = find_near(e.xy, n, 2, 10);
        size_t same = 0;
        for (size_t i = 0; i < n * 10; i++) same += near.indices[i] % 5 == i / 10 % 5;
        assert_true((double)same > 0.99 * (double)(n * 10));
        assert_true(e.neighbour_agreement > 0.15); /* 0.01 by chance */
        fv_embedding_deinit(&e);
        free(near.indices);
        free(near.distances);
        free(x);
    }
}

static void agreement_is_that_of_the_ten_nearest(void **state) {
    (void)state;
    enum { N = 250, D = 4, K = 10 };
    float *x = clusters(N, D, 3, 1);
    fv_embedding e = embed(x, N, D, 100, 1);
    near_points in_x = find_near(x, N, D, K), in_xy = find_near(e.xy, N, 2, K);
    size_t kept = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t a = 0; a < K; a++)
            for (size_t b = 0; b < K; b++) kept += in_x.indices[i * K + a] == in_xy.indices[i * K + b];
    assert_true(fabs(e.neighbour_agreement - (double)kept / (N * K)) < 1e-12);
    fv_embedding_deinit(&e);
    free(in_x.indices);
    free(in_x.distances);
    free(in_xy.indices);
    free(in_xy.distances);
    free(x);
}

static void same_bits_at_any_number_of_threads(void **state) {
    (void)state;
    static const size_t sizes[2] = {333, 1203};
    for (int s = 0; s < 2; s++) {
        float *x = clusters(sizes[s], 8, 6, 2);
        fv_embedding one = embed(x, sizes[s], 8, 60, 1);
        for (int threads = 2; threads <= 3; threads++) {
            fv_embedding more = embed(x, sizes[s], 8, 60, threads);
            assert_memory_equal(one.xy, more.xy, 2 * sizes[s] * sizeof *one.xy);
            assert_true(one.kl_divergence == more.kl_divergence);
            assert_true(one.neighbour_agreement == more.neighbour_agreement);
            fv_embedding_deinit(&more);
        }
        fv_embedding_deinit(&one);
        free(x);
    }
}

/* Nothing here may crash or yield a NaN (embed looks). */
static void odd_input_is_survived(void **state) {
    (void)state;
    enum { N = 1100 };
    for (size_t n = 2; n <= 12; n++) {
        float *x = clusters(n, 3, 2, 3);
        fv_embedding e = embed(x, n, 3, 100, 1);
        assert_true(e.perplexity >= 1 && e.perplexity <= fmax(1, (double)(n - 1) / 3));
        fv_embedding_deinit(&e);
        free(x);
    }
    float *x = make(N * 3, sizeof *x);
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < N * 3; i++)
            x[i] = kind == 0   ? 7                               /* one point, many times */
                   : kind == 1 ? (i % 3 == 1 ? draw(i, 3) : 2)   /* two features never change */
                   : kind == 2 ? draw(i / 3 % 40 * 3 + i % 3, 3) /* 40 points, each many times */
                               : (i == 4  ? 1e9F
                                  : i % 3 ? 0
                                          : draw(i, 3)); /* one point out of sight */
        for (size_t n = 40; n <= N; n = n * 5 + 900) {
            fv_embedding e = embed(x, n, 3, 100, 1);
            fv_embedding_deinit(&e);
        }
        fv_embedding e = embed(x, N, 1, 100, 1); /* as points on a line */
        fv_embedding_deinit(&e);
    }
    free(x);
}

static bool stop_at_third(void *context) {
    return ++*(int *)context == 3;
}

static void count_progress(void *context, int iteration, int iterations) {
    assert_int_equal(iterations, 7);
    assert_int_equal(iteration, ++*(int *)context);
}

static void callbacks_are_honoured(void **state) {
    (void)state;
    float *x = clusters(40, 3, 2, 3);
    fv_embedding_options o = fv_embedding_defaults();
    fv_embedding e;
    int count = 0;
    o.context = &count;
    o.iterations = 7;
    o.on_progress = count_progress;
    assert_int_equal(fv_embed(x, 40, 3, &o, &e, NULL), FV_OK);
    assert_int_equal(count, 7);
    fv_embedding_deinit(&e);
    count = 0;
    o.on_progress = NULL;
    o.cancelled = stop_at_third;
    assert_int_equal(fv_embed(x, 40, 3, &o, &e, NULL), FV_E_INTERRUPTED);
    assert_int_equal(count, 3);
    free(x);
}

static void bad_arguments_are_named(void **state) {
    (void)state;
    float *x = clusters(40, 3, 2, 3);
    fv_embedding_options o = fv_embedding_defaults();
    fv_embedding e;
    fv_error error;
    assert_int_equal(fv_embed(x, 1, 3, &o, &e, &error), FV_E_ARGUMENT);
    o.perplexity = NAN;
    assert_int_equal(fv_embed(x, 40, 3, &o, &e, &error), FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "perplexity"));
    o = fv_embedding_defaults();
    o.iterations = 0;
    assert_int_equal(fv_embed(x, 40, 3, &o, &e, &error), FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "iterations"));
    o = fv_embedding_defaults();
    x[50] = NAN;
    assert_int_equal(fv_embed(x, 40, 3, &o, &e, &error), FV_E_DIVERGED);
    assert_non_null(strstr(error.message, "finite"));
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(widths_give_the_perplexity),
                                       cmocka_unit_test(field_agrees_with_all_pairs),
                                       cmocka_unit_test(exact_repulsion_is_the_sum),
                                       cmocka_unit_test(exact_repulsion_is_a_gradient),
                                       cmocka_unit_test(repulsion_repeats_at_any_number_of_threads),
                                       cmocka_unit_test(divergence_is_exact_and_falls),
                                       cmocka_unit_test(divergence_is_not_above_a_peers),
                                       cmocka_unit_test(clusters_come_apart),
                                       cmocka_unit_test(agreement_is_that_of_the_ten_nearest),
                                       cmocka_unit_test(same_bits_at_any_number_of_threads),
                                       cmocka_unit_test(odd_input_is_survived),
                                       cmocka_unit_test(callbacks_are_honoured),
                                       cmocka_unit_test(bad_arguments_are_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
