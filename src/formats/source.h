/* Bytes of a file or of a zip archive's member, uncompressed on the way where they are gzip. */
#ifndef FV_SOURCE_H
#define FV_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/data.h"

typedef struct fv_source fv_source;

/* Opens a file at its start. gzip is recognised by its first bytes; a name that ends in .gz promises it.
 * FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_source_open(const char *path, fv_source **out, fv_error *error) FV_MUST_CHECK;
/* The same for a member of a zip archive; `as_it_is`: gzip stays gzip. FV_E_DATA where there is none of the name, or it
 * is encrypted; FV_E_UNSUPPORTED where libzip is missing. */
fv_status fv_source_open_member(const char *archive, const char *member, bool as_it_is, fv_source **out,
                                fv_error *error) FV_MUST_CHECK;
void fv_source_close(fv_source *source);

/* The next `size` bytes; *got is less only where the content ends. FV_E_IO; FV_E_DATA for a corrupt gzip stream: wrong
 * checksum, bytes behind its end. A stream cut short is an end that fv_source_cut tells. */
fv_status fv_source_read(fv_source *source, void *out, size_t size, size_t *got, fv_error *error) FV_MUST_CHECK;
/* The next `size` bytes in memory that is malloc'd and grows with what comes, whatever `size` promises; *got may be
 * less, and *out is then NULL. As fv_source_read, and FV_E_MEMORY. */
fv_status fv_source_read_new(fv_source *source, size_t size, uint8_t **out, size_t *got, fv_error *error) FV_MUST_CHECK;
/* The pixels of images whose n and shape are known and which are all that is left: mapped where the source is a plain
 * file of FV_MAPPED_LEAST bytes or more that ends with them. False: they must be read. */
bool fv_source_map(fv_source *source, fv_images *images) FV_MUST_CHECK;
/* The path, for a member "archive: member". */
const char *fv_source_name(const fv_source *source);
bool fv_source_cut(const fv_source *source);
bool fv_source_is_gzip(const fv_source *source);

#endif
