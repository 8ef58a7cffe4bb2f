/* Seconds that only go forward. */
#ifndef FV_CLOCK_H
#define FV_CLOCK_H

#include <time.h>

static inline double fv_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
