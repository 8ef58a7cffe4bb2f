/* Members of archives into a directory. Only the names that are asked for are written, without the directories that
 * stand before them in the archive: where an archive wants its files makes no difference. */
#ifndef FV_UNPACK_H
#define FV_UNPACK_H

#include <stddef.h>

#include "fovea/status.h"

/* FV_E_DATA where a member is missing, or the archive is broken; FV_E_IO, FV_E_MEMORY, FV_E_UNSUPPORTED. */
fv_status fv_unpack_zip(const char *archive, const char *const *members, size_t n, const char *directory,
                        fv_error *error) FV_MUST_CHECK;
/* A tar file, plain or gzip: regular files of the ustar and GNU forms. Source: POSIX.1-2017, pax, "ustar Interchange
 * Format". */
fv_status fv_unpack_tar(const char *archive, const char *const *members, size_t n, const char *directory,
                        fv_error *error) FV_MUST_CHECK;

#endif
