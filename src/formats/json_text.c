#include "formats/json_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* jansson tells short memory apart from a broken text only in part ("invalid token" may be either). A broken text is
 * broken twice at the same place. */
fv_status fv_json_parse(const char *text, size_t n, size_t flags, json_t **out, json_error_t *reason) {
    json_error_t again;
    *out = json_loadb(text, n, flags, reason);
    if (*out) return FV_OK;
    if (!*reason->text || json_error_code(reason) == json_error_out_of_memory) return FV_E_MEMORY;
    *out = json_loadb(text, n, flags, &again);
    if (*out) return FV_OK;
    bool same = again.position == reason->position && strcmp(again.text, reason->text) == 0;
    return same ? FV_E_DATA : FV_E_MEMORY;
}

char *fv_json_text(const json_t *json, size_t flags) {
    size_t n = json ? json_dumpb(json, NULL, 0, flags) : 0;
    char *text = n ? malloc(n + 1) : NULL;
    if (!text) return NULL;
    if (json_dumpb(json, text, n, flags) != n) {
        free(text);
        return NULL;
    }
    text[n] = 0;
    return text;
}
