/* The vocabulary of isa.h in AVX2 + FMA: a pixel's sixteen images are two registers. */
#ifndef FV_VECTOR_H
#define FV_VECTOR_H

#include <immintrin.h>
#include <string.h>

/* clang-format off */
#define FV_K(name) fv_avx2_##name
#define FV_ISA "avx2"
#define V_L 8
#define PIN(v) __asm__("" : "+x"(v))
#define FV_DENSE_SUMS 12 /* sums in registers in dense.c */

/* conv.c: channels x pixels; weight gradient: channels, taps in runs of three, single taps; bytes of dy in a strip */
#define FV_CONV_TILES(X) X(6, 1) X(4, 1) X(2, 2) X(1, 4)
#define FV_DW_TILES(X) X(4, 3, 3) X(2, 3, 4) X(1, 9, 8)
#define FV_DW_STRIP 16384
/* winograd.h: channels; tiles, or sixteens of input channels, that they are multiplied with at once */
#define FV_WINOGRAD_CHANNELS(X) X(6) X(4) X(2) X(1)
#define FV_WINOGRAD_TILES 1
/* conv_pool.c: channels; weight gradient: bytes of x in a strip, columns carried; window rows of the input gradient */
#define FV_POOL_TILES(X) X(2) X(1)
#define FV_POOL_DW_STRIP 18432
#define FV_POOL_DW_CARRY 0
#define FV_POOL_DX_ROWS 2

typedef __m256 V;
typedef __m256 M; /* all bits of a lane, or none */
typedef __m256i W;

INL V v_load(const float *p) { return _mm256_load_ps(p); }
INL void v_store(float *p, V a) { _mm256_store_ps(p, a); }
INL V v_loadu(const float *p) { return _mm256_loadu_ps(p); }
INL void v_storeu(float *p, V a) { _mm256_storeu_ps(p, a); }
INL V v_set(float x) { return _mm256_set1_ps(x); }
INL V v_bc(const float *p) { return _mm256_broadcast_ss(p); }
INL V v_zero(void) { return _mm256_setzero_ps(); }

INL V v_add(V a, V b) { return _mm256_add_ps(a, b); }
INL V v_sub(V a, V b) { return _mm256_sub_ps(a, b); }
INL V v_mul(V a, V b) { return _mm256_mul_ps(a, b); }
INL V v_div(V a, V b) { return _mm256_div_ps(a, b); }
INL V v_sqrt(V a) { return _mm256_sqrt_ps(a); }
INL V v_max(V a, V b) { return _mm256_max_ps(a, b); } /* maxps: the second where neither is greater */
INL V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
INL V v_round(V a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INL V v_pow2(V n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}

INL M v_gt(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
INL M m_and(M a, M b) { return _mm256_and_ps(a, b); }
INL M m_or(M a, M b) { return _mm256_or_ps(a, b); }
INL M m_andnot(M a, M b) { return _mm256_andnot_ps(a, b); }
INL M m_bits(const uint16_t *bits, int part) {
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i b = _mm256_and_si256(_mm256_set1_epi32(*bits >> 8 * part), lanes);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(b, lanes));
}
INL M m_first(int n, int part) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n - 8 * part), lanes));
}
INL unsigned m_to_bits(M m) { return (unsigned)_mm256_movemask_ps(m); }
INL V v_select(M m, V a, V b) { return _mm256_blendv_ps(b, a, m); }
INL V v_keep(M m, V a) { return _mm256_and_ps(m, a); }

INL W w_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
INL void w_store(uint32_t *p, W a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
INL W w_set(uint32_t x) { return _mm256_set1_epi32((int)x); }
INL W w_add(W a, W b) { return _mm256_add_epi32(a, b); }
INL W w_xor(W a, W b) { return _mm256_xor_si256(a, b); }
INL W w_mul_lo(W a, W b) { return _mm256_mullo_epi32(a, b); }
INL W w_mul_hi(W a, W b) {
    W even = _mm256_mul_epu32(a, b), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
INL W w_dot(W a, W b) { return _mm256_madd_epi16(a, b); }
INL M w_lt(W a, W b) { /* the comparison is signed */
    const W sign = _mm256_set1_epi32(INT32_MIN);
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(w_xor(b, sign), w_xor(a, sign)));
}

INL __m256i index_load(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
INL void index_store(uint8_t *p, __m256i a) { /* values 0..255 */
    __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(words, words));
}
INL V v_from_bytes(const uint8_t *p) { return _mm256_cvtepi32_ps(index_load(p)); }
INL void v_to_bytes(uint8_t *p, V a) { index_store(p, _mm256_cvtps_epi32(a)); }
INL void v_pick4(const float table[16], const uint8_t *index, V out[4]) {
    const __m256i i = index_load(index); /* permutevar reads the low two bits */
    UNROLL for (int p = 0; p < 4; p++)
        out[p] = _mm256_permutevar_ps(_mm256_broadcast_ps((const __m128 *)(const void *)(table + 4 * p)), i);
}
INL M v_index_is(const uint8_t *index, int value) {
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(index_load(index), _mm256_set1_epi32(value)));
}
INL M v_index_bit(const uint8_t *index, int bit) {
    return _mm256_castsi256_ps(_mm256_srai_epi32(_mm256_slli_epi32(index_load(index), 31 - bit), 31));
}
INL void m_store_winner(uint8_t *p, M column, M row, M on) {
    __m256i c = _mm256_and_si256(_mm256_castps_si256(column), _mm256_set1_epi32(1));
    __m256i r = _mm256_and_si256(_mm256_castps_si256(row), _mm256_set1_epi32(2));
    index_store(p, _mm256_blendv_epi8(_mm256_set1_epi32(4), _mm256_or_si256(c, r), _mm256_castps_si256(on)));
}

typedef double pair __attribute__((may_alias));
INL V v_pairs(const float *xy, const uint32_t *index, V *y) {
    const pair *at = (const pair *)(const void *)xy;
    V a = _mm256_castpd_ps(_mm256_setr_pd(at[index[0]], at[index[1]], at[index[4]], at[index[5]]));
    V b = _mm256_castpd_ps(_mm256_setr_pd(at[index[2]], at[index[3]], at[index[6]], at[index[7]]));
    *y = _mm256_shuffle_ps(a, b, 0xdd);
    return _mm256_shuffle_ps(a, b, 0x88);
}

/* Eight vectors of eight lanes (already folded once) -> their eight sums. */
INL V fold8(const V *v) {
    V a[4], b[2];
    UNROLL for (int i = 0; i < 4; i++) a[i] = v_add(_mm256_permute2f128_ps(v[i], v[i + 4], 0x20), /* i | i+4 */
                                                    _mm256_permute2f128_ps(v[i], v[i + 4], 0x31));
    UNROLL for (int i = 0; i < 2; i++) b[i] = v_add(_mm256_shuffle_ps(a[i], a[i + 2], 0x44), /* i, i+2 | i+4, i+6 */
                                                    _mm256_shuffle_ps(a[i], a[i + 2], 0xee));
    V s = v_add(_mm256_shuffle_ps(b[0], b[1], 0x88), _mm256_shuffle_ps(b[0], b[1], 0xdd)); /* 0 2 1 3 | 4 6 5 7 */
    return _mm256_permute_ps(s, 0xd8);
}
INL void v_fold16(const float *p, float *out) {
    for (int h = 0; h < 2; h++) {
        V a[8];
        UNROLL for (int i = 0; i < 8; i++) a[i] = v_add(v_load(p + 16 * (8 * h + i)), v_load(p + 16 * (8 * h + i) + 8));
        v_storeu(out + 8 * h, fold8(a));
    }
}
INL void transpose8(const float *s, size_t s_stride, float *d, size_t d_stride) {
    V a[8], b[8];
    UNROLL for (size_t i = 0; i < 8; i++) a[i] = v_loadu(s + i * s_stride);
    UNROLL for (int i = 0; i < 4; i++) {
        b[2 * i] = _mm256_unpacklo_ps(a[2 * i], a[2 * i + 1]);
        b[2 * i + 1] = _mm256_unpackhi_ps(a[2 * i], a[2 * i + 1]);
    }
    UNROLL for (int i = 0; i < 2; i++) UNROLL for (int h = 0; h < 2; h++) {
        a[4 * i + 2 * h] = _mm256_shuffle_ps(b[4 * i + h], b[4 * i + 2 + h], 0x44);
        a[4 * i + 2 * h + 1] = _mm256_shuffle_ps(b[4 * i + h], b[4 * i + 2 + h], 0xee);
    }
    UNROLL for (size_t i = 0; i < 4; i++) {
        v_storeu(d + i * d_stride, _mm256_permute2f128_ps(a[i], a[4 + i], 0x20));
        v_storeu(d + (4 + i) * d_stride, _mm256_permute2f128_ps(a[i], a[4 + i], 0x31));
    }
}
INL void v_transpose16(const float *s, size_t s_stride, float *d, size_t d_stride) {
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++)
            transpose8(s + 8 * (i * s_stride + j), s_stride, d + 8 * (j * d_stride + i), d_stride);
}

/* clang-format on */

#endif
