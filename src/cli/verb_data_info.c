#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/audit.h"
#include "run_open.h"
#include "terminal.h"

enum { MOST_SHOWN = 3, MOST_LISTED = 1000, NAME = 400 };

static const cli_option options[] = {
    {"size", "HxW", "image files: height x width (the median, <= 64)"},
    {"fit", "HOW", "image files: stretch, pad or crop (stretch)"},
    {"channels", "N", "image files: 1 grey, 3 colour (by content)"},
    {"skip-bad", NULL, "leaves damaged image files out, however many"},
    {"transpose", NULL, "other files: exchanges rows and columns"},
    {"html", "FILE", "writes a contact sheet: classes, findings, images"},
    {"threads", "N", "0: all processors (0)"},
    {"json", NULL, "prints JSON"},
    {0},
};

static const cli_usage usage = {
    .verb = "data info",
    .arguments = "DATA",
    .about = "Audits a dataset: images per class and split, balance, images that are repeated\n"
             "exactly or nearly, inside a split or across them, contradictory labels, blank\n"
             "images. DATA is a name, a .npz or .csv file, a directory, or a folder of images:\n"
             "train/<class>/, test/<class>/ and val/<class>/, or <class>/ alone.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct info {
    fv_dataset *dataset;
    fv_audit *audit;
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
} info;

static void print_channels(const char *name, const float *x, int n) {
    printf("%-12s", name);
    for (int c = 0; c < n; c++) printf("%s%.4f", c ? ", " : " ", (double)x[c]);
    printf("\n");
}

static void print_counts(const char *name, const fv_duplicates *n) {
    printf("%-12s %s in train, %s in test, %s of test also in train\n", name, cli_count(n->in_train).s,
           cli_count(n->in_test).s, cli_count(n->across).s);
}

static const char *class_of(const info *f, size_t image) {
    return f->dataset->class_names[fv_audit_label(f->dataset, image)];
}

/* "    a.png (cat) = b.png (dog)" */
static void print_pairs(const info *f, const fv_pairs *pairs) {
    char image[NAME], like[NAME];
    for (size_t i = 0; i < pairs->n && i < MOST_SHOWN; i++) {
        const fv_pair *p = &pairs->at[i];
        fv_audit_name(f->dataset, p->image, image, sizeof image);
        fv_audit_name(f->dataset, p->like, like, sizeof like);
        printf("    %s (%s) %s %s (%s)\n", image, class_of(f, p->image), p->similarity < 1 ? "~" : "=", like,
               class_of(f, p->like));
    }
}

static void print_tally(const char *name, const fv_tally *rows, int n) {
    enum { MOST = 4 };
    if (n == 0) return;
    printf("%-12s", name);
    for (int i = 0; i < n && i < MOST; i++) printf("%s%s (%s)", i ? ", " : " ", rows[i].text, cli_count(rows[i].n).s);
    if (n > MOST) printf(" and %d more", n - MOST);
    printf("\n");
}

static void print_balance(const info *f) {
    const fv_dataset *d = f->dataset;
    const fv_audit *a = f->audit;
    size_t most = a->train[a->largest], least = a->train[a->smallest];
    printf("%-12s", "balance");
    if (most == least) {
        printf(" %s of each class\n", cli_count(most).s);
        return;
    }
    if (least)
        printf(" %.3g : 1", (double)most / (double)least);
    else
        printf(" a class is empty");
    printf(" (%s of %s, %s of %s)\n", cli_count(most).s, d->class_names[a->largest], cli_count(least).s,
           d->class_names[a->smallest]);
}

static void print_findings(const info *f) {
    const fv_dataset *d = f->dataset;
    const fv_audit *a = f->audit;
    char name[NAME];
    print_counts("duplicates", &a->exact.count);
    print_pairs(f, &a->exact);
    print_counts("near ones", &a->near.count);
    print_pairs(f, &a->near);
    if (a->n_partly)
        printf("    %s image%s like so many others that only a part was compared\n", cli_count(a->n_partly).s,
               a->n_partly == 1 ? " looks" : "s look");
    printf("%-12s %s image%s under two labels\n", "labels", cli_count(a->contradictory.n).s,
           a->contradictory.n == 1 ? "" : "s");
    print_pairs(f, &a->contradictory);
    printf("%-12s %s image%s constant or nearly so\n", "blank", cli_count(a->n_blank).s,
           a->n_blank == 1 ? " is" : "s are");
    for (size_t i = 0; i < a->n_blank && i < MOST_SHOWN; i++) {
        fv_audit_name(d, a->blank[i], name, sizeof name);
        printf("    %s (%s)\n", name, class_of(f, a->blank[i]));
    }
    print_balance(f);
    print_tally("sizes", a->sizes, a->n_sizes);
    print_tally("kinds", a->modes, a->n_modes);
    if (d->n_bad) printf("%-12s %s damaged files\n", "left out", cli_count(d->n_bad).s);
}

static void print_info(const info *f) {
    const fv_dataset *d = f->dataset;
    fv_shape s = d->train.shape;
    printf("%-12s %s train, %s test · %s · %d classes\n", d->name, cli_count(d->train.n).s, cli_count(d->test.n).s,
           cli_shape(s.c, s.h, s.w).s, d->n_classes);
    char *path = cli_shown(d->path);
    printf("%-12s %s\n", "path", path);
    free(path);
    if (d->test_set_aside) printf("%-12s 15 %% of each class, set aside: the files have none\n", "test");
    if (d->n_validation) printf("%-12s %s of train, by the files\n", "validation", cli_count(d->n_validation).s);
    print_channels("mean", f->mean, s.c);
    print_channels("deviation", f->std, s.c);
    print_findings(f);
    cli_table table = {.align = "lrr"};
    const char *head[] = {"class", "train", "test"};
    for (int j = 0; j < 3; j++) cli_cell(&table, "%s", head[j]);
    for (int i = 0; i < d->n_classes; i++) {
        cli_cell(&table, "%s", d->class_names[i]);
        cli_cell(&table, "%s", cli_count(f->audit->train[i]).s);
        cli_cell(&table, "%s", cli_count(f->audit->test[i]).s);
    }
    cli_table_print(&table, stdout);
}

/* ---- JSON ---- */

static json_t *counts_json(const fv_duplicates *n) {
    return json_pack("{sI sI sI}", "in_train", (json_int_t)n->in_train, "in_test", (json_int_t)n->in_test, "across",
                     (json_int_t)n->across);
}

static json_t *image_json(const info *f, size_t image) {
    char name[NAME];
    fv_audit_name(f->dataset, image, name, sizeof name);
    return json_pack("{ss ss}", "image", name, "class", class_of(f, image));
}

static json_t *pairs_json(const info *f, const fv_pairs *pairs) {
    json_t *list = json_array();
    for (size_t i = 0; i < pairs->n && i < MOST_LISTED; i++)
        json_array_append_new(list, json_pack("{so so sf}", "image", image_json(f, pairs->at[i].image), "like",
                                              image_json(f, pairs->at[i].like), "similarity",
                                              (double)pairs->at[i].similarity));
    return list;
}

static json_t *tally_json(const fv_tally *rows, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{ss sI}", "what", rows[i].text, "images", (json_int_t)rows[i].n));
    return list;
}

static json_t *findings_json(const info *f) {
    const fv_audit *a = f->audit;
    json_t *blank = json_array();
    for (size_t i = 0; i < a->n_blank && i < MOST_LISTED; i++) json_array_append_new(blank, image_json(f, a->blank[i]));
    return json_pack("{so so so so sI so sI so so so sI}", "duplicates", counts_json(&a->exact.count),
                     "duplicate_pairs", pairs_json(f, &a->exact), "near_duplicates", counts_json(&a->near.count),
                     "near_duplicate_pairs", pairs_json(f, &a->near), "n_partly_compared", (json_int_t)a->n_partly,
                     "contradictory_pairs", pairs_json(f, &a->contradictory), "n_blank", (json_int_t)a->n_blank,
                     "blank", blank, "sizes", tally_json(a->sizes, a->n_sizes), "kinds",
                     tally_json(a->modes, a->n_modes), "n_damaged", (json_int_t)f->dataset->n_bad);
}

static json_t *info_json(const info *f) {
    const fv_dataset *d = f->dataset;
    json_t *classes = json_array(), *mean = json_array(), *std = json_array();
    for (int i = 0; i < d->n_classes; i++)
        json_array_append_new(classes,
                              json_pack("{ss sI sI}", "name", d->class_names[i], "train",
                                        (json_int_t)f->audit->train[i], "test", (json_int_t)f->audit->test[i]));
    for (int c = 0; c < d->train.shape.c; c++) {
        json_array_append_new(mean, json_real((double)f->mean[c]));
        json_array_append_new(std, json_real((double)f->std[c]));
    }
    json_t *all = json_pack("{ss ss s[iii] sI sI sI sb so so}", "name", d->name, "path", d->path, "shape",
                            d->train.shape.c, d->train.shape.h, d->train.shape.w, "n_train", (json_int_t)d->train.n,
                            "n_validation", (json_int_t)d->n_validation, "n_test", (json_int_t)d->test.n,
                            "test_set_aside", (int)d->test_set_aside, "mean", mean, "std", std);
    json_t *findings = findings_json(f), *sums = json_pack("{ss ss so}", "train_sha256", d->train_sha256, "test_sha256",
                                                           d->test_sha256, "classes", classes);
    if (json_object_update(all, findings) != 0 || json_object_update(all, sums) != 0) {
        json_decref(all);
        all = NULL;
    }
    json_decref(findings);
    json_decref(sums);
    return all;
}

static fv_status show(const cli_line *line, info *f, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    const char *name = line->arguments[0], *html = cli_value(line, "html");
    if (strlen(name) >= sizeof config.dataset)
        return fv_fail(error, FV_E_ARGUMENT, "%.60s...: the path is too long: at most %zu characters", name,
                       sizeof config.dataset - 1);
    snprintf(config.dataset, sizeof config.dataset, "%s", name);
    FV_TRY(cli_dataset_fields(line, &config, error));
    FV_TRY(cli_field(line, "threads", &config, error));
    FV_TRY(cli_dataset_open(&config, NULL, &f->dataset, error));
    FV_TRY(cli_dataset_check(line, f->dataset, error));
    fv_status status = fv_pixel_statistics(&f->dataset->train, NULL, f->mean, f->std);
    if (status == FV_OK) status = fv_audit_create(f->dataset, cli_threads(config.threads), &f->audit);
    if (status != FV_OK) return fv_fail(error, status, "%s: %s", name, fv_status_text(status));
    if (html) FV_TRY(fv_audit_write_sheet(f->audit, f->dataset, html, error));
    if (cli_given(line, "json")) return cli_json_print(info_json(f), error);
    print_info(f);
    if (html) printf("%-12s %s\n", "sheet", html);
    return FV_OK;
}

int cli_data_info(int argc, const char **argv) {
    cli_line line;
    info f = {0};
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = show(&line, &f, &error);
    fv_audit_destroy(f.audit);
    fv_dataset_destroy(f.dataset);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
