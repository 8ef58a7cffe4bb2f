#include "run_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fv_status cli_run_open(const char *directory, cli_run *out, fv_error *error) {
    char path[1200];
    *out = (cli_run){.directory = directory};
    FV_TRY(fv_run_read_record(directory, &out->info, error));
    snprintf(path, sizeof path, "%.1000s/model.safetensors", directory);
    return fv_net_load(path, &out->net, &out->class_names, error);
}

void cli_run_deinit(cli_run *run) {
    if (run->net) fv_strings_free(run->class_names, fv_net_n_classes(run->net));
    fv_net_destroy(run->net);
    *run = (cli_run){0};
}

fv_status cli_split_check(const char *split, fv_error *error) {
    static const char *const splits[] = {"test", "validation", "train"};
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++)
        if (strcmp(split, splits[i]) == 0) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "--split: `%.60s` is no split: give test, validation or train", split);
}

bool cli_run_same_data(const fv_run_info *info, const fv_dataset *dataset) {
    return strcmp(info->train_sha256, dataset->train_sha256) == 0 &&
           strcmp(info->test_sha256, dataset->test_sha256) == 0;
}

/* The recorded configuration, or what the model itself says where it records no preprocessing. */
static fv_run_config config_for(const cli_run *run, const char *data) {
    fv_run_config c = run->info.config;
    fv_shape input = fv_net_input(run->net);
    if (data) snprintf(c.dataset, sizeof c.dataset, "%s", data);
    if (!*c.size) snprintf(c.size, sizeof c.size, "%dx%d", input.h, input.w);
    if (!c.channels && (input.c == 1 || input.c == 3)) c.channels = input.c;
    return c;
}

fv_status cli_run_dataset(const cli_run *run, const char *data, fv_dataset **out, fv_error *error) {
    fv_run_config c = config_for(run, data);
    fv_dataset_options o = {.class_names = (const char *const *)run->class_names,
                            .n_classes = fv_net_n_classes(run->net),
                            .keep_whole = data != NULL};
    fv_dataset *whole, *split;
    if (data && strlen(data) >= sizeof c.dataset)
        return fv_fail(error, FV_E_ARGUMENT, "%.60s...: the path is too long: at most %zu characters", data,
                       sizeof c.dataset - 1);
    FV_TRY(cli_dataset_open(&c, &o, &whole, error));
    *out = whole;
    if (!data || whole->test.n > 0 || whole->train.n != run->info.n_images) return FV_OK;
    /* As many images as the run knows: perhaps they are its own, most of which it was trained on. */
    o.keep_whole = false;
    fv_error none;
    if (cli_dataset_open(&c, &o, &split, &none) != FV_OK) return FV_OK;
    bool same = cli_run_same_data(&run->info, split);
    *out = same ? split : whole;
    fv_dataset_destroy(same ? whole : split);
    return FV_OK;
}

/* The images and indices of a split. */
static fv_status split_of(const cli_run *run, const fv_dataset *dataset, const char *split, const fv_images **images,
                          fv_indices *indices, fv_error *error) {
    if (strcmp(split, "test") == 0) {
        *images = dataset->test.n ? &dataset->test : &dataset->train;
        fv_status status = fv_indices_all((*images)->n, indices);
        return status == FV_OK ? FV_OK : fv_fail(error, status, "%s: %s", dataset->name, fv_status_text(status));
    }
    fv_indices training = {0}, validation = {0};
    *images = &dataset->train;
    FV_TRY(fv_run_split(&run->info.config, dataset, &training, &validation, error));
    bool train = strcmp(split, "train") == 0;
    fv_indices_deinit(train ? &validation : &training);
    *indices = train ? training : validation;
    return FV_OK;
}

static fv_status check_fit(const cli_run *run, const fv_dataset *dataset, fv_error *error) {
    fv_shape a = fv_net_input(run->net), b = dataset->test.shape;
    int classes = fv_net_n_classes(run->net);
    if (a.c == b.c && a.h == b.h && a.w == b.w && classes == dataset->n_classes) return FV_OK;
    return fv_fail(error, FV_E_SHAPE,
                   "%s: %dx%dx%d and %d classes, where the model of %s takes %dx%dx%d and %d classes: "
                   "give a dataset of that kind",
                   dataset->name, b.h, b.w, b.c, dataset->n_classes, run->directory, a.h, a.w, a.c, classes);
}

fv_status cli_run_split(const cli_run *run, const fv_dataset *dataset, const char *split, const fv_images **images,
                        fv_indices *indices, fv_error *error) {
    FV_TRY(check_fit(run, dataset, error));
    FV_TRY(split_of(run, dataset, split, images, indices, error));
    if (indices->n > 0) return FV_OK;
    fv_indices_deinit(indices);
    return fv_fail(error, FV_E_ARGUMENT, "--split: %s has no %s images: give another split", run->directory, split);
}

fv_status cli_run_fail(const cli_run *run, fv_status status, fv_error *error) {
    if (status == FV_E_DIVERGED)
        return fv_fail(error, status,
                       "%s: its outputs are not finite numbers for every image, so large are its weights: train it "
                       "again with a lower learning rate",
                       run->directory);
    return fv_fail(error, status, "%s: %s", run->directory, fv_status_text(status));
}

fv_status cli_run_evaluate(const cli_run *run, const fv_dataset *dataset, const char *split, int threads,
                           fv_score *score, fv_prediction **predictions, fv_error *error) {
    const fv_images *images;
    fv_indices indices = {0};
    FV_TRY(cli_run_split(run, dataset, split, &images, &indices, error));
    fv_prediction *rows = calloc(indices.n, sizeof *rows);
    fv_status status = rows ? fv_evaluate(run->net, images, &indices, threads, NULL, 0, 0, score, rows) : FV_E_MEMORY;
    fv_indices_deinit(&indices);
    if (status != FV_OK) {
        free(rows);
        return cli_run_fail(run, status, error);
    }
    *predictions = rows;
    return FV_OK;
}

char *cli_json_text(const json_t *json) {
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(15);
    size_t n = json ? json_dumpb(json, NULL, 0, flags) : 0; /* json_dumps loses names where memory runs short */
    char *text = calloc(n + 1, 1);
    if (text && n && json_dumpb(json, text, n, flags) == n) return text;
    free(text);
    return NULL;
}

fv_status cli_json_print(json_t *json, fv_error *error) {
    char *text = cli_json_text(json);
    json_decref(json);
    if (!text) return fv_fail(error, FV_E_MEMORY, "out of memory, or a name that is not UTF-8");
    puts(text);
    free(text);
    return FV_OK;
}
