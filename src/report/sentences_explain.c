/* Questions 4 to 8: one trained network, looked at closely. */
#include "report/sentences.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/numbers.h"

static size_t test_total(const fv_context *context) {
    size_t total = fv_counted(fv_fact_number(context->facts->final, "test_total", 0));
    return total ? total : fv_counted(fv_fact_number(context->facts->dataset, "n_test", 0));
}

static size_t count_sure(const json_t *mistakes, double p) {
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(mistakes); i++)
        count += fv_fact_number(json_array_get(mistakes, i), "p_predicted", 0) > p;
    return count;
}

/* Mistakes among the explained images, and in how many of them the true class came second. */
static size_t count_second(const fv_context *context, size_t *n_wrong) {
    const fv_report *report = context->report;
    size_t n_classes = (size_t)context->facts->n_classes, second = 0;
    *n_wrong = 0;
    for (size_t i = 0; i < report->n; i++) {
        const fv_prediction *prediction = &report->predictions[i];
        const float *p = report->probabilities + i * n_classes;
        if (prediction->truth == prediction->predicted) continue;
        size_t above = 0;
        for (size_t c = 0; c < n_classes; c++) above += p[c] > p[prediction->truth];
        second += above == 1;
        (*n_wrong)++;
    }
    return second;
}

void fv_glance_mistakes(const fv_context *context, fv_buffer *out) {
    const json_t *mistakes = json_object_get(context->facts->root, "mistakes");
    size_t n = json_array_size(mistakes), total = test_total(context);
    fv_putf(out, "%s of %s test images", fv_count_words((double)n).s, fv_count_words((double)total).s);
    size_t sure = count_sure(mistakes, 0.9);
    if (n)
        fv_putf(out,
                "; in %s it was more than 90"
                "\u202f"
                "%% sure",
                sure == n ? "all"
                : sure    ? fv_small_number(sure).s
                          : "none");
    fv_put(out, ".");
}

void fv_answer_mistakes(const fv_context *context, fv_buffer *out) {
    const json_t *mistakes = json_object_get(context->facts->root, "mistakes");
    size_t n = json_array_size(mistakes), total = test_total(context);
    if (!n) {
        fv_putf(out, "The network made no mistake on %s test images; its error may still be as high as %s.",
                fv_count_words((double)total).s, fv_percent(fv_wilson(0, total).high, 2).s);
        return;
    }
    fv_putf(out, "The network errs on %s of %s test images, %s. ", fv_count_words((double)n).s,
            fv_count_words((double)total).s,
            fv_percent_interval((double)n / (double)(total ? total : 1), fv_wilson(n, total)).s);
    size_t sure = count_sure(mistakes, 0.9);
    fv_putf(out,
            "In %s of them it gave the wrong class more than 90"
            "\u202f"
            "%%",
            sure ? fv_small_number(sure).s : "none");
    size_t n_wrong, second = count_second(context, &n_wrong);
    if (n_wrong == n)
        fv_putf(out, "; in %s the true class was its second choice", second ? fv_small_number(second).s : "none");
    fv_put(out, ".");
}

/* Energy shares: c0 of the constant, slope of the best plane. Rows and columns are centred, so that constant, row slope
 * and column slope are orthogonal. */
fv_kernel_kind fv_kernel_classify(const double *values, int c, int r, int s) {
    double energy = 0, flat = 0, slope = 0;
    for (int k = 0; k < c; k++) {
        double sum = 0, down = 0, across = 0, norm_down = 0, norm_across = 0;
        for (int i = 0; i < r; i++)
            for (int j = 0; j < s; j++) {
                double v = values[(k * r + i) * s + j], y = i - (r - 1) / 2.0, x = j - (s - 1) / 2.0;
                energy += v * v;
                sum += v;
                down += v * y, norm_down += y * y;
                across += v * x, norm_across += x * x;
            }
        flat += sum * sum / (r * s);
        if (norm_down > 0) slope += down * down / norm_down;
        if (norm_across > 0) slope += across * across / norm_across;
    }
    if (slope > energy / 2) return FV_KERNEL_EDGE;
    return flat > energy / 2 ? FV_KERNEL_BRIGHTNESS : FV_KERNEL_OTHER;
}

bool fv_kernel_shape(const json_t *kernels, int shape[4], size_t *size) {
    const size_t n = json_array_size(json_object_get(kernels, "values"));
    *size = 1;
    for (size_t i = 0; i < 4; i++) {
        const json_int_t extent = json_integer_value(json_array_get(json_object_get(kernels, "shape"), 3 - i));
        if (extent < 1 || (size_t)extent > n / *size || extent > INT_MAX) return false;
        shape[3 - i] = (int)extent;
        if (i < 3) *size *= (size_t)extent;
    }
    return (size_t)shape[0] * *size == n;
}

typedef struct kernel_summary {
    int shape[4]; /* K C R S */
    size_t kinds[3];
    double low, high;
} kernel_summary;

static bool summarise_kernels(const fv_context *context, kernel_summary *out) {
    const json_t *kernels = fv_fact_part(context->facts, "kernels"), *values = json_object_get(kernels, "values");
    *out = (kernel_summary){.low = INFINITY, .high = -INFINITY};
    size_t size;
    if (!fv_kernel_shape(kernels, out->shape, &size)) return false;
    double *kernel = fv_alloc(size, sizeof *kernel);
    if (!kernel) {
        *context->failed = true;
        return false;
    }
    for (size_t k = 0; k < (size_t)out->shape[0]; k++) {
        for (size_t i = 0; i < size; i++) {
            kernel[i] = json_number_value(json_array_get(values, k * size + i));
            out->low = fmin(out->low, kernel[i]);
            out->high = fmax(out->high, kernel[i]);
        }
        out->kinds[fv_kernel_classify(kernel, out->shape[1], out->shape[2], out->shape[3])]++;
    }
    free(kernel);
    return true;
}

static void put_kinds(const size_t kinds[3], bool sentence, fv_buffer *out) {
    static const char *const one[] = {"edge", "brightness", "mixed"};
    static const char *const many[] = {"edges", "brightness", "mixed"};
    size_t n = 0, done = 0;
    for (int i = 0; i < 3; i++) n += kinds[i] > 0;
    for (int i = 0; i < 3; i++) {
        if (!kinds[i]) continue;
        if (n == 1 && kinds[i] > 1) {
            fv_putf(out, "all %s%s", sentence ? "are " : "", many[i]);
            return;
        }
        fv_put_separator(out, done++, n);
        const char *is = !sentence ? "" : kinds[i] > 1 ? "are " : i ? "is " : "is an ";
        fv_putf(out, "%s %s%s", fv_small_number(kinds[i]).s, is, kinds[i] > 1 ? many[i] : one[i]);
    }
}

void fv_glance_kernels(const fv_context *context, fv_buffer *out) {
    kernel_summary summary;
    if (!summarise_kernels(context, &summary)) return;
    fv_putf(out, "%d kernels of %d\u00d7%d: ", summary.shape[0], summary.shape[2], summary.shape[3]);
    put_kinds(summary.kinds, false, out);
    fv_put(out, ".");
}

void fv_answer_kernels(const fv_context *context, fv_buffer *out) {
    kernel_summary summary;
    if (!summarise_kernels(context, &summary)) return;
    fv_putf(out, "The first layer holds %d kernels of %d\u00d7%d weights", summary.shape[0], summary.shape[2],
            summary.shape[3]);
    if (summary.shape[1] > 1) fv_putf(out, " over %d channels", summary.shape[1]);
    fv_putf(out, ", from %s to %s. By the energy of their weights, ", fv_decimal(summary.low, 2).s,
            fv_decimal(summary.high, 2).s);
    put_kinds(summary.kinds, true, out);
    if (summary.kinds[FV_KERNEL_EDGE]) fv_put(out, "; an edge answers to a step from dark to bright in one direction");
    if (summary.kinds[FV_KERNEL_BRIGHTNESS]) fv_put(out, "; brightness is the sum of the pixels");
    if (summary.kinds[FV_KERNEL_OTHER]) fv_put(out, "; mixed is what is mainly neither an edge nor brightness");
    fv_put(out, ".");
}

static int by_count(const void *a, const void *b) {
    const fv_pair *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    if (x->truth != y->truth) return x->truth > y->truth ? 1 : -1;
    return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

size_t fv_confused_pairs(const json_t *confusion, fv_pair *out, size_t max) {
    size_t n_classes = json_array_size(confusion), n = 0;
    for (size_t t = 0; t < n_classes; t++)
        for (size_t p = 0; p < n_classes; p++) {
            const fv_pair pair = {t, p, fv_counted(json_number_value(json_array_get(json_array_get(confusion, t), p)))};
            if (t == p || !pair.count) continue;
            if (n == max && by_count(&pair, &out[n - 1]) > 0) continue;
            size_t at = n < max ? n++ : n - 1;
            for (; at > 0 && by_count(&pair, &out[at - 1]) < 0; at--) out[at] = out[at - 1];
            out[at] = pair;
        }
    return n;
}

static void put_pairs(const fv_context *context, fv_buffer *out) {
    fv_pair pairs[3];
    size_t n = fv_confused_pairs(fv_fact_part(context->facts, "confusion"), pairs, 3);
    for (size_t i = 0; i < n; i++) {
        fv_put_separator(out, i, n);
        fv_putf(out, "%s for %s\u00a0(%s%s)", fv_class_name(context->facts, pairs[i].truth),
                fv_class_name(context->facts, pairs[i].predicted), fv_count_words((double)pairs[i].count).s,
                i                     ? ""
                : pairs[i].count == 1 ? "\u00a0image"
                                      : "\u00a0images");
    }
    if (!n) fv_put(out, "nothing for anything else");
}

void fv_glance_confusion(const fv_context *context, fv_buffer *out) {
    fv_macro_score macro;
    fv_put(out, "It takes ");
    put_pairs(context, out);
    fv_put(out, ".");
    if (fv_fact_macro(context->facts->final, "test", &macro))
        fv_putf(out, " Balanced accuracy: %s.", fv_percent(macro.accuracy, 1).s);
}

/* The balanced accuracy is the lower one just where frequent classes are right more often than rare ones. */
static void say_macro(const fv_context *context, fv_buffer *out) {
    fv_macro_score macro;
    const json_t *final = context->facts->final;
    if (!fv_fact_macro(final, "test", &macro)) return;
    double accuracy = fv_fact_number(final, "test_correct", 0) / fv_fact_number(final, "test_total", 1);
    const fv_words balanced = fv_percent(macro.accuracy, 1), all = fv_percent(accuracy, 1);
    if (strcmp(balanced.s, all.s) == 0) return; /* too near to speak of worse and better */
    fv_putf(out,
            " With every class counted alike, %s are right (balanced accuracy) against %s of all images: rare classes "
            "are read %s than frequent ones.",
            balanced.s, all.s, macro.accuracy < accuracy ? "worse" : "better");
}

/* Images of a class and how many of them are right. */
static void class_counts(const json_t *confusion, size_t class, size_t *correct, size_t *total) {
    const json_t *row = json_array_get(confusion, class);
    *correct = fv_counted(json_number_value(json_array_get(row, class)));
    *total = 0;
    for (size_t p = 0; p < json_array_size(row); p++) *total += fv_counted(json_number_value(json_array_get(row, p)));
}

void fv_answer_confusion(const fv_context *context, fv_buffer *out) {
    const json_t *confusion = fv_fact_part(context->facts, "confusion");
    size_t worst = 0, worst_correct = 1, worst_total = 1, best = 0, best_correct = 0, best_total = 1, n = 0;
    for (size_t c = 0; c < json_array_size(confusion); c++) {
        size_t correct, total;
        class_counts(confusion, c, &correct, &total);
        if (!total) continue;
        const bool first = n++ == 0;
        if (first || correct * worst_total < worst_correct * total)
            worst = c, worst_correct = correct, worst_total = total;
        if (first || correct * best_total > best_correct * total) best = c, best_correct = correct, best_total = total;
    }
    fv_put(out, "Most often it takes ");
    put_pairs(context, out);
    fv_putf(out, ". Of the classes, %s comes off worst with %s right, ", fv_class_name(context->facts, worst),
            fv_percent_interval((double)worst_correct / (double)worst_total, fv_wilson(worst_correct, worst_total)).s);
    fv_putf(out, "%s best with %s.", fv_class_name(context->facts, best),
            fv_percent_interval((double)best_correct / (double)best_total, fv_wilson(best_correct, best_total)).s);
    say_macro(context, out);
}

void fv_glance_embedding(const fv_context *context, fv_buffer *out) {
    double agreement = fv_fact_number(fv_fact_part(context->facts, "embedding"), "neighbour_agreement", 0);
    fv_putf(out, "%s of each image\u2019s ten nearest stay nearest on the map.", fv_percent(agreement, 0).s);
}

void fv_answer_embedding(const fv_context *context, fv_buffer *out) {
    const json_t *embedding = fv_fact_part(context->facts, "embedding");
    fv_putf(out,
            "The map lays out %s test images so that those with like features lie together. On average %s of an "
            "image\u2019s ten nearest by features are still among its ten nearest on the map: near means alike, while "
            "the distance between far groups says little.",
            fv_count_words((double)context->report->n).s,
            fv_percent(fv_fact_number(embedding, "neighbour_agreement", 0), 0).s);
}

/* Over all explained images: those whose nearest, and whose eight nearest, are of their class. */
static void count_alike(const fv_report *report, size_t *first, size_t *every) {
    *first = *every = 0;
    for (size_t i = 0; i < report->n; i++) {
        size_t same = 0;
        const uint32_t *nearest = report->nearest + i * FV_REPORT_NEAREST;
        uint16_t truth = report->predictions[i].truth;
        for (int k = 0; k < FV_REPORT_NEAREST; k++) same += report->predictions[nearest[k]].truth == truth;
        *first += report->predictions[nearest[0]].truth == truth;
        *every += same == FV_REPORT_NEAREST;
    }
}

void fv_glance_neighbours(const fv_context *context, fv_buffer *out) {
    size_t first, every, n = context->report->n;
    if (!n) return;
    count_alike(context->report, &first, &every);
    fv_putf(out, "The most alike image is of the same class for %s.",
            fv_percent_interval((double)first / (double)n, fv_wilson(first, n)).s);
}

void fv_answer_neighbours(const fv_context *context, fv_buffer *out) {
    size_t first, every, n = context->report->n;
    if (!n) return;
    count_alike(context->report, &first, &every);
    fv_putf(out, "Of %s test images, %s have a nearest neighbour of their own class, and for %s all eight are. ",
            fv_count_words((double)n).s, fv_percent((double)first / (double)n, 1).s,
            fv_percent((double)every / (double)n, 1).s);
    size_t n_queries = json_array_size(fv_fact_part(context->facts, "neighbours"));
    fv_putf(out, "Shown are %s queries, each with its eight nearest.", fv_small_number(n_queries).s);
}
