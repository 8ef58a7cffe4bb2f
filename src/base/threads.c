/* Barrier and wake-up are one counter each. A waiting thread spins while every thread has a processor of its own; when
 * there are more threads than processors, or after a long spin, it sleeps in a futex-backed condition. */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "fovea/machine.h"

enum { SPINS = 20000, YIELD_EVERY = 512 }; /* spins: some 500 microseconds, longer than a step of a small net */

/* A number that only grows; threads wait until it reaches a value. */
typedef struct gate {
    _Alignas(64) atomic_uint count;
    _Alignas(64) pthread_mutex_t mutex;
    pthread_cond_t changed;
} gate;

struct fv_team {
    gate start, arrive;
    _Alignas(64) atomic_int n_arrived;
    int n_threads, spins;
    fv_team_work *work; /* NULL: go home */
    void *context;
    pthread_t *threads;
    struct seat *seats;
};

typedef struct seat {
    fv_team *team;
    int thread;
} seat;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void gate_init(gate *g) {
    atomic_init(&g->count, 0);
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->changed, NULL);
}

static void gate_deinit(gate *g) {
    pthread_mutex_destroy(&g->mutex);
    pthread_cond_destroy(&g->changed);
}

static void gate_open(gate *g) {
    pthread_mutex_lock(&g->mutex);
    atomic_fetch_add_explicit(&g->count, 1, memory_order_release);
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

static void gate_wait(gate *g, unsigned seen, int spins) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&g->count, memory_order_acquire) != seen) return;
        if (i % YIELD_EVERY == YIELD_EVERY - 1)
            sched_yield(); /* whoever is awaited may want this processor */
        else
            relax();
    }
    pthread_mutex_lock(&g->mutex);
    while (atomic_load_explicit(&g->count, memory_order_acquire) == seen) pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

void fv_team_meet(fv_team *team, void (*meet)(void *context), void *context) {
    if (team->n_threads == 1) {
        if (meet) meet(context);
        return;
    }
    unsigned seen = atomic_load_explicit(&team->arrive.count, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->n_arrived, 1, memory_order_acq_rel) == team->n_threads - 1) {
        if (meet) meet(context);
        atomic_store_explicit(&team->n_arrived, 0, memory_order_relaxed);
        gate_open(&team->arrive);
    } else {
        gate_wait(&team->arrive, seen, team->spins);
    }
}

void fv_team_barrier(fv_team *team) {
    fv_team_meet(team, NULL, NULL);
}

static void *thread_main(void *at) {
    seat *mine = at;
    fv_team *team = mine->team;
    for (unsigned round = 0;; round++) {
        gate_wait(&team->start, round, team->spins);
        if (!team->work) return NULL;
        team->work(team->context, mine->thread, team->n_threads);
        fv_team_barrier(team);
    }
}

void fv_team_run(fv_team *team, fv_team_work *work, void *context) {
    team->work = work;
    team->context = context;
    if (team->n_threads > 1) gate_open(&team->start);
    work(context, 0, team->n_threads);
    fv_team_barrier(team);
}

static void stop_threads(fv_team *team, int n_started) {
    team->work = NULL;
    gate_open(&team->start);
    for (int i = 0; i < n_started; i++) pthread_join(team->threads[i], NULL);
}

fv_status fv_team_create(int n_threads, fv_team **out) {
    if (n_threads < 1) return FV_E_ARGUMENT;
    fv_team *team = fv_alloc(1, sizeof *team);
    if (!team) return FV_E_MEMORY;
    team->n_threads = n_threads;
    team->spins = n_threads <= fv_processors() ? SPINS : 0;
    team->threads = calloc((size_t)n_threads, sizeof *team->threads);
    team->seats = calloc((size_t)n_threads, sizeof *team->seats);
    gate_init(&team->start);
    gate_init(&team->arrive);
    atomic_init(&team->n_arrived, 0);
    int n_started = 0;
    if (!team->threads || !team->seats) goto fail;
    for (; n_started < n_threads - 1; n_started++) {
        team->seats[n_started] = (seat){team, n_started + 1};
        if (pthread_create(&team->threads[n_started], NULL, thread_main, &team->seats[n_started])) goto fail;
    }
    *out = team;
    return FV_OK;
fail:
    team->n_threads = n_started + 1;
    fv_team_destroy(team);
    return FV_E_MEMORY;
}

void fv_team_destroy(fv_team *team) {
    if (!team) return;
    if (team->threads) stop_threads(team, team->n_threads - 1);
    gate_deinit(&team->start);
    gate_deinit(&team->arrive);
    free(team->threads);
    free(team->seats);
    free(team);
}

int fv_team_size(const fv_team *team) {
    return team->n_threads;
}

void fv_team_share(int n, int thread, int n_threads, int *begin, int *end) {
    *begin = (int)((long)n * thread / n_threads);
    *end = (int)((long)n * (thread + 1) / n_threads);
}
