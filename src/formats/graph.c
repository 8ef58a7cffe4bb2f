#include "formats/graph.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "data/images.h"

fv_graph *fv_graph_create(fv_shape input, int n_steps) {
    fv_graph *graph = calloc(1, sizeof *graph);
    fv_step *steps = calloc((size_t)n_steps + 1, sizeof *steps);
    if (!graph || !steps) {
        free(graph);
        free(steps);
        return NULL;
    }
    *graph = (fv_graph){.room = n_steps, .steps = steps, .input = input, .pixel = 1};
    return graph;
}

void fv_graph_destroy(fv_graph *graph) {
    if (!graph) return;
    for (int i = 0; i < graph->n_steps; i++) {
        free(graph->steps[i].weight);
        free(graph->steps[i].bias);
    }
    free(graph->steps);
    free(graph);
}

fv_step *fv_graph_add(fv_graph *graph, fv_step_kind kind, int in, fv_shape y, size_t n_weights, size_t n_bias) {
    if (graph->n_steps == graph->room) return NULL;
    fv_step *s = &graph->steps[graph->n_steps++];
    *s = (fv_step){.kind = kind, .in = in, .x = fv_graph_shape(graph, in), .y = y, .n_weights = n_weights};
    if (n_weights && !(s->weight = calloc(n_weights, sizeof *s->weight))) return NULL;
    if (n_bias && !(s->bias = calloc(n_bias, sizeof *s->bias))) return NULL;
    return s;
}

fv_shape fv_graph_shape(const fv_graph *graph, int value) {
    return value == 0 ? graph->input : graph->steps[value - 1].y;
}

/* ---- steps ---- */

/* The taps of one filter that lie inside the image, added to every output pixel. */
static void conv_plane(const fv_step *s, const double *x, const double *w, double *y) {
    for (int r = 0; r < s->rows; r++)
        for (int t = 0; t < s->columns; t++) {
            double tap = w[r * s->columns + t];
            for (int p = 0; p < s->y.h; p++) {
                int h = p * s->stride + r - s->pad;
                if (h < 0 || h >= s->x.h) continue;
                int begin = 0, end = s->y.w;
                while (begin < end && begin * s->stride + t - s->pad < 0) begin++;
                while (end > begin && (end - 1) * s->stride + t - s->pad >= s->x.w) end--;
                const double *row = x + h * s->x.w + t - s->pad;
                for (int q = begin; q < end; q++) y[p * s->y.w + q] += tap * row[q * s->stride];
            }
        }
}

static void run_conv(const fv_step *s, const double *x, double *y) {
    int n_x = s->x.h * s->x.w, n_y = s->y.h * s->y.w, taps = s->rows * s->columns;
    for (int k = 0; k < s->y.c; k++) {
        for (int i = 0; i < n_y; i++) y[k * n_y + i] = s->bias[k];
        for (int c = 0; c < s->x.c; c++)
            conv_plane(s, x + c * n_x, s->weight + ((size_t)k * (size_t)s->x.c + (size_t)c) * (size_t)taps,
                       y + k * n_y);
    }
}

static void run_dense(const fv_step *s, const double *x, double *y) {
    size_t n = fv_image_size(s->x);
    for (int k = 0; k < s->y.c; k++) {
        double sum = s->bias[k];
        for (size_t i = 0; i < n; i++) sum += s->weight[(size_t)k * n + i] * x[i];
        y[k] = sum;
    }
}

static void run_pool(const fv_step *s, const double *x, double *y) {
    for (int c = 0; c < s->y.c; c++)
        for (int p = 0; p < s->y.h; p++)
            for (int q = 0; q < s->y.w; q++) {
                const double *at = x + (c * s->x.h + p * s->stride) * s->x.w + q * s->stride;
                double most = at[0], sum = 0;
                for (int i = 0; i < s->rows; i++)
                    for (int j = 0; j < s->columns; j++) {
                        double v = at[i * s->x.w + j];
                        sum += v;
                        if (v > most) most = v;
                    }
                *y++ = s->kind == FV_STEP_MAX ? most : sum / (s->rows * s->columns);
            }
}

static void run_scale(const fv_step *s, const double *x, double *y) {
    int n = s->x.h * s->x.w;
    for (int c = 0; c < s->x.c; c++)
        for (int i = 0; i < n; i++) y[c * n + i] = x[c * n + i] * s->weight[c] + s->bias[c];
}

static void run_step(const fv_step *s, const double *x, const double *x2, double *y) {
    size_t n = fv_image_size(s->y);
    switch (s->kind) {
    case FV_STEP_SCALE:
        run_scale(s, x, y);
        break;
    case FV_STEP_CONV:
        run_conv(s, x, y);
        break;
    case FV_STEP_DENSE:
        run_dense(s, x, y);
        break;
    case FV_STEP_MAX:
    case FV_STEP_MEAN:
        run_pool(s, x, y);
        break;
    case FV_STEP_RELU:
        for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
        break;
    case FV_STEP_SUM:
        for (size_t i = 0; i < n; i++) y[i] = x[i] + x2[i];
        break;
    case FV_STEP_COPY:
        memcpy(y, x, n * sizeof *y);
        break;
    }
}

/* ---- the whole ---- */

size_t fv_graph_memory(const fv_graph *graph) {
    size_t n = fv_image_size(graph->input);
    for (int i = 0; i < graph->n_steps; i++) n += fv_image_size(graph->steps[i].y);
    return n;
}

double *fv_graph_value(const fv_graph *graph, double *memory, int value) {
    for (int i = 0; i < value; i++) memory += fv_image_size(fv_graph_shape(graph, i));
    return memory;
}

void fv_graph_run(const fv_graph *graph, const uint8_t *pixels, double *memory) {
    size_t n = fv_image_size(graph->input);
    for (size_t i = 0; i < n; i++) memory[i] = pixels[i] * graph->pixel;
    for (int i = 0; i < graph->n_steps; i++) {
        const fv_step *s = &graph->steps[i];
        run_step(s, fv_graph_value(graph, memory, s->in), fv_graph_value(graph, memory, s->in2),
                 fv_graph_value(graph, memory, i + 1));
    }
}

typedef struct job {
    const fv_graph *graph;
    const fv_images *images;
    const fv_indices *indices;
    size_t n;
    double *logits;
    atomic_size_t next;
    atomic_int failed;
} job;

static void work(void *context, int thread, int n_threads) {
    (void)thread;
    (void)n_threads;
    job *j = context;
    size_t size = fv_image_size(j->graph->input), n_out = fv_image_size(fv_graph_shape(j->graph, j->graph->n_steps));
    double *memory = fv_alloc(fv_graph_memory(j->graph), sizeof *memory);
    if (!memory) atomic_store(&j->failed, 1);
    while (!atomic_load(&j->failed)) {
        size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->n) break;
        fv_graph_run(j->graph, j->images->pixels + (j->indices ? j->indices->at[i] : i) * size, memory);
        memcpy(j->logits + i * n_out, fv_graph_value(j->graph, memory, j->graph->n_steps), n_out * sizeof *memory);
    }
    free(memory);
}

fv_status fv_graph_infer(const fv_graph *graph, const fv_images *images, const fv_indices *indices, int n_threads,
                         double *logits) {
    if (!fv_shape_equal(graph->input, images->shape)) return FV_E_SHAPE;
    job j = {
        .graph = graph, .images = images, .indices = indices, .n = indices ? indices->n : images->n, .logits = logits};
    fv_team *team;
    FV_TRY(fv_team_create(n_threads, &team));
    fv_team_run(team, work, &j);
    fv_team_destroy(team);
    return atomic_load(&j.failed) ? FV_E_MEMORY : FV_OK;
}
