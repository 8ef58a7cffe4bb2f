/* A run read back, and the images it can be asked about. */
#ifndef CLI_RUN_OPEN_H
#define CLI_RUN_OPEN_H

#include <jansson.h>

#include "cli.h"

typedef struct cli_run {
    const char *directory; /* as given */
    fv_run_info info;
    fv_net *net;
    char **class_names; /* [fv_net_n_classes(net)] */
} cli_run;

/* Reads run.json and model.safetensors. */
fv_status cli_run_open(const char *directory, cli_run *out, fv_error *error) FV_MUST_CHECK;
/* The same from a safetensors file of weights for `model` (what --model may be) and images of `dataset`. `normalise`:
 * "none", "MEAN STD" (with commas between channels), or NULL: by the file's metadata, else by the training images. */
fv_status cli_run_import(const char *file, const char *model, const char *normalise, const fv_dataset *dataset,
                         cli_run *out, fv_error *error) FV_MUST_CHECK;
void cli_run_deinit(cli_run *run);

/* "test", "validation" or "train". FV_E_ARGUMENT. */
fv_status cli_split_check(const char *split, fv_error *error) FV_MUST_CHECK;
/* Whether the data are those that the run's record names. */
bool cli_run_same_data(const fv_run_info *info, const fv_dataset *dataset);

/* Opens the run's own dataset, or `data` (NULL: its own), treated as the run's images were. Other data than the run's
 * that has no test split is not split: all its images are in train, and stand for the test split. */
fv_status cli_run_dataset(const cli_run *run, const char *data, fv_dataset **out, fv_error *error) FV_MUST_CHECK;

/* The images and indices of a split of `dataset`. FV_E_SHAPE where net and dataset disagree, FV_E_ARGUMENT where the
 * split is empty. */
fv_status cli_run_split(const cli_run *run, const fv_dataset *dataset, const char *split, const fv_images **images,
                        fv_indices *indices, fv_error *error) FV_MUST_CHECK;
/* Says why the run's net could not be run over images; returns `status`. */
fv_status cli_run_fail(const cli_run *run, fv_status status, fv_error *error);
/* Evaluates a split of `dataset`: *predictions [score->n] is malloc'd. Errors as for cli_run_split; FV_E_DIVERGED. */
fv_status cli_run_evaluate(const cli_run *run, const fv_dataset *dataset, const char *split, int threads,
                           fv_score *score, fv_prediction **predictions, fv_error *error) FV_MUST_CHECK;

/* malloc'd; NULL: json is NULL, or out of memory. */
char *cli_json_text(const json_t *json);
/* Prints on standard output and releases. FV_E_MEMORY where json is NULL. */
fv_status cli_json_print(json_t *json, fv_error *error) FV_MUST_CHECK;

#endif
