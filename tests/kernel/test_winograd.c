/* winograd, winograd_dw: the forced set against the double reference, every set against its bits, and, on numbers that
 * float32 holds exactly on either way, against the direct convolution to the bit. */
#include "kernel/conv_setting.h"
#include "kernel/reference_conv.h"

typedef struct shape {
    int n_in, n_out, h, w; /* of the output */
} shape;

/* The weight gradient takes input channels by sixteens. */
static const shape shapes[] = {
    {1, 1, 1, 1},     /* one of everything, most of a tile is not there */
    {1, 8, 2, 2},     /* one whole tile */
    {3, 9, 3, 5},     /* odd sides; channels: AVX-512's tile plus one */
    {5, 7, 4, 1},     /* width 1; AVX2's tile plus one */
    {16, 6, 1, 6},    /* height 1; AVX2's tile */
    {16, 15, 5, 6},   /* tiles: one more than two groups of the weight gradient */
    {32, 17, 4, 7},   /* as many as two groups */
    {48, 16, 3, 3},   /* three sixteens */
    {64, 40, 2, 9},   /* one tile more than a group */
    {16, 32, 14, 13}, /* as in a net */
};

/* Pixels of `from` in the middle, NaN in the border. */
static test_map framed(int c, int h, int w, filler fill, uint32_t stream) {
    test_map t = test_map_create(c, h, w, 2);
    for (size_t i = 0; i < t.n; i++) t.base[i] = NAN;
    for (int k = 0; k < c; k++)
        for (int i = 0; i < h; i++)
            fill(t.map.at + k * t.map.plane + i * t.map.row, (size_t)w * FV_LANES, stream + (uint32_t)(k * h + i));
    return t;
}

/* x: what the outputs read and no more, NaN around it. */
static setting setting_create(const shape *a, filler fill) {
    setting t = {.x = framed(a->n_in, a->h + 2, a->w + 2, fill, 1000), .y = framed(a->n_out, a->h, a->w, fill, 100000)};
    snprintf(t.name, sizeof t.name, "%d->%d %dx%d", a->n_in, a->n_out, a->h, a->w);
    setting_fill(&t, 3, 1, 1, fill);
    return t;
}

/* y's buffer after the convolution. */
static float *run(const setting *t, const fv_kernels *k, fv_conv_start start, int relu) {
    const size_t n = k->winograd_packed_size(t->s.n_out, t->s.n_in), n_scratch = k->winograd_scratch(t->s.n_in);
    float *packed = test_guarded(n), *scratch = test_guarded(n_scratch), *y = test_alloc(t->y.n, sizeof *y);
    memcpy(y, t->y.base, t->y.n * sizeof *y);
    k->winograd_pack(t->s.n_out, t->s.n_in, t->w, t->n_offsets, 9, 0, packed);
    k->winograd(&t->s, t->x.map.at, packed, start == FV_FROM_BIAS ? t->bias : NULL, y + (t->y.map.at - t->y.base),
                start, relu, scratch);
    test_guarded_free(packed, n);
    test_guarded_free(scratch, n_scratch);
    return y;
}

static float *run_direct(setting *t, fv_conv_start start, int relu) {
    const fv_kernels *k = fv_kernels_chosen();
    float *packed = test_alloc(k->conv_packed_size(t->s.n_out, t->s.n_in, 9), sizeof *packed);
    float *y = test_alloc(t->y.n, sizeof *y);
    int32_t order[9];
    for (int i = 0; i < 9; i++) order[i] = i;
    memcpy(y, t->y.base, t->y.n * sizeof *y);
    t->s.taps = t->taps;
    k->conv_pack(t->s.n_out, t->s.n_in, 9, t->w, t->n_offsets, 9, order, packed);
    k->conv(&t->s, t->x.map.at, packed, t->bias, y + (t->y.map.at - t->y.base), start, relu);
    free(packed);
    return y;
}

/* NaN where NaN is wanted; zeros of either sign are equal. */
static void check_equal(const char *what, const fv_kernels *k, const float *got, const float *want, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(got[i] == want[i] || (isnan(got[i]) && isnan(want[i]))))
            fail_msg("%s, %s: [%zu] is %.9g, not %.9g", what, k->name, i, (double)got[i], (double)want[i]);
}

static void check_close_inside(const setting *t, const float *y, const double *value, const double *size) {
    const ptrdiff_t at = t->y.map.at - t->y.base;
    for (int o = 0; o < t->s.n_out; o++)
        for (int i = 0; i < t->s.h; i++) {
            const size_t n = (size_t)t->s.w * FV_LANES;
            const ptrdiff_t row = at + o * t->s.y_plane + i * t->s.y_row;
            wanted want = wanted_create(n);
            memcpy(want.value, value + row, n * sizeof *value);
            memcpy(want.size, size + row, n * sizeof *size);
            check_close(t->name, y + row, &want,
                        4 * t->n_offsets + 1); /* inputs beside the nine come in and go again */
            wanted_free(&want);
        }
}

static void forward_once(setting *t, fv_conv_start start, int relu) {
    wanted want = wanted_from(t->y.base, t->y.n);
    const ptrdiff_t at = t->y.map.at - t->y.base;
    same_bits same = {0};
    t->s.taps = t->taps;
    reference_conv(&t->s, t->x.map.at, t->w, t->bias, t->y.map.at, start, relu, want.value + at, want.size + at);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        float *y = run(t, k, start, relu);
        if (set == 0) check_close_inside(t, y, want.value, want.size);
        check_bits(&same, t->name, k, y, t->y.n * sizeof *y);
        free(y);
    }
    same_bits_free(&same);
    wanted_free(&want);
}

static void forward(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int relu = 0; relu < 2; relu++) {
            setting t = setting_create(&shapes[i], test_fill);
            forward_once(&t, FV_FROM_ZERO, relu);
            forward_once(&t, FV_FROM_BIAS, relu);
            forward_once(&t, FV_FROM_Y, relu);
            setting_free(&t);
        }
}

static void forward_exact(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int start = FV_FROM_ZERO; start <= FV_FROM_Y; start++) {
            setting t = setting_create(&shapes[i], test_fill_coarse);
            const fv_kernels *k = fv_kernels_chosen();
            float *y = run(&t, k, (fv_conv_start)start, start == FV_FROM_Y);
            float *want = run_direct(&t, (fv_conv_start)start, start == FV_FROM_Y);
            check_equal(t.name, k, y, want, t.y.n);
            free(y);
            free(want);
            setting_free(&t);
        }
}

/* The input gradient's weights: channels exchanged, kernel turned. */
static void pack_turned(void **state) {
    (void)state;
    enum { IN = 11, OUT = 5 };
    float w[IN * OUT * 9], turned[IN * OUT * 9];
    test_fill(w, IN * OUT * 9, 1);
    for (int o = 0; o < OUT; o++)
        for (int c = 0; c < IN; c++)
            for (int t = 0; t < 9; t++) turned[(c * OUT + o) * 9 + t] = w[(o * IN + c) * 9 + 8 - t];
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        const size_t n = k->winograd_packed_size(IN, OUT);
        float *a = test_guarded(n), *b = test_guarded(n);
        k->winograd_pack(IN, OUT, w, 9, IN * 9, 1, a);
        k->winograd_pack(IN, OUT, turned, OUT * 9, 9, 0, b);
        assert_memory_equal(a, b, n * sizeof *a);
        test_guarded_free(a, n);
        test_guarded_free(b, n);
    }
}

static float *run_dw(const setting *t, const fv_kernels *k, int add) {
    const size_t n = (size_t)(t->s.n_out * t->n_offsets), size = k->winograd_dw_scratch(t->s.n_out, t->s.n_in);
    float *scratch = test_guarded(size), *g = test_guarded(n), *out = test_alloc(n, sizeof *out);
    if (add) memcpy(g, t->w, n * sizeof *g);
    k->winograd_dw(&t->s, t->x.map.at, t->y.map.at, scratch, g, add);
    memcpy(out, g, n * sizeof *g);
    test_guarded_free(scratch, size);
    test_guarded_free(g, n);
    return out;
}

static void gradient_once(setting *t, int add) {
    const size_t n = (size_t)(t->s.n_out * t->n_offsets);
    wanted want = wanted_create(n);
    same_bits same = {0};
    reference_conv_dw(&t->s, t->n_offsets, t->offsets, t->x.map.at, t->y.map.at, add ? t->w : NULL, want.value,
                      want.size);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        float *g = run_dw(t, k, add);
        if (set == 0) check_close(t->name, g, &want, 4 * t->s.h * t->s.w + 16);
        check_bits(&same, t->name, k, g, n * sizeof *g);
        free(g);
    }
    same_bits_free(&same);
    wanted_free(&want);
}

static void gradient(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].n_in % 16) continue;
        setting t = setting_create(&shapes[i], test_fill);
        gradient_once(&t, 0);
        gradient_once(&t, 1);
        setting_free(&t);
    }
}

static void gradient_exact(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].n_in % 16) continue;
        setting t = setting_create(&shapes[i], test_fill_coarse);
        const fv_kernels *k = fv_kernels_chosen();
        const size_t n = (size_t)(t.s.n_out * t.n_offsets);
        float *scratch = test_alloc(k->conv_dw_scratch(t.s.n_out, t.n_offsets), sizeof *scratch);
        float *want = test_alloc(n, sizeof *want), *g = run_dw(&t, k, 0);
        k->conv_dw(&t.s, t.n_offsets, t.offsets, t.x.map.at, t.y.map.at, scratch, want, 0);
        check_equal(t.name, k, g, want, n);
        free(g);
        free(want);
        free(scratch);
        setting_free(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward),  cmocka_unit_test(forward_exact),  cmocka_unit_test(pack_turned),
        cmocka_unit_test(gradient), cmocka_unit_test(gradient_exact),
    };
    return RUN_KERNEL_TESTS(tests);
}
