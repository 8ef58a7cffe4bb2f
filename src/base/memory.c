#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *fv_alloc(size_t n, size_t size_bytes) {
    size_t bytes;
    if (!fv_multiply(n, size_bytes, &bytes) || bytes > (size_t)-1 / 2) return NULL;
    bytes = (bytes + FV_ALIGN) & ~(size_t)(FV_ALIGN - 1);
    void *at = aligned_alloc(FV_ALIGN, bytes);
    if (at) memset(at, 0, bytes);
    return at;
}

char *fv_copy_text(const char *text) {
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}
