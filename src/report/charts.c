#include "report/charts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/numbers.h"

extern const unsigned char fv_template_augmentation[], fv_template_history[];

void fv_append(const fv_context *context, json_t *list, json_t *value) {
    if (json_array_append_new(list, value) != 0) *context->failed = true;
}

void fv_set(const fv_context *context, json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, value) != 0) *context->failed = true;
}

json_t *fv_chart_add(const fv_context *context, json_t *charts, const char *name, const unsigned char *template,
                     const char *description) {
    json_t *chart = json_loads((const char *)template, 0, NULL);
    fv_set(context, charts, name, chart);
    fv_set(context, json_object_get(charts, name), "description", json_string(description));
    return json_object_get(charts, name);
}

void fv_chart_data(const fv_context *context, json_t *chart, const char *dataset, json_t *rows) {
    fv_set(context, json_object_get(chart, "datasets"), dataset, rows);
}

static json_t *measure_row(const fv_group *group, const char *split, const fv_measure *measure, bool first) {
    int decimals = fv_percent_decimals((measure->interval.high - measure->interval.low) / 2);
    fv_words accuracy = fv_percent(measure->accuracy, decimals), label = accuracy;
    if (first) snprintf(label.s, sizeof label.s, "%s %.60s", split, accuracy.s);
    return json_pack("{s:s, s:s, s:f, s:f, s:f, s:i, s:s, s:s, s:s}", "name", group->name, "split", split, "accuracy",
                     measure->accuracy, "low", fmin(measure->interval.low, measure->low_seed), "high",
                     fmax(measure->interval.high, measure->high_seed), "seeds", group->n, "label", label.s, "text",
                     accuracy.s, "interval", fv_interval_words(measure->interval).s);
}

json_t *fv_chart_seeds(const fv_context *context, const json_t *rows, const char *split) {
    char correct[32], total[32];
    snprintf(correct, sizeof correct, "%s_correct", split);
    snprintf(total, sizeof total, "%s_total", split);
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        double n = (double)fv_counted(fv_fact_number(row, total, fv_fact_number(row, "n_train", 0)));
        if (!(n > 0)) continue;
        double accuracy = (double)fv_counted(fv_fact_number(row, correct, 0)) / n;
        fv_append(context, out,
                  json_pack("{s:s, s:f, s:s, s:f, s:f, s:f}", "name", fv_fact_text(row, "name", ""), "n",
                            fv_fact_number(row, "n_train", 0), "split", split, "seed", fv_fact_number(row, "seed", 0),
                            "accuracy", accuracy, "error", accuracy < 1 ? 1 - accuracy : 0.5 / n));
    }
    return out;
}

void fv_chart_extend(const fv_context *context, json_t *rows, json_t *more) {
    if (json_array_extend(rows, more) != 0) *context->failed = true;
    json_decref(more);
}

void fv_chart_extent(const json_t *rows, const char *const keys[], size_t n_keys, double *low, double *high) {
    for (size_t i = 0; i < json_array_size(rows); i++)
        for (size_t k = 0; k < n_keys; k++) {
            const double value = fv_fact_number(json_array_get(rows, i), keys[k], NAN);
            *low = fmin(*low, value), *high = fmax(*high, value);
        }
}

void fv_chart_ticks(const fv_context *context, json_t *axis, double low, double high) {
    enum { FEWEST = 3 };
    const json_t *values = json_object_get(axis, "values");
    int n = 0;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const double value = json_number_value(json_array_get(values, i));
        n += value >= low && value <= high;
    }
    if (n >= FEWEST || !(low > 0) || !(high > low) || !isfinite(high)) return;
    const double most = (high - low) / FEWEST, unit = pow(10, floor(log10(most)));
    const double step = most >= 5 * unit ? 5 * unit : most >= 2 * unit ? 2 * unit : unit;
    json_t *even = json_array();
    const double first = ceil(low / step);
    for (int i = 0; (first + i) * step <= high && i < 20; i++) fv_append(context, even, json_real((first + i) * step));
    fv_set(context, axis, "values", even);
}

/* Right of the middle, values are written left of their dot, so that none leaves the chart. */
static void add_labels(const fv_context *context, json_t *chart, const json_t *rows) {
    json_t *left = json_array(), *right = json_array();
    double low = 1, high = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        double accuracy = fv_fact_number(json_array_get(rows, i), "accuracy", 0);
        low = fmin(low, accuracy), high = fmax(high, accuracy);
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        fv_append(context, fv_fact_number(row, "accuracy", 0) > (low + high) / 2 ? left : right, json_incref(row));
    }
    fv_chart_data(context, chart, "labels_left", left);
    fv_chart_data(context, chart, "labels_right", right);
}

static void chart_augmentation(const fv_context *context, json_t *charts) {
    const json_t *rows = fv_fact_part(context->facts, "augmentation");
    if (!rows) return;
    json_t *chart = fv_chart_add(context, charts, "augmentation", fv_template_augmentation,
                                 "Train and validation accuracy of each augmentation scheme with their intervals");
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(rows, "name", "validation", groups);
    json_t *out = json_array(), *seeds = json_array();
    for (size_t i = 0; i < n; i++) {
        fv_append(context, out, measure_row(&groups[i], "train", &groups[i].train, i == 0));
        fv_append(context, out, measure_row(&groups[i], "validation", &groups[i].held, i == 0));
    }
    if (n && groups[0].n > 1) {
        fv_chart_extend(context, seeds, fv_chart_seeds(context, rows, "train"));
        fv_chart_extend(context, seeds, fv_chart_seeds(context, rows, "validation"));
    }
    fv_set(context, chart, "height", json_integer(52 * (json_int_t)n));
    add_labels(context, chart, out);
    fv_chart_data(context, chart, "rows", out);
    fv_chart_data(context, chart, "seeds", seeds);
}

/* What one curve shows. */
typedef struct curve {
    const char *split, *measure; /* "train", "loss" */
    const char *label_side;      /* of its last point: "above", "below", "" */
} curve;

/* One epoch of the seeds that got there. */
typedef struct spread {
    double sum, low, high;
    int n;
} spread;

/* Epochs [n_epochs] of the rows of `group`. */
static void spread_over(const json_t *rows, const fv_group *group, const char *key, size_t n_epochs, spread *out) {
    for (size_t e = 0; e < n_epochs; e++) out[e] = (spread){0, INFINITY, -INFINITY, 0};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *history = json_object_get(row, "history");
        if (strcmp(fv_fact_text(row, "name", ""), group->name) != 0) continue;
        for (size_t e = 0; e < json_array_size(history); e++) {
            const double value = fv_fact_number(json_array_get(history, e), key, NAN);
            if (isnan(value)) continue;
            out[e].sum += value, out[e].n++;
            out[e].low = fmin(out[e].low, value), out[e].high = fmax(out[e].high, value);
        }
    }
}

/* A row for each epoch that a seed of `group` got to. */
static void add_curve(const fv_context *context, const json_t *rows, const fv_group *group, size_t order,
                      size_t n_epochs, const curve *of, json_t *out) {
    char key[40];
    snprintf(key, sizeof key, "%s_%s", of->split, of->measure);
    spread *epochs = fv_alloc(n_epochs + 1, sizeof *epochs);
    if (!epochs)
        *context->failed = true;
    else
        spread_over(rows, group, key, n_epochs, epochs);
    for (size_t e = 0; epochs && e < n_epochs; e++) {
        const int n = epochs[e].n;
        if (!n) continue;
        const double mean = epochs[e].sum / n;
        const bool labelled = order == 0 && e + 1 == n_epochs;
        const fv_words text = strcmp(of->measure, "loss") ? fv_percent(mean, 2) : fv_decimal(mean, 4);
        fv_append(context, out,
                  json_pack("{s:s, s:i, s:i, s:s, s:f, s:f, s:f, s:i, s:s, s:s}", "name", group->name, "order",
                            (int)order, "epoch", (int)e + 1, "split", of->split, "value", mean, "low", epochs[e].low,
                            "high", epochs[e].high, "seeds", n, "label_side", labelled ? of->label_side : "", "text",
                            text.s));
    }
    free(epochs);
}

static size_t count_epochs(const json_t *rows) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        size_t epochs = json_array_size(json_object_get(json_array_get(rows, i), "history"));
        n = epochs > n ? epochs : n;
    }
    return n;
}

/* Small multiples of one measure ("loss" or "accuracy"), a panel per name in `rows`. */
static void chart_curves(const fv_context *context, const json_t *rows, const char *measure, const char *name,
                         json_t *charts) {
    bool is_loss = !strcmp(measure, "loss");
    json_t *chart = fv_chart_add(context, charts, name, fv_template_history,
                                 is_loss ? "Loss per epoch, train dashed and validation solid, a panel per model"
                                         : "Accuracy per epoch, train dashed and validation solid, a panel per model");
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(rows, "name", "validation", groups), n_epochs = count_epochs(rows);
    json_t *out = json_array();
    const fv_measure *held = &groups[0].held, *train = &groups[0].train;
    bool train_above = n && (is_loss ? train->loss > held->loss : train->accuracy > held->accuracy);
    const curve curves[] = {{"train", measure, train_above ? "above" : "below"},
                            {"validation", measure, train_above ? "below" : "above"}};
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) add_curve(context, rows, &groups[i], i, n_epochs, &curves[k], out);
    fv_chart_data(context, chart, "rows", out);
    json_t *y = json_object_get(json_object_get(json_object_get(chart, "spec"), "encoding"), "y");
    json_t *axis = json_object_get(y, "axis");
    fv_set(context, axis, "labelExpr",
           json_string(is_loss ? "format(datum.value, '.3~r')" : "format(datum.value * 100, '.3~f') + '\u202f%'"));
    if (n_epochs == 1) { /* a line of one point is none */
        json_t *line = json_array_get(json_object_get(json_object_get(chart, "spec"), "layer"), 1);
        fv_set(context, json_object_get(line, "mark"), "point", json_true());
    }
    if (!is_loss) return;
    fv_set(context, y, "scale", json_pack("{s:s, s:b, s:i}", "type", "log", "nice", 0, "padding", 8));
    fv_set(context, axis, "values",
           json_loads("[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]", 0, NULL));
    double low = INFINITY, high = -INFINITY;
    fv_chart_extent(out, (const char *const[]){"low", "high"}, 2, &low, &high);
    fv_chart_ticks(context, axis, low, high);
}

/* A run's own history as one row of the study's kind. */
static json_t *run_rows(const fv_context *context) {
    const char *name = fv_fact_text(context->facts->final, "model", "this run");
    json_t *history = json_deep_copy(fv_fact_part(context->facts, "history"));
    const json_t *last = json_array_get(history, json_array_size(history) - 1);
    double n = 1e6; /* any total serves: only their ratio is read */
    return json_pack("[{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:o}]", "name", name, "train_correct",
                     n * fv_fact_number(last, "train_accuracy", 0), "train_total", n, "validation_correct",
                     n * fv_fact_number(last, "validation_accuracy", 0), "validation_total", n, "train_loss",
                     fv_fact_number(last, "train_loss", 0), "validation_loss",
                     fv_fact_number(last, "validation_loss", 0), "history", history);
}

json_t *fv_charts(const fv_context *context) {
    json_t *charts = json_object();
    chart_augmentation(context, charts);
    const json_t *architecture = fv_fact_part(context->facts, "architecture");
    if (architecture) {
        chart_curves(context, architecture, "loss", "architecture-loss", charts);
        chart_curves(context, architecture, "accuracy", "architecture-accuracy", charts);
    }
    if (fv_fact_part(context->facts, "history")) {
        json_t *rows = run_rows(context);
        if (!rows) *context->failed = true;
        chart_curves(context, rows, "loss", "history-loss", charts);
        chart_curves(context, rows, "accuracy", "history-accuracy", charts);
        json_decref(rows);
    }
    fv_chart_scaling(context, charts);
    fv_chart_confusion(context, charts);
    fv_chart_embedding(context, charts);
    return charts;
}
