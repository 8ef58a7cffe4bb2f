#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fovea/image.h"
#include "run_open.h"
#include "terminal.h"

enum { MOST_STDIN = 1 << 30, BATCH = 4096 /* files decoded before the net sees them */ };

static const cli_option options[] = {
    {"top", "K", "the K likeliest classes (2)"},
    {"invert", NULL, "makes dark light, for images drawn the other way round"},
    {"fit", "HOW", "stretch, pad or crop (as in the training)"},
    {"threads", "N", "0: all processors (0)"},
    {"csv", NULL, "prints CSV"},
    {"json", NULL, "prints JSON, with all classes unless --top is given"},
    {0},
};

static const cli_usage usage = {
    .verb = "predict",
    .arguments = "RUN FILE...|DIR|-",
    .about = "Classifies images with a run's model: PNG, JPEG, WebP, TIFF, BMP, GIF, PGM; all\n"
             "those below DIR; or one from standard input (-). They are treated as the\n"
             "training images were: made grey where they are, brought to their size.",
    .more = "Images should look like those of the training: MNIST's digits are light on dark,\n"
            "fill the image and stand in its middle. For ink on paper give --invert.",
    .options = options,
    .min_arguments = 2,
    .max_arguments = CLI_MAX_ARGUMENTS,
};

typedef struct prediction {
    cli_run run;
    fv_fit fit;
    bool invert;
    int threads, n_classes, top;
    char **files; /* [n], as they are printed */
    size_t n, room;
    float *logits; /* [n][n_classes]; only of files that were read */
    bool *failed;  /* [n] */
    int end;       /* exit status, of the first file that could not be read */
} prediction;

static fv_status out_of_memory(fv_error *error) {
    return fv_fail(error, FV_E_MEMORY, "out of memory");
}

static fv_status take_file(prediction *p, char *file, fv_error *error) {
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 256;
        char **more = realloc(p->files, room * sizeof *more);
        if (more) {
            p->files = more;
            p->room = room;
        }
    }
    if (!file || p->n == p->room) {
        free(file);
        return out_of_memory(error);
    }
    p->files[p->n++] = file;
    return FV_OK;
}

/* What the arguments name: folders are replaced by the images in them. */
static fv_status collect(prediction *p, const cli_line *line, fv_error *error) {
    for (int i = 1; i < line->n_arguments; i++) {
        struct stat info;
        const char *name = line->arguments[i];
        if (stat(name, &info) != 0 || !S_ISDIR(info.st_mode)) {
            FV_TRY(take_file(p, strdup(name), error));
            continue;
        }
        char **found;
        size_t n;
        FV_TRY(fv_image_files(name, &found, &n, error));
        fv_status status = FV_OK;
        for (size_t j = 0; j < n; j++) {
            if (status == FV_OK)
                status = take_file(p, found[j], error);
            else
                free(found[j]);
        }
        free(found);
        FV_TRY(status);
    }
    return FV_OK;
}

static fv_status read_stdin(const prediction *p, fv_shape shape, uint8_t *out, fv_error *error) {
    size_t n = 0, room = 1 << 16;
    char *bytes = malloc(room);
    while (bytes) {
        n += fread(bytes + n, 1, room - n, stdin);
        if (n < room) break;
        char *more = n < MOST_STDIN ? realloc(bytes, room *= 2) : NULL;
        if (!more) free(bytes);
        bytes = more;
    }
    if (!bytes) return out_of_memory(error);
    fv_status status = ferror(stdin)
                           ? fv_fail(error, FV_E_IO, "standard input: could not be read: %s", strerror(errno))
                           : fv_image_read_bytes("standard input", bytes, n, shape, p->fit, p->invert, out, error);
    free(bytes);
    return status;
}

static bool is_stdin(const char *file) {
    return strcmp(file, "-") == 0;
}

/* Decodes files [from, from + n); why one cannot be read is told in their order. */
static fv_status decode(prediction *p, size_t from, size_t n, fv_shape shape, uint8_t *pixels, fv_error *error) {
    size_t size = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    const char *const *files = (const char *const *)p->files + from;
    FV_TRY(fv_image_read_many(files, n, shape, p->fit, p->invert, p->threads, pixels, p->failed + from, error));
    for (size_t i = 0; i < n; i++) {
        if (!p->failed[from + i]) continue;
        fv_error reason = {0};
        uint8_t *out = pixels + i * size;
        fv_status status = is_stdin(files[i]) ? read_stdin(p, shape, out, &reason)
                                              : fv_image_read(files[i], shape, p->fit, p->invert, out, &reason);
        p->failed[from + i] = status != FV_OK;
        int failed = cli_end(status, &reason);
        if (p->end == CLI_DONE) p->end = failed;
    }
    return FV_OK;
}

static fv_status infer_all(prediction *p, fv_error *error) {
    fv_shape shape = fv_net_input(p->run.net);
    size_t most = p->n < BATCH ? p->n : BATCH, size = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    uint8_t *pixels = calloc(most + 1, size);
    p->failed = calloc(p->n + 1, sizeof *p->failed);
    p->logits = calloc((p->n + 1) * (size_t)p->n_classes, sizeof *p->logits);
    fv_status status = pixels && p->failed && p->logits ? FV_OK : out_of_memory(error);
    for (size_t from = 0; status == FV_OK && from < p->n; from += most) {
        size_t n = p->n - from < most ? p->n - from : most;
        fv_images images = {.n = n, .shape = shape, .pixels = pixels};
        status = decode(p, from, n, shape, pixels, error);
        if (status == FV_OK) {
            status = fv_net_infer(p->run.net, &images, NULL, p->threads, p->logits + from * (size_t)p->n_classes, NULL);
            if (status != FV_OK) cli_run_fail(&p->run, status, error);
        }
    }
    free(pixels);
    return status;
}

typedef struct answer {
    int class;
    double probability;
} answer;

static int likelier(const void *a, const void *b) {
    const answer *x = a, *y = b;
    if (x->probability != y->probability) return x->probability < y->probability ? 1 : -1;
    return x->class - y->class;
}

/* All classes with their probabilities, likeliest first. */
static void answer_of(const float *logits, int n, answer *out) {
    double sum = 0;
    float most = logits[0];
    for (int i = 1; i < n; i++)
        if (logits[i] > most) most = logits[i];
    for (int i = 0; i < n; i++) sum += exp((double)(logits[i] - most));
    for (int i = 0; i < n; i++) out[i] = (answer){i, exp((double)(logits[i] - most)) / sum};
    qsort(out, (size_t)n, sizeof *out, likelier);
}

static json_t *to_json(const prediction *p, const char *file, const answer *answers, bool all) {
    json_t *probabilities = json_object();
    for (int i = 0; i < p->n_classes; i++) {
        double probability = 0;
        for (int j = 0; all && j < p->n_classes; j++)
            if (answers[j].class == i) probability = answers[j].probability;
        const answer *ranked = &answers[i];
        if (all)
            json_object_set_new(probabilities, p->run.class_names[i], json_real(probability));
        else if (i < p->top)
            json_object_set_new(probabilities, p->run.class_names[ranked->class], json_real(ranked->probability));
    }
    return json_pack("{ss ss sf so}", "file", file, "class", p->run.class_names[answers[0].class], "probability",
                     answers[0].probability, "probabilities", probabilities);
}

/* A cell of CSV, quoted where it must be (RFC 4180). What a spreadsheet would take for a formula gets something before
 * it: a file ./, with which it is the same file; a class an apostrophe, unless it is a number. */
static void print_cell(const char *text, bool file) {
    char *end;
    bool formula = *text && strchr("=+-@\t\r", *text) && !(file && is_stdin(text));
    if (formula && !file) formula = (strtod(text, &end), *end != 0);
    const char *before = !formula ? "" : file ? "./" : "'";
    if (!strpbrk(text, ",\"\r\n")) {
        printf("%s%s", before, text);
        return;
    }
    printf("\"%s", before);
    for (; *text; text++) printf(*text == '"' ? "\"\"" : "%c", *text);
    putchar('"');
}

static void print_csv_row(const prediction *p, const char *file, const answer *answers) {
    print_cell(file, true);
    for (int j = 0; j < p->top; j++) {
        putchar(',');
        print_cell(p->run.class_names[answers[j].class], false);
        printf(",%.9g", answers[j].probability);
    }
    putchar('\n');
}

static void add_row(const prediction *p, cli_table *table, const char *file, const answer *answers) {
    cli_cell(table, "%s", file);
    for (int j = 0; j < p->top; j++) {
        cli_cell(table, "%s", p->run.class_names[answers[j].class]);
        cli_cell(table, "%s", cli_percent(answers[j].probability, 1).s);
    }
}

static void print_heads(const prediction *p, bool csv, cli_table *table, char *align) {
    *align++ = 'l';
    if (csv)
        printf("file");
    else
        cli_cell(table, "file");
    for (int j = 0; j < p->top; j++) {
        *align++ = 'l';
        *align++ = 'r';
        if (csv && j == 0) printf(",class,probability");
        if (csv && j > 0) printf(",class_%d,probability_%d", j + 1, j + 1);
        if (csv) continue;
        cli_cell(table, "%s", j == 0 ? "class" : j == 1 ? "or else" : "or");
        cli_cell(table, "%s", j == 0 ? "probability" : "");
    }
    *align = 0;
    if (csv) putchar('\n');
}

static fv_status print(const prediction *p, const cli_line *line, fv_error *error) {
    bool json = cli_given(line, "json"), csv = cli_given(line, "csv"), any = false;
    char *shown = NULL;
    answer *answers = calloc((size_t)p->n_classes, sizeof *answers);
    char *align = calloc(2 * (size_t)p->top + 2, 1);
    json_t *list = json_array();
    cli_table table = {.align = align};
    if (!answers || !align || !list) {
        free(answers);
        free(align);
        json_decref(list);
        return out_of_memory(error);
    }
    if (!json) print_heads(p, csv, &table, align);
    for (size_t i = 0; i < p->n; i++) {
        if (p->failed[i]) continue;
        any = true;
        answer_of(p->logits + i * (size_t)p->n_classes, p->n_classes, answers);
        shown = cli_shown(p->files[i]);
        if (json)
            json_array_append_new(list, to_json(p, shown, answers, !cli_given(line, "top")));
        else if (csv)
            print_csv_row(p, cli_is_terminal(stdout) ? shown : p->files[i], answers);
        else
            add_row(p, &table, shown, answers);
        free(shown);
    }
    fv_status status = FV_OK;
    if (json)
        status = cli_json_print(json_incref(list), error);
    else if (!csv && any)
        cli_table_print(&table, stdout);
    else
        cli_table_free(&table);
    json_decref(list);
    free(answers);
    free(align);
    return status;
}

static fv_status predict(const cli_line *line, prediction *p, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    FV_TRY(cli_field(line, "threads", &config, error));
    if (cli_given(line, "csv") && cli_given(line, "json"))
        return fv_fail(error, FV_E_ARGUMENT, "--csv: and --json exclude each other: give one");
    FV_TRY(cli_run_open(line->arguments[0], &p->run, error));
    snprintf(config.fit, sizeof config.fit, "%s", p->run.info.config.fit);
    FV_TRY(cli_field(line, "fit", &config, error));
    FV_TRY(fv_fit_parse(config.fit, "--fit", &p->fit, error));
    p->threads = cli_threads(config.threads);
    p->n_classes = fv_net_n_classes(p->run.net);
    p->top = p->n_classes < 2 ? p->n_classes : 2;
    p->invert = cli_given(line, "invert");
    FV_TRY(cli_whole(line, "top", 1, p->n_classes, &p->top, error));
    FV_TRY(collect(p, line, error));
    FV_TRY(infer_all(p, error));
    return print(p, line, error);
}

int cli_predict(int argc, const char **argv) {
    cli_line line;
    prediction p = {.end = CLI_DONE};
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = predict(&line, &p, &error);
    for (size_t i = 0; i < p.n; i++) free(p.files[i]);
    free(p.files);
    free(p.logits);
    free(p.failed);
    cli_run_deinit(&p.run);
    cli_line_deinit(&line);
    return status == FV_OK ? p.end : cli_end(status, &error);
}
