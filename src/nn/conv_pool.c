/* Convolution 3x3 + relu + 2x2 max-pooling [+ dropout2d] in one pass. Behind a 2x2 max-pool one gradient of four is not
 * zero, so both gradients select instead of multiplying by zeros (kernels/conv_pool.c). */
#include <stdlib.h>
#include <string.h>

#include "nn/norm.h"
#include "nn/plan.h"

typedef struct detail {
    fv_conv_pool_shape forward, weights, input; /* strides of x and y; x and dy; dx and dy */
    size_t packed;                              /* floats in a thread's packed weights */
} detail;

static void need(fv_plan *plan, fv_op *op) {
    int pad = fv_conv_window(fv_op_layer(plan, op)).pad;
    fv_value *in = &plan->values[op->in], *out = &plan->values[op->out];
    fv_value_need(in, 2 * out->live_h + 2 - pad, 2 * out->live_w + 2 - pad, pad);
    if (pad > in->gradient_border) in->gradient_border = pad; /* windows reach over the edge */
}

static fv_conv_pool_shape shape_of(const fv_layer *layer, const fv_map *x, const fv_map *y) {
    return (fv_conv_pool_shape){layer->in.c, layer->out.c, y->h, y->w, x->row, x->plane, y->row, y->plane};
}

static size_t winners_size(const fv_plan *plan, const fv_op *op) { /* in floats */
    const fv_value *out = &plan->values[op->out];
    return (size_t)out->shape.c * (size_t)out->live_h * (size_t)out->live_w * (FV_WINNER_BYTES / sizeof(float));
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    detail *d = calloc(1, sizeof *d);
    if (!d) return FV_E_MEMORY;
    op->detail = d;
    fv_block none = {0};
    fv_map x = fv_plan_data(plan, op->in, &none), y = fv_plan_data(plan, op->out, &none);
    d->forward = shape_of(layer, &x, &y);
    if (op->norm >= 0) op->shared = fv_plan_share(plan, fv_folded_size(layer));
    if (plan->mode == FV_INFER) return FV_OK;
    fv_map dx = fv_plan_gradient(plan, op->in, &none), dy = fv_plan_gradient(plan, op->out, &none);
    d->weights = shape_of(layer, &x, &dy);
    d->input = shape_of(layer, &dx, &dy);
    op->kept = fv_plan_keep(plan, winners_size(plan, op));
    fv_dropout2d_lay_out(plan, op);
    fv_plan_scratch(plan, plan->k->conv_pool_dw_scratch(layer->out.c, layer->in.c));
    d->packed = fv_plan_pack(plan, plan->k->conv_pool_dx_packed_size(layer->out.c, layer->in.c));
    return FV_OK;
}

static void prepare(const fv_plan *plan, const fv_op *op, float *packed) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const detail *d = op->detail;
    if (op->norm >= 0) fv_fold_norm(plan->net, layer, &plan->net->layers[op->norm], plan->shared + op->shared);
    if (fv_plan_wants(plan, op->in))
        plan->k->conv_pool_dx_pack(layer->out.c, layer->in.c, fv_layer_data(plan->net, layer, 0), packed + d->packed);
}

/* The first pixel of the window at (0, 0): the padding's corner. */
static float *window(const fv_map *x, int pad) {
    return x->at - pad * x->row - (ptrdiff_t)pad * FV_LANES;
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const detail *d = op->detail;
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    const uint16_t *keep = fv_dropout2d_draw(plan, op, block);
    uint8_t *winners = plan->mode == FV_TRAIN ? (uint8_t *)(block->memory + op->kept) : NULL;
    plan->k->conv_pool(&d->forward, window(&x, fv_conv_window(layer).pad), fv_folded_weights_of(plan, op),
                       fv_folded_bias_of(plan, op), keep, fv_dropout2d_scale(plan, op), y.at, winners);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const detail *d = op->detail;
    int pad = fv_conv_window(layer).pad;
    fv_map x = fv_plan_data(plan, op->in, block), dy = fv_plan_gradient(plan, op->out, block);
    const uint8_t *winners = (const uint8_t *)(block->memory + op->kept);
    plan->k->conv_pool_ready(&d->weights, dy.at, winners, fv_dropout2d_scale(plan, op));
    plan->k->conv_pool_dw(&d->weights, window(&x, pad), dy.at, winners, block->scratch,
                          fv_slot_at(plan, block, layer, 0), fv_slot_at(plan, block, layer, 1), block->add);
    if (!fv_plan_wants(plan, op->in)) return;
    fv_map dx = fv_plan_gradient(plan, op->in, block);
    int add = op->add_in;
    if (!add && (2 * dy.h + 2 - pad < dx.h || 2 * dy.w + 2 - pad < dx.w)) { /* somebody else reads further than we */
        const fv_value *in = &plan->values[op->in];
        memset(block->memory + in->gradient, 0, (size_t)(dx.plane * dx.c) * sizeof(float));
        add = 1;
    }
    plan->k->conv_pool_dx(&d->input, dy.at, winners, block->packed + d->packed, window(&dx, pad), add);
    if (pad) plan->k->map_clear_border(&dx, plan->values[op->in].gradient_border);
}

const fv_op_type fv_conv_pool_op = {need, lay_out, prepare, forward, backward, NULL, NULL};
