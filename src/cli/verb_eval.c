#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_open.h"
#include "terminal.h"

static const cli_option options[] = {
    {"split", "SPLIT", "test, validation or train (test)"},
    {"model", "MODEL", "of FILE: name, text or .net file"},
    {"normalise", "TEXT", "of FILE: \"none\", or mean and std: \"0.1307 0.3081\""},
    CLI_DATASET_OPTIONS,
    {"threads", "N", "0: all processors (0)"},
    {"json", NULL, "prints JSON"},
    {"quiet", NULL, "prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "eval",
    .arguments = "RUN|FILE [DATA]",
    .about = "Evaluates a run's model on a split of its own dataset or of DATA, and writes\n"
             "RUN/predictions-SPLIT.csv (predictions-DATA-SPLIT.csv for other data).\n"
             "`fovea eval FILE DATA --model TEXT` takes weights from a safetensors file, as\n"
             "PyTorch writes it; pixels / 255 are normalised as its metadata say, or else as\n"
             "DATA's training images are. Nothing is written.",
    .more = CLI_DATASET_MORE,
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
};

typedef struct evaluation {
    cli_run run;
    fv_dataset *dataset;
    const char *split;
    bool imported;   /* from a file, without a run */
    char label[160]; /* the split's name in the file's: "test", "fashion-mnist-test" */
    fv_score score;
    fv_prediction *predictions;
    fv_class_score *classes; /* [n_classes] */
} evaluation;

static fv_status score_classes(evaluation *e, fv_error *error) {
    int n = e->dataset->n_classes;
    size_t *counts = calloc((size_t)n * (size_t)n, sizeof *counts);
    e->classes = calloc((size_t)n, sizeof *e->classes);
    fv_status status = counts && e->classes ? FV_OK : fv_fail(error, FV_E_MEMORY, "out of memory");
    if (status == FV_OK) {
        fv_confusion(e->predictions, e->score.n, n, counts);
        fv_class_scores(counts, n, e->classes);
    }
    free(counts);
    return status;
}

static void print(const evaluation *e) {
    size_t n = e->score.n;
    printf("%-12s %s %s images · loss %.4f · accuracy %s\n", e->dataset->name, cli_count(n).s, e->split, e->score.loss,
           cli_accuracy(e->score.correct, n, cli_decimals(n)).s);
    cli_table table = {.align = "lrrrr"};
    const char *head[] = {"class", "images", "precision", "recall", "F1"};
    for (int j = 0; j < 5; j++) cli_cell(&table, "%s", head[j]);
    for (int i = 0; i < e->dataset->n_classes; i++) {
        const fv_class_score *c = &e->classes[i];
        cli_cell(&table, "%s", e->run.class_names[i]);
        cli_cell(&table, "%s", cli_count(c->n_true).s);
        cli_cell(&table, "%s", cli_percent(c->precision, 1).s);
        cli_cell(&table, "%s", cli_percent(c->recall, 1).s);
        cli_cell(&table, "%s", cli_percent(c->f1, 1).s);
    }
    cli_table_print(&table, stdout);
    fv_macro_score macro = fv_macro_scores(e->classes, e->dataset->n_classes);
    printf("all classes  balanced accuracy %s · macro F1 %s: means over the classes\n",
           cli_percent(macro.accuracy, cli_decimals(n)).s, cli_percent(macro.f1, cli_decimals(n)).s);
    if (e->imported) return;
    char *shown = cli_shown(e->run.directory), *label = cli_shown(e->label);
    printf("predictions  %s/predictions-%s.csv\n", shown, label);
    free(shown);
    free(label);
}

static json_t *to_json(const evaluation *e) {
    fv_interval i = fv_wilson(e->score.correct, e->score.n);
    json_t *classes = json_array();
    for (int k = 0; k < e->dataset->n_classes; k++) {
        const fv_class_score *c = &e->classes[k];
        json_array_append_new(classes, json_pack("{ss sI sI sI sf sf sf}", "name", e->run.class_names[k], "images",
                                                 (json_int_t)c->n_true, "predicted", (json_int_t)c->n_predicted,
                                                 "correct", (json_int_t)c->n_correct, "precision", c->precision,
                                                 "recall", c->recall, "f1", c->f1));
    }
    fv_macro_score macro = fv_macro_scores(e->classes, e->dataset->n_classes);
    return json_pack("{ss ss ss sI sI sf sf sf sf sf sf so}", "run", e->run.directory, "dataset", e->dataset->name,
                     "split", e->split, "total", (json_int_t)e->score.n, "correct", (json_int_t)e->score.correct,
                     "loss", e->score.loss, "accuracy", (double)e->score.correct / (double)e->score.n, "accuracy_low",
                     i.low, "accuracy_high", i.high, "macro_accuracy", macro.accuracy, "macro_f1", macro.f1, "classes",
                     classes);
}

/* The model of a file, and its data. */
static fv_status open_file(const cli_line *line, evaluation *e, fv_error *error) {
    if (line->n_arguments < 2)
        return fv_fail(error, FV_E_ARGUMENT, "eval: no dataset is named: give `fovea eval FILE DATA --model TEXT`");
    fv_run_config config = fv_run_config_defaults();
    FV_TRY(cli_dataset_fields(line, &config, error));
    if (strlen(line->arguments[1]) >= sizeof config.dataset)
        return fv_fail(error, FV_E_ARGUMENT, "%.60s...: the path is too long: at most %zu characters",
                       line->arguments[1], sizeof config.dataset - 1);
    snprintf(config.dataset, sizeof config.dataset, "%s", line->arguments[1]);
    FV_TRY(cli_dataset_open(&config, NULL, &e->dataset, error));
    FV_TRY(cli_dataset_check(line, e->dataset, error));
    FV_TRY(cli_run_import(line->arguments[0], cli_value(line, "model"), cli_value(line, "normalise"), e->dataset,
                          &e->run, error));
    e->imported = true;
    return FV_OK;
}

static fv_status open_run(const cli_line *line, evaluation *e, fv_error *error) {
    static const char *const recorded[] = {"normalise", "size", "fit", "channels", "skip-bad", "transpose"};
    for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++)
        if (cli_given(line, recorded[i]))
            return fv_fail(error, FV_E_ARGUMENT, "--%s: goes with --model: a run has its own recorded", recorded[i]);
    FV_TRY(cli_run_open(line->arguments[0], &e->run, error));
    const char *data = line->n_arguments > 1 ? line->arguments[1] : e->run.info.config.dataset;
    FV_TRY(cli_run_dataset(&e->run, line->n_arguments > 1 ? data : NULL, &e->dataset, error));
    bool same = cli_run_same_data(&e->run.info, e->dataset);
    snprintf(e->label, sizeof e->label, "%s%s%s", same ? "" : e->dataset->name, same ? "" : "-", e->split);
    if (!same && line->n_arguments < 2 && !cli_given(line, "quiet"))
        cli_complain("%s: not the data that %s was trained on (their checksums differ)", data, e->run.directory);
    return FV_OK;
}

static fv_status evaluate(const cli_line *line, evaluation *e, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    e->split = cli_given(line, "split") ? cli_value(line, "split") : "test";
    FV_TRY(cli_split_check(e->split, error));
    FV_TRY(cli_field(line, "threads", &config, error));
    FV_TRY(cli_given(line, "model") ? open_file(line, e, error) : open_run(line, e, error));
    FV_TRY(cli_run_evaluate(&e->run, e->dataset, e->split, cli_threads(config.threads), &e->score, &e->predictions,
                            error));
    FV_TRY(score_classes(e, error));
    if (!e->imported) FV_TRY(fv_run_write_predictions(e->run.directory, e->label, e->predictions, e->score.n, error));
    if (cli_given(line, "json")) return cli_json_print(to_json(e), error);
    if (!cli_given(line, "quiet")) print(e);
    return FV_OK;
}

int cli_eval(int argc, const char **argv) {
    cli_line line;
    evaluation e = {0};
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = evaluate(&line, &e, &error);
    cli_run_deinit(&e.run);
    fv_dataset_destroy(e.dataset);
    free(e.predictions);
    free(e.classes);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
