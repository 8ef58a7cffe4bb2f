/* Functions whose last bits must not depend on the machine's C library. Double precision, error below 4 units in the
 * last place over the ranges given; only + - * / and exact scaling, in a fixed order. */
#ifndef FV_MATH_H
#define FV_MATH_H

double fv_exp(double x);           /* 0 below -708, infinity above 709 */
double fv_log(double x);           /* x > 0 and normal; -infinity at 0 */
double fv_sin(double x);           /* |x| <= 1e5 */
double fv_cos(double x);           /* |x| <= 1e5 */
double fv_pow(double x, double y); /* x > 0; x^n by multiplication where y is a small whole number */
double fv_sqrt(double x);          /* IEEE */

#define FV_PI 3.14159265358979323846

#endif
