#include "explain/openblas.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "formats/library_load.h"

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
    enum { BUFFERS = 256 << 20 }; /* twice what one thread takes */
    void *volatile room = malloc(BUFFERS);
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
