/* The sum at the end of residual( main | shortcut ). */
#include "data/images.h"
#include "nn/plan.h"

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    const fv_net *net = builder->net;
    fv_shape a = net->layers[layer->from].out, b = layer->from2 < 0 ? net->input : net->layers[layer->from2].out;
    if (!fv_shape_equal(a, b))
        return fv_builder_fail(builder, layer,
                               "main gives %dx%dx%d, the shortcut %dx%dx%d: they cannot be summed; give "
                               "the shortcut a `conv %d 1x1` with the same stride",
                               a.c, a.h, a.w, b.c, b.h, b.w, a.c);
    layer->in = layer->out = a;
    return FV_OK;
}

const fv_layer_type fv_residual_layer = {"residual", NULL, 0, shape, NULL, &fv_sum_op};

static void need(fv_plan *plan, fv_op *op) {
    fv_value_match(&plan->values[op->in], &plan->values[op->out]);
    fv_value_match(&plan->values[op->in2], &plan->values[op->out]);
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map a = fv_plan_data(plan, op->in, block), b = fv_plan_data(plan, op->in2, block);
    fv_map y = fv_plan_data(plan, op->out, block);
    plan->k->add(&a, &b, &y);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map dy = fv_plan_gradient(plan, op->out, block), dx;
    if (fv_plan_wants(plan, op->in)) {
        dx = fv_plan_gradient(plan, op->in, block);
        plan->k->copy(&dy, &dx, op->add_in);
    }
    if (fv_plan_wants(plan, op->in2)) {
        dx = fv_plan_gradient(plan, op->in2, block);
        plan->k->copy(&dy, &dx, op->add_in2);
    }
}

const fv_op_type fv_sum_op = {need, NULL, NULL, forward, backward, NULL, NULL};
