/* What the measurements share. */
#ifndef FV_BENCH_INTERNAL_H
#define FV_BENCH_INTERNAL_H

#include "data/images.h"
#include "kernels/kernels.h"

/* n images of noise over a pattern per class, labels 0, 1, ..., 0, 1, ... fv_images_deinit frees them. */
fv_status fv_synthetic_images(fv_shape shape, int n_classes, size_t n, uint64_t seed, fv_images *out) FV_MUST_CHECK;

/* Floating-point operations a second of the calling thread, over some 100 microseconds. */
double fv_peak_sample(const fv_kernels *k);

/* The median of x[0..n), n >= 1; sorts. */
double fv_median(double *x, size_t n);

#endif
