#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "terminal.h"

static const char *const fields[] = {"size", "fit", "channels"};

int cli_threads(int asked) {
    return asked > 0 ? asked : fv_processors();
}

fv_status cli_dataset_fields(const cli_line *line, fv_run_config *config, fv_error *error) {
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) FV_TRY(cli_field(line, fields[i], config, error));
    if (cli_given(line, "skip-bad")) config->skip_bad = 1;
    if (cli_given(line, "transpose")) config->transpose = 1;
    return FV_OK;
}

fv_status cli_dataset_check(const cli_line *line, const fv_dataset *dataset, fv_error *error) {
    const char *given = cli_given(line, "skip-bad") ? "skip-bad" : NULL;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (cli_given(line, fields[i])) given = fields[i];
    if (dataset->pictures && cli_given(line, "transpose"))
        return fv_fail(error, FV_E_ARGUMENT, "--transpose: image files say themselves how they stand: leave it out");
    if (!given || dataset->pictures) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "--%s: is for image files; %s holds images of one size: leave it out", given,
                   dataset->name);
}

static void on_progress(void *context, size_t n_done, size_t n) {
    char after[160];
    (void)context;
    if (!cli_is_terminal(stderr)) return;
    snprintf(after, sizeof after, " %s of %s", cli_count(n_done).s, cli_count(n).s);
    cli_bar_draw("reading images ", (double)n_done / (double)n, 30, after);
}

static void on_note(void *context, const char *note) {
    (void)context;
    cli_complain("%s", note);
}

/* The nearest known name, after the library's own message. */
static fv_status propose(const char *name, fv_error *error) {
    enum { MOST = 64 };
    fv_dataset_entry entries[MOST];
    const char *names[MOST];
    int n = 0;
    while (n < MOST && fv_dataset_list(n, &entries[n])) {
        names[n] = entries[n].name;
        n++;
    }
    const char *near = cli_nearest(name, names, (size_t)n);
    if (!near || strcmp(near, name) == 0) return FV_E_NAME;
    char told[sizeof error->message];
    snprintf(told, sizeof told, "%s", error->message);
    return fv_fail(error, FV_E_NAME, "%.440s\n    did you mean `%s`?", told, near);
}

fv_status cli_dataset_open(const fv_run_config *config, const fv_dataset_options *options, fv_dataset **out,
                           fv_error *error) {
    fv_dataset_options o = options ? *options : (fv_dataset_options){0};
    o.on_progress = cli_quiet() ? NULL : on_progress;
    o.on_note = cli_quiet() ? NULL : on_note;
    o.cancelled = cli_cancelled;
    fv_status status = fv_run_dataset_open(config, &o, out, error);
    cli_bar_clear();
    return status == FV_E_NAME ? propose(config->dataset, error) : status;
}
