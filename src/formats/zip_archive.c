#include "formats/zip_archive.h"

#include <stdbool.h>
#include <unistd.h>

#include "formats/files.h"

fv_status fv_zip_open(const char *path, zip_t **out, fv_error *error) {
    int code = 0;
    *out = zip_open(path, ZIP_RDONLY, &code);
    if (*out) return FV_OK;
    zip_error_t reason;
    zip_error_init_with_code(&reason, code);
    /* libzip says "no such file" of some that are there and no archives, too. */
    bool unread = code == ZIP_ER_OPEN || code == ZIP_ER_READ || access(path, R_OK) != 0;
    fv_status status = code == ZIP_ER_MEMORY ? FV_E_MEMORY : unread ? FV_E_IO : FV_E_DATA;
    fv_fail(error, status, "%s: could not be read as a zip archive (%s)%s", fv_path_shown(path),
            zip_error_strerror(&reason), status == FV_E_DATA ? "; get it again" : "");
    zip_error_fini(&reason);
    return status;
}
