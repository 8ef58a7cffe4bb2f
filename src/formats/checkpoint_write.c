#include <stdlib.h>

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/epoch_row.h"
#include "formats/files.h"
#include "formats/json_text.h"
#include "formats/run_config.h"
#include "fovea/machine.h"
#include "train/state.h"

const char *const fv_checkpoint_arrays[FV_N_STATE_ARRAYS] = {
    [FV_STATE_WEIGHTS] = "weights",
    [FV_STATE_OPTIMIZER1] = "optimizer.1",
    [FV_STATE_OPTIMIZER2] = "optimizer.2",
    [FV_STATE_AVERAGE] = "average",
    [FV_STATE_LAST_WEIGHTS] = "last.weights",
    [FV_STATE_BEST_WEIGHTS] = "best.weights",
    [FV_STATE_STATISTICS] = "statistics",
    [FV_STATE_LAST_STATISTICS] = "last.statistics",
    [FV_STATE_BEST_STATISTICS] = "best.statistics",
};

static char *config_text(const fv_run_config *config) {
    fv_run_config c = *config;
    c.threads = 0;
    json_t *object = fv_run_config_json(&c);
    char *text = object ? fv_json_text(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

bool fv_checkpoint_identity_init(fv_checkpoint_identity *out, const fv_run_config *config, const fv_net *net,
                                 const fv_dataset *dataset) {
    bool good = fv_net_metadata_init(&out->net, net, (const char *const *)dataset->class_names);
    out->config = config_text(config);
    fv_metadata *item = out->item;
    *item++ = (fv_metadata){"fovea", fv_version()};
    for (int i = 0; i < FV_N_METADATA; i++) *item++ = out->net.item[i];
    *item++ = (fv_metadata){"config", out->config};
    *item++ = (fv_metadata){"train_sha256", dataset->train_sha256};
    *item++ = (fv_metadata){"test_sha256", dataset->test_sha256};
    return good && out->config;
}

void fv_checkpoint_identity_deinit(fv_checkpoint_identity *identity) {
    fv_net_metadata_deinit(&identity->net);
    free(identity->config);
}

fv_status fv_checkpoint_write(const char *directory, const fv_run_config *config, const fv_net *net,
                              const fv_dataset *dataset, const fv_train_state *state, double time_s, fv_error *error) {
    char path[FV_PATH_SIZE];
    FV_TRY(fv_path_join(path, directory, FV_CHECKPOINT_FILE, error));
    FV_TRY(fv_file_is_own(path, error));
    const double progress[FV_N_PROGRESS] = {state->epoch,
                                            (double)state->n_done,
                                            state->loss,
                                            (double)state->n_correct,
                                            state->time_s,
                                            fv_or_none(state->best_loss),
                                            state->epochs_since_best,
                                            time_s};
    fv_named_tensor tensors[FV_N_STATE_ARRAYS + 2];
    size_t n = 0;
    double *history = fv_alloc((size_t)state->epoch * FV_N_HISTORY, sizeof *history);
    tensors[n++] = (fv_named_tensor){"progress", FV_FLOAT64, 1, {FV_N_PROGRESS}, progress};
    tensors[n++] = (fv_named_tensor){"history", FV_FLOAT64, 2, {(size_t)state->epoch, FV_N_HISTORY}, history};
    for (int i = 0; i < FV_N_STATE_ARRAYS; i++) {
        if (!state->array[i]) continue;
        size_t size = fv_train_state_size(state, i);
        tensors[n++] = (fv_named_tensor){fv_checkpoint_arrays[i], FV_FLOAT32, 1, {size}, state->array[i]};
    }
    fv_checkpoint_identity identity;
    fv_status status;
    if (fv_checkpoint_identity_init(&identity, config, net, dataset) && history) {
        for (int i = 0; i < state->epoch; i++) fv_epoch_put(&state->history[i], history + i * FV_N_HISTORY);
        status = fv_safetensors_write(path, tensors, n, identity.item, FV_N_IDENTITY, error);
    } else {
        status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    }
    fv_checkpoint_identity_deinit(&identity);
    free(history);
    return status;
}
