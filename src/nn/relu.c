#include "nn/plan.h"

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    (void)builder;
    layer->out = layer->in;
    return FV_OK;
}

const fv_layer_type fv_relu_layer = {"relu", NULL, 0, shape, NULL, &fv_relu_op};

static void need(fv_plan *plan, fv_op *op) {
    fv_value_match(&plan->values[op->in], &plan->values[op->out]);
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    plan->k->relu(&x, &y);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (!fv_plan_wants(plan, op->in)) return;
    fv_map y = fv_plan_data(plan, op->out, block), dy = fv_plan_gradient(plan, op->out, block);
    fv_map dx = fv_plan_gradient(plan, op->in, block);
    plan->k->relu_dx(&y, &dy, &dx, op->add_in);
}

const fv_op_type fv_relu_op = {need, NULL, NULL, forward, backward, NULL, NULL};
