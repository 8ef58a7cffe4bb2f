#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/charts.h"
#include "report/numbers.h"
#include "report/tables.h"

enum { MAX_ROWS = 1000, MAX_PAIRS = 100 };

static size_t at_most(size_t n, size_t max) {
    return n < max ? n : max;
}

/* The class that a member of `row` numbers; "?" where there is none. */
static const char *class_in(const fv_context *context, const json_t *row, const char *key) {
    const double class = fv_fact_number(row, key, -1);
    return class >= 0 ? fv_class_name(context->facts, fv_counted(class)) : "?";
}

void fv_table_mistakes(const fv_context *context, fv_buffer *out) {
    const json_t *mistakes = fv_fact_part(context->facts, "mistakes");
    size_t n = json_array_size(mistakes);
    char caption[80];
    if (n > MAX_ROWS)
        snprintf(caption, sizeof caption, "The %.20s worst of %.20s mistakes", fv_count_words(MAX_ROWS).s,
                 fv_count_words((double)n).s);
    else
        snprintf(caption, sizeof caption, "Every mistake, worst first");
    fv_table_open(out, caption, "test image|true|predicted|#p of true|#p of predicted|#loss");
    for (size_t i = 0; i < at_most(n, MAX_ROWS); i++) {
        const json_t *row = json_array_get(mistakes, i);
        fv_cell_header(out, fv_count_words(fv_fact_number(row, "index", 0)).s);
        fv_cell(out, class_in(context, row, "true"));
        fv_cell(out, class_in(context, row, "predicted"));
        const double p = fv_fact_number(row, "p_true", 0);
        fv_cell_number(out, p >= 0 && p < 0.00005 ? "< 0.0001" : fv_decimal(p, 4).s);
        fv_cell_number(out, fv_decimal(fv_fact_number(row, "p_predicted", 0), 4).s);
        fv_cell_number(out, fv_decimal(fv_fact_number(row, "loss", 0), 2).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}

void fv_table_kernels(const fv_context *context, fv_buffer *out) {
    const json_t *kernels = fv_fact_part(context->facts, "kernels"), *values = json_object_get(kernels, "values");
    int shape[4] = {0};
    size_t size;
    if (!fv_kernel_shape(kernels, shape, &size)) shape[0] = 0;
    const size_t k = (size_t)shape[0], width = (size_t)shape[3];
    fv_table_open(out, "Weights of the first layer, row by row", "kernel|weights");
    for (size_t i = 0; i < at_most(k, 64); i++) {
        fv_buffer row = {0};
        for (size_t j = 0; j < size; j++) {
            if (j) fv_put(&row, j % width == 0 ? " / " : "  ");
            fv_put(&row, fv_decimal(json_number_value(json_array_get(values, i * size + j)), 3).s);
        }
        fv_cell_header(out, fv_count_words((double)i + 1).s);
        fv_cell(out, fv_buffer_text(&row));
        fv_buffer_finish(&row, out);
        fv_table_row(out);
    }
    fv_table_close(out);
}

static void table_scores(const fv_context *context, const json_t *confusion, fv_buffer *out) {
    size_t n = json_array_size(confusion);
    size_t *counts = calloc(n * n + 1, sizeof *counts);
    fv_class_score *scores = calloc(n + 1, sizeof *scores);
    if (counts && scores) {
        for (size_t i = 0; i < n * n; i++)
            counts[i] = fv_counted(json_number_value(json_array_get(json_array_get(confusion, i / n), i % n)));
        fv_class_scores(counts, (int)n, scores);
        fv_table_open(out, "Per class", "class|#images|#right|#recall|#95\u202f% interval|#precision|#F1");
        for (size_t c = 0; c < n; c++) {
            fv_cell_header(out, fv_class_name(context->facts, c));
            fv_cell_number(out, fv_count_words((double)scores[c].n_true).s);
            fv_cell_number(out, fv_count_words((double)scores[c].n_correct).s);
            fv_cell_number(out, fv_percent(scores[c].recall, 1).s);
            fv_cell_number(out, fv_interval_words(fv_wilson(scores[c].n_correct, scores[c].n_true)).s);
            fv_cell_number(out, fv_percent(scores[c].precision, 1).s);
            fv_cell_number(out, fv_percent(scores[c].f1, 1).s);
            fv_table_row(out);
        }
        const fv_macro_score macro = fv_macro_scores(scores, (int)n);
        fv_cell_header(out, "mean over the classes");
        for (int k = 0; k < 2; k++) fv_cell_number(out, "");
        fv_cell_number(out, fv_percent(macro.accuracy, 1).s);
        fv_cell_number(out, "");
        fv_cell_number(out, fv_percent(macro.precision, 1).s);
        fv_cell_number(out, fv_percent(macro.f1, 1).s);
        fv_table_row(out);
        fv_table_close(out);
    } else
        out->failed = true;
    free(counts);
    free(scores);
}

static void table_matrix(const fv_context *context, const json_t *confusion, fv_buffer *out) {
    size_t n = json_array_size(confusion);
    fv_table_head(out, "Counts, a row per true class");
    fv_table_column(out, "true \\ predicted", false);
    for (size_t c = 0; c < n; c++) fv_table_column(out, fv_class_name(context->facts, c), true);
    fv_table_body(out);
    for (size_t t = 0; t < n; t++) {
        fv_cell_header(out, fv_class_name(context->facts, t));
        for (size_t p = 0; p < n; p++)
            fv_cell_number(out, fv_count_words(json_number_value(json_array_get(json_array_get(confusion, t), p))).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}

static void table_confused(const fv_context *context, const json_t *confusion, fv_buffer *out) {
    fv_pair pairs[MAX_PAIRS];
    size_t n = fv_confused_pairs(confusion, pairs, MAX_PAIRS);
    fv_table_open(out, "The most confused pairs", "true|predicted|#images");
    for (size_t i = 0; i < n; i++) {
        fv_cell_header(out, fv_class_name(context->facts, pairs[i].truth));
        fv_cell(out, fv_class_name(context->facts, pairs[i].predicted));
        fv_cell_number(out, fv_count_words((double)pairs[i].count).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}

void fv_table_confusion(const fv_context *context, fv_buffer *out) {
    const json_t *confusion = fv_fact_part(context->facts, "confusion");
    if (json_array_size(confusion) <= FV_COMPACT_CLASSES)
        table_matrix(context, confusion, out);
    else
        table_confused(context, confusion, out);
    table_scores(context, confusion, out);
}

void fv_table_embedding(const fv_context *context, fv_buffer *out) {
    const json_t *embedding = fv_fact_part(context->facts, "embedding");
    fv_table_open(out, "The map", "quantity|#value");
    fv_cell_header(out, "images");
    fv_cell_number(out, fv_count_words((double)context->report->n).s);
    fv_table_row(out);
    fv_cell_header(out, "features");
    fv_cell_number(out, fv_count_words(fv_fact_number(embedding, "n_features", 0)).s);
    fv_table_row(out);
    fv_cell_header(out, "perplexity");
    fv_cell_number(out, fv_significant(fv_fact_number(embedding, "perplexity", 0), 3).s);
    fv_table_row(out);
    fv_cell_header(out, "Kullback\u2013Leibler divergence");
    fv_cell_number(out, fv_decimal(fv_fact_number(embedding, "kl_divergence", 0), 3).s);
    fv_table_row(out);
    fv_cell_header(out, "ten nearest neighbours that stay, mean");
    fv_cell_number(out, fv_percent(fv_fact_number(embedding, "neighbour_agreement", 0), 1).s);
    fv_table_row(out);
    fv_table_close(out);
}

/* The class of a test image, by its place in the explained list. */
static const char *class_of(const fv_context *context, double index) {
    for (size_t i = 0; i < context->report->n; i++)
        if (context->report->predictions[i].index == index)
            return fv_class_name(context->facts, context->report->predictions[i].truth);
    return "?";
}

void fv_table_neighbours(const fv_context *context, fv_buffer *out) {
    const json_t *rows = fv_fact_part(context->facts, "neighbours");
    size_t n = 0;
    fv_table_open(out, "Each query and its neighbours, nearest first", "query|true|#rank|#test image|true|#distance");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *indices = json_object_get(row, "indices");
        double query = fv_fact_number(row, "query", 0);
        for (size_t k = 0; k < json_array_size(indices) && n < MAX_ROWS; k++, n++) {
            double index = json_number_value(json_array_get(indices, k));
            fv_cell_header(out, fv_count_words(query).s);
            fv_cell(out, class_of(context, query));
            fv_cell_number(out, fv_count_words((double)k + 1).s);
            fv_cell_number(out, fv_count_words(index).s);
            fv_cell(out, class_of(context, index));
            fv_cell_number(out,
                           fv_decimal(json_number_value(json_array_get(json_object_get(row, "distances"), k)), 2).s);
            fv_table_row(out);
        }
    }
    fv_table_close(out);
}
