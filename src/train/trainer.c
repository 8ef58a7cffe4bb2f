#include "train/trainer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/philox.h"
#include "train/update.h"

enum {
    GROUP = 8,  /* blocks that run through a large layer together */
    PAUSED = -1 /* beside the values of fv_status */
};

/* ---- memory ---- */

static fv_status allocate_arrays(void **arrays, int n, size_t size_bytes) {
    for (int i = 0; i < n; i++)
        if (!(arrays[i] = fv_alloc(size_bytes, 1))) return FV_E_MEMORY;
    return FV_OK;
}

static fv_status allocate(fv_trainer *t, const fv_images *images) {
    const fv_plan *plan = t->plan;
    fv_source source = {.images = images, .augment = t->options->augment};
    t->n_memories = plan->n_cuts ? plan->n_blocks : t->max_threads;
    t->memory = calloc((size_t)t->n_memories, sizeof *t->memory);
    t->scratch = calloc((size_t)t->max_threads, sizeof *t->scratch);
    t->packed = calloc((size_t)t->max_threads, sizeof *t->packed);
    t->feed_scratch = calloc((size_t)t->max_threads, sizeof *t->feed_scratch);
    if (!t->memory || !t->scratch || !t->packed || !t->feed_scratch) return FV_E_MEMORY;
    fv_plan_scratch(t->plan, fv_update_scratch(plan));
    FV_TRY(allocate_arrays((void **)t->memory, t->n_memories, plan->memory_size * sizeof(float)));
    FV_TRY(allocate_arrays((void **)t->scratch, t->max_threads, plan->scratch_size * sizeof(float)));
    FV_TRY(allocate_arrays((void **)t->packed, t->max_threads, (plan->packed_size + 16) * sizeof(float)));
    FV_TRY(allocate_arrays(t->feed_scratch, t->max_threads, fv_source_scratch(&source)));
    t->slots = fv_alloc((size_t)plan->n_slots * plan->slot_size + 1, sizeof *t->slots);
    t->state1 = fv_alloc(t->n_weights, sizeof *t->state1);
    t->state2 = fv_alloc(t->n_weights, sizeof *t->state2);
    t->block_loss = fv_alloc((size_t)plan->n_blocks, sizeof *t->block_loss);
    t->block_correct = fv_alloc((size_t)plan->n_blocks, sizeof *t->block_correct);
    if (fv_augment_mixes(t->options->augment)) {
        t->mixtures = fv_alloc((size_t)plan->n_blocks, sizeof *t->mixtures);
        if (!t->mixtures) return FV_E_MEMORY;
    }
    if (t->options->ema > 0 && !(t->average = fv_alloc(t->n_weights, sizeof *t->average))) return FV_E_MEMORY;
    return t->slots && t->state1 && t->state2 && t->block_loss && t->block_correct ? FV_OK : FV_E_MEMORY;
}

fv_status fv_trainer_create(fv_net *net, const fv_train_options *options, const fv_images *images, int max_threads,
                            fv_trainer **out, fv_error *error) {
    fv_optimiser optimiser;
    fv_schedule schedule;
    FV_TRY(fv_optimiser_parse(options->optimizer, options->learning_rate, &optimiser, error));
    FV_TRY(fv_schedule_parse(options->schedule, options->epochs, &schedule, error));
    fv_trainer *t = calloc(1, sizeof *t);
    if (!t) return fv_fail(error, FV_E_MEMORY, "training: out of memory");
    t->net = net;
    t->options = options;
    t->optimiser = optimiser;
    t->schedule = schedule;
    t->n_weights = net->n_weights;
    t->max_threads = max_threads;
    fv_status status = fv_plan_create(net, FV_TRAIN, (options->batch + FV_LANES - 1) / FV_LANES, &t->plan);
    if (status == FV_OK) status = allocate(t, images);
    if (status != FV_OK) {
        fv_trainer_destroy(t);
        if (status == FV_E_SHAPE)
            return fv_fail(error, status,
                           "training: a layer has more numbers than 2^31 for 16 images: fewer channels or "
                           "smaller images would need less");
        return fv_fail(error, status, "training: out of memory: a smaller batch or model would need less");
    }
    fv_update_prepare(t->plan);
    if (t->average)
        for (size_t i = 0; i < t->n_weights; i++) t->average[i] = net->weights[i];
    *out = t;
    return FV_OK;
}

static void free_arrays(void **arrays, int n) {
    for (int i = 0; arrays && i < n; i++) free(arrays[i]);
    free(arrays);
}

void fv_trainer_destroy(fv_trainer *t) {
    if (!t) return;
    free_arrays((void **)t->memory, t->n_memories);
    free_arrays((void **)t->scratch, t->max_threads);
    free_arrays((void **)t->packed, t->max_threads);
    free_arrays(t->feed_scratch, t->max_threads);
    fv_plan_destroy(t->plan);
    free(t->slots);
    free(t->state1);
    free(t->state2);
    free(t->average);
    free(t->mixtures);
    free(t->block_loss);
    free(t->block_correct);
    free(t);
}

/* ---- an epoch ---- */

typedef struct run {
    fv_trainer *t;
    fv_team *team;
    const fv_source *source;
    size_t n, from; /* images of the epoch; those done before */
    int epoch;
    fv_epoch_sum sum;
    atomic_int stop; /* an fv_status, or PAUSED */
    double reported_s;
} run;

/* The batch in work: samples [first, first + n). */
typedef struct batch {
    size_t first, n;
    int n_blocks;
    float scale; /* of its images' losses: 1 / n, or 1 / the sum of their weights */
} batch;

/* A thread owns whole slots. */
typedef struct part {
    int thread, n_threads, slot_begin, slot_end;
    fv_profile *profile;
} part;

static fv_block block_of(const run *r, const batch *b, const part *p, int slot, int index) {
    const fv_trainer *t = r->t;
    int slot_begin, slot_end;
    fv_plan_slot(t->plan, slot, &slot_begin, &slot_end);
    size_t left = b->n - (size_t)index * FV_LANES;
    return (fv_block){.memory = t->memory[t->plan->n_cuts ? index : p->thread],
                      .scratch = t->scratch[p->thread],
                      .packed = t->packed[p->thread],
                      .slot = t->slots + (size_t)slot * t->plan->slot_size,
                      .add = index > slot_begin,
                      .index = index,
                      .n_lanes = left < FV_LANES ? (int)left : FV_LANES,
                      .seed0 = fv_philox_key0(t->options->seed),
                      .epoch = (uint32_t)r->epoch,
                      .position = (uint32_t)(b->first + (size_t)index * FV_LANES),
                      .profile = p->profile};
}

static void feed(const run *r, const batch *b, const part *p, const fv_block *block) {
    const fv_trainer *t = r->t;
    fv_map x = fv_plan_data(t->plan, 0, block);
    size_t position = b->first + (size_t)block->index * FV_LANES;
    fv_source_feed(r->source, t->net, t->plan->k, position, block->n_lanes, t->feed_scratch[p->thread], &x,
                   t->mixtures ? &t->mixtures[block->index] : NULL);
    size_t next = position + FV_LANES; /* for the next block, of this thread or another */
    if (next < r->n) fv_source_prefetch(r->source, next, r->n - next < FV_LANES ? r->n - next : FV_LANES);
    fv_profile_lap(p->profile, FV_PART_FEED);
}

/* A mixed image counts as the class of its larger part. */
static uint16_t counted_label(const fv_mixture *mixture, const uint16_t *label, int l) {
    return mixture && mixture->share[l] < 0.5F ? label[mixture->partner[l]] : label[l];
}

/* One over what the losses of a batch are divided by: its images, or their weights. As PyTorch divides by the images
 * wherever targets are probabilities, so do batches of mixed images. Every thread finds the same. */
static float scale_of(const run *r, size_t first, size_t n) {
    const float *weights = r->t->options->class_weights;
    if (!weights || r->t->mixtures) return 1 / (float)n;
    double sum = 0;
    for (size_t i = 0; i < n; i += FV_LANES) {
        uint16_t label[FV_LANES];
        int n_lanes = n - i < FV_LANES ? (int)(n - i) : FV_LANES;
        fv_source_labels(r->source, first + i, n_lanes, label);
        for (int l = 0; l < n_lanes; l++) sum += (double)weights[label[l]];
    }
    return (float)(1 / sum);
}

static void loss(const run *r, const batch *b, const fv_block *block) {
    const fv_trainer *t = r->t;
    const fv_mixture *mixture = t->mixtures ? &t->mixtures[block->index] : NULL;
    const float smoothing = (float)t->options->label_smoothing, scale = b->scale;
    uint16_t label[FV_LANES], best[FV_LANES];
    float losses[FV_LANES];
    fv_source_labels(r->source, b->first + (size_t)block->index * FV_LANES, block->n_lanes, label);
    fv_map z = fv_plan_data(t->plan, t->plan->logits, block), dz = fv_plan_gradient(t->plan, t->plan->logits, block);
    t->plan->k->softmax_loss(t->net->n_classes, z.at, label, block->n_lanes, smoothing, scale, dz.at, NULL, losses,
                             best);
    if (mixture) fv_loss_mix(mixture, label, block->n_lanes, smoothing, scale, z.at, dz.at, losses);
    if (t->options->class_weights)
        fv_loss_weigh(t->options->class_weights, t->net->n_classes, mixture, label, block->n_lanes, smoothing, scale,
                      dz.at);
    double sum = 0;
    int correct = 0;
    for (int l = 0; l < block->n_lanes; l++) {
        sum += losses[l];
        correct += best[l] == counted_label(mixture, label, l);
    }
    t->block_loss[block->index] = sum;
    t->block_correct[block->index] = correct;
    fv_profile_lap(block->profile, FV_PART_LOSS);
}

/* What n blocks do within a segment, there or back. */
static void run_group(const run *r, const batch *b, const part *p, const fv_block *blocks, int n, int segment,
                      bool back) {
    const fv_plan *plan = r->t->plan;
    if (back) {
        fv_plan_backward(plan, segment, blocks, n);
        return;
    }
    for (int i = 0; segment == 0 && i < n; i++) feed(r, b, p, &blocks[i]);
    fv_plan_forward(plan, segment, blocks, n);
    if (segment < plan->n_cuts) return;
    for (int i = 0; i < n; i++) loss(r, b, &blocks[i]);
    fv_plan_backward(plan, segment, blocks, n);
}

static void run_blocks(const run *r, const batch *b, const part *p, int segment, bool back) {
    fv_block group[GROUP];
    int n = 0, most = fv_plan_is_large(r->t->plan, segment) ? GROUP : 1;
    for (int slot = p->slot_begin; slot < p->slot_end; slot++) {
        int begin, end;
        fv_plan_slot(r->t->plan, slot, &begin, &end);
        for (int i = begin; i < end && i < b->n_blocks; i++) {
            group[n++] = block_of(r, b, p, slot, i);
            if (n < most) continue;
            run_group(r, b, p, group, n, segment, back);
            n = 0;
        }
    }
    if (n) run_group(r, b, p, group, n, segment, back);
}

typedef struct meeting {
    const fv_plan *plan;
    int cut, n_blocks;
    size_t n;
    bool back;
    fv_profile *profile;
} meeting;

static void meet(void *context) {
    const meeting *m = context;
    fv_profile_lap(m->profile, FV_PART_WAIT);
    if (m->back)
        fv_plan_meet_backward(m->plan, m->cut, m->n, m->n_blocks);
    else
        fv_plan_meet_forward(m->plan, m->cut, m->n, m->n_blocks);
    fv_profile_lap(m->profile, fv_part_of(m->plan->cuts[m->cut], m->back));
}

static void meet_all(const run *r, meeting *m) {
    fv_team_meet(r->team, meet, m);
    fv_profile_lap(m->profile, FV_PART_WAIT);
}

static void barrier(const run *r, const part *p) {
    fv_team_barrier(r->team);
    fv_profile_lap(p->profile, FV_PART_WAIT);
}

/* Forward to the loss and back again, all blocks of this thread, meeting the others at the cuts. */
static void run_batch(const run *r, const batch *b, const part *p) {
    const fv_plan *plan = r->t->plan;
    meeting m = {plan, 0, b->n_blocks, b->n, false, p->profile};
    for (int segment = 0; segment <= plan->n_cuts; segment++) {
        run_blocks(r, b, p, segment, false);
        m.cut = segment;
        if (segment < plan->n_cuts && fv_plan_meets(plan, segment)) meet_all(r, &m);
    }
    m.back = true;
    for (int segment = plan->n_cuts - 1; segment >= 0; segment--) {
        m.cut = segment;
        if (fv_plan_meets(plan, segment)) meet_all(r, &m);
        run_blocks(r, b, p, segment, true);
    }
}

static bool batch_is_finite(const fv_trainer *t, const batch *b) {
    double sum = 0;
    for (int i = 0; i < b->n_blocks; i++) sum += t->block_loss[i];
    return sum - sum == 0;
}

/* Thread 0, between the batch and the next: sums, progress, the question whether to go on. */
static void account(run *r, const batch *b) {
    fv_trainer *t = r->t;
    const fv_train_options *o = t->options;
    for (int i = 0; i < b->n_blocks; i++) {
        r->sum.loss += t->block_loss[i];
        r->sum.correct += (size_t)t->block_correct[i];
    }
    r->sum.n += b->n;
    if (o->state_due && o->state_due(o->context)) atomic_store(&r->stop, PAUSED);
    if (o->cancelled && o->cancelled(o->context)) atomic_store(&r->stop, FV_E_INTERRUPTED);
    if (!o->on_step) return;
    double now = fv_now();
    if (now - r->reported_s < 0.05) return;
    r->reported_s = now;
    o->on_step(o->context, r->epoch + 1, r->sum.n, r->n, r->sum.loss / (double)r->sum.n,
               (double)r->sum.correct / (double)r->sum.n);
}

static void epoch_work(void *context, int thread, int n_threads) {
    run *r = context;
    fv_trainer *t = r->t;
    part p = {.thread = thread, .n_threads = n_threads};
    fv_team_share(t->plan->n_slots, thread, n_threads, &p.slot_begin, &p.slot_end);
    size_t size = (size_t)t->options->batch, n_steps = (r->n + size - 1) / size;
    p.profile = t->profiles ? &t->profiles[thread] : NULL;
    if (p.profile) p.profile->last_s = fv_now();
    for (size_t step = (r->from + size - 1) / size; step < n_steps; step++) {
        batch b = {.first = step * size, .n = r->n - step * size};
        if (b.n > size) b.n = size;
        b.scale = scale_of(r, b.first, b.n);
        b.n_blocks = (int)((b.n + FV_LANES - 1) / FV_LANES);
        fv_plan_prepare(t->plan, t->packed[thread]);
        fv_profile_lap(p.profile, FV_PART_PACK);
        run_batch(r, &b, &p);
        fv_share share = {thread, n_threads, p.slot_begin, p.slot_end, b.n_blocks};
        fv_update_fold(t, &share);
        fv_profile_lap(p.profile, FV_PART_UPDATE);
        barrier(r, &p);
        if (!batch_is_finite(t, &b)) { /* every thread comes to the same end */
            if (thread == 0) atomic_store(&r->stop, FV_E_DIVERGED);
            break;
        }
        double factor = fv_schedule_factor(&t->schedule, r->epoch, step, n_steps, t->options->epochs);
        fv_update(t, &share, t->optimiser.learning_rate * factor);
        if (thread == 0) account(r, &b);
        fv_profile_lap(p.profile, FV_PART_UPDATE);
        barrier(r, &p);
        if (thread == 0) t->steps_done++;
        fv_profile_step(p.profile);
        if (atomic_load_explicit(&r->stop, memory_order_relaxed) != FV_OK) break;
    }
}

void fv_trainer_continue(fv_trainer *trainer, fv_team *team, const fv_source *source, size_t n, int epoch,
                         fv_epoch_sum *sum) {
    run r = {.t = trainer,
             .team = team,
             .source = source,
             .n = n,
             .from = sum->n,
             .epoch = epoch,
             .sum = *sum,
             .reported_s = fv_now()};
    fv_team_run(team, epoch_work, &r);
    int stop = atomic_load(&r.stop);
    *sum = r.sum;
    sum->status = stop == PAUSED ? FV_OK : (fv_status)stop;
}

fv_epoch_sum fv_trainer_epoch(fv_trainer *trainer, fv_team *team, const fv_source *source, size_t n, int epoch) {
    fv_epoch_sum sum = {0};
    fv_trainer_continue(trainer, team, source, n, epoch, &sum);
    return sum;
}
