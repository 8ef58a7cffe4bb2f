/* Dense layer [+ relu]. Weights stored [I][S], S = outputs rounded up to 16; y = bias + sum over inputs. */
#include <stdio.h>

#include "base/math.h"
#include "nn/plan.h"

static const fv_param params[] = {{"outputs", FV_PARAM_INTEGER, 1, true, 1, 65536, 0}};

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    int n_in = layer->in.c, n_out = (int)layer->arg[0];
    layer->out = (fv_shape){n_out, 1, 1};
    layer->multiply_adds = (size_t)n_in * (size_t)n_out;
    float bound = (float)(1 / fv_sqrt(n_in));
    FV_TRY(fv_builder_tensor(builder, layer, "weight", 2, (int[]){n_out, n_in}, FV_TRANSPOSED, true, bound, 0));
    return fv_builder_tensor(builder, layer, "bias", 1, &n_out, FV_AS_PYTORCH, true, bound, 0);
}

static void print(const fv_layer *layer, char *out, size_t size) {
    snprintf(out, size, "dense %d", (int)layer->arg[0]);
}

const fv_layer_type fv_dense_layer = {"dense", params, 1, shape, print};

static void need(fv_plan *plan, fv_op *op) {
    fv_value_need(&plan->values[op->in], 1, 1, 0);
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    if (plan->mode == FV_INFER) return FV_OK;
    op->shared = fv_plan_share(plan, (size_t)layer->out.c * (size_t)fv_round_up(layer->in.c, FV_LANES));
    fv_plan_scratch(plan, plan->k->dense_dw_scratch(layer->in.c, layer->out.c));
    return FV_OK;
}

static void prepare(const fv_plan *plan, const fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    if (fv_plan_wants(plan, op->in))
        plan->k->dense_transpose(layer->in.c, layer->out.c, fv_layer_data(plan->net, layer, 0),
                                 plan->shared + op->shared);
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const fv_layer *layer = fv_op_layer(plan, op);
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    plan->k->dense(layer->in.c, layer->out.c, x.at, fv_layer_data(plan->net, layer, 0),
                   fv_layer_data(plan->net, layer, 1), y.at, op->relu);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const fv_layer *layer = fv_op_layer(plan, op);
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    fv_map dy = fv_plan_gradient(plan, op->out, block);
    if (op->relu && !op->gated) plan->k->relu_dx(&y, &dy, &dy, 0);
    plan->k->dense_dw(layer->in.c, layer->out.c, x.at, dy.at, block->scratch,
                      block->slot + fv_layer_offset(plan->net, layer, 0),
                      block->slot + fv_layer_offset(plan->net, layer, 1), block->add);
    if (!fv_plan_wants(plan, op->in)) return;
    fv_map dx = fv_plan_gradient(plan, op->in, block);
    bool gate = op > plan->ops && op[-1].gated && op[-1].out == op->in;
    plan->k->dense_dx(layer->in.c, layer->out.c, dy.at, plan->shared + op->shared, gate ? x.at : NULL, dx.at,
                      op->add_in);
}

const fv_op_type fv_dense_op = {need, lay_out, prepare, forward, backward, NULL, NULL};
