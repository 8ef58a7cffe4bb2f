#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "terminal.h"

static void *must(void *memory) {
    if (memory) return memory;
    fprintf(stderr, "fovea: out of memory\n");
    exit(1);
}

void cli_cell(cli_table *table, const char *format, ...) {
    char text[1024], shown[sizeof text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fv_name_shown(text, shown, sizeof shown); /* class names may come from strangers */
    if (table->n == table->room) {
        table->room = table->room ? 2 * table->room : 64;
        table->cells = must(realloc(table->cells, table->room * sizeof *table->cells));
    }
    table->cells[table->n++] = must(strdup(shown));
}

static void print_row(const cli_table *table, size_t row, const size_t *widths, FILE *to) {
    size_t columns = strlen(table->align), blanks = 0;
    for (size_t j = 0; j < columns && row * columns + j < table->n; j++) {
        const char *cell = table->cells[row * columns + j];
        size_t pad = widths[j] - cli_width(cell);
        bool right = table->align[j] == 'r';
        if (!*cell) { /* blanks at the end of a line are not printed */
            blanks += widths[j] + 2;
            continue;
        }
        fprintf(to, "%*s%s", (int)(blanks + (right ? pad : 0)), "", cell);
        blanks = 2 + (right ? 0 : pad);
    }
    fputc('\n', to);
}

void cli_table_free(cli_table *table) {
    for (size_t i = 0; i < table->n; i++) free(table->cells[i]);
    free(table->cells);
    table->cells = NULL;
    table->n = table->room = 0;
}

void cli_table_print(cli_table *table, FILE *to) {
    size_t columns = strlen(table->align), widths[32] = {0};
    for (size_t i = 0; i < table->n; i++) {
        size_t width = cli_width(table->cells[i]);
        if (width > widths[i % columns]) widths[i % columns] = width;
    }
    for (size_t row = 0; row * columns < table->n; row++) {
        if (row == 0) fputs(cli_escape(to, CLI_DIM), to);
        print_row(table, row, widths, to);
        if (row == 0) fputs(cli_escape(to, CLI_PLAIN), to);
    }
    cli_table_free(table);
}

char *cli_shown(const char *name) {
    size_t room = strlen(name) + 1;
    char *shown = must(malloc(room));
    fv_name_shown(name, shown, room);
    return shown;
}
