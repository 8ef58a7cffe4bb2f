/* Training and evaluation. */
#ifndef FOVEA_TRAIN_H
#define FOVEA_TRAIN_H

#include "fovea/augment.h"
#include "fovea/net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A row of metrics.csv. Losses in nats, fractions in [0, 1]. */
typedef struct fv_epoch {
    int epoch; /* 1, 2, ... */
    double time_s, learning_rate;
    double train_loss, train_accuracy; /* running averages while training, dropout and augmentation included */
    double validation_loss, validation_accuracy; /* NaN without a validation split */
    double images_per_s;                         /* of training alone */
} fv_epoch;

/* The arrays of a training's state, as floats. */
enum {
    FV_STATE_WEIGHTS,
    FV_STATE_OPTIMIZER1, /* what the optimiser keeps of each weight */
    FV_STATE_OPTIMIZER2,
    FV_STATE_AVERAGE,         /* of the weights; NULL without ema */
    FV_STATE_LAST_WEIGHTS,    /* after the last finished epoch: what is kept when the next diverges */
    FV_STATE_BEST_WEIGHTS,    /* with patience; NULL without */
    FV_STATE_STATISTICS,      /* of batch norm: running mean and variance */
    FV_STATE_LAST_STATISTICS, /* as for the weights */
    FV_STATE_BEST_STATISTICS,
    FV_N_STATE_ARRAYS
};

/* A training between two steps: all it needs to go on with the same steps, bit for bit. Random numbers are counted, so
 * none is kept. Arrays are [n_weights], the statistics [n_statistics], laid out as the net has them. */
typedef struct fv_train_state {
    int epoch;     /* from 0: the one under way; = options.epochs: all are done */
    size_t n_done; /* images of it: whole batches, or all */
    double loss;   /* summed over them */
    size_t n_correct;
    double time_s;    /* spent on them */
    double best_loss; /* with patience: on the validation split; INFINITY: no epoch is done */
    int epochs_since_best;
    size_t n_weights, n_statistics;
    const float *array[FV_N_STATE_ARRAYS];
    const fv_epoch *history; /* [epoch] */
} fv_train_state;

/* How a training goes: begin with fv_train_defaults. */
typedef struct fv_train_options {
    int epochs, batch;
    const char *optimizer;      /* "adadelta", "sgd momentum 0.9 nesterov", "adam", "adamw weight_decay 0.01" */
    double learning_rate;       /* 0: the optimiser's own (adadelta 1, sgd 0.05, adam and adamw 0.001); at most 1e30 */
    const char *schedule;       /* "step 0.7" (per epoch), "step 0.1 every 10", "constant", "cosine", "onecycle"; each
                                   may end in "warmup E" epochs */
    double label_smoothing;     /* [0, 1) */
    const float *class_weights; /* [n_classes], above 0; NULL: all alike. As PyTorch's CrossEntropyLoss(weight) has it:
                                   an image's loss is -sum w t log p over the classes, t its smoothed and mixed target,
                                   and a batch's their sum by the sum of its labels' w, or by its images where the
                                   augmentation mixes them. train_loss stays the plain mean */
    bool balanced;              /* every class is drawn alike, with replacement, as many images an epoch as there are */
    double ema;                 /* decay of the averaged weights used for evaluation, e.g. 0.999; 0: none */
    int patience;              /* stop after so many epochs without a better validation loss, keep the best; 0: never */
    uint64_t seed;             /* order, dropout, augmentation */
    int threads;               /* 0: fv_processors() */
    const fv_augment *augment; /* NULL: none */
    void *context;             /* for the callbacks, all optional: */
    void (*on_epoch)(void *context, const fv_epoch *epoch);
    /* Progress inside an epoch: images done of n, running loss and accuracy. At most some tens of times a second. */
    void (*on_step)(void *context, int epoch, size_t done, size_t n, double loss, double accuracy);
    bool (*cancelled)(void *context);  /* asked between steps; true ends with FV_E_INTERRUPTED */
    int (*threads_now)(void *context); /* asked before each epoch, in place of `threads` */
    /* Checkpoints: on_state is given the state after every epoch, wherever state_due says so (asked between steps), and
     * when the training is interrupted; what it points to is borrowed for the call. It fails: the training ends so. */
    bool (*state_due)(void *context);
    fv_status (*on_state)(void *context, const fv_train_state *state, fv_error *error);
    const fv_train_state *resume; /* goes on from there; NULL: from the net's weights */
} fv_train_options;

/* epochs 10, batch 64, adadelta, step 0.7, seed 1, everything else off. */
fv_train_options fv_train_defaults(void);
/* Checks the options as fv_train would. FV_E_ARGUMENT or FV_E_TEXT with the option's name. */
fv_status fv_train_check(const fv_train_options *options, fv_error *error) FV_MUST_CHECK;

/* Trains `net` over images[training], evaluating on images[validation] (NULL or empty: not) after every epoch.
 *   history   out  [options->epochs] rows (may be NULL without on_state and resume); *n_epochs how many were finished
 * Returns FV_OK; FV_E_ARGUMENT and FV_E_TEXT as fv_train_check, or without images; FV_E_SHAPE where images or labels do
 * not fit the net; FV_E_MEMORY; FV_E_DIVERGED where the loss of training or validation images, the weights or the
 * optimiser's state are not finite (net keeps its last finite weights, those of the last finished epoch, or else those
 * it came with); FV_E_INTERRUPTED (net keeps the finished steps); FV_E_DATA where `resume` is the state of another
 * training. Allocates before the first step only. Source: Zeiler 2012, "ADADELTA"; Kingma, Ba 2014, "Adam";
 * Loshchilov, Hutter 2019, "Decoupled weight decay". */
fv_status fv_train(fv_net *net, const fv_images *images, const fv_indices *training, const fv_indices *validation,
                   const fv_train_options *options, fv_epoch *history, int *n_epochs, fv_error *error) FV_MUST_CHECK;

/* What the net says of one image; loss in nats. */
typedef struct fv_prediction {
    uint32_t index; /* of the image in its set */
    uint16_t truth, predicted;
    float p_true, p_predicted, loss;
} fv_prediction;

/* An evaluation: accuracy is correct / n. */
typedef struct fv_score {
    size_t n, correct;
    double loss; /* mean, nats */
} fv_score;

/* Evaluates over images[indices] (NULL: all). `augment` (NULL: none) is drawn as in `epoch` of a training with `seed`.
 * predictions [n] out, may be NULL. n_threads 0: fv_processors(). FV_E_SHAPE where images or labels do not fit the net;
 * FV_E_MEMORY; FV_E_DIVERGED where the loss of an image is not finite. */
fv_status fv_evaluate(const fv_net *net, const fv_images *images, const fv_indices *indices, int n_threads,
                      const fv_augment *augment, uint64_t seed, int epoch, fv_score *score,
                      fv_prediction *predictions) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
