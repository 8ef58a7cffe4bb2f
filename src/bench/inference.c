/* One call of fv_runner_infer after another. */
#include <stdlib.h>

#include "base/clock.h"
#include "bench/bench.h"
#include "fovea/bench.h"

enum { MOST_CALLS = 100000, FEWEST_CALLS = 5, FIRST_CALLS = 2 /* not counted */ };

static fv_status time_calls(fv_runner *runner, const fv_images *images, float *logits, double time_s, double *call_s) {
    double *times = malloc(MOST_CALLS * sizeof *times), begin_s = fv_now();
    if (!times) return FV_E_MEMORY;
    fv_status status = FV_OK;
    size_t n = 0;
    for (int call = 0; status == FV_OK && n < MOST_CALLS; call++) {
        double start_s = fv_now();
        status = fv_runner_infer(runner, images, NULL, logits, NULL);
        double end_s = fv_now();
        if (call >= FIRST_CALLS) times[n++] = end_s - start_s;
        if (n >= FEWEST_CALLS && end_s - begin_s > time_s) break;
    }
    if (status == FV_OK) *call_s = fv_median(times, n);
    free(times);
    return status;
}

fv_status fv_bench_infer(const fv_net *net, int batch, int threads, uint64_t seed, double time_s, double *call_s) {
    fv_images images;
    fv_runner *runner = NULL;
    if (batch < 1) return FV_E_ARGUMENT;
    FV_TRY(fv_synthetic_images(fv_net_input(net), fv_net_n_classes(net), (size_t)batch, seed, &images));
    float *logits = malloc((size_t)batch * (size_t)fv_net_n_classes(net) * sizeof *logits);
    fv_status status = logits ? fv_runner_create(net, threads, &runner) : FV_E_MEMORY;
    if (status == FV_OK) status = time_calls(runner, &images, logits, time_s, call_s);
    fv_runner_destroy(runner);
    free(logits);
    fv_images_deinit(&images);
    return status;
}
