/* Any bytes as an ONNX file; what is read can be run. */
#include "fuzz.h"

#include "formats/onnx_read.h"
#include "fovea/export.h"

const unsigned fuzz_rounds = 200000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t pixels[1 << 16];
    fv_graph *graph = NULL;
    fv_error error = {FV_OK, ""};
    fv_status status = fv_onnx_parse("x", data, size, &graph, &error);
    if (status != FV_OK) {
        FUZZ_NEED(status == FV_E_DATA && error.code == status && strncmp(error.message, "x: ", 3) == 0);
        return 0;
    }
    size_t n = fv_graph_memory(graph), work = 0;
    for (int i = 0; i < graph->n_steps; i++) {
        const fv_step *s = &graph->steps[i];
        size_t outputs = (size_t)s->y.c * (size_t)s->y.h * (size_t)s->y.w;
        work +=
            outputs * (1 + (s->bias ? s->n_weights / (size_t)s->y.c : 0)) + outputs * (size_t)(s->rows * s->columns);
    }
    fv_shape in = graph->input;
    if (n < 1 << 16 && work < 1 << 20 && (size_t)in.c * (size_t)in.h * (size_t)in.w <= sizeof pixels) {
        double *memory = malloc(n * sizeof *memory);
        FUZZ_NEED(memory != NULL);
        fv_graph_run(graph, pixels, memory);
        free(memory);
    }
    fv_graph_destroy(graph);
    return 0;
}

static bytes exported(const char *model, fv_onnx_input input) {
    char *directory = scratch_make();
    const char *path = scratch_path(directory, "x.onnx");
    fv_net *net;
    FUZZ_NEED(fv_net_create(model, (fv_shape){2, 6, 5}, 3, 0, 1, &net, NULL) == FV_OK);
    FUZZ_NEED(fv_export_onnx(net, path, NULL, input, NULL) == FV_OK);
    bytes out = bytes_read(path);
    fv_net_destroy(net);
    scratch_drop(directory);
    return out;
}

bytes fuzz_seed(int index) {
    static const char *const models[] = {
        "dense classes",
        "conv 2 3x3 pad 1, batchnorm, relu, maxpool 2, residual( conv 2 1x1 ), dense classes",
        "conv 3 3x3 stride 2 pad 1, avgpool 2, dense 4, conv classes 1x1, globalavgpool",
    };
    static bytes seeds[3];
    if (index >= 3) return (bytes){0};
    if (!seeds[index].at) seeds[index] = exported(models[index], index ? FV_ONNX_UINT8 : FV_ONNX_FLOAT);
    return bytes_copy(&seeds[index]);
}
