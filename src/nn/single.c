#include "nn/single.h"

#include <stdlib.h>

#include "base/memory.h"
#include "nn/norm.h"

enum { BEHIND = 64 }; /* floats behind the last plane that kernels may touch */

/* A value [c][h][w] as planes [h + 2 border][row]; pixel (0, 0) of channel 0 is at `at`. Borders stay zero. A flat
 * value is c floats. */
typedef struct planes {
    float *at;
    ptrdiff_t row, plane;
} planes;

struct fv_single {
    const fv_plan *plan;
    planes *values; /* [n_layers + 1] */
    float *memory, *sums;
    int32_t *taps; /* [n_ops][most taps of a convolution] */
    int most_taps;
};

static bool is_conv(const fv_op *op) {
    return op->type == &fv_conv_op || op->type == &fv_conv_pool_op;
}

/* Its output is floats one behind the other. */
static bool is_flat(const fv_op *op) {
    return op->type == &fv_flatten_op || op->type == &fv_dense_op;
}

static bool knows_op(const fv_plan *plan, const fv_op *op) {
    return is_conv(op) ? fv_conv_window(fv_op_layer(plan, op)).stride == 1 : is_flat(op);
}

/* The logits must be flat; so are the features then. */
static bool knows(const fv_plan *plan) {
    bool all = plan->n_ops > 0 && is_flat(&plan->ops[plan->n_ops - 1]);
    for (int i = 0; all && i < plan->n_ops; i++) all = knows_op(plan, &plan->ops[i]);
    return all;
}

/* Places a value behind *size floats; at is an offset until the memory is there. */
static void place(planes *p, const fv_value *v, size_t *size, float *memory) {
    ptrdiff_t row = fv_round_up(v->live_w, FV_LANES) + 2 * v->border;
    *p = (planes){memory ? memory + *size + v->border * row + v->border : NULL, row, row * (v->live_h + 2 * v->border)};
    *size += ((size_t)p->plane * (size_t)v->shape.c + BEHIND + 15) / 16 * 16;
}

/* The sums of one channel before pooling: rows [2 ph][row]. */
static ptrdiff_t sums_row(const fv_value *pooled) {
    return fv_round_up(2 * pooled->live_w, FV_LANES);
}

static size_t sums_size(const fv_value *pooled) {
    return (size_t)sums_row(pooled) * 2 * (size_t)pooled->live_h * (size_t)pooled->shape.c + BEHIND;
}

static void lay_out(fv_single *s, float *memory, size_t *size) {
    const fv_plan *plan = s->plan;
    size_t sums = 0;
    *size = 0;
    place(&s->values[0], &plan->values[0], size, memory);
    for (int i = 0; i < plan->n_ops; i++) {
        const fv_op *op = &plan->ops[i];
        const fv_value *v = &plan->values[op->out];
        if (is_flat(op)) {
            s->values[op->out] = (planes){memory ? memory + *size : NULL, 1, 1};
            *size += (size_t)fv_round_up(v->shape.c, FV_LANES) + BEHIND;
        } else {
            place(&s->values[op->out], v, size, memory);
        }
        if (op->pool && sums_size(v) > sums) sums = sums_size(v);
    }
    s->sums = memory ? memory + *size : NULL;
    *size += sums;
}

static int taps_of(const fv_layer *layer) {
    fv_window f = fv_conv_window(layer);
    return f.r * f.s;
}

static void place_taps(const fv_single *s) {
    for (int i = 0; i < s->plan->n_ops; i++) {
        const fv_op *op = &s->plan->ops[i];
        const fv_layer *layer = fv_op_layer(s->plan, op);
        if (!is_conv(op)) continue;
        fv_window f = fv_conv_window(layer);
        for (int t = 0; t < taps_of(layer); t++)
            s->taps[i * s->most_taps + t] = (int32_t)((t / f.s - f.pad) * s->values[op->in].row + t % f.s - f.pad);
    }
}

fv_single *fv_single_create(const fv_plan *plan) {
    int most_taps = 1;
    if (!knows(plan)) return NULL;
    for (int i = 0; i < plan->n_ops; i++) {
        if (is_conv(&plan->ops[i]) && taps_of(fv_op_layer(plan, &plan->ops[i])) > most_taps)
            most_taps = taps_of(fv_op_layer(plan, &plan->ops[i]));
    }
    fv_single *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (fv_single){.plan = plan, .most_taps = most_taps};
    s->values = calloc((size_t)plan->net->n_layers + 1, sizeof *s->values);
    s->taps = calloc((size_t)plan->n_ops * (size_t)most_taps, sizeof *s->taps);
    size_t size;
    if (s->values && s->taps) {
        lay_out(s, NULL, &size);
        s->memory = fv_alloc(size, sizeof *s->memory);
    }
    if (!s->memory) {
        fv_single_destroy(s);
        return NULL;
    }
    lay_out(s, s->memory, &size);
    place_taps(s);
    return s;
}

void fv_single_destroy(fv_single *s) {
    if (!s) return;
    free(s->values);
    free(s->taps);
    free(s->memory);
    free(s);
}

static void run_conv(const fv_single *s, const fv_op *op) {
    const fv_plan *plan = s->plan;
    const fv_layer *layer = fv_op_layer(plan, op);
    const fv_value *out = &plan->values[op->out];
    const planes *x = &s->values[op->in], *y = &s->values[op->out];
    fv_single_conv c = {layer->in.c,
                        layer->out.c,
                        taps_of(layer),
                        out->live_h,
                        out->live_w,
                        op->relu,
                        s->taps + (op - plan->ops) * s->most_taps,
                        x->row,
                        x->plane,
                        y->row,
                        y->plane};
    const float *w = fv_folded_weights_of(plan, op), *bias = fv_folded_bias_of(plan, op);
    if (!op->pool) {
        plan->k->single_conv(&c, x->at, w, bias, y->at);
        return;
    }
    c.h = 2 * out->live_h;
    c.w = 2 * out->live_w;
    c.y_row = sums_row(out);
    c.y_plane = c.y_row * c.h;
    plan->k->single_conv(&c, x->at, w, bias, s->sums);
    for (int k = 0; k < c.n_out; k++)
        plan->k->single_pool(out->live_h, out->live_w, s->sums + k * c.y_plane, c.y_row, y->at + k * y->plane, y->row);
}

static void run_flatten(const fv_single *s, const fv_op *op) {
    const fv_shape shape = s->plan->values[op->in].shape;
    const planes *x = &s->values[op->in];
    float *to = s->values[op->out].at;
    for (int c = 0; c < shape.c; c++)
        for (int h = 0; h < shape.h; h++)
            for (int w = 0; w < shape.w; w++) *to++ = x->at[c * x->plane + h * x->row + w];
}

static void run_op(const fv_single *s, const fv_op *op) {
    const fv_plan *plan = s->plan;
    const fv_layer *layer = fv_op_layer(plan, op);
    if (is_conv(op))
        run_conv(s, op);
    else if (op->type == &fv_flatten_op)
        run_flatten(s, op);
    else
        plan->k->single_dense(layer->in.c, layer->out.c, s->values[op->in].at, fv_layer_data(plan->net, layer, 0),
                              fv_layer_data(plan->net, layer, 1), s->values[op->out].at, op->relu);
}

void fv_single_run(const fv_single *s, const uint8_t *pixels, const float *scale, const float *shift,
                   const float **logits, const float **features) {
    const fv_plan *plan = s->plan;
    const fv_shape in = plan->net->input;
    const planes *x = &s->values[0];
    for (int c = 0; c < in.c; c++)
        for (int h = 0; h < in.h; h++, pixels += in.w)
            plan->k->single_feed(pixels, in.w, scale[c], shift[c], x->at + c * x->plane + h * x->row);
    for (int i = 0; i < plan->n_ops; i++) run_op(s, &plan->ops[i]);
    *logits = s->values[plan->logits].at;
    *features = s->values[plan->features].at;
}
