#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/files.h"
#include "formats/image_fit.h"

enum { MOST_BYTES = 1 << 30 };

static const char *const fits[] = {"stretch", "pad", "crop"};
enum { N_FITS = sizeof fits / sizeof *fits };

const char *fv_fit_name(int index) {
    return index >= 0 && index < N_FITS ? fits[index] : NULL;
}

fv_status fv_fit_parse(const char *name, const char *where, fv_fit *out, fv_error *error) {
    for (int i = 0; i < N_FITS; i++) {
        if (strcmp(name, fits[i]) != 0) continue;
        *out = (fv_fit)i;
        return FV_OK;
    }
    return fv_fail(error, FV_E_ARGUMENT, "%s: `%.60s` is no way to fit an image: give stretch, pad or crop", where,
                   name);
}

fv_status fv_size_parse(const char *text, const char *where, int *height, int *width, fv_error *error) {
    int h = 0, w = 0, used = 0;
    bool both = sscanf(text, "%4dx%4d%n", &h, &w, &used) == 2 && text[used] == 0;
    bool one = !both && sscanf(text, "%4d%n", &h, &used) == 1 && text[used] == 0;
    if (one) w = h;
    bool plain = text[strspn(text, "0123456789x")] == 0; /* no blanks, no signs */
    if (!plain || (!both && !one) || h < 1 || w < 1 || h > FV_MAX_SIDE || w > FV_MAX_SIDE)
        return fv_fail(error, FV_E_ARGUMENT, "%s: \"%.60s\" is no size: give height x width as in 28x28, sides 1 to %d",
                       where, text, FV_MAX_SIDE);
    *height = h;
    *width = w;
    return FV_OK;
}

fv_status fv_image_read_bytes(const char *name, const void *bytes, size_t n, fv_shape shape, fv_fit fit, bool invert,
                              uint8_t *out, fv_error *error) {
    fv_picture picture;
    int longer = shape.h > shape.w ? shape.h : shape.w;
    FV_TRY(fv_picture_open(name, bytes, n, 2 * longer, &picture, error));
    fv_status status = fv_image_fit(&picture, name, shape, fit, invert, out, error);
    fv_picture_close(&picture);
    return status;
}

fv_status fv_image_read(const char *path, fv_shape shape, fv_fit fit, bool invert, uint8_t *out, fv_error *error) {
    char *bytes;
    size_t n;
    FV_TRY(fv_file_read(path, MOST_BYTES, &bytes, &n, error));
    fv_status status = fv_image_read_bytes(path, bytes, n, shape, fit, invert, out, error);
    free(bytes);
    return status;
}
