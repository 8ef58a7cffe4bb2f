#include "formats/zip_archive.h"

#include <stdlib.h>
#include <unistd.h>

#include "formats/files.h"
#include "formats/libzip.h"

struct fv_zip {
    const fv_libzip *f;
    zip_t *archive;
};

struct fv_zip_member {
    const fv_libzip *f;
    zip_file_t *file;
};

static fv_status fail_open(const fv_libzip *f, const char *path, int code, fv_error *error) {
    zip_error_t reason;
    f->zip_error_init_with_code(&reason, code);
    /* libzip says "no such file" of some that are there and no archives, too. */
    bool unread = code == ZIP_ER_OPEN || code == ZIP_ER_READ || access(path, R_OK) != 0;
    fv_status status = code == ZIP_ER_MEMORY ? FV_E_MEMORY : unread ? FV_E_IO : FV_E_DATA;
    fv_fail(error, status, "%s: could not be read as a zip archive (%s)%s", fv_path_shown(path),
            f->zip_error_strerror(&reason), status == FV_E_DATA ? "; get it again" : "");
    f->zip_error_fini(&reason);
    return status;
}

fv_status fv_zip_open(const char *path, fv_zip **out, fv_error *error) {
    const fv_libzip *f;
    FV_TRY(fv_libzip_get(path, &f, error));
    fv_zip *zip = calloc(1, sizeof *zip);
    if (!zip) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    int code = 0;
    zip->f = f;
    zip->archive = f->zip_open(path, ZIP_RDONLY, &code);
    if (!zip->archive) {
        free(zip);
        return fail_open(f, path, code, error);
    }
    *out = zip;
    return FV_OK;
}

void fv_zip_close(fv_zip *zip) {
    if (!zip) return;
    zip->f->zip_discard(zip->archive);
    free(zip);
}

const char *fv_zip_name(const fv_zip *zip, size_t index) {
    zip_int64_t n = zip->f->zip_get_num_entries(zip->archive, 0);
    return (zip_int64_t)index < n ? zip->f->zip_get_name(zip->archive, index, 0) : NULL;
}

bool fv_zip_has(const fv_zip *zip, const char *name) {
    return zip->f->zip_name_locate(zip->archive, name, 0) >= 0;
}

fv_status fv_zip_member_open(fv_zip *zip, const char *name, const char *path, fv_zip_member **out, fv_error *error) {
    zip_stat_t info;
    /* bzip2, xz and zstd make gigabytes of a kilobyte; deflate at most 1,032 bytes of one */
    if (zip->f->zip_stat(zip->archive, name, 0, &info) == 0 && info.comp_method != ZIP_CM_STORE &&
        info.comp_method != ZIP_CM_DEFLATE)
        return fv_fail(error, FV_E_DATA, "%s: is packed by method %u of zip; save it by numpy.savez_compressed or zip",
                       fv_path_shown(path), info.comp_method);
    fv_zip_member *member = calloc(1, sizeof *member);
    if (!member) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    member->f = zip->f;
    member->file = zip->f->zip_fopen(zip->archive, name, 0);
    if (!member->file) {
        free(member);
        return fv_fail(error, FV_E_DATA, "%s: could not be read: %s", fv_path_shown(path),
                       zip->f->zip_strerror(zip->archive));
    }
    *out = member;
    return FV_OK;
}

void fv_zip_member_close(fv_zip_member *member) {
    if (!member) return;
    member->f->zip_fclose(member->file);
    free(member);
}

fv_status fv_zip_member_read(fv_zip_member *member, const char *path, void *out, size_t size, size_t *n,
                             fv_error *error) {
    zip_int64_t got = member->f->zip_fread(member->file, out, size);
    if (got < 0)
        return fv_fail(error, FV_E_DATA, "%s: could not be unpacked (%s); get it again", fv_path_shown(path),
                       member->f->zip_file_strerror(member->file));
    *n = (size_t)got;
    return FV_OK;
}
