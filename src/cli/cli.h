/* What the verbs of the program share: ends, options, signals. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fovea/fovea.h"

/* Exit statuses. */
enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_BAD_DATA = 3,
    CLI_IO = 4,
    CLI_DIVERGED = 5,
    CLI_SIGNAL = 128 /* plus the signal: 130 interrupted, 143 terminated */
};

/* A verb: one file, one row in verbs.c. */
typedef struct cli_verb {
    const char *name, *about;
    int (*run)(int argc, const char **argv); /* argv[0] is the verb; returns the exit status */
} cli_verb;
extern const cli_verb cli_verbs[]; /* a row without a name ends it */
const cli_verb *cli_verb_find(const char *name);
/* Fails with FV_E_ARGUMENT: proposes the nearest verb and lists them. */
fv_status cli_verb_unknown(const char *name, fv_error *error);

int cli_data(int argc, const char **argv);
int cli_data_info(int argc, const char **argv);
int cli_data_preview(int argc, const char **argv);
int cli_data_get(int argc, const char **argv);
int cli_train(int argc, const char **argv);
int cli_eval(int argc, const char **argv);
int cli_predict(int argc, const char **argv);
int cli_compare(int argc, const char **argv);
int cli_study(int argc, const char **argv);
int cli_report(int argc, const char **argv);
int cli_export(int argc, const char **argv);
int cli_verify(int argc, const char **argv);
int cli_bench(int argc, const char **argv);
int cli_version(int argc, const char **argv);
int cli_help(int argc, const char **argv);
void cli_help_short(FILE *to); /* the verbs, a line each */

/* What a shell may offer in place of the last of n words. As the last word of a verb's command line CLI_COMPLETE asks
 * for it, and cli_parse prints it; cli_complete_verb begins with the verb. */
#define CLI_COMPLETE "--complete"
int cli_complete_verb(int n, const char **words);

/* Prints the error (where status is not FV_OK) and returns the exit status. */
int cli_end(fv_status status, const fv_error *error);
/* Prints "fovea: ..." on standard error. */
void cli_complain(const char *format, ...) FV_PRINTF(1, 2);

/* A name as a terminal may show it: control characters and what is not UTF-8 become '?'. malloc'd; out of memory ends
 * the program. */
char *cli_shown(const char *name);

/* The command as typed, quoted for a shell. */
const char *cli_command(void);

/* Ctrl-C and SIGTERM end the program at once, with a message. A verb that has something to save or to clear away keeps
 * them: the first one sets a flag that the verb looks at, the second ends the program at once. */
void cli_keep_signals(void);
int cli_signal(void); /* the signal that came, 0 for none */
bool cli_cancelled(void *context);

/* Options ---------------------------------------------------------------------------------------------------------- */

typedef struct cli_option {
    const char *name;     /* "learning-rate"; "out" is also -o */
    const char *argument; /* "RATE"; NULL: a switch */
    const char *help;     /* NULL: known, but not shown */
} cli_option;

typedef struct cli_usage {
    const char *verb;          /* "train" */
    const char *arguments;     /* "DATA" */
    const char *about;         /* what it does, a line or two */
    const char *more;          /* after the options; NULL: nothing */
    const cli_option *options; /* a row without a name ends it */
    int min_arguments, max_arguments;
} cli_usage;

enum { CLI_MAX_OPTIONS = 32, CLI_MAX_ARGUMENTS = 65536 };

typedef struct cli_line {
    const cli_usage *usage;
    char *values[CLI_MAX_OPTIONS]; /* as given, by place in usage->options; "" for a switch, NULL: not given */
    const char **arguments;
    int n_arguments;
    void *popt; /* holds the arguments */
} cli_line;

/* Reads the command line. `--help` prints the help and sets *helped: the verb then returns CLI_DONE.
 * FV_E_ARGUMENT for an unknown option, a missing or a surplus argument. */
fv_status cli_parse(cli_line *line, const cli_usage *usage, int argc, const char **argv, bool *helped,
                    fv_error *error) FV_MUST_CHECK;
bool cli_quiet(void); /* --quiet was given: no notes and no bars, only errors */
void cli_line_deinit(cli_line *line);
void cli_complete(const cli_usage *usage, int n, const char *const *words);
const char *cli_value(const cli_line *line, const char *option); /* NULL: not given */
bool cli_given(const cli_line *line, const char *option);
/* A whole number in [min, max]; *out stays where the option is not given. */
fv_status cli_whole(const cli_line *line, const char *option, int min, int max, int *out,
                    fv_error *error) FV_MUST_CHECK;
/* Sets the field of the same name ("learning-rate": learning_rate) where the option is given. */
fv_status cli_field(const cli_line *line, const char *option, fv_run_config *config, fv_error *error) FV_MUST_CHECK;
/* Sets the dataset to the first argument, which there must be. */
fv_status cli_dataset_argument(const cli_line *line, fv_run_config *config, fv_error *error) FV_MUST_CHECK;

/* The nearest of the names by edit distance; NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *names, size_t n);

/* Options of data sets, for the tables of the verbs: `data info` explains them, the others only take them.
 * cli_dataset_fields reads them into `config`. */
#define CLI_DATASET_OPTIONS                                                                                            \
    {"size", "HxW", NULL}, {"fit", "HOW", NULL}, {"channels", "N", NULL}, {"skip-bad", NULL, NULL}, {                  \
        "transpose", NULL, NULL                                                                                        \
    }
#define CLI_DATASET_MORE "Data: --size, --fit, --channels, --skip-bad, --transpose: see `fovea data info`."
fv_status cli_dataset_fields(const cli_line *line, fv_run_config *config, fv_error *error) FV_MUST_CHECK;

/* Opens the dataset of a configuration; an unknown name gets the nearest known one proposed. `options` (NULL: none) as
 * in fv_run_dataset_open; decoding shows a bar, and files that are left out are told, unless --quiet is given. */
fv_status cli_dataset_open(const fv_run_config *config, const fv_dataset_options *options, fv_dataset **out,
                           fv_error *error) FV_MUST_CHECK;
/* FV_E_ARGUMENT where an option of image files is given and the set is none, or the other way round. */
fv_status cli_dataset_check(const cli_line *line, const fv_dataset *dataset, fv_error *error) FV_MUST_CHECK;
/* The number of threads that `asked` means (0: all processors). */
int cli_threads(int asked);

#endif
