#include "formats/zip_archive.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

#include "formats/files.h"
#include "formats/library_load.h"

#define FUNCTIONS(X)                                                                                                   \
    X(zip_open)                                                                                                        \
    X(zip_discard)                                                                                                     \
    X(zip_strerror)                                                                                                    \
    X(zip_get_num_entries)                                                                                             \
    X(zip_get_name)                                                                                                    \
    X(zip_name_locate)                                                                                                 \
    X(zip_fopen)                                                                                                       \
    X(zip_fread)                                                                                                       \
    X(zip_fclose)                                                                                                      \
    X(zip_file_strerror)                                                                                               \
    X(zip_error_init_with_code)                                                                                        \
    X(zip_error_strerror)                                                                                              \
    X(zip_error_fini)

/* Filled once, then only read. */
static struct {
    pthread_once_t once;
    bool ready;
    char reason[256];
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void) {
#define SYMBOL(name) {#name, &library.name},
    const fv_symbol symbols[] = {FUNCTIONS(SYMBOL)};
    library.ready = fv_library_load("libzip.so.4", symbols, sizeof symbols / sizeof *symbols, library.reason,
                                    sizeof library.reason) ||
                    fv_library_load("libzip.so.5", symbols, sizeof symbols / sizeof *symbols, library.reason,
                                    sizeof library.reason);
}

struct fv_zip {
    zip_t *archive;
};

struct fv_zip_member {
    zip_file_t *file;
};

static fv_status fail_open(const char *path, int code, fv_error *error) {
    zip_error_t reason;
    library.zip_error_init_with_code(&reason, code);
    /* libzip says "no such file" of some that are there and no archives, too. */
    bool unread = code == ZIP_ER_OPEN || code == ZIP_ER_READ || access(path, R_OK) != 0;
    fv_status status = code == ZIP_ER_MEMORY ? FV_E_MEMORY : unread ? FV_E_IO : FV_E_DATA;
    fv_fail(error, status, "%s: could not be read as a zip archive (%s)%s", fv_path_shown(path),
            library.zip_error_strerror(&reason), status == FV_E_DATA ? "; get it again" : "");
    library.zip_error_fini(&reason);
    return status;
}

fv_status fv_zip_open(const char *path, fv_zip **out, fv_error *error) {
    pthread_once(&library.once, load);
    if (!library.ready)
        return fv_fail(error, FV_E_UNSUPPORTED,
                       "%s: zip archives are read by libzip, which is not here (%s): install it, on Debian with "
                       "`apt-get install libzip4`",
                       fv_path_shown(path), library.reason);
    fv_zip *zip = calloc(1, sizeof *zip);
    if (!zip) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    int code = 0;
    zip->archive = library.zip_open(path, ZIP_RDONLY, &code);
    if (!zip->archive) {
        free(zip);
        return fail_open(path, code, error);
    }
    *out = zip;
    return FV_OK;
}

void fv_zip_close(fv_zip *zip) {
    if (!zip) return;
    library.zip_discard(zip->archive);
    free(zip);
}

const char *fv_zip_name(const fv_zip *zip, size_t index) {
    zip_int64_t n = library.zip_get_num_entries(zip->archive, 0);
    return (zip_int64_t)index < n ? library.zip_get_name(zip->archive, index, 0) : NULL;
}

bool fv_zip_has(const fv_zip *zip, const char *name) {
    return library.zip_name_locate(zip->archive, name, 0) >= 0;
}

fv_status fv_zip_member_open(fv_zip *zip, const char *name, const char *path, fv_zip_member **out, fv_error *error) {
    fv_zip_member *member = calloc(1, sizeof *member);
    if (!member) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    member->file = library.zip_fopen(zip->archive, name, 0);
    if (!member->file) {
        free(member);
        return fv_fail(error, FV_E_DATA, "%s: could not be read: %s", fv_path_shown(path),
                       library.zip_strerror(zip->archive));
    }
    *out = member;
    return FV_OK;
}

void fv_zip_member_close(fv_zip_member *member) {
    if (!member) return;
    library.zip_fclose(member->file);
    free(member);
}

fv_status fv_zip_member_read(fv_zip_member *member, const char *path, void *out, size_t size, size_t *n,
                             fv_error *error) {
    zip_int64_t got = library.zip_fread(member->file, out, size);
    if (got < 0)
        return fv_fail(error, FV_E_DATA, "%s: could not be unpacked (%s); get it again", fv_path_shown(path),
                       library.zip_file_strerror(member->file));
    *n = (size_t)got;
    return FV_OK;
}
