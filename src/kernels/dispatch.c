/* Chooses the widest instruction set that processor and operating system support; FOVEA_ISA forces one. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/machine.h"
#include "kernels/kernels.h"

extern const fv_kernels fv_generic_kernels;
#if defined(__x86_64__)
extern const fv_kernels fv_avx2_kernels, fv_avx512_kernels;
#elif defined(__aarch64__)
extern const fv_kernels fv_neon_kernels;
#endif

/* __builtin_cpu_supports looks at the processor's bits and at what the system saves (XGETBV). */
static int runs_always(void) {
    return 1;
}
#if defined(__x86_64__)
static int runs_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static int runs_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

static const struct {
    const fv_kernels *kernels;
    int (*runs)(void);
} sets[] = {/* best first */
#if defined(__x86_64__)
            {&fv_avx512_kernels, runs_avx512},
            {&fv_avx2_kernels, runs_avx2},
#elif defined(__aarch64__)
            {&fv_neon_kernels, runs_always},
#endif
            {&fv_generic_kernels, runs_always}};

static const char *const names[] = {"generic", "avx2", "avx512", "neon"}; /* of every build */
enum { N_SETS = sizeof sets / sizeof *sets, N_NAMES = sizeof names / sizeof *names };

const fv_kernels *fv_kernels_at(int index, int *runs) {
    if (index < 0 || index >= N_SETS) return NULL;
    *runs = sets[index].runs();
    return sets[index].kernels;
}

static const fv_kernels *best(void) {
    int i = 0;
    while (!sets[i].runs()) i++;
    return sets[i].kernels;
}

/* A cache of a pure function of machine and environment: every thread that computes it computes the same. */
static _Atomic(const fv_kernels *) chosen;

fv_status fv_isa_choose(fv_error *error) {
    const char *forced = getenv("FOVEA_ISA");
    if (!forced || !*forced) {
        atomic_store(&chosen, best());
        return FV_OK;
    }
    for (int i = 0; i < N_SETS; i++) {
        if (strcmp(forced, sets[i].kernels->name) != 0) continue;
        if (!sets[i].runs())
            return fv_fail(error, FV_E_UNSUPPORTED, "FOVEA_ISA=%s: this machine lacks it; unset FOVEA_ISA to use %s",
                           forced, best()->name);
        atomic_store(&chosen, sets[i].kernels);
        return FV_OK;
    }
    for (int i = 0; i < N_NAMES; i++)
        if (strcmp(forced, names[i]) == 0)
            return fv_fail(error, FV_E_UNSUPPORTED, "FOVEA_ISA=%s: not for this kind of processor; unset it to use %s",
                           forced, best()->name);
    return fv_fail(error, FV_E_ARGUMENT, "FOVEA_ISA=%s: unknown; there are generic, avx2, avx512 and neon", forced);
}

const fv_kernels *fv_kernels_chosen(void) {
    const fv_kernels *k = atomic_load(&chosen);
    if (!k) {
        if (fv_isa_choose(NULL) != FV_OK) atomic_store(&chosen, best());
        k = atomic_load(&chosen);
    }
    return k;
}

const char *fv_isa_name(void) {
    return fv_kernels_chosen()->name;
}
