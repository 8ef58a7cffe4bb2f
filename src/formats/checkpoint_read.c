#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/checkpoint.h"
#include "formats/epoch_row.h"
#include "formats/files.h"
#include "formats/run_config.h"
#include "fovea/machine.h"
#include "nn/net.h"
#include "train/state.h"

#define FILE_LIMIT ((size_t)1 << 34) /* keeps a broken file from taking the machine's memory */

struct fv_checkpoint {
    fv_safetensors *file; /* owns the arrays */
    fv_epoch *history;
    fv_train_state state;
    double time_s;
};

static fv_status fail(const char *path, fv_error *error, const char *what) {
    return fv_fail(error, FV_E_DATA, "%s: %s: the file is no checkpoint of this training, or broken",
                   fv_path_shown(path), what);
}

/* What it means that a text differs. */
static fv_status fail_identity(const char *path, const char *key, const char *found, fv_error *error) {
    if (!found) return fail(path, error, "its metadata are incomplete");
    const char *shown = fv_path_shown(path);
    if (strcmp(key, "fovea") == 0)
        return fv_fail(error, FV_E_DATA,
                       "%s: written by fovea %.20s, this is %s: go on with that version, or train from the beginning",
                       shown, found, fv_version());
    if (strstr(key, "sha256"))
        return fv_fail(error, FV_E_DATA,
                       "%s: not of the data that are there now: they changed since (their checksums differ): bring the "
                       "old ones back, or train from the beginning",
                       shown);
    if (strcmp(key, "config") == 0)
        return fv_fail(error, FV_E_DATA,
                       "%s: not of the configuration in its run.json: one of the two comes from another run", shown);
    return fv_fail(error, FV_E_DATA, "%s: of another training: its %s differs", shown, key);
}

static fv_status check_identity(const char *path, const fv_safetensors *file, const fv_run_config *config,
                                const fv_net *net, const fv_dataset *dataset, fv_error *error) {
    fv_checkpoint_identity identity;
    fv_status status = FV_OK;
    if (!fv_checkpoint_identity_init(&identity, config, net, dataset))
        status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    for (int i = 0; i < FV_N_IDENTITY && status == FV_OK; i++) {
        const fv_metadata *item = &identity.item[i];
        const char *found = fv_safetensors_metadata(file, item->key);
        if (!found || strcmp(found, item->value) != 0) status = fail_identity(path, item->key, found, error);
    }
    fv_checkpoint_identity_deinit(&identity);
    return status;
}

/* A tensor's values where it is of that type and shape (columns 0: a vector), else NULL. */
static const void *find(const fv_safetensors *file, const char *name, fv_dtype dtype, size_t rows, size_t columns) {
    const fv_named_tensor *t = fv_safetensors_find(file, name);
    bool fits = t && t->dtype == dtype && t->rank == (columns ? 2 : 1) && t->size[0] == rows &&
                (!columns || t->size[1] == columns);
    return fits ? t->data : NULL;
}

/* Whole and in [0, max]. */
static bool is_count(double x, double max) {
    return x >= 0 && x <= max && x == floor(x);
}

static bool all_finite(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static fv_status read_progress(fv_checkpoint *c, const char *path, fv_error *error) {
    static const double most = 9007199254740992; /* 2^53 */
    const double *p = find(c->file, "progress", FV_FLOAT64, FV_N_PROGRESS, 0);
    bool good = p && all_finite(p, FV_N_PROGRESS) && is_count(p[FV_PROGRESS_EPOCH], 1e9) &&
                is_count(p[FV_PROGRESS_DONE], most) && is_count(p[FV_PROGRESS_CORRECT], most) &&
                is_count(p[FV_PROGRESS_SINCE_BEST], 1e9) && p[FV_PROGRESS_TIME] >= 0 && p[FV_PROGRESS_TIME] < 1e18;
    if (!good) return fail(path, error, "its progress is missing or none");
    c->state.epoch = (int)p[FV_PROGRESS_EPOCH];
    c->state.n_done = (size_t)p[FV_PROGRESS_DONE];
    c->state.loss = p[FV_PROGRESS_LOSS];
    c->state.n_correct = (size_t)p[FV_PROGRESS_CORRECT];
    c->state.time_s = p[FV_PROGRESS_EPOCH_TIME];
    c->state.best_loss = p[FV_PROGRESS_BEST_LOSS] < 0 ? INFINITY : p[FV_PROGRESS_BEST_LOSS];
    c->state.epochs_since_best = (int)p[FV_PROGRESS_SINCE_BEST];
    c->time_s = p[FV_PROGRESS_TIME];
    return FV_OK;
}

static fv_status read_history(fv_checkpoint *c, const char *path, fv_error *error) {
    size_t n = (size_t)c->state.epoch;
    const double *row = find(c->file, "history", FV_FLOAT64, n, FV_N_HISTORY);
    if (!row) return fail(path, error, "its history is missing or not of as many epochs as it says");
    c->history = calloc(n + 1, sizeof *c->history);
    if (!c->history) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    for (size_t i = 0; i < n; i++, row += FV_N_HISTORY) {
        if (row[0] != (double)(i + 1)) return fail(path, error, "its history does not count its epochs");
        if (!all_finite(row, FV_N_HISTORY)) return fail(path, error, "its history holds numbers that are not finite");
        c->history[i] = fv_epoch_take(row);
    }
    c->state.history = c->history;
    return FV_OK;
}

static fv_status read_arrays(fv_checkpoint *c, const char *path, const fv_net *net, fv_error *error) {
    size_t known = 2; /* progress and history */
    c->state.n_weights = net->n_weights;
    c->state.n_statistics = net->n_statistics;
    for (int i = 0; i < FV_N_STATE_ARRAYS; i++) {
        if (!fv_safetensors_find(c->file, fv_checkpoint_arrays[i])) continue;
        size_t n = fv_train_state_size(&c->state, i);
        c->state.array[i] = find(c->file, fv_checkpoint_arrays[i], FV_FLOAT32, n, 0);
        if (!c->state.array[i]) return fail(path, error, "an array is not of the model's size");
        known++;
    }
    return fv_safetensors_at(c->file, known) ? fail(path, error, "it holds arrays of no training") : FV_OK;
}

static fv_status check_state(const fv_checkpoint *c, const char *path, const fv_run_config *config, const fv_net *net,
                             size_t n_training, fv_error *error) {
    const fv_train_options options = {
        .epochs = config->epochs, .batch = config->batch, .ema = config->ema, .patience = config->patience};
    fv_error reason = {0};
    if (fv_train_state_check(&c->state, net, &options, n_training, &reason) == FV_OK) return FV_OK;
    return fail(path, error, reason.message);
}

fv_status fv_checkpoint_parse(const char *path, const void *bytes, size_t size, const fv_run_config *config,
                              const fv_net *net, const fv_dataset *dataset, size_t n_training, fv_checkpoint **out,
                              fv_error *error) {
    fv_checkpoint *c = calloc(1, sizeof *c);
    if (!c) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    fv_status status = fv_safetensors_parse(path, bytes, size, &c->file, error);
    if (status == FV_OK && !fv_safetensors_metadata(c->file, "content_sha256"))
        status = fail(path, error, "it has no checksum");
    if (status == FV_OK) status = check_identity(path, c->file, config, net, dataset, error);
    if (status == FV_OK) status = read_progress(c, path, error);
    if (status == FV_OK) status = read_history(c, path, error);
    if (status == FV_OK) status = read_arrays(c, path, net, error);
    if (status == FV_OK) status = check_state(c, path, config, net, n_training, error);
    if (status == FV_OK)
        *out = c;
    else
        fv_checkpoint_destroy(c);
    return status;
}

fv_status fv_checkpoint_read(const char *directory, const fv_run_config *config, const fv_net *net,
                             const fv_dataset *dataset, size_t n_training, fv_checkpoint **out, fv_error *error) {
    char path[FV_PATH_SIZE], *bytes;
    size_t size;
    FV_TRY(fv_path_join(path, directory, FV_CHECKPOINT_FILE, error));
    FV_TRY(fv_file_read(path, FILE_LIMIT, &bytes, &size, error));
    fv_status status = fv_checkpoint_parse(path, bytes, size, config, net, dataset, n_training, out, error);
    free(bytes);
    return status;
}

const fv_train_state *fv_checkpoint_state(const fv_checkpoint *checkpoint, double *time_s) {
    *time_s = checkpoint->time_s;
    return &checkpoint->state;
}

void fv_checkpoint_destroy(fv_checkpoint *checkpoint) {
    if (!checkpoint) return;
    fv_safetensors_destroy(checkpoint->file);
    free(checkpoint->history);
    free(checkpoint);
}
