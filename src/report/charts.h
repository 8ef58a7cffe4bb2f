/* Vega-Lite specifications of the page's charts: templates of web/charts with their data filled in. */
#ifndef FV_CHARTS_H
#define FV_CHARTS_H

#include "report/sentences.h"

/* Adds to a list or an object what is NULL where memory was short; remembered in context->failed. */
void fv_append(const fv_context *context, json_t *list, json_t *value);
void fv_set(const fv_context *context, json_t *object, const char *key, json_t *value);

/* Every chart that the study's parts call for, by name: {"augmentation": {...}, ...}. The caller
 * owns it. */
json_t *fv_charts(const fv_context *context);

/* For the files that make them: adds one chart from a template's text, with a description for those who cannot see it.
 * Returns the specification (borrowed). */
json_t *fv_chart_add(const fv_context *context, json_t *charts, const char *name, const unsigned char *template,
                     const char *description);
/* Gives a chart one of its datasets; takes `rows`. */
void fv_chart_data(const fv_context *context, json_t *chart, const char *dataset, json_t *rows);
/* A row {name, n, split, seed, accuracy, error} of every seed; a zero error stands at half an image. */
json_t *fv_chart_seeds(const fv_context *context, const json_t *rows, const char *split);
/* Appends `more` to `rows` and takes it. */
void fv_chart_extend(const fv_context *context, json_t *rows, json_t *more);

/* Sees to three values at least on a logarithmic axis from `low` to `high`: where fewer of axis.values lie on it, they
 * give way to even steps. */
void fv_chart_ticks(const fv_context *context, json_t *axis, double low, double high);
/* Widens [*low, *high] to hold the rows' members `keys`. */
void fv_chart_extent(const json_t *rows, const char *const keys[], size_t n_keys, double *low, double *high);

void fv_chart_scaling(const fv_context *context, json_t *charts);
void fv_chart_confusion(const fv_context *context, json_t *charts);
void fv_chart_embedding(const fv_context *context, json_t *charts);

enum { FV_COMPACT_CLASSES = 30 }; /* above it, a confusion matrix is a map of its errors */

#endif
