/* The end of every gradient that is summed per lane: sixteen vectors at a time are folded into sixteen sums. */
#ifndef FV_FOLD_H
#define FV_FOLD_H

#include <string.h>

#include "kernels/isa.h"

/* Floats of n vectors of sixteen lanes, filled up to whole groups of sixteen vectors. */
INL size_t fold_size(size_t n) {
    return (n + 15) / 16 * 256;
}

/* g (+)= the folded sums of n vectors; sums has fold_size(n) floats. */
INL void fold_vectors(size_t n, float *sums, float *g, int add) {
    if (n % 16) memset(sums + n * 16, 0, (16 - n % 16) * 16 * sizeof *sums);
    for (size_t k = 0; k < n; k += 16) {
        float s[16];
        v_fold16(sums + k * 16, s);
        for (size_t l = 0; l < 16 && k + l < n; l++) g[k + l] = add ? g[k + l] + s[l] : s[l];
    }
}

#endif
