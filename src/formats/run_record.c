/* run.json. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "formats/files.h"
#include "formats/json_text.h"
#include "formats/run_config.h"
#include "fovea/machine.h"

static json_t *shape_json(fv_shape shape) {
    return json_pack("[iii]", shape.c, shape.h, shape.w);
}

static json_t *floats_json(const float *x, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) fv_json_append(&list, json_real((double)x[i]));
    return list;
}

static json_t *dataset_json(const fv_run_record *record) {
    const fv_dataset *d = record->dataset;
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_net_normalisation(record->net, mean, std);
    json_t *names = json_array();
    for (int i = 0; i < d->n_classes; i++) fv_json_append(&names, json_string(d->class_names[i]));
    return json_pack("{ss ss so si so sI sI sI sI sb ss ss so so}", "name", d->name, "path", d->path, "shape",
                     shape_json(d->train.shape), "n_classes", d->n_classes, "class_names", names, "n_train",
                     (json_int_t)d->train.n, "n_test", (json_int_t)d->test.n, "n_training",
                     (json_int_t)record->n_training, "n_validation", (json_int_t)record->n_validation, "test_set_aside",
                     (int)d->test_set_aside, "train_sha256", d->train_sha256, "test_sha256", d->test_sha256, "mean",
                     floats_json(mean, d->train.shape.c), "std", floats_json(std, d->train.shape.c));
}

static json_t *model_json(const fv_net *net, const char *init_sha256) {
    json_t *model = json_pack("{ss so si sI sI}", "text", fv_net_text(net), "input", shape_json(fv_net_input(net)),
                              "n_classes", fv_net_n_classes(net), "n_weights", (json_int_t)fv_net_n_weights(net),
                              "multiply_adds", (json_int_t)fv_net_n_multiply_adds(net));
    if (init_sha256 && *init_sha256) fv_json_put(&model, "init_sha256", json_string(init_sha256));
    return model;
}

static json_t *machine_json(int threads) {
    char name[128];
    fv_machine_name(name, sizeof name);
    return json_pack("{ss si si ss ss}", "processor", name, "processors", fv_processors(), "threads", threads, "isa",
                     fv_isa_name(), "compiler", fv_compiler());
}

/* Sets a number where it is one: JSON knows no NaN. */
static void set_real(json_t **object, const char *key, double value) {
    if (isfinite(value)) fv_json_put(object, key, json_real(value));
}

static json_t *result_json(const fv_run_record *record) {
    json_t *result = json_pack("{ss si}", "status", record->result, "epochs_done", record->epochs_done);
    if (!result || strcmp(record->result, "running") == 0) return result;
    set_real(&result, "time_s", record->time_s);
    if (record->epochs_done > 0) {
        const fv_epoch *last = &record->history[record->epochs_done - 1];
        set_real(&result, "train_loss", last->train_loss);
        set_real(&result, "train_accuracy", last->train_accuracy);
        if (!record->validation) {
            set_real(&result, "validation_loss", last->validation_loss);
            set_real(&result, "validation_accuracy", last->validation_accuracy);
        }
    }
    const fv_score *v = record->validation;
    if (v && v->n) {
        set_real(&result, "validation_loss", v->loss);
        set_real(&result, "validation_accuracy", (double)v->correct / (double)v->n);
        fv_json_put(&result, "validation_correct", json_integer((json_int_t)v->correct));
        fv_json_put(&result, "validation_total", json_integer((json_int_t)v->n));
        if (record->validation_macro) {
            set_real(&result, "validation_macro_accuracy", record->validation_macro->accuracy);
            set_real(&result, "validation_macro_f1", record->validation_macro->f1);
        }
    }
    char hash[65];
    fv_net_hash(record->net, hash);
    fv_json_put(&result, "weights_sha256", json_string(hash));
    return result;
}

fv_status fv_run_write_record(const char *directory, const fv_run_record *record, fv_error *error) {
    char path[FV_PATH_SIZE], date[32];
    fv_run_config config = *record->config;
    FV_TRY(fv_path_join(path, directory, "run.json", error));
    FV_TRY(fv_file_is_own(path, error));
    FV_TRY(fv_run_config_resolve(&config, error));
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *root = json_pack(
        "{ss ss ss so so so so so}", "fovea", fv_version(), "command", record->command ? record->command : "", "date",
        date, "config", fv_run_config_json(&config), "model", model_json(record->net, record->init_sha256), "dataset",
        dataset_json(record), "machine", machine_json(record->threads), "result", result_json(record));
    char *text = root ? fv_json_text(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(root);
    if (!text)
        return fv_fail(error, FV_E_MEMORY, "%s: out of memory, or a name that is not UTF-8", fv_path_shown(path));
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the ending zero: the length is given */
    fv_status status = fv_file_write(path, text, n + 1, error);
    free(text);
    return status;
}

/* Copies the string at root.<object>.<key>, fit to be shown; empty when it is not there. */
static void copy_string(const json_t *root, const char *object, const char *key, char *out, size_t size) {
    const char *value = json_string_value(json_object_get(object ? json_object_get(root, object) : root, key));
    fv_name_shown(value ? value : "", out, size);
}

static fv_status read_info(const json_t *root, const char *path, fv_run_info *out, fv_error *error) {
    fv_run_info info = {0};
    FV_TRY(fv_run_config_from_json(root, path, &info.config, error));
    copy_string(root, NULL, "fovea", info.version, sizeof info.version);
    copy_string(root, NULL, "command", info.command, sizeof info.command);
    copy_string(root, "machine", "compiler", info.compiler, sizeof info.compiler);
    copy_string(root, "machine", "isa", info.isa, sizeof info.isa);
    copy_string(root, "dataset", "train_sha256", info.train_sha256, sizeof info.train_sha256);
    copy_string(root, "dataset", "test_sha256", info.test_sha256, sizeof info.test_sha256);
    copy_string(root, "model", "init_sha256", info.init_sha256, sizeof info.init_sha256);
    copy_string(root, "result", "status", info.result, sizeof info.result);
    copy_string(root, "result", "weights_sha256", info.weights_sha256, sizeof info.weights_sha256);
    const json_t *result = json_object_get(root, "result"), *dataset = json_object_get(root, "dataset");
    info.n_images = (size_t)json_integer_value(json_object_get(dataset, "n_train")) +
                    (size_t)json_integer_value(json_object_get(dataset, "n_test"));
    info.epochs_done = (int)json_integer_value(json_object_get(result, "epochs_done"));
    info.time_s = json_number_value(json_object_get(result, "time_s"));
    if (!*info.result)
        return fv_fail(error, FV_E_DATA, "%s: holds no result.status: give the run.json of a run", fv_path_shown(path));
    *out = info;
    return FV_OK;
}

fv_status fv_run_read_record(const char *directory, fv_run_info *out, fv_error *error) {
    char path[FV_PATH_SIZE];
    json_t *root;
    FV_TRY(fv_path_join(path, directory, "run.json", error));
    if (access(path, F_OK) != 0 && access(directory, F_OK) != 0)
        return fv_fail(error, FV_E_IO, "%s: could not be opened (%s): give the directory of a run",
                       fv_path_shown(directory), strerror(errno));
    if (access(path, F_OK) != 0)
        return fv_fail(error, FV_E_IO, "%s: holds no run.json (%s): give the directory of a run",
                       fv_path_shown(directory), strerror(errno));
    FV_TRY(fv_run_json_load(path, &root, error));
    fv_status status = read_info(root, path, out, error);
    json_decref(root);
    return status;
}
