/* How numbers and tables look. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A short text by value: cli_count(n).s */
typedef struct cli_text {
    char s[64];
} cli_text;

cli_text cli_count(size_t n);                                  /* 51005, 123 456: separated from six digits on */
cli_text cli_rate(double per_s);                               /* 241 000: three digits that mean something */
cli_text cli_metric(double n);                                 /* 40, 0.6 k, 48.7 k, 132 k, 1.4 M */
cli_text cli_percent(double fraction, int decimals);           /* 97.6 % */
cli_text cli_accuracy(size_t correct, size_t n, int decimals); /* 97.6 % (97.3-97.9): Wilson, 95 % */
cli_text cli_duration(double s);                               /* 2.3 s, 1 min 12 s, 1 h 5 min */
cli_text cli_left(double s);                                   /* the same in whole seconds */
cli_text cli_shape(int c, int h, int w);                       /* 13x13x8, 64 */
/* Decimals that n images can carry. */
int cli_decimals(size_t n);

/* Cells that UTF-8 text takes. */
size_t cli_width(const char *text);

typedef enum cli_style { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN } cli_style;
/* The escape that begins a style (CLI_PLAIN ends it) on a terminal where colour is wanted; else "". */
const char *cli_escape(FILE *to, cli_style style);
bool cli_is_terminal(FILE *f);
int cli_columns(FILE *f); /* 80 where it is unknown */

/* A table of texts: columns as wide as their widest cell, two blanks between. */
typedef struct cli_table {
    const char *align; /* a letter per column: l or r */
    size_t n, room;
    char **cells;
} cli_table;
/* The next cell, row by row. Out of memory ends the program. */
void cli_cell(cli_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Empties the table. */
void cli_table_free(cli_table *table);
/* Prints, the first row as its head, and empties the table. */
void cli_table_print(cli_table *table, FILE *to);

/* A line that is overwritten while something runs; nothing where standard error is no terminal. */
void cli_bar_draw(const char *before, double part, int width, const char *after);
void cli_bar_clear(void);
bool cli_bar_is_drawn(void); /* safe in a signal handler */

#endif
