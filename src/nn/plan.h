/* A plan: the fused operations of a net in running order, and where everything lies in memory.
 *
 * A batch is cut into blocks of sixteen images. Operations run block by block; where one couples the images of a batch
 * (batch norm) the plan has a cut, at which all blocks meet. Forward runs the segments between cuts first to last,
 * backward last to first. */
#ifndef FV_PLAN_H
#define FV_PLAN_H

#include "kernels/kernels.h"
#include "nn/net.h"
#include "nn/profile.h"

enum { FV_MAX_SLOTS = 16 };
enum { FV_LARGE_WEIGHTS = 65536 }; /* a dense layer of more is large: see fv_large_type */

typedef enum fv_mode { FV_INFER, FV_TRAIN } fv_mode;

/* Something that flows: the net's input or a layer's output. Only the live part [c][live_h][live_w] is computed: pixels
 * that pooling drops at the end of a row or column are not. Offsets are floats in a block's memory. */
typedef struct fv_value {
    fv_shape shape;
    int live_h, live_w;
    int border, gradient_border; /* zeros around each plane, for those who read beyond it */
    int n_users;
    bool has_gradient, gradient_started; /* started: a later user has already been given its place in the sum */
    bool overlaid;                       /* the gradient lies where the data lay */
    size_t data, gradient;
} fv_value;

typedef struct fv_plan fv_plan;
typedef struct fv_op fv_op;

/* One block on its way through the net. */
typedef struct fv_block {
    float *memory;  /* values, gradients, and what operations keep for the way back */
    float *scratch; /* the thread's own, */
    float *packed;  /* and this too: weights in the order in which kernels read them */
    float *slot;    /* gradients of the slot the block belongs to: fv_slot_at */
    int add;        /* 0: first block of its slot, gradients are set; 1: added */
    int index, n_lanes;
    uint32_t seed0, epoch, position; /* of lane 0 in the epoch's order */
    fv_profile *profile;             /* the thread's own; NULL: not measured */
} fv_block;

/* How an operation runs. Any member may be NULL. */
typedef struct fv_op_type {
    /* Says what it needs: live parts and borders of what it reads (called last operation to first), ... */
    void (*need)(fv_plan *plan, fv_op *op);
    /* ... then memory (fv_plan_keep, fv_plan_share, fv_plan_scratch), with all layouts known. */
    fv_status (*lay_out)(fv_plan *plan, fv_op *op);
    /* After weights changed: repack them. */
    void (*prepare)(const fv_plan *plan, const fv_op *op, float *packed);
    void (*forward)(const fv_plan *plan, const fv_op *op, const fv_block *block);
    void (*backward)(const fv_plan *plan, const fv_op *op, const fv_block *block);
    /* At the cut behind this operation, once per batch of n images in n_blocks blocks. */
    void (*meet_forward)(const fv_plan *plan, const fv_op *op, size_t n, int n_blocks);
    void (*meet_backward)(const fv_plan *plan, const fv_op *op, size_t n, int n_blocks);
} fv_op_type;

/* A layer of many weights runs on several blocks of a thread at once, so that each weight is read once for all of them,
 * and has no gradient per slot: when all blocks are through, threads share the rows of its weights among them. */
typedef struct fv_large_type {
    void (*forward)(const fv_plan *plan, const fv_op *op, const fv_block *blocks, int n);
    void (*backward)(const fv_plan *plan, const fv_op *op, const fv_block *blocks, int n);
    /* A block's gradient of rows [begin, begin + n), set at g or, with block->add, added. */
    void (*gradient)(const fv_plan *plan, const fv_op *op, const fv_block *block, int begin, int n, float *g);
    /* After the weights of rows [begin, begin + n) changed; begin is a multiple of 16. */
    void (*prepare)(const fv_plan *plan, const fv_op *op, int begin, int n);
} fv_large_type;

struct fv_op {
    const fv_op_type *type;
    int layer;                  /* the layer that it is named after */
    int norm, dropout;          /* layers fused into it; -1: none */
    bool relu, pool;            /* fused behind it */
    bool gated;                 /* the operation behind it applies this one's relu to the gradient */
    int in, in2, out;           /* values; in2 -1 but for sums */
    bool alias;                 /* its output is its input: nothing to do */
    const fv_large_type *large; /* not NULL: runs so, in a segment of its own */
    int add_in, add_in2;        /* its part of the input's gradient is added (1) or comes first (0) */
    size_t kept, kept2;         /* floats in the block's memory */
    size_t masks;               /* of a fused dropout2d: 16 bits per channel, there too */
    size_t shared;              /* floats in plan->shared, of a small dense layer in a thread's packed weights */
    void *detail;               /* the operation's own, freed with the plan */
};

/* A stretch of net->weights whose gradients are found in one way: in the slots, or by rows of a large layer. */
typedef struct fv_piece {
    size_t begin, n;
    size_t slot;     /* where it begins in a slot */
    const fv_op *op; /* the large layer; NULL: slots */
    size_t row;      /* floats of a row */
} fv_piece;

struct fv_plan {
    fv_net *net;
    const fv_kernels *k;
    fv_mode mode;
    int n_blocks; /* of a full batch */
    int n_slots;
    fv_op *ops;
    int n_ops;
    int *cuts; /* after which operations a segment ends; all blocks meet there where the operation says how */
    int n_cuts;
    fv_piece *pieces; /* all of net->weights, in order */
    int n_pieces;
    size_t slot_size;     /* floats */
    size_t *slot_at;      /* [net->n_tensors] a trained tensor's place in a slot */
    fv_value *values;     /* [n_layers + 1]: 0 the input, i + 1 the output of layer i */
    int logits, features; /* values */
    size_t memory_size, shared_size, packed_size, scratch_size; /* floats */
    float *shared;
};

/* Fills ops, cuts, and the values of logits and features, from the net's layers and the mode. FV_E_MEMORY. */
fv_status fv_plan_fuse(fv_plan *plan) FV_MUST_CHECK;

/* Plans `net` for batches of at most n_blocks * 16 images. */
fv_status fv_plan_create(fv_net *net, fv_mode mode, int n_blocks, fv_plan **out) FV_MUST_CHECK;
void fv_plan_destroy(fv_plan *plan);
/* Packs the weights of all but large layers. Each thread has its own [plan->packed_size]: packing is cheaper than
 * reading what another processor has packed. */
void fv_plan_prepare(const fv_plan *plan, float *packed);

/* Segment 0 .. n_cuts of n blocks, of one where the segment holds no large operation; the logits stand in value
 * plan->logits after the last. */
void fv_plan_forward(const fv_plan *plan, int segment, const fv_block *blocks, int n);
void fv_plan_backward(const fv_plan *plan, int segment, const fv_block *blocks, int n);
bool fv_plan_is_large(const fv_plan *plan, int segment);
/* At cut c all blocks meet. */
bool fv_plan_meets(const fv_plan *plan, int cut);
void fv_plan_meet_forward(const fv_plan *plan, int cut, size_t n, int n_blocks);
void fv_plan_meet_backward(const fv_plan *plan, int cut, size_t n, int n_blocks);

/* Blocks [*begin, *end) of slot s. */
void fv_plan_slot(const fv_plan *plan, int slot, int *begin, int *end);

/* ---- for operations ---- */

/* Floats that each block keeps, that all share, that each thread has for packed weights, or for running one operation.
 */
size_t fv_plan_keep(fv_plan *plan, size_t n);
size_t fv_plan_share(fv_plan *plan, size_t n);
size_t fv_plan_pack(fv_plan *plan, size_t n);
void fv_plan_scratch(fv_plan *plan, size_t n);

/* The live part of a value, or of its gradient, in a block. */
fv_map fv_plan_data(const fv_plan *plan, int value, const fv_block *block);
fv_map fv_plan_gradient(const fv_plan *plan, int value, const fv_block *block);
/* Somebody reads rows and columns up to h x w (cut to the shape), with so many zeros around. */
void fv_value_need(fv_value *value, int h, int w, int border);
/* Two values of one shape are worked on pixel by pixel: the same part of both lives. */
void fv_value_match(fv_value *a, fv_value *b);

static inline const fv_layer *fv_op_layer(const fv_plan *plan, const fv_op *op) {
    return &plan->net->layers[op->layer];
}
/* Where a block's gradients of a layer's tensor go: 0 weight, 1 bias. */
static inline float *fv_slot_at(const fv_plan *plan, const fv_block *block, const fv_layer *layer, int which) {
    return block->slot + plan->slot_at[layer->first_tensor + which];
}
static inline bool fv_plan_wants(const fv_plan *plan, int value) {
    return value >= 0 && plan->values[value].has_gradient;
}

/* A dropout2d fused behind op's pool: memory for its masks; 1 / (1 - p); the masks drawn for a block, NULL where there
 * is nothing to drop. */
void fv_dropout2d_lay_out(fv_plan *plan, fv_op *op);
float fv_dropout2d_scale(const fv_plan *plan, const fv_op *op);
const uint16_t *fv_dropout2d_draw(const fv_plan *plan, const fv_op *op, const fv_block *block);

/* Whether a convolution runs as fv_winograd_op while the net is trained. */
bool fv_winograd_pays(const fv_layer *layer);

extern const fv_large_type fv_large_dense;
extern const fv_op_type fv_conv_op, fv_conv_pool_op, fv_dense_op, fv_norm_statistics_op, fv_norm_apply_op, fv_relu_op,
    fv_dropout_op, fv_flatten_op, fv_max_pool_op, fv_mean_pool_op, fv_sum_op, fv_winograd_op;

#endif
