/* The results of a study as a table. */
#include "study_table.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

enum { MOST_SEEDS = 100 };

static double number(const json_t *row, const char *key) {
    return json_number_value(json_object_get(row, key));
}

static const char *string(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void row(cli_table *table, const char *question, const char *what, const char *result, const char *more) {
    cli_cell(table, "%s", question);
    cli_cell(table, strlen(what) > 30 ? "%.27s..." : "%s", what);
    cli_cell(table, "%s", result);
    cli_cell(table, "%s", more);
}

/* One training: its interval. Several: their mean and deviation. */
static cli_text accuracy_of(const double *correct, double total, size_t n) {
    cli_text out;
    int decimals = cli_decimals((size_t)total);
    if (n == 1) return cli_accuracy((size_t)correct[0], (size_t)total, decimals);
    snprintf(out.s, sizeof out.s, "%.*f %% ± %.*f", decimals, 100 * fv_mean(correct, n) / total, decimals,
             100 * fv_deviation(correct, n) / total);
    return out;
}

/* "loss 0.0461", and the balanced accuracy where it tells more. */
static void add_more(cli_text *out, double loss, const fv_macro_score *macro, size_t correct, size_t total) {
    const bool differs = fv_macro_differs(macro, correct, total);
    snprintf(out->s, sizeof out->s, "loss %.4f%s%.12s", loss, differs ? " · balanced " : "",
             differs ? cli_percent(macro->accuracy, cli_decimals(total)).s : "");
}

/* The rows of `list` that agree with `first` in `key`, summarised by `prefix`_correct and `prefix`_loss; false where an
 * earlier row agrees, too. */
static bool summarise(const json_t *list, size_t first, const char *key, const char *prefix, cli_text *accuracy,
                      cli_text *loss) {
    double correct[MOST_SEEDS], losses[MOST_SEEDS], total = 1;
    char names[4][40];
    fv_macro_score macro = {0};
    size_t n = 0;
    snprintf(names[0], sizeof names[0], "%s_correct", prefix);
    snprintf(names[1], sizeof names[1], "%s_total", prefix);
    snprintf(names[2], sizeof names[2], "%s_loss", prefix);
    snprintf(names[3], sizeof names[3], "%s_macro_accuracy", prefix);
    const json_t *own = json_object_get(json_array_get(list, first), key);
    for (size_t i = 0; i < json_array_size(list) && n < MOST_SEEDS; i++) {
        const json_t *other = json_array_get(list, i);
        if (!json_equal(json_object_get(other, key), own)) continue;
        if (i < first) return false;
        correct[n] = number(other, names[0]);
        macro.accuracy += number(other, names[3]);
        losses[n++] = number(other, names[2]);
        total = number(other, names[1]);
    }
    *accuracy = accuracy_of(correct, total, n);
    macro.accuracy /= (double)n;
    add_more(loss, fv_mean(losses, n), &macro, (size_t)fv_mean(correct, n), (size_t)total);
    return true;
}

static void trainings(cli_table *table, const json_t *study, const char *question, const char *part) {
    const json_t *list = json_object_get(study, part);
    cli_text accuracy, loss;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (summarise(list, i, "name", "validation", &accuracy, &loss))
            row(table, i ? "" : question, string(json_array_get(list, i), "name"), accuracy.s, loss.s);
}

static void scaling(cli_table *table, const json_t *study) {
    const json_t *list = json_object_get(study, "scaling"), *fit = json_object_get(study, "scaling_fit");
    cli_text accuracy, loss;
    for (size_t i = 0; i < json_array_size(list); i++) {
        char what[96];
        if (!summarise(list, i, "n_train", "test", &accuracy, &loss)) continue;
        snprintf(what, sizeof what, "%s images", cli_count((size_t)number(json_array_get(list, i), "n_train")).s);
        row(table, i ? "" : "3 scaling", what, accuracy.s, loss.s);
    }
    if (!fit) return;
    char law[96];
    snprintf(law, sizeof law, "n^%.2f (%.2f-%.2f)", 0 - number(fit, "exponent"), number(fit, "exponent_low"),
             number(fit, "exponent_high"));
    row(table, "", "error falls as", law, "");
}

static const char *class_name(const json_t *study, size_t index) {
    const json_t *names = json_object_get(json_object_get(study, "dataset"), "class_names");
    const char *name = json_string_value(json_array_get(names, index));
    return name ? name : "?";
}

/* The most confused pair. */
static void confusion(cli_table *table, const json_t *study) {
    const json_t *matrix = json_object_get(study, "confusion");
    size_t n = json_array_size(matrix), from = 0, to = 0;
    double most = 0;
    if (!n) return;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double count = json_number_value(json_array_get(json_array_get(matrix, i), j));
            if (i == j || count <= most) continue;
            most = count;
            from = i;
            to = j;
        }
    char what[160] = "nothing", times[32] = "";
    if (most > 0) {
        snprintf(what, sizeof what, "%.70s -> %.70s", class_name(study, from), class_name(study, to));
        snprintf(times, sizeof times, "%.0f image%s", most, most > 1 ? "s" : "");
    }
    row(table, "6 confusion", what, times, "most often");
}

static void explained(cli_table *table, const json_t *study) {
    const json_t *final = json_object_get(study, "final"), *mistakes = json_object_get(study, "mistakes");
    const json_t *kernels = json_object_get(study, "kernels"), *embedding = json_object_get(study, "embedding");
    const json_t *neighbours = json_object_get(study, "neighbours");
    char text[96];
    if (final) {
        size_t correct = (size_t)number(final, "test_correct"), total = (size_t)number(final, "test_total");
        const fv_macro_score macro = {.accuracy = number(final, "test_macro_accuracy")};
        cli_text more;
        add_more(&more, number(final, "test_loss"), &macro, correct, total);
        row(table, "test", string(final, "model"), cli_accuracy(correct, total, cli_decimals(total)).s, more.s);
        if (mistakes) {
            snprintf(text, sizeof text, "of %s", cli_count(total).s);
            row(table, "4 mistakes", cli_count(json_array_size(mistakes)).s, text, "");
        }
    }
    if (kernels) {
        const json_t *shape = json_object_get(kernels, "shape");
        snprintf(text, sizeof text, "%d of %dx%d", (int)json_integer_value(json_array_get(shape, 0)),
                 (int)json_integer_value(json_array_get(shape, 2)), (int)json_integer_value(json_array_get(shape, 3)));
        row(table, "5 kernels", text, "", "");
    }
    confusion(table, study);
    if (embedding) {
        snprintf(text, sizeof text, "%s kept", cli_percent(number(embedding, "neighbour_agreement"), 0).s);
        row(table, "7 embedding", "10 nearest", text, "");
    }
    if (neighbours) row(table, "8 neighbours", cli_count(json_array_size(neighbours)).s, "queries", "");
}

static fv_status load(const char *directory, json_t **study, fv_error *error) {
    char path[1200];
    json_error_t reason;
    snprintf(path, sizeof path, "%.1000s/study.json", directory);
    *study = json_load_file(path, 0, &reason);
    return *study ? FV_OK : fv_fail(error, FV_E_IO, "%s: could not be read back: %s", path, reason.text);
}

fv_status cli_study_print(const char *directory, fv_error *error) {
    json_t *study;
    FV_TRY(load(directory, &study, error));
    cli_table table = {.align = "llll"};
    row(&table, "question", "of", "result", "");
    trainings(&table, study, "1 augmentation", "augmentation");
    trainings(&table, study, "2 architecture", "architecture");
    scaling(&table, study);
    explained(&table, study);
    cli_table_print(&table, stdout);
    char *shown = cli_shown(directory);
    printf("done in %s · %s/report.html\n", cli_duration(number(json_object_get(study, "time_s"), "total")).s, shown);
    free(shown);
    json_decref(study);
    return FV_OK;
}

fv_status cli_study_copy(const char *directory, fv_error *error) {
    json_t *study;
    FV_TRY(load(directory, &study, error));
    bool written = json_dumpf(study, stdout, JSON_INDENT(1)) == 0;
    putchar('\n');
    json_decref(study);
    return written ? FV_OK : fv_fail(error, FV_E_IO, "standard output: could not be written");
}
