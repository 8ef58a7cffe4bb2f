/* The statistics around every figure. Fractions in [0, 1]. */
#ifndef FOVEA_STATISTICS_H
#define FOVEA_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From low to high. */
typedef struct fv_interval {
    double low, high;
} fv_interval;

/* 95 % interval of a proportion. Source: Wilson 1927, "Probable inference". n = 0 gives [0, 1]. */
fv_interval fv_wilson(size_t correct, size_t n);

/* Two-sided exact McNemar test: only_a images right with a alone, only_b with b alone. p = 1 without any.
 * Source: McNemar 1947; exact binomial, P(X <= min) doubled, at most 1. */
double fv_mcnemar(size_t only_a, size_t only_b);

/* Quantile 0.975 of Student's t with `freedom` degrees (>= 1). */
double fv_t975(int freedom);

/* Mean; 0 for n = 0. */
double fv_mean(const double *x, size_t n);
double fv_deviation(const double *x, size_t n); /* sample standard deviation; 0 for n < 2 */

/* Paired t interval (95 %) of mean(a - b) over n >= 2 seeds. */
fv_interval fv_paired_interval(const double *a, const double *b, size_t n);

/* error = coefficient * n^(-exponent), least squares in logarithms over m >= 2 points with error > 0 (let 0.5 / n of
 * the test stand for an error of zero). 95 % interval of the exponent by t with m - 2 degrees (infinite for
 * m = 2). `residual` is the standard deviation of the residuals in log units, for forecasts. */
typedef struct fv_power_law {
    double coefficient, exponent, exponent_low, exponent_high, residual;
    double mean_log_n, sum_square_log_n; /* for the band */
    int m;
} fv_power_law;
/* Fits m points (n, error). */
fv_power_law fv_fit_power_law(const double *n, const double *error, int m);
/* The fit at n; *low, *high: the 95 % interval of a new observation (prediction) or of the line (not prediction). */
double fv_power_law_at(const fv_power_law *fit, double n, int prediction, double *low, double *high);

/* Per class: precision, recall, F1 from a confusion matrix counts[true][predicted]; 0 where undefined. */
typedef struct fv_class_score {
    size_t n_true, n_predicted, n_correct;
    double precision, recall, f1;
} fv_class_score;
/* counts [n_classes][n_classes]; out [n_classes]. */
void fv_class_scores(const size_t *counts, int n_classes, fv_class_score *out);
/* Means over the classes that have images: the recall (balanced accuracy), precision and F1, every class counted
 * alike. */
typedef struct fv_macro_score {
    double accuracy, f1, precision;
} fv_macro_score;
/* classes [n_classes]; zero where no class has images. */
fv_macro_score fv_macro_scores(const fv_class_score *classes, int n_classes);
/* Whether the balanced accuracy is worth telling beside an accuracy of `correct` out of n: it lies outside that one's
 * interval. It does where classes are uneven and read unevenly well; else both say the same. */
bool fv_macro_differs(const fv_macro_score *macro, size_t correct, size_t n);

#ifdef __cplusplus
}
#endif
#endif
