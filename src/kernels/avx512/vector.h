/* The vocabulary of isa.h in AVX-512 (F, BW, DQ, VL): a pixel's sixteen images are one register. */
#ifndef FV_VECTOR_H
#define FV_VECTOR_H

#include <immintrin.h>

/* clang-format off */
#define FV_K(name) fv_avx512_##name
#define FV_ISA "avx512"
#define V_L 16
#define PIN(v) __asm__("" : "+v"(v))
#define FV_DENSE_SUMS 24 /* sums in registers in dense.c */

/* conv.c: channels x pixels; weight gradient: channels, taps in runs of three, single taps; bytes of dy in a strip */
#define FV_CONV_TILES(X) X(8, 2) X(4, 4) X(2, 8) X(1, 8)
#define FV_DW_TILES(X) X(4, 6, 4) X(2, 9, 8) X(1, 9, 8)
#define FV_DW_STRIP 16384
/* winograd.h: channels; tiles, or sixteens of input channels, that they are multiplied with at once */
#define FV_WINOGRAD_CHANNELS(X) X(8) X(4) X(2) X(1)
#define FV_WINOGRAD_TILES 2
/* conv_pool.c: channels; weight gradient: bytes of x in a strip, columns carried; window rows of the input gradient */
#define FV_POOL_TILES(X) X(4) X(2) X(1)
#define FV_POOL_DW_STRIP 18432
#define FV_POOL_DW_CARRY 1
#define FV_POOL_DX_ROWS 4

typedef __m512 V;
typedef __mmask16 M;
typedef __m512i W;

INL V v_load(const float *p) { return _mm512_load_ps(p); }
INL void v_store(float *p, V a) { _mm512_store_ps(p, a); }
INL V v_loadu(const float *p) { return _mm512_loadu_ps(p); }
INL void v_storeu(float *p, V a) { _mm512_storeu_ps(p, a); }
INL V v_set(float x) { return _mm512_set1_ps(x); }
INL V v_bc(const float *p) { return _mm512_set1_ps(*p); }
INL V v_zero(void) { return _mm512_setzero_ps(); }

INL V v_add(V a, V b) { return _mm512_add_ps(a, b); }
INL V v_sub(V a, V b) { return _mm512_sub_ps(a, b); }
INL V v_mul(V a, V b) { return _mm512_mul_ps(a, b); }
INL V v_div(V a, V b) { return _mm512_div_ps(a, b); }
INL V v_sqrt(V a) { return _mm512_sqrt_ps(a); }
INL V v_max(V a, V b) { return _mm512_max_ps(a, b); } /* maxps: the second where neither is greater */
INL V v_fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
INL V v_round(V a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INL V v_pow2(V n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
}

INL M v_gt(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
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
INL V v_select(M m, V a, V b) { return _mm512_mask_mov_ps(b, m, a); }
INL V v_keep(M m, V a) { return _mm512_maskz_mov_ps(m, a); }

INL W w_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
INL void w_store(uint32_t *p, W a) { _mm512_storeu_si512(p, a); }
INL W w_set(uint32_t x) { return _mm512_set1_epi32((int)x); }
INL W w_add(W a, W b) { return _mm512_add_epi32(a, b); }
INL W w_xor(W a, W b) { return _mm512_xor_si512(a, b); }
INL W w_mul_lo(W a, W b) { return _mm512_mullo_epi32(a, b); }
INL W w_mul_hi(W a, W b) {
    W even = _mm512_mul_epu32(a, b), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    return _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd);
}
INL W w_dot(W a, W b) { return _mm512_madd_epi16(a, b); }
INL M w_lt(W a, W b) { return _mm512_cmplt_epu32_mask(a, b); }

INL __m128i index_load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
INL V v_from_bytes(const uint8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(index_load(p))); }
INL void v_to_bytes(uint8_t *p, V a) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
}
INL void v_pick4(const float table[16], const uint8_t *index, V out[4]) {
    const W i = _mm512_and_si512(_mm512_cvtepu8_epi32(index_load(index)), _mm512_set1_epi32(3));
    V t = v_load(table);
    PIN(t);
    UNROLL for (int p = 0; p < 4; p++)
        out[p] = _mm512_permutexvar_ps(_mm512_add_epi32(i, _mm512_set1_epi32(4 * p)), t);
}
INL M v_index_is(const uint8_t *index, int value) {
    return _mm_cmpeq_epi8_mask(index_load(index), _mm_set1_epi8((char)value));
}
INL M v_index_bit(const uint8_t *index, int bit) {
    return _mm_test_epi8_mask(index_load(index), _mm_set1_epi8((char)(1 << bit)));
}
INL void m_store_winner(uint8_t *p, M column, M row, M on) {
    __m128i place = _mm_or_si128(_mm_maskz_set1_epi8(column, 1), _mm_maskz_set1_epi8(row, 2));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_mask_mov_epi8(_mm_set1_epi8(4), on, place));
}

typedef double pair __attribute__((may_alias));
INL V v_pairs(const float *xy, const uint32_t *index, V *y) {
    const pair *at = (const pair *)(const void *)xy;
    V a = _mm512_castpd_ps(_mm512_setr_pd(at[index[0]], at[index[1]], at[index[4]], at[index[5]], at[index[8]],
                                          at[index[9]], at[index[12]], at[index[13]]));
    V b = _mm512_castpd_ps(_mm512_setr_pd(at[index[2]], at[index[3]], at[index[6]], at[index[7]], at[index[10]],
                                          at[index[11]], at[index[14]], at[index[15]]));
    *y = _mm512_shuffle_ps(a, b, 0xdd);
    return _mm512_shuffle_ps(a, b, 0x88);
}

#define SHUFFLE128(a, b, c) _mm512_shuffle_f32x4(a, b, c)
#define SHUFFLE32(a, b, c) _mm512_shuffle_ps(a, b, c)
/* Halves the vectors at every step: two vectors of partial sums become one. */
INL void v_fold16(const float *p, float *out) {
    V a[8], s;
    UNROLL for (int i = 0; i < 8; i++) {
        V u = v_load(p + 16 * i), v = v_load(p + 16 * (i + 8));
        a[i] = v_add(SHUFFLE128(u, v, 0x44), SHUFFLE128(u, v, 0xee));
    }
    UNROLL for (int i = 0; i < 4; i++) a[i] = v_add(SHUFFLE128(a[i], a[i + 4], 0x88), SHUFFLE128(a[i], a[i + 4], 0xdd));
    UNROLL for (int i = 0; i < 2; i++) a[i] = v_add(SHUFFLE32(a[i], a[i + 2], 0x44), SHUFFLE32(a[i], a[i + 2], 0xee));
    s = v_add(SHUFFLE32(a[0], a[1], 0x88), SHUFFLE32(a[0], a[1], 0xdd));
    /* lane 4*g + e holds vector {0, 8, 4, 12}[g] + {0, 2, 1, 3}[e] */
    const W order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
    v_storeu(out, _mm512_permutexvar_ps(order, s));
}
INL V unpack64(V a, V b, int high) {
    __m512d x = _mm512_castps_pd(a), y = _mm512_castps_pd(b);
    return _mm512_castpd_ps(high ? _mm512_unpackhi_pd(x, y) : _mm512_unpacklo_pd(x, y));
}
INL void v_transpose16(const float *s, size_t s_stride, float *d, size_t d_stride) {
    V a[16], b[16];
    UNROLL for (int i = 0; i < 16; i++) a[i] = v_loadu(s + (size_t)i * s_stride);
    UNROLL for (int i = 0; i < 8; i++) {
        b[2 * i] = _mm512_unpacklo_ps(a[2 * i], a[2 * i + 1]);
        b[2 * i + 1] = _mm512_unpackhi_ps(a[2 * i], a[2 * i + 1]);
    }
    UNROLL for (int i = 0; i < 4; i++) UNROLL for (int h = 0; h < 2; h++) {
        a[4 * i + 2 * h] = unpack64(b[4 * i + h], b[4 * i + 2 + h], 0);
        a[4 * i + 2 * h + 1] = unpack64(b[4 * i + h], b[4 * i + 2 + h], 1);
    }
    UNROLL for (size_t i = 0; i < 4; i++) { /* a[4*g + i]: lanes 4*k + i of rows 4*g .. 4*g + 3 */
        V p = SHUFFLE128(a[i], a[4 + i], 0x88), q = SHUFFLE128(a[8 + i], a[12 + i], 0x88);
        V r = SHUFFLE128(a[i], a[4 + i], 0xdd), t = SHUFFLE128(a[8 + i], a[12 + i], 0xdd);
        v_storeu(d + i * d_stride, SHUFFLE128(p, q, 0x88));
        v_storeu(d + (8 + i) * d_stride, SHUFFLE128(p, q, 0xdd));
        v_storeu(d + (4 + i) * d_stride, SHUFFLE128(r, t, 0x88));
        v_storeu(d + (12 + i) * d_stride, SHUFFLE128(r, t, 0xdd));
    }
}
#undef SHUFFLE128
#undef SHUFFLE32

/* clang-format on */

#endif
