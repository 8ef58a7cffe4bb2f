#include "nn/cost.h"

/* The layer's multiply-adds per output pixel, times the pixels in work. */
static size_t forward_multiply_adds(const fv_plan *plan, const fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const fv_value *out = &plan->values[op->out];
    size_t per_pixel = layer->multiply_adds / ((size_t)layer->out.h * (size_t)layer->out.w);
    size_t pixels = (size_t)out->live_h * (size_t)out->live_w;
    return per_pixel * pixels * (op->pool ? 4 : 1); /* pooled 2x2 */
}

static size_t map_bytes(const fv_plan *plan, int value) {
    if (value < 0) return 0;
    const fv_value *v = &plan->values[value];
    return (size_t)v->shape.c * (size_t)v->live_h * (size_t)v->live_w * FV_LANES * sizeof(float);
}

/* Which of the window won, a byte per pooled number. */
static size_t winner_bytes(const fv_plan *plan, const fv_op *op) {
    bool pools = op->pool || op->type == &fv_max_pool_op;
    return pools && plan->mode == FV_TRAIN ? map_bytes(plan, op->out) / sizeof(float) : 0;
}

static size_t weight_bytes(const fv_plan *plan, const fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    size_t n = 0;
    for (int t = 0; t < layer->n_tensors; t++) {
        const fv_tensor_info *info = &plan->net->tensors[layer->first_tensor + t].info;
        n += info->trained ? info->n : 0;
    }
    return n * sizeof(float);
}

fv_cost fv_op_forward_cost(const fv_plan *plan, const fv_op *op) {
    if (op->alias) return (fv_cost){0};
    size_t in = map_bytes(plan, op->in);
    if (op->type == &fv_norm_statistics_op) return (fv_cost){0, in};
    return (fv_cost){forward_multiply_adds(plan, op), in + map_bytes(plan, op->in2) + map_bytes(plan, op->out) +
                                                          weight_bytes(plan, op) + winner_bytes(plan, op)};
}

static bool reads_input_again(const fv_op *op) {
    return op->type == &fv_conv_op || op->type == &fv_winograd_op || op->type == &fv_conv_pool_op ||
           op->type == &fv_dense_op || op->type == &fv_norm_statistics_op || op->type == &fv_norm_apply_op;
}

fv_cost fv_op_backward_cost(const fv_plan *plan, const fv_op *op) {
    if (op->alias) return (fv_cost){0};
    size_t out = map_bytes(plan, op->out), weights = weight_bytes(plan, op);
    bool statistics = op->type == &fv_norm_statistics_op, wants = fv_plan_wants(plan, op->in);
    fv_cost cost = {.bytes = out + winner_bytes(plan, op)};
    if (reads_input_again(op)) cost.bytes += map_bytes(plan, op->in);
    if (op->relu && !op->gated && !statistics) cost.bytes += 2 * out; /* the relu's gate, in place */
    if (wants && op->type != &fv_norm_apply_op) cost.bytes += map_bytes(plan, op->in) * (op->add_in ? 2 : 1);
    if (fv_plan_wants(plan, op->in2)) cost.bytes += map_bytes(plan, op->in2) * (op->add_in2 ? 2 : 1);
    if (!statistics) cost.bytes += weights; /* their gradient */
    size_t products = forward_multiply_adds(plan, op);
    cost.multiply_adds = products; /* by the input: the weights' gradient */
    if (!wants) return cost;
    cost.multiply_adds += products; /* by the weights: the input's */
    if (fv_op_layer(plan, op)->multiply_adds > 0) cost.bytes += weights;
    return cost;
}
