#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fovea/export.h"
#include "run_open.h"
#include "terminal.h"

static const cli_option options[] = {
    {"format", "FORMAT", "onnx, safetensors, npz (by FILE's ending)"},
    {"out", "FILE", "what is written; it must be named"},
    {"input", "PIXELS", "onnx: takes uint8, or float in 0 to 1 (uint8)"},
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
} formats[] = {{"onnx", FV_EXPORT_ONNX}, {"safetensors", FV_EXPORT_SAFETENSORS}, {"npz", FV_EXPORT_NPZ}};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

typedef struct exporting {
    cli_run run;
    fv_dataset *dataset;
    const char *path;
    int format; /* in formats */
    fv_onnx_input input;
    bool verified;
    fv_agreement agreement;
} exporting;

static fv_status choose_format(const cli_line *line, exporting *e, fv_error *error) {
    const char *name = cli_value(line, "format"), *dot = strrchr(e->path, '.');
    const char *word = name ? name : dot ? dot + 1 : "";
    for (e->format = 0; e->format < N_FORMATS; e->format++)
        if (strcmp(word, formats[e->format].name) == 0) return FV_OK;
    if (name)
        return fv_fail(error, FV_E_ARGUMENT, "--format: `%.60s` is no format: give onnx, safetensors or npz", name);
    return fv_fail(error, FV_E_ARGUMENT, "%.200s: its ending tells no format: give --format onnx, safetensors or npz",
                   e->path);
}

static fv_status read_options(const cli_line *line, exporting *e, fv_error *error) {
    e->path = cli_value(line, "out");
    if (!e->path || !*e->path)
        return fv_fail(error, FV_E_ARGUMENT, "export: no file is named: give `fovea export RUN -o FILE`");
    FV_TRY(choose_format(line, e, error));
    const char *input = cli_value(line, "input");
    if (!input) return FV_OK;
    if (formats[e->format].format != FV_EXPORT_ONNX)
        return fv_fail(error, FV_E_ARGUMENT, "--input: is for onnx alone: leave it out");
    if (strcmp(input, "float") == 0)
        e->input = FV_ONNX_FLOAT;
    else if (strcmp(input, "uint8") != 0)
        return fv_fail(error, FV_E_ARGUMENT, "--input: `%.60s` is no kind of pixels: give uint8 or float", input);
    return FV_OK;
}

static fv_status write_file(const exporting *e, fv_error *error) {
    const char *const *names = (const char *const *)e->run.class_names;
    switch (formats[e->format].format) {
    case FV_EXPORT_ONNX:
        return fv_export_onnx(e->run.net, e->path, names, e->input, error);
    case FV_EXPORT_NPZ:
        return fv_export_npz(e->run.net, e->path, names, error);
    case FV_EXPORT_SAFETENSORS:
        return fv_net_save(e->run.net, e->path, names, error);
    }
    return fv_fail(error, FV_E_ARGUMENT, "--format: no such format");
}

static fv_status verify(const cli_line *line, exporting *e, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    const fv_images *images;
    fv_indices indices = {0};
    FV_TRY(cli_field(line, "threads", &config, error));
    FV_TRY(cli_run_dataset(&e->run, line->n_arguments > 1 ? line->arguments[1] : NULL, &e->dataset, error));
    FV_TRY(cli_run_split(&e->run, e->dataset, "test", &images, &indices, error));
    fv_status status = fv_export_verify(e->run.net, e->path, formats[e->format].format, images, &indices,
                                        cli_threads(config.threads), &e->agreement, error);
    fv_indices_deinit(&indices);
    e->verified = status == FV_OK;
    return status;
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

static void print(const exporting *e) {
    fv_shape s = fv_net_input(e->run.net);
    const fv_agreement *a = &e->agreement;
    printf("%-12s %s · %s · %sB\n", "exported", e->path, formats[e->format].name,
           cli_metric((double)file_size(e->path)).s);
    if (formats[e->format].format == FV_EXPORT_ONNX)
        printf("%-12s pixels [N][%d][%d][%d] %s -> logits [N][%d]\n", "", s.c, s.h, s.w,
               e->input == FV_ONNX_FLOAT ? "float, 0 to 1" : "uint8", fv_net_n_classes(e->run.net));
    if (!e->verified) return;
    printf("%-12s %s of %s %s test images classified alike, logits differ by %.1e at most\n", "verified",
           cli_count(a->n_same).s, cli_count(a->n).s, e->dataset->name, a->largest_difference);
}

static json_t *to_json(const exporting *e) {
    json_t *json = json_pack("{ss ss ss sI}", "run", e->run.directory, "file", e->path, "format",
                             formats[e->format].name, "size_bytes", (json_int_t)file_size(e->path));
    const fv_agreement *a = &e->agreement;
    if (json && e->verified)
        json_object_set_new(json, "verified",
                            json_pack("{ss sI sI sI sI sf}", "dataset", e->dataset->name, "images", (json_int_t)a->n,
                                      "same", (json_int_t)a->n_same, "correct_run", (json_int_t)a->n_correct_net,
                                      "correct_export", (json_int_t)a->n_correct_file, "largest_difference",
                                      a->largest_difference));
    return json;
}

static fv_status export(const cli_line *line, exporting *e, fv_error *error) {
    FV_TRY(read_options(line, e, error));
    FV_TRY(cli_run_open(line->arguments[0], &e->run, error));
    FV_TRY(write_file(e, error));
    if (cli_given(line, "verify")) FV_TRY(verify(line, e, error));
    if (cli_given(line, "json")) return cli_json_print(to_json(e), error);
    if (cli_given(line, "quiet")) return FV_OK;
    print(e);
    return formats[e->format].format == FV_EXPORT_SAFETENSORS ? print_pytorch(e, error) : FV_OK;
}

int cli_export(int argc, const char **argv) {
    cli_line line;
    exporting e = {0};
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = export(&line, &e, &error);
    if (status == FV_OK && e.verified && e.agreement.n_same < e.agreement.n)
        cli_complain("%s: %zu of %zu images are classified otherwise than by the run", e.path,
                     e.agreement.n - e.agreement.n_same, e.agreement.n);
    cli_run_deinit(&e.run);
    fv_dataset_destroy(e.dataset);
    cli_line_deinit(&line);
    return status == FV_OK && e.agreement.n_same < e.agreement.n ? CLI_FAILED : cli_end(status, &error);
}
