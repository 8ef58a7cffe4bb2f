/* Error against the amount of data, on two logarithmic axes. */
#include <math.h>

#include "report/charts.h"
#include "report/numbers.h"

extern const unsigned char fv_template_scaling[];

/* An error as it stands on a logarithmic axis: none at all is drawn open at half an image. */
static double drawn(double error, double total, bool *zero) {
    *zero = error <= 0;
    return *zero ? 0.5 / total : error;
}

static json_t *measured_row(const fv_group *group, const char *split, const fv_measure *measure) {
    fv_interval interval = {1 - measure->interval.high, 1 - measure->interval.low};
    double error = 1 - measure->accuracy, half = (interval.high - interval.low) / 2;
    bool zero;
    double at = drawn(error, measure->total, &zero);
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:b, s:i, s:s, s:s}", "split", split, "n", group->n_train, "error", at,
                     "low", fmax(interval.low, fmin(at, 0.5 / measure->total)), "high", interval.high, "zero",
                     (int)zero, "seeds", group->n, "text", fv_percent(error, fv_percent_decimals(half)).s, "interval",
                     fv_interval_words(interval).s);
}

/* The fitted line with its band; beyond the largest n that was measured it is forecast. */
static json_t *line_rows(const fv_context *context, const json_t *fit, double n_max) {
    const json_t *points = json_object_get(fit, "points");
    json_t *out = json_array();
    double error_max = fv_fact_number(fit, "coefficient", 0) * pow(n_max, -fv_fact_number(fit, "exponent", 0));
    const bool meet = error_max > 0 && isfinite(error_max);
    for (int beyond = 0; meet && beyond < 2; beyond++) /* where the two lines meet */
        fv_append(context, out, json_pack("{s:f, s:f, s:b}", "n", n_max, "error", error_max, "beyond", beyond));
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        double n = fv_fact_number(point, "n_train", 0), error = fv_fact_number(point, "error", 0);
        if (!(n > 0) || !(error > 0)) continue;
        json_t *row = json_pack("{s:f, s:f, s:b}", "n", n, "error", error, "beyond", n > n_max);
        for (int k = 0; k < 2; k++) { /* a line through two points has no band */
            const char *key = k ? "high" : "low";
            if (json_is_number(json_object_get(point, key)))
                fv_set(context, row, key, json_real(fv_fact_error(point, key, 0)));
        }
        fv_append(context, out, row);
    }
    return out;
}

static json_t *forecast_rows(const fv_context *context, const json_t *points) {
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        fv_interval interval = {fv_fact_error(point, "low", NAN), fv_fact_error(point, "high", NAN)};
        double error = fv_fact_error(point, "error", 0);
        bool bounded = isfinite(interval.low) && isfinite(interval.high);
        int decimals = fv_percent_decimals(bounded ? (interval.high - interval.low) / 2 : 0.01);
        json_t *row =
            json_pack("{s:f, s:f, s:s, s:s}", "n", fv_fact_number(point, "n_train", 1), "error", error, "text",
                      fv_percent(error, decimals).s, "interval", bounded ? fv_interval_words(interval).s : "unknown");
        fv_set(context, row, "low", json_real(bounded ? interval.low : error));
        fv_set(context, row, "high", json_real(bounded ? interval.high : error));
        fv_append(context, out, row);
    }
    return out;
}

static json_t *label(const char *split, double n, double error) {
    return json_pack("{s:s, s:s, s:f, s:f}", "label", split, "split", split, "n", n, "error", error);
}

void fv_chart_scaling(const fv_context *context, json_t *charts) {
    const json_t *rows = fv_fact_part(context->facts, "scaling");
    if (!rows) return;
    json_t *chart = fv_chart_add(context, charts, "scaling", fv_template_scaling,
                                 "Train and test error against the number of training images, both axes logarithmic, "
                                 "with the fitted power law and its forecast for two and four times the data");
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(rows, "n_train", "test", groups);
    const json_t *fit = fv_fact_part(context->facts, "scaling_fit");
    json_t *measured = json_array(), *seeds = json_array(), *labels = json_array(), *values = json_array();
    double n_max = 0;
    for (size_t i = 0; i < n; i++) {
        fv_append(context, measured, measured_row(&groups[i], "test", &groups[i].held));
        if (groups[i].train.correct > 0)
            fv_append(context, measured, measured_row(&groups[i], "train", &groups[i].train));
        fv_append(context, values, json_real(groups[i].n_train));
        n_max = fmax(n_max, groups[i].n_train);
    }
    if (n && groups[0].n > 1) {
        fv_chart_extend(context, seeds, fv_chart_seeds(context, rows, "test"));
        fv_chart_extend(context, seeds, fv_chart_seeds(context, rows, "train"));
    }
    for (size_t i = 0; i < json_array_size(measured); i++) { /* each kind is named once, at its smallest n */
        const json_t *row = json_array_get(measured, i);
        if (i < 2 || n == 0)
            fv_append(
                context, labels,
                label(fv_fact_text(row, "split", ""), fv_fact_number(row, "n", 1), fv_fact_number(row, "error", 1)));
    }
    json_t *forecast = forecast_rows(context, json_object_get(fit, "forecast"));
    for (size_t i = 0; i < json_array_size(forecast); i++) {
        const json_t *row = json_array_get(forecast, i);
        fv_append(context, values, json_incref(json_object_get(row, "n")));
        if (i == 0)
            fv_append(context, labels, label("forecast", fv_fact_number(row, "n", 1), fv_fact_number(row, "error", 1)));
    }
    json_t *line = line_rows(context, fit, n_max);
    const json_t *const drawn_rows[] = {measured, seeds, line, forecast};
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < sizeof drawn_rows / sizeof *drawn_rows; i++)
        fv_chart_extent(drawn_rows[i], (const char *const[]){"error", "low", "high"}, 3, &low, &high);
    const json_t *encoding = json_object_get(chart, "encoding");
    fv_chart_ticks(context, json_object_get(json_object_get(encoding, "y"), "axis"), low, high);
    fv_chart_data(context, chart, "measured", measured);
    fv_chart_data(context, chart, "seeds", seeds);
    fv_chart_data(context, chart, "line", line);
    fv_chart_data(context, chart, "forecast", forecast);
    fv_chart_data(context, chart, "labels", labels);
    fv_set(context, json_object_get(json_object_get(encoding, "x"), "axis"), "values", values);
}
