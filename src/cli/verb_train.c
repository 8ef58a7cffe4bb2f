#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model_choose.h"
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
    {"validation", "PART", "part of each class held back (0.15)"},
    {"split-seed", "N", "draws the held back and the subset (0)"},
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
    FV_TRY(cli_dataset_fields(line, config, error));
    if (cli_given(line, "model")) {
        FV_TRY(cli_model_choose(cli_value(line, "model"), "--model", config, error));
        config->pad = -1;
    }
    if (line->n_arguments) {
        if (strlen(line->arguments[0]) >= sizeof config->dataset)
            return fv_fail(error, FV_E_ARGUMENT, "%.60s...: the path is too long: at most %zu characters",
                           line->arguments[0], sizeof config->dataset - 1);
        snprintf(config->dataset, sizeof config->dataset, "%s", line->arguments[0]);
    }
    if (!*config->dataset)
        return fv_fail(error, FV_E_ARGUMENT,
                       "train: no dataset is named: give `fovea train DATA`, e.g. `fovea train digits`");
    return FV_OK;
}

static fv_status write_record(const cli_training *t, const char *directory, const char *result, fv_error *error) {
    fv_run_record record = {.config = &t->config,
                            .command = cli_command(),
                            .net = t->net,
                            .dataset = t->dataset,
                            .n_training = t->training.n,
                            .n_validation = t->validation.n,
                            .threads = t->threads,
                            .epochs_done = t->epochs_done,
                            .history = t->history,
                            .time_s = t->time_s,
                            .result = result,
                            .validation = t->score.n ? &t->score : NULL};
    return fv_run_write_record(directory, &record, error);
}

/* All files of a training that ended, one way or another. */
static fv_status write_run(const cli_training *t, const char *directory, const char *result, fv_error *error) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
    FV_TRY(fv_net_save(t->net, path, (const char *const *)t->dataset->class_names, error));
    FV_TRY(fv_run_write_metrics(directory, t->history, t->epochs_done, error));
    if (t->score.n) FV_TRY(fv_run_write_predictions(directory, "validation", t->predictions, t->score.n, error));
    return write_record(t, directory, result, error);
}

static void print_end(const cli_training *t, const char *directory, FILE *to) {
    char hash[65];
    fv_net_hash(t->net, hash);
    fprintf(to, "done in %s", cli_duration(t->time_s).s);
    if (t->score.n) fprintf(to, " · validation %s", cli_accuracy(t->score.correct, t->score.n, 1).s);
    fprintf(to, " · weights %.8s · %s\n", hash, directory);
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

/* Trains into `directory`; what is finished is written whatever the end. */
static fv_status train_into(cli_training *t, const char *directory, fv_error *error) {
    fv_status status = cli_training_run(t, error);
    fv_error reason = *error;
    const char *result = status == FV_OK              ? "done"
                         : status == FV_E_INTERRUPTED ? "interrupted"
                         : status == FV_E_DIVERGED    ? "diverged"
                                                      : "failed";
    FV_TRY(write_run(t, directory, result, error));
    if (status == FV_E_INTERRUPTED)
        return fv_fail(error, status,
                       "%s: interrupted after %d of %d epochs; the weights so far are kept: `fovea train --config "
                       "%s/run.json` trains it from the beginning",
                       directory, t->epochs_done, t->config.epochs, directory);
    if (status == FV_E_DIVERGED)
        return fv_fail(error, status, "%s: %.300s (it was %g); the last finite weights are kept", directory,
                       reason.message, t->config.learning_rate);
    *error = reason;
    return status;
}

static fv_status train(const cli_line *line, cli_training *t, fv_error *error) {
    FV_TRY(read_config(line, &t->config, error));
    bool json = cli_given(line, "json"), quiet = cli_given(line, "quiet");
    t->rows = quiet ? NULL : json ? stderr : stdout;
    t->bar = !quiet;
    FV_TRY(cli_training_prepare(t, error));
    FV_TRY(cli_dataset_check(line, t->dataset, error));
    char directory[1024];
    const char *out = cli_value(line, "out");
    bool was_there = out && access(out, F_OK) == 0;
    FV_TRY(fv_run_directory(out, "train", directory, sizeof directory, error));
    fv_status status = write_record(t, directory, "running", error);
    if (status != FV_OK) {
        if (!was_there) rmdir(directory);
        return status;
    }
    if (t->rows) cli_training_print(t, t->rows);
    FV_TRY(train_into(t, directory, error));
    if (t->rows) print_end(t, directory, t->rows);
    return json ? print_record(directory, error) : FV_OK;
}

int cli_train(int argc, const char **argv) {
    cli_line line;
    cli_training t = {0};
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = train(&line, &t, &error);
    cli_training_deinit(&t);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
