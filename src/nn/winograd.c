/* Convolution [+ relu] of a wide layer while training, by Winograd's F(2x2, 3x3): kernels/winograd.h. */
#include <stdlib.h>

#include "nn/plan.h"

enum { FEWEST_PRODUCTS = 512, FEWEST_PIXELS = 6, CHANNELS_STEP = 16 }; /* docs/performance.md has the measurements */

/* By the layer's shape alone, so that every instruction set decides alike. The transforms are paid for by channels in
 * times channels out; tiles of 2x2 stick out of small maps. */
bool fv_winograd_pays(const fv_layer *layer) {
    const fv_window f = fv_conv_window(layer);
    const int c = layer->in.c, k = layer->out.c, h = layer->out.h, w = layer->out.w;
    return f.r == 3 && f.s == 3 && f.stride == 1 && c % CHANNELS_STEP == 0 && k % CHANNELS_STEP == 0 &&
           c * k >= FEWEST_PRODUCTS && h >= FEWEST_PIXELS && w >= FEWEST_PIXELS;
}

typedef struct detail {
    fv_conv_shape forward, weights, input; /* x to y; strides of x and dy; dy to dx */
    size_t packed, turned;                 /* floats in a thread's packed weights: of forward, of input */
} detail;

static int pad_of(const fv_plan *plan, const fv_op *op) {
    return fv_conv_window(fv_op_layer(plan, op)).pad;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

/* Output pixel p reads inputs p - pad .. p - pad + 2, so input pixel h meets gradients h + pad - 2 .. h + pad. */
static void need(fv_plan *plan, fv_op *op) {
    const int pad = pad_of(plan, op);
    fv_value *in = &plan->values[op->in], *out = &plan->values[op->out];
    fv_value_need(in, out->live_h + 2 - pad, out->live_w + 2 - pad, pad);
    if (!fv_plan_wants(plan, op->in)) return;
    const int after = larger(in->live_h - out->live_h, in->live_w - out->live_w) + pad;
    out->gradient_border = larger(out->gradient_border, larger(2 - pad, after));
}

static fv_conv_shape shape_of(const fv_map *x, const fv_map *y) {
    return (fv_conv_shape){.n_in = x->c,
                           .n_out = y->c,
                           .h = y->h,
                           .w = y->w,
                           .x_row = x->row,
                           .x_col = FV_LANES,
                           .x_plane = x->plane,
                           .y_row = y->row,
                           .y_col = FV_LANES,
                           .y_plane = y->plane};
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    const fv_kernels *k = plan->k;
    const fv_layer *layer = fv_op_layer(plan, op);
    detail *d = calloc(1, sizeof *d);
    if (!d) return FV_E_MEMORY;
    op->detail = d;
    fv_block none = {0};
    fv_map x = fv_plan_data(plan, op->in, &none), y = fv_plan_data(plan, op->out, &none);
    fv_map dx = fv_plan_gradient(plan, op->in, &none), dy = fv_plan_gradient(plan, op->out, &none);
    d->forward = shape_of(&x, &y);
    d->weights = shape_of(&x, &dy);
    d->input = shape_of(&dy, &dx);
    d->packed = fv_plan_pack(plan, k->winograd_packed_size(layer->out.c, layer->in.c));
    fv_plan_scratch(plan, k->winograd_scratch(layer->in.c));
    fv_plan_scratch(plan, k->winograd_dw_scratch(layer->out.c, layer->in.c));
    if (!fv_plan_wants(plan, op->in)) return FV_OK;
    d->turned = fv_plan_pack(plan, k->winograd_packed_size(layer->in.c, layer->out.c));
    fv_plan_scratch(plan, k->winograd_scratch(layer->out.c));
    return FV_OK;
}

static void prepare(const fv_plan *plan, const fv_op *op, float *packed) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const detail *d = op->detail;
    const float *w = fv_layer_data(plan->net, layer, 0);
    const int c = layer->in.c, k = layer->out.c;
    plan->k->winograd_pack(k, c, w, c * 9, 9, 0, packed + d->packed);
    if (fv_plan_wants(plan, op->in)) plan->k->winograd_pack(c, k, w, 9, c * 9, 1, packed + d->turned);
}

/* The pixel `border` rows and columns before the first. */
static float *corner(const fv_map *m, int border) {
    return m->at - border * m->row - border * (ptrdiff_t)FV_LANES;
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const detail *d = op->detail;
    const float *bias = fv_layer_data(plan->net, fv_op_layer(plan, op), 1);
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    plan->k->winograd(&d->forward, corner(&x, pad_of(plan, op)), block->packed + d->packed, bias, y.at, FV_FROM_BIAS,
                      op->relu, block->scratch);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const detail *d = op->detail;
    const fv_layer *layer = fv_op_layer(plan, op);
    const int pad = pad_of(plan, op);
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    fv_map dy = fv_plan_gradient(plan, op->out, block), dx = fv_plan_gradient(plan, op->in, block);
    if (op->relu) plan->k->relu_dx(&y, &dy, &dy, 0);
    plan->k->winograd_dw(&d->weights, corner(&x, pad), dy.at, block->scratch, fv_slot_at(plan, block, layer, 0),
                         block->add);
    plan->k->channel_sum(&dy, fv_slot_at(plan, block, layer, 1), block->add);
    if (!fv_plan_wants(plan, op->in)) return;
    plan->k->winograd(&d->input, corner(&dy, 2 - pad), block->packed + d->turned, NULL, dx.at,
                      op->add_in ? FV_FROM_Y : FV_FROM_ZERO, 0, block->scratch);
}

const fv_op_type fv_winograd_op = {need, lay_out, prepare, forward, backward, NULL, NULL};
