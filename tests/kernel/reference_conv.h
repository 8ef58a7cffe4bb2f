/* The convolution kernels again, plainly and in double precision; for tests only. Arguments as in kernels/kernels.h,
 * but weights are [K][C][taps] as they are. Every result goes with its `size`, the sum of the magnitudes it was
 * computed from; both arrays are addressed as the kernel's output is, and untouched where the kernel writes nothing.
 * `before` is what the output held, NULL where the kernel sets it. */
#ifndef FV_REFERENCE_CONV_H
#define FV_REFERENCE_CONV_H

#include "kernels/kernels.h"

void reference_conv(const fv_conv_shape *s, const float *x, const float *w, const float *bias, const float *before,
                    fv_conv_start start, int relu, double *value, double *size);
void reference_conv_dw(const fv_conv_shape *s, int n_offsets, const int32_t *offsets, const float *x, const float *dy,
                       const float *before, double *value, double *size);
void reference_channel_sum(const fv_map *dy, const float *before, double *value, double *size);

void reference_conv_pool(const fv_conv_pool_shape *s, const float *x, const float *w, const float *bias,
                         const uint16_t *keep, float scale, double *value, double *size, uint8_t *winners);
void reference_conv_pool_dw(const fv_conv_pool_shape *s, const float *x, const float *dy, const uint8_t *winners,
                            const float *before, const float *bias_before, double *value, double *size,
                            double *bias_value, double *bias_size);
void reference_conv_pool_dx(const fv_conv_pool_shape *s, const float *dy, const uint8_t *winners, const float *w,
                            const float *before, double *value, double *size);

#endif
