#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model_choose.h"
#include "study_table.h"
#include "terminal.h"

enum { MOST_QUERIES = 64 };

static const cli_option options[] = {
    {"parts", "LIST", "questions, separated by commas (all; see below)"},
    {"augmentations", "LIST", "of question 1 (\"none; mild; strong\")"},
    {"epochs", "N", "of every training (10)"},
    {"seeds", "N", "trainings of each kind, 1 to 100 (3)"},
    {"seed", "N", "the first seed (1)"},
    {"threads", "N", "0: all processors; same results for any (0)"},
    {"explain", "MODEL", "the model of questions 3 to 8, or best (convnet-bn)"},
    {"queries", "LIST", "test images whose neighbours are shown, e.g. 3,14,159"},
    CLI_DATASET_OPTIONS,
    {"out", "DIR", "the study's directory (runs/study-N)"},
    {"json", NULL, "prints study.json in place of the table"},
    {"quiet", NULL, "prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "study",
    .arguments = "DATA",
    .about = "Trains all that answers the eight questions about a dataset (a name as in\n"
             "`fovea data list`, or a directory) and writes one page, report.html.",
    .more = "Parts are augmentation, architecture, scaling, mistakes, kernels, confusion,\n"
            "embedding, neighbours; without --parts all of them.\n"
            "Augmentations: docs/augmentation.md, and `fovea data preview` draws them.\n" CLI_DATASET_MORE,
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct progress {
    FILE *rows; /* a row per finished training, where no bar is drawn; NULL: none */
    bool bar;
    struct timespec start;
} progress;

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static void on_progress(void *context, int n_done, int n_jobs, const char *what, double time_s, double images_per_s) {
    progress *p = context;
    if (p->bar) {
        char before[64], after[256];
        double left = n_done ? seconds_since(&p->start) / n_done * (n_jobs - n_done) : 0;
        snprintf(before, sizeof before, "%3d of %d  ", n_done, n_jobs);
        snprintf(after, sizeof after, "  %s · %s left", what, cli_left(left).s);
        cli_bar_draw(before, n_jobs ? (double)n_done / n_jobs : 0, 24, after);
    } else if (p->rows) {
        fprintf(p->rows, "%3d of %d   %-46s %11s", n_done, n_jobs, what, cli_duration(time_s).s);
        if (images_per_s > 0) fprintf(p->rows, "   %s images/s", cli_rate(images_per_s).s);
        fputc('\n', p->rows);
    }
}

/* "3,14,159": places in the test set. */
static fv_status read_queries(const char *list, size_t n_test, uint32_t *out, int *n, fv_error *error) {
    *n = 0;
    for (const char *at = list;; at++) {
        char *end = NULL;
        unsigned long value = 0;
        errno = 0;
        if (*at >= '0' && *at <= '9') value = strtoul(at, &end, 10);
        if (!end || (*end && *end != ','))
            return fv_fail(error, FV_E_ARGUMENT,
                           "--queries: \"%.60s\": give numbers separated by commas, e.g. 3,14,159", list);
        if (errno || value >= n_test)
            return fv_fail(error, FV_E_ARGUMENT, "--queries: %.*s is no test image: give 0 to %zu", (int)(end - at), at,
                           n_test - 1);
        if (*n == MOST_QUERIES)
            return fv_fail(error, FV_E_ARGUMENT, "--queries: too many: give at most %d", MOST_QUERIES);
        out[(*n)++] = (uint32_t)value;
        if (!*end) return FV_OK;
        at = end;
    }
}

/* Everything but the queries, whose range the dataset gives. */
static fv_status read_options(const cli_line *line, fv_study_options *o, fv_run_config *config, fv_error *error) {
    static const char *const fields[] = {"epochs", "seed", "threads"};
    *config = fv_run_config_defaults();
    config->epochs = o->epochs;
    config->seed = o->seed;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) FV_TRY(cli_field(line, fields[i], config, error));
    FV_TRY(cli_dataset_fields(line, config, error));
    snprintf(config->dataset, sizeof config->dataset, "%s", line->arguments[0]);
    o->epochs = config->epochs;
    o->seed = config->seed;
    o->threads = cli_threads(config->threads);
    FV_TRY(cli_whole(line, "seeds", 1, 100, &o->n_seeds, error));
    if (cli_given(line, "parts")) FV_TRY(fv_study_parts(cli_value(line, "parts"), &o->parts, error));
    if (cli_given(line, "augmentations")) o->augmentations = cli_value(line, "augmentations");
    if (cli_given(line, "augmentations") && !(o->parts & FV_PART_AUGMENTATION))
        return fv_fail(error, FV_E_ARGUMENT,
                       "--augmentations: is for the part `augmentation`, which --parts leaves out");
    const char *explain = cli_value(line, "explain");
    if (explain && strcmp(explain, "best") != 0) {
        FV_TRY(cli_model_choose(explain, "--explain", config, error));
        explain = config->model;
    }
    o->explain = explain;
    return FV_OK;
}

/* Runs in a directory of its own; an empty one is not left behind. */
static fv_status run_in(const fv_dataset *dataset, const fv_study_options *o, const char *out, char *directory,
                        size_t size, fv_error *error) {
    bool was_there = out && access(out, F_OK) == 0;
    FV_TRY(fv_run_directory(out, "study", directory, size, error));
    fv_status status = fv_study_run(dataset, o, directory, error);
    cli_bar_clear();
    if (status != FV_OK && !was_there) rmdir(directory); /* stays where it holds anything */
    if (status == FV_E_INTERRUPTED)
        return fv_fail(
            error, status,
            "%s: interrupted; what was finished is in its study.json: give the command again, with another --out, "
            "for all of it",
            directory);
    return status;
}

static fv_status study(const cli_line *line, fv_dataset **dataset, fv_error *error) {
    fv_study_options o = fv_study_defaults();
    fv_run_config config;
    uint32_t queries[MOST_QUERIES];
    char directory[1024];
    bool json = cli_given(line, "json"), quiet = cli_given(line, "quiet");
    FV_TRY(read_options(line, &o, &config, error));
    FV_TRY(cli_dataset_open(&config, NULL, dataset, error));
    FV_TRY(cli_dataset_check(line, *dataset, error));
    if (cli_given(line, "queries")) {
        FV_TRY(read_queries(cli_value(line, "queries"), (*dataset)->test.n, queries, &o.n_queries, error));
        o.queries = queries;
    }
    progress p = {.rows = quiet ? NULL : stderr, .bar = !quiet && cli_is_terminal(stderr)};
    clock_gettime(CLOCK_MONOTONIC, &p.start);
    o.command = cli_command();
    o.context = &p;
    o.cancelled = cli_cancelled;
    o.on_progress = on_progress;
    FV_TRY(run_in(*dataset, &o, cli_value(line, "out"), directory, sizeof directory, error));
    if (json) return cli_study_copy(directory, error);
    return quiet ? FV_OK : cli_study_print(directory, error);
}

int cli_study(int argc, const char **argv) {
    cli_line line;
    fv_dataset *dataset = NULL;
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = study(&line, &dataset, &error);
    fv_dataset_destroy(dataset);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
