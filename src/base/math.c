#include "base/math.h"

#include <stdint.h>
#include <string.h>

static double of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double with_exponent(double x, int n) { /* x * 2^n, normal results only */
    return x * of_bits((uint64_t)(n + 1023) << 52);
}

static double nearest(double x) {
    return (double)(int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

double fv_sqrt(double x) {
    return __builtin_sqrt(x);
}

/* exp(x) = 2^n exp(r), |r| <= ln(2)/2; Taylor to r^13, whose remainder is below 2^-57. */
double fv_exp(double x) {
    if (x != x) return x;
    if (x > 709) return __builtin_inf();
    if (x < -708) return 0;
    double n = nearest(x * 1.44269504088896340736);
    double r = x - n * 6.93147180369123816490e-01; /* ln 2 in two parts: the first product is exact */
    r -= n * 1.90821492927058770002e-10;
    double sum = 1;
    for (int k = 13; k >= 1; k--) sum = 1 + sum * r / k;
    return with_exponent(with_exponent(sum, (int)n / 2), (int)n - (int)n / 2);
}

/* log(m 2^n) = n ln 2 + 2 atanh((m - 1) / (m + 1)), m in [sqrt(1/2), sqrt(2)). */
double fv_log(double x) {
    if (x == 0) return -__builtin_inf();
    if (!(x > 0) || x > 1.7976931348623157e308) return x > 0 ? x : __builtin_nan("");
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int n = (int)(bits >> 52) - 1023;
    double m = of_bits((bits & 0xFFFFFFFFFFFFFull) | 0x3FF0000000000000ull);
    if (m > 1.41421356237309504880) {
        m *= 0.5;
        n++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
    return n * 6.93147180369123816490e-01 + (n * 1.90821492927058770002e-10 + 2 * s * sum);
}

/* Taylor series on [-pi/4, pi/4]. */
static double sin_small(double x) {
    double sum = 1;
    for (int k = 17; k >= 3; k -= 2) sum = 1 - sum * x * x / (k * (k - 1));
    return x * sum;
}

static double cos_small(double x) {
    double sum = 1;
    for (int k = 18; k >= 2; k -= 2) sum = 1 - sum * x * x / (k * (k - 1));
    return sum;
}

static double quarter_turn(double x, int offset) { /* sin(x + offset pi/2) */
    double n = nearest(x * 0.63661977236758134308);
    double r = x - n * 1.57079632673412561417e+00; /* pi/2 in two parts */
    r -= n * 6.07710050650619224932e-11;
    switch (((int64_t)n + offset) & 3) {
    case 0:
        return sin_small(r);
    case 1:
        return cos_small(r);
    case 2:
        return -sin_small(r);
    default:
        return -cos_small(r);
    }
}

double fv_sin(double x) {
    return quarter_turn(x, 0);
}
double fv_cos(double x) {
    return quarter_turn(x, 1);
}

double fv_pow(double x, double y) {
    if (y >= 0 && y <= 1e6 && y == (double)(int64_t)y) {
        double result = 1;
        for (int64_t n = (int64_t)y; n; n >>= 1, x *= x)
            if (n & 1) result *= x;
        return result;
    }
    return fv_exp(y * fv_log(x));
}
