/* C source of a net: operations in their order, fused, with their places in one scratch array. */
#ifndef FV_C_SOURCE_H
#define FV_C_SOURCE_H

#include <stdio.h>

#include "formats/graph.h"
#include "fovea/export.h"

/* Where a value lies. */
enum { FV_C_PIXELS = -1, FV_C_LOGITS = -2 }; /* else: its first element in scratch */

/* [pool of] a step, with a batch norm folded in and a relu behind it. */
typedef struct fv_c_op {
    fv_step_kind kind;
    int in, in2, out; /* values of the graph, flattening looked through */
    fv_shape x, y;
    int rows, columns, stride, pad;
    int pool; /* convolution: pools that many rows and columns; 1: none */
    bool relu;
    double *weight, *bias;
    size_t n_weights, n_bias;
    long in_at, in2_at, out_at;
} fv_c_op;

typedef struct fv_c_plan {
    const fv_graph *graph;
    int n_ops, last; /* the value that holds the logits */
    fv_c_op *ops;
    size_t scratch; /* elements */
} fv_c_plan;

/* `raw`: operations that can take the pixels as they are do, the normalisation folded into their weights: convolutions
 * without padding or of one channel, and dense layers. FV_E_MEMORY. */
fv_status fv_c_plan_create(const fv_graph *graph, bool raw, fv_c_plan **out) FV_MUST_CHECK;
void fv_c_plan_destroy(fv_c_plan *plan);

/* The arithmetic in a writer's hands: constants and calls, and the helpers they need. */
typedef struct fv_c_text {
    FILE *constants, *calls;
    unsigned helpers;       /* a bit per section of the template that is needed */
    size_t constants_bytes; /* of the tables */
} fv_c_text;

/* The sections of c_float.txt and c_int8.txt, in their order there. */
typedef enum fv_c_helper {
    FV_C_REQUANTISE,
    FV_C_NORMALISE,
    FV_C_SCALE,
    FV_C_CONV,
    FV_C_DENSE,
    FV_C_DENSE_OUT,
    FV_C_MAX,
    FV_C_MEAN,
    FV_C_MEAN_OUT,
    FV_C_RELU,
    FV_C_SUM,
    FV_C_OUT,
    FV_C_N_HELPERS
} fv_c_helper;

/* "scratch + 12", "pixels", "logits": 32 characters do. */
const char *fv_c_place(long at, char out[32]);

void fv_c_write_float(const fv_c_plan *plan, fv_c_text *text);
/* Post-training quantisation: weights per channel and symmetric, activations per value, ranges those that `images`
 * show. FV_E_UNSUPPORTED where sums could leave 32 bits; FV_E_MEMORY. */
fv_status fv_c_write_int8(const fv_c_plan *plan, const fv_images *images, const fv_indices *indices, fv_c_text *text,
                          fv_error *error) FV_MUST_CHECK;

/* Compiles a source with its example program and runs images through it: logits [n][n_classes]. FV_E_UNSUPPORTED: there
 * is no compiler; FV_E_DATA: it does not compile or run; FV_E_IO, FV_E_MEMORY. */
fv_status fv_c_run(const char *path, const fv_images *images, const fv_indices *indices, int n_classes, double *logits,
                   fv_error *error) FV_MUST_CHECK;

#endif
