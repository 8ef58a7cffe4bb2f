#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_open.h"
#include "terminal.h"

static const cli_option options[] = {
    {"size", "HxW", "image files: height x width (the median, <= 64)"},
    {"fit", "HOW", "image files: stretch, pad or crop (stretch)"},
    {"channels", "N", "image files: 1 grey, 3 colour (by content)"},
    {"skip-bad", NULL, "leaves damaged image files out, however many"},
    {"json", NULL, "prints JSON"},
    {0},
};

static const cli_usage usage = {
    .verb = "data",
    .arguments = "list | info DATA | preview DATA",
    .about = "Lists the known datasets, or shows one: images per class and split, size, mean,\n"
             "standard deviation, duplicates; `fovea data preview --help` shows augmentation.\n"
             "DATA is a name, a directory of its files, or\n"
             "a folder of images: train/<class>/ and test/<class>/, or <class>/ alone.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
};

static fv_status list_sets(bool json, fv_error *error) {
    fv_dataset_entry entry;
    json_t *list = json_array();
    cli_table table = {.align = "lll"};
    const char *head[] = {"name", "where", "what"};
    for (int j = 0; j < 3; j++) cli_cell(&table, "%s", head[j]);
    for (int i = 0; fv_dataset_list(i, &entry); i++) {
        json_array_append_new(list, json_pack("{ss ss ss}", "name", entry.name, "path", entry.path, "how", entry.how));
        cli_cell(&table, "%s", entry.name);
        cli_cell(&table, "%s", *entry.path ? entry.path : "absent");
        cli_cell(&table, "%s", entry.how);
    }
    if (json) {
        cli_table_free(&table);
        return cli_json_print(list, error);
    }
    json_decref(list);
    cli_table_print(&table, stdout);
    return FV_OK;
}

typedef struct facts {
    const fv_dataset *dataset;
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_duplicates duplicates;
    size_t *train, *test; /* [n_classes] images */
} facts;

static fv_status find_facts(facts *f) {
    const fv_dataset *d = f->dataset;
    FV_TRY(fv_pixel_statistics(&d->train, NULL, f->mean, f->std));
    FV_TRY(fv_count_duplicates(d, &f->duplicates));
    f->train = calloc((size_t)d->n_classes, sizeof *f->train);
    f->test = calloc((size_t)d->n_classes, sizeof *f->test);
    if (!f->train || !f->test) return FV_E_MEMORY;
    for (size_t i = 0; i < d->train.n; i++) f->train[d->train.labels[i]]++;
    for (size_t i = 0; i < d->test.n; i++) f->test[d->test.labels[i]]++;
    return FV_OK;
}

static void print_channels(const char *name, const float *x, int n) {
    printf("%-12s", name);
    for (int c = 0; c < n; c++) printf("%s%.4f", c ? ", " : " ", (double)x[c]);
    printf("\n");
}

static void print_info(const facts *f) {
    const fv_dataset *d = f->dataset;
    fv_shape s = d->train.shape;
    printf("%-12s %s train, %s test · %s · %d classes\n", d->name, cli_count(d->train.n).s, cli_count(d->test.n).s,
           cli_shape(s.c, s.h, s.w).s, d->n_classes);
    printf("%-12s %s\n", "path", d->path);
    print_channels("mean", f->mean, s.c);
    print_channels("deviation", f->std, s.c);
    printf("%-12s %s in train, %s in test, %s of test also in train\n", "duplicates",
           cli_count(f->duplicates.in_train).s, cli_count(f->duplicates.in_test).s, cli_count(f->duplicates.across).s);
    if (d->test_set_aside) printf("%-12s 15 %% of each class, set aside: the files have none\n", "test");
    cli_table table = {.align = "lrr"};
    const char *head[] = {"class", "train", "test"};
    for (int j = 0; j < 3; j++) cli_cell(&table, "%s", head[j]);
    for (int i = 0; i < d->n_classes; i++) {
        cli_cell(&table, "%s", d->class_names[i]);
        cli_cell(&table, "%s", cli_count(f->train[i]).s);
        cli_cell(&table, "%s", cli_count(f->test[i]).s);
    }
    cli_table_print(&table, stdout);
}

static json_t *info_json(const facts *f) {
    const fv_dataset *d = f->dataset;
    json_t *classes = json_array(), *mean = json_array(), *std = json_array();
    for (int i = 0; i < d->n_classes; i++)
        json_array_append_new(classes, json_pack("{ss sI sI}", "name", d->class_names[i], "train",
                                                 (json_int_t)f->train[i], "test", (json_int_t)f->test[i]));
    for (int c = 0; c < d->train.shape.c; c++) {
        json_array_append_new(mean, json_real((double)f->mean[c]));
        json_array_append_new(std, json_real((double)f->std[c]));
    }
    return json_pack("{ss ss s[iii] sI sI sb so so s{sI sI sI} ss ss so}", "name", d->name, "path", d->path, "shape",
                     d->train.shape.c, d->train.shape.h, d->train.shape.w, "n_train", (json_int_t)d->train.n, "n_test",
                     (json_int_t)d->test.n, "test_set_aside", (int)d->test_set_aside, "mean", mean, "std", std,
                     "duplicates", "in_train", (json_int_t)f->duplicates.in_train, "in_test",
                     (json_int_t)f->duplicates.in_test, "across", (json_int_t)f->duplicates.across, "train_sha256",
                     d->train_sha256, "test_sha256", d->test_sha256, "classes", classes);
}

static fv_status show_info(const cli_line *line, bool json, fv_error *error) {
    const char *name = line->arguments[1];
    fv_run_config config = fv_run_config_defaults();
    fv_dataset *dataset;
    FV_TRY(cli_dataset_fields(line, &config, error));
    snprintf(config.dataset, sizeof config.dataset, "%s", name);
    FV_TRY(cli_dataset_open(&config, NULL, &dataset, error));
    facts f = {.dataset = dataset};
    fv_status status = find_facts(&f);
    if (status != FV_OK)
        fv_fail(error, status, "%s: %s", name, fv_status_text(status));
    else if (json)
        status = cli_json_print(info_json(&f), error);
    else
        print_info(&f);
    free(f.train);
    free(f.test);
    fv_dataset_destroy(dataset);
    return status;
}

static fv_status data(const cli_line *line, fv_error *error) {
    const char *what = line->arguments[0];
    bool json = cli_given(line, "json");
    if (strcmp(what, "list") == 0) {
        if (line->n_arguments == 1) return list_sets(json, error);
        return fv_fail(error, FV_E_ARGUMENT, "%.200s: one argument too many: give `fovea data list`",
                       line->arguments[1]);
    }
    if (strcmp(what, "info") == 0) {
        if (line->n_arguments == 2) return show_info(line, json, error);
        return fv_fail(error, FV_E_ARGUMENT, "data info: no dataset is named: give `fovea data info DATA`");
    }
    return fv_fail(error, FV_E_ARGUMENT, "data: `%.100s` is nothing it does: give list, info or preview", what);
}

/* Parts of the verb with options of their own. */
static const cli_verb parts[] = {
    {"preview", "draws what augmentation makes of images", cli_data_preview},
    {NULL, NULL, NULL},
};

int cli_data(int argc, const char **argv) {
    for (const cli_verb *part = parts; argc > 1 && part->name; part++)
        if (strcmp(argv[1], part->name) == 0) return part->run(argc - 1, argv + 1);
    cli_line line;
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = data(&line, &error);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
