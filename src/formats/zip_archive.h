/* zip archives, read by libzip, which is opened when the first one is. */
#ifndef FV_ZIP_ARCHIVE_H
#define FV_ZIP_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

typedef struct fv_zip fv_zip;
typedef struct fv_zip_member fv_zip_member;

/* FV_E_IO, FV_E_DATA (not a zip, or cut short), FV_E_MEMORY, FV_E_UNSUPPORTED (no libzip on this machine). */
fv_status fv_zip_open(const char *path, fv_zip **out, fv_error *error) FV_MUST_CHECK;
void fv_zip_close(fv_zip *zip);

/* The name of member 0, 1, ... ("gzip/a.gz"); NULL at the end. */
const char *fv_zip_name(const fv_zip *zip, size_t index);
bool fv_zip_has(const fv_zip *zip, const char *name);

/* Opens a member of the name; `path` begins the messages. FV_E_DATA where there is none, or it is encrypted. */
fv_status fv_zip_member_open(fv_zip *zip, const char *name, const char *path, fv_zip_member **out,
                             fv_error *error) FV_MUST_CHECK;
void fv_zip_member_close(fv_zip_member *member);
/* The next bytes, *n of them; 0 at the end, where libzip has compared the member's checksum. FV_E_DATA. */
fv_status fv_zip_member_read(fv_zip_member *member, const char *path, void *out, size_t size, size_t *n,
                             fv_error *error) FV_MUST_CHECK;

#endif
