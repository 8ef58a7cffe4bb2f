/* A team of threads that runs one function at a time. */
#ifndef FV_THREADS_H
#define FV_THREADS_H

#include "fovea/status.h"

typedef struct fv_team fv_team;

/* Runs once on every thread of the team; thread in [0, n_threads). */
typedef void fv_team_work(void *context, int thread, int n_threads);

/* Starts n_threads - 1 threads; the caller is thread 0. They spin between works while n_threads <= fv_processors(),
 * and sleep otherwise. */
fv_status fv_team_create(int n_threads, fv_team **out) FV_MUST_CHECK;
void fv_team_destroy(fv_team *team);
int fv_team_size(const fv_team *team);

/* Returns when every thread has finished `work`. */
void fv_team_run(fv_team *team, fv_team_work *work, void *context);

/* To be called by every thread inside a work: returns once all have arrived. */
void fv_team_barrier(fv_team *team);
/* The same; the last to arrive first calls `meet` while the others wait. */
void fv_team_meet(fv_team *team, void (*meet)(void *context), void *context);

/* What [0, n) belongs to `thread`: *begin, *end; contiguous, in thread order, sizes differ by at most one. */
void fv_team_share(int n, int thread, int n_threads, int *begin, int *end);

#endif
