#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_open.h"
#include "terminal.h"

static const cli_option options[] = {
    {"json", NULL, "prints JSON"},
    {0},
};

static const cli_usage usage = {
    .verb = "data",
    .arguments = "list | info DATA | preview DATA | get NAME",
    .about = "Lists the known datasets; audits one (`fovea data info --help`); draws what\n"
             "augmentation makes of its images (`fovea data preview --help`); downloads one\n"
             "(`fovea data get --help`).",
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
    bool json = cli_given(line, "json");
    if (strcmp(what, "list") == 0) {
        if (line->n_arguments == 1) return list_sets(json, error);
        return fv_fail(error, FV_E_ARGUMENT, "%.200s: one argument too many: give `fovea data list`",
                       line->arguments[1]);
    }
    return fv_fail(error, FV_E_ARGUMENT, "data: `%.100s` is nothing it does: give list, info, preview or get", what);
}

/* Parts of the verb with options of their own. */
static const cli_verb parts[] = {
    {"info", "audits a dataset", cli_data_info},
    {"preview", "draws what augmentation makes of images", cli_data_preview},
    {"get", "downloads a known dataset", cli_data_get},
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
