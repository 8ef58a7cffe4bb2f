/* Bytes of a file, uncompressed on the way where it is gzip. */
#ifndef FV_SOURCE_H
#define FV_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

typedef struct fv_source fv_source;

/* Opens a file at its start. gzip is recognised by its first bytes; a name that ends in .gz promises it.
 * FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_source_open(const char *path, fv_source **out, fv_error *error) FV_MUST_CHECK;
void fv_source_close(fv_source *source);

/* The next `size` bytes; *got is less only where the content ends. FV_E_IO; FV_E_DATA for a corrupt gzip stream: wrong
 * checksum, bytes behind its end. A stream cut short is an end that fv_source_cut tells. */
fv_status fv_source_read(fv_source *source, void *out, size_t size, size_t *got, fv_error *error) FV_MUST_CHECK;
bool fv_source_cut(const fv_source *source);
bool fv_source_is_gzip(const fv_source *source);

#endif
