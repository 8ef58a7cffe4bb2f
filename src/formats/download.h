/* One file over HTTP, by libcurl, which is opened when the first one is asked for. */
#ifndef FV_DOWNLOAD_H
#define FV_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/status.h"

typedef struct fv_download {
    const char *url;     /* http, https or file */
    const char *path;    /* what is there is the file's beginning: only the rest is asked for, where that is possible */
    uint64_t most_bytes; /* more is refused; 0: any number */
    int stall_s;         /* so long without a byte is an end */
    void *context;       /* for the callbacks, both optional */
    void (*on_progress)(void *context, uint64_t done_bytes, uint64_t total_bytes); /* total 0: not known */
    bool (*cancelled)(void *context);
} fv_download;

/* Appends to, or replaces, the file. On failure what came stays; *again tells that it was cut off, so that another
 * attempt may go on. FV_E_IO with the reason (address, HTTP status), FV_E_DATA where more than most_bytes came,
 * FV_E_INTERRUPTED, FV_E_UNSUPPORTED (no libcurl).
 */
fv_status fv_download_run(const fv_download *download, bool *again, fv_error *error) FV_MUST_CHECK;

#endif
