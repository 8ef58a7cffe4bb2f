/* conv_pool and its gradients: the forced set against the double reference, and every set against its bits. */
#include "kernel/kernel_test.h"
#include "kernel/reference_conv.h"

typedef struct shape {
    int n_in, n_out, ph, pw;
    int spare; /* pixels around each plane that nobody may touch */
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 0}, {1, 8, 4, 3, 0}, {1, 5, 3, 4, 1},   {2, 3, 2, 5, 0},  {3, 4, 5, 1, 2},
    {4, 7, 1, 6, 0}, {8, 8, 5, 5, 0}, {9, 2, 3, 2, 1},   {2, 17, 2, 2, 0}, {5, 6, 3, 3, 1},
    {1, 9, 2, 7, 0}, {1, 4, 9, 9, 1}, {2, 3, 12, 20, 0}, /* the weight gradient in several strips */
};

typedef struct setting {
    fv_conv_pool_shape s;
    test_map x, y;
    float *w, *bias;
    uint16_t *keep;
    uint8_t *winners; /* of no forward pass: any place, and off */
    size_t n_weights, n_winners;
    char name[64];
} setting;

/* coarse: sums are exact and ties are many. */
static setting setting_create(const shape *a, int coarse) {
    void (*fill)(float *, size_t, uint32_t) = coarse ? test_fill_coarse : test_fill;
    setting t = {.n_weights = (size_t)(a->n_out * a->n_in * 9),
                 .n_winners = (size_t)(a->n_out * a->ph * a->pw * FV_WINNER_BYTES)};
    snprintf(t.name, sizeof t.name, "%d->%d %dx%d", a->n_in, a->n_out, a->ph, a->pw);
    t.x = test_map_create(a->n_in, 2 * a->ph + 2, 2 * a->pw + 2, a->spare);
    t.y = test_map_create(a->n_out, a->ph, a->pw, a->spare);
    t.w = test_alloc(t.n_weights, sizeof *t.w);
    t.bias = test_alloc((size_t)a->n_out, sizeof *t.bias);
    t.keep = test_alloc((size_t)a->n_out, sizeof *t.keep);
    t.winners = test_alloc(t.n_winners, 1);
    fill(t.x.base, t.x.n, 1);
    fill(t.y.base, t.y.n, 2);
    fill(t.w, t.n_weights, 3);
    fill(t.bias, (size_t)a->n_out, 4);
    for (size_t i = 0; i < (size_t)a->n_out; i++) t.keep[i] = (uint16_t)test_below(5, i, 65536);
    for (size_t i = 0; i < t.n_winners; i++) t.winners[i] = (uint8_t)test_below(6, i, 5);
    t.s = (fv_conv_pool_shape){.n_in = a->n_in,
                               .n_out = a->n_out,
                               .ph = a->ph,
                               .pw = a->pw,
                               .x_row = t.x.map.row,
                               .x_plane = t.x.map.plane,
                               .y_row = t.y.map.row,
                               .y_plane = t.y.map.plane};
    return t;
}

static void setting_free(setting *t) {
    free(t->x.base);
    free(t->y.base);
    free(t->w);
    free(t->bias);
    free(t->keep);
    free(t->winners);
}

/* The gradient's place of a winner byte. */
static size_t dy_at(const setting *t, size_t i) {
    const int lane = (int)(i % 16), j = (int)(i / 16) % t->s.pw, row = (int)(i / 16) / t->s.pw;
    return test_at(&t->y, row / t->s.ph, row % t->s.ph, j, lane);
}

static void forward_once(const setting *t, int coarse, const uint16_t *keep, int with_winners) {
    const float scale = 2;
    const ptrdiff_t at = t->y.map.at - t->y.base;
    uint8_t *want_winners = test_alloc(t->n_winners, 1), *winners = test_alloc(t->n_winners, 1);
    float *y = test_alloc(t->y.n, sizeof *y);
    wanted want = wanted_from(t->y.base, t->y.n);
    same_bits same = {0}, same_winners = {0};
    reference_conv_pool(&t->s, t->x.map.at, t->w, t->bias, keep, scale, want.value + at, want.size + at, want_winners);
    if (coarse) memset(want.size, 0, want.n * sizeof *want.size);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        memcpy(y, t->y.base, t->y.n * sizeof *y);
        memset(winners, 99, t->n_winners);
        k->conv_pool(&t->s, t->x.map.at, t->w, t->bias, keep, scale, y + at, with_winners ? winners : NULL);
        if (set == 0) check_close(t->name, y, &want, t->s.n_in * 9 + 2);
        if (set == 0 && coarse && with_winners) assert_memory_equal(winners, want_winners, t->n_winners);
        check_bits(&same, t->name, k, y, t->y.n * sizeof *y);
        check_bits(&same_winners, t->name, k, winners, t->n_winners);
    }
    same_bits_free(&same);
    same_bits_free(&same_winners);
    wanted_free(&want);
    free(want_winners);
    free(winners);
    free(y);
}

static void conv_pool(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int coarse = 0; coarse < 2; coarse++) {
            setting t = setting_create(&shapes[i], coarse);
            forward_once(&t, coarse, NULL, 0);
            forward_once(&t, coarse, NULL, 1);
            forward_once(&t, coarse, t.keep, 0);
            forward_once(&t, coarse, t.keep, 1);
            setting_free(&t);
        }
}

static void ready(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        setting t = setting_create(&shapes[i], 0);
        float *dy = test_alloc(t.y.n, sizeof *dy), *want = test_alloc(t.y.n, sizeof *dy);
        memcpy(want, t.y.base, t.y.n * sizeof *want);
        for (size_t n = 0; n < t.n_winners; n++) want[dy_at(&t, n)] = t.winners[n] < 4 ? want[dy_at(&t, n)] * 3 : 0;
        const fv_kernels *k;
        for (int set = 0; (k = test_set(set)); set++) {
            memcpy(dy, t.y.base, t.y.n * sizeof *dy);
            k->conv_pool_ready(&t.s, dy + (t.y.map.at - t.y.base), t.winners, 3);
            assert_memory_equal(dy, want, t.y.n * sizeof *dy);
        }
        free(dy);
        free(want);
        setting_free(&t);
    }
}

static void dw_once(const setting *t, int add) {
    const size_t n = t->n_weights, n_bias = (size_t)t->s.n_out;
    wanted want = wanted_create(n), want_bias = wanted_create(n_bias);
    same_bits same = {0}, same_bias = {0};
    float *g = test_alloc(n, sizeof *g), *db = test_alloc(n_bias, sizeof *db);
    reference_conv_pool_dw(&t->s, t->x.map.at, t->y.map.at, t->winners, add ? t->w : NULL, add ? t->bias : NULL,
                           want.value, want.size, want_bias.value, want_bias.size);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        const size_t size = k->conv_pool_dw_scratch(t->s.n_out, t->s.n_in);
        float *scratch = test_guarded(size);
        test_fill(scratch, size, 9);
        memcpy(g, t->w, n * sizeof *g);
        memcpy(db, t->bias, n_bias * sizeof *db);
        k->conv_pool_dw(&t->s, t->x.map.at, t->y.map.at, t->winners, scratch, g, db, add);
        if (set == 0) check_close(t->name, g, &want, t->s.ph * t->s.pw + 5);
        if (set == 0) check_close(t->name, db, &want_bias, t->s.ph * t->s.pw + 5);
        check_bits(&same, t->name, k, g, n * sizeof *g);
        check_bits(&same_bias, t->name, k, db, n_bias * sizeof *db);
        test_guarded_free(scratch, size);
    }
    same_bits_free(&same);
    same_bits_free(&same_bias);
    wanted_free(&want);
    wanted_free(&want_bias);
    free(g);
    free(db);
}

static void dx_once(const setting *t, int add) {
    const ptrdiff_t at = t->x.map.at - t->x.base;
    wanted want = wanted_from(t->x.base, t->x.n);
    same_bits same = {0};
    float *dx = test_alloc(t->x.n, sizeof *dx);
    reference_conv_pool_dx(&t->s, t->y.map.at, t->winners, t->w, add ? t->x.map.at : NULL, want.value + at,
                           want.size + at);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        const size_t size = k->conv_pool_dx_packed_size(t->s.n_out, t->s.n_in);
        float *packed = test_guarded(size);
        k->conv_pool_dx_pack(t->s.n_out, t->s.n_in, t->w, packed);
        memcpy(dx, t->x.base, t->x.n * sizeof *dx);
        k->conv_pool_dx(&t->s, t->y.map.at, t->winners, packed, dx + at, add);
        if (set == 0) check_close(t->name, dx, &want, t->s.n_out * 4 + 1);
        check_bits(&same, t->name, k, dx, t->x.n * sizeof *dx);
        test_guarded_free(packed, size);
    }
    same_bits_free(&same);
    wanted_free(&want);
    free(dx);
}

/* Gradients as conv_pool_ready leaves them: zero where off. */
static void gradients(void (*once)(const setting *, int)) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        setting t = setting_create(&shapes[i], 0);
        for (size_t n = 0; n < t.n_winners; n++)
            if (t.winners[n] == 4) t.y.base[dy_at(&t, n)] = 0;
        once(&t, 0);
        once(&t, 1);
        setting_free(&t);
    }
}

static void conv_pool_dw(void **state) {
    (void)state;
    gradients(dw_once);
}

static void conv_pool_dx(void **state) {
    (void)state;
    gradients(dx_once);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_pool),
        cmocka_unit_test(ready),
        cmocka_unit_test(conv_pool_dw),
        cmocka_unit_test(conv_pool_dx),
    };
    return RUN_KERNEL_TESTS(tests);
}
