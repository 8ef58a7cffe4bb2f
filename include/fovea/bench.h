/* Measuring: what this machine can do, and where a net spends its time. Everything runs on made-up images (noise over a
 * pattern per class, drawn from the seed), so no data is needed and every machine works on the same. */
#ifndef FOVEA_BENCH_H
#define FOVEA_BENCH_H

#include "fovea/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The limits: a multiply-add counts as two floating-point operations; bytes are those asked of memory, far more than
 * any cache holds. `core`: one thread; `all`: `threads` together. Best of several runs. */
typedef struct fv_machine_speed {
    int threads;
    double core_flops, all_flops;               /* operations a second, in the vectors of fv_isa_name() */
    double core_read_bytes_s, all_read_bytes_s; /* reading */
    double core_copy_bytes_s, all_copy_bytes_s; /* copying: read and written bytes */
    double round_trip_s; /* a cache line's way from one core to another and back; 0 where threads < 2 or have no core
                            each */
} fv_machine_speed;

/* Takes about half a second and 256 MiB. threads 0: fv_processors(). FV_E_MEMORY. */
fv_status fv_bench_machine(int threads, fv_machine_speed *out) FV_MUST_CHECK;

/* What a part of a training step costs. `time_s` is one thread's, the mean over the threads: the parts of a step add up
 * to its time. */
typedef struct fv_bench_cost {
    double time_s;
    double multiply_adds; /* of the batch's images, dense, but for pixels that a pool drops */
    double bytes;         /* as planned: maps and tensors read and written, whether a cache holds them or not */
} fv_bench_cost;

/* An operation of the plan: the layers that run as one. */
typedef struct fv_bench_operation {
    char text[160]; /* "conv 8 3x3 + relu + maxpool 2" */
    int depth;      /* 1 inside a residual */
    fv_shape out;
    fv_bench_cost forward, backward;
} fv_bench_operation;

/* Where a training step spends its time. Seconds of one step; threads and batch as asked. */
typedef struct fv_bench_training {
    int threads, batch;
    size_t n_steps;       /* whole steps timed; as many again were measured part by part, in turns */
    double step_s;        /* their mean, with nothing measured inside */
    double peak_flops;    /* of one core, in the same run */
    double multiply_adds; /* of a step: the operations' */
    int n_operations;
    fv_bench_operation *operations; /* forward order */
    double feed_s, loss_s;          /* images gathered, augmented, put into lanes; softmax, its loss and gradient */
    double update_s, pack_s;        /* gradients summed and the optimiser; weights rearranged for the kernels */
    double wait_s;                  /* for other threads */
    double rest_s;                  /* step_s less all of these: the error of the measurement */
} fv_bench_training;

/* Trains `net` (whose weights change) for about `time_s` seconds: seed, batch, optimiser, augmentation and threads are
 * read from `options`, `cancelled` is asked. Means are over the middle half of the steps by duration.
 * Errors: as fv_train; FV_E_INTERRUPTED. */
fv_status fv_bench_train(fv_net *net, const fv_train_options *options, double time_s, fv_bench_training *out,
                         fv_error *error) FV_MUST_CHECK;
/* Frees the operations; takes a zeroed one. */
void fv_bench_training_deinit(fv_bench_training *training);

/* Seconds that fv_runner_infer takes for a batch: the median of calls for about `time_s` seconds. FV_E_MEMORY. */
fv_status fv_bench_infer(const fv_net *net, int batch, int threads, uint64_t seed, double time_s,
                         double *call_s) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
