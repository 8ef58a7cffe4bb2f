/* From slots of gradients to new weights. PyTorch's formulas; n is a multiple of 16 floats everywhere. */
#include <float.h>

#include "kernels/isa.h"

/* Sum of a[0 .. n), pairs first: ((0 + 1) + (2 + 3)) + ...; n is a constant power of two. */
INL V tree(const int n, V *a) {
    if (n > 8) UNROLL for (int i = 0; i < 8; i++) a[i] = v_add(a[2 * i], a[2 * i + 1]);
    if (n > 4) UNROLL for (int i = 0; i < 4; i++) a[i] = v_add(a[2 * i], a[2 * i + 1]);
    if (n > 2) UNROLL for (int i = 0; i < 2; i++) a[i] = v_add(a[2 * i], a[2 * i + 1]);
    return n > 1 ? v_add(a[0], a[1]) : a[0];
}

INL void reduce(size_t n, const int n_slots, const float *slots, size_t stride, float *g) {
    for (size_t i = 0; i < n; i += V_L) {
        V a[16];
        UNROLL for (int s = 0; s < n_slots; s++) a[s] = v_load(slots + (size_t)s * stride + i);
        v_store(g + i, tree(n_slots, a));
    }
}

void FV_K(reduce_slots)(size_t n, int n_slots, const float *slots, size_t stride, float *g) {
    switch (n_slots) {
    case 1:
        reduce(n, 1, slots, stride, g);
        break;
    case 2:
        reduce(n, 2, slots, stride, g);
        break;
    case 4:
        reduce(n, 4, slots, stride, g);
        break;
    case 8:
        reduce(n, 8, slots, stride, g);
        break;
    default:
        reduce(n, 16, slots, stride, g);
    }
}

/* State that fades away must not turn denormal: below FLT_MIN it is zero. NaN stays. */
INL V settle_positive(V x) {
    return v_select(v_gt(v_set(FLT_MIN), x), v_zero(), x);
}
INL V settle(V x) {
    V magnitude = v_max(x, v_sub(v_zero(), x));
    return v_select(v_gt(v_set(FLT_MIN), magnitude), v_zero(), x);
}

/* g + weight_decay * w */
INL V decayed(const float *g, V w, float weight_decay) {
    return weight_decay != 0 ? v_fma(v_set(weight_decay), w, v_load(g)) : v_load(g);
}

/* decay * state + (1 - decay) * x */
INL V fade(double decay, V state, V x) {
    return v_fma(v_set((float)decay), state, v_mul(v_set((float)(1 - decay)), x));
}

/* Source: Zeiler 2012, "ADADELTA". One square root of the quotient: the same within its rounding, at half the cost. */
void FV_K(adadelta)(size_t n, const fv_adadelta *options, const float *g, float *w, float *square, float *delta) {
    const fv_adadelta o = *options;
    const V eps = v_set(o.eps), rate = v_set(-o.learning_rate);
    for (size_t i = 0; i < n; i += V_L) {
        V weight = v_load(w + i), gradient = decayed(g + i, weight, o.weight_decay), moved = v_load(delta + i);
        V s = settle_positive(fade(o.rho, v_load(square + i), v_mul(gradient, gradient)));
        V d = v_mul(v_sqrt(v_div(v_add(moved, eps), v_add(s, eps))), gradient);
        v_store(square + i, s);
        v_store(delta + i, settle_positive(fade(o.rho, moved, v_mul(d, d))));
        v_store(w + i, v_fma(d, rate, weight));
    }
}

void FV_K(sgd)(size_t n, const fv_sgd *options, const float *g, float *w, float *velocity) {
    const fv_sgd o = *options;
    const V momentum = v_set(o.momentum), rate = v_set(-o.learning_rate);
    for (size_t i = 0; i < n; i += V_L) {
        V weight = v_load(w + i), step = decayed(g + i, weight, o.weight_decay);
        if (o.momentum != 0) {
            V v = settle(o.first ? step : v_fma(momentum, v_load(velocity + i), step));
            v_store(velocity + i, v);
            step = o.nesterov ? v_fma(momentum, v, step) : v;
        }
        v_store(w + i, v_fma(step, rate, weight));
    }
}

/* Source: Kingma and Ba 2015, "Adam"; Loshchilov and Hutter 2019, "Decoupled weight decay regularization". */
void FV_K(adam)(size_t n, const fv_adam *options, const float *g, float *w, float *m1, float *m2) {
    const fv_adam o = *options;
    const V step = v_set(-(o.learning_rate / o.correction1)), root = v_sqrt(v_set(o.correction2));
    const V eps = v_set(o.eps), shrink = v_set(1 - o.learning_rate * o.weight_decay);
    const float added_decay = o.decoupled ? 0 : o.weight_decay;
    for (size_t i = 0; i < n; i += V_L) {
        V weight = v_load(w + i), gradient = decayed(g + i, weight, added_decay);
        if (o.decoupled) weight = v_mul(weight, shrink);
        V first = settle(fade(o.beta1, v_load(m1 + i), gradient));
        V second = settle_positive(fade(o.beta2, v_load(m2 + i), v_mul(gradient, gradient)));
        v_store(m1 + i, first);
        v_store(m2 + i, second);
        v_store(w + i, v_fma(step, v_div(first, v_add(v_div(v_sqrt(second), root), eps)), weight));
    }
}

void FV_K(average)(size_t n, float decay, const float *w, float *average) {
    for (size_t i = 0; i < n; i += V_L) v_store(average + i, fade((double)decay, v_load(average + i), v_load(w + i)));
}

/* x * 0 is 0 of a finite x and NaN of any other, and a NaN stays in its sum. */
int FV_K(all_finite)(size_t n, const float *w) {
    enum { CHAINS = 16 / V_L > 4 ? 16 / V_L : 4 };
    V sum[CHAINS];
    UNROLL for (int k = 0; k < CHAINS; k++) sum[k] = v_zero();
    size_t i = 0;
    for (; i + CHAINS * V_L <= n; i += CHAINS * V_L)
        UNROLL for (int k = 0; k < CHAINS; k++) sum[k] = v_fma(v_load(w + i + k * V_L), v_zero(), sum[k]);
    for (; i < n; i += V_L) sum[0] = v_fma(v_load(w + i), v_zero(), sum[0]);
    UNROLL for (int k = 1; k < CHAINS; k++) sum[0] = v_add(sum[0], sum[k]);
    return m_to_bits(v_gt(v_set(1), sum[0])) == (1U << V_L) - 1;
}
