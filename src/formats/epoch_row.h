/* An epoch as the row of float64 that a checkpoint and a study's kept trainings hold: the columns of metrics.csv. What
 * is not there, NaN or infinite in memory, is -1 in a file: losses and accuracies are not negative. */
#ifndef FV_EPOCH_ROW_H
#define FV_EPOCH_ROW_H

#include <math.h>

#include "fovea/train.h"

enum { FV_N_HISTORY = 8 };

static inline double fv_or_none(double x) {
    return isfinite(x) ? x : -1;
}

/* Writes row [FV_N_HISTORY] and returns where the next begins. */
static inline double *fv_epoch_put(const fv_epoch *e, double *row) {
    *row++ = e->epoch;
    *row++ = e->time_s;
    *row++ = e->learning_rate;
    *row++ = e->train_loss;
    *row++ = e->train_accuracy;
    *row++ = fv_or_none(e->validation_loss);
    *row++ = fv_or_none(e->validation_accuracy);
    *row++ = e->images_per_s;
    return row;
}

static inline fv_epoch fv_epoch_take(const double *row) {
    bool judged = row[5] >= 0; /* else there was no validation split */
    return (fv_epoch){.epoch = (int)row[0],
                      .time_s = row[1],
                      .learning_rate = row[2],
                      .train_loss = row[3],
                      .train_accuracy = row[4],
                      .validation_loss = judged ? row[5] : (double)NAN,
                      .validation_accuracy = judged ? row[6] : (double)NAN,
                      .images_per_s = row[7]};
}

#endif
