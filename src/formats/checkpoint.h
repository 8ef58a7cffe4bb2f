/* checkpoint.safetensors: a training between two steps. A safetensors file:
 *     metadata  which training it is of (fv_checkpoint_identity)
 *     progress  [FV_N_PROGRESS] F64, the numbers of fv_train_state
 *     history   [epoch][FV_N_HISTORY] F64, its epochs (formats/epoch_row.h)
 *     weights, optimizer.1, ...  F32, its arrays, as the net lays them out */
#ifndef FV_CHECKPOINT_H
#define FV_CHECKPOINT_H

#include "formats/net_metadata.h"
#include "fovea/run.h"

enum {
    FV_PROGRESS_EPOCH,
    FV_PROGRESS_DONE,
    FV_PROGRESS_LOSS,
    FV_PROGRESS_CORRECT,
    FV_PROGRESS_EPOCH_TIME,
    FV_PROGRESS_BEST_LOSS,
    FV_PROGRESS_SINCE_BEST,
    FV_PROGRESS_TIME, /* of the training, evaluation included */
    FV_N_PROGRESS
};

extern const char *const fv_checkpoint_arrays[FV_N_STATE_ARRAYS]; /* their names in the file */

/* Texts by name that must be the same where a training goes on: version, the net's metadata, configuration (without
 * the threads, on which nothing depends), checksums of the data. */
enum { FV_N_IDENTITY = FV_N_METADATA + 4 };
typedef struct fv_checkpoint_identity {
    fv_metadata item[FV_N_IDENTITY];
    fv_net_metadata net;
    char *config;
} fv_checkpoint_identity;

/* False where memory is short or a name is not UTF-8; deinit in any case. */
bool fv_checkpoint_identity_init(fv_checkpoint_identity *out, const fv_run_config *config, const fv_net *net,
                                 const fv_dataset *dataset);
void fv_checkpoint_identity_deinit(fv_checkpoint_identity *identity);

/* The same as fv_checkpoint_read from bytes in memory; `path` is for messages. */
fv_status fv_checkpoint_parse(const char *path, const void *bytes, size_t size, const fv_run_config *config,
                              const fv_net *net, const fv_dataset *dataset, size_t n_training, fv_checkpoint **out,
                              fv_error *error) FV_MUST_CHECK;

#endif
