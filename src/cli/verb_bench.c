#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_table.h"
#include "model_choose.h"
#include "run_open.h"
#include "terminal.h"

enum { MOST_BATCH = 65536, MOST_THREADS = 256, MOST_MODELS = 64 };
/* Seconds of training per model: of the table of models, of one model's parts; of a measurement of inference. */
static const double brief_s = 0.5, long_s = 2, infer_s = 0.4;

static const cli_option options[] = {
    {"model", "MODEL", "name, text or .net file: its parts (all, briefly)"},
    {"input", "CxHxW", "the images: channels, height, width (1x28x28)"},
    {"classes", "N", "that `dense classes` tells apart (10)"},
    {"batch", "N", "images a step (64)"},
    {"threads", "N", "0: all processors (0)"},
    {"seed", "N", "made-up images, first weights, dropout (1)"},
    {"json", NULL, "prints JSON"},
    {0},
};

static const cli_usage usage = {
    .verb = "bench",
    .arguments = "",
    .about = "Measures this machine and what the named models make of it; with --model where a\n"
             "training step of that model spends its time. Works on made-up images.",
    .more = "\nA multiply-add counts as two floating-point operations; the peak is measured in\n"
            "the same run. Bytes are what the parts read and write, in a cache or not.",
    .options = options,
};

typedef struct bench {
    fv_shape input;
    int n_classes, n_cases;
    fv_train_options train;
    fv_machine_speed speed;
    cli_bench_case cases[2 * MOST_MODELS];
    fv_net *nets[2 * MOST_MODELS];
} bench;

static fv_status read_input(const char *text, fv_shape *out, fv_error *error) {
    int end = 0;
    fv_shape s;
    if (sscanf(text, "%5dx%5dx%5d%n", &s.c, &s.h, &s.w, &end) != 3 || text[end] || !strchr("123456789", text[0]))
        return fv_fail(error, FV_E_ARGUMENT,
                       "--input: `%.60s` is no size of an image: give channels, height and width, such as 3x32x32",
                       text);
    *out = s; /* fv_net_create knows the limits */
    return FV_OK;
}

static fv_status read_options(const cli_line *line, bench *b, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    b->input = (fv_shape){1, 28, 28};
    b->n_classes = 10;
    b->train = fv_train_defaults();
    b->train.cancelled = cli_cancelled;
    if (cli_given(line, "input")) FV_TRY(read_input(cli_value(line, "input"), &b->input, error));
    FV_TRY(cli_whole(line, "classes", 2, FV_MAX_CLASSES, &b->n_classes, error));
    FV_TRY(cli_whole(line, "batch", 1, MOST_BATCH, &b->train.batch, error));
    FV_TRY(cli_whole(line, "threads", 0, MOST_THREADS, &b->train.threads, error));
    FV_TRY(cli_field(line, "seed", &config, error));
    b->train.seed = config.seed;
    b->train.threads = cli_threads(b->train.threads);
    return FV_OK;
}

/* Trains `model` for time_s seconds, as the next case. */
static fv_status measure(bench *b, const char *name, const char *model, int threads, double time_s, fv_error *error) {
    fv_train_options train = b->train;
    train.threads = threads;
    cli_bench_case *c = &b->cases[b->n_cases];
    fv_net **net = &b->nets[b->n_cases++];
    FV_TRY(fv_net_create(model, b->input, b->n_classes, cli_model_pad(model, b->input), train.seed, net, error));
    *c = (cli_bench_case){.name = name, .net = *net};
    return fv_bench_train(*net, &train, time_s, &c->training, error);
}

static fv_status measure_inference(bench *b, fv_error *error) {
    cli_bench_case *c = &b->cases[0];
    double many_s = 1;
    fv_status status = fv_bench_infer(c->net, 1, b->train.threads, b->train.seed, infer_s, &c->latency_s);
    if (status == FV_OK)
        status = fv_bench_infer(c->net, CLI_BENCH_MANY, b->train.threads, b->train.seed, infer_s, &many_s);
    c->throughput = CLI_BENCH_MANY / many_s;
    return status == FV_OK ? status : fv_fail(error, status, "bench: out of memory");
}

static fv_status measure_one(bench *b, const char *model, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    FV_TRY(cli_model_choose(model, "--model", &config, error));
    cli_bar_draw("measuring for some seconds", 0, 0, "");
    FV_TRY(measure(b, model, config.model, b->train.threads, long_s, error));
    return measure_inference(b, error);
}

static fv_status measure_all(bench *b, fv_error *error) {
    int n_models = 0;
    while (n_models < MOST_MODELS && fv_model_name(n_models)) n_models++;
    for (int i = 0; i < n_models; i++) {
        const char *name = fv_model_name(i);
        cli_bar_draw("measuring ", (double)i / n_models, 20, name);
        FV_TRY(measure(b, name, name, 1, brief_s, error));
        if (b->train.threads > 1) FV_TRY(measure(b, name, name, b->train.threads, brief_s, error));
    }
    return FV_OK;
}

static fv_status print_json(const bench *b, bool one, fv_error *error) {
    if (one)
        return cli_json_print(json_pack("{so so}", "machine", cli_bench_machine_json(&b->speed), "training",
                                        cli_bench_case_json(&b->cases[0], true)),
                              error);
    json_t *models = json_array();
    for (int i = 0; i < b->n_cases; i++) json_array_append_new(models, cli_bench_case_json(&b->cases[i], false));
    return cli_json_print(json_pack("{so so}", "machine", cli_bench_machine_json(&b->speed), "models", models), error);
}

static fv_status run(const cli_line *line, bench *b, fv_error *error) {
    const char *model = cli_value(line, "model");
    FV_TRY(read_options(line, b, error));
    fv_status status = model ? measure_one(b, model, error) : measure_all(b, error);
    cli_bar_clear();
    if (status != FV_OK) return status;
    if (fv_bench_machine(b->train.threads, &b->speed) != FV_OK)
        return fv_fail(error, FV_E_MEMORY, "bench: out of memory: 256 MB are needed to measure it");
    if (cli_given(line, "json")) return print_json(b, model, error);
    cli_bench_print_machine(&b->speed);
    if (model)
        cli_bench_print_roofline(&b->cases[0]);
    else
        cli_bench_print_cases(b->cases, b->n_cases);
    return FV_OK;
}

int cli_bench(int argc, const char **argv) {
    cli_line line;
    fv_error error = {0};
    bool helped;
    bench *b = calloc(1, sizeof *b);
    cli_keep_signals();
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !b) status = fv_fail(&error, FV_E_MEMORY, "out of memory");
    if (status == FV_OK && !helped) status = run(&line, b, &error);
    for (int i = 0; b && i < b->n_cases; i++) {
        fv_bench_training_deinit(&b->cases[i].training);
        fv_net_destroy(b->nets[i]);
    }
    free(b);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
