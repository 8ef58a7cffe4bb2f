/* Numbers as a reader wants them: the digits that mean something, units, real minus signs. Each returns its text by
 * value: fv_percent(x, 1).s */
#ifndef FV_NUMBERS_H
#define FV_NUMBERS_H

#include <stddef.h>

#include "fovea/statistics.h"

typedef struct fv_words {
    char s[96];
} fv_words;

fv_words fv_count_words(double n);                   /* 14,178 */
fv_words fv_percent(double fraction, int decimals);  /* 99.1 % */
fv_words fv_decimal(double x, int decimals);         /* 0.0908, with a real minus */
fv_words fv_points(double difference, int decimals); /* +0.3 points */
fv_words fv_seconds(double s);                       /* 2.3 s, 1 min 52 s */
fv_words fv_significant(double x, int digits);       /* 328,000 */
fv_words fv_short_count(double n);                   /* 132 k, 4.5 M */
fv_words fv_p_value(double p);                       /* p = 0.004, p < 0.001 */
fv_words fv_date_words(const char *iso);             /* 24 November 2025, 08:12 UTC */
/* At most `most` (below 96) bytes of a text, cut between letters. */
fv_words fv_cut_words(const char *text, size_t most);

/* Decimals of a percentage known to `half_width` (a fraction): one more would be noise. */
int fv_percent_decimals(double half_width);
/* 99.1 % (98.9–99.3): of a fraction with its interval. */
fv_words fv_percent_interval(double fraction, fv_interval interval);
/* (98.9–99.3) alone. */
fv_words fv_interval_words(fv_interval interval);
/* "three", "12" */
fv_words fv_small_number(size_t n);

#endif
