#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model_choose.h"
#include "run_open.h"
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
    {"resume", "DIR", "goes on with a study that was stopped or killed"},
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
    FV_TRY(cli_dataset_argument(line, config, error));
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

/* ---- going on ---- */

/* What resume.json says. */
typedef struct record {
    json_t *root;
    const char *command, *train_sha256, *test_sha256;
    const char *data[1]; /* the argument */
} record;

/* Options that a study may go on with otherwise; a list that NULL ends. */
static const char *const free_options[] = {"threads", "json", "quiet", "resume", "out", NULL};

static bool is_free(const char *option) {
    int i = 0;
    while (free_options[i] && strcmp(free_options[i], option) != 0) i++;
    return free_options[i] != NULL;
}

/* The command line as text for resume.json; NULL when out of memory or a name is not UTF-8. */
static char *record_text(const cli_line *line, const fv_dataset *dataset, const char *command) {
    json_t *given = json_object();
    bool good = given != NULL;
    for (const cli_option *o = line->usage->options; o->name && good; o++)
        if (cli_given(line, o->name) && !is_free(o->name))
            good = json_object_set_new(given, o->name, json_string(cli_value(line, o->name))) == 0;
    if (!good) { /* an option less would be another study */
        json_decref(given);
        return NULL;
    }
    json_t *root =
        json_pack("{ss ss ss ss ss so}", "fovea", fv_version(), "command", command, "data", line->arguments[0],
                  "train_sha256", dataset->train_sha256, "test_sha256", dataset->test_sha256, "options", given);
    char *text = cli_json_text(root);
    json_decref(root);
    return text;
}

static fv_status fail_record(const char *path, const char *what, fv_error *error) {
    return fv_fail(error, FV_E_DATA, "%s: %s: it is not what a study wrote", path, what);
}

/* Takes the recorded options and data over into the line. */
static fv_status take_options(cli_line *line, record *r, const char *path, fv_error *error) {
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(r->root, "options"), name, value) {
        const cli_option *options_of = line->usage->options;
        int i = 0;
        while (options_of[i].name && strcmp(options_of[i].name, name) != 0) i++;
        if (!options_of[i].name || is_free(name) || !json_is_string(value))
            return fail_record(path, "holds an option that is none", error);
        free(line->values[i]);
        line->values[i] = strdup(json_string_value(value));
        if (!line->values[i]) return fv_fail(error, FV_E_MEMORY, "out of memory");
    }
    r->data[0] = json_string_value(json_object_get(r->root, "data"));
    if (!r->data[0]) return fail_record(path, "names no data", error);
    line->arguments = r->data;
    line->n_arguments = 1;
    return FV_OK;
}

static fv_status read_record(cli_line *line, const char *path, record *r, fv_error *error) {
    json_error_t reason;
    char *text;
    FV_TRY(fv_study_record_read(cli_value(line, "resume"), &text, error));
    r->root = json_loads(text, JSON_REJECT_DUPLICATES, &reason);
    free(text);
    if (!r->root) return fail_record(path, reason.text, error);
    const char *version = json_string_value(json_object_get(r->root, "fovea"));
    r->command = json_string_value(json_object_get(r->root, "command"));
    r->train_sha256 = json_string_value(json_object_get(r->root, "train_sha256"));
    r->test_sha256 = json_string_value(json_object_get(r->root, "test_sha256"));
    if (!version || !r->command || !r->train_sha256 || !r->test_sha256) return fail_record(path, "incomplete", error);
    if (strcmp(version, fv_version()) != 0)
        return fv_fail(error, FV_E_DATA, "%s: begun by fovea %.20s, this is %s: go on with that one, or begin anew",
                       path, version, fv_version());
    return take_options(line, r, path, error);
}

/* Fills the line with what the study began with; *done: it needs nothing more. */
static fv_status resume(cli_line *line, record *r, bool *done, fv_error *error) {
    const char *directory = cli_value(line, "resume");
    char path[PATH_MAX], page[PATH_MAX];
    for (const cli_option *o = line->usage->options; o->name; o++)
        if (cli_given(line, o->name) && (!is_free(o->name) || strcmp(o->name, "out") == 0))
            return fv_fail(
                error, FV_E_ARGUMENT,
                "--resume: goes on as the study began: leave --%s out (--threads, --json and --quiet go with "
                "it)",
                o->name);
    if (line->n_arguments)
        return fv_fail(error, FV_E_ARGUMENT, "--resume: the study says which data it is of: leave `%.60s` out",
                       line->arguments[0]);
    snprintf(path, sizeof path, "%s/" FV_STUDY_RECORD, directory);
    snprintf(page, sizeof page, "%s/report.html", directory);
    *done = access(path, F_OK) != 0 && access(page, F_OK) == 0;
    if (*done) fv_study_forget(directory);
    if (*done) return FV_OK;
    if (access(path, F_OK) != 0)
        return fv_fail(error, FV_E_IO, "%s: could not be read (%s): give the directory of a study that began", path,
                       strerror(errno));
    return read_record(line, path, r, error);
}

/* ---- the verb ---- */

/* Runs in a directory of its own, or in that of the study that goes on; an empty one is not left behind. */
static fv_status run_in(const cli_line *line, const fv_dataset *dataset, const fv_study_options *o, char *directory,
                        size_t size, fv_error *error) {
    const char *out = cli_value(line, "out"), *resumed = cli_value(line, "resume");
    bool was_there = resumed || (out && access(out, F_OK) == 0);
    int lock;
    if (resumed)
        snprintf(directory, size, "%s", resumed);
    else
        FV_TRY(fv_run_directory(out, "study", directory, size, error));
    FV_TRY(fv_run_lock(directory, &lock, error));
    fv_status status = fv_study_run(dataset, o, directory, error);
    cli_bar_clear();
    close(lock);
    if (status != FV_OK && !was_there) rmdir(directory); /* stays where it holds anything */
    if (status == FV_E_INTERRUPTED)
        return fv_fail(error, status, "%s: interrupted; what was finished is kept: `fovea study --resume %s` goes on",
                       directory, directory);
    return status;
}

static fv_status check_data(const record *r, const fv_dataset *dataset, fv_error *error) {
    if (!r->root ||
        (strcmp(r->train_sha256, dataset->train_sha256) == 0 && strcmp(r->test_sha256, dataset->test_sha256) == 0))
        return FV_OK;
    return fv_fail(
        error, FV_E_DATA,
        "%s: not the data that the study began with (their checksums differ): bring those back, or begin anew",
        dataset->name);
}

static fv_status study(cli_line *line, record *r, fv_dataset **dataset, fv_error *error) {
    fv_study_options o = fv_study_defaults();
    fv_run_config config;
    uint32_t queries[MOST_QUERIES];
    char directory[1024];
    bool json = cli_given(line, "json"), quiet = cli_given(line, "quiet"), done = false;
    if (cli_given(line, "resume")) FV_TRY(resume(line, r, &done, error));
    if (done) {
        if (json) return cli_study_copy(cli_value(line, "resume"), error);
        char *shown = cli_shown(cli_value(line, "resume"));
        if (!quiet) printf("%s is done: its page is %s/report.html\n", shown, shown);
        free(shown);
        return FV_OK;
    }
    if (!line->n_arguments)
        return fv_fail(error, FV_E_ARGUMENT, "study: an argument is missing: give `fovea study DATA`");
    FV_TRY(read_options(line, &o, &config, error));
    FV_TRY(cli_dataset_open(&config, NULL, dataset, error));
    FV_TRY(cli_dataset_check(line, *dataset, error));
    FV_TRY(check_data(r, *dataset, error));
    if (cli_given(line, "queries")) {
        FV_TRY(read_queries(cli_value(line, "queries"), (*dataset)->test.n, queries, &o.n_queries, error));
        o.queries = queries;
    }
    progress p = {.rows = quiet ? NULL : stderr, .bar = !quiet && cli_is_terminal(stderr)};
    clock_gettime(CLOCK_MONOTONIC, &p.start);
    o.command = r->root ? r->command : cli_command();
    char *text = record_text(line, *dataset, o.command);
    if (!text) return fv_fail(error, FV_E_MEMORY, "study: out of memory, or a name that is not UTF-8");
    o.record = text;
    o.context = &p;
    o.cancelled = cli_cancelled;
    o.on_progress = on_progress;
    fv_status status = run_in(line, *dataset, &o, directory, sizeof directory, error);
    free(text);
    FV_TRY(status);
    if (json) return cli_study_copy(directory, error);
    return quiet ? FV_OK : cli_study_print(directory, error);
}

int cli_study(int argc, const char **argv) {
    cli_line line;
    record r = {0};
    fv_dataset *dataset = NULL;
    fv_error error = {0};
    bool helped;
    cli_keep_signals();
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = study(&line, &r, &dataset, &error);
    fv_dataset_destroy(dataset);
    json_decref(r.root);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
