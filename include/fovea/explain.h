/* What a trained net learned and where it fails: plain data, no pictures. */
#ifndef FOVEA_EXPLAIN_H
#define FOVEA_EXPLAIN_H

#include "fovea/statistics.h"
#include "fovea/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* counts[true * n_classes + predicted] from predictions. */
void fv_confusion(const fv_prediction *predictions, size_t n, int n_classes, size_t *counts);

/* Macro averages of predictions; zero for n = 0. FV_E_MEMORY. */
fv_status fv_macro_of(const fv_prediction *predictions, size_t n, int n_classes, fv_macro_score *out) FV_MUST_CHECK;

/* Indices into `predictions` of the wrong ones, worst first: loss descending, then index. *out is malloc'd. */
fv_status fv_mistakes(const fv_prediction *predictions, size_t n, uint32_t **out, size_t *n_out) FV_MUST_CHECK;

/* Principal components: x [n][d] row-major, centred by the mean -> z [n][k], k <= min(n, d); the sign of each component
 * makes its largest loading positive. Eigenvectors of the covariance (LAPACK), one BLAS thread.
 * variance [k] (may be NULL): share of the total variance. FV_E_ARGUMENT; FV_E_MEMORY; FV_E_DIVERGED where a number is
 * not finite, or too large to square; FV_E_UNSUPPORTED where OpenBLAS or LAPACKE is missing. */
fv_status fv_principal_components(const float *x, size_t n, int d, int k, float *z, double *variance) FV_MUST_CHECK;

/* Exact k nearest neighbours by Euclidean distance of each of nq queries q [nq][d] among x [n][d]; ties by index.
 * When `exclude_self`, q is x and a point is not its own neighbour.
 * indices [nq][k], distances [nq][k] ascending (may be NULL). k <= n - exclude_self. FV_E_ARGUMENT; FV_E_MEMORY;
 * FV_E_DIVERGED where a number is not finite, or too large to square as a float. */
fv_status fv_nearest(const float *x, size_t n, const float *q, size_t nq, int d, int k, bool exclude_self,
                     int n_threads, uint32_t *indices, float *distances) FV_MUST_CHECK;

/* Options of fv_embed; the comments name the defaults. */
typedef struct fv_embedding_options {
    double perplexity; /* 30; lowered to (n - 1) / 3 where n is small */
    int iterations;    /* 750 */
    int threads;       /* 0: fv_processors() */
    void *context;
    bool (*cancelled)(void *context);
    void (*on_progress)(void *context, int iteration, int iterations);
} fv_embedding_options;
/* The options as their comments say. */
fv_embedding_options fv_embedding_defaults(void);

/* n points in the plane. */
typedef struct fv_embedding {
    size_t n;
    float *xy; /* [n][2] */
    double perplexity, kl_divergence;
    double neighbour_agreement; /* mean share of the 10 nearest that stay among the 10 nearest, in [0, 1] */
} fv_embedding;

/* t-SNE of x [n][d] into the plane: PCA initialisation, early exaggeration, deterministic (nothing random).
 * n >= 2. kl_divergence is exact, over the pairs with p_ij > 0. Independent of the number of threads; may differ in the
 * last bits between builds of the linear algebra library. Source: van der Maaten, Hinton 2008; Linderman et al. 2019
 * (repulsion through a grid); Kobak, Berens 2019 (start). FV_E_ARGUMENT; FV_E_MEMORY; FV_E_DIVERGED as fv_nearest. */
fv_status fv_embed(const float *x, size_t n, int d, const fv_embedding_options *options, fv_embedding *out,
                   fv_error *error) FV_MUST_CHECK;
/* Frees the points; takes a zeroed one. */
void fv_embedding_deinit(fv_embedding *embedding);

#ifdef __cplusplus
}
#endif
#endif
