/* Batch norm kernels against double formulas, and every set against the others. */
#include "kernel/kernel_test.h"

typedef struct shape {
    int c, h, w, border, n_lanes;
} shape;

/* Four channels are in flight, sixteen fold together. */
static const shape shapes[] = {{1, 1, 1, 0, 16}, {1, 7, 5, 0, 1},  {2, 2, 3, 1, 3},   {3, 4, 4, 2, 15},
                               {4, 5, 2, 0, 16}, {5, 3, 3, 1, 8},  {8, 24, 24, 0, 2}, {8, 11, 10, 1, 7},
                               {15, 2, 2, 0, 4}, {16, 6, 5, 0, 9}, {17, 5, 7, 1, 12}, {33, 3, 2, 0, 16},
                               {4, 1, 9, 0, 5},  {4, 9, 1, 1, 13}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, MOST = 48 };

static void check_statistics(const shape *s) {
    test_map x = test_map_random(s->c, s->h, s->w, s->border, 1);
    wanted mean = wanted_create((size_t)s->c), m2 = wanted_create((size_t)s->c);
    const double count = (double)s->n_lanes * s->h * s->w;
    for (int pass = 0; pass < 2; pass++)
        for (int c = 0; c < s->c; c++) {
            double sum = 0, size = 0;
            for (int i = 0; i < s->h; i++)
                for (int j = 0; j < s->w; j++)
                    for (int l = 0; l < s->n_lanes; l++) {
                        double at = x.base[test_at(&x, c, i, j, l)];
                        double term = pass ? (at - mean.value[c]) * (at - mean.value[c]) : at;
                        sum += term;
                        size += fabs(term);
                    }
            if (pass)
                m2.value[c] = sum, m2.size[c] = size + 1e-6;
            else
                mean.value[c] = sum / count, mean.size[c] = size / count;
        }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        float got[2 * MOST] = {0};
        k->norm_statistics(&x.map, s->n_lanes, got, got + s->c);
        if (set == 0) {
            check_close("mean", got, &mean, s->h * s->w + 16);
            check_close("m2", got + s->c, &m2, s->h * s->w + 16);
        }
        check_bits(&bits, "norm_statistics", k, got, sizeof got);
    }
    same_bits_free(&bits);
    wanted_free(&mean);
    wanted_free(&m2);
    free(x.base);
}

/* dy is full size, or pooled with winners. */
typedef struct gradient {
    test_map x, dy;
    uint8_t *winners;
    float mean[MOST], inverse[MOST], a[MOST], b[MOST], d[MOST];
} gradient;

static gradient gradient_create(const shape *s, bool pooled) {
    const int h = pooled ? s->h / 2 : s->h, w = pooled ? s->w / 2 : s->w;
    gradient g = {.x = test_map_random(s->c, s->h, s->w, s->border, 2),
                  .dy = test_map_random(s->c, h, w, s->border, 3)};
    g.winners = test_alloc((size_t)(s->c * h * w) * 16 + 1, 1);
    for (int c = 0; c < s->c; c++)
        for (int p = 0; p < h * w; p++)
            for (int l = 0; l < 16; l++) {
                const size_t at = (size_t)((c * h * w + p) * 16 + l);
                g.winners[at] = (uint8_t)test_below(4, at, 5);
                if (l >= s->n_lanes || (pooled && g.winners[at] == 4))
                    g.dy.base[test_at(&g.dy, c, p / w, p % w, l)] = 0;
            }
    test_fill(g.mean, MOST, 5);
    test_fill(g.inverse, MOST, 6);
    test_fill(g.a, MOST, 7);
    test_fill(g.b, MOST, 8);
    test_fill(g.d, MOST, 9);
    return g;
}

static void gradient_free(gradient *g) {
    free(g->x.base);
    free(g->dy.base);
    free(g->winners);
}

/* The gradient that reaches pixel (i, j) of the full map. */
static double gradient_at(const gradient *g, bool pooled, int c, int i, int j, int l) {
    if (!pooled) return g->dy.base[test_at(&g->dy, c, i, j, l)];
    const int h = g->dy.map.h, w = g->dy.map.w;
    if (i / 2 >= h || j / 2 >= w) return 0;
    const int place = g->winners[((c * h + i / 2) * w + j / 2) * 16 + l];
    return place == i % 2 * 2 + j % 2 ? g->dy.base[test_at(&g->dy, c, i / 2, j / 2, l)] : 0;
}

static void check_sums(const shape *s, bool pooled) {
    gradient g = gradient_create(s, pooled);
    wanted want = wanted_create((size_t)(2 * s->c));
    for (int c = 0; c < s->c; c++)
        for (int i = 0; i < s->h; i++)
            for (int j = 0; j < s->w; j++)
                for (int l = 0; l < 16; l++) {
                    double dy = gradient_at(&g, pooled, c, i, j, l), at = g.x.base[test_at(&g.x, c, i, j, l)];
                    double with_x = dy * (at - (double)g.mean[c]) * g.inverse[c];
                    want.value[c] += dy;
                    want.size[c] += fabs(dy);
                    want.value[s->c + c] += with_x;
                    want.size[s->c + c] += fabs(dy) * (fabs(at) + fabs((double)g.mean[c])) * fabs((double)g.inverse[c]);
                }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        float got[2 * MOST] = {0};
        if (pooled)
            k->norm_sums_pool(&g.x.map, &g.dy.map, g.winners, g.mean, g.inverse, got, got + s->c);
        else
            k->norm_sums(&g.x.map, &g.dy.map, g.mean, g.inverse, got, got + s->c);
        if (set == 0) check_close(pooled ? "norm_sums_pool" : "norm_sums", got, &want, s->h * s->w + 16);
        check_bits(&bits, pooled ? "norm_sums_pool" : "norm_sums", k, got, sizeof got);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    gradient_free(&g);
}

static void check_dx(const shape *s, bool pooled) {
    gradient g = gradient_create(s, pooled);
    test_map dx = test_map_random(s->c, s->h, s->w, s->border, 10);
    wanted want = wanted_from(dx.base, dx.n);
    for (int c = 0; c < s->c; c++)
        for (int i = 0; i < s->h; i++)
            for (int j = 0; j < s->w; j++)
                for (int l = 0; l < 16; l++) {
                    const size_t at = test_at(&dx, c, i, j, l);
                    double x = g.x.base[test_at(&g.x, c, i, j, l)], ady = g.a[c] * gradient_at(&g, pooled, c, i, j, l);
                    want.value[at] = l < s->n_lanes ? ady + g.b[c] * x + (double)g.d[c] : 0;
                    want.size[at] = fabs(ady) + fabs(g.b[c] * x) + fabs((double)g.d[c]);
                }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(dx.base, dx.n, 10);
        if (pooled)
            k->norm_dx_pool(&g.x.map, &g.dy.map, g.winners, g.a, g.b, g.d, s->n_lanes, &dx.map);
        else
            k->norm_dx(&g.x.map, &g.dy.map, g.a, g.b, g.d, s->n_lanes, &dx.map);
        if (set == 0) check_close(pooled ? "norm_dx_pool" : "norm_dx", dx.base, &want, 2);
        check_bits(&bits, pooled ? "norm_dx_pool" : "norm_dx", k, dx.base, dx.n * sizeof *dx.base);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(dx.base);
    gradient_free(&g);
}

static void check_apply(const shape *s, int relu) {
    test_map x = test_map_random(s->c, s->h, s->w, s->border, 11), y = test_map_random(s->c, s->h, s->w, 1, 12);
    float scale[MOST], shift[MOST];
    test_fill(scale, MOST, 13);
    test_fill(shift, MOST, 14);
    wanted want = wanted_from(y.base, y.n);
    for (int c = 0; c < s->c; c++)
        for (int i = 0; i < s->h; i++)
            for (int j = 0; j < s->w; j++)
                for (int l = 0; l < 16; l++) {
                    double product = (double)x.base[test_at(&x, c, i, j, l)] * scale[c], sum = product + shift[c];
                    want.value[test_at(&y, c, i, j, l)] = relu && sum < 0 ? 0 : sum;
                    want.size[test_at(&y, c, i, j, l)] = fabs(product) + fabs((double)shift[c]);
                }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(y.base, y.n, 12);
        k->norm_apply(&x.map, scale, shift, &y.map, relu);
        if (set == 0) check_close("norm_apply", y.base, &want, 1);
        check_bits(&bits, "norm_apply", k, y.base, y.n * sizeof *y.base);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(x.base);
    free(y.base);
}

#define KEEP_SCALE 1.25

/* Of exact numbers with many ties: value and winner must be exact. */
static void want_pool(const test_map *x, const float *scale, const float *shift, const uint16_t *keep,
                      const test_map *y, wanted *want, uint8_t *winners) {
    for (int c = 0; c < y->map.c; c++)
        for (int i = 0; i < y->map.h; i++)
            for (int j = 0; j < y->map.w; j++)
                for (int l = 0; l < 16; l++, winners++) {
                    double most = -1e9;
                    for (int t = 0; t < 4; t++) {
                        double at =
                            x->base[test_at(x, c, 2 * i + t / 2, 2 * j + t % 2, l)] * (double)scale[c] + shift[c];
                        if (at > most) most = at, *winners = (uint8_t)t;
                    }
                    if (!(most > 0) || (keep && !(keep[c] >> l & 1))) most = 0, *winners = 4;
                    want->value[test_at(y, c, i, j, l)] = keep ? most * KEEP_SCALE : most;
                }
}

static void check_apply_pool(const shape *s, int drops) {
    const size_t n_winners = (size_t)(s->c * (s->h / 2) * (s->w / 2)) * 16;
    test_map x = test_map_create(s->c, s->h, s->w, s->border), y = test_map_random(s->c, s->h / 2, s->w / 2, 1, 15);
    float scale[MOST], shift[MOST];
    test_fill_coarse(x.base, x.n, 16);
    test_fill_coarse(scale, MOST, 17);
    test_fill_coarse(shift, MOST, 18);
    wanted want = wanted_from(y.base, y.n);
    uint8_t *winners = test_alloc(n_winners + 1, 1), *got = test_alloc(n_winners + 1, 1);
    uint16_t keep[MOST];
    for (int c = 0; c < MOST; c++) keep[c] = (uint16_t)(0x5a3c >> c % 4);
    want_pool(&x, scale, shift, drops ? keep : NULL, &y, &want, winners);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++)
        for (int keeps = 0; keeps < 2; keeps++) {
            test_fill(y.base, y.n, 15);
            memset(got, 9, n_winners + 1);
            k->norm_apply_pool(&x.map, scale, shift, drops ? keep : NULL, (float)KEEP_SCALE, &y.map,
                               keeps ? got : NULL);
            check_close("norm_apply_pool", y.base, &want, 0);
            if (keeps) assert_memory_equal(got, winners, n_winners);
            assert_int_equal(got[n_winners], 9);
        }
    wanted_free(&want);
    free(winners);
    free(got);
    free(x.base);
    free(y.base);
}

static void test_statistics(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) check_statistics(&shapes[i]);
}

static void test_statistics_of_missing_lanes(void **state) {
    (void)state;
    test_map x = test_map_create(1, 2, 2, 0);
    for (size_t i = 0; i < x.n; i++) x.base[i] = i % 16 < 5 ? (float)(i % 16) : NAN;
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        float mean, m2;
        k->norm_statistics(&x.map, 5, &mean, &m2);
        assert_true(mean == 2 && m2 == 4 * (4 + 1 + 0 + 1 + 4));
    }
    free(x.base);
}

static void test_apply(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        check_apply(&shapes[i], 0);
        check_apply(&shapes[i], 1);
        for (int drops = 0; drops < 2; drops++) check_apply_pool(&shapes[i], drops);
    }
}

static void test_sums(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        check_sums(&shapes[i], false);
        check_sums(&shapes[i], true);
    }
}

static void test_dx(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        check_dx(&shapes[i], false);
        check_dx(&shapes[i], true);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statistics),
                                       cmocka_unit_test(test_statistics_of_missing_lanes), cmocka_unit_test(test_apply),
                                       cmocka_unit_test(test_sums), cmocka_unit_test(test_dx)};
    return RUN_KERNEL_TESTS(tests);
}
