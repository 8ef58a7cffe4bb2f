#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fovea/image.h"
#include "run_open.h"
#include "terminal.h"

static const cli_option options[] = {
    {"invert", NULL, "makes dark light, for images drawn the other way round"},
    {"json", NULL, "prints JSON"},
    {0},
};

static const cli_usage usage = {
    .verb = "predict",
    .arguments = "RUN FILE.png...",
    .about = "Classifies PNG images with a run's model. An image is fitted as the training\n"
             "images were: made grey where they are, scaled to their size, normalised.",
    .more = "Images should look like those of the training: MNIST's digits are light on dark,\n"
            "fill the image and stand in its middle. For ink on paper give --invert.",
    .options = options,
    .min_arguments = 2,
    .max_arguments = CLI_MAX_ARGUMENTS,
};

typedef struct answer {
    int first, second; /* classes */
    double p_first, p_second;
} answer;

static answer answer_of(const float *logits, int n) {
    answer a = {.second = -1};
    double sum = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[a.first]) a.first = i;
    for (int i = 0; i < n; i++) {
        if (i != a.first && (a.second < 0 || logits[i] > logits[a.second])) a.second = i;
        sum += exp((double)(logits[i] - logits[a.first]));
    }
    a.p_first = 1 / sum;
    a.p_second = a.second < 0 ? 0 : exp((double)(logits[a.second] - logits[a.first])) / sum;
    return a;
}

static json_t *to_json(const cli_run *run, const char *file, const float *logits, answer a) {
    json_t *probabilities = json_object();
    for (int i = 0; i < fv_net_n_classes(run->net); i++)
        json_object_set_new(probabilities, run->class_names[i],
                            json_real(exp((double)(logits[i] - logits[a.first])) * a.p_first));
    return json_pack("{ss ss sf so}", "file", file, "class", run->class_names[a.first], "probability", a.p_first,
                     "probabilities", probabilities);
}

/* Reads every file; the unreadable ones are told and left out. *n_read of them stand in pixels and names. */
static int read_files(const cli_line *line, fv_shape shape, uint8_t *pixels, const char **names, size_t *n_read) {
    int end = CLI_DONE;
    size_t size = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    *n_read = 0;
    for (int i = 1; i < line->n_arguments; i++) {
        fv_error error = {0};
        fv_status status = fv_image_read(line->arguments[i], shape, FV_FIT_STRETCH, cli_given(line, "invert"),
                                         pixels + *n_read * size, &error);
        int failed = cli_end(status, &error);
        if (status == FV_OK)
            names[(*n_read)++] = line->arguments[i];
        else if (end == CLI_DONE)
            end = failed;
    }
    return end;
}

static fv_status print_answers(const cli_line *line, const cli_run *run, const char *const *names, const float *logits,
                               size_t n, fv_error *error) {
    int classes = fv_net_n_classes(run->net);
    json_t *list = json_array();
    cli_table table = {.align = "llrlr"};
    const char *head[] = {"file", "class", "probability", "or else", ""};
    for (int j = 0; j < 5; j++) cli_cell(&table, "%s", head[j]);
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * (size_t)classes;
        answer a = answer_of(row, classes);
        json_array_append_new(list, to_json(run, names[i], row, a));
        cli_cell(&table, "%s", names[i]);
        cli_cell(&table, "%s", run->class_names[a.first]);
        cli_cell(&table, "%s", cli_percent(a.p_first, 1).s);
        cli_cell(&table, "%s", a.second < 0 ? "" : run->class_names[a.second]);
        cli_cell(&table, "%s", cli_percent(a.p_second, 1).s);
    }
    if (cli_given(line, "json")) {
        cli_table_free(&table);
        return cli_json_print(list, error);
    }
    json_decref(list);
    if (n)
        cli_table_print(&table, stdout);
    else
        cli_table_free(&table);
    return FV_OK;
}

static fv_status predict(const cli_line *line, cli_run *run, int *end, fv_error *error) {
    FV_TRY(cli_run_open(line->arguments[0], run, error));
    fv_shape shape = fv_net_input(run->net);
    size_t n = (size_t)line->n_arguments - 1, size = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w, n_read;
    uint8_t *pixels = calloc(n, size);
    const char **names = calloc(n, sizeof *names);
    float *logits = calloc(n, (size_t)fv_net_n_classes(run->net) * sizeof *logits);
    fv_status status = FV_E_MEMORY;
    if (pixels && names && logits) {
        *end = read_files(line, shape, pixels, names, &n_read);
        fv_images images = {n_read, shape, pixels, NULL};
        status = n_read ? fv_net_infer(run->net, &images, NULL, 1, logits, NULL) : FV_OK;
    }
    if (status == FV_OK)
        status = print_answers(line, run, names, logits, n_read, error);
    else
        fv_fail(error, status, "%s: %s", run->directory, fv_status_text(status));
    free(pixels);
    free(names);
    free(logits);
    return status;
}

int cli_predict(int argc, const char **argv) {
    cli_line line;
    cli_run run = {0};
    fv_error error = {0};
    bool helped;
    int end = CLI_DONE;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = predict(&line, &run, &end, &error);
    cli_run_deinit(&run);
    cli_line_deinit(&line);
    return status == FV_OK ? end : cli_end(status, &error);
}
