/* One training's machinery: the plan, the blocks' memory, gradient slots, optimiser state; everything is allocated
 * here, before the first step. */
#ifndef FV_TRAINER_H
#define FV_TRAINER_H

#include "base/threads.h"
#include "nn/infer.h"
#include "train/optimiser.h"

typedef struct fv_trainer {
    fv_net *net;
    fv_plan *plan;
    const fv_train_options *options;
    fv_optimiser optimiser;
    fv_schedule schedule;
    size_t n_weights, steps_done;
    int n_memories; /* a block's memory belongs to its thread, or, where blocks meet, to the block */
    float **memory; /* [n_memories] */
    int max_threads;
    float **scratch;        /* [max_threads] */
    float **packed;         /* [max_threads]: weights as kernels read them */
    void **feed_scratch;    /* [max_threads] */
    float *slots;           /* [n_slots][plan->slot_size]: gradients */
    float *state1, *state2; /* [n_weights]: the optimiser's */
    float *average;         /* [n_weights]: moving average of the weights, or NULL */
    fv_mixture *mixtures;   /* [n_blocks] of the running batch, where the augmentation mixes images, or NULL */
    double *block_loss;     /* [n_blocks] of the running batch, summed over the block's images */
    int *block_correct;
    fv_profile *profiles; /* [max_threads], or NULL: set by whoever measures */
} fv_trainer;

/* What an epoch came to. */
typedef struct fv_epoch_sum {
    double loss; /* summed over images */
    size_t n, correct;
    fv_status status; /* FV_OK (a pause, where n is not all), FV_E_DIVERGED, FV_E_INTERRUPTED */
} fv_epoch_sum;

/* `options` is borrowed. max_threads: the largest team that will run it. */
fv_status fv_trainer_create(fv_net *net, const fv_train_options *options, const fv_images *images, int max_threads,
                            fv_trainer **out, fv_error *error) FV_MUST_CHECK;
void fv_trainer_destroy(fv_trainer *trainer);

/* One pass over samples [0, n) of `source` in batches; `epoch` from 0. */
fv_epoch_sum fv_trainer_epoch(fv_trainer *trainer, fv_team *team, const fv_source *source, size_t n, int epoch);
/* The rest of an epoch of which sum->n images, whole batches, are done; pauses after a step where options->state_due
 * says so. */
void fv_trainer_continue(fv_trainer *trainer, fv_team *team, const fv_source *source, size_t n, int epoch,
                         fv_epoch_sum *sum);

/* The loss and its gradient of one label, as softmax_loss gives them, become those of mixed images: the target
 * share * label + (1 - share) * partner's label. Lanes whose label is the same, or that are not mixed, stay as they
 * are. z, dz  [n_classes][16] logits, gradient        loss [16] */
void fv_loss_mix(const fv_mixture *mixture, const uint16_t label[FV_LANES], int n_lanes, float smoothing, float scale,
                 const float *z, float *dz, float *loss);

/* The gradient of images whose classes weigh differently, from that of softmax_loss and fv_loss_mix: of the loss
 * -sum over k of class_weights[k] t_k log p_k, t the smoothed and mixed target. mixture NULL: no image is mixed.
 * dz [n_classes][16]
 * Source: PyTorch, aten/src/ATen/native/LossNLL.cpp, cross_entropy_loss_prob_target and _label_smoothing. */
void fv_loss_weigh(const float *class_weights, int n_classes, const fv_mixture *mixture, const uint16_t label[FV_LANES],
                   int n_lanes, float smoothing, float scale, float *dz);

/* The gradients of the last step, of n images, laid out as net->weights. */
void fv_trainer_gradient(const fv_trainer *trainer, size_t n, float *gradient);

#endif
