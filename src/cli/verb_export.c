#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run_open.h"
#include "terminal.h"

static const cli_option options[] = {
    {"format", "FORMAT", "onnx, safetensors, npz, c (by FILE's ending)"},
    {"out", "FILE", "what is written; it must be named"},
    {"input", "PIXELS", "onnx: takes uint8, or float in 0 to 1 (uint8)"},
    {"int8", NULL, "c: in 8-bit integers, by ranges of training images"},
    {"verify", NULL, "reads it back and runs the test images through it"},
    {"threads", "N", "of --verify; 0: all processors (0)"},
    {"json", NULL, "prints JSON"},
    {"quiet", NULL, "prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "export",
    .arguments = "RUN [DATA]",
    .about = "Writes a run's model for other programs; docs/export.md tells how to load each.\n"
             "DATA is where --verify takes test images from (the run's own dataset).",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
};

/* A format: its name is also the ending of its files. */
static const struct {
    const char *name;
    fv_export_format format;
} formats[] = {
    {"onnx", FV_EXPORT_ONNX}, {"safetensors", FV_EXPORT_SAFETENSORS}, {"npz", FV_EXPORT_NPZ}, {"c", FV_EXPORT_C}};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

/* Multiply-adds that a verification may cost in all: some ten seconds. A larger model is run on fewer images. */
#define VERIFY_COST 2e10
/* Float arithmetic in another order differs by less, as a part of the largest logit. */
#define FLOAT_DIFFERENCE 1e-4

typedef struct exporting {
    const cli_line *line;
    cli_run run;
    fv_dataset *dataset;
    const char *path;
    int format; /* in formats */
    fv_onnx_input input;
    bool int8, verified;
    fv_c_size size; /* of C source */
    fv_agreement agreement;
} exporting;

static fv_status choose_format(const cli_line *line, exporting *e, fv_error *error) {
    const char *name = cli_value(line, "format"), *dot = strrchr(e->path, '.');
    const char *word = name ? name : dot ? dot + 1 : "";
    for (e->format = 0; e->format < N_FORMATS; e->format++)
        if (strcmp(word, formats[e->format].name) == 0) return FV_OK;
    if (name)
        return fv_fail(error, FV_E_ARGUMENT, "--format: `%.60s` is no format: give onnx, safetensors, npz or c", name);
    return fv_fail(error, FV_E_ARGUMENT,
                   "%.200s: its ending tells no format: give --format onnx, safetensors, npz or c", e->path);
}

static fv_status read_options(const cli_line *line, exporting *e, fv_error *error) {
    e->path = cli_value(line, "out");
    if (!e->path || !*e->path)
        return fv_fail(error, FV_E_ARGUMENT, "export: no file is named: give `fovea export RUN -o FILE`");
    FV_TRY(choose_format(line, e, error));
    fv_export_format format = formats[e->format].format;
    const char *input = cli_value(line, "input");
    e->int8 = cli_given(line, "int8");
    if (e->int8 && format != FV_EXPORT_C) return fv_fail(error, FV_E_ARGUMENT, "--int8: is for c alone: leave it out");
    if (!input) return FV_OK;
    if (format != FV_EXPORT_ONNX) return fv_fail(error, FV_E_ARGUMENT, "--input: is for onnx alone: leave it out");
    if (strcmp(input, "float") == 0)
        e->input = FV_ONNX_FLOAT;
    else if (strcmp(input, "uint8") != 0)
        return fv_fail(error, FV_E_ARGUMENT, "--input: `%.60s` is no kind of pixels: give uint8 or float", input);
    return FV_OK;
}

/* Images of a split; the dataset is opened when the first are wanted. */
static fv_status open_split(exporting *e, const char *split, const fv_images **images, fv_indices *indices,
                            fv_error *error) {
    const char *data = e->line->n_arguments > 1 ? e->line->arguments[1] : NULL;
    if (!e->dataset) FV_TRY(cli_run_dataset(&e->run, data, &e->dataset, error));
    return cli_run_split(&e->run, e->dataset, split, images, indices, error);
}

static fv_status write_c(exporting *e, fv_error *error) {
    const char *const *names = (const char *const *)e->run.class_names;
    const fv_images *images = NULL;
    fv_indices indices = {0};
    if (e->int8) FV_TRY(open_split(e, "train", &images, &indices, error));
    fv_status status = fv_export_c(e->run.net, e->path, names, images, &indices, &e->size, error);
    fv_indices_deinit(&indices);
    return status;
}

static fv_status write_file(exporting *e, fv_error *error) {
    const char *const *names = (const char *const *)e->run.class_names;
    switch (formats[e->format].format) {
    case FV_EXPORT_ONNX:
        return fv_export_onnx(e->run.net, e->path, names, e->input, error);
    case FV_EXPORT_NPZ:
        return fv_export_npz(e->run.net, e->path, names, error);
    case FV_EXPORT_SAFETENSORS:
        return fv_net_save(e->run.net, e->path, names, error);
    case FV_EXPORT_C:
        return write_c(e, error);
    }
    return fv_fail(error, FV_E_ARGUMENT, "--format: no such format");
}

/* As many as VERIFY_COST allows, a hundred at least, evenly spread. */
static void thin_out(const fv_net *net, fv_indices *indices) {
    double most = VERIFY_COST / (double)fv_net_n_multiply_adds(net);
    size_t n = indices->n, keep = most < 100 ? 100 : most < (double)n ? (size_t)most : n;
    if (keep >= n) return;
    for (size_t i = 0; i < keep; i++) indices->at[i] = indices->at[i * n / keep];
    indices->n = keep;
}

static fv_status verify(exporting *e, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    const fv_images *images;
    fv_indices indices = {0};
    FV_TRY(cli_field(e->line, "threads", &config, error));
    FV_TRY(open_split(e, "test", &images, &indices, error));
    thin_out(e->run.net, &indices);
    fv_status status = fv_export_verify(e->run.net, e->path, formats[e->format].format, images, &indices,
                                        cli_threads(config.threads), &e->agreement, error);
    fv_indices_deinit(&indices);
    e->verified = status == FV_OK;
    return status;
}

/* 8 bits are another model, whose accuracy tells; everything else is the same arithmetic. */
static bool disagrees(const exporting *e) {
    const fv_agreement *a = &e->agreement;
    double most = FLOAT_DIFFERENCE * (a->largest_logit > 1 ? a->largest_logit : 1);
    return e->verified && !e->int8 && !(a->largest_difference <= most);
}

static size_t file_size(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

/* Lines to paste into Python, as they are however long. */
static fv_status print_pytorch(const exporting *e, fv_error *error) {
    char *text;
    FV_TRY(fv_export_pytorch_text(e->run.net, e->path, &text, error));
    printf("to load it in PyTorch, then `logits(pixels)` with pixels [N][C][H][W], 0 to 255:\n\n%s", text);
    free(text);
    return FV_OK;
}

static void print_written(const exporting *e, const char *path) {
    fv_shape s = fv_net_input(e->run.net);
    fv_export_format format = formats[e->format].format;
    if (format == FV_EXPORT_C) {
        size_t n = strlen(path);
        if (n > 2 && strcmp(path + n - 2, ".c") == 0) n -= 2;
        printf("%-12s %.*s.c, .h and an example, _main.c · C99, %s\n", "exported", (int)n, path,
               e->int8 ? "8-bit integers" : "float");
        printf("%-12s %sB of RAM, %sB of flash beside the code\n", "needs", cli_metric((double)e->size.scratch_bytes).s,
               cli_metric((double)e->size.constants_bytes).s);
        return;
    }
    printf("%-12s %s · %s · %sB\n", "exported", path, formats[e->format].name,
           cli_metric((double)file_size(e->path)).s);
    if (format == FV_EXPORT_ONNX)
        printf("%-12s pixels [N][%d][%d][%d] %s -> logits [N][%d]\n", "", s.c, s.h, s.w,
               e->input == FV_ONNX_FLOAT ? "float, 0 to 1" : "uint8", fv_net_n_classes(e->run.net));
}

static void print_verified(const exporting *e) {
    const fv_agreement *a = &e->agreement;
    printf("%-12s %s of %s %s test images classified alike, logits differ by %.1e at most\n", "verified",
           cli_count(a->n_same).s, cli_count(a->n).s, e->dataset->name, a->largest_difference);
    if (e->int8)
        printf("%-12s %s in 8 bits, %s by the run\n", "accuracy",
               cli_percent((double)a->n_correct_file / (double)a->n, 2).s,
               cli_percent((double)a->n_correct_net / (double)a->n, 2).s);
}

static json_t *to_json(const exporting *e) {
    json_t *json = json_pack("{ss ss ss sI}", "run", e->run.directory, "file", e->path, "format",
                             formats[e->format].name, "size_bytes", (json_int_t)file_size(e->path));
    const fv_agreement *a = &e->agreement;
    if (json && formats[e->format].format == FV_EXPORT_C)
        json_object_set_new(json, "needs",
                            json_pack("{sI sI}", "scratch_bytes", (json_int_t)e->size.scratch_bytes, "constants_bytes",
                                      (json_int_t)e->size.constants_bytes));
    if (json && e->verified)
        json_object_set_new(json, "verified",
                            json_pack("{ss sI sI sI sI sf sf}", "dataset", e->dataset->name, "images", (json_int_t)a->n,
                                      "same", (json_int_t)a->n_same, "correct_run", (json_int_t)a->n_correct_net,
                                      "correct_export", (json_int_t)a->n_correct_file, "largest_difference",
                                      a->largest_difference, "largest_logit", a->largest_logit));
    return json;
}

static fv_status export(exporting *e, fv_error *error) {
    FV_TRY(read_options(e->line, e, error));
    FV_TRY(cli_run_open(e->line->arguments[0], &e->run, error));
    FV_TRY(write_file(e, error));
    if (cli_given(e->line, "verify") && !cli_signal()) FV_TRY(verify(e, error));
    if (cli_signal()) return fv_fail(error, FV_E_INTERRUPTED, "export: interrupted");
    if (cli_given(e->line, "json")) return cli_json_print(to_json(e), error);
    if (cli_given(e->line, "quiet")) return FV_OK;
    char *shown = cli_shown(e->path);
    print_written(e, shown);
    free(shown);
    if (e->verified) print_verified(e);
    return formats[e->format].format == FV_EXPORT_SAFETENSORS ? print_pytorch(e, error) : FV_OK;
}

int cli_export(int argc, const char **argv) {
    cli_line line;
    exporting e = {.line = &line};
    fv_error error = {0};
    bool helped;
    cli_keep_signals();
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = export(&e, &error);
    bool differs = status == FV_OK && disagrees(&e);
    if (differs)
        cli_complain("%s: its logits differ from the run's by %.2g, which rounding does not explain", e.path,
                     e.agreement.largest_difference);
    cli_run_deinit(&e.run);
    fv_dataset_destroy(e.dataset);
    cli_line_deinit(&line);
    return differs ? CLI_FAILED : cli_end(status, &error);
}
