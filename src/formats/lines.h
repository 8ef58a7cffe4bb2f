/* The lines of a text, plain or gzip, and their cells. */
#ifndef FV_LINES_H
#define FV_LINES_H

#include "formats/source.h"

typedef struct fv_lines fv_lines;

/* FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_lines_open(const char *path, fv_lines **out, fv_error *error) FV_MUST_CHECK;
void fv_lines_close(fv_lines *lines);

/* The next line that is not blank: *line without its end (\n or \r\n), to be changed as one likes, valid until the
 * next call; NULL at the end. *number counts from 1. A byte order mark is skipped. FV_E_DATA for a line above 8 MB or
 * one that holds a zero byte. */
fv_status fv_lines_next(fv_lines *lines, char **line, size_t *number, fv_error *error) FV_MUST_CHECK;

/* Takes the next cell of a comma-separated line at *at (NULL when there is none left), in place: blanks around it and
 * quotes are dropped, a doubled quote inside quotes is one (RFC 4180). NULL where quotes are not closed. */
char *fv_cell_next(char **at);

#endif
