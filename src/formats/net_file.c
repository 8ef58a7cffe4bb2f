/* A net as model.safetensors: weights by PyTorch's names, and formats/net_metadata.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/class_names.h"
#include "formats/files.h"
#include "formats/json_text.h"
#include "formats/net_metadata.h"
#include "formats/safetensors.h"
#include "formats/sha256.h"
#include "fovea/net.h"
#include "nn/net.h"

enum { FREE_VALUES = 1 << 22 }; /* a model text may promise so many, which are 16 MiB, whatever the file holds */

/* All tensors' values back to back; NULL when out of memory. */
static float *gather(const fv_net *net, fv_named_tensor *tensors, fv_tensor_info *info, size_t *n_values) {
    int n = fv_net_n_tensors(net);
    *n_values = 0;
    for (int i = 0; i < n; i++) {
        fv_net_tensor(net, i, &info[i]);
        *n_values += info[i].n;
    }
    float *values = fv_alloc(*n_values, sizeof *values), *to = values;
    for (int i = 0; values && i < n; i++) {
        fv_net_tensor_get(net, i, to);
        tensors[i] = (fv_named_tensor){info[i].name, FV_FLOAT32, info[i].rank, {0}, to};
        for (int j = 0; j < info[i].rank; j++) tensors[i].size[j] = (size_t)info[i].size[j];
        to += info[i].n;
    }
    return values;
}

void fv_net_hash(const fv_net *net, char out[65]) {
    enum { SOME = 1024 };
    float values[SOME];
    fv_sha256 sum;
    fv_sha256_init(&sum);
    for (int i = 0; i < fv_net_n_tensors(net); i++) {
        fv_tensor_info info;
        fv_net_tensor(net, i, &info);
        for (size_t at = 0; at < info.n; at += SOME) {
            size_t n = info.n - at < SOME ? info.n - at : SOME;
            fv_net_tensor_part(net, i, at, n, values);
            fv_sha256_add(&sum, values, n * sizeof *values);
        }
    }
    fv_sha256_hex(&sum, out);
}

fv_status fv_net_save(const fv_net *net, const char *path, const char *const *class_names, fv_error *error) {
    size_t n = (size_t)fv_net_n_tensors(net), n_values;
    fv_net_metadata metadata;
    fv_tensor_info *info = fv_alloc(n, sizeof *info);
    fv_named_tensor *tensors = fv_alloc(n, sizeof *tensors);
    float *values = info && tensors ? gather(net, tensors, info, &n_values) : NULL;
    fv_status status;
    if (fv_net_metadata_init(&metadata, net, class_names) && values) {
        status = fv_safetensors_write(path, tensors, n, metadata.item, FV_N_METADATA, error);
    } else {
        status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory, or class names that are not UTF-8",
                         fv_path_shown(path));
    }
    fv_net_metadata_deinit(&metadata);
    free(values);
    free(tensors);
    free(info);
    return status;
}

static fv_status fail_memory(const char *path, fv_error *error) {
    return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
}

static fv_status fail_file(const char *path, const char *what, fv_error *error) {
    return fv_fail(error, FV_E_DATA, "%s: %s; give a model.safetensors that Fovea wrote", fv_path_shown(path), what);
}

/* A metadata value as JSON, NULL where it is none; only short memory is a failure. */
static fv_status parse(const fv_safetensors *file, const char *key, json_t **out) {
    const char *text = fv_safetensors_metadata(file, key);
    json_error_t reason;
    *out = NULL;
    return text && fv_json_parse(text, strlen(text), 0, out, &reason) == FV_E_MEMORY ? FV_E_MEMORY : FV_OK;
}

/* A metadata value that is a JSON list of n numbers in [low, high]. FV_E_DATA, FV_E_MEMORY. */
static fv_status read_list(const fv_safetensors *file, const char *key, int n, double low, double high, double *out) {
    json_t *list;
    FV_TRY(parse(file, key, &list));
    bool good = json_is_array(list) && json_array_size(list) == (size_t)n;
    for (int i = 0; good && i < n; i++) {
        const json_t *value = json_array_get(list, (size_t)i);
        out[i] = json_number_value(value);
        good = json_is_number(value) && out[i] >= low && out[i] <= high;
    }
    json_decref(list);
    return good ? FV_OK : FV_E_DATA;
}

static fv_status read_names(const fv_safetensors *file, const char *path, char ***names, int *n, fv_error *error) {
    json_t *list;
    if (parse(file, "class_names", &list) != FV_OK) return fail_memory(path, error);
    size_t count = json_array_size(list);
    bool good = count >= 1 && count <= FV_MAX_CLASSES;
    const char *at[FV_MAX_CLASSES];
    for (size_t i = 0; good && i < count; i++) {
        at[i] = json_string_value(json_array_get(list, i));
        good = at[i] && fv_class_name_good(at[i]);
    }
    fv_status status = good ? FV_OK : fail_file(path, "its metadata hold no class_names that are text", error);
    if (good) {
        *n = (int)count;
        *names = fv_copy_names(at, *n);
        if (!*names) status = fail_memory(path, error);
    }
    json_decref(list);
    return status;
}

/* "[64, 200]" */
static const char *shape_text(int rank, const size_t *size, char out[128]) {
    int n = snprintf(out, 128, "[");
    for (int i = 0; i < rank && n < 100; i++) n += snprintf(out + n, 128 - (size_t)n, "%s%zu", i ? ", " : "", size[i]);
    snprintf(out + n, 128 - (size_t)n, "]");
    return out;
}

/* What PyTorch's batch norms keep besides, and nobody needs. */
static bool is_counter(const char *name) {
    size_t n = strlen(name), tail = strlen(".num_batches_tracked");
    return n >= tail && strcmp(name + n - tail, ".num_batches_tracked") == 0;
}

/* The file's first tensor that the net has no place for; NULL: there is none. */
static const fv_named_tensor *find_stranger(const fv_safetensors *file, const fv_net *net) {
    const fv_named_tensor *tensor;
    for (size_t i = 0; (tensor = fv_safetensors_at(file, i)); i++) {
        bool known = is_counter(tensor->name);
        for (int j = 0; !known && j < fv_net_n_tensors(net); j++) {
            fv_tensor_info info;
            fv_net_tensor(net, j, &info);
            known = strcmp(info.name, tensor->name) == 0;
        }
        if (!known) return tensor;
    }
    return NULL;
}

/* The tensor is missing, or is another than the model text says. */
static fv_status fail_tensor(const fv_safetensors *file, const char *path, const fv_net *net,
                             const fv_tensor_info *info, const fv_named_tensor *tensor, fv_error *error) {
    char wanted[128], found[128];
    size_t size[4];
    for (int i = 0; i < info->rank; i++) size[i] = (size_t)info->size[i];
    shape_text(info->rank, size, wanted);
    if (tensor && tensor->dtype != FV_FLOAT32)
        return fv_fail(error, FV_E_DATA, "%s: tensor \"%s\" holds %s; weights must be F32 (in PyTorch: net.float())",
                       fv_path_shown(path), info->name, fv_dtype_name(tensor->dtype));
    if (tensor)
        return fv_fail(error, FV_E_DATA, "%s: tensor \"%s\" is %s, where the model text makes it %s",
                       fv_path_shown(path), info->name, shape_text(tensor->rank, tensor->size, found), wanted);
    const fv_named_tensor *stranger = find_stranger(file, net);
    if (stranger)
        return fv_fail(error, FV_E_DATA,
                       "%s: tensor \"%s\" %s is missing; the file has \"%.60s\" %s, for which the model text has no "
                       "place",
                       fv_path_shown(path), info->name, wanted, stranger->name,
                       shape_text(stranger->rank, stranger->size, found));
    return fv_fail(error, FV_E_DATA, "%s: tensor \"%s\" %s of the model text is missing", fv_path_shown(path),
                   info->name, wanted);
}

/* The file's tensor for one of the net's. */
static fv_status read_tensor(const fv_safetensors *file, const char *path, fv_net *net, int index, fv_error *error) {
    fv_tensor_info info;
    fv_net_tensor(net, index, &info);
    const fv_named_tensor *tensor = fv_safetensors_find(file, info.name);
    bool fits = tensor && tensor->dtype == FV_FLOAT32 && tensor->rank == info.rank;
    for (int i = 0; fits && i < info.rank; i++) fits = tensor->size[i] == (size_t)info.size[i];
    if (!fits) return fail_tensor(file, path, net, &info, tensor, error);
    const float *values = tensor->data;
    const char *last = strrchr(info.name, '.');
    float low = last && strcmp(last, ".running_var") == 0 ? 0 : -INFINITY;
    for (size_t i = 0; i < info.n; i++) {
        if (!isfinite(values[i]) || values[i] < low)
            return fv_fail(error, FV_E_DATA,
                           "%s: value %zu of tensor \"%s\" is %g; weights are finite and variances not "
                           "negative: the file is broken",
                           fv_path_shown(path), i, info.name, (double)values[i]);
    }
    fv_net_tensor_set(net, index, values);
    return FV_OK;
}

static fv_status read_tensors(const fv_safetensors *file, const char *path, fv_net *net, fv_error *error) {
    int n = fv_net_n_tensors(net);
    char shape[128];
    for (int i = 0; i < n; i++) FV_TRY(read_tensor(file, path, net, i, error));
    const fv_named_tensor *stranger = find_stranger(file, net);
    if (!stranger) return FV_OK;
    return fv_fail(error, FV_E_DATA, "%s: tensor \"%.60s\" %s: the model text has no place for it", fv_path_shown(path),
                   stranger->name, shape_text(stranger->rank, stranger->size, shape));
}

/* Mean and std of the metadata. FV_E_DATA where they are missing or do not fit; FV_E_MEMORY. */
static fv_status read_normalisation(const fv_safetensors *file, fv_net *net) {
    double mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    float mean_of[FV_MAX_CHANNELS], std_of[FV_MAX_CHANNELS];
    int n = fv_net_input(net).c;
    FV_TRY(read_list(file, "mean", n, -1e6, 1e6, mean));
    FV_TRY(read_list(file, "std", n, 1e-12, 1e6, std)); /* far below what one odd pixel of a set makes */
    for (int i = 0; i < n; i++) {
        mean_of[i] = (float)mean[i];
        std_of[i] = (float)std[i];
    }
    fv_net_set_normalisation(net, mean_of, std_of);
    return FV_OK;
}

/* A text of a line can promise a terabyte; the file must hold what it promises before memory is taken for it. */
static fv_status check_size(const fv_safetensors *file, const char *text, fv_shape shape, int n_classes,
                            fv_error *error) {
    size_t promised, held = 0, n;
    const fv_named_tensor *tensor;
    FV_TRY(fv_net_measure(text, shape, n_classes, &promised, error));
    for (size_t i = 0; (tensor = fv_safetensors_at(file, i)); i++) held += fv_tensor_count(tensor, &n) ? n : 0;
    if (promised <= FREE_VALUES || promised <= held) return FV_OK;
    return fv_fail(error, FV_E_DATA, "it has %zu weights, the file holds %zu", promised, held);
}

static fv_status create(const fv_safetensors *file, const char *path, int n_classes, fv_net **out, fv_error *error) {
    double input[3];
    const char *text = fv_safetensors_metadata(file, "model");
    if (!text) return fail_file(path, "its metadata hold no model text", error);
    fv_status status = read_list(file, "input", 3, 1, FV_MAX_SIDE, input);
    if (status == FV_E_MEMORY) return fail_memory(path, error);
    if (status != FV_OK || input[0] > FV_MAX_CHANNELS)
        return fail_file(path, "its metadata hold no input shape [C, H, W]", error);
    fv_shape shape = {(int)input[0], (int)input[1], (int)input[2]};
    fv_error reason = {FV_OK, ""};
    status = check_size(file, text, shape, n_classes, &reason);
    if (status == FV_OK) status = fv_net_create(text, shape, n_classes, 0, 0, out, &reason);
    if (status == FV_E_MEMORY) return fail_memory(path, error);
    if (status != FV_OK)
        return fv_fail(error, FV_E_DATA, "%s: its model text makes no net: %s", fv_path_shown(path), reason.message);
    status = read_normalisation(file, *out);
    if (status == FV_OK) return FV_OK;
    fv_net_destroy(*out);
    *out = NULL;
    return status == FV_E_MEMORY ? fail_memory(path, error)
                                 : fail_file(path, "its metadata hold no mean and std for each channel", error);
}

fv_status fv_net_load(const char *path, fv_net **out, char ***class_names, fv_error *error) {
    fv_safetensors *file;
    FV_TRY(fv_safetensors_read(path, &file, error));
    char **names = NULL;
    int n_classes = 0;
    fv_net *net = NULL;
    fv_status status = read_names(file, path, &names, &n_classes, error);
    if (status == FV_OK) status = create(file, path, n_classes, &net, error);
    if (status == FV_OK) status = read_tensors(file, path, net, error);
    fv_safetensors_destroy(file);
    if (status != FV_OK || !class_names) fv_strings_free(names, n_classes);
    if (status != FV_OK) {
        fv_net_destroy(net);
        return status;
    }
    if (class_names) *class_names = names;
    *out = net;
    return FV_OK;
}

fv_status fv_net_load_weights(fv_net *net, const char *path, bool *normalised, fv_error *error) {
    fv_safetensors *file;
    FV_TRY(fv_safetensors_read(path, &file, error));
    fv_status status = read_tensors(file, path, net, error);
    fv_status found = status == FV_OK ? read_normalisation(file, net) : status;
    *normalised = found == FV_OK;
    if (found == FV_E_MEMORY) status = fail_memory(path, error);
    fv_safetensors_destroy(file);
    return status;
}
