/* Inside a net: layers as the text gave them, tensors, and where the numbers lie. */
#ifndef FV_NET_H
#define FV_NET_H

#include "base/text.h"
#include "fovea/net.h"

enum { FV_MAX_LAYERS = 1024, FV_LAYER_ARGS = 6 };

typedef struct fv_layer fv_layer;
typedef struct fv_builder fv_builder;

/* A word of the model language: one file in src/nn, one row in layers.c. */
typedef struct fv_layer_type {
    const char *word;
    const fv_param *params; /* at most FV_LAYER_ARGS */
    int n_params;
    /* From layer->in and layer->arg: sets layer->out, multiply_adds, declares tensors (fv_builder_tensor). */
    fv_status (*shape)(fv_builder *builder, fv_layer *layer);
    void (*print)(const fv_layer *layer, char *out, size_t size); /* the call as text; NULL: the word alone */
    const struct fv_op_type *op;                                  /* runs it: see plan.h */
} fv_layer_type;

struct fv_layer {
    const fv_layer_type *type;
    double arg[FV_LAYER_ARGS];
    fv_shape in, out;
    int from, from2; /* layers whose outputs it reads; -1: the net's input; from2 is the shortcut of a sum */
    int depth;       /* 1 inside a residual */
    char name[32];   /* "4", "3.main.0"; "" for an implied flatten */
    fv_word word;    /* in the text that was read; for messages */
    int first_tensor, n_tensors;
    size_t multiply_adds;
};

/* What a filter sees: r rows and s columns every `stride` pixels, with `pad` zeros around the input. */
typedef struct fv_window {
    int r, s, pad, stride;
} fv_window;

/* Dense weights are stored [I][S] for the kernels; everything else as PyTorch has it. */
typedef enum fv_storage { FV_AS_PYTORCH, FV_TRANSPOSED } fv_storage;

typedef struct fv_tensor {
    fv_tensor_info info;
    fv_storage storage;
    size_t offset;  /* floats, a multiple of 16, in net->weights (trained) or net->statistics */
    float bound;    /* first values: U(-bound, bound), or */
    float constant; /* this, where bound is 0 */
} fv_tensor;

struct fv_net {
    fv_shape input;
    int n_classes, pad;
    int n_layers, n_tensors;
    fv_layer *layers;
    fv_tensor *tensors;
    int last_dense; /* its input is the features; -1: none, the logits are */
    float *weights, *statistics;
    size_t n_weights, n_statistics; /* floats stored, multiples of 16 */
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    char *text; /* resolved */
};

/* What parsing carries along. */
struct fv_builder {
    fv_net *net;
    fv_cursor cursor;
    fv_error *error;
};

/* Declares the next tensor of `layer`; rank and size as PyTorch's. FV_E_SHAPE when it is too large. */
fv_status fv_builder_tensor(fv_builder *builder, fv_layer *layer, const char *suffix, int rank, const int *size,
                            fv_storage storage, bool trained, float bound, float constant);
/* Fails with FV_E_SHAPE, pointing at the layer's word. */
fv_status fv_builder_fail(fv_builder *builder, const fv_layer *layer, const char *format, ...) FV_PRINTF(3, 4);

/* Of a convolution. */
fv_window fv_conv_window(const fv_layer *layer);

/* Reads the text into net->layers and net->tensors. */
fv_status fv_model_parse(fv_net *net, const char *text, fv_error *error);
/* net->layers to text. */
fv_status fv_model_print(fv_net *net);

/* Numbers in all tensors of such a net, for which no memory is taken. As fv_net_create. */
fv_status fv_net_measure(const char *model, fv_shape input, int n_classes, size_t *n_values,
                         fv_error *error) FV_MUST_CHECK;

/* One layer as text: "conv 8 3x3". */
void fv_layer_print(const fv_layer *layer, char *out, size_t size);

const fv_layer_type *fv_layer_type_find(fv_word word);
const fv_layer_type *fv_layer_type_at(int index);
extern const fv_layer_type fv_conv_layer, fv_dense_layer, fv_norm_layer, fv_relu_layer, fv_dropout_layer,
    fv_dropout2d_layer, fv_flatten_layer, fv_max_pool_layer, fv_avg_pool_layer, fv_global_pool_layer, fv_residual_layer;

static inline size_t fv_shape_size(fv_shape s) {
    return (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

/* As fv_net_tensor_get, of the n values from `first` on. */
void fv_net_tensor_part(const fv_net *net, int index, size_t first, size_t n, float *values);

/* The first weight of a tensor of a layer: which = 0 weight, 1 bias; norm: 2 running mean, 3 running variance. */
static inline float *fv_layer_data(const fv_net *net, const fv_layer *layer, int which) {
    const fv_tensor *t = &net->tensors[layer->first_tensor + which];
    return (t->info.trained ? net->weights : net->statistics) + t->offset;
}

#endif
