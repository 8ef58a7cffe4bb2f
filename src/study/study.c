#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/images.h"
#include "explain/openblas.h"
#include "formats/files.h"
#include "fovea/machine.h"
#include "fovea/run.h"
#include "study/study.h"

static const char *const part_names[] = {"augmentation", "architecture", "scaling",   "mistakes",
                                         "kernels",      "confusion",    "embedding", "neighbours"};
enum { N_PARTS = sizeof part_names / sizeof *part_names };

const char *fv_study_part_name(int index) {
    return index >= 0 && index < N_PARTS ? part_names[index] : NULL;
}

fv_status fv_study_parts(const char *list, unsigned *parts, fv_error *error) {
    unsigned chosen = 0;
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, ","), i = 0;
        while (i < N_PARTS && !(strlen(part_names[i]) == length && memcmp(part_names[i], at, length) == 0)) i++;
        if (i == N_PARTS) {
            char known[160];
            fv_text_join(known, sizeof known, part_names, N_PARTS);
            return fv_fail(error, FV_E_ARGUMENT, "--parts: `%.*s` is no part; the parts are %s", (int)length, at,
                           known);
        }
        chosen |= 1u << i;
        at += length + (at[length] == ',');
    }
    if (!chosen) return fv_fail(error, FV_E_ARGUMENT, "--parts: names no part");
    *parts = chosen;
    return FV_OK;
}

fv_study_options fv_study_defaults(void) {
    return (fv_study_options){.parts = FV_PARTS_ALL,
                              .epochs = 10,
                              .batch = 64,
                              .n_seeds = 3,
                              .augmentations = "none; mild; strong",
                              .seed = 1,
                              .optimizer = "adadelta",
                              .schedule = "step 0.7",
                              .validation = 0.15};
}

void fv_study_deinit(fv_study *s) {
    for (int i = 0; s->jobs && i < s->n_jobs; i++) {
        fv_net_destroy(s->jobs[i].net);
        free(s->jobs[i].text);
        free(s->jobs[i].history);
        free(s->jobs[i].train_score);
        free(s->jobs[i].predictions);
    }
    free(s->jobs);
    free(s->order);
    free(s->schemes);
    fv_indices_deinit(&s->training);
    fv_indices_deinit(&s->validation);
    fv_findings_deinit(&s->findings);
    pthread_mutex_destroy(&s->lock);
}

static fv_status train_all(fv_study *s) {
    const fv_study_options *o = s->options;
    bool best = o->explain && strcmp(o->explain, "best") == 0;
    double start_s = fv_now();
    s->explain_model = o->explain && !best ? o->explain : "convnet-bn";
    FV_TRY(fv_study_prepare(s));
    FV_TRY(fv_study_plan_comparisons(s));
    if (best) {
        FV_TRY(fv_study_train(s));
        s->explain_model = fv_study_best(s);
    }
    FV_TRY(fv_study_plan_explained(s));
    fv_status status = fv_study_train(s);
    s->training_wall_s = s->earlier_s + fv_now() - start_s;
    return status;
}

static fv_status check(const fv_study_options *o, fv_error *error) {
    fv_train_options t = fv_train_defaults();
    t.epochs = o->epochs;
    t.batch = o->batch;
    t.optimizer = o->optimizer;
    t.schedule = o->schedule;
    t.learning_rate = o->learning_rate;
    t.threads = o->threads;
    FV_TRY(fv_train_check(&t, error));
    if (o->n_seeds < 1 || o->n_seeds > 100)
        return fv_fail(error, FV_E_ARGUMENT, "--seeds: %d is outside 1 to 100", o->n_seeds);
    if (o->explain && strcmp(o->explain, "best") == 0 && !(o->parts & FV_PART_ARCHITECTURE))
        return fv_fail(error, FV_E_ARGUMENT, "--explain best needs the part `architecture`, which finds the best");
    return FV_OK;
}

fv_status fv_study_run(const fv_dataset *dataset, const fv_study_options *options, const char *out, fv_error *error) {
    FV_TRY(check(options, error));
    FV_TRY(fv_directory_writable(out, error)); /* better now than after the trainings, as the next */
    if (options->parts & FV_PART_EMBEDDING) FV_TRY(fv_openblas_need(error));
    fv_study s = {.dataset = dataset,
                  .options = options,
                  .out = out,
                  .kind = "study",
                  .final_job = -1,
                  .error = error,
                  .threads = options->threads > 0 ? options->threads : fv_processors(),
                  .start_s = fv_now()};
    pthread_mutex_init(&s.lock, NULL);
    fv_status status = fv_study_store_open(&s, error);
    if (status == FV_OK) status = train_all(&s);
    if (status == FV_OK && s.final_job >= 0) status = fv_study_explain(&s, error);
    if (status == FV_E_INTERRUPTED) s.interrupted = true;
    s.total_s = s.earlier_s + fv_now() - s.start_s;
    if (status == FV_OK || status == FV_E_INTERRUPTED) {
        fv_status written = fv_study_write(&s, error);
        if (written != FV_OK) status = written;
        if (status == FV_OK) fv_study_forget(out);
    } else {
        fv_study_store_drop_empty(&s);
        if (error && !error->message[0]) fv_fail(error, status, "study: %s", fv_status_text(status));
    }
    if (status == FV_OK && options->on_progress && s.final_job >= 0)
        options->on_progress(options->context, s.n_jobs + 1, s.n_jobs + 1, "explanations and report",
                             s.findings.mistakes_s + s.findings.neighbours_s + s.findings.embedding_s, 0);
    fv_study_deinit(&s);
    return status;
}

/* ---- the page of one run ---- */

/* The run as a study of one training that is done already. */
static fv_status load_run(fv_study *s, fv_job *job, const char *directory, const fv_run_info *info, fv_error *error) {
    char path[1024];
    if (snprintf(path, sizeof path, "%s/model.safetensors", directory) >= (int)sizeof path)
        return fv_fail(error, FV_E_ARGUMENT, "%.100s...: the path is too long", directory);
    FV_TRY(fv_net_load(path, &job->net, NULL, error));
    FV_TRY(fv_run_read_metrics(directory, &job->history, &job->n_epochs, error));
    FV_TRY(fv_run_split(&info->config, s->dataset, &s->training, &s->validation, error));
    job->text = fv_copy_text(fv_net_text(job->net));
    if (!job->text) return fv_fail(error, FV_E_MEMORY, "report: out of memory");
    fv_shape a = fv_net_input(job->net), b = s->dataset->train.shape;
    if (!fv_shape_equal(a, b) || fv_net_n_classes(job->net) != s->dataset->n_classes)
        return fv_fail(error, FV_E_SHAPE, "%s reads %dx%dx%d images of %d classes, %s has %dx%dx%d of %d",
                       fv_path_shown(path), a.h, a.w, a.c, fv_net_n_classes(job->net), s->dataset->name, b.h, b.w, b.c,
                       s->dataset->n_classes);
    job->n_weights = fv_net_n_weights(job->net);
    job->n_multiply_adds = fv_net_n_multiply_adds(job->net);
    job->n_train = s->training.n;
    job->model = info->config.model;
    job->augment = info->config.augment;
    job->seed = info->config.seed;
    for (int i = 0; i < job->n_epochs; i++) job->time_s += job->history[i].time_s;
    job->done = true;
    return FV_OK;
}

static fv_study_options run_options(const fv_run_info *info, int threads, const char *command) {
    fv_study_options o = fv_study_defaults();
    const fv_run_config *c = &info->config;
    o.parts = FV_PART_MISTAKES | FV_PART_KERNELS | FV_PART_CONFUSION | FV_PART_EMBEDDING | FV_PART_NEIGHBOURS;
    o.epochs = c->epochs;
    o.batch = c->batch;
    o.n_seeds = 1;
    o.seed = c->seed;
    o.split_seed = c->split_seed;
    o.threads = threads;
    o.optimizer = c->optimizer;
    o.learning_rate = c->learning_rate;
    o.schedule = c->schedule;
    o.validation = c->validation;
    o.command = command;
    return o;
}

fv_status fv_study_report_run(const char *directory, int threads, fv_error *error) {
    fv_run_info info;
    fv_dataset *dataset;
    char command[1100], shown[1000];
    FV_TRY(fv_run_read_record(directory, &info, error));
    FV_TRY(fv_run_dataset_open(&info.config, NULL, &dataset, error));
    fv_name_shown(directory, shown, sizeof shown); /* JSON knows UTF-8 alone */
    snprintf(command, sizeof command, "fovea report %s", shown);
    fv_study_options options = run_options(&info, threads, command);
    fv_study s = {.dataset = dataset,
                  .options = &options,
                  .out = directory,
                  .kind = "run",
                  .error = error,
                  .n_jobs = 1,
                  .explain_model = info.config.model,
                  .pad = info.config.pad,
                  .start_s = fv_now(),
                  .threads = threads > 0 ? threads : fv_processors()};
    pthread_mutex_init(&s.lock, NULL);
    s.jobs = calloc(1, sizeof *s.jobs);
    fv_status status = s.jobs ? load_run(&s, s.jobs, directory, &info, error) : FV_E_MEMORY;
    if (status == FV_OK) s.training_wall_s = s.jobs->time_s;
    if (status == FV_OK) status = fv_study_explain(&s, error);
    s.total_s = fv_now() - s.start_s;
    if (status == FV_OK) status = fv_study_write(&s, error);
    fv_study_deinit(&s);
    fv_dataset_destroy(dataset);
    return status;
}
