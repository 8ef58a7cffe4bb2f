/* The page's own HTML: everything that can be read without its script. */
#ifndef FV_PAGE_H
#define FV_PAGE_H

#include "report/sentences.h"

/* From <!doctype> to the end of <main> and the inspector's place. */
void fv_page_write(const fv_context *context, fv_buffer *out);

#endif
