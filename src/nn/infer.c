#include "nn/infer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"
#include "fovea/machine.h"
#include "nn/single.h"

/* ---- feeding ---- */

size_t fv_source_scratch(const fv_source *source) {
    if (!source->augment) return 0;
    return FV_LANES * fv_shape_size(source->images->shape) + FV_ALIGN + fv_augment_scratch(source->augment);
}

static size_t index_of(const fv_source *source, size_t position) {
    return source->order ? source->order[position] : position;
}

/* (pixel / 255 - mean) / std as pixel * scale + shift. */
static void normalisation(const fv_net *net, float *scale, float *shift) {
    for (int c = 0; c < net->input.c; c++) {
        scale[c] = 1 / (255 * net->std[c]);
        shift[c] = -net->mean[c] / net->std[c];
    }
}

void fv_source_feed(const fv_source *source, const fv_net *net, const fv_kernels *k, size_t position, int n_lanes,
                    void *scratch, const fv_map *x, fv_mixture *mixture) {
    const uint8_t *image[FV_LANES];
    float scale[FV_MAX_CHANNELS], shift[FV_MAX_CHANNELS];
    size_t size = fv_shape_size(source->images->shape);
    uint8_t *changed = scratch, *rest = changed + (FV_LANES * size + FV_ALIGN - 1) / FV_ALIGN * FV_ALIGN;
    for (int l = 0; l < FV_LANES; l++) {
        size_t at = position + (size_t)(l < n_lanes ? l : 0);
        image[l] = source->images->pixels + index_of(source, at) * size;
        if (!source->augment) continue;
        fv_augment_apply(source->augment, source->seed, source->epoch, (uint32_t)at, image[l],
                         changed + (size_t)l * size, rest);
        image[l] = changed + (size_t)l * size;
    }
    if (mixture)
        fv_augment_mix(source->augment, source->seed, source->epoch, (uint32_t)position, n_lanes, changed, mixture,
                       rest);
    normalisation(net, scale, shift);
    k->feed(image, scale, shift, x);
}

void fv_source_labels(const fv_source *source, size_t position, int n_lanes, uint16_t label[FV_LANES]) {
    for (int l = 0; l < FV_LANES; l++)
        label[l] = source->images->labels[index_of(source, position + (size_t)(l < n_lanes ? l : 0))];
}

void fv_source_prefetch(const fv_source *source, size_t position, size_t n) {
    size_t size = fv_shape_size(source->images->shape);
    if (size > 4096) return; /* the processor's own streams do better */
    for (size_t i = 0; i < n; i++) {
        const uint8_t *image = source->images->pixels + index_of(source, position + i) * size;
        for (size_t at = 0; at < size + 63; at += 64) __builtin_prefetch(image + at, 0, 2);
    }
}

/* ---- inference ---- */

enum { FEW = 4 }; /* images that are faster one by one than as a block of sixteen */

struct fv_runner {
    fv_net *net;
    fv_plan *plan;
    fv_single *single; /* or NULL */
    fv_team *team;
    int n_threads;
    float **memory, **probabilities; /* [n_threads]: a block's memory; [n_classes][16] */
    void **feed_scratch;             /* [n_threads] */
    float *packed;
};

typedef struct job {
    const fv_runner *runner;
    const fv_source *source;
    const fv_sink *sink;
    size_t n;
    atomic_size_t next; /* the next block to be taken */
    atomic_bool wild;   /* an image's logits or loss are not finite */
} job;

/* Lanes of `map` to rows of `out`: out[l][i] = map[i][lane l]. The map is flat or has its pixels in raster order. */
static void store_rows(const fv_map *map, int n_lanes, float *out) {
    size_t n = (size_t)map->c * (size_t)map->h * (size_t)map->w, i = 0;
    for (int c = 0; c < map->c; c++)
        for (int h = 0; h < map->h; h++)
            for (int w = 0; w < map->w; w++, i++) {
                const float *at = map->at + c * map->plane + h * map->row + w * FV_LANES;
                for (int l = 0; l < n_lanes; l++) out[(size_t)l * n + i] = at[l];
            }
}

static bool all_finite(const fv_map *z, int n_lanes) {
    float sum = 0; /* of x * 0: 0, or NaN for good */
    for (int k = 0; k < z->c; k++)
        for (int l = 0; l < n_lanes; l++) sum += z->at[k * FV_LANES + l] * 0;
    return sum == 0;
}

static bool store_predictions(const job *j, const float *z, size_t position, int n_lanes, float *p) {
    const fv_net *net = j->runner->net;
    uint16_t label[FV_LANES], best[FV_LANES];
    float loss[FV_LANES];
    fv_source_labels(j->source, position, n_lanes, label);
    j->runner->plan->k->softmax_loss(net->n_classes, z, label, n_lanes, 0, 1, NULL, p, loss, best);
    for (int l = 0; l < n_lanes; l++)
        j->sink->predictions[position + (size_t)l] =
            (fv_prediction){(uint32_t)index_of(j->source, position + (size_t)l),
                            label[l],
                            best[l],
                            p[label[l] * FV_LANES + l],
                            p[best[l] * FV_LANES + l],
                            loss[l]};
    float sum = 0;
    for (int l = 0; l < n_lanes; l++) sum += loss[l] * 0;
    return sum == 0;
}

/* Results of the block's first lanes to where they are wanted. */
static void store(job *j, size_t position, int n_lanes, const fv_block *block, float *p) {
    const fv_plan *plan = j->runner->plan;
    const fv_net *net = j->runner->net;
    fv_map z = fv_plan_data(plan, plan->logits, block), f = fv_plan_data(plan, plan->features, block);
    if (j->sink->logits) store_rows(&z, n_lanes, j->sink->logits + position * (size_t)net->n_classes);
    if (j->sink->features) store_rows(&f, n_lanes, j->sink->features + position * (size_t)fv_net_n_features(net));
    bool finite = all_finite(&z, n_lanes);
    if (j->sink->predictions) finite = store_predictions(j, z.at, position, n_lanes, p) && finite;
    if (!finite) atomic_store(&j->wild, true);
}

/* One image, with its pixels in the lanes; the results go to lane 0 of a block, as if it had been alone there. */
static void infer_one(job *j, size_t position) {
    const fv_runner *r = j->runner;
    const fv_plan *plan = r->plan;
    float scale[FV_MAX_CHANNELS], shift[FV_MAX_CHANNELS];
    const float *logits, *features;
    fv_block block = {.memory = r->memory[0], .n_lanes = 1};
    fv_map z = fv_plan_data(plan, plan->logits, &block), f = fv_plan_data(plan, plan->features, &block);
    normalisation(r->net, scale, shift);
    fv_single_run(r->single, j->source->images->pixels + index_of(j->source, position) * fv_shape_size(r->net->input),
                  scale, shift, &logits, &features);
    for (int i = 0; i < f.c; i++) f.at[i * FV_LANES] = features[i];
    for (int i = 0; i < z.c; i++) z.at[i * FV_LANES] = logits[i];
    store(j, position, 1, &block, r->probabilities[0]);
}

static void infer_block(job *j, size_t index, int thread) {
    const fv_runner *r = j->runner;
    const fv_plan *plan = r->plan;
    size_t position = index * FV_LANES;
    int n_lanes = j->n - position < FV_LANES ? (int)(j->n - position) : FV_LANES;
    fv_block block = {.memory = r->memory[thread], .packed = r->packed, .n_lanes = n_lanes};
    fv_map x = fv_plan_data(plan, 0, &block);
    fv_source_feed(j->source, r->net, plan->k, position, n_lanes, r->feed_scratch[thread], &x, NULL);
    fv_plan_forward(plan, 0, &block, 1);
    store(j, position, n_lanes, &block, r->probabilities[thread]);
}

static void work(void *context, int thread, int n_threads) {
    job *j = context;
    (void)n_threads;
    size_t n_blocks = (j->n + FV_LANES - 1) / FV_LANES, index;
    while ((index = atomic_fetch_add(&j->next, 1)) < n_blocks) infer_block(j, index, thread);
}

/* A plan may train its net; one that infers does not change it. */
static fv_net *unconst(const fv_net *net) {
    union {
        const fv_net *in;
        fv_net *out;
    } at = {.in = net};
    return at.out;
}

static fv_status allocate(fv_runner *r, size_t scratch_bytes) {
    size_t n = (size_t)r->n_threads;
    r->memory = calloc(n, sizeof *r->memory);
    r->probabilities = calloc(n, sizeof *r->probabilities);
    r->feed_scratch = calloc(n, sizeof *r->feed_scratch);
    r->packed = fv_alloc(r->plan->packed_size + 16, sizeof *r->packed);
    if (!r->memory || !r->probabilities || !r->feed_scratch || !r->packed) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        r->memory[i] = fv_alloc(r->plan->memory_size + 16, sizeof **r->memory);
        r->probabilities[i] = fv_alloc((size_t)r->net->n_classes * FV_LANES, sizeof **r->probabilities);
        r->feed_scratch[i] = fv_alloc(scratch_bytes + 1, 1);
        if (!r->memory[i] || !r->probabilities[i] || !r->feed_scratch[i]) return FV_E_MEMORY;
    }
    return FV_OK;
}

static fv_status runner_create(const fv_net *net, int n_threads, size_t scratch_bytes, fv_runner **out) {
    fv_runner *r = calloc(1, sizeof *r);
    if (!r) return FV_E_MEMORY;
    r->net = unconst(net);
    r->n_threads = n_threads;
    fv_status status = fv_plan_create(r->net, FV_INFER, 1, &r->plan);
    if (status == FV_OK) status = allocate(r, scratch_bytes);
    if (status == FV_OK) status = fv_team_create(n_threads, &r->team);
    if (status != FV_OK) {
        fv_runner_destroy(r);
        return status;
    }
    fv_plan_prepare(r->plan, r->packed);
    r->single = fv_single_create(r->plan);
    *out = r;
    return FV_OK;
}

fv_status fv_runner_create(const fv_net *net, int n_threads, fv_runner **out) {
    return runner_create(net, n_threads > 0 ? n_threads : fv_processors(), 0, out);
}

static void free_each(float **at, int n) {
    for (int i = 0; at && i < n; i++) free(at[i]);
    free(at);
}

void fv_runner_destroy(fv_runner *r) {
    if (!r) return;
    free_each(r->memory, r->n_threads);
    free_each(r->probabilities, r->n_threads);
    for (int i = 0; r->feed_scratch && i < r->n_threads; i++) free(r->feed_scratch[i]);
    free(r->feed_scratch);
    free(r->packed);
    fv_team_destroy(r->team);
    fv_single_destroy(r->single);
    fv_plan_destroy(r->plan);
    free(r);
}

/* One block needs nobody to be woken. */
static fv_status run(const fv_runner *r, const fv_source *source, size_t n, const fv_sink *sink) {
    job j = {.runner = r, .source = source, .sink = sink, .n = n};
    if (n <= FEW && r->single && !source->augment)
        for (size_t i = 0; i < n; i++) infer_one(&j, i);
    else if (n <= FV_LANES)
        work(&j, 0, 1);
    else
        fv_team_run(r->team, work, &j);
    return atomic_load(&j.wild) ? FV_E_DIVERGED : FV_OK;
}

fv_status fv_infer(const fv_net *net, const fv_source *source, size_t n, int n_threads, const fv_sink *sink) {
    fv_runner *runner;
    size_t n_blocks = (n + FV_LANES - 1) / FV_LANES;
    if (n_threads <= 0) n_threads = fv_processors();
    if ((size_t)n_threads > n_blocks) n_threads = n_blocks ? (int)n_blocks : 1;
    FV_TRY(runner_create(net, n_threads, fv_source_scratch(source), &runner));
    fv_status status = run(runner, source, n, sink);
    fv_runner_destroy(runner);
    return status;
}

fv_status fv_net_infer(const fv_net *net, const fv_images *images, const fv_indices *indices, int n_threads,
                       float *logits, float *features) {
    if (!fv_shape_equal(net->input, images->shape)) return FV_E_SHAPE;
    fv_source source = {.images = images, .order = indices ? indices->at : NULL};
    fv_sink sink = {.logits = logits, .features = features};
    return fv_infer(net, &source, indices ? indices->n : images->n, n_threads, &sink);
}

fv_status fv_runner_infer(fv_runner *runner, const fv_images *images, const fv_indices *indices, float *logits,
                          float *features) {
    if (!fv_shape_equal(runner->net->input, images->shape)) return FV_E_SHAPE;
    fv_source source = {.images = images, .order = indices ? indices->at : NULL};
    fv_sink sink = {.logits = logits, .features = features};
    return run(runner, &source, indices ? indices->n : images->n, &sink);
}

fv_status fv_net_first_response(const fv_net *net, const uint8_t *image, fv_shape *shape, float *out) {
    const fv_layer *first = &net->layers[0];
    if (first->type != &fv_conv_layer) return FV_E_SHAPE;
    *shape = first->out;
    if (!out) return FV_OK;
    fv_window f = fv_conv_window(first);
    const float *w = fv_layer_data(net, first, 0), *bias = fv_layer_data(net, first, 1);
    fv_shape in = net->input;
    for (int k = 0; k < shape->c; k++)
        for (int p = 0; p < shape->h; p++)
            for (int q = 0; q < shape->w; q++) {
                double sum = bias[k];
                for (int t = 0; t < in.c * f.r * f.s; t++) {
                    int c = t / (f.r * f.s), h = p * f.stride - f.pad + t / f.s % f.r;
                    int v = q * f.stride - f.pad + t % f.s;
                    if (h < 0 || h >= in.h || v < 0 || v >= in.w) continue;
                    double x = (image[(c * in.h + h) * in.w + v] / 255.0 - net->mean[c]) / net->std[c];
                    sum += x * w[k * in.c * f.r * f.s + t];
                }
                out[(k * shape->h + p) * shape->w + q] = (float)sum;
            }
    return FV_OK;
}
