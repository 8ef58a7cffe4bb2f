#define _POSIX_C_SOURCE 200809L /* strnlen */
#include "report/numbers.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MINUS "\u2212"
#define JOINER "\u2060" /* a range keeps to one line */
#define THIN "\u202f"   /* narrow no-break space */

static fv_words words(const char *text) {
    fv_words out;
    snprintf(out.s, sizeof out.s, "%s", text);
    return out;
}

fv_words fv_cut_words(const char *text, size_t most) {
    fv_words out;
    size_t n = strnlen(text, most);
    if (text[n]) /* a letter of UTF-8 stays whole */
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    snprintf(out.s, sizeof out.s, "%.*s", (int)n, text);
    return out;
}

/* Its digits would be noise, and too many. */
static bool is_huge(double x) {
    return fabs(x) >= 1e18;
}

fv_words fv_count_words(double n) {
    char digits[64];
    if (isnan(n)) return words("?");
    if (is_huge(n)) return fv_decimal(n, 0);
    snprintf(digits, sizeof digits, "%.0f", fabs(n));
    fv_words out;
    size_t length = strlen(digits), at = 0;
    if (n < 0) at = (size_t)snprintf(out.s, sizeof out.s, MINUS);
    for (size_t i = 0; i < length && at + 2 < sizeof out.s; i++) {
        if (i && (length - i) % 3 == 0) out.s[at++] = ',';
        out.s[at++] = digits[i];
    }
    out.s[at] = 0;
    return out;
}

fv_words fv_decimal(double x, int decimals) {
    char digits[64];
    if (isnan(x)) return words("?");
    snprintf(digits, sizeof digits, is_huge(x) ? "%.*e" : "%.*f", decimals, fabs(x));
    bool zero = strspn(digits, "0.") == strlen(digits);
    fv_words out;
    snprintf(out.s, sizeof out.s, "%s%s", x < 0 && !zero ? MINUS : "", digits);
    return out;
}

fv_words fv_percent(double fraction, int decimals) {
    fv_words out;
    snprintf(out.s, sizeof out.s, "%.80s" THIN "%%", fv_decimal(100 * fraction, decimals).s);
    return out;
}

fv_words fv_points(double difference, int decimals) {
    fv_words number = fv_decimal(100 * difference, decimals), out;
    bool signless = number.s[0] != MINUS[0] && strspn(number.s, "0.") != strlen(number.s);
    snprintf(out.s, sizeof out.s, "%s%.60s\u00a0points", signless ? "+" : "", number.s);
    return out;
}

fv_words fv_seconds(double s) {
    fv_words out;
    const long whole = lround(fmin(s, 1e15));
    if (s < 0.0995)
        snprintf(out.s, sizeof out.s, "%.0f" THIN "ms", 1000 * s);
    else if (s < 9.95)
        snprintf(out.s, sizeof out.s, "%.1f" THIN "s", s);
    else if (whole < 120)
        snprintf(out.s, sizeof out.s, "%ld" THIN "s", whole);
    else if (whole < 3600)
        snprintf(out.s, sizeof out.s, "%ld" THIN "min %ld" THIN "s", whole / 60, whole % 60);
    else
        snprintf(out.s, sizeof out.s, "%ld" THIN "h %ld" THIN "min", whole / 3600, whole % 3600 / 60);
    return out;
}

fv_words fv_significant(double x, int digits) {
    if (!(fabs(x) > 1e-300) || !isfinite(x)) return words("0");
    double unit = pow(10, floor(log10(fabs(x))) - digits + 1);
    if (unit >= 1) return fv_count_words(round(x / unit) * unit);
    return fv_decimal(x, (int)lround(-log10(unit)));
}

fv_words fv_short_count(double n) {
    fv_words out;
    if (n < 9999.5) return fv_count_words(n);
    double scaled = n < 999.5e3 ? n / 1e3 : n < 999.5e6 ? n / 1e6 : n / 1e9;
    const char *unit = n < 999.5e3 ? "k" : n < 999.5e6 ? "M" : "G";
    snprintf(out.s, sizeof out.s, "%.80s" THIN "%s", fv_significant(scaled, 3).s, unit);
    return out;
}

fv_words fv_p_value(double p) {
    if (p < 0.001) return words("p\u00a0<\u00a00.001");
    fv_words out;
    snprintf(out.s, sizeof out.s, "p\u00a0=\u00a0%.*f", p < 0.0995 ? 3 : 2, p);
    return out;
}

fv_words fv_date_words(const char *iso) {
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    int year, month, day, hour, minute;
    if (sscanf(iso, "%4d-%2d-%2dT%2d:%2d", &year, &month, &day, &hour, &minute) != 5 || month < 1 || month > 12)
        return fv_cut_words(iso, sizeof(fv_words) - 1);
    fv_words out;
    snprintf(out.s, sizeof out.s, "%d %s %d, %02d:%02d UTC", day, months[month - 1], year, hour, minute);
    return out;
}

int fv_percent_decimals(double half_width) {
    return half_width >= 0.03 ? 0 : half_width >= 0.0005 ? 1 : 2;
}

fv_words fv_interval_words(fv_interval interval) {
    int decimals = fv_percent_decimals((interval.high - interval.low) / 2);
    fv_words out;
    snprintf(out.s, sizeof out.s, "%.40s" JOINER "\u2013" JOINER "%.40s", fv_decimal(100 * interval.low, decimals).s,
             fv_decimal(100 * interval.high, decimals).s);
    return out;
}

fv_words fv_percent_interval(double fraction, fv_interval interval) {
    int decimals = fv_percent_decimals((interval.high - interval.low) / 2);
    fv_words out;
    snprintf(out.s, sizeof out.s, "%.40s (%.48s)", fv_percent(fraction, decimals).s, fv_interval_words(interval).s);
    return out;
}

fv_words fv_small_number(size_t n) {
    static const char *const names[] = {"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    return n < sizeof names / sizeof *names ? words(names[n]) : fv_count_words((double)n);
}
