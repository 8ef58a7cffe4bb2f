/* Question 3: how the error falls with the data; and the page's headline. */
#include "report/sentences.h"

#include <math.h>
#include <string.h>

#include "report/numbers.h"

/* Digits of an error: as many as its interval leaves. */
static fv_words error_words(double error, fv_interval interval) {
    return fv_percent(error, fv_percent_decimals((interval.high - interval.low) / 2));
}

static bool read_point(const json_t *list, size_t i, double *n, double *error, fv_interval *interval) {
    const json_t *point = json_array_get(list, i);
    *n = fv_fact_number(point, "n_train", 0);
    *error = fv_fact_error(point, "error", -1);
    *interval = (fv_interval){fv_fact_error(point, "low", NAN), fv_fact_error(point, "high", NAN)};
    return *error >= 0;
}

/* NaN stays it; an exponent that lies gives a finite share nevertheless. */
static double taken_away(double exponent) {
    return 1 - exp2(exponent < -50 ? 50 : -exponent);
}

/* Share of the error that a doubling of the data takes away; *interval from the exponent's, NaN where it has none. */
static double doubling(const json_t *fit, fv_interval *interval) {
    interval->low = taken_away(fv_fact_number(fit, "exponent_low", NAN));
    interval->high = taken_away(fv_fact_number(fit, "exponent_high", NAN));
    return taken_away(fv_fact_number(fit, "exponent", 0));
}

/* "cuts the test error by 31 % (26–36)" */
static void put_cut(double share, fv_interval cut, fv_buffer *out) {
    if (share < 0) cut = (fv_interval){-cut.high, -cut.low};
    fv_putf(out, "%s the test error by %s", share > 0 ? "cuts" : "raises", fv_percent_interval(fabs(share), cut).s);
}

static const fv_group *largest(const fv_group *groups, size_t n) {
    const fv_group *out = groups;
    for (size_t i = 1; i < n; i++)
        if (groups[i].n_train > out->n_train) out = &groups[i];
    return out;
}

static bool settled(fv_interval cut) {
    return isfinite(cut.low) && isfinite(cut.high) && (cut.low > 0 || cut.high < 0);
}

void fv_glance_scaling(const fv_context *context, fv_buffer *out) {
    const json_t *fit = fv_fact_part(context->facts, "scaling_fit");
    if (!fit) {
        fv_put(out, "One amount of data only: no trend to fit.");
        return;
    }
    fv_interval cut, interval;
    double share = doubling(fit, &cut), n, error;
    if (!settled(cut)) {
        fv_put(out, "No trend with the amount of data that these sizes can tell from chance.");
        return;
    }
    fv_put(out, "Each doubling ");
    put_cut(share, cut, out);
    fv_put(out, ".");
    if (read_point(json_object_get(fit, "forecast"), 0, &n, &error, &interval))
        fv_putf(out, " Twice the data: %s forecast.", fv_percent_interval(error, interval).s);
}

/* Whether there is a trend. */
static bool say_trend(const json_t *fit, fv_buffer *out) {
    fv_interval cut;
    double share = doubling(fit, &cut);
    if (!isfinite(cut.low) || !isfinite(cut.high))
        fv_putf(out, "The line through them falls by %s a doubling, but so few points leave its slope unknown.",
                fv_percent(share, 0).s);
    else if (!settled(cut))
        fv_put(out, "The slope of the fitted line is not distinguishable from zero: no forecast is told.");
    else {
        fv_put(out, "On the fitted line each doubling of the data ");
        put_cut(share, cut, out);
        fv_put(out, ". ");
    }
    return settled(cut);
}

void fv_answer_scaling(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n_groups = fv_group_rows(fv_fact_part(context->facts, "scaling"), "n_train", "test", groups);
    if (!n_groups) return;
    const fv_group *all = largest(groups, n_groups);
    fv_interval interval = {1 - all->held.interval.high, 1 - all->held.interval.low};
    fv_putf(out, "Trained on all %s images, the network errs on %s of the test images (%s). ",
            fv_count_words(all->n_train).s, error_words(1 - all->held.accuracy, interval).s,
            fv_interval_words(interval).s);
    const json_t *fit = fv_fact_part(context->facts, "scaling_fit");
    if (!fit) return;
    double n, error;
    if (!say_trend(fit, out) || !read_point(json_object_get(fit, "forecast"), 0, &n, &error, &interval)) return;
    fv_putf(out, "If the line went on, %s images would leave %s", fv_count_words(n).s, error_words(error, interval).s);
    if (isfinite(interval.low) && isfinite(interval.high)) fv_putf(out, " (%s)", fv_interval_words(interval).s);
    fv_put(out, ".");
}

/* Digits and letters are read, everything else is sorted. */
static const char *verb(const fv_facts *facts) {
    for (int c = 0; c < facts->n_classes; c++)
        if (strlen(fv_class_name(facts, (size_t)c)) > 1) return "sorts";
    return "reads";
}

void fv_say_headline(const fv_context *context, fv_buffer *out) {
    const fv_facts *facts = context->facts;
    const size_t total = fv_counted(fv_fact_number(facts->final, "test_total", 0));
    if (!total) {
        fv_putf(out, "A study of %s", facts->name);
        return;
    }
    size_t correct = fv_counted(fv_fact_number(facts->final, "test_correct", 0));
    fv_interval interval = fv_wilson(correct, total);
    fv_putf(out, "A network of %s weights %s %s at %s", fv_count_words(fv_fact_number(facts->final, "parameters", 0)).s,
            verb(facts), facts->name,
            fv_percent((double)correct / (double)total, fv_percent_decimals((interval.high - interval.low) / 2)).s);
}
