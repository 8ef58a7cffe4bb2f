#include "formats/onnx_read.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/files.h"
#include "onnx.pb-c.h"

#define FILE_LIMIT ((size_t)1 << 31)
enum {
    MAX_NODES = 4096,
    MAX_TENSORS = 4 * MAX_NODES, /* each is looked for by its name */
    MAX_VALUES = 1 << 28,        /* numbers in all values together */
    MAX_DEPTH = 32               /* of messages in messages; Fovea writes 7 */
};

typedef struct reading {
    const char *path;
    fv_error *error;
    const Onnx__GraphProto *body;
    fv_graph *graph;
    size_t left; /* weights that a file of its size can still hold: a tensor that all nodes share is no way around */
    const char *names[MAX_NODES + 1]; /* in ONNX */
    int values[MAX_NODES + 1];        /* in the graph */
    int n_values;
} reading;

static fv_status fail(const reading *r, const char *what) {
    return fv_fail(r->error, FV_E_DATA, "%s: %s; only ONNX files that Fovea wrote are read", fv_path_shown(r->path),
                   what);
}

static fv_status fail_node(const reading *r, const Onnx__NodeProto *node, const char *what) {
    return fv_fail(r->error, FV_E_DATA, "%s: node \"%.60s\" (%.40s) %s; only ONNX files that Fovea wrote are read",
                   fv_path_shown(r->path), node->name, node->op_type, what);
}

static fv_status fail_memory(const reading *r) {
    return fv_fail(r->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(r->path));
}

/* No step could be added. */
static fv_status fail_step(const reading *r, const Onnx__NodeProto *node, size_t n) {
    return n > r->left ? fail_node(r, node, "has weights that other nodes have, too") : fail_memory(r);
}

/* ---- looking up ---- */

/* The graph's value of that name; -1: none. */
static int find_value(const reading *r, const char *name) {
    for (int i = r->n_values - 1; i >= 0; i--)
        if (strcmp(r->names[i], name) == 0) return r->values[i];
    return -1;
}

static const Onnx__TensorProto *find_tensor(const reading *r, const char *name) {
    for (size_t i = 0; i < r->body->n_initializer; i++)
        if (strcmp(r->body->initializer[i]->name, name) == 0) return r->body->initializer[i];
    return NULL;
}

static const Onnx__AttributeProto *find_attribute(const Onnx__NodeProto *node, const char *name) {
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->name && strcmp(node->attribute[i]->name, name) == 0) return node->attribute[i];
    return NULL;
}

/* The attribute's integer where it says the same n times or twice the same pair; both of the pair. */
static bool read_pair(const Onnx__NodeProto *node, const char *name, size_t n, int fallback, int out[2]) {
    const Onnx__AttributeProto *a = find_attribute(node, name);
    out[0] = out[1] = fallback;
    if (!a) return fallback >= 0;
    if (a->n_ints != n) return false;
    for (size_t i = 0; i < n; i++) {
        if (a->ints[i] < 0 || a->ints[i] > FV_MAX_SIDE || a->ints[i] != a->ints[i % 2]) return false;
        out[i % 2] = (int)a->ints[i];
    }
    return true;
}

/* Whether input `which` is a tensor of n floats in the file: nothing is allocated for one that is not there. */
static bool has_floats(const reading *r, const Onnx__NodeProto *node, size_t which, size_t n) {
    const Onnx__TensorProto *t = which < node->n_input ? find_tensor(r, node->input[which]) : NULL;
    return t && t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && t->raw_data.len / sizeof(float) == n &&
           t->raw_data.len % sizeof(float) == 0;
}

/* Its values, which are finite, to `to` [n]. */
static bool read_floats(const reading *r, const Onnx__NodeProto *node, size_t which, size_t n, double *to) {
    if (!has_floats(r, node, which, n)) return false;
    const Onnx__TensorProto *t = find_tensor(r, node->input[which]);
    for (size_t i = 0; i < n; i++) {
        float value;
        memcpy(&value, t->raw_data.data + i * sizeof value, sizeof value);
        if (!isfinite(value)) return false;
        to[i] = (double)value;
    }
    return true;
}

/* Sizes of the tensor at input `which`, whose product its bytes have. */
static bool read_sizes(const reading *r, const Onnx__NodeProto *node, size_t which, size_t rank, int *size) {
    const Onnx__TensorProto *t = which < node->n_input ? find_tensor(r, node->input[which]) : NULL;
    if (!t || t->n_dims != rank) return false;
    size_t n = sizeof(float);
    for (size_t i = 0; i < rank; i++) {
        if (t->dims[i] < 1 || t->dims[i] > INT_MAX || !fv_multiply(n, (size_t)t->dims[i], &n)) return false;
        size[i] = (int)t->dims[i];
    }
    return n == t->raw_data.len;
}

/* ---- nodes ---- */

/* The next step; NULL where memory is short, or the weights are more than the file has. */
static fv_step *add_step(reading *r, fv_step_kind kind, int in, fv_shape y, size_t n_weights, size_t n_bias) {
    if (n_weights > r->left || n_bias > r->left - n_weights) return NULL;
    r->left -= n_weights + n_bias;
    return fv_graph_add(r->graph, kind, in, y, n_weights, n_bias);
}

static fv_status read_conv(reading *r, const Onnx__NodeProto *node, int in) {
    fv_shape x = fv_graph_shape(r->graph, in);
    int size[4], kernel[2], pad[2], stride[2];
    if (!read_sizes(r, node, 1, 4, size) || !read_pair(node, "kernel_shape", 2, -1, kernel) ||
        !read_pair(node, "pads", 4, 0, pad) || !read_pair(node, "strides", 2, 1, stride))
        return fail_node(r, node, "has other weights or attributes than a convolution of Fovea's");
    if (size[1] != x.c || size[2] != kernel[0] || size[3] != kernel[1] || kernel[0] < 1 || kernel[1] < 1 ||
        stride[0] < 1 || pad[0] != pad[1] || stride[0] != stride[1] || x.h + 2 * pad[0] < kernel[0] ||
        x.w + 2 * pad[0] < kernel[1])
        return fail_node(r, node, "does not fit its input");
    fv_shape y = {size[0], (x.h + 2 * pad[0] - kernel[0]) / stride[0] + 1,
                  (x.w + 2 * pad[0] - kernel[1]) / stride[0] + 1};
    if ((size_t)y.c > MAX_VALUES / ((size_t)y.h * (size_t)y.w)) return fail_node(r, node, "makes too much");
    size_t n = (size_t)size[0] * (size_t)size[1] * (size_t)kernel[0] * (size_t)kernel[1];
    fv_step *s = add_step(r, FV_STEP_CONV, in, y, n, (size_t)size[0]);
    if (!s) return fail_step(r, node, n + (size_t)size[0]);
    s->rows = kernel[0];
    s->columns = kernel[1];
    s->pad = pad[0];
    s->stride = stride[0];
    if (read_floats(r, node, 1, n, s->weight) && read_floats(r, node, 2, (size_t)size[0], s->bias)) return FV_OK;
    return fail_node(r, node, "has weights that are no finite floats");
}

static fv_status read_gemm(reading *r, const Onnx__NodeProto *node, int in) {
    int size[2];
    const Onnx__AttributeProto *transposed = find_attribute(node, "transB");
    if (node->n_attribute != 1 || !transposed || transposed->i != 1 || !read_sizes(r, node, 1, 2, size))
        return fail_node(r, node, "has other weights or attributes than a dense layer of Fovea's");
    if ((size_t)size[1] != fv_image_size(fv_graph_shape(r->graph, in)))
        return fail_node(r, node, "does not fit its input");
    size_t n = (size_t)size[0] * (size_t)size[1];
    fv_step *s = add_step(r, FV_STEP_DENSE, in, (fv_shape){size[0], 1, 1}, n, (size_t)size[0]);
    if (!s) return fail_step(r, node, n + (size_t)size[0]);
    if (read_floats(r, node, 1, n, s->weight) && read_floats(r, node, 2, (size_t)size[0], s->bias)) return FV_OK;
    return fail_node(r, node, "has weights that are no finite floats");
}

static fv_status read_norm(reading *r, const Onnx__NodeProto *node, int in) {
    fv_shape x = fv_graph_shape(r->graph, in);
    size_t n = (size_t)x.c;
    const Onnx__AttributeProto *eps = find_attribute(node, "epsilon");
    if (!eps || !has_floats(r, node, 1, n))
        return fail_node(r, node, "has other weights or attributes than a batch norm of Fovea's");
    double *mean = malloc(2 * n * sizeof *mean); /* n means, n variances */
    fv_step *s = add_step(r, FV_STEP_SCALE, in, x, n, n);
    fv_status status = FV_OK;
    if (!mean || !s) {
        status = mean ? fail_step(r, node, 2 * n) : fail_memory(r);
    } else if (!read_floats(r, node, 1, n, s->weight) || !read_floats(r, node, 2, n, s->bias) ||
               !read_floats(r, node, 3, n, mean) || !read_floats(r, node, 4, n, mean + n)) {
        status = fail_node(r, node, "has weights that are no finite floats");
    }
    for (size_t c = 0; status == FV_OK && c < n; c++) {
        s->weight[c] /= sqrt(mean[n + c] + (double)eps->f);
        s->bias[c] -= mean[c] * s->weight[c];
    }
    free(mean);
    return status;
}

static fv_status read_pool(reading *r, const Onnx__NodeProto *node, int in) {
    bool global = strcmp(node->op_type, "GlobalAveragePool") == 0;
    fv_shape x = fv_graph_shape(r->graph, in);
    int kernel[2] = {x.h, x.w}, stride[2] = {1, 1};
    if (!global && (!read_pair(node, "kernel_shape", 2, -1, kernel) || !read_pair(node, "strides", 2, 1, stride)))
        return fail_node(r, node, "has other attributes than a pool of Fovea's");
    if (kernel[0] < 1 || kernel[0] > x.h || kernel[1] < 1 || kernel[1] > x.w || stride[0] < 1 || stride[0] != stride[1])
        return fail_node(r, node, "does not fit its input");
    fv_shape y = {x.c, (x.h - kernel[0]) / stride[0] + 1, (x.w - kernel[1]) / stride[0] + 1};
    fv_step_kind kind = strcmp(node->op_type, "MaxPool") == 0 ? FV_STEP_MAX : FV_STEP_MEAN;
    fv_step *s = fv_graph_add(r->graph, kind, in, y, 0, 0);
    if (!s) return fail_memory(r);
    s->rows = kernel[0];
    s->columns = kernel[1];
    s->stride = stride[0];
    return FV_OK;
}

/* Mul or Add of a value and a tensor per channel, or Add of two values. */
static fv_status read_arithmetic(reading *r, const Onnx__NodeProto *node, int in) {
    fv_shape x = fv_graph_shape(r->graph, in);
    bool is_sum = strcmp(node->op_type, "Add") == 0;
    int other = node->n_input == 2 ? find_value(r, node->input[1]) : -1;
    size_t n = (size_t)x.c;
    if (is_sum && other >= 0) {
        if (fv_image_size(fv_graph_shape(r->graph, other)) != fv_image_size(x))
            return fail_node(r, node, "sums values of different shapes");
        fv_step *s = fv_graph_add(r->graph, FV_STEP_SUM, in, x, 0, 0);
        if (s) s->in2 = other;
        return s ? FV_OK : fail_memory(r);
    }
    if (!has_floats(r, node, 1, n)) return fail_node(r, node, "is given neither a value nor a number per channel");
    fv_step *s = add_step(r, FV_STEP_SCALE, in, x, n, n);
    if (!s) return fail_step(r, node, 2 * n);
    for (size_t c = 0; c < n; c++) s->weight[c] = 1;
    if (read_floats(r, node, 1, n, is_sum ? s->bias : s->weight)) return FV_OK;
    return fail_node(r, node, "has weights that are no finite floats");
}

static fv_status read_relu(reading *r, const Onnx__NodeProto *node, int in) {
    (void)node;
    return fv_graph_add(r->graph, FV_STEP_RELU, in, fv_graph_shape(r->graph, in), 0, 0) ? FV_OK : fail_memory(r);
}

/* One row of numbers, as 1x1 pixels. */
static fv_status read_flatten(reading *r, const Onnx__NodeProto *node, int in) {
    fv_shape x = fv_graph_shape(r->graph, in), y = {(int)fv_image_size(x), 1, 1};
    (void)node;
    if (x.c == y.c) return FV_OK;
    return fv_graph_add(r->graph, FV_STEP_COPY, in, y, 0, 0) ? FV_OK : fail_memory(r);
}

static fv_status read_cast(reading *r, const Onnx__NodeProto *node, int in) {
    const Onnx__AttributeProto *to = find_attribute(node, "to");
    if (in == 0 && to && to->i == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) return FV_OK;
    return fail_node(r, node, "is not the conversion of pixels to float");
}

typedef struct operation {
    const char *name;
    fv_status (*read)(reading *r, const Onnx__NodeProto *node, int in);
} operation;

static const operation operations[] = {
    {"Conv", read_conv},       {"Gemm", read_gemm},        {"BatchNormalization", read_norm},
    {"MaxPool", read_pool},    {"AveragePool", read_pool}, {"GlobalAveragePool", read_pool},
    {"Mul", read_arithmetic},  {"Add", read_arithmetic},   {"Relu", read_relu},
    {"Flatten", read_flatten}, {"Reshape", read_flatten},  {"Cast", read_cast},
};

static fv_status read_node(reading *r, const Onnx__NodeProto *node) {
    if (!node->op_type || !node->name) return fail(r, "a node has no name or operation");
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(node->op_type, operations[i].name) != 0) continue;
        int in = node->n_input ? find_value(r, node->input[0]) : -1, before = r->graph->n_steps;
        if (in < 0 || node->n_output != 1) return fail_node(r, node, "reads what no node before it makes");
        FV_TRY(operations[i].read(r, node, in));
        r->names[r->n_values] = node->output[0];
        r->values[r->n_values++] = r->graph->n_steps > before ? r->graph->n_steps : in;
        return FV_OK;
    }
    return fail_node(r, node, "is an operation that Fovea does not write");
}

/* ---- the file ---- */

/* The one input: [N][C][H][W] of uint8 or float. */
static fv_status read_input(reading *r) {
    const Onnx__GraphProto *body = r->body;
    const Onnx__TypeProto *type = body->n_input == 1 ? body->input[0]->type : NULL;
    if (!type || !body->input[0]->name || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        !type->tensor_type->shape || type->tensor_type->shape->n_dim != 4)
        return fail(r, "its graph has no input of four dimensions");
    int64_t size[4];
    for (int i = 1; i < 4; i++) {
        const Onnx__TensorShapeProto__Dimension *d = type->tensor_type->shape->dim[i];
        size[i] = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ? d->dim_value : 0;
        if (size[i] < 1 || size[i] > (i == 1 ? FV_MAX_CHANNELS : FV_MAX_SIDE))
            return fail(r, "its input has no size that an image has");
    }
    int element = type->tensor_type->elem_type;
    if (element != ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 && element != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return fail(r, "its input is neither uint8 nor float");
    r->graph = fv_graph_create((fv_shape){(int)size[1], (int)size[2], (int)size[3]}, (int)body->n_node);
    if (!r->graph) return fail_memory(r);
    r->graph->pixel = element == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 ? 1 : 1.0 / 255;
    r->names[0] = body->input[0]->name;
    r->n_values = 1;
    return FV_OK;
}

static fv_status read_graph(reading *r) {
    const Onnx__GraphProto *body = r->body;
    if (body->n_node == 0 || body->n_node > MAX_NODES) return fail(r, "its graph has no node, or too many");
    if (body->n_initializer > MAX_TENSORS) return fail(r, "its graph has too many tensors");
    for (size_t i = 0; i < body->n_initializer; i++)
        if (!body->initializer[i]->name) return fail(r, "a tensor has no name");
    FV_TRY(read_input(r));
    for (size_t i = 0; i < body->n_node; i++) FV_TRY(read_node(r, body->node[i]));
    int last = body->n_output == 1 && body->output[0]->name ? find_value(r, body->output[0]->name) : -1;
    if (last <= 0 || last != r->graph->n_steps) return fail(r, "its output is not what its last node makes");
    if (fv_graph_memory(r->graph) > MAX_VALUES) return fail(r, "its values are larger than any model's here");
    return FV_OK;
}

/* A number of protobuf's wire format; false where the bytes end inside it. */
static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *out) {
    *out = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        *out |= (uint64_t)(**at & 0x7f) << shift;
        if (*(*at)++ < 0x80) return true;
    }
    return false;
}

/* Whether a message holds others inside others, `left` of them at most: protobuf-c takes them apart by recursion, and
 * the stack has an end where a file names no depth. What is broken otherwise is left to protobuf-c.
 * Source: protobuf.dev, "Encoding". */
static bool is_shallow(const ProtobufCMessageDescriptor *of, const uint8_t *at, const uint8_t *end, int left) {
    enum { VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 5 };
    uint64_t tag, n;
    if (left == 0) return false;
    while (take_varint(&at, end, &tag)) {
        int type = (int)(tag & 7);
        n = type == EIGHT_BYTES ? 8 : 4;
        if (type == VARINT ? !take_varint(&at, end, &n) : type == LENGTH && !take_varint(&at, end, &n)) return true;
        if (type == VARINT) continue;
        if ((type != EIGHT_BYTES && type != LENGTH && type != FOUR_BYTES) || n > (size_t)(end - at)) return true;
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(of, (unsigned)(tag >> 3));
        if (type == LENGTH && field && field->type == PROTOBUF_C_TYPE_MESSAGE &&
            !is_shallow(field->descriptor, at, at + n, left - 1))
            return false;
        at += n;
    }
    return true;
}

fv_status fv_onnx_parse(const char *path, const void *bytes, size_t size, fv_graph **out, fv_error *error) {
    reading r = {.path = path, .error = error, .left = size};
    if (!is_shallow(&fv_onnx__model_proto__descriptor, bytes, (const uint8_t *)bytes + size, MAX_DEPTH))
        return fail(&r, "holds messages too deep inside others");
    Onnx__ModelProto *model = fv_onnx__model_proto__unpack(NULL, size, bytes);
    fv_status status;
    if (!model || !model->graph) {
        status = fail(&r, "is no ONNX file, or is cut short");
    } else {
        r.body = model->graph;
        status = read_graph(&r);
    }
    if (model) fv_onnx__model_proto__free_unpacked(model, NULL);
    if (status == FV_OK)
        *out = r.graph;
    else
        fv_graph_destroy(r.graph);
    return status;
}

fv_status fv_onnx_read(const char *path, fv_graph **out, fv_error *error) {
    char *bytes;
    size_t size;
    FV_TRY(fv_file_read(path, FILE_LIMIT, &bytes, &size, error));
    fv_status status = fv_onnx_parse(path, bytes, size, out, error);
    free(bytes);
    return status;
}
