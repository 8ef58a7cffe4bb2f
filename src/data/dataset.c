#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/images.h"
#include "fovea/net.h"

/* Owned memory that the public structs show as const. */
static void free_const(const void *at) {
    free((void *)(uintptr_t)at);
}

static void release_pixels(fv_images *images) {
    if (images->mapped)
        munmap((void *)(uintptr_t)images->mapped, images->mapped_bytes);
    else
        free_const(images->pixels);
    images->pixels = images->mapped = NULL;
}

bool fv_images_map(fv_images *images, int fd, uint64_t offset) {
    size_t size = images->n * fv_image_size(images->shape), skipped = offset % (size_t)sysconf(_SC_PAGESIZE);
    void *pages = mmap(NULL, size + skipped, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - skipped));
    if (pages == MAP_FAILED) return false;
    images->mapped = pages;
    images->mapped_bytes = size + skipped;
    images->pixels = (const uint8_t *)pages + skipped;
    return true;
}

void fv_images_expect(const fv_images *images, bool in_order) {
    if (images->mapped)
        (void)madvise((void *)(uintptr_t)images->mapped, images->mapped_bytes, in_order ? MADV_NORMAL : MADV_RANDOM);
}

void fv_images_deinit(fv_images *images) {
    release_pixels(images);
    free_const(images->labels);
    *images = (fv_images){0};
}

void fv_dataset_destroy(fv_dataset *dataset) {
    if (!dataset) return;
    fv_images_deinit(&dataset->train);
    fv_images_deinit(&dataset->test);
    fv_strings_free(dataset->class_names, dataset->n_classes);
    free(dataset->origins);
    free(dataset->origin_names);
    free(dataset);
}

fv_status fv_images_gather(const fv_images *images, const fv_indices *indices, fv_images *out) {
    size_t size = fv_image_size(images->shape);
    uint8_t *pixels = fv_alloc(indices->n, size);
    uint16_t *labels = fv_alloc(indices->n, sizeof *labels);
    if (!pixels || !labels) {
        free(pixels);
        free(labels);
        return FV_E_MEMORY;
    }
    for (size_t i = 0; i < indices->n; i++) {
        memcpy(pixels + i * size, images->pixels + indices->at[i] * size, size);
        labels[i] = images->labels[indices->at[i]];
    }
    *out = (fv_images){.n = indices->n, .shape = images->shape, .pixels = pixels, .labels = labels};
    return FV_OK;
}

fv_status fv_images_transpose(fv_images *images) {
    size_t h = (size_t)images->shape.h, w = (size_t)images->shape.w, planes = images->n * (size_t)images->shape.c;
    uint8_t *turned = fv_alloc(planes, h * w);
    if (!turned) return FV_E_MEMORY;
    for (size_t p = 0; p < planes; p++) {
        const uint8_t *from = images->pixels + p * h * w;
        for (size_t y = 0; y < h; y++)
            for (size_t x = 0; x < w; x++) turned[(p * w + x) * h + y] = from[y * w + x];
    }
    release_pixels(images);
    images->pixels = turned;
    images->shape = (fv_shape){images->shape.c, (int)w, (int)h};
    return FV_OK;
}

bool fv_labels_below(const fv_images *images, const fv_indices *indices, int n_classes) {
    size_t n = indices ? indices->n : images->n;
    for (size_t i = 0; i < n; i++)
        if (images->labels[indices ? indices->at[i] : i] >= n_classes) return false;
    return true;
}

void fv_indices_deinit(fv_indices *indices) {
    free(indices->at);
    *indices = (fv_indices){0};
}

fv_status fv_indices_all(size_t n, fv_indices *out) {
    if (n > UINT32_MAX) return FV_E_ARGUMENT;
    uint32_t *at = fv_alloc(n, sizeof *at);
    if (!at) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++) at[i] = (uint32_t)i;
    *out = (fv_indices){n, at};
    return FV_OK;
}

char **fv_copy_names(const char *const *names, int n) {
    char **copy = calloc((size_t)n, sizeof *copy);
    for (int i = 0; copy && i < n; i++) {
        copy[i] = fv_copy_text(names[i]);
        if (!copy[i]) {
            fv_strings_free(copy, n);
            return NULL;
        }
    }
    return copy;
}

char **fv_numbered_names(int n) {
    char **names = calloc((size_t)n, sizeof *names);
    for (int i = 0; names && i < n; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        names[i] = fv_copy_text(text);
        if (!names[i]) {
            fv_strings_free(names, n);
            return NULL;
        }
    }
    return names;
}

void fv_strings_free(char **strings, int n) {
    for (int i = 0; strings && i < n; i++) free(strings[i]);
    free(strings);
}
