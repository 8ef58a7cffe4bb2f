/* A directory of IDX files as a dataset. */
#ifndef FV_IDX_DIRECTORY_H
#define FV_IDX_DIRECTORY_H

#include "fovea/data.h"

/* Reads train-images-idx3-ubyte and its three companions (see fv_dataset_open) into `out`: train and test (n 0 where
 * there is no t10k pair). FV_E_IO, FV_E_DATA, FV_E_MEMORY; `out` then owns nothing. */
fv_status fv_idx_directory_read(const char *directory, fv_images *train, fv_images *test,
                                fv_error *error) FV_MUST_CHECK;

/* Is there a file of training images? */
bool fv_idx_directory_has_images(const char *directory);

/* Class names from classes.txt of the directory, a line each, UTF-8: *n is 0 where there is no such file. Free the
 * names with fv_strings_free. FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_class_names_read(const char *directory, char ***names, int *n, fv_error *error) FV_MUST_CHECK;

#endif
