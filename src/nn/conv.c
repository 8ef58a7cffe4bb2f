/* Convolution [+ relu]. Weights [K][C][R][S], bias [K]; y = bias + sum over channel, row, column. */
#include <stdio.h>
#include <stdlib.h>

#include "base/math.h"
#include "base/memory.h"
#include "nn/norm.h"
#include "nn/plan.h"

enum { FILTERS, ROWS, COLUMNS, PAD, STRIDE };

static const fv_param params[] = {
    {"filters", FV_PARAM_INTEGER, 1, true, 1, 4096, 0}, {"size", FV_PARAM_SIZE, 2, true, 1, 63, 0},
    {NULL, FV_PARAM_INTEGER, 0, false, 0, 0, 0},        {"pad", FV_PARAM_INTEGER, 0, false, 0, 31, -1},
    {"stride", FV_PARAM_INTEGER, 0, false, 1, 16, 1},
};

fv_window fv_conv_window(const fv_layer *layer) {
    const double *arg = layer->arg;
    return (fv_window){(int)arg[ROWS], (int)arg[COLUMNS], (int)arg[PAD], (int)arg[STRIDE]};
}

/* Without a pad of its own: the net's, as far as the kernel's size allows. */
static void default_pad(const fv_net *net, fv_layer *layer) {
    fv_window f = fv_conv_window(layer);
    int most = ((f.r < f.s ? f.r : f.s) - 1) / 2;
    if (f.pad < 0) layer->arg[PAD] = net->pad < most ? net->pad : most;
}

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    default_pad(builder->net, layer);
    fv_window f = fv_conv_window(layer);
    fv_shape in = layer->in;
    int k = (int)layer->arg[FILTERS], r = f.r, s = f.s, pad = f.pad;
    if (r % 2 == 0 || s % 2 == 0)
        return fv_builder_fail(builder, layer, "a convolution of %dx%d has no centre: its sides must be odd", r, s);
    if (pad >= r && pad >= s)
        return fv_builder_fail(builder, layer, "pad %d is not below the kernel's size %dx%d", pad, r, s);
    if (in.h + 2 * pad < r || in.w + 2 * pad < s)
        return fv_builder_fail(builder, layer,
                               "a %dx%d kernel does not fit its input of %dx%d: use a smaller one or pad", r, s, in.h,
                               in.w);
    layer->out = (fv_shape){k, (in.h + 2 * pad - r) / f.stride + 1, (in.w + 2 * pad - s) / f.stride + 1};
    size_t fan_in = (size_t)in.c * (size_t)r * (size_t)s;
    layer->multiply_adds = fan_in * fv_shape_size(layer->out);
    float bound = (float)(1 / fv_sqrt((double)fan_in));
    FV_TRY(fv_builder_tensor(builder, layer, "weight", 4, (int[]){k, in.c, r, s}, FV_AS_PYTORCH, true, bound, 0));
    return fv_builder_tensor(builder, layer, "bias", 1, &k, FV_AS_PYTORCH, true, bound, 0);
}

static void print(const fv_layer *layer, char *out, size_t size) {
    fv_window f = fv_conv_window(layer);
    int n = snprintf(out, size, "conv %d %dx%d", (int)layer->arg[FILTERS], f.r, f.s);
    if (f.pad > 0) n += snprintf(out + n, size - (size_t)n, " pad %d", f.pad);
    if (f.stride > 1) snprintf(out + n, size - (size_t)n, " stride %d", f.stride);
}

const fv_layer_type fv_conv_layer = {"conv", params, sizeof params / sizeof *params, shape, print, &fv_conv_op};

/* ---- the operation ---- */

/* Input pixels whose row and column leave the same remainders by the stride: for them the input gradient is a stride-1
 * convolution of dy with those taps that reach them. */
typedef struct phase {
    fv_conv_shape shape;
    int32_t *order;    /* taps' places in the kernel */
    ptrdiff_t y_start; /* floats from dx's first pixel to the phase's */
    size_t packed;     /* floats in a thread's packed weights */
} phase;

typedef struct detail {
    fv_conv_shape forward, weights; /* y strides of the data, of the gradient */
    int32_t *order;                 /* 0, 1, ... for packing forward */
    int32_t *taps, *offsets;        /* [R*S], [C*R*S] */
    size_t packed;                  /* floats in a thread's packed weights */
    int n_phases;
    phase *phases;
} detail;

/* What one dimension of the gradient's border must hold: input pixel h takes dy[(h + pad - tap) / stride]. */
static int border_needed(int live_in, int live_out, int taps, int pad, int stride) {
    int most = 0;
    for (int h = 0; h < live_in; h++)
        for (int tap = 0; tap < taps; tap++) {
            int at = h + pad - tap;
            if (at % stride) continue;
            at /= stride;
            if (-at > most) most = -at;
            if (at - (live_out - 1) > most) most = at - (live_out - 1);
        }
    return most;
}

static void need(fv_plan *plan, fv_op *op) {
    fv_window f = fv_conv_window(fv_op_layer(plan, op));
    fv_value *in = &plan->values[op->in], *out = &plan->values[op->out];
    fv_value_need(in, (out->live_h - 1) * f.stride + f.r - f.pad, (out->live_w - 1) * f.stride + f.s - f.pad, f.pad);
    if (!fv_plan_wants(plan, op->in)) return;
    int rows = border_needed(in->live_h, out->live_h, f.r, f.pad, f.stride);
    int columns = border_needed(in->live_w, out->live_w, f.s, f.pad, f.stride);
    if (rows > out->gradient_border) out->gradient_border = rows;
    if (columns > out->gradient_border) out->gradient_border = columns;
}

/* Fills the phase of input rows a, a + stride, ... and columns b, b + stride, ... */
static void lay_out_phase(fv_plan *plan, const fv_op *op, phase *ph, int32_t *room, int a, int b) {
    const fv_layer *layer = fv_op_layer(plan, op);
    fv_window f = fv_conv_window(layer);
    int stride = f.stride, n = 0;
    fv_block none = {0};
    fv_map dx = fv_plan_gradient(plan, op->in, &none), dy = fv_plan_gradient(plan, op->out, &none);
    int32_t *taps = room, *order = room + f.r * f.s;
    for (int i = 0; i < f.r; i++)
        for (int j = 0; j < f.s; j++) {
            int down = a + f.pad - i, right = b + f.pad - j;
            if (down % stride || right % stride) continue;
            order[n] = i * f.s + j;
            taps[n++] = (int32_t)(down / stride * dy.row + right / stride * FV_LANES);
        }
    ph->shape = (fv_conv_shape){.n_in = layer->out.c,
                                .n_out = layer->in.c,
                                .n_taps = n,
                                .taps = taps,
                                .h = (dx.h - a + stride - 1) / stride,
                                .w = (dx.w - b + stride - 1) / stride,
                                .x_row = dy.row,
                                .x_col = FV_LANES,
                                .x_plane = dy.plane,
                                .y_row = dx.row * stride,
                                .y_col = FV_LANES * stride,
                                .y_plane = dx.plane};
    ph->order = order;
    ph->y_start = a * dx.row + b * FV_LANES;
    ph->packed = fv_plan_pack(plan, plan->k->conv_packed_size(ph->shape.n_out, ph->shape.n_in, n));
}

static fv_status lay_out_gradients(fv_plan *plan, fv_op *op, detail *d, int32_t *room) {
    const fv_layer *layer = fv_op_layer(plan, op);
    fv_window f = fv_conv_window(layer);
    int n_taps = f.r * f.s;
    fv_block none = {0};
    fv_map dy = fv_plan_gradient(plan, op->out, &none);
    d->weights = d->forward;
    d->weights.y_row = dy.row;
    d->weights.y_plane = dy.plane;
    fv_plan_scratch(plan, plan->k->conv_dw_scratch(layer->out.c, layer->in.c * n_taps));
    if (!fv_plan_wants(plan, op->in)) return FV_OK;
    for (int a = 0; a < f.stride; a++)
        for (int b = 0; b < f.stride; b++, room += 2 * n_taps)
            lay_out_phase(plan, op, &d->phases[d->n_phases++], room, a, b);
    return FV_OK;
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    const fv_layer *layer = fv_op_layer(plan, op);
    fv_window f = fv_conv_window(layer);
    int c = layer->in.c, stride = f.stride, n_taps = f.r * f.s;
    size_t n_int = (size_t)(2 * n_taps + c * n_taps + 2 * n_taps * stride * stride);
    size_t n_phases = (size_t)(stride * stride);
    detail *d = calloc(1, sizeof *d + n_phases * sizeof *d->phases + n_int * sizeof(int32_t));
    if (!d) return FV_E_MEMORY;
    op->detail = d;
    d->phases = (phase *)(d + 1);
    d->taps = (int32_t *)(d->phases + n_phases);
    d->order = d->taps + n_taps;
    d->offsets = d->order + n_taps;
    fv_block none = {0};
    fv_map x = fv_plan_data(plan, op->in, &none), y = fv_plan_data(plan, op->out, &none);
    for (int t = 0; t < n_taps; t++) {
        d->taps[t] = (int32_t)((t / f.s - f.pad) * x.row + (t % f.s - f.pad) * FV_LANES);
        d->order[t] = t;
        for (int i = 0; i < c; i++) d->offsets[i * n_taps + t] = (int32_t)(i * x.plane) + d->taps[t];
    }
    d->forward = (fv_conv_shape){.n_in = c,
                                 .n_out = layer->out.c,
                                 .n_taps = n_taps,
                                 .taps = d->taps,
                                 .h = y.h,
                                 .w = y.w,
                                 .x_row = x.row * stride,
                                 .x_col = FV_LANES * stride,
                                 .x_plane = x.plane,
                                 .y_row = y.row,
                                 .y_col = FV_LANES,
                                 .y_plane = y.plane};
    d->packed = fv_plan_pack(plan, plan->k->conv_packed_size(layer->out.c, c, n_taps));
    if (op->norm >= 0) op->shared = fv_plan_share(plan, fv_folded_size(layer));
    return plan->mode == FV_TRAIN ? lay_out_gradients(plan, op, d, d->offsets + c * n_taps) : FV_OK;
}

static void prepare(const fv_plan *plan, const fv_op *op, float *packed) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const detail *d = op->detail;
    const float *w = fv_layer_data(plan->net, layer, 0);
    if (op->norm >= 0) w = fv_fold_norm(plan->net, layer, &plan->net->layers[op->norm], plan->shared + op->shared);
    int c = layer->in.c, k = layer->out.c, n_taps = d->forward.n_taps;
    plan->k->conv_pack(k, c, n_taps, w, c * n_taps, n_taps, d->order, packed + d->packed);
    for (int i = 0; i < d->n_phases; i++) {
        const phase *ph = &d->phases[i];
        plan->k->conv_pack(c, k, ph->shape.n_taps, w, n_taps, c * n_taps, ph->order, packed + ph->packed);
    }
}

static void forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const detail *d = op->detail;
    const float *bias = fv_folded_bias_of(plan, op);
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    plan->k->conv(&d->forward, x.at, block->packed + d->packed, bias, y.at, FV_FROM_BIAS, op->relu);
}

static void backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    const detail *d = op->detail;
    const fv_layer *layer = fv_op_layer(plan, op);
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    fv_map dy = fv_plan_gradient(plan, op->out, block);
    if (op->relu) plan->k->relu_dx(&y, &dy, &dy, 0);
    plan->k->conv_dw(&d->weights, layer->in.c * d->forward.n_taps, d->offsets, x.at, dy.at, block->scratch,
                     fv_slot_at(plan, block, layer, 0), block->add);
    plan->k->channel_sum(&dy, fv_slot_at(plan, block, layer, 1), block->add);
    for (int i = 0; i < d->n_phases; i++) {
        const phase *ph = &d->phases[i];
        fv_map dx = fv_plan_gradient(plan, op->in, block);
        plan->k->conv(&ph->shape, dy.at, block->packed + ph->packed, NULL, dx.at + ph->y_start,
                      op->add_in ? FV_FROM_Y : FV_FROM_ZERO, 0);
    }
}

const fv_op_type fv_conv_op = {need, lay_out, prepare, forward, backward, NULL, NULL};
