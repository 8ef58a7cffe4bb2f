#include <ctype.h>
#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { HELP = CLI_MAX_OPTIONS + 1 };

static int count_options(const cli_usage *usage) {
    int n = 0;
    while (usage->options && usage->options[n].name) n++;
    return n;
}

/* popt's table: value i + 1 is options[i]. */
static void make_table(const cli_usage *usage, struct poptOption table[CLI_MAX_OPTIONS + 2]) {
    int n = count_options(usage);
    memset(table, 0, (CLI_MAX_OPTIONS + 2) * sizeof *table);
    for (int i = 0; i < n; i++) {
        const cli_option *o = &usage->options[i];
        unsigned kind = o->argument ? POPT_ARG_STRING : POPT_ARG_NONE;
        char letter = strcmp(o->name, "out") == 0 ? 'o' : 0;
        unsigned hidden = o->help ? 0 : POPT_ARGFLAG_DOC_HIDDEN;
        table[i] = (struct poptOption){o->name, letter, kind | hidden, NULL, i + 1, o->help, o->argument};
    }
    table[n] = (struct poptOption){"help", 'h', POPT_ARG_NONE, NULL, HELP, "show this", NULL};
}

static void print_help(poptContext context, const cli_usage *usage) {
    char arguments[160];
    snprintf(arguments, sizeof arguments, "%s%s[OPTION...]", usage->arguments, *usage->arguments ? " " : "");
    poptSetOtherOptionHelp(context, arguments);
    printf("%s\n", usage->about);
    poptPrintHelp(context, stdout, 0);
    if (usage->more) printf("%s\n", usage->more);
}

static fv_status unknown_option(const cli_usage *usage, const char *bad, fv_error *error) {
    const char *names[CLI_MAX_OPTIONS + 1];
    char list[400] = "", word[64];
    int n = count_options(usage);
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        names[i] = usage->options[i].name;
        if (used < sizeof list) used += (size_t)snprintf(list + used, sizeof list - used, "--%s, ", names[i]);
    }
    names[n++] = "help";
    snprintf(word, sizeof word, "%.*s", (int)strcspn(bad, "="), bad);
    const char *near = cli_nearest(word + strspn(word, "-"), names, (size_t)n);
    if (near)
        return fv_fail(error, FV_E_ARGUMENT, "%s: `%s` knows no such option: did you mean --%s?", word, usage->verb,
                       near);
    return fv_fail(error, FV_E_ARGUMENT, "%s: `%s` knows no such option: it knows %s--help", word, usage->verb, list);
}

static fv_status read_options(cli_line *line, poptContext context, bool *helped, fv_error *error) {
    for (int at; (at = poptGetNextOpt(context)) != -1;) {
        if (at == HELP) {
            print_help(context, line->usage);
            *helped = true;
            return FV_OK;
        }
        if (at == POPT_ERROR_BADOPT) return unknown_option(line->usage, poptBadOption(context, 0), error);
        if (at == POPT_ERROR_NOARG)
            return fv_fail(error, FV_E_ARGUMENT, "%s: is given no value: see `fovea %s --help`",
                           poptBadOption(context, 0), line->usage->verb);
        if (at < 1)
            return fv_fail(error, FV_E_ARGUMENT, "%s: %s: see `fovea %s --help`", poptBadOption(context, 0),
                           poptStrerror(at), line->usage->verb);
        char *value = poptGetOptArg(context);
        free(line->values[at - 1]);
        line->values[at - 1] = value ? value : strdup("");
        if (!line->values[at - 1]) return fv_fail(error, FV_E_MEMORY, "out of memory");
    }
    return FV_OK;
}

static fv_status check_arguments(cli_line *line, fv_error *error) {
    const cli_usage *usage = line->usage;
    line->arguments = poptGetArgs(line->popt);
    while (line->arguments && line->arguments[line->n_arguments]) line->n_arguments++;
    if (line->n_arguments < usage->min_arguments)
        return fv_fail(error, FV_E_ARGUMENT, "%s: an argument is missing: give `fovea %s %s`", usage->verb, usage->verb,
                       usage->arguments);
    if (line->arguments && line->n_arguments > usage->max_arguments)
        return fv_fail(error, FV_E_ARGUMENT, "%.200s: one argument too many: give `fovea %s%s%s`",
                       line->arguments[usage->max_arguments], usage->verb, *usage->arguments ? " " : "",
                       usage->arguments);
    return FV_OK;
}

static bool quiet;

bool cli_quiet(void) {
    return quiet;
}

fv_status cli_parse(cli_line *line, const cli_usage *usage, int argc, const char **argv, bool *helped,
                    fv_error *error) {
    struct poptOption table[CLI_MAX_OPTIONS + 2];
    char name[32];
    *line = (cli_line){.usage = usage};
    *helped = false;
    if (argc > 1 && strcmp(argv[argc - 1], CLI_COMPLETE) == 0) {
        cli_complete(usage, argc - 2, argv + 1);
        *helped = true;
        return FV_OK;
    }
    make_table(usage, table);
    snprintf(name, sizeof name, "fovea %s", usage->verb);
    const char *verb = argv[0];
    argv[0] = name;
    poptContext context = poptGetContext(name, argc, argv, table, 0);
    line->popt = context;
    fv_status status =
        context ? read_options(line, context, helped, error) : fv_fail(error, FV_E_MEMORY, "out of memory");
    if (status == FV_OK && !*helped) status = check_arguments(line, error);
    quiet = cli_given(line, "quiet");
    argv[0] = verb;
    return status;
}

void cli_line_deinit(cli_line *line) {
    for (int i = 0; i < CLI_MAX_OPTIONS; i++) free(line->values[i]);
    if (line->popt) poptFreeContext(line->popt);
    *line = (cli_line){0};
}

const char *cli_value(const cli_line *line, const char *option) {
    for (int i = 0; line->usage->options && line->usage->options[i].name; i++)
        if (strcmp(line->usage->options[i].name, option) == 0) return line->values[i];
    return NULL;
}

bool cli_given(const cli_line *line, const char *option) {
    return cli_value(line, option) != NULL;
}

fv_status cli_whole(const cli_line *line, const char *option, int min, int max, int *out, fv_error *error) {
    const char *text = cli_value(line, option);
    if (!text) return FV_OK;
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || isspace((unsigned char)*text))
        return fv_fail(error, FV_E_ARGUMENT, "--%s: \"%.60s\" is not a whole number: give %d to %d", option, text, min,
                       max);
    if (errno || value < min || value > max)
        return fv_fail(error, FV_E_ARGUMENT, "--%s: %.60s is out of range: give a whole number from %d to %d", option,
                       text, min, max);
    *out = (int)value;
    return FV_OK;
}

static fv_status set_field(const char *field, const char *value, const char *where, fv_run_config *config,
                           fv_error *error) {
    const char *name;
    for (int i = 0; (name = fv_run_config_field(i)); i++)
        if (strcmp(name, field) == 0) return fv_run_config_set(config, i, value, where, error);
    return fv_fail(error, FV_E_ARGUMENT, "%s: has no field in run.json", where);
}

fv_status cli_field(const cli_line *line, const char *option, fv_run_config *config, fv_error *error) {
    const char *value = cli_value(line, option);
    if (!value) return FV_OK;
    char field[32], where[40];
    snprintf(field, sizeof field, "%s", option);
    for (char *at = field; *at; at++)
        if (*at == '-') *at = '_';
    snprintf(where, sizeof where, "--%s", option);
    return set_field(field, value, where, config, error);
}

fv_status cli_dataset_argument(const cli_line *line, fv_run_config *config, fv_error *error) {
    return set_field("dataset", line->arguments[0], "DATA", config, error);
}
