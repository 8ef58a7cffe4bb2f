/* Memory with checked sizes, aligned for vectors. */
#ifndef FV_MEMORY_H
#define FV_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define FV_ALIGN 64 /* bytes: a cache line, and the widest vector */

/* *product = a * b; false when it overflows. */
static inline bool fv_multiply(size_t a, size_t b, size_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

/* n * size_bytes zeroed bytes at a 64-byte boundary; NULL when out of memory or the product overflows. free() frees. */
void *fv_alloc(size_t n, size_t size_bytes);

/* A copy of a string; NULL when out of memory. */
char *fv_copy_text(const char *text);

#endif
