/* A net as plain arithmetic in double precision, for evaluation only: what exports are held against, what an ONNX file
 * becomes when it is read back, and what C source is made of. Slow and small. */
#ifndef FV_GRAPH_H
#define FV_GRAPH_H

#include "fovea/net.h"

typedef enum fv_step_kind {
    FV_STEP_SCALE, /* y = x weight[c] + bias[c] */
    FV_STEP_CONV,  /* weight [K][C][R][S] */
    FV_STEP_DENSE, /* weight [O][I], x read as [C][H][W] in a row */
    FV_STEP_MAX,   /* pools: windows of rows x columns, `stride` apart */
    FV_STEP_MEAN,
    FV_STEP_RELU,
    FV_STEP_SUM,  /* of two values */
    FV_STEP_COPY, /* the same numbers in another shape */
} fv_step_kind;

/* Values are counted: 0 the pixels, i + 1 what step i makes. */
typedef struct fv_step {
    fv_step_kind kind;
    int in, in2; /* values; in2 for a sum */
    fv_shape x, y;
    int rows, columns, stride, pad;
    double *weight, *bias; /* NULL where there is none */
    size_t n_weights;
} fv_step;

typedef struct fv_graph {
    int n_steps, room;
    fv_step *steps;
    fv_shape input;
    double pixel; /* what a pixel of 1 enters as: 1, or 1/255 */
} fv_graph;

/* The net's arithmetic, normalisation of pixels included, dropout left out. */
fv_status fv_graph_of_net(const fv_net *net, fv_graph **out) FV_MUST_CHECK;
void fv_graph_destroy(fv_graph *graph);

/* For builders. An empty graph with room for n_steps; NULL: out of memory. */
fv_graph *fv_graph_create(fv_shape input, int n_steps);
/* The next step, which computes `y` from value `in`; weight and bias of so many zeros. NULL: out of memory. */
fv_step *fv_graph_add(fv_graph *graph, fv_step_kind kind, int in, fv_shape y, size_t n_weights, size_t n_bias);
fv_shape fv_graph_shape(const fv_graph *graph, int value);

/* Doubles that one evaluation needs; every value stands in them afterwards, at fv_graph_value. */
size_t fv_graph_memory(const fv_graph *graph);
double *fv_graph_value(const fv_graph *graph, double *memory, int value);
void fv_graph_run(const fv_graph *graph, const uint8_t *pixels, double *memory);

/* logits [n][outputs of the last step] of images[indices] (NULL: all). FV_E_SHAPE, FV_E_MEMORY. */
fv_status fv_graph_infer(const fv_graph *graph, const fv_images *images, const fv_indices *indices, int n_threads,
                         double *logits) FV_MUST_CHECK;

#endif
