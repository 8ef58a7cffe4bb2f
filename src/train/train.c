#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/philox.h"
#include "data/images.h"
#include "fovea/machine.h"
#include "train/state.h"
#include "train/trainer.h"

enum { MAX_THREADS = 256, MAX_BATCH = 65536, MAX_EPOCHS = 100000 };

fv_train_options fv_train_defaults(void) {
    return (fv_train_options){.epochs = 10, .batch = 64, .optimizer = "adadelta", .schedule = "step 0.7", .seed = 1};
}

/* NaN fails every comparison, so it is outside too. */
static fv_status check_range(const char *name, double value, double low, double high, fv_error *error) {
    if (value >= low && value <= high) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "%s: %g is outside %g to %g", name, value, low, high);
}

fv_status fv_train_check(const fv_train_options *o, fv_error *error) {
    fv_optimiser optimiser;
    fv_schedule schedule;
    FV_TRY(check_range("epochs", o->epochs, 1, MAX_EPOCHS, error));
    FV_TRY(check_range("batch", o->batch, 1, MAX_BATCH, error));
    FV_TRY(check_range("learning rate", o->learning_rate, 0, 1e30, error));
    FV_TRY(check_range("label smoothing", o->label_smoothing, 0, 0.99, error));
    FV_TRY(check_range("ema", o->ema, 0, 0.999999, error));
    FV_TRY(check_range("patience", o->patience, 0, MAX_EPOCHS, error));
    FV_TRY(check_range("threads", o->threads, 0, MAX_THREADS, error));
    FV_TRY(fv_optimiser_parse(o->optimizer, o->learning_rate, &optimiser, error));
    return fv_schedule_parse(o->schedule, o->epochs, &schedule, error);
}

/* ---- a training ---- */

/* Weights and running statistics of a moment. */
typedef struct snapshot {
    float *weights, *statistics;
} snapshot;

typedef struct training {
    fv_net *net;
    const fv_images *images;
    const fv_indices *validation;
    const fv_train_options *options;
    fv_trainer *trainer;
    fv_team *team;
    uint32_t *order; /* [n] */
    size_t n;
    uint32_t *by_class;  /* [n]: the training images, class by class, where classes are drawn alike */
    size_t *begin;       /* [n_classes + 1] */
    int n_drawn;         /* classes that have images */
    snapshot last, best; /* of the last finished epoch; of the best, with patience */
    double best_loss;
    int epochs_since_best;
    int epoch;         /* the one under way, from 0 */
    fv_epoch_sum sum;  /* of it so far */
    double time_s;     /* of it so far */
    fv_epoch *history; /* [options->epochs], or NULL */
    fv_error *error;
} training;

static fv_status snapshot_init(snapshot *s, const fv_net *net) {
    s->weights = fv_alloc(net->n_weights + 16, sizeof(float));
    s->statistics = fv_alloc(net->n_statistics + 16, sizeof(float));
    return s->weights && s->statistics ? FV_OK : FV_E_MEMORY;
}

static void snapshot_deinit(snapshot *s) {
    free(s->weights);
    free(s->statistics);
}

static void snapshot_save(snapshot *s, const fv_net *net) {
    memcpy(s->weights, net->weights, net->n_weights * sizeof(float));
    memcpy(s->statistics, net->statistics, net->n_statistics * sizeof(float));
}

static void snapshot_restore(const snapshot *s, fv_net *net) {
    memcpy(net->weights, s->weights, net->n_weights * sizeof(float));
    memcpy(net->statistics, s->statistics, net->n_statistics * sizeof(float));
}

static int wanted_threads(const fv_train_options *o) {
    int n = o->threads_now ? o->threads_now(o->context) : o->threads;
    if (n <= 0) n = fv_processors();
    return n < MAX_THREADS ? n : MAX_THREADS;
}

static int max_threads(const fv_train_options *o) {
    int most = fv_processors();
    if (o->threads > most) most = o->threads;
    return most < MAX_THREADS ? most : MAX_THREADS;
}

/* Threads beyond the slots would have nothing to do. */
static fv_status gather_team(training *t) {
    int n = wanted_threads(t->options), slots = t->trainer->plan->n_slots, most = t->trainer->max_threads;
    if (n > slots) n = slots;
    if (n > most) n = most;
    if (t->team && fv_team_size(t->team) == n) return FV_OK;
    fv_team_destroy(t->team);
    t->team = NULL;
    return fv_team_create(n, &t->team);
}

static void swap_weights(training *t) { /* the averaged weights are the ones that are judged and kept */
    float *w = t->net->weights, *average = t->trainer->average;
    if (!average) return;
    for (size_t i = 0; i < t->net->n_weights; i++) {
        float x = w[i];
        w[i] = average[i];
        average[i] = x;
    }
}

static fv_status evaluate_epoch(training *t, fv_epoch *row) {
    row->validation_loss = row->validation_accuracy = NAN;
    if (!t->validation || t->validation->n == 0) return FV_OK;
    fv_score score;
    FV_TRY(fv_evaluate(t->net, t->images, t->validation, fv_team_size(t->team), NULL, 0, 0, &score, NULL));
    row->validation_loss = score.loss;
    row->validation_accuracy = (double)score.correct / (double)score.n;
    return FV_OK;
}

/* ---- the order of an epoch ---- */

/* An order of n images with replacement: a class, each alike, and then one of its images. */
static void draw_balanced(training *t, int epoch) {
    for (size_t i = 0; i < t->n; i++) {
        fv_words4 words = fv_philox(t->options->seed, FV_RANDOM_ORDER, (uint32_t)i, (uint32_t)epoch, 0, 1);
        int class = 0;
        for (uint32_t skip = fv_below(words.word[0], (uint32_t)t->n_drawn);; class ++) {
            bool here = t->begin[class + 1] > t->begin[class];
            if (here && skip-- == 0) break;
        }
        size_t begin = t->begin[class], n = t->begin[class + 1] - begin;
        t->order[i] = t->by_class[begin + fv_below(words.word[1], (uint32_t)n)];
    }
}

/* Groups the training images by class. */
static fv_status group(training *t) {
    size_t n_classes = (size_t)t->net->n_classes, at = 0;
    t->by_class = fv_alloc(t->n, sizeof *t->by_class);
    t->begin = fv_alloc(n_classes + 1, sizeof *t->begin);
    if (!t->by_class || !t->begin) return FV_E_MEMORY;
    for (size_t c = 0; c < n_classes; c++) {
        t->begin[c] = at;
        for (size_t i = 0; i < t->n; i++)
            if (t->images->labels[t->order[i]] == c) t->by_class[at++] = t->order[i];
        t->n_drawn += at > t->begin[c];
    }
    t->begin[n_classes] = at;
    return FV_OK;
}

/* The order in which epoch number `epoch` sees the images. */
static void draw_order(training *t, int epoch) {
    if (t->options->balanced)
        draw_balanced(t, epoch);
    else /* of the order of the epoch before */
        fv_shuffle(t->order, t->n, t->options->seed, FV_RANDOM_ORDER, (uint32_t)epoch, 0);
}

/* ---- its state, given away and taken back ---- */

static fv_status give_state(training *t) {
    if (!t->options->on_state) return FV_OK;
    const fv_trainer *r = t->trainer;
    const fv_net *net = t->net;
    const fv_train_state state = {.epoch = t->epoch,
                                  .n_done = t->sum.n,
                                  .loss = t->sum.loss,
                                  .n_correct = t->sum.correct,
                                  .time_s = t->time_s,
                                  .best_loss = t->best_loss,
                                  .epochs_since_best = t->epochs_since_best,
                                  .n_weights = net->n_weights,
                                  .n_statistics = net->n_statistics,
                                  .array = {net->weights, r->state1, r->state2, r->average, t->last.weights,
                                            t->best.weights, net->statistics, t->last.statistics, t->best.statistics},
                                  .history = t->history};
    return t->options->on_state(t->options->context, &state, t->error);
}

static void copy(float *to, const float *from, size_t n) {
    if (to && n) memcpy(to, from, n * sizeof *to);
}

/* The weights come before the trainer, which packs them; the rest behind. */
static void take_weights(training *t, const fv_train_state *state) {
    size_t n = t->net->n_weights, n_statistics = t->net->n_statistics;
    copy(t->net->weights, state->array[FV_STATE_WEIGHTS], n);
    copy(t->net->statistics, state->array[FV_STATE_STATISTICS], n_statistics);
    copy(t->last.weights, state->array[FV_STATE_LAST_WEIGHTS], n);
    copy(t->last.statistics, state->array[FV_STATE_LAST_STATISTICS], n_statistics);
    copy(t->best.weights, state->array[FV_STATE_BEST_WEIGHTS], n);
    copy(t->best.statistics, state->array[FV_STATE_BEST_STATISTICS], n_statistics);
}

static void take_rest(training *t, const fv_train_state *state) {
    size_t n = t->net->n_weights, batch = (size_t)t->options->batch, steps_per_epoch = (t->n + batch - 1) / batch;
    copy(t->trainer->state1, state->array[FV_STATE_OPTIMIZER1], n);
    copy(t->trainer->state2, state->array[FV_STATE_OPTIMIZER2], n);
    copy(t->trainer->average, state->array[FV_STATE_AVERAGE], n);
    t->trainer->steps_done = (size_t)state->epoch * steps_per_epoch + (state->n_done + batch - 1) / batch;
    t->epoch = state->epoch;
    t->sum = (fv_epoch_sum){.loss = state->loss, .n = state->n_done, .correct = state->n_correct};
    t->time_s = state->time_s;
    t->best_loss = state->best_loss;
    t->epochs_since_best = state->epochs_since_best;
    for (int i = 0; i < state->epoch; i++) t->history[i] = state->history[i];
    for (int i = 0; i < state->epoch; i++) draw_order(t, i);
}

/* ---- epochs ---- */

static bool is_finite(const training *t) {
    const fv_net *net = t->net;
    const fv_trainer *r = t->trainer;
    const fv_kernels *k = r->plan->k;
    return k->all_finite(net->n_weights, net->weights) && k->all_finite(net->n_statistics, net->statistics) &&
           k->all_finite(net->n_weights, r->state1) && k->all_finite(net->n_weights, r->state2);
}

/* The steps of the epoch under way that are left, with the pauses in which its state is given away. */
static fv_status run_steps(training *t) {
    FV_TRY(gather_team(t));
    draw_order(t, t->epoch);
    fv_source source = {t->images, t->order, t->options->augment, t->options->seed, (uint32_t)t->epoch};
    while (t->sum.n < t->n) {
        double start_s = fv_now();
        fv_trainer_continue(t->trainer, t->team, &source, t->n, t->epoch, &t->sum);
        t->time_s += fv_now() - start_s;
        if (t->sum.status == FV_E_DIVERGED || !is_finite(t)) return FV_E_DIVERGED;
        if (t->sum.n < t->n || t->sum.status != FV_OK) FV_TRY(give_state(t));
        FV_TRY(t->sum.status);
    }
    return FV_OK;
}

/* One epoch, judged. FV_E_DIVERGED and FV_E_INTERRUPTED leave the net as the header promises. */
static fv_status run_epoch(training *t, fv_epoch *row) {
    FV_TRY(run_steps(t));
    const fv_schedule *s = &t->trainer->schedule;
    double factor = fv_schedule_factor(s, t->epoch, 0, 1, t->options->epochs);
    *row = (fv_epoch){.epoch = t->epoch + 1,
                      .time_s = t->time_s,
                      .learning_rate = t->trainer->optimiser.learning_rate * factor,
                      .train_loss = t->sum.loss / (double)t->sum.n,
                      .train_accuracy = (double)t->sum.correct / (double)t->sum.n,
                      .images_per_s = (double)t->sum.n / t->time_s};
    swap_weights(t);
    fv_status status = evaluate_epoch(t, row);
    if (status == FV_OK) snapshot_save(&t->last, t->net);
    swap_weights(t);
    return status;
}

/* Notes whether the epoch was the best. */
static void compare_with_best(training *t, const fv_epoch *row) {
    if (t->options->patience == 0 || isnan(row->validation_loss)) return;
    t->epochs_since_best++;
    if (!(row->validation_loss < t->best_loss)) return;
    t->best_loss = row->validation_loss;
    t->epochs_since_best = 0;
    copy(t->best.weights, t->last.weights, t->net->n_weights);
    copy(t->best.statistics, t->last.statistics, t->net->n_statistics);
}

static bool is_over(const training *t) {
    const fv_train_options *o = t->options;
    return t->epoch == o->epochs || (o->patience > 0 && t->epochs_since_best >= o->patience);
}

static fv_status run_epochs(training *t) {
    const fv_train_options *o = t->options;
    while (!is_over(t)) {
        fv_epoch row;
        FV_TRY(run_epoch(t, &row));
        if (t->history) t->history[t->epoch] = row;
        t->epoch++;
        t->sum = (fv_epoch_sum){0};
        t->time_s = 0;
        if (o->on_epoch) o->on_epoch(o->context, &row);
        compare_with_best(t, &row);
        FV_TRY(give_state(t));
    }
    snapshot_restore(&t->last, t->net); /* with ema: the averaged weights */
    if (o->patience && t->best_loss < INFINITY) snapshot_restore(&t->best, t->net);
    return FV_OK;
}

static fv_status prepare_training(training *t, const fv_indices *chosen, fv_error *error) {
    t->order = malloc((t->n + 1) * sizeof *t->order);
    if (!t->order) return FV_E_MEMORY;
    for (size_t i = 0; i < t->n; i++) t->order[i] = chosen ? chosen->at[i] : (uint32_t)i;
    if (t->options->balanced) FV_TRY(group(t));
    FV_TRY(snapshot_init(&t->last, t->net));
    if (t->options->patience) FV_TRY(snapshot_init(&t->best, t->net));
    snapshot_save(&t->last, t->net);
    const fv_train_state *resume = t->options->resume;
    if (resume) take_weights(t, resume);
    FV_TRY(fv_trainer_create(t->net, t->options, t->images, max_threads(t->options), &t->trainer, error));
    if (resume) take_rest(t, resume);
    return FV_OK;
}

static fv_status check_weights(const fv_net *net, const float *weights, fv_error *error) {
    for (int c = 0; weights && c < net->n_classes; c++)
        if (!(weights[c] > 0 && weights[c] <= 1e6F))
            return fv_fail(error, FV_E_ARGUMENT, "class weights: that of class %d is %g; above 0 to 1000000 is allowed",
                           c, (double)weights[c]);
    return FV_OK;
}

static fv_status check_sets(const fv_net *net, const fv_images *images, const fv_indices *chosen,
                            const fv_indices *validation, size_t n, fv_error *error) {
    fv_shape a = net->input, b = images->shape;
    if (!fv_shape_equal(a, b))
        return fv_fail(error, FV_E_SHAPE, "the model reads %dx%dx%d images, the data has %dx%dx%d", a.c, a.h, a.w, b.c,
                       b.h, b.w);
    if (n == 0) return fv_fail(error, FV_E_ARGUMENT, "there are no images to train on");
    if (!fv_labels_below(images, chosen, net->n_classes) ||
        (validation && !fv_labels_below(images, validation, net->n_classes)))
        return fv_fail(error, FV_E_SHAPE, "the model tells %d classes apart, the data has labels beyond them",
                       net->n_classes);
    return FV_OK;
}

fv_status fv_train(fv_net *net, const fv_images *images, const fv_indices *chosen, const fv_indices *validation,
                   const fv_train_options *options, fv_epoch *history, int *n_epochs, fv_error *error) {
    training t = {.net = net,
                  .images = images,
                  .validation = validation,
                  .options = options,
                  .n = chosen ? chosen->n : images->n,
                  .best_loss = INFINITY,
                  .history = history,
                  .error = error};
    FV_TRY(fv_train_check(options, error));
    FV_TRY(check_sets(net, images, chosen, validation, t.n, error));
    if (options->resume) FV_TRY(fv_train_state_check(options->resume, net, options, t.n, error));
    FV_TRY(check_weights(net, options->class_weights, error));
    if (error) *error = (fv_error){0};
    fv_status status = prepare_training(&t, chosen, error);
    if (status == FV_OK) status = run_epochs(&t);
    if (status == FV_E_DIVERGED) snapshot_restore(&t.last, net);
    if (status == FV_E_MEMORY && error && !*error->message) fv_fail(error, status, "training: out of memory");
    if (status == FV_E_DIVERGED)
        fv_fail(error, status,
                "training diverged in epoch %d: loss or weights are not finite; a lower learning rate helps",
                t.epoch + 1);
    if (status == FV_E_INTERRUPTED) fv_fail(error, status, "interrupted in epoch %d", t.epoch + 1);
    if (n_epochs) *n_epochs = t.epoch;
    fv_team_destroy(t.team);
    fv_trainer_destroy(t.trainer);
    snapshot_deinit(&t.last);
    snapshot_deinit(&t.best);
    free(t.order);
    free(t.by_class);
    free(t.begin);
    return status;
}
