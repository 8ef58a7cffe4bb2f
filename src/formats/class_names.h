/* Names of classes: a text file with a line each, UTF-8, at most 100 bytes a name. */
#ifndef FV_CLASS_NAMES_H
#define FV_CLASS_NAMES_H

#include <stdbool.h>

#include "fovea/status.h"

/* The names of a file. Free them with fv_strings_free. FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_class_names_read_file(const char *path, char ***names, int *n, fv_error *error) FV_MUST_CHECK;

/* Those of classes.txt in the directory of a set, or beside its file: *n is 0 where there is no such file. */
fv_status fv_class_names_read(const char *set, char ***names, int *n, fv_error *error) FV_MUST_CHECK;

/* Whether it can be a name: 1 to 100 bytes of UTF-8 without control characters. */
bool fv_class_name_good(const char *name);

#endif
