/* For tests in which memory runs out: malloc and friends as the linker puts them in place of the library's own calls
 * (--wrap in the test's CMakeLists.txt). */
#ifndef MEMORY_TEST_H
#define MEMORY_TEST_H

#include <stdbool.h>
#include <stddef.h>

static bool memory_fails(void); /* the test's own: whether this request is refused */

/* The head of a function that stands in place of `name`, which __real_<name> still is. */
#define REAL(result, name, ...)                                                                                        \
    result __real_##name(__VA_ARGS__);                                                                                 \
    result __wrap_##name(__VA_ARGS__);                                                                                 \
    result __wrap_##name(__VA_ARGS__)

REAL(void *, malloc, size_t size) {
    return memory_fails() ? NULL : __real_malloc(size);
}
REAL(void *, calloc, size_t n, size_t size) {
    return memory_fails() ? NULL : __real_calloc(n, size);
}
REAL(void *, realloc, void *at, size_t size) {
    return memory_fails() ? NULL : __real_realloc(at, size);
}
REAL(void *, aligned_alloc, size_t align, size_t size) {
    return memory_fails() ? NULL : __real_aligned_alloc(align, size);
}

#endif
