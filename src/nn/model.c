/* The model language: text -> layers -> text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/net.h"

enum { MAX_TENSOR = 1 << 28 }; /* weights in one tensor: 1 GiB */

fv_status fv_builder_fail(fv_builder *builder, const fv_layer *layer, const char *format, ...) {
    char reason[256];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    (void)fv_text_fail(&builder->cursor, layer->word, builder->error, "%s", reason);
    if (builder->error) builder->error->code = FV_E_SHAPE;
    return FV_E_SHAPE;
}

fv_status fv_builder_tensor(fv_builder *builder, fv_layer *layer, const char *suffix, int rank, const int *size,
                            fv_storage storage, bool trained, float bound, float constant) {
    fv_net *net = builder->net;
    fv_tensor *t = &net->tensors[net->n_tensors];
    size_t n = 1, stored;
    for (int i = 0; i < rank; i++) {
        n *= (size_t)size[i];
        t->info.size[i] = size[i];
        if (n > MAX_TENSOR)
            return fv_builder_fail(builder, layer, "`%.*s` would have more than %d weights", layer->word.length,
                                   layer->word.at, MAX_TENSOR);
    }
    stored = storage == FV_TRANSPOSED ? (size_t)size[1] * ((size_t)(size[0] + 15) / 16 * 16) : n;
    snprintf(t->info.name, sizeof t->info.name, "%s.%s", layer->name, suffix);
    t->info.rank = rank;
    t->info.n = n;
    t->info.trained = trained;
    t->storage = storage;
    t->bound = bound;
    t->constant = constant;
    size_t *end = trained ? &net->n_weights : &net->n_statistics;
    t->offset = *end;
    *end += (stored + 15) / 16 * 16;
    if (layer->n_tensors++ == 0) layer->first_tensor = net->n_tensors;
    net->n_tensors++;
    return FV_OK;
}

static fv_shape output_of(const fv_net *net, int layer) {
    return layer < 0 ? net->input : net->layers[layer].out;
}

static fv_status add_layer(fv_builder *b, const fv_layer_type *type, fv_word word, int from, int depth,
                           fv_layer **out) {
    fv_net *net = b->net;
    if (net->n_layers == FV_MAX_LAYERS)
        return fv_text_fail(&b->cursor, word, b->error, "more than %d layers", FV_MAX_LAYERS);
    fv_layer *layer = &net->layers[net->n_layers++];
    *layer =
        (fv_layer){.type = type, .word = word, .from = from, .from2 = -1, .depth = depth, .in = output_of(net, from)};
    *out = layer;
    return FV_OK;
}

static fv_status parse_chain(fv_builder *b, int from, const char *prefix, int depth, int *last);

/* residual( main ) or residual( main | shortcut ): the layers of both, then their sum. */
static fv_status parse_residual(fv_builder *b, fv_word word, int from, const char *name, int depth, int *last) {
    if (depth)
        return fv_text_fail(&b->cursor, word, b->error, "a residual inside a residual is not part of the language");
    if (!fv_text_accept(&b->cursor, "("))
        return fv_text_fail(&b->cursor, fv_text_peek(&b->cursor), b->error,
                            "`residual` needs `( main )` or "
                            "`( main | shortcut )`");
    char prefix[48];
    int main_end, shortcut_end = from;
    snprintf(prefix, sizeof prefix, "%s.main.", name);
    FV_TRY(parse_chain(b, from, prefix, depth + 1, &main_end));
    if (fv_text_accept(&b->cursor, "|")) {
        snprintf(prefix, sizeof prefix, "%s.shortcut.", name);
        FV_TRY(parse_chain(b, from, prefix, depth + 1, &shortcut_end));
    }
    if (!fv_text_accept(&b->cursor, ")"))
        return fv_text_fail(&b->cursor, fv_text_peek(&b->cursor), b->error,
                            "`residual(` is not closed: `)` is missing");
    fv_layer *sum;
    FV_TRY(add_layer(b, &fv_residual_layer, word, main_end, depth, &sum));
    sum->from2 = shortcut_end;
    snprintf(sum->name, sizeof sum->name, "%s", name);
    *last = b->net->n_layers - 1;
    return fv_residual_layer.shape(b, sum);
}

static fv_status unknown_layer(fv_builder *b, fv_word word) {
    char known[256];
    const char *names[32];
    size_t n = 0;
    for (const fv_layer_type *type; (type = fv_layer_type_at((int)n)) && n < 32; n++) names[n] = type->word;
    fv_text_join(known, sizeof known, names, n);
    if (word.length == 0)
        return fv_text_fail(&b->cursor, word, b->error, "a layer is missing; the layers are %s", known);
    return fv_text_fail(&b->cursor, word, b->error, "`%.*s` is no layer; the layers are %s", word.length, word.at,
                        known);
}

/* Whether a layer's output lies in memory as a dense layer reads it; if not, a flatten (often free) goes between. */
static bool is_flat(const fv_net *net, int layer) {
    const fv_layer_type *type = NULL;
    for (; layer >= 0; layer = net->layers[layer].from) {
        type = net->layers[layer].type;
        if (type != &fv_relu_layer && type != &fv_dropout_layer && type != &fv_dropout2d_layer) break;
    }
    return layer >= 0 && (type == &fv_dense_layer || type == &fv_flatten_layer);
}

static fv_status parse_layer(fv_builder *b, int from, const char *name, int depth, int *last) {
    fv_word word = fv_text_next(&b->cursor);
    const fv_layer_type *type = fv_layer_type_find(word);
    if (!type) return unknown_layer(b, word);
    if (type == &fv_residual_layer) return parse_residual(b, word, from, name, depth, last);
    fv_layer *layer;
    if (type == &fv_dense_layer && !is_flat(b->net, from)) {
        FV_TRY(add_layer(b, &fv_flatten_layer, word, from, depth, &layer));
        FV_TRY(fv_flatten_layer.shape(b, layer));
        from = b->net->n_layers - 1;
    }
    FV_TRY(add_layer(b, type, word, from, depth, &layer));
    snprintf(layer->name, sizeof layer->name, "%s", name);
    FV_TRY(fv_text_arguments(&b->cursor, word, type->params, type->n_params, b->net->n_classes, layer->arg, b->error));
    *last = b->net->n_layers - 1;
    FV_TRY(type->shape(b, layer));
    if (type == &fv_conv_layer && fv_conv_window(layer).pad > 0 && is_flat(b->net, from))
        return fv_builder_fail(b, layer, "behind `flatten` or `dense` a convolution is 1x1, without pad");
    return FV_OK;
}

static fv_status parse_chain(fv_builder *b, int from, const char *prefix, int depth, int *last) {
    *last = from;
    for (int i = 0;; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.20s%d", prefix, i);
        FV_TRY(parse_layer(b, *last, name, depth, last));
        if (!fv_text_accept(&b->cursor, ",")) return FV_OK;
    }
}

fv_status fv_model_parse(fv_net *net, const char *text, fv_error *error) {
    fv_builder b = {net, {text, text, "model"}, error};
    net->layers = calloc(FV_MAX_LAYERS, sizeof *net->layers);
    net->tensors = calloc(FV_MAX_LAYERS * 4, sizeof *net->tensors);
    if (!net->layers || !net->tensors) return fv_fail(error, FV_E_MEMORY, "model: out of memory");
    int last;
    FV_TRY(parse_chain(&b, -1, "", 0, &last));
    fv_word rest = fv_text_peek(&b.cursor);
    if (rest.length)
        return fv_text_fail(&b.cursor, rest, error, "a comma or the end was expected before `%.*s`", rest.length,
                            rest.at);
    net->last_dense = -1;
    for (int i = 0; i < net->n_layers; i++)
        if (net->layers[i].type == &fv_dense_layer) net->last_dense = i;
    fv_layer *end = &net->layers[net->n_layers - 1];
    if (end->out.h != 1 || end->out.w != 1 || end->out.c != net->n_classes)
        return fv_builder_fail(&b, end,
                               "the model ends in %dx%dx%d numbers, the data has %d classes: end it in `dense "
                               "classes`",
                               end->out.h, end->out.w, end->out.c, net->n_classes);
    return FV_OK;
}

/* ---- layers to text ---- */

void fv_layer_print(const fv_layer *layer, char *out, size_t size) {
    if (layer->type->print)
        layer->type->print(layer, out, size);
    else
        snprintf(out, size, "%s", layer->type->word);
}

/* A residual's layers come before their sum; the part of the name behind its index tells where each stands. */
fv_status fv_model_print(fv_net *net) {
    size_t size = 64 * (size_t)net->n_layers + 64, used = 0;
    char *text = malloc(size);
    if (!text) return FV_E_MEMORY;
    bool open = false, in_shortcut = false, comma = false;
    text[0] = 0;
    for (int i = 0; i < net->n_layers; i++) {
        const fv_layer *layer = &net->layers[i];
        char call[60];
        if (!layer->name[0]) continue; /* implied flatten */
        const char *before = comma ? ", " : "";
        fv_layer_print(layer, call, sizeof call);
        if (layer->type == &fv_residual_layer) {
            used += (size_t)snprintf(text + used, size - used, " )");
            open = in_shortcut = false;
            comma = true;
            continue;
        }
        if (layer->depth && !open) {
            used += (size_t)snprintf(text + used, size - used, "%sresidual( ", before);
            open = true;
            before = "";
        } else if (layer->depth && !in_shortcut && strstr(layer->name, ".shortcut.")) {
            in_shortcut = true;
            before = " | ";
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", before, call);
        comma = true;
    }
    net->text = text;
    return FV_OK;
}

/* ---- the summary ---- */

/* Layers that run as one with the layer before them. */
static bool joins(const fv_net *net, int index) {
    const fv_layer *layer = &net->layers[index];
    if (index == 0 || layer->from != index - 1 || layer->depth != net->layers[index - 1].depth) return false;
    const fv_layer_type *type = layer->type, *before = net->layers[index - 1].type;
    if (before == &fv_dropout_layer || before == &fv_dropout2d_layer || before == &fv_flatten_layer) return false;
    return type == &fv_relu_layer || type == &fv_max_pool_layer || type == &fv_norm_layer;
}

int fv_net_n_layers(const fv_net *net) {
    int n = 0;
    for (int i = 0; i < net->n_layers; i++) n += !joins(net, i) && net->layers[i].name[0] != 0;
    return n;
}

void fv_net_layer(const fv_net *net, int index, fv_layer_info *out) {
    int i = -1;
    for (int row = -1; row < index;) row += !joins(net, ++i) && net->layers[i].name[0] != 0;
    *out = (fv_layer_info){.depth = net->layers[i].depth};
    size_t used = 0;
    do {
        const fv_layer *layer = &net->layers[i];
        char call[60];
        fv_layer_print(layer, call, sizeof call);
        if (used < sizeof out->text)
            used += (size_t)snprintf(out->text + used, sizeof out->text - used, "%s%s", used ? " + " : "", call);
        out->out = layer->out;
        out->n_multiply_adds += layer->multiply_adds;
        for (int t = 0; t < layer->n_tensors; t++) {
            const fv_tensor_info *info = &net->tensors[layer->first_tensor + t].info;
            if (info->trained) out->n_weights += info->n;
        }
    } while (++i < net->n_layers && joins(net, i));
}
