/* Growing text: what a page is written into. A failed allocation is remembered in `failed` and asked for once, at the
 * end; until then writing goes nowhere. */
#ifndef FV_BUFFER_H
#define FV_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

typedef struct fv_buffer {
    char *data; /* zero-terminated; NULL while empty */
    size_t n, capacity;
    bool failed;
} fv_buffer;

void fv_buffer_deinit(fv_buffer *buffer);
/* Frees `part`, which was made for `out`; its failure becomes that of `out`. */
void fv_buffer_finish(fv_buffer *part, fv_buffer *out);
/* The text, "" while empty. */
const char *fv_buffer_text(const fv_buffer *buffer);

void fv_put_bytes(fv_buffer *buffer, const void *bytes, size_t n);
void fv_put(fv_buffer *buffer, const char *text);
void fv_putf(fv_buffer *buffer, const char *format, ...) FV_PRINTF(2, 3);
/* Text for HTML: & < > " are escaped. */
void fv_put_escaped(fv_buffer *buffer, const char *text);
/* <tag class="class">text</tag>; class may be NULL. */
void fv_put_element(fv_buffer *buffer, const char *tag, const char *class, const char *text);
void fv_put_base64(fv_buffer *buffer, const void *bytes, size_t n);
/* n items as "a, b and c": called with i = 0 .. n-1 between items. */
void fv_put_separator(fv_buffer *buffer, size_t i, size_t n);

#endif
