#include "terminal.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fovea/statistics.h"

/* Digits in threes. */
static cli_text separated(size_t n) {
    char digits[32];
    cli_text out = {{0}};
    int length = snprintf(digits, sizeof digits, "%zu", n);
    char *to = out.s;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) *to++ = ' ';
        *to++ = digits[i];
    }
    return out;
}

cli_text cli_count(size_t n) {
    if (n >= 100000) return separated(n);
    cli_text out;
    snprintf(out.s, sizeof out.s, "%zu", n);
    return out;
}

cli_text cli_rate(double per_s) {
    if (!(per_s > 0)) return (cli_text){"-"};
    double step = pow(10, floor(log10(per_s)) - 2);
    return separated((size_t)(step > 1 ? nearbyint(per_s / step) * step : nearbyint(per_s)));
}

cli_text cli_metric(double n) {
    cli_text out;
    if (n < 100) {
        snprintf(out.s, sizeof out.s, "%.0f", n);
        return out;
    }
    double k = n / 1e3, x = k < 999.5 ? k : k < 999.5e3 ? k / 1e3 : k / 1e6;
    const char *unit = k < 999.5 ? "k" : k < 999.5e3 ? "M" : "G";
    snprintf(out.s, sizeof out.s, x < 99.95 ? "%.1f %s" : "%.0f %s", x, unit);
    return out;
}

cli_text cli_percent(double fraction, int decimals) {
    cli_text out;
    if (isnan(fraction)) return (cli_text){"-"};
    snprintf(out.s, sizeof out.s, "%.*f %%", decimals, 100 * fraction);
    return out;
}

cli_text cli_accuracy(size_t correct, size_t n, int decimals) {
    cli_text out;
    fv_interval i = fv_wilson(correct, n);
    snprintf(out.s, sizeof out.s, "%.*f %% (%.*f-%.*f)", decimals, n ? 100.0 * (double)correct / (double)n : 0.0,
             decimals, 100 * i.low, decimals, 100 * i.high);
    return out;
}

int cli_decimals(size_t n) {
    return n >= 5000 ? 2 : 1;
}

cli_text cli_duration(double s) {
    cli_text out;
    double minutes = floor(s / 60), hours = floor(s / 3600);
    if (s < 0.95)
        snprintf(out.s, sizeof out.s, "%.2f s", s);
    else if (s < 59.95)
        snprintf(out.s, sizeof out.s, "%.1f s", s);
    else if (s < 3600)
        snprintf(out.s, sizeof out.s, "%.0f min %.0f s", minutes, floor(s - 60 * minutes));
    else
        snprintf(out.s, sizeof out.s, "%.0f h %.0f min", hours, minutes - 60 * hours);
    return out;
}

cli_text cli_left(double s) {
    if (s >= 60) return cli_duration(s);
    cli_text out;
    snprintf(out.s, sizeof out.s, "%.0f s", ceil(s));
    return out;
}

cli_text cli_shape(int c, int h, int w) {
    cli_text out;
    if (h == 1 && w == 1)
        snprintf(out.s, sizeof out.s, "%d", c);
    else
        snprintf(out.s, sizeof out.s, "%dx%dx%d", h, w, c);
    return out;
}

size_t cli_width(const char *text) {
    size_t cells = 0;
    for (; *text; text++) cells += ((unsigned char)*text & 0xc0) != 0x80;
    return cells;
}

bool cli_is_terminal(FILE *f) {
    return isatty(fileno(f));
}

const char *cli_escape(FILE *to, cli_style style) {
    static const char *const escapes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m"};
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");
    if (!cli_is_terminal(to) || (refused && *refused) || !kind || strcmp(kind, "dumb") == 0) return "";
    return escapes[style];
}

int cli_columns(FILE *f) {
    struct winsize size;
    return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static atomic_int bar_is_drawn; /* the terminal is one, and so is its last line */

void cli_bar_draw(const char *before, double part, int width, const char *after) {
    if (!cli_is_terminal(stderr)) return;
    char line[1024];
    int cells = cli_columns(stderr) - 1, fixed = (int)(cli_width(before) + cli_width(after));
    if (width > cells - fixed) width = cells - fixed;
    size_t used = (size_t)snprintf(line, sizeof line / 2, "%s", before);
    int full = (int)(part * width + 0.5);
    for (int i = 0; i < width && used < sizeof line / 2; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, i < full ? "━" : i == full ? "╸" : " ");
    snprintf(line + used, sizeof line - used, "%s", after);
    for (char *at = line; *at && cells >= 0; at++) /* never wider than the terminal: a wrapped line cannot be cleared */
        if (((unsigned char)*at & 0xc0) != 0x80 && cells-- == 0) *at-- = 0;
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    bar_is_drawn = true;
}

void cli_bar_clear(void) {
    if (!bar_is_drawn) return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
    bar_is_drawn = false;
}

bool cli_bar_is_drawn(void) {
    return bar_is_drawn;
}
