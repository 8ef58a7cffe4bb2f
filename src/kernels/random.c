/* Philox on vectors of counters: dropout's masks, and words and normal numbers for whole images. */
#include <string.h>

#include "base/philox.h"
#include "kernels/isa.h"

static const uint32_t lane_numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* fv_philox of base/philox.h on vectors of counters. */
INL void philox(uint32_t k0, uint32_t k1, W c[4]) {
    UNROLL for (int round = 0; round < 10; round++) {
        const W a = w_set(0xD2511F53U), b = w_set(0xCD9E8D57U);
        W n0 = w_xor(w_xor(w_mul_hi(c[2], b), c[1]), w_set(k0));
        W n2 = w_xor(w_xor(w_mul_hi(c[0], a), c[3]), w_set(k1));
        c[1] = w_mul_lo(c[2], b);
        c[3] = w_mul_lo(c[0], a);
        c[0] = n0;
        c[2] = n2;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
}

void FV_K(keep_masks)(uint32_t seed0, uint32_t position, uint32_t epoch, uint32_t layer, int n, uint32_t threshold,
                      uint16_t *keep) {
    const W limit = w_set(threshold);
    for (int i = 0; i < n; i += 4) {
        unsigned bits[4] = {0};
        UNROLL for (int v = 0; v < NV; v++) {
            W words[4] = {w_add(w_set(position), w_load(lane_numbers + v * V_L)), w_set(epoch), w_set(layer),
                          w_set((uint32_t)i / 4)};
            philox(seed0, FV_RANDOM_DROPOUT, words);
            UNROLL for (int k = 0; k < 4; k++) bits[k] |= m_to_bits(w_lt(words[k], limit)) << v * V_L;
        }
        for (int k = 0; k < 4 && i + k < n; k++) keep[i + k] = (uint16_t)bits[k];
    }
}

void FV_K(random_words)(uint32_t seed0, uint32_t purpose, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, size_t n,
                        uint32_t *out) {
    for (size_t i = 0; i < n; i += 64, c3 += FV_LANES) {
        UNROLL for (int v = 0; v < NV; v++) {
            W words[4] = {w_set(c0), w_set(c1), w_set(c2), w_add(w_set(c3), w_load(lane_numbers + v * V_L))};
            philox(seed0, purpose, words);
            UNROLL for (int k = 0; k < 4; k++) w_store(out + i + (size_t)(k * FV_LANES + v * V_L), words[k]);
        }
    }
}

/* ---- normal numbers ---- */

enum { RUN = 64 }; /* words at a time */

/* -2 log of the upper twenty bits and a half, in (0, 1). log(m 2^e) = e log 2 + 2 atanh((m - 1) / (m + 1)), m in
 * [sqrt(1/2), sqrt(2)), so that nothing is lost near 1. */
static void minus_two_logs(const uint32_t *restrict words, float *restrict out) {
    for (int k = 0; k < RUN; k++) {
        const float u = ((float)(int32_t)(words[k] >> 12) + 0.5F) * 0x1p-20F;
        uint32_t bits;
        float m;
        memcpy(&bits, &u, sizeof bits);
        const uint32_t above = (bits & 0x7FFFFF) > 0x3504F3; /* m > sqrt(2): halved */
        const float e = (float)((int32_t)((bits >> 23) + above) - 127);
        bits = (bits & 0x7FFFFF) | (0x3F800000 - (above << 23));
        memcpy(&m, &bits, sizeof m);
        const float s = (m - 1) / (m + 1), s2 = s * s;
        const float atanh = s * (1 + s2 * (1.0F / 3 + s2 * (1.0F / 5 + s2 * (1.0F / 7 + s2 * (1.0F / 9 + s2 / 11)))));
        out[k] = -2 * (e * 0.693147181F + 2 * atanh);
    }
}

static void square_roots(float *x) {
    for (int k = 0; k < RUN; k += V_L) v_storeu(x + k, v_sqrt(v_loadu(x + k)));
}

/* The lower twelve bits are an angle: two of a quadrant, ten within it. Taylor series, error below 4e-6. */
static void turn(const uint32_t *restrict words, const float *restrict radius, float *restrict cosine,
                 float *restrict sine) {
    for (int k = 0; k < RUN; k++) {
        const int32_t quadrant = (int32_t)(words[k] >> 10 & 3);
        const float a = ((float)(int32_t)(words[k] & 1023) + 0.5F) * (1.57079633F / 1024), a2 = a * a;
        const float s = a * (1 - a2 / 6 * (1 - a2 / 20 * (1 - a2 / 42 * (1 - a2 / 72 * (1 - a2 / 110)))));
        const float c = 1 - a2 / 2 * (1 - a2 / 12 * (1 - a2 / 30 * (1 - a2 / 56 * (1 - a2 / 90))));
        const float x = quadrant & 1 ? -s : c, y = quadrant & 1 ? c : s;
        cosine[k] = radius[k] * (quadrant & 2 ? -x : x);
        sine[k] = radius[k] * (quadrant & 2 ? -y : y);
    }
}

/* Box and Muller 1958. */
void FV_K(normals)(size_t n, const uint32_t *words, float *out) {
    for (size_t i = 0; i < n; i += RUN) {
        float radius[RUN];
        minus_two_logs(words + i, radius);
        square_roots(radius);
        turn(words + i, radius, out + 2 * i, out + 2 * i + RUN);
    }
}
