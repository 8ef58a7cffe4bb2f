/* Peak and bandwidth, of one core and of all. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/threads.h"
#include "bench/bench.h"
#include "fovea/bench.h"
#include "fovea/machine.h"

enum { ROUNDS = 9, CHAIN_STEPS = 8192, PEAK_REPEATS = 20, TRIPS = 20000 };
static const size_t memory_floats = (size_t)64 << 20;

static int ascending(const void *a, const void *b) {
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

double fv_median(double *x, size_t n) {
    qsort(x, n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

double fv_peak_sample(const fv_kernels *k) {
    float sums[192];
    k->fma_chains(1, 0.5F, sums); /* wakes wide vectors */
    double start_s = fv_now();
    double n = 2 * (double)k->fma_chains(4 * CHAIN_STEPS, 0.5F, sums);
    return n / (fv_now() - start_s);
}

typedef struct probe {
    fv_team *team;
    const fv_kernels *k;
    float *memory; /* [memory_floats] */
    double flops, read_bytes_s, copy_bytes_s;
    double trip_s;
    _Alignas(64) atomic_int ball; /* thrown by thread 0, odd, and by thread 1, even */
    float sum;                    /* read, so that the reading is not dropped */
} probe;

/* What thread 0 sees between two meetings. */
static double seconds_since(const probe *p, double start_s) {
    fv_team_barrier(p->team);
    return fv_now() - start_s;
}

static double started(const probe *p) {
    fv_team_barrier(p->team);
    return fv_now();
}

static void keep_best(double *best, double rate, int thread) {
    if (thread == 0 && rate > *best) *best = rate;
}

static void probe_peak(probe *p, int thread, int n_threads) {
    float sums[192];
    double n = 0, start_s = started(p);
    for (int i = 0; i < PEAK_REPEATS; i++) n += 2 * (double)p->k->fma_chains(CHAIN_STEPS, 0.5F, sums);
    keep_best(&p->flops, n * n_threads / seconds_since(p, start_s), thread);
}

static void probe_memory(probe *p, int thread, int n_threads) {
    size_t n = memory_floats / (size_t)n_threads / 256 * 256;
    float *mine = p->memory + n * (size_t)thread;
    double start_s = started(p), bytes = (double)n * n_threads * sizeof(float);
    float sum = p->k->stream_sum(n, mine);
    keep_best(&p->read_bytes_s, bytes / seconds_since(p, start_s), thread);
    if (thread == 0) p->sum += sum;
    fv_map from = {mine, 1, 1, (int)(n / 2 / FV_LANES), (ptrdiff_t)(n / 2), (ptrdiff_t)(n / 2)}, to = from;
    to.at += n / 2;
    start_s = started(p);
    p->k->copy(&from, &to, 0);
    keep_best(&p->copy_bytes_s, bytes / seconds_since(p, start_s), thread);
}

/* Threads 0 and 1 pass a line to and fro. */
static void probe_trip(probe *p, int thread, int n_threads) {
    if (n_threads < 2 || n_threads > fv_processors()) return;
    double start_s = started(p);
    if (thread == 0) atomic_store(&p->ball, 1);
    for (int i = 1; i < TRIPS && thread < 2; i++) {
        int mine = 2 * i + 1 - thread;
        while (atomic_load_explicit(&p->ball, memory_order_acquire) != mine - 1) continue;
        atomic_store_explicit(&p->ball, mine, memory_order_release);
    }
    double trip_s = seconds_since(p, start_s) / TRIPS;
    if (thread == 0 && (p->trip_s == 0 || trip_s < p->trip_s)) p->trip_s = trip_s;
    started(p);
    if (thread == 0) atomic_store(&p->ball, 0);
}

static void probe_work(void *context, int thread, int n_threads) {
    probe *p = context;
    for (int round = 0; round < ROUNDS; round++) {
        probe_peak(p, thread, n_threads);
        probe_memory(p, thread, n_threads);
        probe_trip(p, thread, n_threads);
    }
}

static fv_status run_probe(float *memory, int threads, probe *out) {
    *out = (probe){.k = fv_kernels_chosen(), .memory = memory};
    FV_TRY(fv_team_create(threads, &out->team));
    fv_team_run(out->team, probe_work, out);
    fv_team_destroy(out->team);
    return FV_OK;
}

fv_status fv_bench_machine(int threads, fv_machine_speed *out) {
    probe core = {0}, all;
    float *memory = fv_alloc(memory_floats, sizeof *memory);
    if (!memory) return FV_E_MEMORY;
    if (threads <= 0) threads = fv_processors();
    fv_status status = run_probe(memory, 1, &core);
    all = core;
    if (status == FV_OK && threads > 1) status = run_probe(memory, threads, &all);
    free(memory);
    if (status != FV_OK) return status;
    *out = (fv_machine_speed){.threads = threads,
                              .core_flops = core.flops,
                              .all_flops = all.flops,
                              .core_read_bytes_s = core.read_bytes_s,
                              .all_read_bytes_s = all.read_bytes_s,
                              .core_copy_bytes_s = core.copy_bytes_s,
                              .all_copy_bytes_s = all.copy_bytes_s,
                              .round_trip_s = all.trip_s};
    return FV_OK;
}
