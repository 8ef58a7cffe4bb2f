/* One training as the program does it: what `train` and `verify` share. */
#ifndef CLI_TRAINING_H
#define CLI_TRAINING_H

#include <stdio.h>

#include "cli.h"

typedef struct cli_training {
    fv_run_config config; /* resolved by cli_training_prepare: learning rate, threads */
    fv_dataset *dataset;
    fv_indices training, validation;
    fv_net *net;
    fv_augment *augment;
    float *class_weights; /* [n_classes], or NULL */
    fv_train_options options;
    int threads;
    char init_sha256[65]; /* of the weights that config.init gave; empty: none */
    fv_epoch *history;    /* [config.epochs] */
    int epochs_done;
    double time_s;              /* earlier sessions of a resumed one included */
    fv_score score;             /* of the kept weights on the validation split; n 0: none */
    fv_prediction *predictions; /* [validation.n] */
    fv_macro_score macro;       /* of them */
    FILE *rows;                 /* where a row per epoch goes; NULL: nowhere */
    bool bar;                   /* draws one on a terminal */
    double start_s, epoch_start_s;
    /* Checkpoints: */
    const char *directory;     /* where they are written; NULL: nowhere */
    double checkpoint_every_s; /* within an epoch, too; 0: not */
    fv_checkpoint *from;       /* goes on from there; NULL: from the beginning */
    double saved_s;            /* when the last one was written */
    double before_s;           /* time of earlier sessions */
} cli_training;

/* Opens, splits, creates and checks everything that t->config means. */
fv_status cli_training_prepare(cli_training *t, fv_error *error) FV_MUST_CHECK;
/* FV_E_DATA where the data or the weights that `run` began with are not those that are prepared now. */
fv_status cli_training_same(const cli_training *t, const fv_run_info *info, const char *run,
                            fv_error *error) FV_MUST_CHECK;
/* The model's summary and the recipe. */
void cli_training_print(const cli_training *t, FILE *to);
/* Trains and evaluates the validation split. FV_E_DIVERGED, FV_E_INTERRUPTED: the net keeps what is finished. */
fv_status cli_training_run(cli_training *t, fv_error *error) FV_MUST_CHECK;
void cli_training_deinit(cli_training *t);

#endif
