/* The statistics against published worked examples and, where none is long enough, against scipy 1.10.1:
 *   stats.binomtest(min, n).pvalue, binomtest(...).proportion_ci(method="wilson"),
 *   stats.linregress */
#include "fovea/statistics.h"

#include <math.h>

#include "cmocka_test.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.17g is not %.17g within %g", got, want, tolerance);
}

static void near_relative(double got, double want, double tolerance) {
    near(got, want, tolerance * fabs(want));
}

/* Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3; four digits. */
static void wilson_agrees_with_newcombe(void **state) {
    (void)state;
    static const struct {
        size_t correct, n;
        double low, high;
    } rows[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_interval interval = fv_wilson(rows[i].correct, rows[i].n);
        near(interval.low, rows[i].low, 5.1e-5);
        near(interval.high, rows[i].high, 5.1e-5);
    }
}

static void wilson_agrees_with_scipy(void **state) {
    (void)state;
    fv_interval interval = fv_wilson(8886, 8995);
    near(interval.low, 0.9854037333395581, 1e-12);
    near(interval.high, 0.9899440422784639, 1e-12);
    interval = fv_wilson(9908, 10000);
    near(interval.low, 0.9887311605057931, 1e-12);
    near(interval.high, 0.9924919066935507, 1e-12);
}

static void wilson_stays_in_the_unit_interval(void **state) {
    (void)state;
    fv_interval all = fv_wilson(7, 7), none = fv_wilson(0, 7), empty = fv_wilson(0, 0);
    near(all.low, 0.6456695649333126, 1e-12);
    assert_true(all.high == 1);
    assert_true(none.low == 0);
    near(none.high, 1 - 0.6456695649333126, 1e-12);
    assert_true(empty.low == 0 && empty.high == 1);
}

/* b = 2, c = 9: the worked example of Fay 2010, "Two-sided exact tests and matching confidence intervals for discrete
 * data", R package exact2x2: p = 2 (1 + 11 + 55) / 2048 = 0.06543. The others: scipy. */
static void mcnemar_is_the_exact_binomial(void **state) {
    (void)state;
    static const struct {
        size_t a, b;
        double p;
    } rows[] = {{2, 9, 0.0654296875},
                {9, 2, 0.0654296875},
                {0, 5, 0.0625},
                {1, 0, 1},
                {0, 0, 1},
                {10, 10, 1},
                {12, 30, 0.007915897334896727},
                {150, 201, 0.0075241397881711655},
                {2000, 2300, 5.079935568923902e-06},
                {5000, 5000, 1},
                {20000, 21000, 8.058578026793154e-07}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        near_relative(fv_mcnemar(rows[i].a, rows[i].b), rows[i].p, 1e-9);
    assert_true(fv_mcnemar(0, 1500) < 1e-300);
    assert_true(fv_mcnemar(1, 1000000) == 0);
}

/* Tables in any textbook give 12.706, 4.303, 3.182, ...; the digits are mpmath 1.3.0's betainc inverted with 40 digits
 * (scipy 1.10.1 loses the eleventh). */
static void t_quantile_agrees_with_mpmath(void **state) {
    (void)state;
    static const struct {
        int freedom;
        double t;
    } rows[] = {{1, 12.7062047361747046},    {2, 4.30265272974946385},    {3, 3.18244630528370959},
                {4, 2.77644510519779436},    {5, 2.57058183563631551},    {9, 2.26215716279820554},
                {10, 2.22813885198627475},   {29, 2.0452296421327043},    {30, 2.04227245630123831},
                {100, 1.98397151852355229},  {999, 1.96234146113344998},  {1000, 1.96233908082640848},
                {1001, 1.96233670528087992}, {5000, 1.96043855170650792}, {1000000, 1.95996635681410704}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) near(fv_t975(rows[i].freedom), rows[i].t, 2e-12);
}

/* Student 1908, "The probable error of a mean": hours of sleep gained by ten patients under two drugs. The mean
 * difference is 1.58 and its 95 % interval 0.7001 to 2.4599 (R's help page of t.test). */
static void paired_interval_agrees_with_student(void **state) {
    (void)state;
    static const double drug_1[10] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0},
                        drug_2[10] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    fv_interval interval = fv_paired_interval(drug_2, drug_1, 10);
    near(interval.low, 0.7001142, 1e-7);
    near(interval.high, 2.4598858, 1e-7);
    near((interval.low + interval.high) / 2, 1.58, 1e-12);
}

static void mean_and_deviation(void **state) {
    (void)state;
    static const double x[8] = {2, 4, 4, 4, 5, 5, 7, 9};
    near(fv_mean(x, 8), 5, 1e-15);
    near(fv_deviation(x, 8), sqrt(32.0 / 7), 1e-15);
    assert_true(fv_deviation(x, 1) == 0);
}

/* Anscombe 1973, "Graphs in statistical analysis", first set, as logarithms: slope 0.500, intercept 3.00, standard
 * error of the slope 0.118. Intervals: scipy's stats.linregress and the textbook formula of the prediction interval. */
static void power_law_agrees_with_anscombe(void **state) {
    (void)state;
    static const double x[11] = {10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5},
                        y[11] = {8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
    double n[11], error[11], low, high;
    for (int i = 0; i < 11; i++) {
        n[i] = exp(x[i]);
        error[i] = exp(y[i]);
    }
    fv_power_law fit = fv_fit_power_law(n, error, 11);
    near(fit.exponent, -0.5000909090909091, 1e-12);
    near(log(fit.coefficient), 3.0000909090909103, 1e-12);
    near(fit.exponent_low, -0.766811681789885, 1e-9);
    near(fit.exponent_high, -0.23337013639193327, 1e-9);
    near(fit.residual, 1.236603322726321, 1e-12);
    near(log(fv_power_law_at(&fit, exp(9.0), 0, &low, &high)), 7.500909090909093, 1e-11);
    near(log(low), 6.657463949900273, 1e-9);
    near(log(high), 8.344354231917912, 1e-9);
    near(log(fv_power_law_at(&fit, exp(20.0), 1, &low, &high)), 13.001909090909095, 1e-11);
    near(log(low), 8.861289220408732, 1e-9);
    near(log(high), 17.142528961409457, 1e-9);
}

static void power_law_through_two_points_has_no_interval(void **state) {
    (void)state;
    static const double n[2] = {1000, 10000}, error[2] = {0.1, 0.01};
    double low, high;
    fv_power_law fit = fv_fit_power_law(n, error, 2);
    near(fit.exponent, 1, 1e-12);
    near(fit.coefficient, 100, 1e-9);
    assert_true(isinf(fit.exponent_low) && fit.exponent_low < 0 && isinf(fit.exponent_high) && fit.exponent_high > 0);
    near(fv_power_law_at(&fit, 100000, 1, &low, &high), 0.001, 1e-12);
    assert_true(low == 0 && isinf(high));
}

static void class_scores_of_a_small_matrix(void **state) {
    (void)state;
    static const size_t counts[9] = {8, 2, 0, 1, 9, 0, 0, 0, 0};
    fv_class_score score[3];
    fv_class_scores(counts, 3, score);
    assert_int_equal(score[0].n_true, 10);
    assert_int_equal(score[0].n_predicted, 9);
    assert_int_equal(score[0].n_correct, 8);
    near(score[0].precision, 8.0 / 9, 1e-15);
    near(score[0].recall, 0.8, 1e-15);
    near(score[0].f1, 16.0 / 19, 1e-15);
    near(score[1].precision, 9.0 / 11, 1e-15);
    near(score[1].recall, 0.9, 1e-15);
    assert_true(score[2].precision == 0 && score[2].recall == 0 && score[2].f1 == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wilson_agrees_with_newcombe),
                                       cmocka_unit_test(wilson_agrees_with_scipy),
                                       cmocka_unit_test(wilson_stays_in_the_unit_interval),
                                       cmocka_unit_test(mcnemar_is_the_exact_binomial),
                                       cmocka_unit_test(t_quantile_agrees_with_mpmath),
                                       cmocka_unit_test(paired_interval_agrees_with_student),
                                       cmocka_unit_test(mean_and_deviation),
                                       cmocka_unit_test(power_law_agrees_with_anscombe),
                                       cmocka_unit_test(power_law_through_two_points_has_no_interval),
                                       cmocka_unit_test(class_scores_of_a_small_matrix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
