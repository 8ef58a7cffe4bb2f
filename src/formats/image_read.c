#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "data/images.h"
#include "formats/files.h"
#include "formats/image_fit.h"
#include "fovea/machine.h"

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
    char *bytes, shown[PATH_MAX];
    size_t n;
    FV_TRY(fv_file_read(path, MOST_BYTES, &bytes, &n, error));
    fv_name_shown(path, shown, sizeof shown);
    fv_status status = fv_image_read_bytes(shown, bytes, n, shape, fit, invert, out, error);
    free(bytes);
    return status;
}

typedef struct reading {
    const char *const *paths;
    size_t n, size; /* size: of an image */
    fv_shape shape;
    fv_fit fit;
    bool invert;
    uint8_t *out;
    bool *failed;
    atomic_size_t next;
    atomic_int trouble; /* a status that ends it all */
} reading;

static void read_share(void *context, int thread, int n_threads) {
    reading *r = context;
    (void)thread, (void)n_threads;
    for (size_t i; !r->trouble && (i = r->next++) < r->n;) {
        fv_status status = fv_image_read(r->paths[i], r->shape, r->fit, r->invert, r->out + i * r->size, NULL);
        r->failed[i] = status != FV_OK;
        if (status != FV_OK && status != FV_E_DATA && status != FV_E_IO) r->trouble = (int)status;
    }
    fv_picture_thread_end();
}

fv_status fv_image_read_many(const char *const *paths, size_t n, fv_shape shape, fv_fit fit, bool invert, int threads,
                             uint8_t *out, bool *failed, fv_error *error) {
    reading r = {paths, n, fv_image_size(shape), shape, fit, invert, out, failed, 0, FV_OK};
    int n_threads = threads > 0 ? threads : fv_processors();
    fv_team *team;
    if (n == 0) return FV_OK;
    if (fv_team_create((size_t)n_threads < n ? n_threads : (int)n, &team) != FV_OK)
        return fv_fail(error, FV_E_MEMORY, "not enough memory to read %zu images", n);
    fv_team_run(team, read_share, &r);
    fv_team_destroy(team);
    if (r.trouble == FV_OK) return FV_OK;
    fv_status again = fv_image_read(paths[0], shape, fit, invert, out, error); /* for its message */
    return again != FV_OK ? again : fv_fail(error, (fv_status)r.trouble, "%s", fv_status_text((fv_status)r.trouble));
}
