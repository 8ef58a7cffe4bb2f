/* Dense kernels against double sums, and every set against the others. */
#include "kernel/kernel_test.h"

enum { PAD = 16 }; /* floats behind every output that must stay */

typedef struct shape {
    int n_in, n_out;
} shape;

/* Tiles are 6 to 16 outputs, and 16 to 64 columns of the weight gradient. */
static const shape shapes[] = {{1, 1},   {1, 17},  {2, 5},   {3, 6},    {5, 7},   {7, 8},   {8, 9},    {16, 15},
                               {17, 16}, {23, 31}, {24, 33}, {25, 47},  {12, 49}, {64, 10}, {200, 64}, {31, 65},
                               {9, 80},  {13, 95}, {5, 113}, {48, 128}, {11, 11}, {12, 12}, {13, 13},  {14, 14}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

typedef struct fixture {
    int n_in, n_out;
    size_t s, si; /* strides of w and of its transpose */
    float *x, *dy, *w, *wt, *bias, *gate;
} fixture;

static fixture fixture_create(shape at) {
    fixture f = {.n_in = at.n_in, .n_out = at.n_out};
    const size_t n_in = (size_t)at.n_in, n_out = (size_t)at.n_out;
    f.s = (size_t)fv_round_up(at.n_out, 16);
    f.si = (size_t)fv_round_up(at.n_in, 16);
    f.x = test_alloc(n_in * 16, sizeof(float));
    f.dy = test_alloc(n_out * 16, sizeof(float));
    f.w = test_alloc(n_in * f.s, sizeof(float));
    f.wt = test_alloc(n_out * f.si, sizeof(float));
    f.bias = test_alloc(n_out, sizeof(float));
    f.gate = test_alloc(n_in * 16, sizeof(float));
    test_fill(f.x, n_in * 16, 1);
    test_fill(f.dy, n_out * 16, 2);
    test_fill(f.bias, n_out, 3);
    test_fill(f.gate, n_in * 16, 4);
    for (size_t i = 0; i < n_in; i++) test_fill(f.w + i * f.s, n_out, (uint32_t)(10 + i));
    for (size_t i = 0; i < n_in; i++)
        for (size_t o = 0; o < n_out; o++) f.wt[o * f.si + i] = f.w[i * f.s + o];
    return f;
}

static void fixture_free(fixture *f) {
    free(f->x);
    free(f->dy);
    free(f->w);
    free(f->wt);
    free(f->bias);
    free(f->gate);
}

static void check_forward(const fixture *f, int relu) {
    const size_t n = (size_t)f->n_out * 16 + PAD;
    float *y = test_alloc(n, sizeof *y);
    test_fill(y, n, 5);
    wanted want = wanted_from(y, n);
    for (int o = 0; o < f->n_out; o++)
        for (int l = 0; l < 16; l++) {
            double sum = f->bias[o], size = fabs(sum);
            for (int i = 0; i < f->n_in; i++) {
                double term = (double)f->w[(size_t)i * f->s + (size_t)o] * f->x[i * 16 + l];
                sum += term;
                size += fabs(term);
            }
            want.value[o * 16 + l] = relu && sum < 0 ? 0 : sum;
            want.size[o * 16 + l] = size;
        }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(y, n, 5);
        k->dense(f->n_in, f->n_out, (ptrdiff_t)f->s, f->x, f->w, f->bias, y, relu);
        if (set == 0) check_close("dense", y, &want, f->n_in);
        check_bits(&bits, "dense", k, y, n * sizeof *y);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(y);
}

static void check_transpose(const fixture *f) {
    const size_t n = (size_t)f->n_out * f->si + PAD;
    float *wt = test_alloc(n, sizeof *wt);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(wt, n, 6);
        const float behind = wt[n - 1];
        k->dense_transpose(f->n_in, f->n_out, f->w, (ptrdiff_t)f->si, wt);
        for (size_t o = 0; o < (size_t)f->n_out; o++)
            for (size_t i = 0; i < f->si; i++)
                assert_true(wt[o * f->si + i] == (i < (size_t)f->n_in ? f->w[i * f->s + o] : 0));
        assert_true(wt[n - 1] == behind);
    }
    free(wt);
}

static void check_dx(const fixture *f, int gated, int add) {
    const size_t n = (size_t)f->n_in * 16 + PAD;
    float *dx = test_alloc(n, sizeof *dx);
    test_fill(dx, n, 7);
    wanted want = wanted_from(dx, n);
    for (int i = 0; i < f->n_in; i++)
        for (int l = 0; l < 16; l++) {
            double sum = 0, before = add ? want.value[i * 16 + l] : 0, size = fabs(before);
            for (int o = 0; o < f->n_out; o++) {
                double term = (double)f->w[(size_t)i * f->s + (size_t)o] * f->dy[o * 16 + l];
                sum += term;
                size += fabs(term);
            }
            want.value[i * 16 + l] = before + (gated && !(f->gate[i * 16 + l] > 0) ? 0 : sum);
            want.size[i * 16 + l] = size;
        }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(dx, n, 7);
        k->dense_dx(f->n_in, f->n_out, (ptrdiff_t)f->si, f->dy, f->wt, gated ? f->gate : NULL, dx, add);
        if (set == 0) check_close("dense_dx", dx, &want, f->n_out);
        check_bits(&bits, "dense_dx", k, dx, n * sizeof *dx);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(dx);
}

/* out: the weight gradient [I][S], then the bias gradient [O]. */
static wanted want_dw(const fixture *f, const float *out, size_t n, int add) {
    const size_t n_weights = (size_t)f->n_in * f->s;
    wanted want = wanted_from(out, n);
    for (size_t o = 0; o < f->s; o++)
        for (size_t i = 0; i <= (size_t)f->n_in; i++) {
            const bool bias = i == (size_t)f->n_in;
            const size_t at = bias ? n_weights + o : i * f->s + o;
            if (bias && o >= (size_t)f->n_out) continue;
            double sum = add ? want.value[at] : 0, size = fabs(sum);
            for (size_t l = 0; l < 16 && o < (size_t)f->n_out; l++) {
                double term = f->dy[o * 16 + l] * (bias ? 1.0 : (double)f->x[i * 16 + l]);
                sum += term;
                size += fabs(term);
            }
            want.value[at] = sum;
            want.size[at] = size;
        }
    return want;
}

static void fill_gradient(const fixture *f, float *out, size_t n) {
    test_fill(out, n, 8);
    for (size_t i = 0; i < (size_t)f->n_in; i++) /* padding columns are always zero */
        memset(out + i * f->s + (size_t)f->n_out, 0, (f->s - (size_t)f->n_out) * sizeof *out);
}

static void check_dw(const fixture *f, int add) {
    const size_t n_weights = (size_t)f->n_in * f->s, n = n_weights + (size_t)f->n_out + PAD;
    float *out = test_alloc(n, sizeof *out);
    fill_gradient(f, out, n);
    wanted want = want_dw(f, out, n, add);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        float *dyt = test_alloc(16 * f->s, sizeof *dyt);
        fill_gradient(f, out, n);
        if (!add) test_fill(out, n_weights, 9); /* what was there does not matter */
        k->dense_turn(f->n_out, f->dy, dyt, out + n_weights, add);
        k->dense_dw(f->n_in, f->n_out, f->x, dyt, out, add);
        if (set == 0) check_close("dense_dw", out, &want, 16);
        check_bits(&bits, "dense_dw", k, out, n * sizeof *out);
        free(dyt);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(out);
}

static void test_dense(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        fixture f = fixture_create(shapes[i]);
        check_forward(&f, 0);
        check_forward(&f, 1);
        check_transpose(&f);
        fixture_free(&f);
    }
}

static void test_gradients(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) {
        fixture f = fixture_create(shapes[i]);
        for (int option = 0; option < 4; option++) check_dx(&f, option & 1, option >> 1);
        check_dw(&f, 0);
        check_dw(&f, 1);
        fixture_free(&f);
    }
}

/* The order of the contract, spelled out: bit for bit. */
static void test_order(void **state) {
    (void)state;
    fixture f = fixture_create((shape){37, 19});
    float y[19 * 16], *g = test_alloc((size_t)f.n_in * f.s, sizeof *g), db[19];
    _Alignas(64) float got[19 * 16];
    const fv_kernels *k = fv_kernels_chosen();
    float *dyt = test_alloc(16 * f.s, sizeof *dyt);
    k->dense(f.n_in, f.n_out, (ptrdiff_t)f.s, f.x, f.w, f.bias, got, 0);
    k->dense_turn(f.n_out, f.dy, dyt, db, 0);
    k->dense_dw(f.n_in, f.n_out, f.x, dyt, g, 0);
    for (int o = 0; o < f.n_out; o++) {
        float lanes[16];
        for (int l = 0; l < 16; l++) {
            y[o * 16 + l] = f.bias[o];
            for (int i = 0; i < f.n_in; i++)
                y[o * 16 + l] = fmaf(f.w[(size_t)i * f.s + (size_t)o], f.x[i * 16 + l], y[o * 16 + l]);
            lanes[l] = f.dy[o * 16 + l];
        }
        for (int i = 0; i < f.n_in; i++) {
            float sum = 0;
            for (int l = 0; l < 16; l++) sum = fmaf(f.x[i * 16 + l], f.dy[o * 16 + l], sum);
            assert_memory_equal(&sum, &g[(size_t)i * f.s + (size_t)o], sizeof sum);
        }
        for (int half = 8; half; half /= 2)
            for (int l = 0; l < half; l++) lanes[l] += lanes[l + half];
        assert_memory_equal(&lanes[0], &db[o], sizeof db[o]);
    }
    assert_memory_equal(y, got, sizeof y);
    free(dyt);
    free(g);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dense), cmocka_unit_test(test_gradients),
                                       cmocka_unit_test(test_order)};
    return RUN_KERNEL_TESTS(tests);
}
