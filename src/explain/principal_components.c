#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain/openblas.h"
#include "fovea/explain.h"

enum { ROWS = 256 }; /* centred at a time */

typedef struct job {
    const fv_openblas *blas;
    const float *x;
    size_t n;
    int d, k;
    double *mean;       /* [d] */
    double *centred;    /* [ROWS][d] */
    double *covariance; /* [d][d], upper triangle, times n */
    double *values;     /* [d] ascending; the k largest are first */
    double *loadings;   /* [k][d] unit vectors, ascending */
    double *projected;  /* [ROWS][k] */
    lapack_int *support;
} job;

/* Rows begin .. begin + ROWS less the mean; returns how many there are. */
static int centre_rows(const job *j, size_t begin) {
    const size_t d = (size_t)j->d, rows = j->n - begin < ROWS ? j->n - begin : ROWS;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < d; c++) j->centred[r * d + c] = (double)j->x[(begin + r) * d + c] - j->mean[c];
    return (int)rows;
}

static void sum_covariance(const job *j) {
    const size_t d = (size_t)j->d;
    for (size_t i = 0; i < j->n; i++)
        for (size_t c = 0; c < d; c++) j->mean[c] += (double)j->x[i * d + c];
    for (size_t c = 0; c < d; c++) j->mean[c] /= (double)j->n;
    for (size_t begin = 0; begin < j->n; begin += ROWS) {
        const int rows = centre_rows(j, begin);
        j->blas->cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, j->d, rows, 1, j->centred, j->d, 1, j->covariance,
                             j->d);
    }
}

/* The eigenvectors of the k largest eigenvalues; each one's largest loading (the first of equals) is positive. */
static fv_status find_loadings(const job *j) {
    const size_t d = (size_t)j->d;
    lapack_int found = 0;
    /* Row-major upper is column-major lower of the same symmetric matrix; each vector is a row of `loadings`. */
    lapack_int info =
        j->blas->LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', j->d, j->covariance, j->d, 0, 0, j->d - j->k + 1, j->d,
                                0, &found, j->values, j->loadings, j->d, j->support);
    if (info == LAPACK_WORK_MEMORY_ERROR) return FV_E_MEMORY;
    if (info != 0 || found != j->k) return FV_E_DIVERGED;
    for (size_t v = 0; v < (size_t)j->k; v++) {
        double *loading = j->loadings + v * d, largest = 0;
        for (size_t c = 0; c < d; c++)
            if (fabs(loading[c]) > fabs(largest)) largest = loading[c];
        for (size_t c = 0; c < d && largest < 0; c++) loading[c] = -loading[c];
    }
    return FV_OK;
}

/* z [n][k], the largest component first: the reverse of `loadings`. */
static void project(const job *j, float *z) {
    const size_t k = (size_t)j->k;
    for (size_t begin = 0; begin < j->n; begin += ROWS) {
        const int rows = centre_rows(j, begin);
        j->blas->cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, j->k, j->d, 1, j->centred, j->d,
                             j->loadings, j->d, 0, j->projected, j->k);
        for (size_t r = 0; r < (size_t)rows; r++)
            for (size_t v = 0; v < k; v++) z[(begin + r) * k + v] = (float)j->projected[r * k + (k - 1 - v)];
    }
}

static fv_status run(job *j, float *z, double *variance) {
    const size_t d = (size_t)j->d, k = (size_t)j->k;
    size_t square;
    if (!fv_multiply(d, d, &square)) return FV_E_MEMORY;
    j->mean = fv_alloc(d, sizeof *j->mean);
    j->centred = fv_alloc(ROWS * d, sizeof *j->centred);
    j->covariance = fv_alloc(square, sizeof *j->covariance);
    j->values = fv_alloc(d, sizeof *j->values);
    j->loadings = fv_alloc(k * d, sizeof *j->loadings);
    j->projected = fv_alloc(ROWS * k, sizeof *j->projected);
    j->support = fv_alloc(2 * d, sizeof *j->support);
    if (!j->mean || !j->centred || !j->covariance || !j->values || !j->loadings || !j->projected || !j->support)
        return FV_E_MEMORY;
    sum_covariance(j);
    double total = 0;
    for (size_t c = 0; c < d; c++) total += j->covariance[c * d + c];
    if (!(total <= DBL_MAX)) return FV_E_DIVERGED;
    FV_TRY(find_loadings(j));
    project(j, z);
    for (size_t v = 0; variance && v < k; v++) variance[v] = total > 0 ? fmax(0, j->values[k - 1 - v]) / total : 0;
    return FV_OK;
}

fv_status fv_principal_components(const float *x, size_t n, int d, int k, float *z, double *variance) {
    if (n < 1 || d < 1 || k < 1 || k > d || (size_t)k > n) return FV_E_ARGUMENT;
    job j = {.x = x, .n = n, .d = d, .k = k};
    FV_TRY(fv_openblas_get(&j.blas));
    /* The setting belongs to the process. */
    const int blas_threads = j.blas->openblas_get_num_threads();
    j.blas->openblas_set_num_threads(1);
    fv_status status = run(&j, z, variance);
    j.blas->openblas_set_num_threads(blas_threads);
    free(j.mean);
    free(j.centred);
    free(j.covariance);
    free(j.values);
    free(j.loadings);
    free(j.projected);
    free(j.support);
    return status;
}
