#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_get.h"
#include "run_open.h"
#include "terminal.h"

static const cli_option options[] = {
<<<<<<< HEAD
=======
    {"size", "HxW", "image files: height x width (the median, <= 64)"},
    {"fit", "HOW", "image files: stretch, pad or crop (stretch)"},
    {"channels", "N", "image files: 1 grey, 3 colour (by content)"},
    {"skip-bad", NULL, "leaves damaged image files out, however many"},
    {"transpose", NULL, "other files: exchanges rows and columns"},
    {"mirror", "URL", "get: asks this address alone"},
>>>>>>> 07a0e15 (fovea data get: known sets from their mirrors, resumed, checked, whole or not at all; EMNIST's and QMNIST's IDX files; --transpose)
    {"json", NULL, "prints JSON"},
    {"quiet", NULL, "get: prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "data",
<<<<<<< HEAD
    .arguments = "list | info DATA | preview DATA",
    .about = "Lists the known datasets; audits one (`fovea data info --help`); draws what\n"
             "augmentation makes of its images (`fovea data preview --help`).",
=======
    .arguments = "list | info DATA | get NAME",
    .about = "Lists the known datasets, shows one (images per class and split, size, mean,\n"
             "standard deviation, duplicates), or downloads one into the cache. DATA is a\n"
             "name, a directory of its files, a .npz or .csv file, or a folder of images:\n"
             "train/<class>/ and test/<class>/, or <class>/ alone.",
>>>>>>> 07a0e15 (fovea data get: known sets from their mirrors, resumed, checked, whole or not at all; EMNIST's and QMNIST's IDX files; --transpose)
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

static fv_status data(const cli_line *line, fv_error *error) {
    const char *what = line->arguments[0];
    bool json = cli_given(line, "json"), get = strcmp(what, "get") == 0;
    if (!get && (cli_given(line, "mirror") || cli_given(line, "quiet")))
        return fv_fail(error, FV_E_ARGUMENT, "--%s: is for `fovea data get` alone: leave it out",
                       cli_given(line, "mirror") ? "mirror" : "quiet");
    if (strcmp(what, "list") == 0) {
        if (line->n_arguments == 1) return list_sets(json, error);
        return fv_fail(error, FV_E_ARGUMENT, "%.200s: one argument too many: give `fovea data list`",
                       line->arguments[1]);
    }
<<<<<<< HEAD
    return fv_fail(error, FV_E_ARGUMENT, "data: `%.100s` is nothing it does: give list, info or preview", what);
=======
    if (strcmp(what, "info") == 0) {
        if (line->n_arguments == 2) return show_info(line, json, error);
        return fv_fail(error, FV_E_ARGUMENT, "data info: no dataset is named: give `fovea data info DATA`");
    }
    if (get) {
        if (line->n_arguments == 2) return cli_data_get(line, line->arguments[1], error);
        return fv_fail(error, FV_E_ARGUMENT, "data get: no dataset is named: give `fovea data get NAME`");
    }
    return fv_fail(error, FV_E_ARGUMENT, "data: `%.100s` is nothing it does: give list, info or get", what);
>>>>>>> 07a0e15 (fovea data get: known sets from their mirrors, resumed, checked, whole or not at all; EMNIST's and QMNIST's IDX files; --transpose)
}

/* Parts of the verb with options of their own. */
static const cli_verb parts[] = {
    {"info", "audits a dataset", cli_data_info},
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
