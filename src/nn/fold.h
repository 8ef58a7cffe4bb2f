/* Batch norm folded into the convolution before it, for inference:
 *   w' = w * scale[k], b' = b * scale[k] + shift[k], with scale = gamma / sqrt(var + eps), shift = beta - mean * scale.
 */
#ifndef FV_FOLD_H
#define FV_FOLD_H

#include "nn/net.h"

#define FV_NORM_EPS 1e-5
#define FV_NORM_MOMENTUM 0.1

/* scale, shift [C] of a batch norm's running statistics. */
void fv_norm_coefficients(const fv_net *net, const fv_layer *norm, float *scale, float *shift);

/* Floats for folded weights and bias; where the bias starts. */
size_t fv_folded_size(const fv_layer *conv);
size_t fv_folded_bias(const fv_layer *conv);
/* Fills `folded` and returns it. */
const float *fv_fold_norm(const fv_net *net, const fv_layer *conv, const fv_layer *norm, float *folded);

#endif
