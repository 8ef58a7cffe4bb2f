/* Training steps, in turns whole and part by part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/philox.h"
#include "bench/bench.h"
#include "fovea/bench.h"
#include "fovea/machine.h"
#include "nn/cost.h"
#include "train/trainer.h"

enum {
    TURNS = 12,
    FEWEST_TURNS = 3,
    FEWEST_STEPS = 3 /* in a turn */,
    MOST_STEPS = 20000,
    MOST_IMAGES = 60000,
    EPOCH_STEPS = 64
};
static const size_t most_image_bytes = (size_t)32 << 20, most_profile_bytes = (size_t)16 << 20;

typedef struct bench {
    fv_net *net;
    const fv_train_options *asked;
    fv_train_options options; /* asked, with our callback */
    fv_images images;
    fv_source source;
    uint32_t *order; /* [n_samples] */
    size_t n_samples;
    fv_trainer *trainer;
    fv_team *team;
    int n_threads, n_parts;
    fv_profile *profiles; /* [n_threads] */
    double *step_s;       /* [n_steps] of [MOST_STEPS]: whole steps, nothing measured inside */
    size_t n_steps;
    double turn_end_s, last_s; /* last_s 0: no step of this turn has ended */
    int steps_in_turn;
    bool whole, interrupted;
    double peak_flops;
    int epoch;
} bench;

/* Asked between steps. */
static bool step_ends(void *context) {
    bench *b = context;
    double now = fv_now();
    if (b->whole && b->last_s > 0 && b->n_steps < MOST_STEPS) b->step_s[b->n_steps++] = now - b->last_s;
    b->last_s = now;
    b->steps_in_turn++;
    if (b->asked->cancelled && b->asked->cancelled(b->asked->context)) b->interrupted = true;
    return b->interrupted || (b->steps_in_turn > FEWEST_STEPS && now >= b->turn_end_s);
}

/* As many images as would lie in memory, not in a cache; an epoch goes through them again and again where the batch is
 * large. */
static fv_status prepare_images(bench *b) {
    fv_shape shape = b->net->input;
    size_t n = most_image_bytes / fv_shape_size(shape), batch = (size_t)b->asked->batch;
    if (n > MOST_IMAGES) n = MOST_IMAGES;
    if (n < FV_LANES) n = FV_LANES;
    b->n_samples = batch * (n / batch > EPOCH_STEPS ? n / batch : EPOCH_STEPS);
    FV_TRY(fv_synthetic_images(shape, b->net->n_classes, n, b->asked->seed, &b->images));
    b->order = malloc(b->n_samples * sizeof *b->order);
    if (!b->order) return FV_E_MEMORY;
    for (size_t i = 0; i < b->n_samples; i++) b->order[i] = (uint32_t)(i % n);
    fv_shuffle(b->order, b->n_samples, b->asked->seed, FV_RANDOM_ORDER, 0, 0);
    b->source = (fv_source){&b->images, b->order, b->asked->augment, b->asked->seed, 0};
    return FV_OK;
}

static fv_status prepare_profiles(bench *b) {
    b->n_parts = FV_PART_OPERATIONS + 2 * b->trainer->plan->n_ops;
    size_t row = (size_t)b->n_parts * sizeof(double), n = most_profile_bytes / row;
    if (n > MOST_STEPS) n = MOST_STEPS;
    b->step_s = malloc(MOST_STEPS * sizeof *b->step_s);
    b->profiles = calloc((size_t)b->n_threads, sizeof *b->profiles);
    if (!b->step_s || !b->profiles) return FV_E_MEMORY;
    for (int t = 0; t < b->n_threads; t++) {
        b->profiles[t] = (fv_profile){.time_s = calloc(n, row), .n_parts = b->n_parts, .n_steps = n};
        if (!b->profiles[t].time_s) return FV_E_MEMORY;
    }
    return FV_OK;
}

static fv_status prepare(bench *b, fv_error *error) {
    b->options = *b->asked;
    b->options.cancelled = step_ends;
    b->options.context = b;
    b->options.on_step = NULL;
    b->n_threads = b->asked->threads > 0 ? b->asked->threads : fv_processors();
    FV_TRY(prepare_images(b));
    FV_TRY(fv_trainer_create(b->net, &b->options, &b->images, b->n_threads, &b->trainer, error));
    if (b->n_threads > b->trainer->plan->n_slots) b->n_threads = b->trainer->plan->n_slots;
    FV_TRY(fv_team_create(b->n_threads, &b->team));
    return prepare_profiles(b);
}

static fv_status run_turn(bench *b, double turn_s, bool whole) {
    double peak = fv_peak_sample(b->trainer->plan->k);
    if (peak > b->peak_flops) b->peak_flops = peak;
    b->whole = whole;
    b->trainer->profiles = whole ? NULL : b->profiles;
    b->steps_in_turn = 0;
    b->turn_end_s = fv_now() + turn_s;
    fv_status status = FV_OK;
    while (status == FV_OK) { /* until step_ends says so, over as many epochs as it takes */
        b->last_s = 0;
        b->source.epoch = (uint32_t)b->epoch++;
        status = fv_trainer_epoch(b->trainer, b->team, &b->source, b->n_samples, 0).status;
    }
    return status == FV_E_INTERRUPTED && !b->interrupted ? FV_OK : status;
}

static fv_status run_turns(bench *b, double time_s) {
    double end_s = fv_now() + time_s, turn_s = time_s / TURNS / 2;
    for (int turn = 0; turn < FEWEST_TURNS || fv_now() < end_s; turn++) {
        FV_TRY(run_turn(b, turn_s, true));
        FV_TRY(run_turn(b, turn_s, false));
    }
    return FV_OK;
}

/* ---- what came of it ---- */

typedef struct timed {
    double time_s;
    size_t step;
} timed;

static int by_time(const void *a, const void *b) {
    const timed *x = a, *y = b;
    return (x->time_s > y->time_s) - (x->time_s < y->time_s);
}

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The mean of the middle half of x[0..n); sorts. */
static double middle_mean(double *x, size_t n) {
    double sum = 0;
    size_t begin = n / 4, end = n - n / 4;
    qsort(x, n, sizeof *x, ascending);
    for (size_t i = begin; i < end; i++) sum += x[i] / (double)(end - begin);
    return sum;
}

/* mean[part] over the threads and over the middle half of the steps by duration, so that the parts add up to what such
 * a step takes. */
static fv_status average_parts(const bench *b, double *mean) {
    const fv_profile *first = &b->profiles[0];
    size_t n = first->step < first->n_steps ? first->step : first->n_steps, parts = (size_t)b->n_parts;
    timed *steps = calloc(n + 1, sizeof *steps);
    if (!steps) return FV_E_MEMORY;
    for (size_t s = 0; s < n; s++) {
        steps[s].step = s;
        for (int t = 0; t < b->n_threads; t++)
            for (size_t p = 0; p < parts; p++) steps[s].time_s += b->profiles[t].time_s[s * parts + p];
    }
    qsort(steps, n, sizeof *steps, by_time);
    size_t begin = n / 4, end = n - n / 4;
    for (size_t i = begin; i < end; i++)
        for (int t = 0; t < b->n_threads; t++)
            for (size_t p = 0; p < parts; p++)
                mean[p] +=
                    b->profiles[t].time_s[steps[i].step * parts + p] / (double)((end - begin) * (size_t)b->n_threads);
    free(steps);
    return FV_OK;
}

static void print_operation(const fv_net *net, const fv_op *op, fv_bench_operation *row) {
    size_t used = 0;
    for (int i = op->layer; i < op->out; i++) { /* value out is the output of layer out - 1 */
        char call[60];
        fv_layer_print(&net->layers[i], call, sizeof call);
        if (used < sizeof row->text)
            used += (size_t)snprintf(row->text + used, sizeof row->text - used, "%s%s", used ? " + " : "", call);
    }
    row->depth = net->layers[op->layer].depth;
    row->out = net->layers[op->out - 1].out;
}

static void add_cost(fv_bench_cost *sum, fv_cost cost, double time_s, size_t n_images, int n_blocks) {
    sum->time_s += time_s;
    sum->multiply_adds += (double)cost.multiply_adds * (double)n_images;
    sum->bytes += (double)cost.bytes * n_blocks;
}

/* A row per operation; batch norm's two are one. Operations that do nothing have none. */
static fv_status list_operations(const bench *b, const double *mean, fv_bench_training *out) {
    const fv_plan *plan = b->trainer->plan;
    out->operations = calloc((size_t)plan->n_ops + 1, sizeof *out->operations);
    if (!out->operations) return FV_E_MEMORY;
    for (int i = 0; i < plan->n_ops; i++) {
        const fv_op *op = &plan->ops[i];
        if (op->alias) continue;
        bool second = i > 0 && op->type == &fv_norm_apply_op && plan->ops[i - 1].type == &fv_norm_statistics_op;
        fv_bench_operation *row = &out->operations[second ? out->n_operations - 1 : out->n_operations++];
        if (!second) print_operation(b->net, op, row);
        add_cost(&row->forward, fv_op_forward_cost(plan, op), mean[fv_part_of(i, false)], (size_t)out->batch,
                 plan->n_blocks);
        add_cost(&row->backward, fv_op_backward_cost(plan, op), mean[fv_part_of(i, true)], (size_t)out->batch,
                 plan->n_blocks);
    }
    return FV_OK;
}

static fv_status sum_up(bench *b, fv_bench_training *out) {
    double *mean = calloc((size_t)b->n_parts, sizeof *mean);
    if (!mean) return FV_E_MEMORY;
    *out = (fv_bench_training){.threads = b->n_threads,
                               .batch = b->asked->batch,
                               .n_steps = b->n_steps,
                               .step_s = middle_mean(b->step_s, b->n_steps),
                               .peak_flops = b->peak_flops};
    fv_status status = average_parts(b, mean);
    if (status == FV_OK) status = list_operations(b, mean, out);
    out->feed_s = mean[FV_PART_FEED];
    out->loss_s = mean[FV_PART_LOSS];
    out->update_s = mean[FV_PART_UPDATE];
    out->pack_s = mean[FV_PART_PACK];
    out->wait_s = mean[FV_PART_WAIT];
    out->rest_s = out->step_s - out->feed_s - out->loss_s - out->update_s - out->pack_s - out->wait_s;
    for (int i = 0; i < out->n_operations; i++) {
        const fv_bench_operation *row = &out->operations[i];
        out->multiply_adds += row->forward.multiply_adds + row->backward.multiply_adds;
        out->rest_s -= row->forward.time_s + row->backward.time_s;
    }
    free(mean);
    return status;
}

static void deinit(bench *b) {
    fv_team_destroy(b->team);
    fv_trainer_destroy(b->trainer);
    for (int t = 0; b->profiles && t < b->n_threads; t++) free(b->profiles[t].time_s);
    free(b->profiles);
    free(b->step_s);
    free(b->order);
    fv_images_deinit(&b->images);
}

fv_status fv_bench_train(fv_net *net, const fv_train_options *options, double time_s, fv_bench_training *out,
                         fv_error *error) {
    FV_TRY(fv_train_check(options, error));
    bench b = {.net = net, .asked = options};
    fv_bench_training result = {0};
    fv_status status = prepare(&b, error);
    if (status == FV_OK) status = run_turns(&b, time_s);
    if (status == FV_OK) status = sum_up(&b, &result);
    deinit(&b);
    if (status == FV_OK)
        *out = result;
    else
        fv_bench_training_deinit(&result);
    if (status == FV_E_MEMORY) return fv_fail(error, status, "bench: out of memory");
    if (status == FV_E_DIVERGED)
        return fv_fail(error, status, "bench: the training diverged: loss or weights are not finite");
    if (status == FV_E_INTERRUPTED) return fv_fail(error, status, "interrupted");
    return status;
}

void fv_bench_training_deinit(fv_bench_training *training) {
    free(training->operations);
    training->operations = NULL;
    training->n_operations = 0;
}
