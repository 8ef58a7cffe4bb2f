/* Batch norm [+ relu [+ 2x2 max-pooling [+ dropout2d]]]. In training two operations with a cut between them:
 * `statistics` measures a block, all blocks meet and merge (Chan, Golub, LeVeque 1983), `apply` normalises. On the way
 * back `apply` sums what the gradient needs, all meet, `statistics` makes dx:
 *   x^ = (x - mean) * inverse,   inverse = 1 / sqrt(var + eps),   y = gamma x^ + beta
 *   dx = gamma inverse (dy - mean(dy) - x^ mean(dy x^)) = a dy + b x + d */
#include <string.h>

#include "base/math.h"
#include "nn/norm.h"
#include "nn/plan.h"

static fv_status shape(fv_builder *builder, fv_layer *layer) {
    int c = layer->in.c;
    layer->out = layer->in;
    FV_TRY(fv_builder_tensor(builder, layer, "weight", 1, &c, FV_AS_PYTORCH, true, 0, 1));
    FV_TRY(fv_builder_tensor(builder, layer, "bias", 1, &c, FV_AS_PYTORCH, true, 0, 0));
    FV_TRY(fv_builder_tensor(builder, layer, "running_mean", 1, &c, FV_AS_PYTORCH, false, 0, 0));
    return fv_builder_tensor(builder, layer, "running_var", 1, &c, FV_AS_PYTORCH, false, 0, 1);
}

const fv_layer_type fv_norm_layer = {"batchnorm", NULL, 0, shape, NULL, &fv_norm_apply_op};

/* ---- inference: folding ---- */

void fv_norm_coefficients(const fv_net *net, const fv_layer *norm, float *scale, float *shift) {
    const float *gamma = fv_layer_data(net, norm, 0), *beta = fv_layer_data(net, norm, 1);
    const float *mean = fv_layer_data(net, norm, 2), *variance = fv_layer_data(net, norm, 3);
    for (int c = 0; c < norm->in.c; c++) {
        double s = gamma[c] / fv_sqrt(variance[c] + FV_NORM_EPS);
        scale[c] = (float)s;
        shift[c] = (float)(beta[c] - mean[c] * s);
    }
}

/* Weights of a filter. */
static size_t per_filter(const fv_layer *conv) {
    fv_window f = fv_conv_window(conv);
    return (size_t)conv->in.c * (size_t)f.r * (size_t)f.s;
}

size_t fv_folded_bias(const fv_layer *conv) {
    return ((size_t)conv->out.c * per_filter(conv) + 15) / 16 * 16;
}

size_t fv_folded_size(const fv_layer *conv) {
    return fv_folded_bias(conv) + 2 * (size_t)fv_round_up(conv->out.c, 16);
}

const float *fv_fold_norm(const fv_net *net, const fv_layer *conv, const fv_layer *norm, float *folded) {
    const float *w = fv_layer_data(net, conv, 0), *bias = fv_layer_data(net, conv, 1);
    float *shift = folded + fv_folded_bias(conv), *scale = shift + fv_round_up(conv->out.c, 16);
    size_t n = per_filter(conv);
    fv_norm_coefficients(net, norm, scale, shift);
    for (int k = 0; k < conv->out.c; k++) {
        for (size_t i = 0; i < n; i++) folded[(size_t)k * n + i] = w[(size_t)k * n + i] * scale[k];
        shift[k] = bias[k] * scale[k] + shift[k];
    }
    return folded;
}

const float *fv_folded_weights_of(const fv_plan *plan, const fv_op *op) {
    return op->norm >= 0 ? plan->shared + op->shared : fv_layer_data(plan->net, fv_op_layer(plan, op), 0);
}

const float *fv_folded_bias_of(const fv_plan *plan, const fv_op *op) {
    const fv_layer *conv = fv_op_layer(plan, op);
    return op->norm >= 0 ? plan->shared + op->shared + fv_folded_bias(conv) : fv_layer_data(plan->net, conv, 1);
}

/* ---- the operations ---- */

/* Rows of C floats (rounded up to 16) in plan->shared: four per block, then the batch's. */
enum { BLOCK_MEAN, BLOCK_M2, BLOCK_DY, BLOCK_DYX, N_BLOCK_ROWS };
enum { MEAN, INVERSE, SCALE, SHIFT, A, B, D, N_BATCH_ROWS };

static float *batch_row(const fv_plan *plan, const fv_op *op, int row) {
    return plan->shared + op->shared + (size_t)row * (size_t)fv_round_up(fv_op_layer(plan, op)->in.c, 16);
}

static float *block_row(const fv_plan *plan, const fv_op *op, int block, int row) {
    return batch_row(plan, op, N_BATCH_ROWS + block * N_BLOCK_ROWS + row);
}

static void need(fv_plan *plan, fv_op *op) { /* every pixel counts */
    fv_value *in = &plan->values[op->in], *out = &plan->values[op->out];
    fv_value_need(in, in->shape.h, in->shape.w, 0);
    fv_value_need(out, out->shape.h, out->shape.w, 0);
}

static fv_status lay_out(fv_plan *plan, fv_op *op) {
    const fv_value *out = &plan->values[op->out];
    size_t row = (size_t)fv_round_up(fv_op_layer(plan, op)->in.c, 16);
    bool trains = plan->mode == FV_TRAIN;
    op->shared = fv_plan_share(plan, row * (size_t)(N_BATCH_ROWS + (trains ? N_BLOCK_ROWS * plan->n_blocks : 0)));
    if (!trains) return FV_OK;
    if (op->pool) op->kept = fv_plan_keep(plan, fv_shape_size(out->shape) * FV_WINNER_BYTES / sizeof(float));
    fv_dropout2d_lay_out(plan, op);
    op[-1].shared = op->shared;
    op[-1].kept = op->kept;
    if (op[-1].add_in) { /* dx is made aside, then added */
        fv_block none = {0};
        fv_map dx = fv_plan_gradient(plan, op->in, &none);
        op[-1].kept2 = fv_plan_keep(plan, (size_t)(dx.plane * dx.c));
    }
    return FV_OK;
}

static void prepare(const fv_plan *plan, const fv_op *op, float *packed) {
    (void)packed;
    if (plan->mode == FV_INFER)
        fv_norm_coefficients(plan->net, fv_op_layer(plan, op), batch_row(plan, op, SCALE), batch_row(plan, op, SHIFT));
}

static void statistics_forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map x = fv_plan_data(plan, op->in, block);
    plan->k->norm_statistics(&x, block->n_lanes, block_row(plan, op, block->index, BLOCK_MEAN),
                             block_row(plan, op, block->index, BLOCK_M2));
}

static void apply_forward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map x = fv_plan_data(plan, op->in, block), y = fv_plan_data(plan, op->out, block);
    const float *scale = batch_row(plan, op, SCALE), *shift = batch_row(plan, op, SHIFT);
    uint8_t *winners = plan->mode == FV_TRAIN ? (uint8_t *)(block->memory + op->kept) : NULL;
    if (op->pool)
        plan->k->norm_apply_pool(&x, scale, shift, fv_dropout2d_draw(plan, op, block), fv_dropout2d_scale(plan, op), &y,
                                 winners);
    else
        plan->k->norm_apply(&x, scale, shift, &y, op->relu);
}

/* Zeroes what relu and pooling stopped. */
static void gate(const fv_plan *plan, const fv_op *op, const fv_block *block, const fv_map *dy) {
    if (op->pool) {
        fv_conv_pool_shape s = {.n_out = dy->c, .ph = dy->h, .pw = dy->w, .y_row = dy->row, .y_plane = dy->plane};
        plan->k->conv_pool_ready(&s, dy->at, (const uint8_t *)(block->memory + op->kept), fv_dropout2d_scale(plan, op));
    } else if (op->relu) {
        fv_map y = fv_plan_data(plan, op->out, block);
        plan->k->relu_dx(&y, dy, dy, 0);
    }
}

static void store(float *slot, const float *sums, int n, int add) {
    for (int c = 0; c < n; c++) slot[c] = add ? slot[c] + sums[c] : sums[c];
}

static void apply_backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    fv_map x = fv_plan_data(plan, op->in, block), dy = fv_plan_gradient(plan, op->out, block);
    const float *mean = batch_row(plan, op, MEAN), *inverse = batch_row(plan, op, INVERSE);
    float *sum_dy = block_row(plan, op, block->index, BLOCK_DY),
          *sum_dyx = block_row(plan, op, block->index, BLOCK_DYX);
    const fv_layer *layer = fv_op_layer(plan, op);
    gate(plan, op, block, &dy);
    if (op->pool)
        plan->k->norm_sums_pool(&x, &dy, (const uint8_t *)(block->memory + op->kept), mean, inverse, sum_dy, sum_dyx);
    else
        plan->k->norm_sums(&x, &dy, mean, inverse, sum_dy, sum_dyx);
    store(fv_slot_at(plan, block, layer, 0), sum_dyx, layer->in.c, block->add);
    store(fv_slot_at(plan, block, layer, 1), sum_dy, layer->in.c, block->add);
}

static void statistics_backward(const fv_plan *plan, const fv_op *op, const fv_block *block) {
    if (!fv_plan_wants(plan, op->in)) return;
    fv_map x = fv_plan_data(plan, op->in, block), dy = fv_plan_gradient(plan, op->out, block);
    fv_map sum = fv_plan_gradient(plan, op->in, block), dx = sum;
    const float *a = batch_row(plan, op, A), *b = batch_row(plan, op, B), *d = batch_row(plan, op, D);
    if (op->add_in) dx.at = block->memory + op->kept2 + (sum.at - block->memory) - plan->values[op->in].gradient;
    if (op->pool)
        plan->k->norm_dx_pool(&x, &dy, (const uint8_t *)(block->memory + op->kept), a, b, d, block->n_lanes, &dx);
    else
        plan->k->norm_dx(&x, &dy, a, b, d, block->n_lanes, &dx);
    if (op->add_in) plan->k->copy(&dx, &sum, 1);
}

/* ---- meeting ---- */

typedef struct moments {
    double n, mean, m2;
} moments;

/* Chan's formula; an empty side changes nothing. */
static moments merge(moments a, moments b) {
    if (a.n == 0) return b;
    if (b.n == 0) return a;
    double n = a.n + b.n, delta = b.mean - a.mean;
    return (moments){n, a.mean + delta * (b.n / n), a.m2 + b.m2 + delta * delta * (a.n * b.n / n)};
}

/* Blocks in order within a slot, slots as a perfect binary tree. */
static moments merge_blocks(const fv_plan *plan, const fv_op *op, int c, size_t n, int n_blocks, double pixels) {
    moments slot[FV_MAX_SLOTS] = {{0, 0, 0}};
    for (int s = 0; s < plan->n_slots; s++) {
        int begin, end;
        fv_plan_slot(plan, s, &begin, &end);
        for (int i = begin; i < end && i < n_blocks; i++) {
            size_t left = n - (size_t)i * FV_LANES, lanes = left < FV_LANES ? left : FV_LANES;
            slot[s] = merge(slot[s], (moments){(double)lanes * pixels, block_row(plan, op, i, BLOCK_MEAN)[c],
                                               block_row(plan, op, i, BLOCK_M2)[c]});
        }
    }
    for (int half = plan->n_slots / 2; half; half /= 2)
        for (int s = 0; s < half; s++) slot[s] = merge(slot[2 * s], slot[2 * s + 1]);
    return slot[0];
}

static double sum_blocks(const fv_plan *plan, const fv_op *op, int c, int row, int n_blocks) {
    double slot[FV_MAX_SLOTS] = {0};
    for (int s = 0; s < plan->n_slots; s++) {
        int begin, end;
        fv_plan_slot(plan, s, &begin, &end);
        for (int i = begin; i < end && i < n_blocks; i++) slot[s] += block_row(plan, op, i, row)[c];
    }
    for (int half = plan->n_slots / 2; half; half /= 2)
        for (int s = 0; s < half; s++) slot[s] = slot[2 * s] + slot[2 * s + 1];
    return slot[0];
}

static double pixels_of(const fv_layer *layer) {
    return (double)layer->in.h * layer->in.w;
}

static void meet_forward(const fv_plan *plan, const fv_op *op, size_t n, int n_blocks) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const float *gamma = fv_layer_data(plan->net, layer, 0), *beta = fv_layer_data(plan->net, layer, 1);
    float *running_mean = fv_layer_data(plan->net, layer, 2), *running_var = fv_layer_data(plan->net, layer, 3);
    for (int c = 0; c < layer->in.c; c++) {
        moments all = merge_blocks(plan, op, c, n, n_blocks, pixels_of(layer));
        double inverse = 1 / fv_sqrt(all.m2 / all.n + FV_NORM_EPS), scale = gamma[c] * inverse;
        batch_row(plan, op, MEAN)[c] = (float)all.mean;
        batch_row(plan, op, INVERSE)[c] = (float)inverse;
        batch_row(plan, op, SCALE)[c] = (float)scale;
        batch_row(plan, op, SHIFT)[c] = (float)(beta[c] - all.mean * scale);
        double unbiased = all.m2 / (all.n > 1 ? all.n - 1 : 1), m = FV_NORM_MOMENTUM;
        running_mean[c] = (float)((1 - m) * running_mean[c] + m * all.mean);
        running_var[c] = (float)((1 - m) * running_var[c] + m * unbiased);
    }
}

static void meet_backward(const fv_plan *plan, const fv_op *op, size_t n, int n_blocks) {
    const fv_layer *layer = fv_op_layer(plan, op);
    const float *gamma = fv_layer_data(plan->net, layer, 0);
    double total = (double)n * pixels_of(layer);
    for (int c = 0; c < layer->in.c; c++) {
        double mean_dy = sum_blocks(plan, op, c, BLOCK_DY, n_blocks) / total;
        double mean_dyx = sum_blocks(plan, op, c, BLOCK_DYX, n_blocks) / total;
        double inverse = batch_row(plan, op, INVERSE)[c], mean = batch_row(plan, op, MEAN)[c], a = gamma[c] * inverse;
        double b = -a * inverse * mean_dyx;
        batch_row(plan, op, A)[c] = (float)a;
        batch_row(plan, op, B)[c] = (float)b;
        batch_row(plan, op, D)[c] = (float)(-a * mean_dy - b * mean);
    }
}

const fv_op_type fv_norm_statistics_op = {need,         NULL,         NULL, statistics_forward, statistics_backward,
                                          meet_forward, meet_backward};
const fv_op_type fv_norm_apply_op = {need, lay_out, prepare, apply_forward, apply_backward, NULL, NULL};
