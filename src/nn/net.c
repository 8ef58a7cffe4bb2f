#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "base/philox.h"
#include "nn/net.h"

/* U(-bound, bound) per tensor, counted by (index in PyTorch's order, 0, tensor, 0); constants otherwise. */
static fv_status set_first_values(fv_net *net, uint64_t seed) {
    for (int t = 0; t < net->n_tensors; t++) {
        const fv_tensor *tensor = &net->tensors[t];
        float *values = malloc(tensor->info.n * sizeof *values);
        if (!values) return FV_E_MEMORY;
        for (size_t i = 0; i < tensor->info.n; i++) {
            values[i] = tensor->constant;
            if (tensor->bound > 0) {
                fv_words4 words = fv_philox(seed, FV_RANDOM_INIT, (uint32_t)(i / 4), 0, (uint32_t)t, 0);
                values[i] = (2 * fv_unit(words.word[i % 4]) - 1) * tensor->bound;
            }
        }
        fv_net_tensor_set(net, t, values);
        free(values);
    }
    return FV_OK;
}

/* A single word that is no model and no layer deserves the list of models. */
static void tell_unknown(const char *model, fv_error *error) {
    char known[256];
    const char *names[64];
    size_t n = 0;
    while (n < 64 && (names[n] = fv_model_name((int)n))) n++;
    fv_text_join(known, sizeof known, names, n);
    (void)fv_fail(error, FV_E_NAME,
                  "model `%s`: unknown; the named models are %s; or give a text like `conv 8 3x3, relu, "
                  "maxpool 2, dense classes`",
                  model, known);
}

static bool is_single_unknown_word(const char *model) {
    fv_cursor cursor = {model, model, "model"};
    fv_word word = fv_text_next(&cursor);
    return word.length > 0 && fv_text_at_end(&cursor) && !fv_layer_type_find(word);
}

static fv_status check_input(fv_shape input, int n_classes, fv_error *error) {
    if (input.c < 1 || input.h < 1 || input.w < 1 || input.c > FV_MAX_CHANNELS || input.h > FV_MAX_SIDE ||
        input.w > FV_MAX_SIDE)
        return fv_fail(error, FV_E_SHAPE,
                       "model: input of %dx%dx%d; 1 to %d channels and sides of 1 to %d are possible", input.c, input.h,
                       input.w, FV_MAX_CHANNELS, FV_MAX_SIDE);
    if (n_classes < 2 || n_classes > FV_MAX_CLASSES)
        return fv_fail(error, FV_E_ARGUMENT, "model: %d classes; 2 to %d are possible", n_classes, FV_MAX_CLASSES);
    return FV_OK;
}

/* The layers of a net, which has no memory for its weights yet. */
static fv_status create_bare(const char *model, fv_shape input, int n_classes, int pad, fv_net **out, fv_error *error) {
    FV_TRY(check_input(input, n_classes, error));
    const char *text = fv_model_text(model);
    if (!text && is_single_unknown_word(model)) {
        tell_unknown(model, error);
        return FV_E_NAME;
    }
    fv_net *net = calloc(1, sizeof *net);
    if (!net) return fv_fail(error, FV_E_MEMORY, "model: out of memory");
    net->input = input;
    net->n_classes = n_classes;
    net->pad = pad;
    for (int c = 0; c < FV_MAX_CHANNELS; c++) net->std[c] = 1;
    fv_status status = fv_model_parse(net, text ? text : model, error);
    if (status == FV_OK)
        *out = net;
    else
        fv_net_destroy(net);
    return status;
}

fv_status fv_net_create(const char *model, fv_shape input, int n_classes, int pad, uint64_t seed, fv_net **out,
                        fv_error *error) {
    fv_net *net;
    FV_TRY(create_bare(model, input, n_classes, pad, &net, error));
    net->weights = fv_alloc(net->n_weights + 16, sizeof *net->weights);
    net->statistics = fv_alloc(net->n_statistics + 16, sizeof *net->statistics);
    fv_status status = net->weights && net->statistics ? FV_OK : FV_E_MEMORY;
    if (status == FV_OK) status = set_first_values(net, seed);
    if (status == FV_OK) status = fv_model_print(net);
    if (status == FV_OK) {
        *out = net;
        return FV_OK;
    }
    fv_net_destroy(net);
    return fv_fail(error, status, "model: out of memory");
}

fv_status fv_net_measure(const char *model, fv_shape input, int n_classes, size_t *n_values, fv_error *error) {
    fv_net *net;
    FV_TRY(create_bare(model, input, n_classes, 0, &net, error));
    *n_values = 0;
    for (int t = 0; t < net->n_tensors; t++) *n_values += net->tensors[t].info.n;
    fv_net_destroy(net);
    return FV_OK;
}

void fv_net_destroy(fv_net *net) {
    if (!net) return;
    free(net->layers);
    free(net->tensors);
    free(net->weights);
    free(net->statistics);
    free(net->text);
    free(net);
}

const char *fv_net_text(const fv_net *net) {
    return net->text;
}
fv_shape fv_net_input(const fv_net *net) {
    return net->input;
}
int fv_net_n_classes(const fv_net *net) {
    return net->n_classes;
}

int fv_net_n_features(const fv_net *net) {
    if (net->last_dense < 0) return net->n_classes;
    return (int)fv_shape_size(net->layers[net->last_dense].in);
}

size_t fv_net_n_weights(const fv_net *net) {
    size_t n = 0;
    for (int t = 0; t < net->n_tensors; t++) n += net->tensors[t].info.trained ? net->tensors[t].info.n : 0;
    return n;
}

size_t fv_net_n_multiply_adds(const fv_net *net) {
    size_t n = 0;
    for (int i = 0; i < net->n_layers; i++) n += net->layers[i].multiply_adds;
    return n;
}

void fv_net_set_normalisation(fv_net *net, const float *mean, const float *std) {
    for (int c = 0; c < net->input.c; c++) {
        net->mean[c] = mean[c];
        net->std[c] =
            std[c] > 0 ? std[c] : 1; /* a channel that never changes tells nothing, and must not divide by 0 */
    }
}

void fv_net_normalisation(const fv_net *net, float *mean, float *std) {
    memcpy(mean, net->mean, (size_t)net->input.c * sizeof *mean);
    memcpy(std, net->std, (size_t)net->input.c * sizeof *std);
}

int fv_net_n_tensors(const fv_net *net) {
    return net->n_tensors;
}
void fv_net_tensor(const fv_net *net, int index, fv_tensor_info *out) {
    *out = net->tensors[index].info;
}

/* Copies values [n] from `first` on between PyTorch's order ([O][I] for dense weights) and the stored one ([I][S]). */
static void tensor_copy(const fv_tensor *t, float *stored, float *values, size_t first, size_t n, bool set) {
    size_t rows = (size_t)t->info.size[0], columns = t->info.n / rows, stride = (rows + 15) / 16 * 16;
    for (size_t i = first; i < first + n; i++, values++) {
        float *at = t->storage == FV_TRANSPOSED ? &stored[i % columns * stride + i / columns] : &stored[i];
        if (set)
            *at = *values;
        else
            *values = *at;
    }
}

static float *tensor_data(const fv_net *net, int index) {
    const fv_tensor *t = &net->tensors[index];
    return (t->info.trained ? net->weights : net->statistics) + t->offset;
}

void fv_net_tensor_get(const fv_net *net, int index, float *values) {
    fv_net_tensor_part(net, index, 0, net->tensors[index].info.n, values);
}

void fv_net_tensor_part(const fv_net *net, int index, size_t first, size_t n, float *values) {
    tensor_copy(&net->tensors[index], tensor_data(net, index), values, first, n, false);
}

void fv_net_tensor_set(fv_net *net, int index, const float *values) {
    union { /* tensor_copy only reads from it when setting */
        const float *in;
        float *out;
    } at = {.in = values};
    tensor_copy(&net->tensors[index], tensor_data(net, index), at.out, 0, net->tensors[index].info.n, true);
}
