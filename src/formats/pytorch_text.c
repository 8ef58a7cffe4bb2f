/* Python that builds a net's module in PyTorch and loads its safetensors file, with torch alone. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/files.h"
#include "formats/json_text.h"
#include "fovea/export.h"
#include "nn/net.h"

typedef struct writing {
    const fv_net *net;
    FILE *out;
    int rank[FV_MAX_LAYERS + 1]; /* of value i: 4 images, 2 rows */
    bool dense, residual, image; /* classes that are needed */
} writing;

/* Layers that read images where rows come: PyTorch wants the 1x1 pixels written out. */
static const char *begin(writing *w, bool wants_image, int rank) {
    if (!wants_image || rank == 4) return "nn.";
    w->image = true;
    return "Image(nn.";
}

static void print_module(writing *w, const fv_layer *layer, int rank) {
    const fv_layer_type *type = layer->type;
    char p[32];
    bool image = type == &fv_conv_layer || type == &fv_max_pool_layer || type == &fv_avg_pool_layer ||
                 type == &fv_global_pool_layer;
    const char *nn = begin(w, image, rank), *end = *nn == 'I' ? ")" : "";
    if (type == &fv_conv_layer) {
        fv_window f = fv_conv_window(layer);
        fprintf(w->out, "%sConv2d%s(%d, %d, (%d, %d)", nn, end, layer->in.c, layer->out.c, f.r, f.s);
        if (f.stride > 1) fprintf(w->out, ", stride=%d", f.stride);
        if (f.pad > 0) fprintf(w->out, ", padding=%d", f.pad);
        fputc(')', w->out);
    } else if (type == &fv_dense_layer) {
        w->dense = true;
        fprintf(w->out, "Dense(%d, %d)", layer->in.c, layer->out.c);
    } else if (type == &fv_norm_layer) {
        fprintf(w->out, "nn.BatchNorm%dd(%d)", rank == 4 ? 2 : 1, layer->in.c);
    } else if (type == &fv_max_pool_layer || type == &fv_avg_pool_layer) {
        fprintf(w->out, "%s%s%s(%d)", nn, type == &fv_max_pool_layer ? "MaxPool2d" : "AvgPool2d", end,
                (int)layer->arg[0]);
    } else if (type == &fv_global_pool_layer) {
        fprintf(w->out, "%sAdaptiveAvgPool2d%s(1)", nn, end);
    } else if (type == &fv_dropout_layer || type == &fv_dropout2d_layer) {
        fv_text_number(p, sizeof p, layer->arg[0]);
        fprintf(w->out, "nn.Dropout%s(%s)", type == &fv_dropout_layer ? "" : "2d", p);
    } else {
        fprintf(w->out, "nn.%s()", type == &fv_relu_layer ? "ReLU" : "Flatten");
    }
}

static int rank_behind(const fv_layer *layer, int rank) {
    const fv_layer_type *type = layer->type;
    if (type == &fv_dense_layer || type == &fv_flatten_layer) return 2;
    bool image = type == &fv_conv_layer || type == &fv_max_pool_layer || type == &fv_avg_pool_layer ||
                 type == &fv_global_pool_layer;
    return image ? 4 : rank;
}

/* The layers of net->layers[i ...], as nn.Sequential's arguments; a residual's come before their sum. */
static void print_layers(writing *w) {
    bool open = false, in_shortcut = false, comma = false;
    for (int i = 0; i < w->net->n_layers; i++) {
        const fv_layer *layer = &w->net->layers[i];
        int rank = w->rank[layer->from + 1];
        w->rank[i + 1] = rank_behind(layer, rank);
        if (!layer->name[0]) { /* Dense flattens by itself */
            w->rank[i + 1] = rank;
            continue;
        }
        if (layer->type == &fv_residual_layer) {
            fputs(")})", w->out);
            open = in_shortcut = false;
            comma = true;
            continue;
        }
        bool shortcut = layer->depth && strstr(layer->name, ".shortcut.");
        if (layer->depth && !open) {
            w->residual = true;
            fprintf(w->out, "%sResidual({\"main\": nn.Sequential(", comma ? ", " : "");
            comma = false;
        } else if (shortcut && !in_shortcut) {
            fputs("), \"shortcut\": nn.Sequential(", w->out);
            comma = false;
        }
        open = layer->depth > 0;
        in_shortcut = shortcut;
        if (comma) fputs(", ", w->out);
        print_module(w, layer, rank);
        comma = true;
    }
    if (w->rank[w->net->n_layers] == 4) fputs(", nn.Flatten()", w->out);
}

static void print_classes(const writing *w, FILE *out) {
    const char *between = "";
    if (w->dense) {
        fputs("Dense = type(\"Dense\", (nn.Linear,), {\"forward\": lambda self, x: nn.Linear.forward(self, "
              "x.flatten(1))})",
              out);
        between = "; ";
    }
    if (w->residual) {
        fprintf(out,
                "%sResidual = type(\"Residual\", (nn.ModuleDict,), {\"forward\": lambda self, x: (y := "
                "self[\"main\"](x)) + (self[\"shortcut\"](x) if \"shortcut\" in self else x).reshape(y.shape)})",
                between);
        between = "; ";
    }
    if (w->image)
        fprintf(out,
                "%sImage = lambda kind: type(kind.__name__, (kind,), {\"forward\": lambda self, x: "
                "kind.forward(self, x[..., None, None])})",
                between);
    if (w->dense || w->residual || w->image) fputc('\n', out);
}

static void print_numbers(FILE *out, const float *values, int n) {
    if (n == 1) {
        fprintf(out, "%.9g", (double)values[0]);
        return;
    }
    fputs("torch.tensor([", out);
    for (int i = 0; i < n; i++) fprintf(out, "%s%.9g", i ? ", " : "", (double)values[i]);
    fputs("]).view(-1, 1, 1)", out);
}

/* All lines; `net` is the third. */
static void print_lines(const writing *w, const char *file, const char *net, FILE *out) {
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_net_normalisation(w->net, mean, std);
    fprintf(out,
            "import json, torch; from torch import nn; b = bytearray(open(%s, \"rb\").read()); n = 8 + "
            "int.from_bytes(b[:8], \"little\")\n",
            file);
    print_classes(w, out);
    fprintf(out, "net = nn.Sequential(%s).eval()\n", net);
    fputs("net.load_state_dict({k: torch.frombuffer(b[n + v[\"data_offsets\"][0]:n + v[\"data_offsets\"][1]], "
          "dtype=torch.float32).view(v[\"shape\"]) for k, v in json.loads(b[8:n]).items() if k != "
          "\"__metadata__\"})\n",
          out);
    fputs("logits = lambda pixels: net((pixels / 255 - ", out);
    print_numbers(out, mean, w->net->input.c);
    fputs(") / ", out);
    print_numbers(out, std, w->net->input.c);
    fputs(")\n", out);
}

fv_status fv_export_pytorch_text(const fv_net *net, const char *path, char **out, fv_error *error) {
    writing w = {.net = net, .rank = {4}};
    json_t *name = json_string(path);
    char *file = fv_json_text(name, JSON_ENCODE_ANY), *layers = NULL, *text = NULL;
    size_t size;
    json_decref(name);
    FILE *lines = NULL;
    bool good = file && (w.out = open_memstream(&layers, &size));
    if (good) {
        print_layers(&w);
        good = fclose(w.out) == 0 && (lines = open_memstream(&text, &size));
    }
    if (good) {
        print_lines(&w, file, layers, lines);
        good = fclose(lines) == 0;
    }
    free(file);
    free(layers);
    if (good)
        *out = text;
    else
        free(text);
    return good
               ? FV_OK
               : fv_fail(error, FV_E_MEMORY, "%s: not enough memory, or a name that is not UTF-8", fv_path_shown(path));
}
