/* conv, conv_dw, channel_sum: the forced set against the double reference, and every set against its bits. */
#include "kernel/conv_setting.h"
#include "kernel/reference_conv.h"

typedef struct shape {
    int n_in, n_out, h, w; /* of the input */
    int kernel, pad, stride;
    int spare;  /* pixels around each plane that nobody may touch */
    int y_step; /* output pixels lie so far apart, as in the input gradient of a strided convolution */
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 1, 0, 1, 0, 1},  /* one of everything */
    {1, 1, 3, 3, 3, 0, 1, 0, 1},  /* one output pixel */
    {1, 8, 9, 1, 3, 1, 1, 0, 1},  /* width 1 */
    {3, 5, 1, 7, 3, 1, 1, 1, 1},  /* height 1 */
    {2, 6, 4, 5, 3, 1, 1, 0, 1},  /* channels: AVX2's tile */
    {3, 7, 5, 4, 3, 0, 1, 2, 1},  /* ... plus one, AVX-512's minus one */
    {9, 9, 5, 6, 3, 1, 1, 0, 1},  /* AVX-512's plus one */
    {8, 8, 6, 3, 3, 1, 1, 1, 1},  /* widths at two pixels plus and minus one */
    {4, 17, 3, 2, 3, 1, 1, 0, 1}, /* ... and exactly */
    {5, 15, 4, 9, 1, 0, 1, 0, 1}, /* 1x1 */
    {7, 4, 6, 5, 1, 0, 2, 1, 1},  /* 1x1, stride 2 */
    {3, 10, 9, 7, 3, 1, 2, 0, 1}, /* stride 2 */
    {2, 3, 8, 11, 5, 2, 1, 1, 1}, /* 5x5 */
    {3, 2, 9, 8, 5, 2, 2, 0, 1},  /* 5x5, stride 2 */
    {1, 12, 7, 6, 5, 0, 1, 0, 1}, {6, 8, 5, 4, 3, 2, 1, 0, 1},   {4, 3, 4, 4, 3, 1, 1, 0, 2},
    {5, 8, 3, 7, 1, 0, 1, 1, 2},  {2, 4, 40, 70, 3, 1, 1, 0, 1}, /* the weight gradient in several strips */
};

static setting setting_create(const shape *a) {
    const int h = (a->h + 2 * a->pad - a->kernel) / a->stride + 1, w = (a->w + 2 * a->pad - a->kernel) / a->stride + 1;
    setting t = {.x = test_map_random(a->n_in, a->h, a->w, a->pad + a->spare, 1),
                 .y = test_map_random(a->n_out, h * a->y_step, w * a->y_step, a->spare, 2)};
    snprintf(t.name, sizeof t.name, "%d->%d %dx%d kernel %d pad %d stride %d step %d", a->n_in, a->n_out, a->h, a->w,
             a->kernel, a->pad, a->stride, a->y_step);
    t.x.map.at -= a->pad * (t.x.map.row + FV_LANES); /* where tap 0 of output pixel (0, 0) is */
    setting_fill(&t, a->kernel, a->stride, a->y_step, test_fill);
    return t;
}

static void conv_once(setting *t, fv_conv_start start, int relu) {
    wanted want = wanted_from(t->y.base, t->y.n);
    const ptrdiff_t at = t->y.map.at - t->y.base;
    same_bits same = {0};
    int32_t order[25];
    for (int k = 0; k < t->s.n_taps; k++) order[k] = k;
    t->s.taps = t->taps;
    reference_conv(&t->s, t->x.map.at, t->w, t->bias, t->y.map.at, start, relu, want.value + at, want.size + at);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        const size_t n = k->conv_packed_size(t->s.n_out, t->s.n_in, t->s.n_taps);
        float *packed = test_guarded(n), *y = test_alloc(t->y.n, sizeof *y);
        memcpy(y, t->y.base, t->y.n * sizeof *y);
        k->conv_pack(t->s.n_out, t->s.n_in, t->s.n_taps, t->w, t->n_offsets, t->s.n_taps, order, packed);
        k->conv(&t->s, t->x.map.at, packed, start == FV_FROM_BIAS ? t->bias : NULL, y + at, start, relu);
        if (set == 0) check_close(t->name, y, &want, t->n_offsets + 1);
        check_bits(&same, t->name, k, y, t->y.n * sizeof *y);
        test_guarded_free(packed, n);
        free(y);
    }
    same_bits_free(&same);
    wanted_free(&want);
}

static void conv(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int relu = 0; relu < 2; relu++) {
            setting t = setting_create(&shapes[i]);
            conv_once(&t, FV_FROM_ZERO, relu);
            conv_once(&t, FV_FROM_BIAS, relu);
            conv_once(&t, FV_FROM_Y, relu);
            setting_free(&t);
        }
}

/* The input gradient's weights: channels exchanged, kernel turned. */
static void pack_turned(void **state) {
    (void)state;
    enum { IN = 11, OUT = 5, TAPS = 9 };
    float w[IN * OUT * TAPS], turned[IN * OUT * TAPS];
    int32_t order[TAPS], straight[TAPS];
    test_fill(w, IN * OUT * TAPS, 1);
    for (int t = 0; t < TAPS; t++) order[t] = TAPS - 1 - t, straight[t] = t;
    for (int o = 0; o < OUT; o++)
        for (int c = 0; c < IN; c++)
            for (int t = 0; t < TAPS; t++) turned[(c * OUT + o) * TAPS + t] = w[(o * IN + c) * TAPS + TAPS - 1 - t];
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        const size_t n = k->conv_packed_size(IN, OUT, TAPS);
        float *a = test_guarded(n), *b = test_guarded(n);
        k->conv_pack(IN, OUT, TAPS, w, TAPS, IN * TAPS, order, a);
        k->conv_pack(IN, OUT, TAPS, turned, OUT * TAPS, TAPS, straight, b);
        assert_memory_equal(a, b, n * sizeof *a);
        test_guarded_free(a, n);
        test_guarded_free(b, n);
    }
}

static void conv_dw_once(setting *t, int add) {
    const size_t n = (size_t)(t->s.n_out * t->n_offsets);
    wanted want = wanted_create(n);
    same_bits same = {0};
    reference_conv_dw(&t->s, t->n_offsets, t->offsets, t->x.map.at, t->y.map.at, add ? t->w : NULL, want.value,
                      want.size);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        const size_t size = k->conv_dw_scratch(t->s.n_out, t->n_offsets);
        float *scratch = test_guarded(size), *g = test_guarded(n);
        test_fill(scratch, size, 9);
        memcpy(g, t->w, n * sizeof *g);
        k->conv_dw(&t->s, t->n_offsets, t->offsets, t->x.map.at, t->y.map.at, scratch, g, add);
        if (set == 0) check_close(t->name, g, &want, t->s.h * t->s.w + 5);
        check_bits(&same, t->name, k, g, n * sizeof *g);
        test_guarded_free(scratch, size);
        test_guarded_free(g, n);
    }
    same_bits_free(&same);
    wanted_free(&want);
}

static void conv_dw(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        setting t = setting_create(&shapes[i]);
        t.s.n_in = t.s.n_taps = -1; /* not read */
        conv_dw_once(&t, 0);
        conv_dw_once(&t, 1);
        setting_free(&t);
    }
}

static void channel_sum_once(int c, int h, int w, int border, int add) {
    const size_t n = (size_t)c;
    test_map dy = test_map_random(c, h, w, border, 1);
    float *before = test_alloc(n, sizeof *before);
    wanted want = wanted_create(n);
    same_bits same = {0};
    test_fill(before, n, 2);
    reference_channel_sum(&dy.map, add ? before : NULL, want.value, want.size);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        float *db = test_guarded(n);
        memcpy(db, before, n * sizeof *db);
        k->channel_sum(&dy.map, db, add);
        if (set == 0) check_close("channel_sum", db, &want, h * w + 5);
        check_bits(&same, "channel_sum", k, db, n * sizeof *db);
        test_guarded_free(db, n);
    }
    same_bits_free(&same);
    wanted_free(&want);
    free(before);
    free(dy.base);
}

static void channel_sum(void **state) {
    (void)state;
    static const int channels[] = {1, 3, 4, 5, 15, 16, 17, 33};
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        for (int add = 0; add < 2; add++) {
            channel_sum_once(channels[i], 3, 5, 1, add);
            channel_sum_once(channels[i], 4, 1, 0, add);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv),
        cmocka_unit_test(pack_turned),
        cmocka_unit_test(conv_dw),
        cmocka_unit_test(channel_sum),
    };
    return RUN_KERNEL_TESTS(tests);
}
