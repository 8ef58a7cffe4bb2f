#define _GNU_SOURCE
#include <math.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "fovea/fetch.h"
#include "terminal.h"

static const cli_option options[] = {
    {"mirror", "URL", "asks this address alone: http, https or file"},
    {"quiet", NULL, "prints only errors"},
    {0},
};

static const cli_usage usage = {
    .verb = "data get",
    .arguments = "NAME",
    .about = "Downloads a known dataset (`fovea data list`) into ~/.cache/fovea, or\n"
             "$XDG_CACHE_HOME/fovea. Its files are checked; a download that was cut off goes on\n"
             "the next time.",
    .more = "Without a network: put the files into a folder, and give --mirror file:///FOLDER.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
};

typedef struct state {
    bool quiet;
    const char *file;        /* that the rate is of */
    double start_s, drawn_s; /* of the file; of the last bar */
    uint64_t start_bytes;
} state;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 5 kB, 9.9 MB, 562 MB. */
static cli_text bytes_words(uint64_t bytes) {
    cli_text out;
    double kb = (double)bytes / 1e3, mb = (double)bytes / 1e6;
    if (kb < 99.5)
        snprintf(out.s, sizeof out.s, "%.0f kB", kb);
    else
        snprintf(out.s, sizeof out.s, mb < 99.5 ? "%.1f MB" : "%.0f MB", mb);
    return out;
}

/* The bar of a file; a narrow terminal gets less of the name and of the numbers, but whole ones. */
static void draw(const char *file, uint64_t done, uint64_t total, double rate) {
    enum { LEAST_BAR = 6, SHORT_NAME = 16 };
    char before[80], after[300];
    const double part = total ? (double)done / (double)total : 0;
    const int columns = cli_columns(stderr) - 1;
    const bool known = total && rate > 0;
    const cli_text left = cli_left(known ? (double)(total - done) / rate : 0);
    snprintf(before, sizeof before, "%.40s ", file);
    snprintf(after, sizeof after, " %s", bytes_words(done).s);
    if (known)
        snprintf(after, sizeof after, " %s of %s · %s/s · %s left", bytes_words(done).s, bytes_words(total).s,
                 bytes_words((uint64_t)rate).s, left.s);
    if (known && (int)(cli_width(before) + cli_width(after)) + LEAST_BAR > columns)
        snprintf(after, sizeof after, " %.0f %% · %s left", floor(100 * part), left.s);
    if ((int)(cli_width(before) + cli_width(after)) + LEAST_BAR > columns && strlen(file) > SHORT_NAME)
        snprintf(before, sizeof before, "%.*s... ", SHORT_NAME - 3, file);
    cli_bar_draw(before, part, 24, after);
}

static void on_progress(void *context, const char *file, uint64_t done, uint64_t total) {
    state *s = context;
    double now = now_s();
    if (s->file != file) {
        s->file = file;
        s->start_s = now;
        s->start_bytes = done;
    }
    if (s->quiet || now - s->drawn_s < 0.1) return;
    s->drawn_s = now;
    draw(file, done, total, now > s->start_s ? (double)(done - s->start_bytes) / (now - s->start_s) : 0);
}

static void on_file(void *context, const char *file, uint64_t size, const char *check) {
    const state *s = context;
    cli_bar_clear();
    if (!s->quiet) fprintf(stderr, "%-34s %9s   %s\n", file, bytes_words(size).s, check);
}

static void on_note(void *context, const char *note) {
    const state *s = context;
    if (!s->quiet) cli_complain("%s", note);
}

static fv_status get(const cli_line *line, fv_error *error) {
    const char *name = line->arguments[0];
    state s = {.quiet = cli_given(line, "quiet")};
    fv_fetch_options fetching = {.mirror = cli_value(line, "mirror"),
                                 .context = &s,
                                 .on_progress = on_progress,
                                 .on_file = on_file,
                                 .on_note = on_note,
                                 .cancelled = cli_cancelled};
    char path[512];
    fv_status status = fv_dataset_fetch(name, &fetching, path, error);
    cli_bar_clear();
    if (status == FV_OK && !s.quiet) printf("%s  %s\n", name, path);
    return status;
}

int cli_data_get(int argc, const char **argv) {
    cli_line line;
    fv_error error = {0};
    bool helped;
    cli_keep_signals();
    fv_status status = cli_parse(&line, &usage, argc, argv, &helped, &error);
    if (status == FV_OK && !helped) status = get(&line, &error);
    cli_line_deinit(&line);
    return cli_end(status, &error);
}
