/* A model from a file of weights, without a run. */
#include <stdlib.h>
#include <string.h>

#include "model_choose.h"
#include "run_open.h"

/* n numbers with commas between, up to a blank or the end; *at stands behind them. */
static bool read_numbers(const char **at, int n, float *out) {
    for (int i = 0; i < n; i++) {
        char *end;
        out[i] = strtof(*at, &end);
        if (end == *at || !(out[i] > -1e6f && out[i] < 1e6f)) return false;
        *at = end;
        if (i < n - 1 && *(*at)++ != ',') return false;
    }
    return **at == 0 || **at == ' ';
}

static fv_status normalise(const char *text, const fv_dataset *dataset, fv_net *net, fv_error *error) {
    float mean[FV_MAX_CHANNELS] = {0}, std[FV_MAX_CHANNELS];
    int n = fv_net_input(net).c;
    for (int c = 0; c < n; c++) std[c] = 1;
    if (!text) {
        fv_status status = fv_pixel_statistics(&dataset->train, NULL, mean, std);
        if (status != FV_OK) return fv_fail(error, status, "%s: %s", dataset->name, fv_status_text(status));
    } else if (strcmp(text, "none") != 0) {
        const char *at = text;
        bool good = read_numbers(&at, n, mean) && read_numbers(&at, n, std) && *at == 0;
        for (int c = 0; good && c < n; c++) good = std[c] > 0;
        if (!good)
            return fv_fail(error, FV_E_ARGUMENT,
                           "--normalise: `%.60s`: give none, or mean and standard deviation of pixels / 255: %s", text,
                           n == 1 ? "\"0.1307 0.3081\""
                                  : "a number per channel, commas between: \"0.5,0.5,0.5 0.2,0.2,0.2\"");
    }
    fv_net_set_normalisation(net, mean, std);
    return FV_OK;
}

static fv_status copy_names(const fv_dataset *dataset, cli_run *out, fv_error *error) {
    out->class_names = calloc((size_t)dataset->n_classes, sizeof *out->class_names);
    for (int i = 0; out->class_names && i < dataset->n_classes; i++)
        if (!(out->class_names[i] = strdup(dataset->class_names[i])))
            return fv_fail(error, FV_E_MEMORY, "out of memory");
    return out->class_names ? FV_OK : fv_fail(error, FV_E_MEMORY, "out of memory");
}

fv_status cli_run_import(const char *file, const char *model, const char *normalisation, const fv_dataset *dataset,
                         cli_run *out, fv_error *error) {
    bool normalised;
    fv_shape shape = dataset->train.shape;
    *out = (cli_run){.directory = file, .info.config = fv_run_config_defaults()};
    fv_run_config *config = &out->info.config;
    FV_TRY(cli_model_choose(model, "--model", config, error));
    config->pad = cli_model_pad(config->model, shape);
    FV_TRY(fv_net_create(config->model, shape, dataset->n_classes, config->pad, 0, &out->net, error));
    FV_TRY(copy_names(dataset, out, error));
    FV_TRY(fv_net_load_weights(out->net, file, &normalised, error));
    return normalised && !normalisation ? FV_OK : normalise(normalisation, dataset, out->net, error);
}
