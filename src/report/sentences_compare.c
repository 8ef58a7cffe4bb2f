/* Questions 1 and 2: groups of trainings compared on the same validation images. */
#include "report/sentences.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "report/numbers.h"

enum { MAX_SEEDS_TOLD = 99 };

/* Seeds that all differ alike have no spread to make an interval of. */
static bool all_alike(const fv_comparison *comparison) {
    return comparison->high - comparison->low < 1e-9;
}

/* Digits of a difference; one that is distinct keeps its bounds apart from zero. */
static int difference_decimals(const fv_comparison *comparison) {
    const double bound = fmin(fabs(comparison->low), fabs(comparison->high));
    const double size = fabs(comparison->difference);
    if (!comparison->by_seeds || all_alike(comparison)) return size > 0 && size < 0.001 ? 2 : 1;
    int decimals = fv_percent_decimals((comparison->high - comparison->low) / 2);
    while (comparison->distinct && decimals < 3 && 100 * bound < 0.5 * pow(10, -decimals)) decimals++;
    return decimals;
}

/* "0.1 to 0.5" */
static void put_bounds(const fv_comparison *comparison, int decimals, fv_buffer *out) {
    if (all_alike(comparison))
        fv_put(out, "with every seed");
    else
        fv_putf(out, "%s\u00a0to\u00a0%s", fv_decimal(100 * comparison->low, decimals).s,
                fv_decimal(100 * comparison->high, decimals).s);
}

/* "+0.3 points (0.1 to 0.5)" over seeds, "+0.3 points (p = 0.004)" of one pair of networks. */
static void put_difference(const fv_comparison *comparison, const char *between, const char *after, fv_buffer *out) {
    const int decimals = difference_decimals(comparison);
    fv_put(out, fv_points(comparison->difference, decimals).s);
    if (!comparison->known) return;
    fv_put(out, between);
    if (comparison->by_seeds)
        put_bounds(comparison, decimals, out);
    else
        fv_put(out, fv_p_value(comparison->p).s);
    fv_put(out, after);
}

/* The same as an aside: "(+0.3 points, p = 0.004)". */
static void put_aside(const fv_comparison *comparison, fv_buffer *out) {
    fv_put(out, " (");
    put_difference(comparison, ", ", "", out);
    fv_put(out, ")");
}

static const char *verdict(const fv_comparison *comparison) {
    if (!comparison->known) return "not tested";
    if (!comparison->distinct) return "not distinguishable";
    return comparison->difference > 0 ? "helps" : "hurts";
}

static void put_capital(const char *name, fv_buffer *out) {
    if (!*name) return;
    char first = (char)toupper((unsigned char)name[0]);
    fv_put_bytes(out, &first, 1);
    fv_put(out, name + 1);
}

/* The scheme that the others are compared with: "none", or the first. */
static size_t baseline(const fv_group *groups, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(groups[i].name, "none")) return i;
    return 0;
}

/* Too many to tell one by one. */
enum { MAX_SCHEMES_TOLD = 4 };

/* "Best: elastic 40 3, helps, +0.2 points ...; 3 of the other 7 are not distinguishable from none." */
static void glance_many(const fv_context *context, const fv_group *groups, size_t n, size_t base, fv_buffer *out) {
    size_t best = base == 0 ? 1 : 0, alike = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == base) continue;
        if (groups[i].held.accuracy > groups[best].held.accuracy) best = i;
        fv_comparison comparison = fv_compare_groups(context->facts, "augmentation", &groups[i], &groups[base]);
        alike += comparison.known && !comparison.distinct;
    }
    fv_comparison comparison = fv_compare_groups(context->facts, "augmentation", &groups[best], &groups[base]);
    fv_putf(out, "Best of %s: %s, %s, ", fv_small_number(n - 1).s, groups[best].name, verdict(&comparison));
    put_difference(&comparison, " (", ")", out);
    fv_putf(out, "; %s of them not distinguishable from %s.", fv_small_number(alike).s, groups[base].name);
}

void fv_glance_augmentation(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(fv_fact_part(context->facts, "augmentation"), "name", "validation", groups);
    size_t base = n ? baseline(groups, n) : 0;
    if (n > MAX_SCHEMES_TOLD) {
        glance_many(context, groups, n, base, out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (i == base) continue;
        fv_comparison comparison = fv_compare_groups(context->facts, "augmentation", &groups[i], &groups[base]);
        if (out->n) fv_put(out, " ");
        put_capital(groups[i].name, out);
        fv_putf(out, ": %s, ", verdict(&comparison));
        put_difference(&comparison, " (", ")", out);
        fv_put(out, ".");
    }
    if (n == 1) fv_put(out, fv_percent_interval(groups[0].held.accuracy, groups[0].held.interval).s);
}

static void say_scheme(const fv_context *context, const fv_group *scheme, const fv_group *base, fv_buffer *out) {
    fv_comparison comparison = fv_compare_groups(context->facts, "augmentation", scheme, base);
    put_capital(scheme->name, out);
    if (!comparison.known || comparison.distinct)
        fv_putf(out, " augmentation %s validation accuracy: ",
                !comparison.known           ? "changes"
                : comparison.difference > 0 ? "raises"
                                            : "lowers");
    else
        fv_putf(out, " augmentation is not distinguishable from %s: ", base->name);
    put_difference(&comparison, " (", ")", out);
    fv_put(out, ". ");
}

/* Of many, those that are not distinguishable come together, at the end. */
static void say_schemes(const fv_context *context, const fv_group *groups, size_t n, size_t base, fv_buffer *out) {
    size_t alike[FV_MAX_GROUPS], n_alike = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == base) continue;
        const fv_comparison comparison = fv_compare_groups(context->facts, "augmentation", &groups[i], &groups[base]);
        if (n > MAX_SCHEMES_TOLD && comparison.known && !comparison.distinct)
            alike[n_alike++] = i;
        else
            say_scheme(context, &groups[i], &groups[base], out);
    }
    if (n_alike) fv_putf(out, "Not distinguishable from %s: ", groups[base].name);
    for (size_t k = 0; k < n_alike; k++) {
        const fv_group *group = &groups[alike[k]];
        const fv_comparison comparison = fv_compare_groups(context->facts, "augmentation", group, &groups[base]);
        fv_putf(out, "%s%s", k ? "; " : "", group->name);
        put_aside(&comparison, out);
    }
    if (n_alike) fv_put(out, ". ");
}

/* What stands behind the intervals and tests, in one sentence. */
static void say_evidence(const fv_facts *facts, int n, fv_buffer *out) {
    if (n > 1 && n <= MAX_SEEDS_TOLD)
        fv_putf(out, "Differences are means over %s seeds with their paired 95\u202f%% interval.",
                fv_small_number((size_t)n).s);
    else
        fv_putf(out, "With one seed this tells trained networks apart on the same %s images, not yet their recipes.",
                fv_count_words(fv_fact_number(facts->dataset, "n_validation", 0)).s);
}

void fv_answer_augmentation(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(fv_fact_part(context->facts, "augmentation"), "name", "validation", groups);
    if (!n) return;
    size_t base = baseline(groups, n);
    if (strcmp(groups[base].name, "none") == 0)
        fv_put(out, "Without augmentation");
    else
        fv_putf(out, "Under %s", groups[base].name);
    fv_putf(out, " the network gets %s of the validation images right. ",
            fv_percent_interval(groups[base].held.accuracy, groups[base].held.interval).s);
    say_schemes(context, groups, n, base, out);
    if (n > 1) say_evidence(context->facts, groups[base].n, out);
}

static size_t best_of(const fv_group *groups, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (groups[i].held.accuracy > groups[best].held.accuracy) best = i;
    return best;
}

void fv_glance_architecture(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(fv_fact_part(context->facts, "architecture"), "name", "validation", groups), alike = 0;
    if (!n) return;
    size_t best = best_of(groups, n);
    for (size_t i = 0; i < n; i++)
        alike += i != best && !fv_compare_groups(context->facts, "architecture", &groups[best], &groups[i]).distinct;
    fv_putf(out, "%s: %s", groups[best].name,
            fv_percent_interval(groups[best].held.accuracy, groups[best].held.interval).s);
    if (n == 1)
        fv_put(out, ".");
    else if (alike == 0)
        fv_put(out, ", ahead of every other.");
    else
        fv_putf(out, ", not distinguishable from %s of the other %s.",
                alike == n - 1 ? "any" : fv_small_number(alike).s, fv_small_number(n - 1).s);
}

/* The others that the best is (or is not) distinct from, as a list with differences. Returns how many. */
static size_t list_others(const fv_context *context, const fv_group *groups, size_t n, size_t best, bool distinct,
                          fv_buffer *out) {
    fv_comparison comparisons[FV_MAX_GROUPS];
    size_t count = 0, done = 0;
    for (size_t i = 0; i < n; i++) {
        comparisons[i] = fv_compare_groups(context->facts, "architecture", &groups[best], &groups[i]);
        count += i != best && comparisons[i].distinct == distinct;
    }
    for (size_t i = 0; i < n; i++) {
        if (i == best || comparisons[i].distinct != distinct) continue;
        fv_put_separator(out, done++, count);
        fv_put(out, groups[i].name);
        put_aside(&comparisons[i], out);
    }
    return count;
}

void fv_answer_architecture(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(fv_fact_part(context->facts, "architecture"), "name", "validation", groups);
    if (!n) return;
    size_t best = best_of(groups, n);
    fv_putf(out, "%s has the highest validation accuracy, %s. ", groups[best].name,
            fv_percent_interval(groups[best].held.accuracy, groups[best].held.interval).s);
    fv_buffer list = {0};
    if (list_others(context, groups, n, best, true, &list)) fv_putf(out, "It is ahead of %s. ", fv_buffer_text(&list));
    fv_buffer_finish(&list, out);
    if (list_others(context, groups, n, best, false, &list))
        fv_putf(out, "Its lead is not distinguishable from chance over %s. ", fv_buffer_text(&list));
    fv_buffer_finish(&list, out);
    size_t balanced = best;
    for (size_t i = 0; i < n; i++)
        if (groups[i].held.macro.accuracy > groups[balanced].held.macro.accuracy) balanced = i;
    const fv_words leads = fv_percent(groups[balanced].held.macro.accuracy, 1);
    const fv_words against = fv_percent(groups[best].held.macro.accuracy, 1);
    if ((groups[best].held.macro_differs || groups[balanced].held.macro_differs) && strcmp(leads.s, against.s) != 0)
        fv_putf(out, "By balanced accuracy, every class counted alike, %s leads: %s against %s. ",
                groups[balanced].name, leads.s, against.s);
    if (n > 1) say_evidence(context->facts, groups[best].n, out);
}

static double epoch_number(const json_t *history, size_t i, const char *key) {
    return fv_fact_number(json_array_get(history, i), key, NAN);
}

void fv_glance_history(const fv_context *context, fv_buffer *out) {
    const json_t *history = fv_fact_part(context->facts, "history");
    size_t n = json_array_size(history);
    if (!n) return;
    double validation = epoch_number(history, n - 1, "validation_accuracy");
    double accuracy = isnan(validation) ? epoch_number(history, n - 1, "train_accuracy") : validation;
    fv_putf(out, "%s after %zu epoch%s: %s.", isnan(validation) ? "Train" : "Validation", n, n == 1 ? "" : "s",
            fv_percent(accuracy, 1).s);
}

void fv_answer_history(const fv_context *context, fv_buffer *out) {
    const json_t *history = fv_fact_part(context->facts, "history");
    size_t n = json_array_size(history), best = 0;
    if (!n) return;
    double train = epoch_number(history, n - 1, "train_accuracy");
    double validation = epoch_number(history, n - 1, "validation_accuracy");
    fv_putf(out, "After %zu epoch%s the running train accuracy is %s", n, n == 1 ? "" : "s", fv_percent(train, 1).s);
    if (isnan(validation)) {
        fv_put(out, "; no images were held out for validation.");
        return;
    }
    double n_validation = fv_fact_number(context->facts->dataset, "n_validation", 0);
    fv_interval interval = fv_wilson(fv_counted(validation * n_validation), fv_counted(n_validation));
    fv_putf(out, ", the validation accuracy %s. ", fv_percent_interval(validation, interval).s);
    for (size_t i = 1; i < n; i++)
        if (epoch_number(history, i, "validation_loss") < epoch_number(history, best, "validation_loss")) best = i;
    fv_putf(out, "The validation loss was lowest after epoch %zu.", best + 1);
}
