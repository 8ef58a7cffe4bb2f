#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "terminal.h"

static char command[4096];
static atomic_int came, kept; /* lock-free: a handler may set them, and every thread reads them */

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What no verb tells, for want of anything to save: nothing but plain system calls is safe. */
static void tell_signal(int number) {
    static const char clear[] = "\r\033[K", interrupted[] = "fovea: interrupted\n",
                      terminated[] = "fovea: terminated\n";
    ssize_t n = 0;
    if (cli_bar_is_drawn()) n = write(STDERR_FILENO, clear, sizeof clear - 1);
    n += number == SIGINT ? write(STDERR_FILENO, interrupted, sizeof interrupted - 1)
                          : write(STDERR_FILENO, terminated, sizeof terminated - 1);
    (void)n;
}

/* Ends at once, unless the verb keeps signals: then the first is a request, and the second ends at once; not where it
 * is the same one told twice, as timeout(1) tells it to its child and then to its group. */
static void on_signal(int number) {
    static _Atomic int64_t first_ms;
    int reason = errno;
    if (!kept) {
        tell_signal(number);
        _exit(CLI_SIGNAL + number);
    }
    if (!came) {
        came = number;
        first_ms = now_ms();
    } else if (now_ms() - first_ms > 200) {
        _exit(CLI_SIGNAL + number);
    }
    errno = reason;
}

void cli_keep_signals(void) {
    kept = 1;
}

int cli_signal(void) {
    return came;
}

bool cli_cancelled(void *context) {
    (void)context;
    return came != 0;
}

const char *cli_command(void) {
    return command;
}

static bool is_plain(const char *word) {
    for (const char *at = word; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:%@", *at)) return false;
    return *word != 0;
}

/* The command as one would type it again; what is too long is cut at a word. */
static void record_command(int argc, char **argv) {
    size_t used = (size_t)snprintf(command, sizeof command, "fovea");
    for (int i = 1; i < argc; i++) {
        char word[sizeof command];
        size_t n = 0;
        bool plain = is_plain(argv[i]);
        if (!plain) word[n++] = '\'';
        for (const char *at = argv[i]; *at && n < sizeof word - 8; at++)
            n += (size_t)snprintf(word + n, sizeof word - n, "%s", *at == '\'' ? "'\\''" : (char[]){*at, 0});
        snprintf(word + n, sizeof word - n, "%s", plain ? "" : "'");
        if (used + strlen(word) + 2 > sizeof command) return;
        used += (size_t)snprintf(command + used, sizeof command - used, " %s", word);
    }
}

void cli_complain(const char *format, ...) {
    char text[1024], shown[sizeof text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_bar_clear();
    fprintf(stderr, "%sfovea:%s ", cli_escape(stderr, CLI_RED), cli_escape(stderr, CLI_PLAIN));
    for (char *line = text, *next; line; line = next) { /* names in it may come from strangers */
        if ((next = strchr(line, '\n'))) *next++ = 0;
        fv_name_shown(line, shown, sizeof shown);
        fprintf(stderr, "%s\n", shown);
    }
}

int cli_end(fv_status status, const fv_error *error) {
    if (status == FV_OK) return CLI_DONE;
    cli_complain("%s", *error->message ? error->message : fv_status_text(status));
    switch (status) {
    case FV_E_ARGUMENT:
    case FV_E_NAME:
    case FV_E_EXISTS:
    case FV_E_TEXT:
    case FV_E_SHAPE:
        return CLI_USAGE;
    case FV_E_DATA:
        return CLI_BAD_DATA;
    case FV_E_IO:
        return CLI_IO;
    case FV_E_DIVERGED:
        return CLI_DIVERGED;
    case FV_E_INTERRUPTED:
        return CLI_SIGNAL + (came ? came : SIGINT);
    default:
        return CLI_FAILED;
    }
}

/* A mapped file that another program cut short, or whose disk fails, ends here: nothing but plain system calls is safe.
 */
static void on_bus_error(int number) {
    static const char text[] = "fovea: a data file became shorter or unreadable while it was in use: get it again\n";
    (void)number;
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(n < 0 ? CLI_FAILED : CLI_IO);
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* what cannot be written is told by status 4, and a training goes on */
    signal(SIGBUS, on_bus_error);
}

/* A standard descriptor that is closed would be given to the first file that is opened, and a table printed into it:
 * in its place comes one that fails. */
static bool fill_standard_descriptors(void) {
    static const int opposite[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", opposite[fd]) != fd) return false;
    return true;
}

static int run_words(int argc, const char **words) {
    fv_error error = {0};
    const char *name = argc > 1 ? words[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
    if (strcmp(name, "--version") == 0) name = "version";
    if (!*name) {
        cli_help_short(stderr);
        return CLI_USAGE;
    }
    const cli_verb *verb = cli_verb_find(name);
    if (!verb) return cli_end(cli_verb_unknown(name, &error), &error);
    fv_status status = fv_isa_choose(&error);
    return status == FV_OK ? verb->run(argc - 1, words + 1) : cli_end(status, &error);
}

int main(int argc, char **argv) {
    record_command(argc, argv);
    if (!fill_standard_descriptors()) return CLI_IO;
    catch_signals();
    setenv("OPENBLAS_NUM_THREADS", "1", 0); /* it would start more when it is opened, which nothing here uses */
    setvbuf(stdout, NULL, _IOLBF, 0);       /* whole lines, also into a pipe */
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    if (!words) return cli_end(FV_E_MEMORY, &(fv_error){FV_E_MEMORY, "out of memory"});
    for (int i = 0; i < argc; i++) words[i] = argv[i];
    int end = run_words(argc, words);
    free(words);
    if ((fflush(stdout) != 0 || ferror(stdout)) && end == CLI_DONE) {
        cli_complain("standard output: could not be written: %s", strerror(errno));
        end = CLI_IO;
    }
    return end;
}
