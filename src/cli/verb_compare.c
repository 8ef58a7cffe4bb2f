#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_open.h"
#include "terminal.h"

enum { MOST_RUNS = 16, SHOWN = 10 };

static const cli_option options[] = {
    {"split", "SPLIT", "test, validation or train (test)"},
    {"threads", "N", "0: all processors (0)"},
    {"json", NULL, "prints JSON"},
    {0},
};

static const cli_usage usage = {
    .verb = "compare",
    .arguments = "RUN RUN...",
    .about = "Puts runs side by side: what differs in their configuration, their accuracies,\n"
             "and McNemar's test of each against the first, on the same images. Takes\n"
             "their predictions-SPLIT.csv where they have one, else evaluates.",
    .options = options,
    .min_arguments = 2,
    .max_arguments = MOST_RUNS,
};

typedef struct column {
    cli_run run;
    char *shown; /* its directory */
    size_t n, correct;
    double loss;
    fv_macro_score macro;
    fv_prediction *predictions; /* [n], ascending index */
} column;

typedef struct comparison {
    const char *split;
    bool json;
    int threads, n;
    column columns[MOST_RUNS];
} comparison;

static int by_index(const void *a, const void *b) {
    const fv_prediction *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

static fv_status predictions_of(column *c, const comparison *all, fv_error *error) {
    const int n_classes = fv_net_n_classes(c->run.net);
    fv_status status = fv_run_read_predictions(c->run.directory, all->split, &c->predictions, &c->n, error);
    if (status == FV_E_IO) { /* none were written */
        fv_dataset *dataset;
        fv_score score = {0};
        FV_TRY(cli_dataset_open(&c->run.info.config, NULL, &dataset, error));
        bool same = cli_run_same_data(&c->run.info, dataset);
        if (!same)
            status = fv_fail(error, FV_E_DATA, "%s: not the data that %s was trained on (their checksums differ)",
                             dataset->name, c->run.directory);
        else
            status = cli_run_evaluate(&c->run, dataset, all->split, all->threads, &score, &c->predictions, error);
        if (status == FV_OK) c->n = score.n;
        fv_dataset_destroy(dataset);
    }
    FV_TRY(status);
    if (!c->n)
        return fv_fail(error, FV_E_DATA, "%s: its predictions of %s images are none", c->run.directory, all->split);
    for (size_t i = 0; i < c->n; i++)
        if (!isfinite(c->predictions[i].loss))
            return fv_fail(error, FV_E_DATA, "%s: predictions of %s images hold a loss that is no finite number",
                           c->run.directory, all->split);
    for (size_t i = 0; i < c->n; i++)
        if (c->predictions[i].truth >= n_classes || c->predictions[i].predicted >= n_classes)
            return fv_fail(error, FV_E_DATA, "%s: predictions of %s images name classes beyond the model's %d",
                           c->run.directory, all->split, n_classes);
    qsort(c->predictions, c->n, sizeof *c->predictions, by_index);
    for (size_t i = 0; i < c->n; i++) {
        c->correct += c->predictions[i].truth == c->predictions[i].predicted;
        c->loss += (double)c->predictions[i].loss / (double)c->n;
    }
    if (fv_macro_of(c->predictions, c->n, n_classes, &c->macro) == FV_OK) return FV_OK;
    return fv_fail(error, FV_E_MEMORY, "out of memory");
}

/* Of the same data, the same images. */
static bool same_images(const comparison *all, const column *a, const column *b) {
    bool test = strcmp(all->split, "test") == 0;
    const char *x = test ? a->run.info.test_sha256 : a->run.info.train_sha256;
    const char *y = test ? b->run.info.test_sha256 : b->run.info.train_sha256;
    if (strcmp(x, y) != 0 || a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->predictions[i].index != b->predictions[i].index) return false;
    return true;
}

/* The images that `b` has right and `a` has not; `out` may be NULL. */
static size_t gained(const column *a, const column *b, uint32_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        const fv_prediction *x = &a->predictions[i], *y = &b->predictions[i];
        if (x->predicted == x->truth || y->predicted != y->truth) continue;
        if (out) out[n] = x->index;
        n++;
    }
    return n;
}

static bool field_differs(const comparison *all, int field) {
    char first[4200], other[4200];
    fv_run_config_get(&all->columns[0].run.info.config, field, first, sizeof first);
    for (int i = 1; i < all->n; i++) {
        fv_run_config_get(&all->columns[i].run.info.config, field, other, sizeof other);
        if (strcmp(first, other) != 0) return true;
    }
    return false;
}

static bool macro_differs(const comparison *all) {
    for (int i = 0; i < all->n; i++)
        if (fv_macro_differs(&all->columns[i].macro, all->columns[i].correct, all->columns[i].n)) return true;
    return false;
}

static void print_table(const comparison *all) {
    char align[MOST_RUNS + 2] = "l";
    memset(align + 1, 'l', (size_t)all->n);
    cli_table table = {.align = align};
    cli_cell(&table, "%s", "");
    for (int i = 0; i < all->n; i++) cli_cell(&table, "%s", all->columns[i].shown);
    const char *name;
    for (int f = 0; (name = fv_run_config_field(f)); f++) {
        if (!field_differs(all, f)) continue;
        cli_cell(&table, "%s", name);
        for (int i = 0; i < all->n; i++) {
            char value[4200];
            fv_run_config_get(&all->columns[i].run.info.config, f, value, sizeof value);
            value[strcspn(value, "\n")] = 0;
            cli_cell(&table, strlen(value) > 40 ? "%.37s..." : "%s", *value ? value : "-");
        }
    }
    cli_cell(&table, "weights");
    for (int i = 0; i < all->n; i++) cli_cell(&table, "%s", cli_count(fv_net_n_weights(all->columns[i].run.net)).s);
    cli_cell(&table, "training");
    for (int i = 0; i < all->n; i++) cli_cell(&table, "%s", cli_duration(all->columns[i].run.info.time_s).s);
    cli_cell(&table, "%s loss", all->split);
    for (int i = 0; i < all->n; i++) cli_cell(&table, "%.4f", all->columns[i].loss);
    cli_cell(&table, "%s accuracy", all->split);
    for (int i = 0; i < all->n; i++)
        cli_cell(&table, "%s",
                 cli_accuracy(all->columns[i].correct, all->columns[i].n, cli_decimals(all->columns[i].n)).s);
    if (macro_differs(all)) {
        cli_cell(&table, "%s balanced accuracy", all->split);
        for (int i = 0; i < all->n; i++)
            cli_cell(&table, "%s", cli_percent(all->columns[i].macro.accuracy, cli_decimals(all->columns[i].n)).s);
        cli_cell(&table, "%s macro F1", all->split);
        for (int i = 0; i < all->n; i++)
            cli_cell(&table, "%s", cli_percent(all->columns[i].macro.f1, cli_decimals(all->columns[i].n)).s);
    }
    cli_table_print(&table, stdout);
}

static void print_images(const char *word, const uint32_t *at, size_t n) {
    if (!n) return;
    printf("    %s  ", word);
    for (size_t i = 0; i < n && i < SHOWN; i++) printf(" %u", at[i]);
    printf(n > SHOWN ? " and %zu more\n" : "\n", n - SHOWN);
}

/* The test of b against a. */
static fv_status print_pair(const column *a, const column *b, fv_error *error) {
    size_t won = gained(a, b, NULL), lost = gained(b, a, NULL);
    uint32_t *images = calloc(won + lost + 1, sizeof *images);
    if (!images) return fv_fail(error, FV_E_MEMORY, "out of memory");
    gained(a, b, images);
    gained(b, a, images + won);
    double p = fv_mcnemar(lost, won);
    printf("%s against %s: %s gained, %s lost, p = %.2g: %s\n", b->shown, a->shown, cli_count(won).s, cli_count(lost).s,
           p,
           p >= 0.05    ? "not distinguishable"
           : won > lost ? "better"
                        : "worse");
    print_images("gained", images, won);
    print_images("lost  ", images + won, lost);
    free(images);
    return FV_OK;
}

static fv_status print(const comparison *all, fv_error *error) {
    print_table(all);
    const column *first = &all->columns[0];
    for (int i = 1; i < all->n; i++) {
        if (same_images(all, first, &all->columns[i]))
            FV_TRY(print_pair(first, &all->columns[i], error));
        else
            printf("%s against %s: not the same images, so no paired test\n", all->columns[i].shown, first->shown);
    }
    return FV_OK;
}

/* A list that lost an element is none. */
static void append(json_t **list, json_t *value) {
    if (json_array_append_new(*list, value) == 0) return;
    json_decref(*list);
    *list = NULL;
}

static json_t *indices_json(const column *a, const column *b) {
    uint32_t *images = calloc(a->n + 1, sizeof *images);
    json_t *list = images ? json_array() : NULL;
    size_t n = images ? gained(a, b, images) : 0;
    for (size_t i = 0; i < n; i++) append(&list, json_integer(images[i]));
    free(images);
    return list;
}

static json_t *to_json(const comparison *all) {
    json_t *runs = json_array(), *differences = json_object(), *tests = json_array();
    const column *first = &all->columns[0];
    const char *name;
    for (int i = 0; i < all->n; i++) {
        const column *c = &all->columns[i];
        fv_interval in = fv_wilson(c->correct, c->n);
        append(&runs, json_pack("{ss sI sI sf sf sf sf sf sf sI sf}", "run", c->shown, "total", (json_int_t)c->n,
                                "correct", (json_int_t)c->correct, "loss", c->loss, "accuracy",
                                (double)c->correct / (double)c->n, "accuracy_low", in.low, "accuracy_high", in.high,
                                "macro_accuracy", c->macro.accuracy, "macro_f1", c->macro.f1, "weights",
                                (json_int_t)fv_net_n_weights(c->run.net), "time_s", c->run.info.time_s));
        if (i == 0 || !same_images(all, first, c)) continue;
        size_t won = gained(first, c, NULL), lost = gained(c, first, NULL);
        append(&tests, json_pack("{ss ss so so sf}", "a", first->shown, "b", c->shown, "gained", indices_json(first, c),
                                 "lost", indices_json(c, first), "p", fv_mcnemar(lost, won)));
    }
    for (int f = 0; (name = fv_run_config_field(f)); f++) {
        if (!field_differs(all, f)) continue;
        json_t *values = json_array();
        for (int i = 0; i < all->n; i++) {
            char value[4200];
            fv_run_config_get(&all->columns[i].run.info.config, f, value, sizeof value);
            append(&values, json_string(value));
        }
        if (json_object_set_new(differences, name, values) == 0) continue;
        json_decref(differences);
        differences = NULL;
    }
    return json_pack("{ss so so so}", "split", all->split, "runs", runs, "differences", differences, "tests", tests);
}

static fv_status compare(const cli_line *line, comparison *all, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    all->split = cli_given(line, "split") ? cli_value(line, "split") : "test";
    FV_TRY(cli_split_check(all->split, error));
    FV_TRY(cli_field(line, "threads", &config, error));
    all->threads = cli_threads(config.threads);
    for (; all->n < line->n_arguments; all->n++) {
        column *c = &all->columns[all->n];
        c->shown = cli_shown(line->arguments[all->n]);
        FV_TRY(cli_run_open(line->arguments[all->n], &c->run, error));
        FV_TRY(predictions_of(c, all, error));
    }
    return cli_given(line, "json") ? cli_json_print(to_json(all), error) : print(all, error);
}

int cli_compare(int argc, const char **argv) {
    cli_line line;
    fv_error error = {0};
    bool helped;
    comparison *all = calloc(1, sizeof *all);
    if (!all) return cli_end(FV_E_MEMORY, &(fv_error){FV_E_MEMORY, "compare: out of memory"});
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = compare(&line, all, &error);
    for (int i = 0; i < MOST_RUNS; i++) {
        cli_run_deinit(&all->columns[i].run);
        free(all->columns[i].predictions);
        free(all->columns[i].shown);
    }
    free(all);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
