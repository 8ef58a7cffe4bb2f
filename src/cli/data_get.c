#define _GNU_SOURCE
#include "data_get.h"

#include <time.h>

#include "fovea/fetch.h"
#include "terminal.h"

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

/* 4.5 k, 9.9 M, 562 M: of bytes. */
static cli_text megabytes(uint64_t bytes) {
    cli_text out;
    double mb = (double)bytes / 1e6;
    snprintf(out.s, sizeof out.s, mb < 0.0995 ? "%.3f MB" : mb < 99.5 ? "%.1f MB" : "%.0f MB", mb);
    return out;
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
    char before[80], after[300];
    double rate = now > s->start_s ? (double)(done - s->start_bytes) / (now - s->start_s) : 0;
    snprintf(before, sizeof before, "%.40s ", file);
    if (total && rate > 0)
        snprintf(after, sizeof after, " %s of %s · %s/s · %s left", megabytes(done).s, megabytes(total).s,
                 megabytes((uint64_t)rate).s, cli_left((double)(total - done) / rate).s);
    else
        snprintf(after, sizeof after, " %s", megabytes(done).s);
    cli_bar_draw(before, total ? (double)done / (double)total : 0, 24, after);
}

static void on_file(void *context, const char *file, uint64_t size, const char *check) {
    const state *s = context;
    cli_bar_clear();
    if (!s->quiet) fprintf(stderr, "%-34s %9s   %s\n", file, megabytes(size).s, check);
}

static void on_note(void *context, const char *note) {
    (void)context;
    cli_complain("%s", note);
}

fv_status cli_data_get(const cli_line *line, const char *name, fv_error *error) {
    state s = {.quiet = cli_given(line, "quiet")};
    fv_fetch_options options = {.mirror = cli_value(line, "mirror"),
                                .context = &s,
                                .on_progress = on_progress,
                                .on_file = on_file,
                                .on_note = on_note,
                                .cancelled = cli_cancelled};
    char path[512];
    fv_status status = fv_dataset_fetch(name, &options, path, error);
    cli_bar_clear();
    if (status == FV_OK && !s.quiet) printf("%s  %s\n", name, path);
    return status;
}
