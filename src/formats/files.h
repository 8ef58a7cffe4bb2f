/* Whole files. */
#ifndef FV_FILES_H
#define FV_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

/* Opens a file to be read. FV_E_IO with the system's reason; FV_E_DATA where it is a pipe or a device: strangers may
 * send one, and it would be waited for, or never end. */
fv_status fv_file_open(const char *path, int *out, fv_error *error) FV_MUST_CHECK;

/* Reads a file of at most `limit` bytes. *data is malloc'd and ends in a zero byte that *size does not count.
 * FV_E_IO, FV_E_DATA (larger than the limit, or as above), FV_E_MEMORY. */
fv_status fv_file_read(const char *path, size_t limit, char **data, size_t *size, fv_error *error) FV_MUST_CHECK;

/* Bytes to write, borrowed. */
typedef struct fv_part {
    const void *data;
    size_t size;
} fv_part;

/* Writes a file whole or not at all: the parts go, in order, into a new file beside it, which is synced and takes its
 * place, and the directory is synced. What stood there stays until then, and stays on failure. A link is followed; a
 * device or pipe is written to directly. FV_E_IO with the system's reason. */
fv_status fv_file_write_parts(const char *path, const fv_part *parts, size_t n_parts, fv_error *error) FV_MUST_CHECK;
fv_status fv_file_write(const char *path, const void *data, size_t size, fv_error *error) FV_MUST_CHECK;

/* FV_E_IO where `path` is a link, a pipe or a device: a run or a study may have come from somebody else, and nothing
 * outside of it is written through a link that it brings, nor is a pipe waited for. */
fv_status fv_file_is_own(const char *path, fv_error *error) FV_MUST_CHECK;

/* FV_E_IO when no file could be created in the directory; tries it, since permissions do not tell all (a read-only
 * file system, a quota). */
fv_status fv_directory_writable(const char *path, fv_error *error) FV_MUST_CHECK;

/* Removes what killed programs left half written in a directory: of the file `name`, or of any (NULL). Only for who
 * holds a lock that every writer of these files takes. */
void fv_directory_clean(const char *path, const char *name);

/* The end of a long path, so that the message behind it is not cut off. */
const char *fv_path_shown(const char *path);

bool fv_is_utf8(const char *text);

#endif
