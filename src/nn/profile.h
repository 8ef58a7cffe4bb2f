/* Where a thread's time in a training step goes: a stopwatch that is pressed whenever a part has ended, so that the
 * parts of a step add up to the step. A NULL profile measures nothing. */
#ifndef FV_PROFILE_H
#define FV_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

/* Parts of a step. From FV_PART_OPERATIONS on: operation i of the plan forward (2i) and backward (2i + 1). */
enum { FV_PART_FEED, FV_PART_LOSS, FV_PART_UPDATE, FV_PART_PACK, FV_PART_WAIT, FV_PART_OPERATIONS };

typedef struct fv_profile {
    double *time_s; /* [n_steps][n_parts] */
    int n_parts;
    size_t n_steps, step; /* room; the step in work: none is kept once there is no room */
    double last_s;        /* when it was pressed last */
} fv_profile;

static inline int fv_part_of(int operation, bool back) {
    return FV_PART_OPERATIONS + 2 * operation + back;
}

/* What went on since the last call belongs to `part`. */
static inline void fv_profile_lap(fv_profile *profile, int part) {
    if (!profile) return;
    double now = fv_now();
    if (profile->step < profile->n_steps)
        profile->time_s[profile->step * (size_t)profile->n_parts + (size_t)part] += now - profile->last_s;
    profile->last_s = now;
}

static inline void fv_profile_step(fv_profile *profile) {
    if (profile) profile->step++;
}

#endif
