/* The study's trainings, side by side: a thread each, the longest first; threads that find nothing more to start are
 * lent to those that still run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"
#include "study/study.h"

/* ---- one training ---- */

typedef struct watch {
    fv_study *study;
    fv_job *job;
    const fv_images *images;
    const fv_indices *training;
    const fv_augment *augment;
    fv_net *net;
    fv_status status;
} watch;

static int threads_now(void *context) {
    const fv_study *s = ((watch *)context)->study;
    if (atomic_load(&s->next) < s->n_jobs) return 1;
    int running = atomic_load(&s->n_running);
    return running > 0 && s->threads / running > 1 ? s->threads / running : 1;
}

static bool cancelled(void *context) {
    fv_study *s = ((watch *)context)->study;
    if (s->options->cancelled && s->options->cancelled(s->options->context)) atomic_store(&s->stop, 1);
    return atomic_load(&s->stop);
}

/* Figures in evaluation mode over the training images, as this epoch's augmentation showed them. */
static void on_epoch(void *context, const fv_epoch *epoch) {
    watch *w = context;
    bool every = w->job->parts & (FV_PART_AUGMENTATION | FV_PART_ARCHITECTURE);
    if (!every && epoch->epoch < w->study->options->epochs) return;
    if (w->status != FV_OK) return;
    w->status = fv_evaluate(w->net, w->images, w->training, threads_now(w), w->augment, w->job->seed, epoch->epoch - 1,
                            &w->job->train_score[epoch->epoch - 1], NULL);
}

static fv_status choose_images(const fv_study *s, const fv_job *job, fv_indices *own, const fv_indices **training) {
    *training = &s->training;
    if (job->fraction == 0) return FV_OK;
    fv_indices all;
    FV_TRY(fv_indices_all(s->dataset->train.n, &all));
    size_t count = (size_t)(job->fraction * (double)all.n + 0.5);
    fv_status status =
        fv_subset_stratified(&s->dataset->train, s->dataset->n_classes, &all, count ? count : 1, job->seed, own);
    fv_indices_deinit(&all);
    *training = own;
    return status;
}

static fv_status make_net(fv_study *s, fv_job *job, const fv_indices *training, fv_net **net, fv_error *error) {
    const fv_images *images = &s->dataset->train;
    FV_TRY(fv_net_create(job->model, images->shape, s->dataset->n_classes, s->pad, job->seed, net, error));
    FV_TRY(fv_pixel_statistics(images, training, job->mean, job->std));
    fv_net_set_normalisation(*net, job->mean, job->std);
    job->n_train = training->n;
    job->n_weights = fv_net_n_weights(*net);
    job->n_multiply_adds = fv_net_n_multiply_adds(*net);
    job->text = fv_copy_text(fv_net_text(*net));
    job->history = calloc((size_t)s->options->epochs, sizeof *job->history);
    job->train_score = calloc((size_t)s->options->epochs, sizeof *job->train_score);
    job->predictions = calloc(s->validation.n + 1, sizeof *job->predictions);
    return job->text && job->history && job->train_score && job->predictions ? FV_OK : FV_E_MEMORY;
}

static fv_status judge(fv_study *s, watch *w) {
    fv_job *job = w->job;
    int threads = threads_now(w);
    if (job->fraction == 0) {
        FV_TRY(fv_evaluate(w->net, w->images, &s->validation, threads, NULL, 0, 0, &job->validation_score,
                           job->predictions));
        return fv_macro_of(job->predictions, s->validation.n, s->dataset->n_classes, &job->macro);
    }
    const fv_images *test = &s->dataset->test;
    fv_prediction *predictions = calloc(test->n, sizeof *predictions);
    if (!predictions) return FV_E_MEMORY;
    fv_status status = fv_evaluate(w->net, test, NULL, threads, NULL, 0, 0, &job->test_score, predictions);
    if (status == FV_OK) status = fv_macro_of(predictions, test->n, s->dataset->n_classes, &job->macro);
    free(predictions);
    return status;
}

static fv_status train_net(fv_study *s, watch *w, fv_error *error) {
    fv_train_options o = fv_train_defaults();
    o.epochs = s->options->epochs;
    o.batch = s->options->batch;
    o.optimizer = s->options->optimizer;
    o.learning_rate = s->options->learning_rate;
    o.schedule = s->options->schedule;
    o.seed = w->job->seed;
    o.threads = s->threads;
    o.augment = w->augment;
    o.context = w;
    o.on_epoch = on_epoch;
    o.cancelled = cancelled;
    o.threads_now = threads_now;
    FV_TRY(fv_train(w->net, w->images, w->training, w->job->fraction > 0 ? NULL : &s->validation, &o, w->job->history,
                    &w->job->n_epochs, error));
    FV_TRY(w->status);
    for (int i = 0; i < w->job->n_epochs; i++) w->job->time_s += w->job->history[i].time_s;
    return judge(s, w);
}

static fv_status run_job(fv_study *s, fv_job *job, fv_error *error) {
    watch w = {.study = s, .job = job, .images = &s->dataset->train};
    fv_indices own = {0};
    fv_augment *augment = NULL;
    fv_status status = choose_images(s, job, &own, &w.training);
    if (status == FV_OK) status = fv_augment_create(job->augment, w.images->shape, &augment, error);
    w.augment = augment;
    if (status == FV_OK) status = make_net(s, job, w.training, &w.net, error);
    bool found = false;
    if (status == FV_OK) status = fv_study_recall(s, job, w.net, &found, error);
    if (status == FV_OK && !found) status = train_net(s, &w, error);
    if (status == FV_OK && !found) status = fv_study_keep(s, job, w.net, error);
    job->done = status == FV_OK;
    bool keep = job->done && s->final_job >= 0 && job == &s->jobs[s->final_job];
    if (keep)
        job->net = w.net;
    else
        fv_net_destroy(w.net);
    fv_augment_destroy(augment);
    fv_indices_deinit(&own);
    return status;
}

/* ---- all of them ---- */

static void report_progress(fv_study *s, const fv_job *job) {
    const fv_study_options *o = s->options;
    char what[160];
    int done = atomic_fetch_add(&s->n_done, 1) + 1;
    if (!o->on_progress) return;
    if (job->fraction > 0)
        snprintf(what, sizeof what, "%.60s, %zu images, seed %d", job->model, job->n_train, (int)job->seed);
    else
        snprintf(what, sizeof what, "%.60s, augmentation %s, seed %d", job->model, job->augment, (int)job->seed);
    o->on_progress(o->context, done, s->n_jobs + (s->final_job >= 0), what, job->time_s,
                   (double)job->n_train * job->n_epochs / job->time_s);
}

static void worker(void *context, int thread, int n_threads) {
    fv_study *s = context;
    (void)thread;
    (void)n_threads;
    while (!atomic_load(&s->stop)) {
        atomic_fetch_add(&s->n_running, 1); /* before the look, or nobody would seem to run */
        int at = atomic_fetch_add(&s->next, 1);
        if (at >= s->n_jobs) {
            atomic_fetch_sub(&s->n_running, 1);
            return;
        }
        fv_error error = {0};
        fv_job *job = &s->jobs[s->order[at]];
        fv_status status = run_job(s, job, &error);
        atomic_fetch_sub(&s->n_running, 1);
        pthread_mutex_lock(&s->lock);
        if (status == FV_OK)
            report_progress(s, job);
        else if (!atomic_exchange(&s->stop, 1) || status != FV_E_INTERRUPTED)
            fv_fail(s->error, status, "%s", error.code ? error.message : fv_status_text(status));
        if (status == FV_E_INTERRUPTED) s->interrupted = true;
        pthread_mutex_unlock(&s->lock);
    }
}

fv_status fv_study_train(fv_study *s) {
    fv_error own = {0}, *caller = s->error;
    fv_team *team;
    int waiting = s->n_jobs - atomic_load(&s->next), n = s->threads < waiting ? s->threads : waiting;
    if (n <= 0) return FV_OK;
    s->error = &own;
    fv_status status = fv_team_create(n, &team);
    if (status != FV_OK) {
        s->error = caller;
        return fv_fail(caller, status, "%d threads could not be started, or memory is short", n);
    }
    fv_team_run(team, worker, s);
    fv_team_destroy(team);
    atomic_store(&s->next, s->n_jobs); /* the workers counted beyond */
    s->error = caller;
    if (!atomic_load(&s->stop)) return FV_OK;
    return fv_fail(caller, own.code ? own.code : FV_E_INTERRUPTED, "%s", own.code ? own.message : "interrupted");
}
