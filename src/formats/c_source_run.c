/* An exported C source compiled and run, without a shell. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/images.h"
#include "formats/c_source.h"
#include "formats/files.h"

extern char **environ;

typedef struct place {
    char folder[PATH_MAX / 2], program[PATH_MAX], input[PATH_MAX], output[PATH_MAX], told[PATH_MAX];
} place;

static fv_status make_place(place *p, fv_error *error) {
    const char *base = getenv("TMPDIR");
    snprintf(p->folder, sizeof p->folder, "%s/fovea-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(p->folder))
        return fv_fail(error, FV_E_IO, "%s: could not be made: %s", fv_path_shown(p->folder), strerror(errno));
    snprintf(p->program, sizeof p->program, "%s/program", p->folder);
    snprintf(p->input, sizeof p->input, "%s/pixels", p->folder);
    snprintf(p->output, sizeof p->output, "%s/logits", p->folder);
    snprintf(p->told, sizeof p->told, "%s/told", p->folder);
    return FV_OK;
}

static void remove_place(const place *p) {
    unlink(p->program);
    unlink(p->input);
    unlink(p->output);
    unlink(p->told);
    rmdir(p->folder);
}

/* Runs a program to its end: 0, or errno where it could not be started; *end is what waitpid says. */
static int run(char *const *arguments, const place *p, int *end) {
    posix_spawn_file_actions_t actions;
    pid_t child;
    if (posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
    int reason = posix_spawn_file_actions_addopen(&actions, 0, p->input, O_RDONLY, 0);
    if (!reason) reason = posix_spawn_file_actions_addopen(&actions, 1, p->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!reason) reason = posix_spawn_file_actions_addopen(&actions, 2, p->told, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!reason) reason = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (reason) return reason;
    while (waitpid(child, end, 0) < 0)
        if (errno != EINTR) return errno;
    return 0;
}

/* The first line that a program told on standard error. */
static void first_line(const place *p, char out[200]) {
    FILE *f = fopen(p->told, "r");
    out[0] = 0;
    if (!f) return;
    if (!fgets(out, 200, f)) out[0] = 0;
    out[strcspn(out, "\n")] = 0;
    fclose(f);
}

static fv_status compile(const char *stem, const place *p, fv_error *error) {
    static const char *const compilers[] = {"cc", "gcc", "clang"};
    char files[2][PATH_MAX], words[5][16] = {"", "-std=c99", "-O2", "-o", "-lm"}, told[200];
    char program[PATH_MAX];
    snprintf(files[0], PATH_MAX, "%s%s.c", *stem == '-' ? "./" : "", stem);
    snprintf(files[1], PATH_MAX, "%s%s_main.c", *stem == '-' ? "./" : "", stem);
    snprintf(program, sizeof program, "%s", p->program);
    for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++) {
        int end = 0;
        snprintf(words[0], sizeof words[0], "%s", compilers[i]);
        char *arguments[] = {words[0], words[1], words[2], words[3], program, files[0], files[1], words[4], NULL};
        int reason = run(arguments, p, &end);
        if (reason == ENOENT) continue;
        if (reason)
            return fv_fail(error, FV_E_UNSUPPORTED, "%s: could not be started: %s", compilers[i], strerror(reason));
        if (WIFEXITED(end) && WEXITSTATUS(end) == 0) return FV_OK;
        first_line(p, told);
        return fv_fail(error, FV_E_DATA, "%s.c: %s does not compile it: %s", fv_path_shown(stem), compilers[i], told);
    }
    return fv_fail(error, FV_E_UNSUPPORTED, "no C compiler is here (cc, gcc, clang): it cannot be compiled and run");
}

static fv_status write_pixels(const place *p, const fv_images *images, const fv_indices *indices, fv_error *error) {
    size_t n = indices ? indices->n : images->n, size = fv_image_size(images->shape);
    fv_part *parts = calloc(n + 1, sizeof *parts);
    if (!parts) return fv_fail(error, FV_E_MEMORY, "not enough memory");
    for (size_t i = 0; i < n; i++) parts[i] = (fv_part){images->pixels + (indices ? indices->at[i] : i) * size, size};
    fv_status status = fv_file_write_parts(p->input, parts, n, error);
    free(parts);
    return status;
}

/* A line an image: the class's place, the logits, a name. */
static bool parse(const char *text, size_t n, int n_classes, double *logits) {
    for (size_t i = 0; i < n; i++) {
        char *end;
        (void)strtol(text, &end, 10);
        if (end == text) return false;
        for (int k = 0; k < n_classes; k++) {
            text = end;
            *logits++ = strtod(text, &end);
            if (end == text) return false;
        }
        text = strchr(end, '\n');
        if (!text++) return false;
    }
    return *text == 0;
}

static fv_status run_program(const char *stem, const place *p, size_t n, int n_classes, double *logits,
                             fv_error *error) {
    char program[PATH_MAX], *arguments[] = {program, NULL}, *text;
    size_t size;
    int end = 0;
    snprintf(program, sizeof program, "%s", p->program);
    int reason = run(arguments, p, &end);
    if (reason || !WIFEXITED(end) || WEXITSTATUS(end) != 0)
        return fv_fail(error, FV_E_DATA, "%s.c: does not run to its end once compiled%s%s", fv_path_shown(stem),
                       reason ? ": " : "", reason ? strerror(reason) : "");
    FV_TRY(fv_file_read(p->output, (size_t)1 << 32, &text, &size, error));
    bool good = parse(text, n, n_classes, logits);
    free(text);
    return good
               ? FV_OK
               : fv_fail(error, FV_E_DATA, "%s.c: prints no logits for every image once compiled", fv_path_shown(stem));
}

fv_status fv_c_run(const char *path, const fv_images *images, const fv_indices *indices, int n_classes, double *logits,
                   fv_error *error) {
    char stem[PATH_MAX - 16];
    place p;
    size_t n = strlen(path);
    if (n > 2 && strcmp(path + n - 2, ".c") == 0) n -= 2;
    if (n >= sizeof stem) return fv_fail(error, FV_E_ARGUMENT, "%s: the path is too long", fv_path_shown(path));
    memcpy(stem, path, n);
    stem[n] = 0;
    FV_TRY(make_place(&p, error));
    fv_status status = write_pixels(&p, images, indices, error);
    if (status == FV_OK) status = compile(stem, &p, error);
    if (status == FV_OK) status = run_program(stem, &p, indices ? indices->n : images->n, n_classes, logits, error);
    remove_place(&p);
    return status;
}
