#include <stdio.h>
#include <string.h>

#include "cli.h"

static const cli_usage usage = {
    .verb = "help", .arguments = "[VERB]", .about = "Explains a verb, or lists them all.", .max_arguments = 1};

void cli_help_short(FILE *to) {
    fprintf(to, "fovea VERB ...: trains small image classifiers fast and shows what they learned\n\n");
    for (const cli_verb *verb = cli_verbs; verb->name; verb++) fprintf(to, "    %-10s%s\n", verb->name, verb->about);
    fprintf(to, "\nBegin with `fovea study digits`; `fovea VERB --help` explains one verb.\n");
}

static fv_status help_of(const char *name, int *end, fv_error *error) {
    const cli_verb *verb = cli_verb_find(name);
    if (!verb) return cli_verb_unknown(name, error);
    const char *argv[] = {verb->name, "--help", NULL};
    *end = verb->run(2, argv);
    return FV_OK;
}

int cli_help(int argc, const char **argv) {
    if (argc > 1 && strcmp(argv[1], CLI_COMPLETE) == 0) return cli_complete_verb(argc - 2, argv + 2);
    cli_line line;
    fv_error error = {0};
    bool helped;
    int end = CLI_DONE;
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) {
        if (line.n_arguments)
            status = help_of(line.arguments[0], &end, &error);
        else
            cli_help_short(stdout);
    }
    cli_line_deinit(&line);
    return status == FV_OK ? end : cli_end(status, &error);
}
