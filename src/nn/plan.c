#include "nn/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- values ---- */

void fv_value_need(fv_value *value, int h, int w, int border) {
    if (h > value->shape.h) h = value->shape.h;
    if (w > value->shape.w) w = value->shape.w;
    if (h > value->live_h) value->live_h = h;
    if (w > value->live_w) value->live_w = w;
    if (border > value->border) value->border = border;
}

void fv_value_match(fv_value *a, fv_value *b) {
    fv_value_need(a, b->live_h, b->live_w, 0);
    fv_value_need(b, a->live_h, a->live_w, 0);
}

static fv_map map_of(const fv_value *v, float *memory, size_t offset, int border) {
    ptrdiff_t row = (ptrdiff_t)(v->live_w + 2 * border) * FV_LANES, plane = row * (v->live_h + 2 * border);
    float *at = memory ? memory + offset + border * row + (ptrdiff_t)border * FV_LANES : NULL; /* NULL: for strides */
    return (fv_map){at, v->shape.c, v->live_h, v->live_w, row, plane};
}

fv_map fv_plan_data(const fv_plan *plan, int value, const fv_block *block) {
    const fv_value *v = &plan->values[value];
    return map_of(v, block->memory, v->data, v->border);
}

fv_map fv_plan_gradient(const fv_plan *plan, int value, const fv_block *block) {
    const fv_value *v = &plan->values[value];
    return map_of(v, block->memory, v->gradient, v->gradient_border);
}

static size_t floats_of(const fv_value *v, int border) {
    return (size_t)v->shape.c * (size_t)(v->live_h + 2 * border) * (size_t)(v->live_w + 2 * border) * FV_LANES;
}

size_t fv_plan_keep(fv_plan *plan, size_t n) {
    size_t at = plan->memory_size;
    plan->memory_size += (n + 15) / 16 * 16;
    return at;
}

size_t fv_plan_share(fv_plan *plan, size_t n) {
    size_t at = plan->shared_size;
    plan->shared_size += (n + 15) / 16 * 16;
    return at;
}

size_t fv_plan_pack(fv_plan *plan, size_t n) {
    size_t at = plan->packed_size;
    plan->packed_size += (n + 15) / 16 * 16;
    return at;
}

void fv_plan_scratch(fv_plan *plan, size_t n) {
    if (n > plan->scratch_size) plan->scratch_size = n;
}

static bool is_first_of_norm(const fv_op *op) {
    return op->type == &fv_norm_statistics_op;
}

static void find_gradients(fv_plan *plan) {
    if (plan->mode == FV_INFER) return;
    for (int i = 0; i < plan->n_ops; i++) {
        const fv_op *op = &plan->ops[i];
        bool has_weights = plan->net->layers[op->layer].n_tensors > 0;
        plan->values[op->out].has_gradient |=
            has_weights || fv_plan_wants(plan, op->in) || fv_plan_wants(plan, op->in2);
    }
    for (int i = plan->n_ops - 1; i >= 0; i--) { /* in the order of the way back */
        fv_op *op = &plan->ops[i];
        if (op->type == &fv_norm_apply_op) continue;
        fv_value *in = &plan->values[op->in];
        op->add_in = in->gradient_started;
        in->gradient_started = true;
        if (op->in2 >= 0) {
            op->add_in2 = plan->values[op->in2].gradient_started;
            plan->values[op->in2].gradient_started = true;
        }
    }
}

static void count_users(fv_plan *plan) {
    for (int i = 0; i < plan->n_ops; i++) {
        const fv_op *op = &plan->ops[i];
        if (is_first_of_norm(op)) continue;
        plan->values[op->in].n_users++;
        if (op->in2 >= 0) plan->values[op->in2].n_users++;
    }
}

/* A dense layer can apply the relu of the operation before it while it makes that one's gradient. */
static void find_gates(fv_plan *plan) {
    for (int i = 1; i < plan->n_ops; i++) {
        fv_op *before = &plan->ops[i - 1];
        bool alone = plan->values[plan->ops[i].in].n_users == 1 && before->out == plan->ops[i].in;
        if (plan->ops[i].type == &fv_dense_op && before->type == &fv_dense_op && before->relu && alone)
            before->gated = true;
    }
}

static void find_needs(fv_plan *plan) {
    const int whole[] = {0, plan->logits,
                         plan->features}; /* feeding writes whole images; the others are read outside */
    for (int i = 0; i < 3; i++) {
        fv_value *v = &plan->values[whole[i]];
        fv_value_need(v, v->shape.h, v->shape.w, 0);
    }
    long before = -1, now = 0;
    while (now != before) { /* until no live part grows any more */
        before = now;
        now = 0;
        for (int i = plan->n_ops - 1; i >= 0; i--) plan->ops[i].type->need(plan, &plan->ops[i]);
        for (int v = 0; v <= plan->net->n_layers; v++) now += plan->values[v].live_h + plan->values[v].live_w;
    }
}

/* Batch norm needs its input last where it makes that input's gradient, pixel by pixel: where nobody else needs either,
 * one place holds both, which is a third less to move through the cache. */
static void find_overlays(fv_plan *plan) {
    for (int i = 1; i < plan->n_ops; i++) {
        const fv_op *before = &plan->ops[i - 1], *op = &plan->ops[i];
        fv_value *v = &plan->values[op->in];
        bool convolves = before->type == &fv_conv_op || before->type == &fv_winograd_op;
        if (!is_first_of_norm(op) || !convolves || before->relu) continue;
        if (before->out != op->in || v->n_users > 1 || op->add_in) continue;
        v->overlaid = true;
        if (v->gradient_border > v->border) v->border = v->gradient_border;
        v->gradient_border = v->border;
    }
}

static void place_value(fv_plan *plan, int value) {
    fv_value *v = &plan->values[value];
    v->data = fv_plan_keep(plan, floats_of(v, v->border));
    if (v->has_gradient) v->gradient = v->overlaid ? v->data : fv_plan_keep(plan, floats_of(v, v->gradient_border));
}

/* Kernels keep offsets inside a value in 32 bits. */
static bool is_too_large(const fv_value *v) {
    return floats_of(v, v->border > v->gradient_border ? v->border : v->gradient_border) > INT32_MAX;
}

static fv_status lay_out(fv_plan *plan) {
    for (int v = 0; v <= plan->net->n_layers; v++)
        if (is_too_large(&plan->values[v])) return FV_E_SHAPE;
    place_value(plan, 0);
    for (int i = 0; i < plan->n_ops; i++) {
        fv_op *op = &plan->ops[i];
        if (!is_first_of_norm(op)) place_value(plan, op->out);
        if (is_first_of_norm(op)) continue; /* shares what its second half lays out */
        if (op->type->lay_out) FV_TRY(op->type->lay_out(plan, op));
    }
    plan->shared = fv_alloc(plan->shared_size + 16, sizeof *plan->shared);
    return plan->shared ? FV_OK : FV_E_MEMORY;
}

/* ---- gradients ---- */

static const fv_op *large_op_of(const fv_plan *plan, int tensor) {
    for (int i = 0; i < plan->n_ops; i++)
        if (plan->ops[i].large && fv_op_layer(plan, &plan->ops[i])->first_tensor == tensor) return &plan->ops[i];
    return NULL;
}

static size_t weights_up_to(const fv_net *net, int tensor) {
    for (; tensor < net->n_tensors; tensor++)
        if (net->tensors[tensor].info.trained) return net->tensors[tensor].offset;
    return net->n_weights;
}

static void find_pieces(fv_plan *plan) {
    const fv_net *net = plan->net;
    for (int t = 0; t < net->n_tensors; t++) {
        if (!net->tensors[t].info.trained) continue;
        size_t begin = net->tensors[t].offset, n = weights_up_to(net, t + 1) - begin;
        const fv_op *op = large_op_of(plan, t);
        fv_piece *next = plan->pieces + plan->n_pieces;
        plan->slot_at[t] = plan->slot_size;
        if (op)
            plan->pieces[plan->n_pieces++] = (fv_piece){begin, n, 0, op, n / (size_t)fv_op_layer(plan, op)->in.c};
        else if (plan->n_pieces && !next[-1].op)
            next[-1].n += n;
        else
            plan->pieces[plan->n_pieces++] = (fv_piece){begin, n, plan->slot_size, NULL, 0};
        if (!op) plan->slot_size += n;
    }
}

/* ---- creation ---- */

fv_status fv_plan_create(fv_net *net, fv_mode mode, int n_blocks, fv_plan **out) {
    size_t n = (size_t)net->n_layers + 1;
    fv_plan *plan = calloc(1, sizeof *plan);
    fv_status status = FV_E_MEMORY;
    if (!plan) return FV_E_MEMORY;
    plan->net = net;
    plan->k = fv_kernels_chosen();
    plan->mode = mode;
    plan->n_blocks = n_blocks;
    plan->n_slots = 1;
    while (plan->n_slots < n_blocks && plan->n_slots < FV_MAX_SLOTS) plan->n_slots *= 2;
    plan->ops = calloc(2 * n, sizeof *plan->ops);
    plan->cuts = calloc(2 * n, sizeof *plan->cuts);
    plan->pieces = calloc((size_t)net->n_tensors + 1, sizeof *plan->pieces);
    plan->slot_at = calloc((size_t)net->n_tensors + 1, sizeof *plan->slot_at);
    plan->values = calloc(n, sizeof *plan->values);
    if (!plan->ops || !plan->cuts || !plan->pieces || !plan->slot_at || !plan->values) goto end;
    plan->values[0].shape = net->input;
    for (size_t v = 1; v < n; v++) plan->values[v].shape = net->layers[v - 1].out;
    if (fv_plan_fuse(plan) != FV_OK) goto end;
    count_users(plan);
    find_gradients(plan);
    find_gates(plan);
    find_needs(plan);
    find_overlays(plan);
    find_pieces(plan);
    status = lay_out(plan);
end:
    if (status == FV_OK)
        *out = plan;
    else
        fv_plan_destroy(plan);
    return status;
}

void fv_plan_destroy(fv_plan *plan) {
    if (!plan) return;
    for (int i = 0; i < plan->n_ops; i++) free(plan->ops[i].detail);
    free(plan->ops);
    free(plan->cuts);
    free(plan->pieces);
    free(plan->slot_at);
    free(plan->values);
    free(plan->shared);
    free(plan);
}

/* ---- running ---- */

void fv_plan_prepare(const fv_plan *plan, float *packed) {
    for (int i = 0; i < plan->n_ops; i++)
        if (plan->ops[i].type->prepare && !plan->ops[i].large) plan->ops[i].type->prepare(plan, &plan->ops[i], packed);
}

static int segment_begin(const fv_plan *plan, int segment) {
    return segment ? plan->cuts[segment - 1] + 1 : 0;
}
static int segment_end(const fv_plan *plan, int segment) {
    return segment < plan->n_cuts ? plan->cuts[segment] + 1 : plan->n_ops;
}

bool fv_plan_is_large(const fv_plan *plan, int segment) {
    int begin = segment_begin(plan, segment);
    return begin < plan->n_ops && plan->ops[begin].large;
}

void fv_plan_forward(const fv_plan *plan, int segment, const fv_block *blocks, int n) {
    for (int i = segment_begin(plan, segment); i < segment_end(plan, segment); i++) {
        const fv_op *op = &plan->ops[i];
        if (op->large)
            op->large->forward(plan, op, blocks, n);
        else
            op->type->forward(plan, op, blocks);
        fv_profile_lap(blocks->profile, fv_part_of(i, false));
    }
}

void fv_plan_backward(const fv_plan *plan, int segment, const fv_block *blocks, int n) {
    for (int i = segment_end(plan, segment) - 1; i >= segment_begin(plan, segment); i--) {
        const fv_op *op = &plan->ops[i];
        if (op->large)
            op->large->backward(plan, op, blocks, n);
        else
            op->type->backward(plan, op, blocks);
        fv_profile_lap(blocks->profile, fv_part_of(i, true));
    }
}

bool fv_plan_meets(const fv_plan *plan, int cut) {
    return plan->ops[plan->cuts[cut]].type->meet_forward;
}

void fv_plan_meet_forward(const fv_plan *plan, int cut, size_t n, int n_blocks) {
    const fv_op *op = &plan->ops[plan->cuts[cut]];
    op->type->meet_forward(plan, op, n, n_blocks);
}

void fv_plan_meet_backward(const fv_plan *plan, int cut, size_t n, int n_blocks) {
    const fv_op *op = &plan->ops[plan->cuts[cut]];
    op->type->meet_backward(plan, op, n, n_blocks);
}

void fv_plan_slot(const fv_plan *plan, int slot, int *begin, int *end) {
    *begin = slot * plan->n_blocks / plan->n_slots;
    *end = (slot + 1) * plan->n_blocks / plan->n_slots;
}
