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

const fv_layer_type fv_dense_layer = {"dense", params, 1, shape, print, &fv_dense_op};

static void need(fv_plan *plan, fv_op *op) {
    fv_value_need(&plan->values[op->in], 1, 1, 0);
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    size_t turned = (size_t)FV_LANES * (size_t)fv_round_up(layer->out.c, FV_LANES);
    if (plan->mode == FV_INFER) return FV_OK;
    size_t transposed = (size_t)layer->out.c * (size_t)fv_round_up(layer->in.c, FV_LANES);
    op->shared = op->large ? fv_plan_share(plan, transposed) : fv_plan_pack(plan, transposed);
    if (op->large)
        op->kept = fv_plan_keep(plan, turned);
    else
        fv_plan_scratch(plan, turned);
    return FV_OK;
}

static void transpose_rows(const fv_plan *plan, const fv_op *op, int begin, int n, float *transposed) {
    const fv_layer *layer = fv_op_layer(plan, op);
    ptrdiff_t row = fv_round_up(layer->out.c, FV_LANES);
    if (fv_plan_wants(plan, op->in))
        plan->k->dense_transpose(n, layer->out.c, fv_layer_data(plan->net, layer, 0) + begin * row,
                                 fv_round_up(layer->in.c, FV_LANES), transposed + begin);
}

static void prepare(const fv_plan *plan, const fv_op *op, float *packed) {
    transpose_rows(plan, op, 0, fv_op_layer(plan, op)->in.c, packed + op->shared);
}

static void prepare_rows(const fv_plan *plan, const fv_op *op, int begin, int n) {
    transpose_rows(plan, op, begin, n, plan->shared + op->shared);
}

/* How many outputs of n_in weights each are worked on at a time, for one block after another: so many that their
 * weights stay in the second-level cache; whole tiles on every instruction set. */
static int panel(int n_in) {
    enum { TILES = 48, PANEL_WEIGHTS = 65536 };
    int n = PANEL_WEIGHTS / n_in / TILES * TILES;
    return n > TILES ? n : TILES;
}

static int at_most(int n, int most) {
    return n < most ? n : most;
}

static void forward_blocks(const fv_plan *plan, const fv_op *op, const fv_block *blocks, int n) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const float *w = fv_layer_data(plan->net, layer, 0), *bias = fv_layer_data(plan->net, layer, 1);
    int n_in = layer->in.c, n_out = layer->out.c, step = panel(n_in);
    for (int o = 0; o < n_out; o += step)
        for (int b = 0; b < n; b++) {
            fv_map x = fv_plan_data(plan, op->in, &blocks[b]), y = fv_plan_data(plan, op->out, &blocks[b]);
            plan->k->dense(n_in, at_most(n_out - o, step), fv_round_up(n_out, FV_LANES), x.at, w + o, bias + o,
                           y.at + o * FV_LANES, op->relu);
        }
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    forward_blocks(plan, op, block, 1);
}

static void weight_gradient(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const fv_layer *layer = fv_op_layer(plan, op);
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    fv_map dy = fv_plan_gradient(plan, op->out, block);
    float *turned = op->large ? block->memory + op->kept : block->scratch;
    if (op->relu && !op->gated) plan->k->relu_dx(&y, &dy, &dy, 0);
    plan->k->dense_turn(layer->out.c, dy.at, turned, fv_slot_at(plan, block, layer, 1), block->add);
    if (!op->large)
        plan->k->dense_dw(layer->in.c, layer->out.c, x.at, turned, fv_slot_at(plan, block, layer, 0), block->add);
}

static void backward_blocks(const fv_plan *plan, const fv_op *op, const fv_block *blocks, int n) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const float *wt = (op->large ? plan->shared : blocks->packed) + op->shared;
    int n_in = layer->in.c, n_out = layer->out.c, step = panel(n_out);
    bool gate = op > plan->ops && op[-1].gated && op[-1].out == op->in;
    for (int b = 0; b < n; b++) weight_gradient(plan, op, &blocks[b]);
    if (!fv_plan_wants(plan, op->in)) return;
    for (int i = 0; i < n_in; i += step)
        for (int b = 0; b < n; b++) {
            fv_map x = fv_plan_data(plan, op->in, &blocks[b]), dx = fv_plan_gradient(plan, op->in, &blocks[b]);
            plan->k->dense_dx(at_most(n_in - i, step), n_out, fv_round_up(n_in, FV_LANES),
                              fv_plan_gradient(plan, op->out, &blocks[b]).at, wt + i, gate ? x.at + i * FV_LANES : NULL,
                              dx.at + i * FV_LANES, op->add_in);
        }
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    backward_blocks(plan, op, block, 1);
}

static void gradient_rows(const fv_plan *plan, const fv_op *op, const fv_block *block, int begin, int n, float *g) {
    fv_map x = fv_plan_data(plan, op->in, block);
    plan->k->dense_dw(n, fv_op_layer(plan, op)->out.c, x.at + begin * FV_LANES, block->memory + op->kept, g,
                      block->add);
}

const fv_op_type fv_dense_op = {need, lay_out, prepare, forward, backward, NULL, NULL};
const fv_large_type fv_large_dense = {forward_blocks, backward_blocks, gradient_rows, prepare_rows};
