/* Included by every kernel text: the vocabulary of the instruction set being compiled, and the names it exports.
 *
 * A folder's vector.h defines FV_K(name) (the exported name: fv_avx2_##name), FV_ISA (its name as a string), and:
 *   V, V_L           vector of V_L floats (16, 8, 4; generic: 16); NV = 16 / V_L vectors a pixel
 *   M                mask of V_L lanes
 *   v_load v_store   64-byte aligned address + multiples of V_L floats;   v_loadu v_storeu: any address
 *   v_set(x)         all lanes x;   v_bc(p): all lanes *p;   v_zero()
 *   v_add v_sub v_mul v_div v_sqrt v_max(a,b: a > b ? a : b)   v_fma(a,b,c): a*b + c in one rounding
 *   v_gt(a,b) -> M;  m_and m_or m_andnot(a,b: ~a & b)
 *   v_select(m,a,b)  m ? a : b;   v_keep(m,a): m ? a : +0
 *   m_bits(const uint16_t *bits, int part) -> M   lanes part*V_L.. of a 16-bit mask;   m_first(n, part): lane index < n
 *   m_to_bits(M) -> unsigned, low V_L bits
 *   W                vector of V_L uint32: w_load w_store (any address) w_set w_add w_xor w_mul_lo w_mul_hi;
 *                    w_lt(a,b) -> M, unsigned;   w_dot(a,b): of pairs of int16, the sum of their products
 *   v_from_bytes(const uint8_t *p)    V_L bytes to floats;   v_to_bytes(uint8_t *p, a): whole floats 0..255 to bytes
 *   v_pick4(const float table[16], const uint8_t *index, V out[4])   lane l of out[p]: table[4*p + (index[l] & 3)]
 *   v_index_is(const uint8_t *index, int value) -> M     lane l: index[l] == value
 *   v_index_bit(const uint8_t *index, int bit) -> M      lane l: that bit of index[l]
 *   m_store_winner(uint8_t *p, M column, M row, M on)    lane l's byte: on ? column + 2*row : 4
 *   v_pow2(n)        2^n for whole n in [-126, 127] held as floats;   v_round(x): nearest, ties to even
 *   v_pairs(const float *xy, const uint32_t *index, V *y)   lane l: xy[2*index[l]], and into *y the float behind it
 *   v_fold16(const float *p, float *out)   sixteen vectors of 16 lanes -> their sixteen folded sums (out: any address)
 *   v_transpose16(const float *s, size_t s_stride, float *d, size_t d_stride)   16 x 16 floats, any address
 *   PIN(v)           v stays in its register instead of becoming a memory operand again
 *   FV_TILE_...      the register tiles of conv.c, conv_pool.c, dense.c for this set;   FV_WINOGRAD_...: of winograd.h
 */
#ifndef FV_ISA_H
#define FV_ISA_H

#include "kernels/kernels.h"

#define INL static inline __attribute__((always_inline))
#if defined(UNROLL) /* as nothing, under a sanitizer: gcc warns of loops that its calls split, clang takes minutes */
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
/* Keeps the compiler from hoisting loads over a tap and spilling. */
#define FENCE __asm__ volatile("" ::: "memory")

#include "vector.h"

#define NV (FV_LANES / V_L)

#define FV_KERNEL_PROTOTYPE(type, name, arguments) type FV_K(name) arguments;
FV_KERNELS(FV_KERNEL_PROTOTYPE)
#undef FV_KERNEL_PROTOTYPE

#endif
