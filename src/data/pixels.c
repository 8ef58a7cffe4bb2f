/* What a set's pixels say: statistics and duplicates. */
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "data/images.h"

typedef struct sums {
    uint64_t sum;              /* of pixels */
    unsigned __int128 squares; /* of their squares */
} sums;

/* Adds n bytes; within a run of 32,768 the 32-bit sums cannot overflow (32,768 * 255^2 < 2^32). */
static void add(const uint8_t *at, size_t n, sums *total) {
    while (n > 0) {
        size_t run = n < 32768 ? n : 32768;
        uint32_t sum = 0, squares = 0;
        for (size_t i = 0; i < run; i++) {
            sum += at[i];
            squares += (uint32_t)at[i] * at[i];
        }
        total->sum += sum;
        total->squares += squares;
        at += run;
        n -= run;
    }
}

fv_status fv_pixel_statistics(const fv_images *images, const fv_indices *indices, float mean[FV_MAX_CHANNELS],
                              float std[FV_MAX_CHANNELS]) {
    size_t n = indices ? indices->n : images->n, plane = (size_t)images->shape.h * (size_t)images->shape.w;
    if (n == 0 || plane == 0 || images->shape.c < 1 || images->shape.c > FV_MAX_CHANNELS) return FV_E_ARGUMENT;
    sums channel[FV_MAX_CHANNELS] = {{0}};
    fv_images_expect(images, true);
    for (size_t i = 0; i < n; i++) {
        size_t at = indices ? indices->at[i] : i;
        if (at >= images->n) return FV_E_ARGUMENT;
        const uint8_t *image = images->pixels + at * fv_image_size(images->shape);
        for (int c = 0; c < images->shape.c; c++) add(image + (size_t)c * plane, plane, &channel[c]);
    }
    fv_images_expect(images, false);
    for (int c = 0; c < images->shape.c; c++) {
        double count = (double)n * (double)plane;
        /* count^2 * variance = count * sum of squares - sum^2, in integers */
        unsigned __int128 spread = (unsigned __int128)n * plane * channel[c].squares;
        spread -= (unsigned __int128)channel[c].sum * channel[c].sum;
        mean[c] = (float)((double)channel[c].sum / (255 * count));
        std[c] = (float)(fv_sqrt((double)spread) / (255 * count));
    }
    return FV_OK;
}

uint64_t fv_bytes_hash(const uint8_t *at, size_t n) {
    uint64_t hash = 0x9E3779B97F4A7C15u ^ n;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        memcpy(&word, at + i, n - i < 8 ? n - i : 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    return hash;
}

/* Open addressing over distinct images; an empty slot holds NULL. */
typedef struct image_table {
    size_t mask, size_bytes;
    struct {
        uint64_t hash;
        const uint8_t *image;
    } * slot;
} image_table;

static fv_status table_init(image_table *table, size_t n_images, size_t size_bytes) {
    size_t n_slots = 16;
    while (n_slots / 2 < n_images) n_slots *= 2;
    table->slot = fv_alloc(n_slots, sizeof *table->slot);
    table->mask = n_slots - 1;
    table->size_bytes = size_bytes;
    return table->slot ? FV_OK : FV_E_MEMORY;
}

/* True when the image is there already; puts it there when `insert`. */
static bool table_has(image_table *table, const uint8_t *image, bool insert) {
    uint64_t hash = fv_bytes_hash(image, table->size_bytes);
    size_t at = (size_t)hash & table->mask;
    while (table->slot[at].image) {
        if (table->slot[at].hash == hash && memcmp(table->slot[at].image, image, table->size_bytes) == 0) return true;
        at = (at + 1) & table->mask;
    }
    if (insert) {
        table->slot[at].hash = hash;
        table->slot[at].image = image;
    }
    return false;
}

fv_status fv_count_duplicates(const fv_dataset *dataset, fv_duplicates *out) {
    const fv_images *train = &dataset->train, *test = &dataset->test;
    size_t size = fv_image_size(train->shape);
    image_table in_train, in_test;
    FV_TRY(table_init(&in_train, train->n, size));
    if (table_init(&in_test, test->n, size) != FV_OK) {
        free(in_train.slot);
        return FV_E_MEMORY;
    }
    fv_duplicates found = {0};
    for (size_t i = 0; i < train->n; i++) found.in_train += table_has(&in_train, train->pixels + i * size, true);
    for (size_t i = 0; i < test->n; i++) {
        const uint8_t *image = test->pixels + i * size;
        found.in_test += table_has(&in_test, image, true);
        found.across += table_has(&in_train, image, false);
    }
    free(in_train.slot);
    free(in_test.slot);
    *out = found;
    return FV_OK;
}
