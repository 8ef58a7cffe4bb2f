/* Intervals, tests and fits. Every figure is computed, none is read from a table. */
#include "fovea/statistics.h"

#include <math.h>

static const double z975 = 1.959963984540054; /* quantile 0.975 of the normal distribution */

fv_interval fv_wilson(size_t correct, size_t n) {
    if (n == 0) return (fv_interval){0, 1};
    double size = (double)n, p = (double)correct / size, zz = z975 * z975 / size;
    double centre = (p + zz / 2) / (1 + zz);
    double half = z975 * sqrt(p * (1 - p) / size + zz / (4 * size)) / (1 + zz);
    /* At 0 and n the ends are exact; elsewhere rounding could pass them. */
    return (fv_interval){correct == 0 ? 0 : fmax(0, centre - half), correct == n ? 1 : fmin(1, centre + half)};
}

double fv_mcnemar(size_t only_a, size_t only_b) {
    size_t n = only_a + only_b, least = only_a < only_b ? only_a : only_b;
    /* sum = C(n, 0) + ... + C(n, least), kept below 2^1000 by halving the exponent as it grows */
    const int step = 500;
    double term = 1, sum = 1, shift = 0;
    for (size_t i = 0; i < least; i++) {
        term *= (double)(n - i) / (double)(i + 1);
        sum += term;
        if (sum > 0x1p500) {
            term = ldexp(term, -step);
            sum = ldexp(sum, -step);
            shift += step;
        }
    }
    double exponent = shift - (double)n + 1; /* times 2^-n, doubled */
    return fmin(1, exponent < -5000 ? 0 : ldexp(sum, (int)exponent));
}

/* P(|T| <= t) by the finite sums of Abramowitz and Stegun 26.7.3 (odd) and 26.7.4 (even). */
static double central_probability(double t, int freedom) {
    double theta = atan(t / sqrt((double)freedom)), c = cos(theta), s = sin(theta);
    int odd = freedom % 2;
    double term = odd ? c : 1, sum = 0;
    for (int k = odd; k <= freedom - 2; k += 2) {
        sum += term;
        term *= c * c * (k + 1) / (k + 2);
    }
    return odd ? (theta + s * sum) * M_2_PI : s * sum;
}

double fv_t975(int freedom) {
    if (freedom < 1) return INFINITY;
    if (freedom > 1000) { /* Cornish-Fisher, Abramowitz and Stegun 26.7.5: error below 1e-12 here */
        double v = freedom, z = z975, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
        return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
               (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
    }
    double low = z975, high = 13; /* the quantile is 12.706 for one degree and falls to z975 */
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (central_probability(middle, freedom) < 0.95)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double fv_mean(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return n ? sum / (double)n : 0;
}

double fv_deviation(const double *x, size_t n) {
    if (n < 2) return 0;
    double mean = fv_mean(x, n), sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1));
}

fv_interval fv_paired_interval(const double *a, const double *b, size_t n) {
    if (n < 2) return (fv_interval){-INFINITY, INFINITY};
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++) mean += (a[i] - b[i]) / (double)n;
    for (size_t i = 0; i < n; i++) sum += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
    double half = fv_t975((int)(n - 1)) * sqrt(sum / (double)(n - 1) / (double)n);
    return (fv_interval){mean - half, mean + half};
}

fv_power_law fv_fit_power_law(const double *n, const double *error, int m) {
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0, squares = 0;
    for (int i = 0; i < m; i++) {
        mean_x += log(n[i]) / m;
        mean_y += log(error[i]) / m;
    }
    for (int i = 0; i < m; i++) {
        double x = log(n[i]) - mean_x;
        xx += x * x;
        xy += x * (log(error[i]) - mean_y);
    }
    double slope = xx > 0 ? xy / xx : 0;
    for (int i = 0; i < m; i++) {
        double off = log(error[i]) - mean_y - slope * (log(n[i]) - mean_x);
        squares += off * off;
    }
    double residual = m > 2 ? sqrt(squares / (m - 2)) : 0;
    double half = m > 2 && xx > 0 ? fv_t975(m - 2) * residual / sqrt(xx) : INFINITY;
    return (fv_power_law){.coefficient = exp(mean_y - slope * mean_x),
                          .exponent = -slope,
                          .exponent_low = -slope - half,
                          .exponent_high = -slope + half,
                          .residual = residual,
                          .mean_log_n = mean_x,
                          .sum_square_log_n = xx,
                          .m = m};
}

double fv_power_law_at(const fv_power_law *fit, double n, int prediction, double *low, double *high) {
    double x = log(n), value = log(fit->coefficient) - fit->exponent * x, half = INFINITY;
    if (fit->m > 2 && fit->sum_square_log_n > 0) {
        double off = x - fit->mean_log_n;
        double share = (prediction ? 1 : 0) + 1.0 / fit->m + off * off / fit->sum_square_log_n;
        half = fv_t975(fit->m - 2) * fit->residual * sqrt(share);
    }
    *low = exp(value - half);
    *high = exp(value + half);
    return exp(value);
}

void fv_class_scores(const size_t *counts, int n_classes, fv_class_score *out) {
    for (int c = 0; c < n_classes; c++) {
        fv_class_score score = {.n_correct = counts[c * n_classes + c]};
        for (int other = 0; other < n_classes; other++) {
            score.n_true += counts[c * n_classes + other];
            score.n_predicted += counts[other * n_classes + c];
        }
        double correct = (double)score.n_correct;
        if (score.n_predicted) score.precision = correct / (double)score.n_predicted;
        if (score.n_true) score.recall = correct / (double)score.n_true;
        if (score.n_true + score.n_predicted) score.f1 = 2 * correct / (double)(score.n_true + score.n_predicted);
        out[c] = score;
    }
}

fv_macro_score fv_macro_scores(const fv_class_score *classes, int n_classes) {
    fv_macro_score sum = {0};
    int n = 0;
    for (int c = 0; c < n_classes; c++) {
        if (classes[c].n_true == 0) continue;
        sum.accuracy += classes[c].recall;
        sum.f1 += classes[c].f1;
        sum.precision += classes[c].precision;
        n++;
    }
    if (n) sum = (fv_macro_score){.accuracy = sum.accuracy / n, .f1 = sum.f1 / n, .precision = sum.precision / n};
    return sum;
}

bool fv_macro_differs(const fv_macro_score *macro, size_t correct, size_t n) {
    const fv_interval interval = fv_wilson(correct, n);
    return n > 0 && (macro->accuracy < interval.low || macro->accuracy > interval.high);
}
