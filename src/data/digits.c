#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"

/* UCI Optdigits (E. Alpaydin, C. Kaynak; CC BY 4.0): [1797][8][8] pixels of 0..16, then [1797] labels. */
extern const unsigned char fv_digits[];

enum { N_DIGITS = 1797, N_TRAIN = 1437, SIZE = 64 };

/* Images [first, first + n), with 0..16 stretched to 0..255. */
static fv_status load(size_t first, size_t n, fv_images *out) {
    uint8_t *pixels = fv_alloc(n, SIZE);
    uint16_t *labels = fv_alloc(n, sizeof *labels);
    if (!pixels || !labels) {
        free(pixels);
        free(labels);
        return FV_E_MEMORY;
    }
    const unsigned char *source = fv_digits + first * SIZE, *label = fv_digits + (size_t)N_DIGITS * SIZE + first;
    for (size_t i = 0; i < n * SIZE; i++) pixels[i] = (uint8_t)((source[i] * 255 + 8) / 16);
    for (size_t i = 0; i < n; i++) labels[i] = label[i];
    *out = (fv_images){.n = n, .shape = {1, 8, 8}, .pixels = pixels, .labels = labels};
    return FV_OK;
}

fv_status fv_digits_load(fv_images *train, fv_images *test) {
    fv_images first, last;
    FV_TRY(load(0, N_TRAIN, &first));
    fv_status status = load(N_TRAIN, N_DIGITS - N_TRAIN, &last);
    if (status != FV_OK) {
        fv_images_deinit(&first);
        return status;
    }
    *train = first;
    *test = last;
    return FV_OK;
}
