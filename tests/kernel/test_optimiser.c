/* Optimisers against PyTorch's formulas in double, ten steps long; slots, averages and the finiteness check. */
#include <float.h>

#include "kernel/kernel_test.h"

enum { N = 4 * 16, STEPS = 10 };

typedef struct weights {
    _Alignas(64) float w[N], a[N], b[N]; /* two states */
} weights;
typedef struct weights64 {
    double w[N], a[N], b[N];
} weights64;

typedef enum rule { ADADELTA, SGD, ADAM } rule;
typedef struct options {
    const char *name;
    rule rule;
    double rate, x, y, eps, decay; /* x, y: rho; momentum; beta1, beta2 */
    int flag;                      /* nesterov; decoupled */
} options;

static const options table[] = {{"adadelta", ADADELTA, 1, 0.9, 0, 1e-6, 0, 0},
                                {"adadelta, decay", ADADELTA, 0.7, 0.95, 0, 1e-6, 0.01, 0},
                                {"sgd", SGD, 0.05, 0, 0, 0, 0, 0},
                                {"sgd, momentum, decay", SGD, 0.05, 0.9, 0, 0, 0.001, 0},
                                {"sgd, nesterov", SGD, 0.02, 0.9, 0, 0, 0.001, 1},
                                {"adam", ADAM, 0.001, 0.9, 0.999, 1e-8, 0, 0},
                                {"adam, decay", ADAM, 0.001, 0.9, 0.999, 1e-8, 0.1, 0},
                                {"adamw", ADAM, 0.001, 0.9, 0.999, 1e-8, 0.1, 1}};
enum { N_RULES = sizeof table / sizeof *table };

static void step_kernel(const fv_kernels *k, const options *o, int step, const float *g, weights *w) {
    const float rate = (float)o->rate, eps = (float)o->eps, decay = (float)o->decay;
    if (o->rule == ADADELTA) k->adadelta(N, &(fv_adadelta){rate, o->x, eps, decay}, g, w->w, w->a, w->b);
    if (o->rule == SGD)
        k->sgd(N, &(fv_sgd){rate, (float)o->x, decay, o->flag, step == 1}, g, w->w, o->x > 0 ? w->a : NULL);
    if (o->rule == ADAM) {
        const float correction1 = (float)(1 - pow(o->x, step)), correction2 = (float)(1 - pow(o->y, step));
        const fv_adam a = {rate, o->x, o->y, eps, decay, o->flag, correction1, correction2};
        k->adam(N, &a, g, w->w, w->a, w->b);
    }
}

/* torch.optim.Adadelta, SGD, Adam and AdamW, line by line. */
static void step_double(const options *o, int step, const float *g, weights64 *w) {
    for (int i = 0; i < N; i++) {
        const bool decoupled = o->rule == ADAM && o->flag;
        double gradient = g[i] + (decoupled ? 0 : o->decay * w->w[i]), *a = &w->a[i], *b = &w->b[i];
        if (o->rule == ADADELTA) {
            *a = o->x * *a + (1 - o->x) * gradient * gradient;
            double delta = sqrt(*b + o->eps) / sqrt(*a + o->eps) * gradient;
            *b = o->x * *b + (1 - o->x) * delta * delta;
            w->w[i] -= o->rate * delta;
        } else if (o->rule == SGD) {
            if (o->x > 0) {
                *a = step == 1 ? gradient : o->x * *a + gradient;
                gradient = o->flag ? gradient + o->x * *a : *a;
            }
            w->w[i] -= o->rate * gradient;
        } else {
            if (decoupled) w->w[i] *= 1 - o->rate * o->decay;
            *a = o->x * *a + (1 - o->x) * gradient;
            *b = o->y * *b + (1 - o->y) * gradient * gradient;
            const double bias1 = 1 - pow(o->x, step), bias2 = 1 - pow(o->y, step);
            w->w[i] -= o->rate / bias1 * *a / (sqrt(*b) / sqrt(bias2) + o->eps);
        }
    }
}

static void check_rule(const options *o) {
    weights start, w;
    weights64 *want = test_alloc(1, sizeof *want);
    _Alignas(64) float g[STEPS][N];
    memset(&start, 0, sizeof start);
    test_fill(start.w, N, 40);
    for (uint32_t s = 0; s < STEPS; s++) test_fill(g[s], N, 41 + s);
    for (int i = 0; i < N; i++) {
        if (o->rule == SGD) start.a[i] = 9; /* not looked at: the first step sets it */
        want->w[i] = start.w[i];
        want->a[i] = start.a[i];
    }
    for (int s = 0; s < STEPS; s++) step_double(o, s + 1, g[s], want);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        w = start;
        for (int s = 0; s < STEPS; s++) step_kernel(k, o, s + 1, g[s], &w);
        for (int i = 0; i < N && set == 0; i++) {
            /* of the distance walked: the rounding of the weight itself is in absolute terms */
            double error = fabs(w.w[i] - want->w[i]), walked = fabs(want->w[i] - (double)start.w[i]);
            if (!(error <= 2e-6 * walked + 1e-6 * o->rate + 10 * 0x1p-25))
                fail_msg("%s: weight %d is %.9g, not %.9g", o->name, i, w.w[i], want->w[i]);
            assert_true(fabs(w.a[i] - want->a[i]) <= 2e-5 * fabs(want->a[i]) + 2e-7);
            assert_true(fabs(w.b[i] - want->b[i]) <= 2e-5 * fabs(want->b[i]));
        }
        check_bits(&bits, o->name, k, &w, sizeof w);
    }
    same_bits_free(&bits);
    free(want);
}

static void test_rules(void **state) {
    (void)state;
    for (int i = 0; i < N_RULES; i++) check_rule(&table[i]);
}

/* Without gradients all state fades to an exact zero and never becomes denormal. */
static void test_fading_state(void **state) {
    (void)state;
    const _Alignas(64) float none[N] = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++)
        for (int r = 0; r < N_RULES; r++) {
            if (table[r].rule == ADAM ? table[r].decay > 0 : table[r].rule == SGD && !(table[r].x > 0)) continue;
            weights w;
            memset(&w, 0, sizeof w);
            for (int i = 0; i < N; i++)
                w.a[i] = (i % 2 && table[r].rule != ADADELTA ? -3 : 3) * FLT_MIN, w.b[i] = FLT_MIN;
            options o = table[r];
            if (o.rule == ADAM) o.y = 0.5;
            for (int s = 2; s < 60; s++) {
                step_kernel(k, &o, s, none, &w);
                for (int i = 0; i < N; i++) {
                    assert_true(w.a[i] == 0 || fabsf(w.a[i]) >= FLT_MIN);
                    assert_true(w.b[i] == 0 || fabsf(w.b[i]) >= FLT_MIN);
                }
            }
            for (int i = 0; i < N; i++) assert_true(w.a[i] == 0 && (o.rule == SGD || w.b[i] == 0));
        }
}

static float tree(const float *slots, size_t stride, int n) {
    return n == 1 ? slots[0] : tree(slots, stride, n / 2) + tree(slots + (size_t)(n / 2) * stride, stride, n / 2);
}

static void test_reduce_slots(void **state) {
    (void)state;
    enum { STRIDE = N + 32 };
    _Alignas(64) float slots[16 * STRIDE], got[N + 16];
    test_fill(slots, 16 * STRIDE, 60);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++)
        for (int n_slots = 1; n_slots <= 16; n_slots *= 2) {
            got[N] = 5;
            k->reduce_slots(N, n_slots, slots, STRIDE, got);
            for (int i = 0; i < N; i++) assert_true(got[i] == tree(slots + i, STRIDE, n_slots));
            assert_true(got[N] == 5);
        }
}

static void test_average(void **state) {
    (void)state;
    _Alignas(64) float w[N], start[N], average[N];
    test_fill(w, N, 61);
    test_fill(start, N, 62);
    wanted want = wanted_create(N);
    for (int i = 0; i < N; i++) {
        want.value[i] = 0.99 * start[i] + 0.01 * w[i];
        want.size[i] = 1;
    }
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        memcpy(average, start, sizeof average);
        k->average(N, 0.99F, w, average);
        if (set == 0) check_close("average", average, &want, 2);
        check_bits(&bits, "average", k, average, sizeof average);
    }
    same_bits_free(&bits);
    wanted_free(&want);
}

static void test_all_finite(void **state) {
    (void)state;
    _Alignas(64) float w[10 * 16];
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++)
        for (size_t n = 16; n <= 160; n += 16) {
            test_fill(w, 160, 63);
            w[0] = FLT_MAX, w[1] = -FLT_MAX, w[2] = FLT_MIN / 8;
            assert_int_equal(k->all_finite(n, w), 1);
            for (size_t i = 0; i < n; i++) {
                const float kept = w[i];
                for (int bad = 0; bad < 3; bad++) {
                    w[i] = (float[]){NAN, INFINITY, -INFINITY}[bad];
                    assert_int_equal(k->all_finite(n, w), 0);
                }
                w[i] = kept;
            }
            if (n < 160) w[n] = NAN;
            assert_int_equal(k->all_finite(n, w), 1);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_fading_state),
                                       cmocka_unit_test(test_reduce_slots), cmocka_unit_test(test_average),
                                       cmocka_unit_test(test_all_finite)};
    return RUN_KERNEL_TESTS(tests);
}
