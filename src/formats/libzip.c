#include "formats/libzip.h"

#include <pthread.h>

#include "formats/files.h"
#include "formats/library_load.h"

/* Filled once, then only read. */
static struct {
    pthread_once_t once;
    fv_libzip functions;
    bool ready;
    char reason[256];
} opened = {.once = PTHREAD_ONCE_INIT};

static void load(void) {
#define SYMBOL(name) {#name, &opened.functions.name},
    static const char *const names[] = {"libzip.so.5", "libzip.so.4"};
    const fv_symbol symbols[] = {FV_LIBZIP_FUNCTIONS(SYMBOL)};
    for (size_t i = 0; i < 2 && !opened.ready; i++)
        opened.ready =
            fv_library_load(names[i], symbols, sizeof symbols / sizeof *symbols, opened.reason, sizeof opened.reason);
}

fv_status fv_libzip_get(const char *path, const fv_libzip **out, fv_error *error) {
    pthread_once(&opened.once, load);
    if (!opened.ready)
        return fv_fail(error, FV_E_UNSUPPORTED,
                       "%s: zip archives are the work of libzip, which is not here (%s): install it, on Debian with "
                       "`apt-get install libzip4`",
                       fv_path_shown(path), opened.reason);
    *out = &opened.functions;
    return FV_OK;
}
