/* Near duplicates: the search against all pairs, and its bounds. */
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "cmocka_test.h"
#include "explain/similar.h"
#include "fovea/audit.h"

enum { SIDE = 12, SIZE = SIDE * SIDE, N = 3000, N_FIRST = 2000, UNBOUNDED = 1 << 30 };

typedef struct images {
    uint8_t pixels[N][SIZE];
    fv_image_view views[N];
    bool left_out[N];
    fv_pair best[N];
    size_t n_partly;
} images;

static uint32_t draw(uint32_t image, uint32_t i) {
    return fv_philox(3, FV_RANDOM_TEST, image, i, 0, 0).word[0];
}

/* Image i varies one of n_kinds pictures by noise of up to `noise`. */
static void fill(images *s, uint32_t n_kinds, uint32_t noise) {
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t kind = N + draw(i, SIZE) % n_kinds;
        for (uint32_t j = 0; j < SIZE; j++) s->pixels[i][j] = (uint8_t)(draw(kind, j) % 200 + draw(i, j) % (noise + 1));
        fv_image_view *v = &s->views[i];
        v->pixels = s->pixels[i];
        for (int j = 0; j < SIZE; j++) {
            v->sum += v->pixels[j];
            v->squares += (uint64_t)v->pixels[j] * v->pixels[j];
        }
        v->hash = fv_perceptual_hash(v->pixels, (fv_shape){1, SIDE, SIDE});
        s->left_out[i] = i % 17 == 5;
    }
}

static void find(images *s, size_t looked, size_t compared, int threads) {
    memset(s->best, 0, sizeof s->best);
    fv_similar_limits most = {looked, compared};
    assert_int_equal(fv_similar_find(s->views, s->left_out, N, N_FIRST, SIZE, most, threads, s->best, &s->n_partly),
                     FV_OK);
}

static size_t n_found(const images *s) {
    size_t n = 0;
    for (int i = 0; i < N; i++) n += s->best[i].similarity > 0;
    return n;
}

static double correlation(const images *s, int a, int b) {
    double ab = 0, n = SIZE, mean_a = (double)s->views[a].sum / n, mean_b = (double)s->views[b].sum / n, aa = 0, bb = 0;
    for (int j = 0; j < SIZE; j++) {
        double x = s->pixels[a][j] - mean_a, y = s->pixels[b][j] - mean_b;
        ab += x * y, aa += x * x, bb += y * y;
    }
    return ab / __builtin_sqrt(aa * bb);
}

static void check_all_pairs(images *s) {
    size_t n = 0;
    find(s, UNBOUNDED, UNBOUNDED, 2);
    assert_int_equal(s->n_partly, 0);
    for (int i = 0; i < N; i++) {
        double best = 0; /* of the first ones, where there is any */
        for (int j = 0; j < i && !s->left_out[i]; j++) {
            if (s->left_out[j] || (j >= N_FIRST && best > 0 && s->best[i].like < N_FIRST)) continue;
            if (__builtin_popcountll(s->views[i].hash ^ s->views[j].hash) > 7) continue;
            double similarity = correlation(s, i, j);
            if (similarity >= (double)FV_NEAR && similarity > best) best = similarity;
        }
        n += best > 0;
        if (best == 0) assert_true(s->best[i].similarity == 0);
        if (best > 0) assert_float_equal(s->best[i].similarity, best, 1e-6);
        if (best > 0) assert_float_equal(correlation(s, i, (int)s->best[i].like), best, 1e-6);
        if (best > 0) assert_int_equal(s->best[i].image, i);
    }
    assert_in_range(n, 100, N - 100); /* neither none nor all */
}

static void agrees_with_all_pairs(void **state) {
    images *s = malloc(sizeof *s);
    assert_non_null(s);
    fill(s, 300, 25);
    check_all_pairs(s);
    fill(s, 2500, 15);
    check_all_pairs(s);
    free(s);
    (void)state;
}

/* Of images that are all alike each finds one within the bounds, the same for any number of threads. */
static void stays_within_its_bounds(void **state) {
    enum { COMPARED = 64, LOOKED = 500 };
    images *s = malloc(sizeof *s), *other = malloc(sizeof *other);
    assert_non_null(s);
    assert_non_null(other);
    fill(s, 1, 20);
    find(s, UNBOUNDED, COMPARED, 1);
    memcpy(other, s, sizeof *s);
    assert_true(s->n_partly > N / 2 && s->n_partly < N - COMPARED);
    assert_true(n_found(s) > N * 15 / 17);
    find(s, UNBOUNDED, COMPARED, 3);
    assert_int_equal(s->n_partly, other->n_partly);
    assert_memory_equal(s->best, other->best, sizeof s->best);
    find(s, LOOKED, UNBOUNDED, 2);
    assert_true(s->n_partly > N / 2 && s->n_partly < N - LOOKED / 8);
    assert_true(n_found(s) > N * 15 / 17);
    free(s);
    free(other);
    (void)state;
}

/* Work in all, images x limit x pixels, is bounded by the set's own size. */
static void limits_follow_the_size(void **state) {
    assert_in_range(fv_similar_limits_for(70000, 784).compared, 2000, 10000);
    assert_true(fv_similar_limits_for(1000, 784).compared >= 1000);
    assert_int_equal(fv_similar_limits_for((size_t)1 << 32, 784).compared, 64);
    assert_int_equal(fv_similar_limits_for(0, 784).compared, 64);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_all_pairs),
        cmocka_unit_test(stays_within_its_bounds),
        cmocka_unit_test(limits_follow_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
