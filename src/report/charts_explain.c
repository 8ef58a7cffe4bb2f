/* Confusion matrix and embedding. The embedding's points are the page's own payload: its script adds them. */
#include "report/charts.h"
#include "report/numbers.h"

extern const unsigned char fv_template_confusion[], fv_template_confusion_map[], fv_template_embedding[];

/* Sum of a row, the images of its class. */
static double row_total(const json_t *row) {
    double total = 0;
    for (size_t i = 0; i < json_array_size(row); i++)
        total += (double)fv_counted(json_number_value(json_array_get(row, i)));
    return total;
}

static json_t *cell(const fv_facts *facts, size_t t, size_t p, double count, double total) {
    double share = total > 0 ? count / total : 0;
    const char *truth = fv_class_name(facts, t), *predicted = fv_class_name(facts, p);
    fv_buffer text = {0};
    fv_putf(&text, "true %s, predicted %s: %s image%s", truth, predicted, fv_count_words(count).s,
            count == 1 ? "" : "s");
    json_t *out = json_pack("{s:i, s:i, s:s, s:s, s:f, s:f, s:f, s:f, s:b, s:s}", "true", (int)t, "predicted", (int)p,
                            "true_name", truth, "predicted_name", predicted, "count", count, "share", share,
                            "error_count", t == p ? 0 : count, "error_share", t == p ? 0 : share, "diagonal",
                            (int)(t == p), "description", fv_buffer_text(&text));
    if (text.failed) {
        json_decref(out);
        out = NULL;
    }
    fv_buffer_deinit(&text);
    return out;
}

/* Classes on both axes of the compact map. */
static void set_domain(const fv_context *context, json_t *chart, const char *channel, size_t n_classes) {
    json_t *scale = json_object_get(json_object_get(json_object_get(chart, "encoding"), channel), "scale");
    fv_set(context, scale, "domain", json_pack("[i, i]", -1, (int)n_classes));
}

void fv_chart_confusion(const fv_context *context, json_t *charts) {
    const json_t *confusion = fv_fact_part(context->facts, "confusion");
    if (!confusion) return;
    size_t n = json_array_size(confusion);
    bool compact = n > FV_COMPACT_CLASSES;
    json_t *chart =
        fv_chart_add(context, charts, "confusion", compact ? fv_template_confusion_map : fv_template_confusion,
                     "Confusion matrix of the test set: rows are true classes, columns predicted ones");
    json_t *cells = json_array();
    for (size_t t = 0; t < n; t++) {
        const json_t *row = json_array_get(confusion, t);
        double total = row_total(row);
        for (size_t p = 0; p < n; p++) {
            double count = (double)fv_counted(json_number_value(json_array_get(row, p)));
            if (!compact || count > 0) fv_append(context, cells, cell(context->facts, t, p, count, total));
        }
    }
    fv_chart_data(context, chart, "cells", cells);
    if (!compact) return;
    set_domain(context, chart, "x", n);
    set_domain(context, chart, "y", n);
}

void fv_chart_embedding(const fv_context *context, json_t *charts) {
    if (!fv_fact_part(context->facts, "embedding") || !context->report->xy) return;
    (void)fv_chart_add(context, charts, "embedding", fv_template_embedding,
                       "t-SNE map of the test images, coloured by class, mistakes ringed");
}
