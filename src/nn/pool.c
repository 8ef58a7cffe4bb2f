/* Pooling over k x k windows at stride k, whose rest at the end of a row or column is dropped. */
#include <stdio.h>

#include "nn/plan.h"

static const fv_param params[] = {{"size", FV_PARAM_INTEGER, 1, true, 1, 15, 0}};

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    int k = (int)layer->arg[0];
    if (k > layer->in.h || k > layer->in.w)
        return fv_builder_fail(builder, layer, "a pool of %dx%d is larger than its input of %dx%d", k, k, layer->in.h,
                               layer->in.w);
    layer->out = (fv_shape){layer->in.c, layer->in.h / k, layer->in.w / k};
    return FV_OK;
}

static fv_status global_shape(fv_builder *builder, fv_layer *layer) {
    (void)builder;
    layer->out = (fv_shape){layer->in.c, 1, 1};
    return FV_OK;
}

static void print(const fv_layer *layer, char *out, size_t size) {
    snprintf(out, size, "%s %d", layer->type->word, (int)layer->arg[0]);
}

const fv_layer_type fv_max_pool_layer = {"maxpool", params, 1, shape, print, &fv_max_pool_op};
const fv_layer_type fv_avg_pool_layer = {"avgpool", params, 1, shape, print, &fv_mean_pool_op};
const fv_layer_type fv_global_pool_layer = {"globalavgpool", NULL, 0, global_shape, NULL, &fv_mean_pool_op};

static int window_h(const fv_plan *plan, const fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    return layer->type == &fv_global_pool_layer ? layer->in.h : (int)layer->arg[0];
}

static int window_w(const fv_plan *plan, const fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    return layer->type == &fv_global_pool_layer ? layer->in.w : (int)layer->arg[0];
}

static void need(fv_plan *plan, fv_op *op) {
    const fv_value *out = &plan->values[op->out];
    fv_value_need(&plan->values[op->in], out->live_h * window_h(plan, op), out->live_w * window_w(plan, op), 0);
}

static fv_status max_lay_out(fv_plan *plan, fv_op *op) {
    const fv_value *out = &plan->values[op->out];
    if (plan->mode == FV_TRAIN) /* a byte per pooled number */
        op->kept = fv_plan_keep(plan, (size_t)out->shape.c * (size_t)out->live_h * (size_t)out->live_w * FV_LANES / 4);
    return FV_OK;
}

static void max_forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    uint8_t *which = plan->mode == FV_TRAIN ? (uint8_t *)(block->memory + op->kept) : NULL;
    plan->k->max_pool(&x, window_h(plan, op), &y, which);
}

static void max_backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (!fv_plan_wants(plan, op->in)) return;
    fv_map dx = fv_plan_gradient(plan, op->in, block), dy = fv_plan_gradient(plan, op->out, block);
    plan->k->max_pool_dx(&dy, (const uint8_t *)(block->memory + op->kept), window_h(plan, op), &dx, op->add_in);
}

static void mean_forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    plan->k->mean_pool(&x, window_h(plan, op), window_w(plan, op), &y);
}

static void mean_backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (!fv_plan_wants(plan, op->in)) return;
    fv_map dx = fv_plan_gradient(plan, op->in, block), dy = fv_plan_gradient(plan, op->out, block);
    plan->k->mean_pool_dx(&dy, window_h(plan, op), window_w(plan, op), &dx, op->add_in);
}

const fv_op_type fv_max_pool_op = {need, max_lay_out, NULL, max_forward, max_backward, NULL, NULL};
const fv_op_type fv_mean_pool_op = {need, NULL, NULL, mean_forward, mean_backward, NULL, NULL};
