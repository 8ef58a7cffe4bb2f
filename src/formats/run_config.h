/* Shared by the files of a run directory; a configuration to and from JSON. */
#ifndef FV_RUN_CONFIG_H
#define FV_RUN_CONFIG_H

#include <jansson.h>

#include "fovea/run.h"

enum { FV_PATH_SIZE = 1024 };

/* Joins directory and file name. FV_E_ARGUMENT when the path is too long. */
fv_status fv_path_join(char out[FV_PATH_SIZE], const char *directory, const char *file, fv_error *error) FV_MUST_CHECK;

/* {"dataset": ..., "model": ..., ...}; NULL when out of memory. */
json_t *fv_run_config_json(const fv_run_config *config);
/* The configuration under "config" of `root`; `path` is for messages. FV_E_DATA. */
fv_status fv_run_config_from_json(const json_t *root, const char *path, fv_run_config *out, fv_error *error);
/* Parses a file; *out to be released by json_decref. FV_E_IO, FV_E_DATA. */
fv_status fv_run_json_load(const char *path, json_t **out, fv_error *error);

/* "0.25", "1/4": fraction in (0, 1]; "2000": a count >= 1. False for anything else. */
bool fv_subset_parse(const char *text, double *value, bool *fraction);

#endif
