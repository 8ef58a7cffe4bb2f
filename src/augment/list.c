/* Several augmentations in one text. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fovea/augment.h"

enum { MOST_TEXTS = 64 };

static char *trim(char *text) {
    while (isspace((unsigned char)*text)) text++;
    for (char *end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);) *--end = 0;
    return text;
}

/* Cuts `rest` into texts[0..*n) in place. */
static fv_status cut(char *rest, char **texts, int *n, fv_error *error) {
    for (char *next = rest; next; rest = next) {
        if ((next = strchr(rest, ';'))) *next++ = 0;
        if (*n == MOST_TEXTS)
            return fv_fail(error, FV_E_ARGUMENT, "more than %d augmentations: give fewer", (int)MOST_TEXTS);
        char *text = trim(rest);
        if (*text == 0)
            return fv_fail(error, FV_E_ARGUMENT, "augmentation %d is empty: give `none` for no augmentation", *n + 1);
        for (int i = 0; i < *n; i++)
            if (strcmp(texts[i], text) == 0)
                return fv_fail(error, FV_E_ARGUMENT, "augmentation `%.100s` is given twice: give it once", text);
        texts[(*n)++] = text;
    }
    return FV_OK;
}

static fv_status check(char *const *texts, int n, fv_shape shape, fv_error *error) {
    for (int i = 0; i < n; i++) {
        fv_augment *augment;
        FV_TRY(fv_augment_create(texts[i], shape, &augment, error));
        fv_augment_destroy(augment);
    }
    return FV_OK;
}

fv_status fv_augment_list(const char *list, fv_shape shape, char ***texts, int *n, fv_error *error) {
    const size_t pointers = MOST_TEXTS * sizeof(char *), size = strlen(list) + 1;
    char **own = fv_alloc(pointers + size, 1);
    int count = 0;
    if (!own) return fv_fail(error, FV_E_MEMORY, "augmentations: out of memory");
    memcpy(own + MOST_TEXTS, list, size);
    fv_status status = cut((char *)(own + MOST_TEXTS), own, &count, error);
    if (status == FV_OK) status = check(own, count, shape, error);
    if (status != FV_OK) {
        free(own);
        return status;
    }
    *texts = own;
    *n = count;
    return FV_OK;
}
