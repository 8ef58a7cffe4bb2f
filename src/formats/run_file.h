/* Shared by the files of a run directory. */
#ifndef FV_RUN_FILE_H
#define FV_RUN_FILE_H

#include <stddef.h>

#include "fovea/status.h"

enum { FV_PATH_SIZE = 1024 };

/* Joins directory and file name. FV_E_ARGUMENT when the path is too long. */
fv_status fv_path_join(char out[FV_PATH_SIZE], const char *directory, const char *file, fv_error *error);

/* Writes a file whole or not at all: what stood at `path` stays until the new content is complete. FV_E_IO. */
fv_status fv_write_whole(const char *path, const char *bytes, size_t n, fv_error *error);

/* Reads a whole text file of at most `most` bytes; *out is malloc'd and ends in a zero. FV_E_IO, FV_E_DATA (too
 * large), FV_E_MEMORY. */
fv_status fv_read_whole(const char *path, size_t most, char **out, size_t *n, fv_error *error);

#endif
