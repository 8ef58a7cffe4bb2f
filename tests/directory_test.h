/* For tests of which each has a fresh directory. */
#ifndef DIRECTORY_TEST_H
#define DIRECTORY_TEST_H

#include "scratch.h"

#include "cmocka_test.h"

static char *directory;

static inline int directory_make(void **state) {
    (void)state;
    directory = scratch_make();
    return 0;
}

static inline int directory_drop(void **state) {
    (void)state;
    scratch_drop(directory);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_make, directory_drop)

#endif
