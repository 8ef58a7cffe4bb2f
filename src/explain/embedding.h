/* The parts of t-SNE. With y the points of the plane, q_ij = 1 / (1 + |y_i - y_j|^2) and Z = sum of q_ij over i != j,
 * a quarter of the gradient of KL(P || q/Z) is
 *     sum over j of p_ij q_ij (y_i - y_j)  -  1/Z * sum over j of q_ij^2 (y_i - y_j)
 * attraction over the few pairs with p_ij > 0, repulsion over all.
 * Source: van der Maaten, Hinton 2008, "Visualizing data using t-SNE". */
#ifndef FV_EMBEDDING_H
#define FV_EMBEDDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

/* P: symmetric, sums to 1; row i holds p[e] = p(i, to[e]) for start[i] <= e < start[i + 1], by ascending `to`, then
 * padding (p 0, to i) up to a multiple of 16. */
typedef struct fv_affinity {
    size_t n;
    uint32_t *start; /* [n + 1] */
    uint32_t *to;
    float *p;
} fv_affinity;

/* From the k nearest of each point: the first k of `stride` indices and distances, ascending. Each row's Gaussian gets
 * the width at which the entropy of its neighbours is log(perplexity), where there is one. */
fv_status fv_affinity_create(const uint32_t *neighbours, const float *distances, size_t n, int stride, int k,
                             double perplexity, fv_team *team, fv_affinity *out) FV_MUST_CHECK;
void fv_affinity_deinit(fv_affinity *affinity);

typedef struct fv_repulsion fv_repulsion;

typedef enum fv_repulsion_method {
    FV_REPULSION_EXACT,  /* all pairs */
    FV_REPULSION_FIELD,  /* by a grid */
    FV_REPULSION_CHEAPER /* whichever of the two costs less for the points at hand */
} fv_repulsion_method;

/* `team` is borrowed. */
fv_status fv_repulsion_create(size_t n, fv_repulsion_method method, fv_team *team, fv_repulsion **out) FV_MUST_CHECK;
void fv_repulsion_destroy(fv_repulsion *repulsion);

/* force[2*i + axis] = sum over j of q_ij^2 (y_i - y_j); *z = Z. xy [n][2]. Its sums run in one order whatever the
 * number of threads. */
fv_status fv_repulsion_at(fv_repulsion *repulsion, const float *xy, float *force, double *z) FV_MUST_CHECK;

#endif
