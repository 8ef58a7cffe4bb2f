/* Libraries that are opened when they are first needed: libcurl with all it stands on would double the time in which
 * the program starts (docs/design.md, "Dependencies"). */
#ifndef FV_LIBRARY_LOAD_H
#define FV_LIBRARY_LOAD_H

#include <stdbool.h>
#include <stddef.h>

/* A function of a library, and the function pointer that is to hold its address. */
typedef struct fv_symbol {
    const char *name;
    void *place;
} fv_symbol;

/* Opens a library for good and looks the n functions up. On failure `reason` says why. */
bool fv_library_load(const char *library, const fv_symbol *symbols, size_t n, char *reason, size_t size);

#endif
