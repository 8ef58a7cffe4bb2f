#include <stdlib.h>

#include "base/memory.h"
#include "base/philox.h"
#include "bench/bench.h"

/* size bytes drawn for (index, kind); 16 a draw. */
static void draw(uint64_t seed, uint32_t index, uint32_t kind, size_t size, uint8_t *out) {
    for (size_t i = 0; i < size; i++) {
        if (i % 16) continue;
        fv_words4 words = fv_philox(seed, FV_RANDOM_BENCH, index, (uint32_t)(i / 16), kind, 0);
        for (size_t b = 0; b < 16 && i + b < size; b++) out[i + b] = (uint8_t)(words.word[b / 4] >> 8 * (b % 4));
    }
}

static void draw_images(size_t n, size_t size, int n_classes, uint64_t seed, uint8_t *patterns, uint8_t *pixels,
                        uint16_t *labels) {
    enum { NOISE, PATTERN };
    for (int c = 0; c < n_classes; c++) draw(seed, (uint32_t)c, PATTERN, size, patterns + (size_t)c * size);
    for (size_t i = 0; i < n; i++) {
        labels[i] = (uint16_t)(i % (size_t)n_classes);
        draw(seed, (uint32_t)i, NOISE, size, pixels + i * size);
        const uint8_t *pattern = patterns + labels[i] * size;
        for (size_t j = 0; j < size; j++) pixels[i * size + j] = (uint8_t)((pixels[i * size + j] + pattern[j]) / 2);
    }
}

fv_status fv_synthetic_images(fv_shape shape, int n_classes, size_t n, uint64_t seed, fv_images *out) {
    size_t size = fv_image_size(shape), bytes, pattern_bytes;
    if (!fv_multiply(n, size, &bytes) || !fv_multiply((size_t)n_classes, size, &pattern_bytes)) return FV_E_MEMORY;
    uint8_t *pixels = malloc(bytes), *patterns = calloc(1, pattern_bytes);
    uint16_t *labels = malloc(n * sizeof *labels);
    if (!pixels || !patterns || !labels) {
        free(pixels);
        free(patterns);
        free(labels);
        return FV_E_MEMORY;
    }
    draw_images(n, size, n_classes, seed, patterns, pixels, labels);
    free(patterns);
    *out = (fv_images){.n = n, .shape = shape, .pixels = pixels, .labels = labels};
    return FV_OK;
}
