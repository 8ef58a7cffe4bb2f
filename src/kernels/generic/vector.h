/* The vocabulary of isa.h in plain C: slow, the same bits, for any machine. */
#ifndef FV_VECTOR_H
#define FV_VECTOR_H

#include <string.h>

/* clang-format off */
#define FV_K(name) fv_generic_##name
#define FV_ISA "generic"
#define V_L 16
#define PIN(v) ((void)0)
/* Loops stay loops and functions functions: written out sixteen lanes wide, they would take a compiler minutes. */
#undef UNROLL
#define UNROLL
#undef INL
#define INL static inline __attribute__((unused))
#define FV_DENSE_SUMS 6 /* sums in registers in dense.c */

/* conv.c: channels x pixels; weight gradient: channels, taps in runs of three, single taps; bytes of dy in a strip */
#define FV_CONV_TILES(X) X(1, 1)
#define FV_DW_TILES(X) X(1, 3, 1)
#define FV_DW_STRIP 16384
/* winograd.h: channels; tiles, or sixteens of input channels, that they are multiplied with at once */
#define FV_WINOGRAD_CHANNELS(X) X(1)
#define FV_WINOGRAD_TILES 1
/* conv_pool.c: channels; weight gradient: bytes of x in a strip, columns carried; window rows of the input gradient */
#define FV_POOL_TILES(X) X(1)
#define FV_POOL_DW_STRIP 18432
#define FV_POOL_DW_CARRY 0
#define FV_POOL_DX_ROWS 4

typedef struct V {
    float f[16];
} V;
typedef struct W {
    uint32_t u[16];
} W;
typedef uint16_t M; /* a bit per lane */

#define EACH(l) for (int l = 0; l < 16; l++)

INL V v_loadu(const float *p) {
    V r;
    memcpy(r.f, p, sizeof r.f);
    return r;
}
INL void v_storeu(float *p, V a) { memcpy(p, a.f, sizeof a.f); }
INL V v_load(const float *p) { return v_loadu(p); }
INL void v_store(float *p, V a) { v_storeu(p, a); }
INL V v_set(float x) {
    V r;
    EACH(l) r.f[l] = x;
    return r;
}
INL V v_bc(const float *p) { return v_set(*p); }
INL V v_zero(void) { return v_set(0); }

#define LANEWISE(name, arguments, expression)                                                                          \
    INL V name arguments {                                                                                             \
        V r;                                                                                                           \
        EACH(l) r.f[l] = expression;                                                                                   \
        return r;                                                                                                      \
    }
LANEWISE(v_add, (V a, V b), a.f[l] + b.f[l])
LANEWISE(v_sub, (V a, V b), a.f[l] - b.f[l])
LANEWISE(v_mul, (V a, V b), a.f[l] * b.f[l])
LANEWISE(v_div, (V a, V b), a.f[l] / b.f[l])
LANEWISE(v_sqrt, (V a), __builtin_sqrtf(a.f[l]))
LANEWISE(v_max, (V a, V b), a.f[l] > b.f[l] ? a.f[l] : b.f[l])
LANEWISE(v_fma, (V a, V b, V c), __builtin_fmaf(a.f[l], b.f[l], c.f[l]))
INL float round_even(float x) {
    const float whole = 8388608; /* 2^23: from here on every float is whole */
    float m = __builtin_fabsf(x);
    return m < whole ? __builtin_copysignf(m + whole - whole, x) : x;
}
LANEWISE(v_round, (V a), round_even(a.f[l]))
INL float pow2(float n) {
    uint32_t bits = (uint32_t)((int)n + 127) << 23;
    float r;
    memcpy(&r, &bits, sizeof r);
    return r;
}
LANEWISE(v_pow2, (V n), pow2(n.f[l]))
LANEWISE(v_select, (M m, V a, V b), m >> l & 1 ? a.f[l] : b.f[l])
LANEWISE(v_keep, (M m, V a), m >> l & 1 ? a.f[l] : 0.0F)
LANEWISE(v_from_bytes, (const uint8_t *p), p[l])
#undef LANEWISE

#define MASKWISE(name, arguments, condition)                                                                           \
    INL M name arguments {                                                                                             \
        unsigned m = 0;                                                                                                \
        EACH(l) m |= (unsigned)(condition) << l;                                                                       \
        return (M)m;                                                                                                   \
    }
MASKWISE(v_gt, (V a, V b), a.f[l] > b.f[l])
MASKWISE(w_lt, (W a, W b), a.u[l] < b.u[l])
MASKWISE(v_index_is, (const uint8_t *index, int value), index[l] == value)
MASKWISE(v_index_bit, (const uint8_t *index, int bit), index[l] >> bit & 1)
#undef MASKWISE
INL M m_and(M a, M b) { return (M)(a & b); }
INL M m_or(M a, M b) { return (M)(a | b); }
INL M m_andnot(M a, M b) { return (M)(~a & b); }
INL M m_bits(const uint16_t *bits, int part) {
    (void)part;
    return *bits;
}
INL M m_first(int n, int part) {
    (void)part;
    return (M)(n >= 16 ? 0xffffU : n <= 0 ? 0 : (1U << n) - 1);
}
INL unsigned m_to_bits(M m) { return m; }

INL W w_load(const uint32_t *p) {
    W r;
    memcpy(r.u, p, sizeof r.u);
    return r;
}
INL void w_store(uint32_t *p, W a) { memcpy(p, a.u, sizeof a.u); }
#define WORDWISE(name, arguments, expression)                                                                          \
    INL W name arguments {                                                                                             \
        W r;                                                                                                           \
        EACH(l) r.u[l] = expression;                                                                                   \
        return r;                                                                                                      \
    }
WORDWISE(w_set, (uint32_t x), x)
WORDWISE(w_add, (W a, W b), a.u[l] + b.u[l])
WORDWISE(w_xor, (W a, W b), a.u[l] ^ b.u[l])
WORDWISE(w_mul_lo, (W a, W b), a.u[l] * b.u[l])
WORDWISE(w_mul_hi, (W a, W b), (uint32_t)((uint64_t)a.u[l] * b.u[l] >> 32))
WORDWISE(w_dot, (W a, W b),
         (uint32_t)((int16_t)a.u[l] * (int16_t)b.u[l]) + (uint32_t)((int16_t)(a.u[l] >> 16) * (int16_t)(b.u[l] >> 16)))
#undef WORDWISE

INL void v_pick4(const float table[16], const uint8_t *index, V out[4]) {
    for (int p = 0; p < 4; p++) EACH(l) out[p].f[l] = table[4 * p + (index[l] & 3)];
}
INL void v_to_bytes(uint8_t *p, V a) { EACH(l) p[l] = (uint8_t)a.f[l]; }
INL void m_store_winner(uint8_t *p, M column, M row, M on) {
    EACH(l) p[l] = (uint8_t)(on >> l & 1 ? (column >> l & 1) | (row >> l & 1) << 1 : 4);
}
INL V v_pairs(const float *xy, const uint32_t *index, V *y) {
    V x;
    EACH(l) {
        x.f[l] = xy[2 * (size_t)index[l]];
        y->f[l] = xy[2 * (size_t)index[l] + 1];
    }
    return x;
}
INL void v_fold16(const float *p, float *out) {
    EACH(v) {
        V a = v_load(p + 16 * v);
        for (int half = 8; half; half /= 2)
            for (int l = 0; l < half; l++) a.f[l] += a.f[l + half];
        out[v] = a.f[0];
    }
}
INL void v_transpose16(const float *s, size_t s_stride, float *d, size_t d_stride) {
    for (size_t i = 0; i < 16; i++)
        for (size_t j = 0; j < 16; j++) d[j * d_stride + i] = s[i * s_stride + j];
}
#undef EACH

/* clang-format on */

#endif
