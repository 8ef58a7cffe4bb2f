/* Batch norm as PyTorch has it, and folded into the convolution before it, for inference:
 *   w' = w * scale[k], b' = b * scale[k] + shift[k], with scale = gamma / sqrt(var + eps), shift = beta - mean * scale.
 */
#ifndef FV_NORM_H
#define FV_NORM_H

#include "nn/plan.h"

#define FV_NORM_EPS 1e-5
#define FV_NORM_MOMENTUM 0.1

/* scale, shift [C] of a batch norm's running statistics. */
void fv_norm_coefficients(const fv_net *net, const fv_layer *norm, float *scale, float *shift);

/* Floats for folded weights and bias; where the bias starts. */
size_t fv_folded_size(const fv_layer *conv);
size_t fv_folded_bias(const fv_layer *conv);
/* Fills `folded` and returns it. */
const float *fv_fold_norm(const fv_net *net, const fv_layer *conv, const fv_layer *norm, float *folded);

/* What an operation on a convolution runs with: weights [K][C][R][S] and bias [K], folded (op->shared) or the layer's.
 */
const float *fv_folded_weights_of(const fv_plan *plan, const fv_op *op);
const float *fv_folded_bias_of(const fv_plan *plan, const fv_op *op);

#endif
