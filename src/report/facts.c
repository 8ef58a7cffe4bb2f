#include "report/facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "formats/json_text.h"
#include "fovea/data.h"
#include "report/numbers.h"

double fv_fact_number(const json_t *object, const char *key, double fallback) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

double fv_fact_error(const json_t *object, const char *key, double fallback) {
    const double error = fv_fact_number(object, key, fallback);
    return error > 1 ? 1 : error;
}

size_t fv_counted(double number) {
    return number >= 0 && number <= 0x1p53 ? (size_t)llround(number) : 0;
}

const char *fv_fact_text(const json_t *object, const char *key, const char *fallback) {
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? json_string_value(value) : fallback;
}

const json_t *fv_fact_part(const fv_facts *facts, const char *key) {
    const json_t *part = json_object_get(facts->root, key);
    if (json_is_array(part) && json_array_size(part) == 0) return NULL;
    return json_is_null(part) ? NULL : part;
}

const char *fv_class_name(const fv_facts *facts, size_t class) {
    const json_t *name = json_array_get(json_object_get(facts->dataset, "class_names"), class);
    return json_is_string(name) ? json_string_value(name) : "?";
}

/* More than any figure of a study, the widest forecast included: sums and multiples of such stay finite, as JSON's own
 * numbers must. */
static const double most = 1e250;

static bool figures_are_sane(const json_t *json) {
    if (json_is_number(json)) return fabs(json_number_value(json)) <= most;
    for (size_t i = 0; i < json_array_size(json); i++)
        if (!figures_are_sane(json_array_get(json, i))) return false;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, key, value) if (!figures_are_sane(value)) return false;
    return true;
}

/* A set's name as its makers write it. */
static void display_name(const char *name, char *out, size_t size) {
    static const char *const known[][2] = {{"mnist", "MNIST"},
                                           {"fashion-mnist", "Fashion\u2011MNIST"},
                                           {"kmnist", "Kuzushiji\u2011MNIST"},
                                           {"emnist", "EMNIST"},
                                           {"digits", "the UCI digits"},
                                           {"cifar10", "CIFAR\u201110"},
                                           {"cifar100", "CIFAR\u2011100"},
                                           {"svhn", "SVHN"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i][0])) name = known[i][1];
    memcpy(out, fv_cut_words(name, size - 1).s, size);
}

fv_status fv_facts_read(const char *study_json, fv_facts *out, fv_error *error) {
    json_error_t where;
    *out = (fv_facts){0};
    if (fv_json_parse(study_json, strlen(study_json), 0, &out->root, &where) == FV_E_MEMORY)
        return fv_fail(error, FV_E_MEMORY, "study.json: out of memory");
    if (!out->root) return fv_fail(error, FV_E_DATA, "study.json: line %d: %s", where.line, where.text);
    out->dataset = json_object_get(out->root, "dataset");
    out->config = json_object_get(out->root, "config");
    out->final = json_object_get(out->root, "final");
    out->is_run = !strcmp(fv_fact_text(out->root, "kind", "study"), "run");
    size_t n_seeds = json_array_size(json_object_get(out->config, "seeds"));
    out->n_seeds = n_seeds ? (int)n_seeds : 1;
    double n_classes = fv_fact_number(out->dataset, "n_classes", 0);
    const json_t *names = json_object_get(out->dataset, "class_names");
    if (n_classes < 2 || n_classes > FV_MAX_CLASSES || json_array_size(names) != (size_t)n_classes) {
        fv_facts_deinit(out);
        return fv_fail(error, FV_E_DATA, "study.json: `dataset` must hold n_classes (2 to %d) and as many class_names",
                       FV_MAX_CLASSES);
    }
    if (!figures_are_sane(out->root)) {
        fv_facts_deinit(out);
        return fv_fail(error, FV_E_DATA, "study.json: holds a figure beyond %g, which no study has", most);
    }
    const size_t n_confusion = json_array_size(fv_fact_part(out, "confusion"));
    if (n_confusion != 0 && n_confusion != (size_t)n_classes) {
        fv_facts_deinit(out);
        return fv_fail(error, FV_E_DATA, "study.json: `confusion` has %zu rows; %.0f, one for each class, are right",
                       n_confusion, n_classes);
    }
    out->n_classes = (int)n_classes;
    display_name(fv_fact_text(out->dataset, "name", "the data"), out->name, sizeof out->name);
    return FV_OK;
}

void fv_facts_deinit(fv_facts *facts) {
    json_decref(facts->root);
    *facts = (fv_facts){0};
}

static double member_or(const json_t *row, const char *split, const char *what, double fallback) {
    char key[40];
    snprintf(key, sizeof key, "%s_%s", split, what);
    return fv_fact_number(row, key, fallback);
}

static double member(const json_t *row, const char *split, const char *what) {
    return member_or(row, split, what, 0);
}

/* NaN lies outside of nothing. */
static bool macro_differs(const fv_macro_score *macro, double correct, double total) {
    return total > 0 && correct >= 0 && correct <= total &&
           fv_macro_differs(macro, fv_counted(correct), fv_counted(total));
}

bool fv_fact_macro(const json_t *object, const char *split, fv_macro_score *macro) {
    *macro = (fv_macro_score){.accuracy = member_or(object, split, "macro_accuracy", NAN),
                              .f1 = member_or(object, split, "macro_f1", NAN)};
    return macro_differs(macro, member(object, split, "correct"), member(object, split, "total"));
}

static void add_measure(fv_measure *measure, const json_t *row, const char *split) {
    double total = (double)fv_counted(member(row, split, "total"));
    const double correct = (double)fv_counted(member(row, split, "correct"));
    if (!strcmp(split, "train") && total == 0) total = (double)fv_counted(fv_fact_number(row, "n_train", 0));
    double accuracy = total > 0 ? correct / total : 0;
    if (measure->total == 0) measure->low_seed = measure->high_seed = accuracy;
    measure->low_seed = fmin(measure->low_seed, accuracy);
    measure->high_seed = fmax(measure->high_seed, accuracy);
    measure->correct += correct;
    measure->total += total;
    measure->accuracy += accuracy;
    measure->loss += member(row, split, "loss");
    measure->macro.accuracy += member_or(row, split, "macro_accuracy", NAN);
    measure->macro.f1 += member_or(row, split, "macro_f1", NAN);
}

static void finish_measure(fv_measure *measure, int n) {
    measure->correct /= n;
    measure->total /= n;
    measure->accuracy /= n;
    measure->loss /= n;
    measure->macro.accuracy /= n;
    measure->macro.f1 /= n;
    measure->macro_differs = macro_differs(&measure->macro, measure->correct, measure->total);
    measure->interval = fv_wilson(fv_counted(measure->correct), fv_counted(measure->total));
}

static fv_group *find_group(fv_group *groups, size_t n, const json_t *row, const char *key) {
    for (size_t i = 0; i < n; i++)
        if (json_equal(json_object_get(groups[i].first, key), json_object_get(row, key))) return &groups[i];
    return NULL;
}

size_t fv_group_rows(const json_t *rows, const char *key, const char *held, fv_group *out) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        fv_group *group = find_group(out, n, row, key);
        if (!group) {
            if (n == FV_MAX_GROUPS) continue;
            group = &out[n++];
            *group = (fv_group){
                .first = row, .name = fv_fact_text(row, "name", ""), .n_train = fv_fact_number(row, "n_train", 0)};
        }
        group->n++;
        group->time_s += fv_fact_number(row, "time_s", 0);
        add_measure(&group->train, row, "train");
        add_measure(&group->held, row, held);
    }
    for (size_t i = 0; i < n; i++) {
        out[i].time_s /= out[i].n;
        finish_measure(&out[i].train, out[i].n);
        finish_measure(&out[i].held, out[i].n);
    }
    return n;
}

/* The row of `rows` that compares the two, and its direction: +1 for a - b, -1 for b - a, 0 for none. */
static int find_pair(const json_t *rows, const char *a, const char *b, const json_t **out) {
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *row_a = fv_fact_text(row, "a", ""), *row_b = fv_fact_text(row, "b", "");
        *out = row;
        if (!strcmp(row_a, a) && !strcmp(row_b, b)) return 1;
        if (!strcmp(row_a, b) && !strcmp(row_b, a)) return -1;
    }
    return 0;
}

static fv_comparison compare_seeds(const json_t *row, int sign) {
    double mean = fv_fact_number(row, "mean", 0), low = fv_fact_number(row, "low", -1),
           high = fv_fact_number(row, "high", 1);
    fv_comparison out = {.known = true, .by_seeds = true, .difference = sign * mean};
    out.low = sign > 0 ? low : -high;
    out.high = sign > 0 ? high : -low;
    out.distinct = out.low > 0 || out.high < 0;
    return out;
}

fv_comparison fv_compare_groups(const fv_facts *facts, const char *part, const fv_group *a, const fv_group *b) {
    char key[64];
    const json_t *row;
    snprintf(key, sizeof key, "%s_differences", part);
    int sign = find_pair(fv_fact_part(facts, key), a->name, b->name, &row);
    if (sign) return compare_seeds(row, sign);
    fv_comparison out = {.difference = a->held.accuracy - b->held.accuracy, .p = 1};
    snprintf(key, sizeof key, "%s_tests", part);
    /* One pair of networks: with several seeds their tests are never pooled. */
    if (a->n != 1 || !find_pair(fv_fact_part(facts, key), a->name, b->name, &row)) return out;
    out.known = true;
    out.p = fv_fact_number(row, "p", 1);
    out.distinct = out.p < 0.05;
    return out;
}
