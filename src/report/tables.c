#include "report/tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/numbers.h"

void fv_table_head(fv_buffer *out, const char *caption) {
    fv_put(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    fv_put_escaped(out, caption);
    fv_put(out, "\"><table><caption>");
    fv_put_escaped(out, caption);
    fv_put(out, "</caption><thead><tr>");
}

void fv_table_column(fv_buffer *out, const char *title, bool number) {
    fv_put(out, number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
    fv_put_escaped(out, title);
    fv_put(out, "</th>");
}

void fv_table_body(fv_buffer *out) {
    fv_put(out, "</tr></thead><tbody>\n<tr>");
}

void fv_table_open(fv_buffer *out, const char *caption, const char *columns) {
    fv_table_head(out, caption);
    for (const char *at = columns; *at;) {
        size_t length = strcspn(at, "|");
        bool number = *at == '#';
        char title[256];
        snprintf(title, sizeof title, "%.*s", (int)length - number, at + number);
        fv_table_column(out, title, number);
        at += length + (at[length] == '|');
    }
    fv_table_body(out);
}

void fv_table_row(fv_buffer *out) {
    fv_put(out, "</tr>\n<tr>");
}

void fv_table_close(fv_buffer *out) {
    /* The last row that was started stays empty. */
    if (out->n >= 4 && !strcmp(out->data + out->n - 4, "<tr>")) out->data[out->n -= 4] = 0;
    fv_put(out, "</tbody></table></div>\n");
}

void fv_cell(fv_buffer *out, const char *text) {
    fv_put(out, "<td>");
    fv_put_escaped(out, text);
    fv_put(out, "</td>");
}

void fv_cell_number(fv_buffer *out, const char *text) {
    fv_put(out, "<td class=\"n\">");
    fv_put_escaped(out, text);
    fv_put(out, "</td>");
}

void fv_cell_header(fv_buffer *out, const char *text) {
    fv_put(out, "<th scope=\"row\">");
    fv_put_escaped(out, text);
    fv_put(out, "</th>");
}

/* A digit more than the held-out interval leaves, for whoever compares rows. */
static int accuracy_decimals(const fv_measure *held) {
    const int decimals = fv_percent_decimals((held->interval.high - held->interval.low) / 2) + 1;
    return decimals < 2 ? decimals : 2;
}

static void cell_accuracy(fv_buffer *out, const fv_measure *measure) {
    fv_cell_number(out, fv_percent(measure->accuracy, accuracy_decimals(measure)).s);
    fv_cell_number(out, fv_interval_words(measure->interval).s);
}

/* Mean and deviation over seeds of the row's held-out accuracy; nothing for one seed. */
static void table_pairs(const fv_context *context, const char *part, fv_buffer *out) {
    char key[64];
    snprintf(key, sizeof key, "%s_differences", part);
    const json_t *differences = fv_fact_part(context->facts, key);
    if (differences) {
        fv_table_open(out, "Differences of validation accuracy, mean over seeds with paired 95\u202f% t interval",
                      "a|b|#seeds|#a \u2212 b, points|#low|#high");
        for (size_t i = 0; i < json_array_size(differences); i++) {
            const json_t *row = json_array_get(differences, i);
            fv_cell_header(out, fv_fact_text(row, "a", ""));
            fv_cell(out, fv_fact_text(row, "b", ""));
            fv_cell_number(out, fv_count_words(fv_fact_number(row, "n_seeds", 0)).s);
            fv_cell_number(out, fv_decimal(100 * fv_fact_number(row, "mean", 0), 2).s);
            fv_cell_number(out, fv_decimal(100 * fv_fact_number(row, "low", 0), 2).s);
            fv_cell_number(out, fv_decimal(100 * fv_fact_number(row, "high", 0), 2).s);
            fv_table_row(out);
        }
        fv_table_close(out);
    }
    snprintf(key, sizeof key, "%s_tests", part);
    const json_t *tests = fv_fact_part(context->facts, key);
    if (!tests) return;
    fv_table_open(out, "McNemar\u2019s exact test on the same validation images, per seed",
                  "a|b|#seed|#right with a alone|#right with b alone|#p");
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *row = json_array_get(tests, i);
        double p = fv_fact_number(row, "p", 1);
        fv_cell_header(out, fv_fact_text(row, "a", ""));
        fv_cell(out, fv_fact_text(row, "b", ""));
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "seed", 0)).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "only_a", 0)).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "only_b", 0)).s);
        fv_cell_number(out, p < 1e-4 ? "< 0.0001" : fv_decimal(p, 4).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}

/* Columns of macro averages stand where they tell more than the accuracy for any of the rows. */
static bool rows_differ(const json_t *rows, const char *split) {
    fv_macro_score macro;
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (fv_fact_macro(json_array_get(rows, i), split, &macro)) return true;
    return false;
}

static void cell_macro(fv_buffer *out, const fv_macro_score *macro) {
    fv_cell_number(out, isnan(macro->accuracy) ? "" : fv_percent(macro->accuracy, 2).s);
    fv_cell_number(out, isnan(macro->f1) ? "" : fv_percent(macro->f1, 2).s);
}

/* A row per training, as study.json holds them. */
static void table_trainings(const json_t *rows, const char *caption, fv_buffer *out) {
    fv_macro_score macro;
    const bool differ = rows_differ(rows, "validation");
    fv_table_open(out, caption,
                  differ ? "name|#seed|#train right|#of|#train loss|#validation right|#of|#balanced|#macro "
                           "F1|#validation loss|#time"
                         : "name|#seed|#train right|#of|#train loss|#validation right|#of|#validation loss|#time");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        fv_cell_header(out, fv_fact_text(row, "name", ""));
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "seed", 0)).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "train_correct", 0)).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "train_total", 0)).s);
        fv_cell_number(out, fv_decimal(fv_fact_number(row, "train_loss", 0), 4).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "validation_correct", 0)).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "validation_total", 0)).s);
        (void)fv_fact_macro(row, "validation", &macro);
        if (differ) cell_macro(out, &macro);
        fv_cell_number(out, fv_decimal(fv_fact_number(row, "validation_loss", 0), 4).s);
        fv_cell_number(out, fv_seconds(fv_fact_number(row, "time_s", 0)).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}

void fv_table_augmentation(const fv_context *context, fv_buffer *out) {
    table_trainings(fv_fact_part(context->facts, "augmentation"),
                    "Every training; train images are seen under its augmentation", out);
    table_pairs(context, "augmentation", out);
}

void fv_table_architecture(const fv_context *context, fv_buffer *out) {
    table_trainings(fv_fact_part(context->facts, "architecture"), "Every training", out);
    table_pairs(context, "architecture", out);
}

void fv_table_models(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(fv_fact_part(context->facts, "architecture"), "name", "validation", groups);
    bool differ = false;
    for (size_t i = 0; i < n; i++) differ = differ || groups[i].held.macro_differs;
    fv_table_open(out, "The architectures",
                  differ ? "model|#weights|#multiply-adds|#validation|#95\u202f% interval|#balanced|#macro "
                           "F1|#loss|#train|#time"
                         : "model|#weights|#multiply-adds|#validation|#95\u202f% interval|#loss|#train|#time");
    for (size_t i = 0; i < n; i++) {
        fv_cell_header(out, groups[i].name);
        fv_cell_number(out, fv_count_words(fv_fact_number(groups[i].first, "parameters", 0)).s);
        fv_cell_number(out, fv_short_count(fv_fact_number(groups[i].first, "multiply_adds", 0)).s);
        cell_accuracy(out, &groups[i].held);
        if (differ) cell_macro(out, &groups[i].held.macro);
        fv_cell_number(out, fv_decimal(groups[i].held.loss, 4).s);
        fv_cell_number(out, fv_percent(groups[i].train.accuracy, accuracy_decimals(&groups[i].held)).s);
        fv_cell_number(out, fv_seconds(groups[i].time_s).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}

void fv_table_scaling(const fv_context *context, fv_buffer *out) {
    const json_t *rows = fv_fact_part(context->facts, "scaling");
    const bool differ = rows_differ(rows, "test");
    fv_macro_score macro;
    fv_table_open(
        out, "Every training",
        differ ? "images|#fraction|#seed|#test right|#of|#error|#balanced|#macro F1|#test loss|#train right|#time"
               : "images|#fraction|#seed|#test right|#of|#error|#test loss|#train right|#time");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const double total = (double)fv_counted(fv_fact_number(row, "test_total", 0));
        const double correct = (double)fv_counted(fv_fact_number(row, "test_correct", 0));
        fv_cell_header(out, fv_count_words(fv_fact_number(row, "n_train", 0)).s);
        fv_cell_number(out, fv_significant(fv_fact_number(row, "fraction", 0), 3).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "seed", 0)).s);
        fv_cell_number(out, fv_count_words(correct).s);
        fv_cell_number(out, fv_count_words(total).s);
        fv_cell_number(out, fv_percent(total > 0 ? 1 - correct / total : NAN, 2).s);
        (void)fv_fact_macro(row, "test", &macro);
        if (differ) cell_macro(out, &macro);
        fv_cell_number(out, fv_decimal(fv_fact_number(row, "test_loss", 0), 4).s);
        fv_cell_number(out, fv_count_words(fv_fact_number(row, "train_correct", 0)).s);
        fv_cell_number(out, fv_seconds(fv_fact_number(row, "time_s", 0)).s);
        fv_table_row(out);
    }
    fv_table_close(out);
    const json_t *forecast = json_object_get(fv_fact_part(context->facts, "scaling_fit"), "forecast");
    if (!json_array_size(forecast)) return;
    fv_table_open(out, "Forecast by the fitted line, with the 95\u202f% interval of a new training",
                  "images|#error|#low|#high");
    for (size_t i = 0; i < json_array_size(forecast); i++) {
        const json_t *row = json_array_get(forecast, i);
        fv_cell_header(out, fv_count_words(fv_fact_number(row, "n_train", 0)).s);
        fv_cell_number(out, fv_percent(fv_fact_error(row, "error", 0), 2).s);
        fv_cell_number(out, fv_percent(fv_fact_error(row, "low", 0), 2).s);
        fv_cell_number(out, fv_percent(fv_fact_error(row, "high", 1), 2).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}

void fv_table_history(const fv_context *context, fv_buffer *out) {
    const json_t *history = fv_fact_part(context->facts, "history");
    fv_table_open(out, "Every epoch", "epoch|#train loss|#train accuracy|#validation loss|#validation accuracy|#time");
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *row = json_array_get(history, i);
        bool held = json_is_number(json_object_get(row, "validation_loss"));
        fv_cell_header(out, fv_count_words(fv_fact_number(row, "epoch", 0)).s);
        fv_cell_number(out, fv_decimal(fv_fact_number(row, "train_loss", 0), 4).s);
        fv_cell_number(out, fv_percent(fv_fact_number(row, "train_accuracy", 0), 2).s);
        fv_cell_number(out, held ? fv_decimal(fv_fact_number(row, "validation_loss", 0), 4).s : "");
        fv_cell_number(out, held ? fv_percent(fv_fact_number(row, "validation_accuracy", 0), 2).s : "");
        fv_cell_number(out, fv_seconds(fv_fact_number(row, "time_s", 0)).s);
        fv_table_row(out);
    }
    fv_table_close(out);
}
