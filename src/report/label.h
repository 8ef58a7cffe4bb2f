/* Words in a picture, in dots of our own: a picture must not depend on the fonts of a machine. */
#ifndef FV_LABEL_H
#define FV_LABEL_H

#include <stddef.h>
#include <stdint.h>

enum { FV_LABEL_ROWS = 8, FV_LABEL_COLUMNS = 5, FV_LABEL_ADVANCE = 6 }; /* dots of a letter, and to the next one */

/* Draws n letters with their upper left corner at column x, row y of a canvas [.][width][channels], black, a dot being
 * zoom x zoom pixels. What is not a-z, 0-9 or . , - + _ : | ( ) stays blank. */
void fv_label_draw(const char *text, size_t n, int x, int y, int zoom, int width, int channels, uint8_t *canvas);

#endif
