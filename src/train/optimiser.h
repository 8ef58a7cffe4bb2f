/* Optimisers and schedules: from their texts to an update of a range of weights. */
#ifndef FV_OPTIMISER_H
#define FV_OPTIMISER_H

#include "fovea/train.h"
#include "kernels/kernels.h"

typedef enum fv_optimiser_kind { FV_ADADELTA, FV_SGD, FV_ADAM, FV_ADAMW } fv_optimiser_kind;

enum { FV_OPTIMISER_ARGS = 4 };

typedef struct fv_optimiser {
    fv_optimiser_kind kind;
    double arg[FV_OPTIMISER_ARGS];
    double learning_rate; /* the first */
} fv_optimiser;

/* Reads "sgd momentum 0.9 nesterov"; learning_rate 0: the optimiser's own. */
fv_status fv_optimiser_parse(const char *text, double learning_rate, fv_optimiser *out, fv_error *error) FV_MUST_CHECK;

/* Updates w[0..n) from gradients g; s1, s2 its state, zero before the first step; step counts from 1. */
void fv_optimiser_update(const fv_optimiser *o, const fv_kernels *k, size_t step, double learning_rate, size_t n,
                         const float *g, float *w, float *s1, float *s2);

typedef enum fv_schedule_kind { FV_CONSTANT, FV_STEP, FV_COSINE, FV_ONECYCLE } fv_schedule_kind;

typedef struct fv_schedule {
    fv_schedule_kind kind;
    double gamma, every, warmup; /* step: factor, epochs between; warm-up in epochs */
} fv_schedule;

/* Reads "step 0.7", "step 0.1 every 10", "constant", "cosine", "onecycle", each with `warmup E`. */
fv_status fv_schedule_parse(const char *text, int epochs, fv_schedule *out, fv_error *error) FV_MUST_CHECK;

/* What the learning rate is multiplied by at step `step` (from 0) of an epoch (from 0) of steps_per_epoch. */
double fv_schedule_factor(const fv_schedule *s, int epoch, size_t step, size_t steps_per_epoch, int epochs);

#endif
