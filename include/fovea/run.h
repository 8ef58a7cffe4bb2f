/* Run directories: the record of one training. */
#ifndef FOVEA_RUN_H
#define FOVEA_RUN_H

#include "fovea/statistics.h"
#include "fovea/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A training's full configuration: what run.json holds and `--config run.json` reads. */
typedef struct fv_run_config {
    char dataset[512]; /* name or path, as given */
    char model[4096];  /* name or text, as given; run.json also holds the resolved text */
    char init[512];    /* safetensors file that training starts from; "": first weights are drawn */
    int pad, epochs, batch;
    char optimizer[128], schedule[128], augment[512];
    double learning_rate, validation, label_smoothing, ema;
    char subset[32]; /* "" all; "0.25", "1/4" or a count, of the training images (before the validation split) */
    uint64_t split_seed, seed;
    int threads, patience;
    char size[16], fit[16];  /* of image files: "28x28", "" the median; "stretch", "pad", "crop" */
    int channels, skip_bad;  /* of image files: 1, 3, 0 by content; 0 or 1 */
    int transpose;           /* of others: 0 or 1 */
    char class_weights[512]; /* "none", "balanced" or a file with a number per class, a line each */
    char sampling[16];       /* "shuffled" or "balanced" */
} fv_run_config;
/* What `fovea train` takes where no option says otherwise. */
fv_run_config fv_run_config_defaults(void);

/* The configuration's fields by their names in run.json ("learning_rate"): index 0, 1, ...; NULL at the end. */
const char *fv_run_config_field(int index);
/* One field as text ("0.15"). */
void fv_run_config_get(const fv_run_config *config, int index, char *out, size_t size);
/* Sets one field from text; `where` begins the message on failure ("--epochs"). FV_E_ARGUMENT with the range. */
fv_status fv_run_config_set(fv_run_config *config, int index, const char *value, const char *where,
                            fv_error *error) FV_MUST_CHECK;

/* The weights that class_weights means for these training images: *weights [n_classes] is malloc'd, NULL for "none".
 * "balanced" is n / (classes with images * n of the class). FV_E_ARGUMENT, FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_run_class_weights(const fv_run_config *config, const fv_dataset *dataset, const fv_indices *training,
                               float **weights, fv_error *error) FV_MUST_CHECK;

/* Opens the dataset that a configuration means, with the preprocessing it records. `options` (NULL: none) says the
 * rest: callbacks, threads, classes. As fv_dataset_open_with. */
fv_status fv_run_dataset_open(const fv_run_config *config, const fv_dataset_options *options, fv_dataset **out,
                              fv_error *error) FV_MUST_CHECK;
/* Records how a dataset of image files came to its shape, so that others are treated alike; leaves the rest alone. */
void fv_run_config_pictures(fv_run_config *config, const fv_dataset *dataset);

/* Writes out what a learning rate of 0 means: the optimiser's own. FV_E_TEXT where `optimizer` is none. */
fv_status fv_run_config_resolve(fv_run_config *config, fv_error *error) FV_MUST_CHECK;

/* Reads the configuration in run.json; fields that it lacks keep their defaults. FV_E_IO, FV_E_DATA. */
fv_status fv_run_config_read(const char *path, fv_run_config *out, fv_error *error) FV_MUST_CHECK;

/* Makes the directory `out`, or runs/<verb>-<n> (the first n that is free) where `out` is NULL. An existing directory
 * that is not empty: FV_E_EXISTS. Writes its path. */
fv_status fv_run_directory(const char *out, const char *verb, char *path, size_t size, fv_error *error) FV_MUST_CHECK;

/* Keeps every other training out of the directory while *lock, a file descriptor, is open, and removes what a killed
 * one left half written. FV_E_EXISTS: another one is at work in it. */
fv_status fv_run_lock(const char *directory, int *lock, fv_error *error) FV_MUST_CHECK;

/* What else the record says. */
typedef struct fv_run_record {
    const fv_run_config *config;
    const char *command;
    const fv_net *net;
    const fv_dataset *dataset;
    size_t n_training, n_validation;
    int threads; /* in use */
    int epochs_done;
    const fv_epoch *history;                /* [epochs_done] */
    double time_s;                          /* 0 before the end */
    const char *result;                     /* "running", "done", "interrupted", "diverged", "failed" */
    const fv_score *validation;             /* of the weights that were kept; NULL: as the last epoch says */
    const fv_macro_score *validation_macro; /* beside it; NULL: not known */
    const char *init_sha256;                /* fv_net_hash of the weights that config->init gave; NULL or "": none */
} fv_run_record;

/* Writes run.json (whole or not at all), its configuration resolved. Called once before the first step and once at the
 * end. */
fv_status fv_run_write_record(const char *directory, const fv_run_record *record, fv_error *error) FV_MUST_CHECK;

/* The record read back. */
typedef struct fv_run_info {
    fv_run_config config;
    char command[4096];
    char version[32], compiler[64], isa[16], result[16];
    char train_sha256[65], test_sha256[65], weights_sha256[65]; /* the last is empty before the end */
    char init_sha256[65];                                       /* of the weights that config.init gave; empty: none */
    size_t n_images;                                            /* of the dataset, all splits */
    int epochs_done;
    double time_s;
} fv_run_info;
/* Reads run.json of a run directory. FV_E_IO (not a run directory), FV_E_DATA. */
fv_status fv_run_read_record(const char *directory, fv_run_info *out, fv_error *error) FV_MUST_CHECK;

/* Writes metrics.csv, predictions-<split>.csv. */
fv_status fv_run_write_metrics(const char *directory, const fv_epoch *history, int n, fv_error *error) FV_MUST_CHECK;
/* Writes predictions-SPLIT.csv: a row per prediction, whole or not at all. FV_E_IO. */
fv_status fv_run_write_predictions(const char *directory, const char *split, const fv_prediction *predictions, size_t n,
                                   fv_error *error) FV_MUST_CHECK;
/* Reads metrics.csv and predictions-<split>.csv back (rows malloc'd). FV_E_IO, FV_E_DATA. */
fv_status fv_run_read_metrics(const char *directory, fv_epoch **history, int *n, fv_error *error) FV_MUST_CHECK;
/* Reads predictions-SPLIT.csv back; *predictions is malloc'd. FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_run_read_predictions(const char *directory, const char *split, fv_prediction **predictions, size_t *n,
                                  fv_error *error) FV_MUST_CHECK;

/* A training on its way: checkpoint.safetensors in its run's directory, which is replaced whole; its content carries a
 * checksum. `config`, `net` and `dataset` say which training it is. */
#define FV_CHECKPOINT_FILE "checkpoint.safetensors"
/* A checkpoint that was read. */
typedef struct fv_checkpoint fv_checkpoint;
/* time_s: spent on the whole training so far. FV_E_IO, FV_E_MEMORY. */
fv_status fv_checkpoint_write(const char *directory, const fv_run_config *config, const fv_net *net,
                              const fv_dataset *dataset, const fv_train_state *state, double time_s,
                              fv_error *error) FV_MUST_CHECK;
/* `net` with any weights; n_training images are trained on. FV_E_IO; FV_E_DATA where the file is broken, or of another
 * version of Fovea, configuration, model or data; FV_E_MEMORY. */
fv_status fv_checkpoint_read(const char *directory, const fv_run_config *config, const fv_net *net,
                             const fv_dataset *dataset, size_t n_training, fv_checkpoint **out,
                             fv_error *error) FV_MUST_CHECK;
/* For fv_train_options.resume; belongs to the checkpoint. */
const fv_train_state *fv_checkpoint_state(const fv_checkpoint *checkpoint, double *time_s);
/* Takes NULL. */
void fv_checkpoint_destroy(fv_checkpoint *checkpoint);

/* The splits that a configuration means: indices into dataset->train. The subset is drawn by split_seed, as the
 * validation split is, so that seeds can be compared. FV_E_ARGUMENT where the subset does not fit the set. */
fv_status fv_run_split(const fv_run_config *config, const fv_dataset *dataset, fv_indices *training,
                       fv_indices *validation, fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
