/* Pooling, pixel-by-pixel kernels and dropout masks against plain loops: exact where no sum is rounded. */
#include "kernel/kernel_test.h"

typedef struct shape {
    int c, h, w, border;
} shape;

static const shape shapes[] = {{1, 1, 1, 0}, {1, 5, 7, 0}, {3, 4, 4, 1},  {2, 9, 6, 2},
                               {5, 1, 8, 0}, {8, 7, 1, 1}, {2, 15, 16, 0}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

#define EACH_PIXEL(m)                                                                                                  \
    for (int c = 0; c < (m).map.c; c++)                                                                                \
        for (int i = 0; i < (m).map.h; i++)                                                                            \
            for (int j = 0; j < (m).map.w; j++)                                                                        \
                for (int l = 0; l < 16; l++)

/* ---- pooling ---- */

static void check_max_pool(const shape *s, int k_size) {
    const int ph = s->h / k_size, pw = s->w / k_size;
    const size_t n = (size_t)(s->c * ph * pw) * 16;
    test_map x = test_map_create(s->c, s->h, s->w, s->border), y = test_map_random(s->c, ph, pw, 1, 1);
    test_fill_coarse(x.base, x.n, 2);
    wanted want = wanted_from(y.base, y.n);
    uint8_t *which = test_alloc(n + 1, 1), *got = test_alloc(n + 1, 1);
    EACH_PIXEL(y) {
        uint8_t *place = &which[((c * ph + i) * pw + j) * 16 + l];
        double most = x.base[test_at(&x, c, k_size * i, k_size * j, l)];
        for (int t = 1; t < k_size * k_size; t++) {
            double at = x.base[test_at(&x, c, k_size * i + t / k_size, k_size * j + t % k_size, l)];
            if (at > most) most = at, *place = (uint8_t)t;
        }
        want.value[test_at(&y, c, i, j, l)] = most;
    }
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++)
        for (int keeps = 0; keeps < 2; keeps++) {
            test_fill(y.base, y.n, 1);
            memset(got, 99, n + 1);
            k->max_pool(&x.map, k_size, &y.map, keeps ? got : NULL);
            check_close("max_pool", y.base, &want, 0);
            if (keeps) assert_memory_equal(got, which, n);
            assert_int_equal(got[n], 99);
        }
    wanted_free(&want);
    free(which);
    free(got);
    free(x.base);
    free(y.base);
}

static void check_max_pool_dx(const shape *s, int k_size, int add) {
    const int ph = s->h / k_size, pw = s->w / k_size;
    const size_t n = (size_t)(s->c * ph * pw) * 16;
    test_map dy = test_map_random(s->c, ph, pw, 1, 3), dx = test_map_random(s->c, s->h, s->w, s->border, 4);
    uint8_t *which = test_alloc(n + 1, 1);
    for (size_t i = 0; i < n; i++) which[i] = (uint8_t)test_below(5, i, (uint32_t)(k_size * k_size));
    wanted want = wanted_from(dx.base, dx.n);
    EACH_PIXEL(dx) {
        const size_t at = test_at(&dx, c, i, j, l);
        const int pi = i / k_size, pj = j / k_size;
        if (!add) want.value[at] = 0;
        if (pi >= ph || pj >= pw || which[((c * ph + pi) * pw + pj) * 16 + l] != i % k_size * k_size + j % k_size)
            continue;
        float dy_at = dy.base[test_at(&dy, c, pi, pj, l)];
        want.value[at] = add ? dx.base[at] + dy_at : dy_at;
    }
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(dx.base, dx.n, 4);
        k->max_pool_dx(&dy.map, which, k_size, &dx.map, add);
        check_close("max_pool_dx", dx.base, &want, 0);
    }
    wanted_free(&want);
    free(which);
    free(dx.base);
    free(dy.base);
}

static void check_mean_pool(const shape *s, int kh, int kw) {
    test_map x = test_map_random(s->c, s->h, s->w, s->border, 6);
    test_map y = test_map_random(s->c, s->h / kh, s->w / kw, 1, 7);
    wanted want = wanted_from(y.base, y.n);
    EACH_PIXEL(y) {
        const size_t at = test_at(&y, c, i, j, l);
        want.value[at] = 0;
        for (int t = 0; t < kh * kw; t++) {
            double term = x.base[test_at(&x, c, kh * i + t / kw, kw * j + t % kw, l)] / (double)(kh * kw);
            want.value[at] += term;
            want.size[at] += fabs(term);
        }
    }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(y.base, y.n, 7);
        k->mean_pool(&x.map, kh, kw, &y.map);
        if (set == 0) check_close("mean_pool", y.base, &want, kh * kw);
        check_bits(&bits, "mean_pool", k, y.base, y.n * sizeof *y.base);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(x.base);
    free(y.base);
}

static void check_mean_pool_dx(const shape *s, int kh, int kw, int add) {
    test_map dy = test_map_random(s->c, s->h / kh, s->w / kw, 1, 8);
    test_map dx = test_map_random(s->c, s->h, s->w, s->border, 9);
    wanted want = wanted_from(dx.base, dx.n);
    EACH_PIXEL(dx) {
        const size_t at = test_at(&dx, c, i, j, l);
        const bool covered = i / kh < dy.map.h && j / kw < dy.map.w;
        double dy_at = covered ? dy.base[test_at(&dy, c, i / kh, j / kw, l)] / (double)(kh * kw) : 0;
        want.size[at] = covered ? fabs(dy_at) + (add ? fabs(want.value[at]) : 0) : 0;
        want.value[at] = dy_at + (add ? want.value[at] : 0);
    }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(dx.base, dx.n, 9);
        k->mean_pool_dx(&dy.map, kh, kw, &dx.map, add);
        if (set == 0) check_close("mean_pool_dx", dx.base, &want, 1);
        check_bits(&bits, "mean_pool_dx", k, dx.base, dx.n * sizeof *dx.base);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(dx.base);
    free(dy.base);
}

static void test_max_pool(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++)
        for (int k = 1; k <= 15; k += k < 4 ? 1 : 11) {
            check_max_pool(&shapes[i], k);
            check_max_pool_dx(&shapes[i], k, 0);
            check_max_pool_dx(&shapes[i], k, 1);
        }
}

static void test_mean_pool(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        const int windows[][2] = {{1, 1}, {2, 2}, {2, 3}, {3, 1}, {shapes[i].h, shapes[i].w}};
        for (int k = 0; k < 5; k++) {
            check_mean_pool(&shapes[i], windows[k][0], windows[k][1]);
            check_mean_pool_dx(&shapes[i], windows[k][0], windows[k][1], 0);
            check_mean_pool_dx(&shapes[i], windows[k][0], windows[k][1], 1);
        }
    }
}

/* ---- pixel by pixel: one operation each, so exact ---- */

enum operation { RELU, RELU_DX, RELU_DX_ADD, ADD, COPY, COPY_ADD, MASK, MASK_ADD, MASK_CHANNEL, N_OPERATIONS };

static float expected(enum operation op, float a, float b, float before, bool kept) {
    switch (op) {
    case RELU:
        return a > 0 ? a : 0;
    case RELU_DX:
        return a > 0 ? b : 0;
    case RELU_DX_ADD:
        return before + (a > 0 ? b : 0);
    case ADD:
        return a + b;
    case COPY:
        return a;
    case COPY_ADD:
        return before + a;
    case MASK_ADD:
        return before + (kept ? a * 1.25F : 0);
    default:
        return kept ? a * 1.25F : 0;
    }
}

static void run_operation(const fv_kernels *k, enum operation op, const fv_map *a, const fv_map *b,
                          const uint16_t *keep, const fv_map *y) {
    switch (op) {
    case RELU:
        k->relu(a, y);
        break;
    case RELU_DX:
        k->relu_dx(a, b, y, 0);
        break;
    case RELU_DX_ADD:
        k->relu_dx(a, b, y, 1);
        break;
    case ADD:
        k->add(a, b, y);
        break;
    case COPY:
        k->copy(a, y, 0);
        break;
    case COPY_ADD:
        k->copy(a, y, 1);
        break;
    case MASK:
        k->mask(a, keep, 0, 1.25F, y, 0);
        break;
    case MASK_ADD:
        k->mask(a, keep, 0, 1.25F, y, 1);
        break;
    default:
        k->mask(a, keep, 1, 1.25F, y, 0);
    }
}

static void check_operation(const shape *s, enum operation op, bool in_place) {
    test_map a = test_map_random(s->c, s->h, s->w, s->border, 10), b = test_map_random(s->c, s->h, s->w, 1, 11);
    test_map own = test_map_random(s->c, s->h, s->w, 2, 12), y = in_place ? op == RELU_DX ? b : a : own;
    uint16_t *keep = test_alloc((size_t)(s->c * s->h * s->w), sizeof *keep);
    for (int i = 0; i < s->c * s->h * s->w; i++) keep[i] = (uint16_t)test_below(13, (size_t)i, 65536);
    float *start = test_alloc(y.n, sizeof *start);
    memcpy(start, y.base, y.n * sizeof *start);
    wanted want = wanted_from(y.base, y.n);
    EACH_PIXEL(y) {
        const size_t at = test_at(&y, c, i, j, l);
        const int element = op == MASK_CHANNEL ? c : (c * s->h + i) * s->w + j;
        want.value[at] = expected(op, a.base[test_at(&a, c, i, j, l)], b.base[test_at(&b, c, i, j, l)], start[at],
                                  keep[element] >> l & 1);
    }
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        memcpy(y.base, start, y.n * sizeof *start);
        run_operation(k, op, &a.map, &b.map, keep, &y.map);
        check_close("pixel by pixel", y.base, &want, 0);
    }
    wanted_free(&want);
    free(start);
    free(keep);
    free(a.base);
    free(b.base);
    free(own.base);
}

static void test_operations(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++)
        for (int op = 0; op < N_OPERATIONS; op++) check_operation(&shapes[i], (enum operation)op, false);
    check_operation(&shapes[2], RELU, true);
    check_operation(&shapes[2], RELU_DX, true);
    check_operation(&shapes[2], MASK, true);
    check_operation(&shapes[2], MASK_CHANNEL, true);
}

/* NaN and -0 end as +0, the same on every set. */
static void test_relu_corners(void **state) {
    (void)state;
    test_map x = test_map_create(1, 1, 1, 0), y = test_map_create(1, 1, 1, 0);
    for (int l = 0; l < 16; l++) x.base[l] = (float[]){NAN, -0.0F, 0.0F, -INFINITY, INFINITY, 1, -1, -NAN}[l % 8];
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        k->relu(&x.map, &y.map);
        for (int l = 0; l < 16; l++) {
            assert_true(y.base[l] == (l % 8 == 4 ? INFINITY : l % 8 == 5 ? 1 : 0));
            assert_false(signbit(y.base[l]));
        }
    }
    free(x.base);
    free(y.base);
}

static void test_clear_border(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++)
        for (int border = 0; border <= shapes[i].border; border++) {
            const shape s = shapes[i];
            test_map m = test_map_random(s.c, s.h, s.w, s.border, 14);
            wanted want = wanted_from(m.base, m.n);
            for (int c = 0; c < s.c; c++)
                for (int r = -border; r < s.h + border; r++)
                    for (int j = -border; j < s.w + border; j++)
                        for (int l = 0; l < 16; l++)
                            if (r < 0 || r >= s.h || j < 0 || j >= s.w) want.value[test_at(&m, c, r, j, l)] = 0;
            const fv_kernels *k;
            for (int set = 0; (k = test_set(set)); set++) {
                test_fill(m.base, m.n, 14);
                k->map_clear_border(&m.map, border);
                check_close("map_clear_border", m.base, &want, 0);
            }
            wanted_free(&want);
            free(m.base);
        }
}

/* ---- dropout ---- */

static void check_keep_masks(uint64_t seed, uint32_t position, uint32_t epoch, uint32_t layer, int n,
                             uint32_t threshold) {
    uint16_t *want = test_alloc((size_t)n + 1, sizeof *want), *got = test_alloc((size_t)n + 1, sizeof *got);
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        for (uint32_t l = 0; l < 16; l++) {
            fv_words4 words = fv_philox(seed, FV_RANDOM_DROPOUT, position + l, epoch, layer, i / 4);
            if (words.word[i % 4] < threshold) want[i] |= (uint16_t)(1U << l);
        }
    want[n] = 0xabcd;
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        got[n] = 0xabcd;
        k->keep_masks(fv_philox_key0(seed), position, epoch, layer, n, threshold, got);
        assert_memory_equal(got, want, ((size_t)n + 1) * sizeof *got);
    }
    free(want);
    free(got);
}

static void test_keep_masks(void **state) {
    (void)state;
    const int sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 64, 1001};
    for (int i = 0; i < 10; i++) {
        check_keep_masks(1, 0, 0, 0, sizes[i], 0x80000000U);
        check_keep_masks(0x123456789abcdefULL, 51000, 9, 3, sizes[i], 0x40000001U);
        check_keep_masks(77, 0xfffffff8U, 0xffffffffU, 12, sizes[i], 0xe0000000U); /* the position wraps */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_max_pool),     cmocka_unit_test(test_mean_pool),
                                       cmocka_unit_test(test_operations),   cmocka_unit_test(test_relu_corners),
                                       cmocka_unit_test(test_clear_border), cmocka_unit_test(test_keep_masks)};
    return RUN_KERNEL_TESTS(tests);
}
