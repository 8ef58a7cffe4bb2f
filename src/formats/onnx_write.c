/* A net as an ONNX graph. Values have the rank that their producer gives them: [N][C][H][W] from images, [N][F] behind
 * a flatten or dense layer; where a layer wants the other, a Flatten or Reshape goes between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/files.h"
#include "formats/net_metadata.h"
#include "fovea/export.h"
#include "fovea/machine.h"
#include "nn/net.h"
#include "nn/norm.h"
#include "onnx.pb-c.h"

/* IR version 8 is what belongs to opset 17 (ONNX 1.12). */
enum { OPSET = 17, IR_VERSION = 8, NAME = 64, MAX_INPUTS = 5, MAX_ATTRIBUTES = 4 };

typedef struct attribute {
    Onnx__AttributeProto proto;
    int64_t ints[4];
} attribute;

typedef struct node {
    Onnx__NodeProto proto;
    char *inputs[MAX_INPUTS], *output;
    attribute attributes[MAX_ATTRIBUTES];
    Onnx__AttributeProto *attribute_list[MAX_ATTRIBUTES];
    char name[NAME], output_name[NAME + 8];
} node;

typedef struct tensor {
    Onnx__TensorProto proto;
    int64_t dims[4];
    char name[NAME];
} tensor;

/* What flows: its name in the graph and its rank. */
typedef struct value {
    char *name;
    int rank;
} value;

typedef struct graph {
    const fv_net *net;
    node *nodes;
    Onnx__NodeProto **node_list;
    tensor *tensors;
    Onnx__TensorProto **tensor_list;
    float *numbers, *next_number; /* of all tensors */
    value *values;                /* [n_layers + 1]: 0 the normalised pixels, i + 1 the output of layer i */
    size_t n_nodes, n_tensors;
    bool has_shape; /* the constant shape of Reshape is there */
    int64_t shape[4];
} graph;

/* Texts that protobuf-c takes as `char *` and does not change. */
static char *text(const char *of) {
    union {
        const char *in;
        char *out;
    } at = {.in = of};
    return at.out;
}

/* ---- parts ---- */

static node *add_node(graph *g, const char *op, const char *name, const char *suffix, char *input) {
    node *n = &g->nodes[g->n_nodes];
    g->node_list[g->n_nodes++] = &n->proto;
    fv_onnx__node_proto__init(&n->proto);
    snprintf(n->name, sizeof n->name, "%.40s%s", name, suffix);
    snprintf(n->output_name, sizeof n->output_name, "%s.out", n->name);
    n->proto.op_type = text(op);
    n->proto.name = n->name;
    n->inputs[0] = input;
    n->proto.n_input = n->proto.n_output = 1;
    n->proto.input = n->inputs;
    n->output = n->output_name;
    n->proto.output = &n->output;
    n->proto.attribute = n->attribute_list;
    return n;
}

static void add_input(node *n, char *name) {
    n->inputs[n->proto.n_input++] = name;
}

static Onnx__AttributeProto *add_attribute(node *n, const char *name, Onnx__AttributeProto__AttributeType type) {
    attribute *a = &n->attributes[n->proto.n_attribute];
    n->attribute_list[n->proto.n_attribute++] = &a->proto;
    fv_onnx__attribute_proto__init(&a->proto);
    a->proto.name = text(name);
    a->proto.has_type = 1;
    a->proto.type = type;
    a->proto.ints = a->ints;
    return &a->proto;
}

static void add_int(node *n, const char *name, int64_t i) {
    Onnx__AttributeProto *a = add_attribute(n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = i;
}

static void add_float(node *n, const char *name, float f) {
    Onnx__AttributeProto *a = add_attribute(n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->has_f = 1;
    a->f = f;
}

static void add_ints(node *n, const char *name, size_t count, int a, int b) {
    Onnx__AttributeProto *to = add_attribute(n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    to->n_ints = count;
    for (size_t i = 0; i < count; i++) to->ints[i] = i % 2 ? b : a;
}

static tensor *add_tensor(graph *g, const char *name, int rank, const int *size, int type) {
    tensor *t = &g->tensors[g->n_tensors];
    g->tensor_list[g->n_tensors++] = &t->proto;
    fv_onnx__tensor_proto__init(&t->proto);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->proto.name = t->name;
    t->proto.dims = t->dims;
    t->proto.n_dims = (size_t)rank;
    for (int i = 0; i < rank; i++) t->dims[i] = size[i];
    t->proto.has_data_type = t->proto.has_raw_data = 1;
    t->proto.data_type = type;
    return t;
}

/* Room for n numbers, which are the tensor's value; little-endian, as safetensors_types.h asserts. */
static float *numbers_of(graph *g, tensor *t, size_t n) {
    float *to = g->next_number;
    g->next_number += n;
    t->proto.raw_data = (ProtobufCBinaryData){n * sizeof *to, (uint8_t *)to};
    return to;
}

static char *add_weights(graph *g, int index) {
    fv_tensor_info info;
    fv_net_tensor(g->net, index, &info);
    tensor *t = add_tensor(g, info.name, info.rank, info.size, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    fv_net_tensor_get(g->net, index, numbers_of(g, t, info.n));
    return t->name;
}

/* ---- layers ---- */

/* The value in the rank that is asked for. */
static char *as_rank(graph *g, const char *name, const char *suffix, value of, int rank) {
    if (of.rank == rank) return of.name;
    node *n;
    if (rank == 2) {
        n = add_node(g, "Flatten", name, suffix, of.name);
        add_int(n, "axis", 1);
        return n->output;
    }
    if (!g->has_shape) { /* 0: as it was */
        tensor *t = add_tensor(g, "image_shape", 1, (int[]){4}, ONNX__TENSOR_PROTO__DATA_TYPE__INT64);
        memcpy(g->shape, (const int64_t[]){0, -1, 1, 1}, sizeof g->shape);
        t->proto.raw_data = (ProtobufCBinaryData){sizeof g->shape, (uint8_t *)g->shape};
        g->has_shape = true;
    }
    n = add_node(g, "Reshape", name, suffix, of.name);
    add_input(n, text("image_shape"));
    return n->output;
}

static value add_conv(graph *g, const fv_layer *layer, value in) {
    node *n = add_node(g, "Conv", layer->name, "", as_rank(g, layer->name, ".image", in, 4));
    fv_window f = fv_conv_window(layer);
    add_input(n, add_weights(g, layer->first_tensor));
    add_input(n, add_weights(g, layer->first_tensor + 1));
    add_ints(n, "kernel_shape", 2, f.r, f.s);
    add_ints(n, "pads", 4, f.pad, f.pad);
    add_ints(n, "strides", 2, f.stride, f.stride);
    return (value){n->output, 4};
}

static value add_dense(graph *g, const fv_layer *layer, value in) {
    node *n = add_node(g, "Gemm", layer->name, "", as_rank(g, layer->name, ".flat", in, 2));
    add_input(n, add_weights(g, layer->first_tensor));
    add_input(n, add_weights(g, layer->first_tensor + 1));
    add_int(n, "transB", 1);
    return (value){n->output, 2};
}

static value add_norm(graph *g, const fv_layer *layer, value in) {
    node *n = add_node(g, "BatchNormalization", layer->name, "", in.name);
    for (int i = 0; i < 4; i++) add_input(n, add_weights(g, layer->first_tensor + i));
    add_float(n, "epsilon", (float)FV_NORM_EPS);
    return (value){n->output, in.rank};
}

static value add_pool(graph *g, const fv_layer *layer, value in) {
    bool global = layer->type == &fv_global_pool_layer;
    const char *op = global ? "GlobalAveragePool" : layer->type == &fv_max_pool_layer ? "MaxPool" : "AveragePool";
    node *n = add_node(g, op, layer->name, "", as_rank(g, layer->name, ".image", in, 4));
    int k = (int)layer->arg[0];
    if (!global) add_ints(n, "kernel_shape", 2, k, k);
    if (!global) add_ints(n, "strides", 2, k, k);
    return (value){n->output, 4};
}

/* Of different ranks, both become flat: a residual's sides agree in shape. */
static value add_sum(graph *g, const fv_layer *layer, value a, value b) {
    int rank = a.rank == b.rank ? a.rank : 2;
    char *main = as_rank(g, layer->name, ".main", a, rank), *shortcut = as_rank(g, layer->name, ".shortcut", b, rank);
    node *n = add_node(g, "Add", layer->name, "", main);
    add_input(n, shortcut);
    return (value){n->output, rank};
}

static value add_layer(graph *g, const fv_layer *layer, value in) {
    const fv_layer_type *type = layer->type;
    if (type == &fv_conv_layer) return add_conv(g, layer, in);
    if (type == &fv_dense_layer) return add_dense(g, layer, in);
    if (type == &fv_norm_layer) return add_norm(g, layer, in);
    if (type == &fv_relu_layer) return (value){add_node(g, "Relu", layer->name, "", in.name)->output, in.rank};
    if (type == &fv_residual_layer) return add_sum(g, layer, in, g->values[layer->from2 + 1]);
    if (type == &fv_dropout_layer || type == &fv_dropout2d_layer) return in;
    if (type != &fv_flatten_layer) return add_pool(g, layer, in);
    return (value){as_rank(g, layer[layer->name[0] == 0].name, ".flat", in, 2), 2}; /* implied: the dense layer's */
}

/* pixels * scale + shift: (pixel / 255 - mean) / std. */
static value add_normalisation(graph *g, fv_onnx_input input) {
    fv_shape s = fv_net_input(g->net);
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_net_normalisation(g->net, mean, std);
    const int size[] = {1, s.c, 1, 1};
    tensor *scale = add_tensor(g, "scale", 4, size, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    tensor *shift = add_tensor(g, "shift", 4, size, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    float *a = numbers_of(g, scale, (size_t)s.c), *b = numbers_of(g, shift, (size_t)s.c);
    for (int c = 0; c < s.c; c++) {
        a[c] = 1 / ((input == FV_ONNX_UINT8 ? 255 : 1) * std[c]);
        b[c] = -mean[c] / std[c];
    }
    char *at = text("pixels");
    if (input == FV_ONNX_UINT8) {
        node *cast = add_node(g, "Cast", "pixels", ".float", at);
        add_int(cast, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
        at = cast->output;
    }
    node *n = add_node(g, "Mul", "pixels", ".scaled", at);
    add_input(n, scale->name);
    n = add_node(g, "Add", "pixels", ".shifted", n->output);
    add_input(n, shift->name);
    return (value){n->output, 4};
}

static void add_layers(graph *g, fv_onnx_input input) {
    const fv_net *net = g->net;
    g->values[0] = add_normalisation(g, input);
    for (int i = 0; i < net->n_layers; i++)
        g->values[i + 1] = add_layer(g, &net->layers[i], g->values[net->layers[i].from + 1]);
    as_rank(g, "logits", ".flat", g->values[net->n_layers], 2);
    node *last = &g->nodes[g->n_nodes - 1]; /* a dropout at the end would leave it to what comes before */
    last->output = text("logits");
}

/* ---- the file ---- */

static fv_status graph_init(graph *g, const fv_net *net) {
    size_t n_layers = (size_t)net->n_layers, n_nodes = 3 * n_layers + 8, n_tensors = (size_t)net->n_tensors + 3, n = 0;
    *g = (graph){.net = net};
    for (int i = 0; i < net->n_tensors; i++) n += net->tensors[i].info.n;
    g->nodes = calloc(n_nodes, sizeof *g->nodes);
    g->node_list = calloc(n_nodes, sizeof(Onnx__NodeProto *));
    g->tensors = calloc(n_tensors, sizeof *g->tensors);
    g->tensor_list = calloc(n_tensors, sizeof(Onnx__TensorProto *));
    g->numbers = g->next_number = calloc(n + 2 * FV_MAX_CHANNELS, sizeof *g->numbers);
    g->values = calloc(n_layers + 1, sizeof *g->values);
    bool good = g->nodes && g->node_list && g->tensors && g->tensor_list && g->numbers && g->values;
    return good ? FV_OK : FV_E_MEMORY;
}

static void graph_deinit(graph *g) {
    free(g->nodes);
    free(g->node_list);
    free(g->tensors);
    free(g->tensor_list);
    free(g->numbers);
    free(g->values);
}

/* An input or output of the graph: [N] and up to three sizes. */
typedef struct port {
    Onnx__ValueInfoProto info;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dims[4], *list[4];
    Onnx__ValueInfoProto *at;
} port;

static void port_init(port *p, const char *name, int type, int rank, const int *size) {
    fv_onnx__value_info_proto__init(&p->info);
    fv_onnx__type_proto__init(&p->type);
    fv_onnx__type_proto__tensor__init(&p->tensor);
    fv_onnx__tensor_shape_proto__init(&p->shape);
    p->info.name = text(name);
    p->info.type = &p->type;
    p->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    p->type.tensor_type = &p->tensor;
    p->tensor.has_elem_type = 1;
    p->tensor.elem_type = type;
    p->tensor.shape = &p->shape;
    p->shape.n_dim = (size_t)rank;
    p->shape.dim = p->list;
    p->at = &p->info;
    for (int i = 0; i < rank; i++) {
        fv_onnx__tensor_shape_proto__dimension__init(&p->dims[i]);
        p->dims[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        p->dims[i].dim_value = size[i];
        p->list[i] = &p->dims[i];
    }
    p->dims[0].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    p->dims[0].dim_param = text("N");
}

static fv_status write_model(const Onnx__ModelProto *model, const char *path, fv_error *error) {
    size_t size = fv_onnx__model_proto__get_packed_size(model);
    uint8_t *bytes = malloc(size);
    if (!bytes) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    fv_onnx__model_proto__pack(model, bytes);
    fv_status status = fv_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}

static fv_status write_graph(graph *g, const char *path, const fv_net_metadata *metadata, fv_onnx_input input,
                             fv_error *error) {
    fv_shape s = fv_net_input(g->net);
    port pixels = {0}, logits = {0};
    port_init(&pixels, "pixels",
              input == FV_ONNX_UINT8 ? ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 4,
              (int[]){0, s.c, s.h, s.w});
    port_init(&logits, "logits", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 2, (int[]){0, fv_net_n_classes(g->net)});
    Onnx__GraphProto body = ONNX__GRAPH_PROTO__INIT;
    body.name = text("fovea");
    body.n_node = g->n_nodes;
    body.node = g->node_list;
    body.n_initializer = g->n_tensors;
    body.initializer = g->tensor_list;
    body.n_input = body.n_output = 1;
    body.input = &pixels.at;
    body.output = &logits.at;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
    opset.domain = text("");
    opset.has_version = 1;
    opset.version = OPSET;
    Onnx__StringStringEntryProto entries[FV_N_METADATA], *entry_list[FV_N_METADATA];
    for (int i = 0; i < FV_N_METADATA; i++) {
        fv_onnx__string_string_entry_proto__init(&entries[i]);
        entries[i].key = text(metadata->item[i].key);
        entries[i].value = text(metadata->item[i].value);
        entry_list[i] = &entries[i];
    }
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    model.has_ir_version = 1;
    model.ir_version = IR_VERSION;
    model.n_opset_import = 1;
    model.opset_import = &opsets;
    model.producer_name = text("fovea");
    model.producer_version = text(fv_version());
    model.graph = &body;
    model.n_metadata_props = FV_N_METADATA;
    model.metadata_props = entry_list;
    return write_model(&model, path, error);
}

fv_status fv_export_onnx(const fv_net *net, const char *path, const char *const *class_names, fv_onnx_input input,
                         fv_error *error) {
    graph g;
    fv_net_metadata metadata;
    fv_status status = graph_init(&g, net);
    if (!fv_net_metadata_init(&metadata, net, class_names)) status = FV_E_MEMORY;
    if (status == FV_OK) {
        add_layers(&g, input);
        status = write_graph(&g, path, &metadata, input, error);
    } else {
        status =
            fv_fail(error, status, "%s: not enough memory, or class names that are not UTF-8", fv_path_shown(path));
    }
    fv_net_metadata_deinit(&metadata);
    graph_deinit(&g);
    return status;
}
