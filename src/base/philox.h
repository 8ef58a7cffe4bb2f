/* Counter-based random numbers: Philox4x32-10.
 * Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
 *
 * No generator state is kept anywhere. Whoever draws names what the draw is for:
 *   key     = (seed folded to 32 bits, purpose)
 *   counter = (position, epoch, layer or parameter, draw) as the purpose sees fit */
#ifndef FV_PHILOX_H
#define FV_PHILOX_H

#include <stddef.h>
#include <stdint.h>

typedef enum fv_purpose {
    FV_RANDOM_INIT = 1,    /* first weights: counter (index in tensor, 0, tensor, 0) */
    FV_RANDOM_ORDER = 2,   /* order of an epoch: counter (draw, epoch, 0, 0) */
    FV_RANDOM_DROPOUT = 3, /* counter (position in the epoch, epoch, layer, draw) */
    FV_RANDOM_AUGMENT = 4, /* counter (position in the epoch, epoch, transform, draw) */
    FV_RANDOM_SPLIT = 5,   /* splits and subsets: counter (draw, class, use, 0), see data/images.h */
    FV_RANDOM_EMBED = 6,   /* what the explanations draw */
    FV_RANDOM_TEST = 7,
    FV_RANDOM_BENCH = 8 /* images to measure with: counter (image or class, word, 0, 0) */
} fv_purpose;

typedef struct fv_words4 {
    uint32_t word[4];
} fv_words4;

static inline uint32_t fv_philox_key0(uint64_t seed) {
    return (uint32_t)seed ^ (uint32_t)(seed >> 32);
}

static inline fv_words4 fv_philox(uint64_t seed, fv_purpose purpose, uint32_t c0, uint32_t c1, uint32_t c2,
                                  uint32_t c3) {
    uint32_t k0 = fv_philox_key0(seed), k1 = (uint32_t)purpose;
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (fv_words4){{c0, c1, c2, c3}};
}

/* A word to a float in [0, 1): the upper 24 bits, exact. */
static inline float fv_unit(uint32_t word) {
    return (float)(word >> 8) * 0x1p-24f;
}

/* An integer in [0, n), n >= 1, by multiplication (the bias is below n / 2^32). */
static inline uint32_t fv_below(uint32_t word, uint32_t n) {
    return (uint32_t)(((uint64_t)word * n) >> 32);
}

/* Fisher-Yates over at[0..n): the same order for the same (seed, purpose, c1, c2) anywhere. n < 2^32. */
static inline void fv_shuffle(uint32_t *at, size_t n, uint64_t seed, fv_purpose purpose, uint32_t c1, uint32_t c2) {
    fv_words4 words = {{0}};
    for (size_t i = n; i > 1; i--) {
        size_t draw = n - i;
        if (draw % 4 == 0) words = fv_philox(seed, purpose, (uint32_t)(draw / 4), c1, c2, 0);
        uint32_t j = fv_below(words.word[draw % 4], (uint32_t)i), t = at[i - 1];
        at[i - 1] = at[j];
        at[j] = t;
    }
}

#endif
