/* An export held against its net: read back, evaluated in double precision, compared. */
#include <math.h>
#include <stdlib.h>

#include "formats/c_source.h"
#include "formats/files.h"
#include "formats/graph.h"
#include "formats/npz.h"
#include "formats/onnx_read.h"
#include "fovea/export.h"

/* Reads the file into a graph. */
static fv_status read_back(const fv_net *net, const char *path, fv_export_format format, fv_graph **out,
                           fv_error *error) {
    fv_net *found;
    if (format == FV_EXPORT_ONNX) return fv_onnx_read(path, out, error);
    if (format == FV_EXPORT_NPZ)
        FV_TRY(fv_npz_read_net(path, net, &found, error));
    else
        FV_TRY(fv_net_load(path, &found, NULL, error));
    fv_status status = fv_graph_of_net(found, out);
    fv_net_destroy(found);
    return status == FV_OK ? FV_OK : fv_fail(error, status, "%s: %s", fv_path_shown(path), fv_status_text(status));
}

static int best_of(const double *logits, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* One image: logits of the net and of the export. */
static void compare(const float *a, const double *b, int n_classes, int truth, fv_agreement *out) {
    int best = 0, other = best_of(b, n_classes);
    for (int i = 0; i < n_classes; i++) {
        double difference = fabs((double)a[i] - b[i]);
        if (difference > out->largest_difference) out->largest_difference = difference;
        if (fabs((double)a[i]) > out->largest_logit) out->largest_logit = fabs((double)a[i]);
        if (a[i] > a[best]) best = i;
    }
    out->n++;
    out->n_same += best == other;
    out->n_correct_net += best == truth;
    out->n_correct_file += other == truth;
}

typedef struct logits {
    float *net;   /* [n][n_classes] */
    double *file; /* likewise */
} logits;

static fv_status infer_file(const fv_net *net, const char *path, fv_export_format format, const fv_images *images,
                            const fv_indices *indices, int n_threads, double *out, fv_error *error) {
    int n_classes = fv_net_n_classes(net);
    if (format == FV_EXPORT_C) return fv_c_run(path, images, indices, n_classes, out, error);
    fv_graph *graph;
    FV_TRY(read_back(net, path, format, &graph, error));
    fv_shape y = fv_graph_shape(graph, graph->n_steps);
    fv_status status = FV_E_SHAPE;
    if (y.c == n_classes && y.h == 1 && y.w == 1) status = fv_graph_infer(graph, images, indices, n_threads, out);
    fv_graph_destroy(graph);
    return status == FV_OK ? FV_OK : fv_fail(error, status, "%s: %s", fv_path_shown(path), fv_status_text(status));
}

static fv_status infer(const fv_net *net, const char *path, fv_export_format format, const fv_images *images,
                       const fv_indices *indices, int n_threads, logits *out, fv_error *error) {
    size_t n = (indices ? indices->n : images->n) * (size_t)fv_net_n_classes(net);
    out->net = malloc(n * sizeof *out->net + 1);
    out->file = malloc(n * sizeof *out->file + 1);
    fv_status status = out->net && out->file ? FV_OK : FV_E_MEMORY;
    if (status == FV_OK) status = fv_net_infer(net, images, indices, n_threads, out->net, NULL);
    if (status != FV_OK) return fv_fail(error, status, "%s: %s", fv_path_shown(path), fv_status_text(status));
    FV_TRY(infer_file(net, path, format, images, indices, n_threads, out->file, error));
    for (size_t i = 0; i < n; i++)
        if (!isfinite(out->file[i]))
            return fv_fail(error, FV_E_DIVERGED, "%s: a logit that it computes is not a finite number",
                           fv_path_shown(path));
    return FV_OK;
}

fv_status fv_export_verify(const fv_net *net, const char *path, fv_export_format format, const fv_images *images,
                           const fv_indices *indices, int n_threads, fv_agreement *out, fv_error *error) {
    logits at = {0};
    fv_status status = infer(net, path, format, images, indices, n_threads, &at, error);
    if (status == FV_OK) {
        *out = (fv_agreement){0};
        size_t n = indices ? indices->n : images->n, n_classes = (size_t)fv_net_n_classes(net);
        for (size_t i = 0; i < n; i++)
            compare(at.net + i * n_classes, at.file + i * n_classes, (int)n_classes,
                    images->labels[indices ? indices->at[i] : i], out);
    }
    free(at.net);
    free(at.file);
    return status;
}
