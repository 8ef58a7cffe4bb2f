/* The vocabulary of isa.h in NEON (AArch64): a pixel's sixteen images are four registers. */
#ifndef FV_VECTOR_H
#define FV_VECTOR_H

#include <arm_neon.h>
#include <string.h>

/* clang-format off */
#define FV_K(name) fv_neon_##name
#define FV_ISA "neon"
#define V_L 4
#define PIN(v) __asm__("" : "+w"(v))
#define FV_DENSE_SUMS 24 /* sums in registers in dense.c */

/* conv.c: channels x pixels; weight gradient: channels, taps in runs of three, single taps; bytes of dy in a strip */
#define FV_CONV_TILES(X) X(6, 1) X(4, 1) X(2, 2) X(1, 4)
#define FV_DW_TILES(X) X(4, 6, 4) X(2, 9, 8) X(1, 9, 8)
#define FV_DW_STRIP 16384
/* winograd.h: channels; tiles, or sixteens of input channels, that they are multiplied with at once */
#define FV_WINOGRAD_CHANNELS(X) X(6) X(4) X(2) X(1)
#define FV_WINOGRAD_TILES 1
/* conv_pool.c: channels; weight gradient: bytes of x in a strip, columns carried; window rows of the input gradient */
#define FV_POOL_TILES(X) X(4) X(2) X(1)
#define FV_POOL_DW_STRIP 18432
#define FV_POOL_DW_CARRY 1
#define FV_POOL_DX_ROWS 4

typedef float32x4_t V;
typedef uint32x4_t M; /* all bits of a lane, or none */
typedef uint32x4_t W;

INL V v_load(const float *p) { return vld1q_f32(p); }
INL void v_store(float *p, V a) { vst1q_f32(p, a); }
INL V v_loadu(const float *p) { return vld1q_f32(p); }
INL void v_storeu(float *p, V a) { vst1q_f32(p, a); }
INL V v_set(float x) { return vdupq_n_f32(x); }
INL V v_bc(const float *p) { return vld1q_dup_f32(p); }
INL V v_zero(void) { return vdupq_n_f32(0); }

INL V v_add(V a, V b) { return vaddq_f32(a, b); }
INL V v_sub(V a, V b) { return vsubq_f32(a, b); }
INL V v_mul(V a, V b) { return vmulq_f32(a, b); }
INL V v_div(V a, V b) { return vdivq_f32(a, b); }
INL V v_sqrt(V a) { return vsqrtq_f32(a); }
INL V v_max(V a, V b) { return vbslq_f32(vcgtq_f32(a, b), a, b); } /* fmax treats NaN and zeros otherwise */
INL V v_fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
INL V v_round(V a) { return vrndnq_f32(a); }
INL V v_pow2(V n) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23)); }

INL W lanes(uint32_t first, uint32_t second, uint32_t third, uint32_t fourth) {
    const uint32_t l[4] = {first, second, third, fourth};
    return vld1q_u32(l);
}
INL M v_gt(V a, V b) { return vcgtq_f32(a, b); }
INL M m_and(M a, M b) { return vandq_u32(a, b); }
INL M m_or(M a, M b) { return vorrq_u32(a, b); }
INL M m_andnot(M a, M b) { return vbicq_u32(b, a); }
INL M m_bits(const uint16_t *bits, int part) {
    return vtstq_u32(vdupq_n_u32((uint32_t)*bits >> 4 * part), lanes(1, 2, 4, 8));
}
INL M m_first(int n, int part) {
    return vcgtq_s32(vdupq_n_s32(n - 4 * part), vreinterpretq_s32_u32(lanes(0, 1, 2, 3)));
}
INL unsigned m_to_bits(M m) { return vaddvq_u32(vandq_u32(m, lanes(1, 2, 4, 8))); }
INL V v_select(M m, V a, V b) { return vbslq_f32(m, a, b); }
INL V v_keep(M m, V a) { return vreinterpretq_f32_u32(vandq_u32(m, vreinterpretq_u32_f32(a))); }

INL W w_load(const uint32_t *p) { return vld1q_u32(p); }
INL void w_store(uint32_t *p, W a) { vst1q_u32(p, a); }
INL W w_set(uint32_t x) { return vdupq_n_u32(x); }
INL W w_add(W a, W b) { return vaddq_u32(a, b); }
INL W w_xor(W a, W b) { return veorq_u32(a, b); }
INL W w_mul_lo(W a, W b) { return vmulq_u32(a, b); }
INL W w_mul_hi(W a, W b) {
    uint64x2_t low = vmull_u32(vget_low_u32(a), vget_low_u32(b)), high = vmull_high_u32(a, b);
    return vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high));
}
INL W w_dot(W a, W b) {
    int16x8_t x = vreinterpretq_s16_u32(a), y = vreinterpretq_s16_u32(b);
    return vreinterpretq_u32_s32(vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y)));
}
INL M w_lt(W a, W b) { return vcltq_u32(a, b); }

INL W index_load(const uint8_t *p) {
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(word)))));
}
INL void index_store(uint8_t *p, W a) { /* values 0..255 */
    uint8x8_t bytes = vmovn_u16(vcombine_u16(vmovn_u32(a), vmovn_u32(a)));
    uint32_t word = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
    memcpy(p, &word, sizeof word);
}
INL V v_from_bytes(const uint8_t *p) { return vcvtq_f32_u32(index_load(p)); }
INL void v_to_bytes(uint8_t *p, V a) { index_store(p, vcvtq_u32_f32(a)); }
INL void v_pick4(const float table[16], const uint8_t *index, V out[4]) { /* byte b of lane l: 4 * (index & 3) + b */
    W at = vaddq_u32(vmulq_u32(vandq_u32(index_load(index), w_set(3)), w_set(0x04040404)), w_set(0x03020100));
    UNROLL for (int p = 0; p < 4; p++) {
        uint8x16_t row = vreinterpretq_u8_f32(vld1q_f32(table + 4 * p));
        out[p] = vreinterpretq_f32_u8(vqtbl1q_u8(row, vreinterpretq_u8_u32(at)));
    }
}
INL M v_index_is(const uint8_t *index, int value) { return vceqq_u32(index_load(index), w_set((uint32_t)value)); }
INL M v_index_bit(const uint8_t *index, int bit) { return vtstq_u32(index_load(index), w_set(1U << bit)); }
INL void m_store_winner(uint8_t *p, M column, M row, M on) {
    W place = vorrq_u32(vandq_u32(column, w_set(1)), vandq_u32(row, w_set(2)));
    index_store(p, vbslq_u32(on, place, w_set(4)));
}

INL V v_pairs(const float *xy, const uint32_t *index, V *y) {
    V a = vcombine_f32(vld1_f32(xy + 2 * (size_t)index[0]), vld1_f32(xy + 2 * (size_t)index[1]));
    V b = vcombine_f32(vld1_f32(xy + 2 * (size_t)index[2]), vld1_f32(xy + 2 * (size_t)index[3]));
    *y = vuzp2q_f32(a, b);
    return vuzp1q_f32(a, b);
}

/* Four vectors of four lanes (already folded twice) -> their four sums. */
INL V fold4(const V *v) {
    V a[2];
    UNROLL for (int i = 0; i < 2; i++) { /* lanes: two of vector i, two of i + 2 */
        float64x2_t x = vreinterpretq_f64_f32(v[i]), y = vreinterpretq_f64_f32(v[i + 2]);
        a[i] = v_add(vreinterpretq_f32_f64(vzip1q_f64(x, y)), vreinterpretq_f32_f64(vzip2q_f64(x, y)));
    }
    return v_add(vtrn1q_f32(a[0], a[1]), vtrn2q_f32(a[0], a[1]));
}
INL void v_fold16(const float *p, float *out) {
    for (int h = 0; h < 4; h++) {
        V a[4];
        UNROLL for (int i = 0; i < 4; i++) {
            const float *v = p + 16 * (4 * h + i);
            a[i] = v_add(v_add(v_load(v), v_load(v + 8)), v_add(v_load(v + 4), v_load(v + 12)));
        }
        v_storeu(out + 4 * h, fold4(a));
    }
}
INL void v_transpose16(const float *s, size_t s_stride, float *d, size_t d_stride) {
    for (size_t i = 0; i < 16; i += 4)
        for (size_t j = 0; j < 16; j += 4) {
            V a[4], b[4];
            UNROLL for (size_t k = 0; k < 4; k++) a[k] = v_loadu(s + (i + k) * s_stride + j);
            UNROLL for (int k = 0; k < 2; k++) {
                b[2 * k] = vzip1q_f32(a[k], a[k + 2]);
                b[2 * k + 1] = vzip2q_f32(a[k], a[k + 2]);
            }
            UNROLL for (size_t k = 0; k < 2; k++) {
                v_storeu(d + (j + 2 * k) * d_stride + i, vzip1q_f32(b[k], b[k + 2]));
                v_storeu(d + (j + 2 * k + 1) * d_stride + i, vzip2q_f32(b[k], b[k + 2]));
            }
        }
}

/* clang-format on */

#endif
