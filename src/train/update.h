/* From the blocks' gradients to new weights. */
#ifndef FV_UPDATE_H
#define FV_UPDATE_H

#include "train/trainer.h"

/* What a thread of a step works on: it owns whole slots. n_blocks: of this batch. */
typedef struct fv_share {
    int thread, n_threads, slot_begin, slot_end, n_blocks;
} fv_share;

/* Floats of scratch that a thread needs here. */
size_t fv_update_scratch(const fv_plan *plan);
/* Packs the weights of large layers for the first time; later their update does it. */
void fv_update_prepare(const fv_plan *plan);

/* When the thread's blocks are through: its own part of the slots' tree, which keeps half of the gradients from
 * crossing between processors. */
void fv_update_fold(const fv_trainer *trainer, const fv_share *share);
/* When all threads have folded: the thread's share of all weights. */
void fv_update(const fv_trainer *trainer, const fv_share *share, double learning_rate);

#endif
