/* [C][H][W] is already flat; a copy is made only where borders stand between the pixels. */
#include "nn/plan.h"

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    size_t n = fv_shape_size(layer->in);
    if (n > 1 << 24) return fv_builder_fail(builder, layer, "%zu inputs of a dense layer are too many", n);
    layer->out = (fv_shape){(int)n, 1, 1};
    return FV_OK;
}

const fv_layer_type fv_flatten_layer = {"flatten", NULL, 0, shape, NULL, &fv_flatten_op};

static void need(fv_plan *plan, fv_op *op) {
    fv_value *in = &plan->values[op->in];
    fv_value_need(in, in->shape.h, in->shape.w, 0);
    fv_value_need(&plan->values[op->out], 1, 1, 0);
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    fv_value *in = &plan->values[op->in], *out = &plan->values[op->out];
    op->alias = in->border == 0 && in->gradient_border == 0 && in->n_users == 1;
    if (op->alias) {
        out->data = in->data;
        out->gradient = in->gradient;
    }
    return FV_OK;
}

/* The flat value seen in its input's shape. */
static fv_map unflattened(fv_map flat, const fv_map *like) {
    return (fv_map){
        flat.at, like->c, like->h, like->w, (ptrdiff_t)like->w * FV_LANES, (ptrdiff_t)like->h * like->w * FV_LANES};
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (op->alias) return;
    fv_map x = fv_plan_data(plan, op->in, block), y = unflattened(fv_plan_data(plan, op->out, block), &x);
    plan->k->copy(&x, &y, 0);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (op->alias || !fv_plan_wants(plan, op->in)) return;
    fv_map dx = fv_plan_gradient(plan, op->in, block), dy = unflattened(fv_plan_gradient(plan, op->out, block), &dx);
    plan->k->copy(&dy, &dx, op->add_in);
}

const fv_op_type fv_flatten_op = {need, lay_out, NULL, forward, backward, NULL, NULL};
