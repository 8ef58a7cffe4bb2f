#include "formats/lines.h"

#include <stdlib.h>
#include <string.h>

#include "formats/files.h"

enum { CHUNK = 1 << 16, MOST = 8 << 20 };

struct fv_lines {
    fv_source *source;
    const char *path; /* borrowed from the source */
    char *bytes;      /* [room + 1] */
    size_t room, begin, end, number;
    bool ended;
};

fv_status fv_lines_open(const char *path, fv_lines **out, fv_error *error) {
    fv_source *source;
    FV_TRY(fv_source_open(path, &source, error));
    fv_lines *lines = calloc(1, sizeof *lines);
    if (lines) lines->bytes = malloc(CHUNK + 1);
    if (!lines || !lines->bytes) {
        free(lines);
        fv_source_close(source);
        return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    }
    lines->source = source;
    lines->path = fv_source_name(source);
    lines->room = CHUNK;
    *out = lines;
    return FV_OK;
}

void fv_lines_close(fv_lines *lines) {
    if (!lines) return;
    fv_source_close(lines->source);
    free(lines->bytes);
    free(lines);
}

/* Moves what is left to the front and reads more behind it. */
static fv_status fill(fv_lines *lines, fv_error *error) {
    size_t left = lines->end - lines->begin, got;
    memmove(lines->bytes, lines->bytes + lines->begin, left);
    lines->begin = 0;
    lines->end = left;
    if (left == lines->room) {
        if (left >= MOST)
            return fv_fail(error, FV_E_DATA, "%s: line %zu is longer than %d bytes", fv_path_shown(lines->path),
                           lines->number + 1, MOST);
        char *more = realloc(lines->bytes, 2 * lines->room + 1);
        if (!more) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(lines->path));
        lines->bytes = more;
        lines->room *= 2;
    }
    FV_TRY(fv_source_read(lines->source, lines->bytes + left, lines->room - left, &got, error));
    lines->end += got;
    lines->ended = lines->end < lines->room;
    if (lines->ended && fv_source_cut(lines->source))
        return fv_fail(error, FV_E_DATA, "%s: its gzip stream is cut short; get it again", fv_path_shown(lines->path));
    return FV_OK;
}

/* The next line, blank or not; NULL at the end. */
static fv_status any_line(fv_lines *lines, char **line, fv_error *error) {
    char *stop;
    while (!(stop = memchr(lines->bytes + lines->begin, '\n', lines->end - lines->begin)) && !lines->ended)
        FV_TRY(fill(lines, error));
    *line = lines->bytes + lines->begin;
    if (!stop && lines->begin == lines->end) {
        *line = NULL;
        return FV_OK;
    }
    size_t n = (size_t)((stop ? stop : lines->bytes + lines->end) - *line);
    lines->begin += n + (stop ? 1 : 0);
    lines->number++;
    if (memchr(*line, 0, n))
        return fv_fail(error, FV_E_DATA, "%s: line %zu holds a zero byte: this is no text", fv_path_shown(lines->path),
                       lines->number);
    (*line)[n] = 0;
    if (n > 0 && (*line)[n - 1] == '\r') (*line)[n - 1] = 0;
    if (lines->number == 1 && strncmp(*line, "\xef\xbb\xbf", 3) == 0) *line += 3;
    return FV_OK;
}

fv_status fv_lines_next(fv_lines *lines, char **line, size_t *number, fv_error *error) {
    do FV_TRY(any_line(lines, line, error));
    while (*line && (*line)[strspn(*line, " \t")] == 0);
    *number = lines->number;
    return FV_OK;
}

/* Behind a cell: the comma is taken. */
static char *end_cell(char *cell, char *last, char *next, char **at) {
    bool more = *next == ',';
    *last = 0;
    *at = more ? next + 1 : NULL;
    return cell;
}

char *fv_cell_next(char **at) {
    char *cell = *at + strspn(*at, " \t"), *to = cell, *from = cell;
    if (*cell != '"') {
        char *next = cell + strcspn(cell, ","), *last = next;
        while (last > cell && (last[-1] == ' ' || last[-1] == '\t')) last--;
        return end_cell(cell, last, next, at);
    }
    for (from++; *from && (*from != '"' || from[1] == '"'); from++) {
        if (*from == '"') from++;
        *to++ = *from;
    }
    if (*from != '"') return NULL;
    from++;
    from += strspn(from, " \t");
    if (*from && *from != ',') return NULL;
    return end_cell(cell, to, from, at);
}
