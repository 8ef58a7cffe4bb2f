/* OpenBLAS on one thread: our own threads share the work, and its sums repeat. */
#ifndef FV_BLAS_H
#define FV_BLAS_H

#include <cblas.h>

/* Returns the number of threads to be given back by fv_blas_restore. The setting belongs to the process. */
static inline int fv_blas_single(void) {
    int n_threads = openblas_get_num_threads();
    openblas_set_num_threads(1);
    return n_threads;
}

static inline void fv_blas_restore(int n_threads) {
    openblas_set_num_threads(n_threads);
}

#endif
