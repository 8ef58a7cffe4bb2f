/* An image file in memory, decoded row by row as it is asked for. */
#ifndef FV_PICTURE_H
#define FV_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

typedef struct fv_picture {
    int w, h;           /* as stored */
    int bands;          /* 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha */
    bool sixteen;       /* 16 bits a value, in the machine's order; else 8 */
    int orientation;    /* EXIF's, 1 to 8 */
    char mode[24];      /* as stored: "PNG RGB 16-bit" */
    int file_w, file_h; /* before shrink-on-load */
    struct fv_picture_state *state;
} fv_picture;

/* Opens PNG, JPEG, WebP, TIFF, BMP, GIF, PGM, PPM or PBM (the first page or frame), recognised by its first bytes.
 *   bytes  borrowed until fv_picture_close
 *   least  where > 0, a JPEG may come smaller by 2, 4 or 8, as long as no side falls below it
 * CMYK and other spaces come as RGB. FV_E_DATA (no image of these kinds, broken, or more than 256 MiB of pixels; a
 * header that promises more than the file can hold is refused before memory is taken), FV_E_UNSUPPORTED, FV_E_MEMORY.
 * `path` begins the messages, whose reason is exact only while no other thread reads pictures. */
fv_status fv_picture_open(const char *path, const void *bytes, size_t n, int least, fv_picture *out,
                          fv_error *error) FV_MUST_CHECK;
/* Rows [y, y + n_rows), ascending from call to call: *rows points at the first value, *stride_bytes from row to row. */
fv_status fv_picture_rows(fv_picture *picture, const char *path, int y, int n_rows, const uint8_t **rows,
                          size_t *stride_bytes, fv_error *error) FV_MUST_CHECK;
void fv_picture_close(fv_picture *picture);

/* Sides as shown: after the orientation. */
static inline int fv_picture_width(const fv_picture *p) {
    return p->orientation >= 5 ? p->file_h : p->file_w;
}
static inline int fv_picture_height(const fv_picture *p) {
    return p->orientation >= 5 ? p->file_w : p->file_h;
}

/* Whether a file's name ends as those of images do. */
bool fv_picture_name(const char *name);

/* To be called by a thread before it ends. */
void fv_picture_thread_end(void);

#endif
