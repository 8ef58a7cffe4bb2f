#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model_choose.h"
#include "run_open.h"
#include "terminal.h"
#include "training.h"

static const cli_option options[] = {
    {"model", "MODEL", "name, text or .net file (convnet)"},
    {"init", "FILE", "starts from a safetensors file's weights"},
    {"epochs", "N", "passes over the training images (10)"},
    {"batch", "N", "images a step (64)"},
    {"optimizer", "TEXT", "adadelta, sgd, adam or adamw (adadelta)"},
    {"learning-rate", "RATE", "adadelta 1, sgd 0.05, adam, adamw 0.001"},
    {"schedule", "TEXT", "constant, step, cosine, onecycle (step 0.7)"},
    {"augment", "TEXT", "none, mild, strong, \"rotation 30\" ... (none)"},
    {"validation", "PART", "held back of each class (0.15); --split-seed N"},
    {"split-seed", "N", NULL},
    {"subset", "PART", "of the images: 0.25, 1/4 or 2000 (all)"},
    {"seed", "N", "weights, order, dropout, augmentation (1)"},
    {"threads", "N", "0: all processors; same weights for any (0)"},
    {"patience", "N", "ends N epochs after the best; keeps that (0)"},
    {"label-smoothing", "PART", "0 to 0.99 (0)"},
    {"ema", "DECAY", "averages the weights, e.g. 0.999 (0: not)"},
    {"class-weights", "HOW", NULL}, /* explained in `more` */
    {"sampling", "HOW", NULL},
    CLI_DATASET_OPTIONS,
    {"config", "FILE", "repeats a run.json; the others win over it"},
    {"resume", "RUN", "a stopped run goes on; --checkpoint-every S"},
    {"checkpoint-every", "S", NULL}, /* docs/reliability.md */
    {"out", "DIR", "where the run is written (runs/train-N)"},
    {"json", NULL, "prints run.json in place of the table"},
    {"quiet", NULL, "prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "train",
    .arguments = "DATA",
    .about = "Trains a model on a dataset: a name as in `fovea data list`, or a directory.",
    .more = "Uneven classes: --class-weights, --sampling; data: see `fovea data info --help`.",
    .options = options,
    .max_arguments = 1,
};

/* Defaults, then --config, then the flags. */
static fv_status read_config(const cli_line *line, fv_run_config *config, fv_error *error) {
    static const char *const plain[] = {"init",          "epochs",  "batch",      "optimizer",       "learning-rate",
                                        "schedule",      "augment", "validation", "split-seed",      "subset",
                                        "seed",          "threads", "patience",   "label-smoothing", "ema",
                                        "class-weights", "sampling"};
    *config = fv_run_config_defaults();
    config->pad = -1; /* not decided yet */
    if (cli_given(line, "config")) FV_TRY(fv_run_config_read(cli_value(line, "config"), config, error));
    if (cli_given(line, "optimizer")) config->learning_rate = 0; /* the recorded one belonged to another */
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) FV_TRY(cli_field(line, plain[i], config, error));
    if (cli_given(line, "learning-rate") && config->learning_rate == 0)
        return fv_fail(error, FV_E_ARGUMENT,
                       "--learning-rate: 0 would train nothing: give a rate above it, or leave it out for the "
                       "optimizer's own");
    FV_TRY(cli_dataset_fields(line, config, error));
    if (cli_given(line, "model")) {
        FV_TRY(cli_model_choose(cli_value(line, "model"), "--model", config, error));
        config->pad = -1;
    }
    if (line->n_arguments) FV_TRY(cli_dataset_argument(line, config, error));
    if (!*config->dataset)
        return fv_fail(error, FV_E_ARGUMENT,
                       "train: no dataset is named: give `fovea train DATA`, e.g. `fovea train digits`");
    return FV_OK;
}

/* A run under way. */
typedef struct run {
    cli_training training;
    const char *command; /* that began it */
    char directory[1024];
    int lock; /* keeps others out; 0: not yet */
} run;

static fv_status write_record(const run *r, const char *result, fv_error *error) {
    const cli_training *t = &r->training;
    fv_run_record record = {.config = &t->config,
                            .command = r->command,
                            .net = t->net,
                            .dataset = t->dataset,
                            .n_training = t->training.n,
                            .n_validation = t->validation.n,
                            .threads = t->threads,
                            .epochs_done = t->epochs_done,
                            .history = t->history,
                            .time_s = t->time_s,
                            .result = result,
                            .init_sha256 = t->init_sha256,
                            .validation = t->score.n ? &t->score : NULL,
                            .validation_macro = t->score.n ? &t->macro : NULL};
    return fv_run_write_record(r->directory, &record, error);
}

/* All files of a training that ended, one way or another. One that failed leaves what is there. */
static fv_status write_run(const run *r, const char *result, fv_error *error) {
    const cli_training *t = &r->training;
    char path[PATH_MAX];
    if (strcmp(result, "failed") == 0) return write_record(r, result, error);
    snprintf(path, sizeof path, "%s/model.safetensors", r->directory);
    FV_TRY(fv_net_save(t->net, path, (const char *const *)t->dataset->class_names, error));
    FV_TRY(fv_run_write_metrics(r->directory, t->history, t->epochs_done, error));
    if (t->score.n) FV_TRY(fv_run_write_predictions(r->directory, "validation", t->predictions, t->score.n, error));
    return write_record(r, result, error);
}

static void print_end(const cli_training *t, const char *directory, FILE *to) {
    char hash[65];
    fv_net_hash(t->net, hash);
    fprintf(to, "done in %s", cli_duration(t->time_s).s);
    if (t->score.n) fprintf(to, " · validation %s", cli_accuracy(t->score.correct, t->score.n, 1).s);
    if (fv_macro_differs(&t->macro, t->score.correct, t->score.n))
        fprintf(to, " · balanced %s", cli_percent(t->macro.accuracy, 1).s);
    char *shown = cli_shown(directory);
    fprintf(to, " · weights %.8s · %s\n", hash, shown);
    free(shown);
}

/* Standard output gets the record itself. */
static fv_status print_record(const char *directory, fv_error *error) {
    char path[PATH_MAX], bytes[4096];
    snprintf(path, sizeof path, "%s/run.json", directory);
    FILE *f = fopen(path, "r");
    if (!f) return fv_fail(error, FV_E_IO, "%s: could not be read", path);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;) fwrite(bytes, 1, n, stdout);
    fclose(f);
    return FV_OK;
}

static void remove_checkpoint(const char *directory) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" FV_CHECKPOINT_FILE, directory);
    remove(path);
}

/* Trains; what is finished is written whatever the end. */
static fv_status train_into(run *r, fv_error *error) {
    cli_training *t = &r->training;
    t->directory = r->directory;
    fv_status status = cli_training_run(t, error);
    fv_error reason = *error;
    const char *result = status == FV_OK              ? "done"
                         : status == FV_E_INTERRUPTED ? "interrupted"
                         : status == FV_E_DIVERGED    ? "diverged"
                                                      : "failed";
    fv_status written = write_run(r, result, error);
    if (status == FV_OK || status == FV_E_INTERRUPTED || status == FV_E_DIVERGED) FV_TRY(written);
    if (status == FV_OK || status == FV_E_DIVERGED) remove_checkpoint(r->directory);
    if (status == FV_E_INTERRUPTED)
        return fv_fail(error, status,
                       "%s: interrupted after %d of %d epochs; what is done is kept: `fovea train --resume %s` goes on",
                       r->directory, t->epochs_done, t->config.epochs, r->directory);
    if (status == FV_E_DIVERGED)
        return fv_fail(error, status, "%s: %.300s (it was %g); the last finite weights are kept", r->directory,
                       reason.message, t->config.learning_rate);
    *error = reason;
    return status;
}

static fv_status train_and_tell(const cli_line *line, run *r, fv_error *error) {
    FILE *rows = r->training.rows;
    FV_TRY(train_into(r, error));
    if (rows) print_end(&r->training, r->directory, rows);
    return cli_given(line, "json") ? print_record(r->directory, error) : FV_OK;
}

/* ---- from the beginning ---- */

static fv_status begin(const cli_line *line, run *r, fv_error *error) {
    cli_training *t = &r->training;
    FV_TRY(read_config(line, &t->config, error));
    FV_TRY(cli_training_prepare(t, error));
    FV_TRY(cli_dataset_check(line, t->dataset, error));
    const char *out = cli_value(line, "out");
    bool was_there = out && access(out, F_OK) == 0;
    FV_TRY(fv_run_directory(out, "train", r->directory, sizeof r->directory, error));
    FV_TRY(fv_run_lock(r->directory, &r->lock, error));
    fv_status status = write_record(r, "running", error);
    if (status != FV_OK) {
        if (!was_there) rmdir(r->directory);
        return status;
    }
    if (t->rows) cli_training_print(t, t->rows);
    return train_and_tell(line, r, error);
}

/* ---- from a checkpoint ---- */

/* What a training is was decided when it began. */
static fv_status check_resume(const cli_line *line, fv_error *error) {
    static const char *const allowed[] = {"resume", "threads", "checkpoint-every", "json", "quiet"};
    if (line->n_arguments)
        return fv_fail(error, FV_E_ARGUMENT, "--resume: the run says what it trains on: leave `%.60s` out",
                       line->arguments[0]);
    for (const cli_option *o = line->usage->options; o->name; o++) {
        bool may = false;
        for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) may = may || strcmp(o->name, allowed[i]) == 0;
        if (!may && cli_given(line, o->name))
            return fv_fail(error, FV_E_ARGUMENT,
                           "--resume: goes on as the run began: leave --%s out (--threads, --checkpoint-every, --json "
                           "and --quiet go with it)",
                           o->name);
    }
    return FV_OK;
}

/* A run that has ended. */
static fv_status tell_ended(const cli_line *line, const run *r, const fv_run_info *info, fv_error *error) {
    if (strcmp(info->result, "diverged") == 0)
        return fv_fail(error, FV_E_ARGUMENT,
                       "%s: diverged in epoch %d, and would again: train it anew with a lower learning rate than %g",
                       r->directory, info->epochs_done + 1, info->config.learning_rate);
    remove_checkpoint(r->directory); /* where it was killed just before */
    char *shown = cli_shown(r->directory);
    if (r->training.rows)
        fprintf(r->training.rows, "%s is done: %d epoch%s, weights %.8s\n", shown, info->epochs_done,
                info->epochs_done == 1 ? "" : "s", info->weights_sha256);
    free(shown);
    return cli_given(line, "json") ? print_record(r->directory, error) : FV_OK;
}

static fv_status read_checkpoint(run *r, fv_error *error) {
    cli_training *t = &r->training;
    char path[PATH_MAX];
    double time_s;
    snprintf(path, sizeof path, "%s/" FV_CHECKPOINT_FILE, r->directory);
    if (access(path, F_OK) != 0) {
        if (t->rows) fprintf(t->rows, "    no checkpoint yet: from the beginning\n");
        return FV_OK;
    }
    FV_TRY(fv_checkpoint_read(r->directory, &t->config, t->net, t->dataset, t->training.n, &t->from, error));
    const fv_train_state *state = fv_checkpoint_state(t->from, &time_s);
    if (t->rows)
        fprintf(t->rows, "    resumed after %d of %d epochs%s%s%s\n", state->epoch, t->config.epochs,
                state->n_done ? " and " : "", state->n_done ? cli_count(state->n_done).s : "",
                state->n_done ? " images" : "");
    return FV_OK;
}

static fv_status resume(const cli_line *line, run *r, fv_error *error) {
    cli_training *t = &r->training;
    fv_run_info info;
    FV_TRY(check_resume(line, error));
    const char *directory = cli_value(line, "resume");
    FV_TRY(fv_run_read_record(directory, &info, error));
    if (snprintf(r->directory, sizeof r->directory, "%s", directory) >= (int)sizeof r->directory)
        return fv_fail(error, FV_E_ARGUMENT, "--resume: the path is too long");
    FV_TRY(fv_run_lock(r->directory, &r->lock, error));
    FV_TRY(fv_run_read_record(directory, &info, error)); /* it may have ended in between */
    if (strcmp(info.result, "done") == 0 || strcmp(info.result, "diverged") == 0)
        return tell_ended(line, r, &info, error);
    t->config = info.config;
    r->command = info.command;
    FV_TRY(cli_field(line, "threads", &t->config, error));
    FV_TRY(cli_training_prepare(t, error));
    FV_TRY(cli_training_same(t, &info, directory, error));
    if (t->rows) cli_training_print(t, t->rows);
    FV_TRY(read_checkpoint(r, error));
    FV_TRY(write_record(r, "running", error));
    return train_and_tell(line, r, error);
}

static fv_status read_seconds(const cli_line *line, const char *option, double *out, fv_error *error) {
    const char *text = cli_value(line, option);
    if (!text) return FV_OK;
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 1e6))
        return fv_fail(error, FV_E_ARGUMENT, "--%s: \"%.60s\": give seconds from 0 to 1000000", option, text);
    *out = value;
    return FV_OK;
}

static fv_status train(const cli_line *line, run *r, fv_error *error) {
    cli_training *t = &r->training;
    bool json = cli_given(line, "json"), quiet = cli_given(line, "quiet");
    t->rows = quiet ? NULL : json ? stderr : stdout;
    t->bar = !quiet;
    t->checkpoint_every_s = 60;
    FV_TRY(read_seconds(line, "checkpoint-every", &t->checkpoint_every_s, error));
    return cli_given(line, "resume") ? resume(line, r, error) : begin(line, r, error);
}

int cli_train(int argc, const char **argv) {
    cli_line line;
    run r = {.command = cli_command()};
    fv_error error = {0};
    bool helped;
    cli_keep_signals();
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = train(&line, &r, &error);
    cli_training_deinit(&r.training);
    cli_line_deinit(&line);
    if (r.lock) close(r.lock);
    return cli_end(status, &error);
}
