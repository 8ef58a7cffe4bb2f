#include "explain/openblas.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "formats/library_load.h"
#include "fovea/machine.h"

/* Filled once, then only read. */
static struct {
    pthread_once_t once;
    fv_openblas functions;
    bool ready;
} opened = {.once = PTHREAD_ONCE_INIT};

static void load(void) {
#define SYMBOL(name) {#name, &opened.functions.name},
    const fv_symbol blas[] = {FV_OPENBLAS_FUNCTIONS(SYMBOL)}, lapacke[] = {SYMBOL(LAPACKE_dsyevr)};
    char reason[256];
    opened.ready = fv_library_load("libopenblas.so.0", blas, sizeof blas / sizeof *blas, reason, sizeof reason) &&
                   fv_library_load("liblapacke.so.3", lapacke, 1, reason, sizeof reason);
}

/* OpenBLAS asks for its buffers again and again until it gets them. */
static bool has_room(void) {
    enum { BUFFER = 128 << 20 }; /* of each thread */
    const char *asked = getenv("OPENBLAS_NUM_THREADS");
    const long n_asked = asked ? strtol(asked, NULL, 10) : 0, n_threads = n_asked > 0 ? n_asked : fv_processors();
    void *volatile room = malloc((size_t)(n_threads + 1) * BUFFER);
    bool there = room != NULL;
    free(room);
    return there;
}

fv_status fv_openblas_get(const fv_openblas **out) {
    if (!has_room()) return FV_E_MEMORY;
    pthread_once(&opened.once, load);
    if (!opened.ready) return FV_E_UNSUPPORTED;
    *out = &opened.functions;
    return FV_OK;
}

fv_status fv_openblas_need(fv_error *error) {
    const fv_openblas *blas;
    fv_status status = fv_openblas_get(&blas);
    if (status == FV_E_MEMORY) return fv_fail(error, status, "embedding: not enough memory for OpenBLAS");
    if (status == FV_OK) return FV_OK;
    return fv_fail(
        error, status,
        "embedding: its first place is the work of OpenBLAS and LAPACKE, which are not here: install them, on "
        "Debian with `apt-get install libopenblas0 liblapacke`");
}
