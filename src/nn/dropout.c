/* dropout P: each number with probability P becomes 0, the others are scaled by 1 / (1 - P); dropout2d: whole channels.
 */
#include <stdio.h>

#include "nn/plan.h"

static const fv_param params[] = {{"p", FV_PARAM_NUMBER, 1, false, 0, 0.99, 0.5}};

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    (void)builder;
    layer->out = layer->in;
    return FV_OK;
}

static void print(const fv_layer *layer, char *out, size_t size) {
    int n = snprintf(out, size, "%s ", layer->type->word);
    fv_text_number(out + n, size - (size_t)n, layer->arg[0]);
}

const fv_layer_type fv_dropout_layer = {"dropout", params, 1, shape, print, &fv_dropout_op};
const fv_layer_type fv_dropout2d_layer = {"dropout2d", params, 1, shape, print, &fv_dropout_op};

/* dropout draws one mask per number of the live part's whole shape, dropout2d one per channel. */
static bool per_channel(const fv_plan *plan, const fv_op *op) {
    return fv_op_layer(plan, op)->type == &fv_dropout2d_layer;
}

static int n_masks(const fv_plan *plan, const fv_op *op) {
    const fv_value *out = &plan->values[op->out];
    return per_channel(plan, op) ? out->shape.c : out->shape.c * out->live_h * out->live_w;
}

static void need(fv_plan *plan, fv_op *op) {
    fv_value_match(&plan->values[op->in], &plan->values[op->out]);
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    op->kept = fv_plan_keep(plan, (size_t)(n_masks(plan, op) + 1) / 2); /* 16-bit masks */
    return FV_OK;
}

static float scale_of(double p) {
    return (float)(1 / (1 - p));
}

/* Draws a block's masks of a dropout layer. A word below (1 - p) 2^32 keeps its number. */
static void draw(const fv_plan *plan, const fv_block *block, int layer, int n, uint16_t *keep) {
    double threshold = (1 - plan->net->layers[layer].arg[0]) * 0x1p32;
    plan->k->keep_masks(block->seed0, block->position, block->epoch, (uint32_t)layer, n,
                        threshold < 0x1p32 ? (uint32_t)threshold : UINT32_MAX, keep);
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    uint16_t *keep = (void *)(block->memory + op->kept);
    draw(plan, block, op->layer, n_masks(plan, op), keep);
    plan->k->mask(&x, keep, per_channel(plan, op), scale_of(fv_op_layer(plan, op)->arg[0]), &y, 0);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (!fv_plan_wants(plan, op->in)) return;
    fv_map dy = fv_plan_gradient(plan, op->out, block), dx = fv_plan_gradient(plan, op->in, block);
    plan->k->mask(&dy, (const void *)(block->memory + op->kept), per_channel(plan, op),
                  scale_of(fv_op_layer(plan, op)->arg[0]), &dx, op->add_in);
}

/* ---- fused behind a pool ---- */

static double fused_p(const fv_plan *plan, const fv_op *op) {
    return plan->mode == FV_TRAIN && op->dropout >= 0 ? plan->net->layers[op->dropout].arg[0] : 0;
}

void fv_dropout2d_lay_out(fv_plan *plan, fv_op *op) {
    if (fused_p(plan, op) > 0) op->masks = fv_plan_keep(plan, (size_t)(plan->values[op->out].shape.c + 1) / 2);
}

float fv_dropout2d_scale(const fv_plan *plan, const fv_op *op) {
    return scale_of(fused_p(plan, op));
}

const uint16_t *fv_dropout2d_draw(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (fused_p(plan, op) == 0) return NULL;
    uint16_t *keep = (void *)(block->memory + op->masks);
    draw(plan, block, op->dropout, plan->values[op->out].shape.c, keep);
    return keep;
}

const fv_op_type fv_dropout_op = {need, lay_out, NULL, forward, backward, NULL, NULL};
