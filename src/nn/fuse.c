/* Layers to operations: what runs in one pass over the memory becomes one. */
#include <stdlib.h>

#include "nn/plan.h"

typedef struct fuser {
    fv_plan *plan;
    int *users;  /* of each layer's output */
    int *stands; /* the value that stands for a layer's output: its own, or its input's where the layer does nothing */
} fuser;

/* The layer behind `layer` that alone reads it and has the given type; -1 when there is none. */
static int follower(const fuser *f, int layer, const fv_layer_type *type) {
    const fv_net *net = f->plan->net;
    int next = layer + 1;
    if (next >= net->n_layers || f->users[layer] != 1) return -1;
    return net->layers[next].type == type && net->layers[next].from == layer ? next : -1;
}

static int take(const fuser *f, int *last, const fv_layer_type *type) {
    int next = follower(f, *last, type);
    if (next >= 0) *last = next;
    return next;
}

static bool takes_pool2(const fuser *f, int *last) {
    int next = follower(f, *last, &fv_max_pool_layer);
    if (next < 0 || f->plan->net->layers[next].arg[0] != 2) return false;
    *last = next;
    return true;
}

static fv_op *add_op(fuser *f, int layer) {
    fv_plan *plan = f->plan;
    const fv_layer *l = &plan->net->layers[layer];
    fv_op *op = &plan->ops[plan->n_ops++];
    *op = (fv_op){.type = l->type->op, .layer = layer, .norm = -1, .dropout = -1, .in2 = -1, .out = layer + 1};
    op->in = f->stands[l->from + 1];
    if (l->from2 >= 0 || l->type == &fv_residual_layer) op->in2 = f->stands[l->from2 + 1];
    return op;
}

static void cut_after(fv_plan *plan, int op) {
    if (plan->n_cuts == 0 || plan->cuts[plan->n_cuts - 1] != op) plan->cuts[plan->n_cuts++] = op;
}

/* convolution [+ batch norm, folded, when inferring] [+ relu [+ 2x2 max-pool [+ dropout2d]]] */
static int fuse_conv(fuser *f, int i) {
    fv_op *op = add_op(f, i);
    fv_window window = fv_conv_window(&f->plan->net->layers[i]);
    int last = i;
    if (f->plan->mode == FV_INFER) op->norm = take(f, &last, &fv_norm_layer);
    op->relu = take(f, &last, &fv_relu_layer) >= 0;
    bool three = window.r == 3 && window.s == 3 && window.stride == 1;
    if (op->relu && three && takes_pool2(f, &last)) {
        op->type = &fv_conv_pool_op;
        op->pool = true;
        op->dropout = take(f, &last, &fv_dropout2d_layer);
    }
    if (f->plan->mode == FV_TRAIN && !op->pool && fv_winograd_pays(fv_op_layer(f->plan, op)))
        op->type = &fv_winograd_op;
    op->out = last + 1;
    return last;
}

static int fuse_norm(fuser *f, int i) {
    fv_plan *plan = f->plan;
    if (plan->mode == FV_TRAIN) {
        add_op(f, i)->type = &fv_norm_statistics_op;
        cut_after(plan, plan->n_ops - 1);
    }
    fv_op *op = add_op(f, i);
    int last = i;
    op->relu = take(f, &last, &fv_relu_layer) >= 0;
    op->pool = op->relu && takes_pool2(f, &last);
    if (op->pool) op->dropout = take(f, &last, &fv_dropout2d_layer);
    op->out = last + 1;
    if (plan->mode == FV_TRAIN) { /* the statistics' way back needs the same gradient */
        op[-1].out = op->out;
        op[-1].relu = op->relu;
        op[-1].pool = op->pool;
    }
    return last;
}

static int fuse_dense(fuser *f, int i) {
    fv_op *op = add_op(f, i);
    const fv_layer *layer = &f->plan->net->layers[i];
    int last = i;
    op->relu = take(f, &last, &fv_relu_layer) >= 0;
    op->out = last + 1;
    if (f->plan->mode == FV_TRAIN && (size_t)layer->in.c * (size_t)layer->out.c > FV_LARGE_WEIGHTS) {
        op->large = &fv_large_dense;
        int before = f->plan->n_ops - 2;
        if (before >= 0) cut_after(f->plan, before);
        cut_after(f->plan, before + 1);
    }
    return last;
}

/* Appends the operation that starts with layer i; returns the last layer it covers. */
static int fuse(fuser *f, int i) {
    const fv_layer *layer = &f->plan->net->layers[i];
    const fv_layer_type *type = layer->type;
    if (type == &fv_conv_layer) return fuse_conv(f, i);
    if (type == &fv_norm_layer) return fuse_norm(f, i);
    if (type == &fv_dense_layer) return fuse_dense(f, i);
    if (type->op == &fv_dropout_op && (f->plan->mode == FV_INFER || layer->arg[0] == 0))
        f->stands[i + 1] = f->stands[layer->from + 1];
    else
        add_op(f, i);
    return i;
}

static void fuse_all(fuser *f) {
    const fv_net *net = f->plan->net;
    for (int i = 0; i < net->n_layers; i++) {
        const fv_layer *l = &net->layers[i];
        if (l->from >= 0) f->users[l->from]++;
        if (l->from2 >= 0) f->users[l->from2]++;
    }
    for (int v = 0; v <= net->n_layers; v++) f->stands[v] = v;
    for (int i = 0; i < net->n_layers; i++) i = fuse(f, i);
    f->plan->logits = f->plan->features = f->stands[net->n_layers];
    if (net->last_dense >= 0) f->plan->features = f->stands[net->layers[net->last_dense].from + 1];
}

fv_status fv_plan_fuse(fv_plan *plan) {
    const size_t n = (size_t)plan->net->n_layers + 1;
    fuser f = {plan, calloc(n, sizeof *f.users), calloc(n, sizeof *f.stands)};
    const bool good = f.users && f.stands;
    if (good) fuse_all(&f);
    free(f.users);
    free(f.stands);
    return good ? FV_OK : FV_E_MEMORY;
}
