/* What the page's script works from: one JSON text, and arrays and sprites in base64. */
#ifndef FV_PAYLOAD_H
#define FV_PAYLOAD_H

#include "report/sentences.h"

/* Writes the <script> elements of data. `max_bytes` is what they may take together; test images shrink to keep it.
 * FV_E_MEMORY, FV_E_ARGUMENT. */
fv_status fv_payload_write(const fv_context *context, size_t max_bytes, fv_buffer *out) FV_MUST_CHECK;

#endif
