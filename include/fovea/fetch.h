/* Known data sets from the network. */
#ifndef FOVEA_FETCH_H
#define FOVEA_FETCH_H

#include "fovea/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a download goes. All zero is the default. */
typedef struct fv_fetch_options {
    const char *mirror; /* an address (http, https, file) that ends in a slash or gets one: asked alone, instead of the
                           known mirrors; NULL: those */
    int stall_s;        /* so many seconds without a byte end an attempt; 0: 30 */
    void *context;      /* for the callbacks, all optional: */
    void (*on_progress)(void *context, const char *file, uint64_t done_bytes, uint64_t total_bytes); /* 0: not known */
    void (*on_file)(void *context, const char *file, uint64_t size_bytes, const char *check); /* one is complete; how it
                                                                                                 was checked */
    void (*on_note)(void *context, const char *note); /* an attempt that failed, and why */
    bool (*cancelled)(void *context);
} fv_fetch_options;

/* Downloads a known data set into $XDG_CACHE_HOME/fovea/<name> (~/.cache without it), which is there whole or not at
 * all: the files gather in .<name>.part beside it, where an interrupted download goes on the next time. Mirrors are
 * asked in order; every file is held against its checksum, and the set is opened before it takes its name.
 *   path  out  where the set is
 * Returns FV_OK, also where it was there already; FV_E_NAME for a set that nobody serves; FV_E_IO where no mirror gave
 * it (the message has the addresses, and what to do without a network) or the cache could not be written; FV_E_DATA
 * where all that came is broken; FV_E_INTERRUPTED; FV_E_UNSUPPORTED without libcurl or libzip. */
fv_status fv_dataset_fetch(const char *name, const fv_fetch_options *options, char path[512],
                           fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
