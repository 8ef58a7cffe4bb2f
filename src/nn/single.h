/* A plan for inference run on one image with its pixels in the lanes, for answers about single images. Knows
 * convolutions of stride 1, what is fused behind them, and, at the end, dense layers; other plans run in blocks. */
#ifndef FV_SINGLE_H
#define FV_SINGLE_H

#include "nn/plan.h"

typedef struct fv_single fv_single;

/* `plan` is borrowed. NULL where it holds other operations, or without memory. */
fv_single *fv_single_create(const fv_plan *plan);
void fv_single_destroy(fv_single *single);

/* Runs pixels [C][H][W], normalised by pixel * scale[c] + shift[c]. *logits and *features are the single's own. */
void fv_single_run(const fv_single *single, const uint8_t *pixels, const float *scale, const float *shift,
                   const float **logits, const float **features);

#endif
