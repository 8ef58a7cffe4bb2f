/* What the kernel tests share: random maps with guarded borders, and the two questions every kernel is asked. Is the
 * forced set right (against a double reference)? Has every set this machine runs the same bits? */
#ifndef FV_KERNEL_TEST_H
#define FV_KERNEL_TEST_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "cmocka_test.h"
#include "fovea/machine.h"
#include "kernels/kernels.h"

/* Set 0 is the forced one, then every other that runs here; NULL behind the last:
 *     for (int set = 0; (k = test_set(set)); set++) ... */
static inline const fv_kernels *test_set(int index) {
    const fv_kernels *chosen = fv_kernels_chosen(), *k;
    if (index == 0) return chosen;
    for (int i = 0, runs; (k = fv_kernels_at(i, &runs)); i++)
        if (runs && k != chosen && --index == 0) return k;
    return NULL;
}

/* One whole number in [0, n) of a stream. */
static inline uint32_t test_below(uint32_t stream, size_t i, uint32_t n) {
    return fv_below(fv_philox(1, FV_RANDOM_TEST, (uint32_t)i, stream, 0, 0).word[0], n);
}

/* Floats in (-1, 1). */
static inline void test_fill(float *at, size_t n, uint32_t stream) {
    for (size_t i = 0; i < n; i++)
        at[i] = 2 * fv_unit(fv_philox(1, FV_RANDOM_TEST, (uint32_t)i, stream, 1, 0).word[0]) - 1;
}

/* Multiples of 1/4 in [-2, 2): many ties, and exact in sums and products. */
static inline void test_fill_coarse(float *at, size_t n, uint32_t stream) {
    for (size_t i = 0; i < n; i++) at[i] = (float)test_below(stream, i, 16) / 4 - 2;
}

static inline void *test_alloc(size_t n, size_t size_bytes) {
    void *at = fv_alloc(n, size_bytes);
    assert_non_null(at);
    return at;
}

/* n NaNs, and sixteen floats more that must stay. */
static inline float *test_guarded(size_t n) {
    float *p = test_alloc(n + 16, sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = NAN;
    for (size_t i = 0; i < 16; i++) p[n + i] = 7;
    return p;
}

static inline void test_guarded_free(float *p, size_t n) {
    for (size_t i = 0; i < 16; i++) assert_true(p[n + i] == 7);
    free(p);
}

/* A buffer, of which `map` is a view. What lies around the planes must stay as it is. */
typedef struct test_map {
    fv_map map;
    float *base;
    size_t n;
} test_map;

static inline test_map test_map_create(int c, int h, int w, int border) {
    test_map t = {.map = {.c = c, .h = h, .w = w}};
    t.map.row = (ptrdiff_t)(w + 2 * border) * FV_LANES;
    t.map.plane = (h + 2 * border) * t.map.row + (border ? 3 * FV_LANES : 0);
    t.n = (size_t)(c * t.map.plane);
    t.base = test_alloc(t.n, sizeof(float));
    t.map.at = t.base + border * t.map.row + border * FV_LANES;
    return t;
}

static inline test_map test_map_random(int c, int h, int w, int border, uint32_t stream) {
    test_map t = test_map_create(c, h, w, border);
    test_fill(t.base, t.n, stream);
    return t;
}

/* Where lane l of pixel (i, j) of channel c is in the buffer. */
static inline size_t test_at(const test_map *t, int c, int i, int j, int l) {
    return (size_t)(t->map.at - t->base + c * t->map.plane + i * t->map.row + j * FV_LANES + l);
}

/* What is wanted of n floats, and the sum of the magnitudes that each was computed from. */
typedef struct wanted {
    double *value, *size;
    size_t n;
} wanted;

static inline wanted wanted_create(size_t n) {
    return (wanted){test_alloc(n + 1, sizeof(double)), test_alloc(n + 1, sizeof(double)), n};
}

/* Starts as `at`: what no kernel writes must stay. */
static inline wanted wanted_from(const float *at, size_t n) {
    wanted w = wanted_create(n);
    for (size_t i = 0; i < n; i++) w.value[i] = at[i];
    return w;
}

static inline void wanted_free(wanted *w) {
    free(w->value);
    free(w->size);
}

/* |got - want| <= (terms + 4) half units in the last place of `size`; exact where size is 0. */
static inline void check_close(const char *what, const float *got, const wanted *w, double terms) {
    for (size_t i = 0; i < w->n; i++) {
        double error = fabs((double)got[i] - w->value[i]);
        if (!(error <= (terms + 4) * 0x1p-24 * w->size[i]))
            fail_msg("%s, %s: [%zu] is %.9g, not %.9g (error %.3g of size %.3g)", what, fv_isa_name(), i, got[i],
                     w->value[i], error, w->size[i]);
    }
}

/* The first set's bytes, which every other set must repeat. */
typedef struct same_bits {
    void *first;
    size_t size_bytes;
} same_bits;

static inline void check_bits(same_bits *s, const char *what, const fv_kernels *k, const void *got, size_t size_bytes) {
    if (!s->first) {
        s->first = test_alloc(size_bytes + 1, 1);
        s->size_bytes = size_bytes;
        memcpy(s->first, got, size_bytes);
        return;
    }
    assert_int_equal(s->size_bytes, size_bytes);
    for (size_t i = 0; i < size_bytes; i++)
        if (((const uint8_t *)s->first)[i] != ((const uint8_t *)got)[i])
            fail_msg("%s: %s and %s differ at byte %zu of %zu", what, fv_isa_name(), k->name, i, size_bytes);
}

static inline void same_bits_free(same_bits *s) {
    free(s->first);
    s->first = NULL;
}

/* For main: 77 (skipped) where the machine lacks the forced set. */
static inline int test_isa(void) {
    fv_error error;
    if (fv_isa_choose(&error) == FV_OK) return 0;
    fprintf(stderr, "SKIP: %s\n", error.message);
    return 77;
}

#define RUN_KERNEL_TESTS(tests) (test_isa() ? 77 : cmocka_run_group_tests(tests, NULL, NULL))

#endif
