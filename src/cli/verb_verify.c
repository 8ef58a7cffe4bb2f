#include <stdio.h>
#include <string.h>

#include "run_open.h"
#include "terminal.h"
#include "training.h"

static const cli_option options[] = {
    {"threads", "N", "0: all processors (0); the weights must not depend on it"},
    {"json", NULL, "prints JSON"},
    {"quiet", NULL, "prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "verify",
    .arguments = "RUN",
    .about = "Trains a run again from its run.json and compares the weights with the recorded\n"
             "ones. Ends with status 0 where every bit is the same, 1 where not.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
};

static fv_status prepare(const cli_line *line, const fv_run_info *info, cli_training *t, fv_error *error) {
    const char *run = line->arguments[0];
    if (strcmp(info->result, "done") != 0)
        return fv_fail(error, FV_E_ARGUMENT,
                       "%s: its training is recorded as %s: only one that is done can be repeated", run, info->result);
    t->config = info->config;
    t->config.threads = 0; /* not part of what is repeated */
    t->bar = !cli_given(line, "quiet");
    FV_TRY(cli_field(line, "threads", &t->config, error));
    FV_TRY(cli_training_prepare(t, error));
    return cli_training_same(t, info, run, error);
}

static fv_status tell(const cli_line *line, const fv_run_info *info, const cli_training *t, bool *same,
                      fv_error *error) {
    char hash[65];
    fv_net_hash(t->net, hash);
    *same = strcmp(hash, info->weights_sha256) == 0;
    if (cli_given(line, "json"))
        return cli_json_print(json_pack("{ss sb ss ss sf}", "run", line->arguments[0], "same", (int)*same, "recorded",
                                        info->weights_sha256, "repeated", hash, "time_s", t->time_s),
                              error);
    if (cli_given(line, "quiet")) return FV_OK;
    printf("recorded     %s\n             fovea %s, %s, %s\n", info->weights_sha256, info->version, info->compiler,
           info->isa);
    printf("repeated     %s\n             fovea %s, %s, %s, %d thread%s, %s\n", hash, fv_version(), fv_compiler(),
           fv_isa_name(), t->threads, t->threads == 1 ? "" : "s", cli_duration(t->time_s).s);
    if (*same) printf("every bit of the weights is the same\n");
    return FV_OK;
}

static fv_status verify(const cli_line *line, cli_training *t, bool *same, fv_error *error) {
    fv_run_info info;
    FV_TRY(fv_run_read_record(line->arguments[0], &info, error));
    FV_TRY(prepare(line, &info, t, error));
    FV_TRY(cli_training_run(t, error));
    return tell(line, &info, t, same, error);
}

int cli_verify(int argc, const char **argv) {
    cli_line line;
    cli_training t = {0};
    fv_error error = {0};
    bool helped, same = true;
    cli_keep_signals();
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = verify(&line, &t, &same, &error);
    if (status == FV_OK && !same) cli_complain("%s: the weights differ from the recorded ones", line.arguments[0]);
    cli_training_deinit(&t);
    cli_line_deinit(&line);
    return status == FV_OK && !same ? CLI_FAILED : cli_end(status, &error);
}
