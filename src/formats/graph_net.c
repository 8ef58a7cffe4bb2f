/* From a net's layers to steps. */
#include <math.h>
#include <stdlib.h>

#include "formats/graph.h"
#include "nn/net.h"
#include "nn/norm.h"

typedef struct building {
    const fv_net *net;
    fv_graph *graph;
    int value[FV_MAX_LAYERS + 1]; /* that layer i - 1 makes; 0: the input */
} building;

/* A tensor of a layer in PyTorch's order, as doubles. */
static fv_status tensor(const building *b, const fv_layer *layer, int which, double *to) {
    int index = layer->first_tensor + which;
    size_t n = b->net->tensors[index].info.n;
    float *values = malloc(n * sizeof *values);
    if (!values) return FV_E_MEMORY;
    fv_net_tensor_get(b->net, index, values);
    for (size_t i = 0; i < n; i++) to[i] = (double)values[i];
    free(values);
    return FV_OK;
}

static fv_status add_normalisation(building *b) {
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_shape input = fv_net_input(b->net);
    fv_step *s = fv_graph_add(b->graph, FV_STEP_SCALE, 0, input, (size_t)input.c, (size_t)input.c);
    if (!s) return FV_E_MEMORY;
    fv_net_normalisation(b->net, mean, std);
    for (int c = 0; c < input.c; c++) {
        s->weight[c] = 1 / (255 * (double)std[c]);
        s->bias[c] = -(double)mean[c] / (double)std[c];
    }
    return FV_OK;
}

static fv_status add_weighted(building *b, const fv_layer *layer, fv_step_kind kind, int in) {
    size_t n = b->net->tensors[layer->first_tensor].info.n;
    fv_step *s = fv_graph_add(b->graph, kind, in, layer->out, n, (size_t)layer->out.c);
    if (!s) return FV_E_MEMORY;
    if (kind == FV_STEP_CONV) {
        fv_window f = fv_conv_window(layer);
        s->rows = f.r;
        s->columns = f.s;
        s->pad = f.pad;
        s->stride = f.stride;
    }
    FV_TRY(tensor(b, layer, 0, s->weight));
    return tensor(b, layer, 1, s->bias);
}

static fv_status add_norm(building *b, const fv_layer *layer, int in) {
    size_t n = (size_t)layer->in.c;
    double *mean = malloc(2 * n * sizeof *mean);
    fv_step *s = fv_graph_add(b->graph, FV_STEP_SCALE, in, layer->out, n, n);
    fv_status status = mean && s ? tensor(b, layer, 0, s->weight) : FV_E_MEMORY;
    if (status == FV_OK) status = tensor(b, layer, 1, s->bias);
    if (status == FV_OK) status = tensor(b, layer, 2, mean);
    if (status == FV_OK) status = tensor(b, layer, 3, mean + n); /* the variances */
    for (size_t c = 0; status == FV_OK && c < n; c++) {
        s->weight[c] /= sqrt(mean[n + c] + FV_NORM_EPS);
        s->bias[c] -= mean[c] * s->weight[c];
    }
    free(mean);
    return status;
}

static fv_status add_pool(building *b, const fv_layer *layer, fv_step_kind kind, int in) {
    fv_step *s = fv_graph_add(b->graph, kind, in, layer->out, 0, 0);
    if (!s) return FV_E_MEMORY;
    bool global = layer->type == &fv_global_pool_layer;
    s->rows = global ? layer->in.h : (int)layer->arg[0];
    s->columns = global ? layer->in.w : (int)layer->arg[0];
    s->stride = s->rows;
    return FV_OK;
}

static fv_status add_plain(building *b, const fv_layer *layer, fv_step_kind kind, int in, int in2) {
    fv_step *s = fv_graph_add(b->graph, kind, in, layer->out, 0, 0);
    if (!s) return FV_E_MEMORY;
    s->in2 = in2;
    return FV_OK;
}

static fv_status add_layer(building *b, const fv_layer *layer, int in) {
    const fv_layer_type *type = layer->type;
    if (type == &fv_conv_layer) return add_weighted(b, layer, FV_STEP_CONV, in);
    if (type == &fv_dense_layer) return add_weighted(b, layer, FV_STEP_DENSE, in);
    if (type == &fv_norm_layer) return add_norm(b, layer, in);
    if (type == &fv_relu_layer) return add_plain(b, layer, FV_STEP_RELU, in, 0);
    if (type == &fv_flatten_layer) return add_plain(b, layer, FV_STEP_COPY, in, 0);
    if (type == &fv_residual_layer) return add_plain(b, layer, FV_STEP_SUM, in, b->value[layer->from2 + 1]);
    return add_pool(b, layer, type == &fv_max_pool_layer ? FV_STEP_MAX : FV_STEP_MEAN, in);
}

static bool is_dropout(const fv_layer_type *type) {
    return type == &fv_dropout_layer || type == &fv_dropout2d_layer;
}

fv_status fv_graph_of_net(const fv_net *net, fv_graph **out) {
    building b = {.net = net, .graph = fv_graph_create(fv_net_input(net), net->n_layers + 1)};
    fv_status status = b.graph ? add_normalisation(&b) : FV_E_MEMORY;
    b.value[0] = 1;
    for (int i = 0; status == FV_OK && i < net->n_layers; i++) {
        const fv_layer *layer = &net->layers[i];
        int in = b.value[layer->from + 1];
        if (is_dropout(layer->type)) {
            b.value[i + 1] = in;
            continue;
        }
        status = add_layer(&b, layer, in);
        b.value[i + 1] = b.graph->n_steps;
    }
    if (status == FV_OK)
        *out = b.graph;
    else
        fv_graph_destroy(b.graph);
    return status;
}
