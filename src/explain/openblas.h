/* OpenBLAS and LAPACKE, opened when the first principal components are asked for. Linked, OpenBLAS starts a thread for
 * each processor before main runs, and each waits for ever where it gets no 128 MiB: a program within a limit of memory
 * (ulimit -d, -v) would never end. */
#ifndef FV_OPENBLAS_H
#define FV_OPENBLAS_H

#include <cblas.h>
#include <lapacke.h>

#include "fovea/status.h"

#define FV_OPENBLAS_FUNCTIONS(X)                                                                                       \
    X(cblas_dsyrk)                                                                                                     \
    X(cblas_dgemm)                                                                                                     \
    X(openblas_get_num_threads)                                                                                        \
    X(openblas_set_num_threads)

typedef struct fv_openblas {
#define FV_OPENBLAS_MEMBER(name) __typeof__(&name) name;
    FV_OPENBLAS_FUNCTIONS(FV_OPENBLAS_MEMBER)
    __typeof__(&LAPACKE_dsyevr) LAPACKE_dsyevr;
} fv_openblas;

/* FV_E_UNSUPPORTED where they are not installed; FV_E_MEMORY where they would not get the memory that they wait for. */
fv_status fv_openblas_get(const fv_openblas **out) FV_MUST_CHECK;
/* Whether it can be had; says why not. */
fv_status fv_openblas_need(fv_error *error) FV_MUST_CHECK;

#endif
