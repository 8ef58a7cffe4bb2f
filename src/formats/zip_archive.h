/* zip archives, by libzip. */
#ifndef FV_ZIP_ARCHIVE_H
#define FV_ZIP_ARCHIVE_H

#include <zip.h>

#include "fovea/status.h"

/* Opens an archive to read; zip_discard closes it. FV_E_IO, FV_E_DATA (not a zip, or cut short), FV_E_MEMORY. */
fv_status fv_zip_open(const char *path, zip_t **out, fv_error *error) FV_MUST_CHECK;

#endif
