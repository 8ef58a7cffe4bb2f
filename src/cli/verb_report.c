#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

static const cli_option options[] = {
    {"threads", "N", "0: all processors (0)"},
    {"quiet", NULL, "prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "report",
    .arguments = "RUN|STUDY",
    .about = "Writes the page of one run, RUN/report.html: curves, confusion, mistakes,\n"
             "kernels, embedding, neighbours; study.json and explain.safetensors beside it.\n"
             "Of a study, STUDY/report.html is made again from its study.json.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
};

static bool holds(const char *directory, const char *file) {
    char path[1200];
    return snprintf(path, sizeof path, "%s/%s", directory, file) < (int)sizeof path && access(path, F_OK) == 0;
}

static fv_status report(const cli_line *line, fv_error *error) {
    fv_run_config config = fv_run_config_defaults();
    const char *directory = line->arguments[0];
    FV_TRY(cli_field(line, "threads", &config, error));
    if (!holds(directory, "run.json") && holds(directory, "study.json"))
        FV_TRY(fv_study_report(directory, error));
    else
        FV_TRY(fv_study_report_run(directory, cli_threads(config.threads), error));
    if (cli_given(line, "quiet")) return FV_OK;
    char *shown = cli_shown(directory);
    printf("report       %s/report.html\n", shown);
    free(shown);
    return FV_OK;
}

int cli_report(int argc, const char **argv) {
    cli_line line;
    fv_error error = {0};
    bool helped;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = report(&line, &error);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
