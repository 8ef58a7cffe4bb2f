/* Around jansson: trees that are whole or NULL, and texts that are told from short memory. */
#ifndef FV_JSON_TEXT_H
#define FV_JSON_TEXT_H

#include <jansson.h>

#include "fovea/status.h"

/* Adds a member or element (taken). Where that fails, or a value could not be made, the whole tree is dropped: *to is
 * NULL from then on, and so is whatever it is put into. */
static inline void fv_json_put(json_t **to, const char *key, json_t *value) {
    if (json_object_set_new(*to, key, value) == 0) return;
    json_decref(*to);
    *to = NULL;
}
static inline void fv_json_append(json_t **to, json_t *value) {
    if (json_array_append_new(*to, value) == 0) return;
    json_decref(*to);
    *to = NULL;
}

/* Parses n bytes: FV_OK; FV_E_DATA with the reason; FV_E_MEMORY. */
fv_status fv_json_parse(const char *text, size_t n, size_t flags, json_t **out, json_error_t *reason) FV_MUST_CHECK;

/* As json_dumps, which itself loses the names of members where memory runs short. NULL: out of memory, or json is NULL.
 */
char *fv_json_text(const json_t *json, size_t flags);

#endif
