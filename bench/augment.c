/* How many 28x28 images a thread augments in a second: the best of many short rounds over 100 images. The chosen
 * instruction set (FOVEA_ISA forces one). bench_augment [TEXT...] measures other augmentations. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fovea/augment.h"
#include "fovea/machine.h"

enum { N_IMAGES = 100, ROUNDS = 1000, SIZE = 28 * 28 };

static const char *const usual[] = {"mild",
                                    "strong",
                                    "affine degrees 10 translate 0.1, gaussian_blur 3 0.1 1",
                                    "affine degrees 10 translate 0.1",
                                    "rotation 30 nearest",
                                    "elastic 40 4",
                                    "gaussian_blur 3 0.1 1",
                                    "hflip, crop 4, erasing"};
enum { N_USUAL = sizeof usual / sizeof *usual };

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds an image, or a negative number where `text` is wrong. */
static double measure(const char *text, const uint8_t *images, uint8_t *out) {
    fv_augment *augment;
    fv_error error;
    if (fv_augment_create(text, (fv_shape){1, 28, 28}, &augment, &error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    void *scratch = malloc(fv_augment_scratch(augment) + 1);
    double best = 1e9;
    for (uint32_t round = 0; scratch && round < ROUNDS; round++) {
        const double start = now_s();
        for (uint32_t i = 0; i < N_IMAGES; i++)
            fv_augment_apply(augment, 1, round, i, images + (size_t)i * SIZE, out + (size_t)i * SIZE, scratch);
        const double time_s = now_s() - start;
        if (time_s < best) best = time_s;
    }
    free(scratch);
    fv_augment_destroy(augment);
    return best / N_IMAGES;
}

int main(int argc, char **argv) {
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    uint8_t *images = malloc(N_IMAGES * SIZE), *out = malloc(N_IMAGES * SIZE);
    if (!images || !out) return 1;
    for (size_t i = 0; i < N_IMAGES * SIZE; i++) images[i] = (uint8_t)(i * i % 251);
    printf("%s, one thread, 28x28\n%12s %10s\n", fv_isa_name(), "images/s", "ns/image");
    for (int i = 0; i < (argc > 1 ? argc - 1 : N_USUAL); i++) {
        const char *text = argc > 1 ? argv[i + 1] : usual[i];
        const double time_s = measure(text, images, out);
        if (time_s < 0) return 2;
        printf("%12.0f %10.0f  %s\n", 1 / time_s, 1e9 * time_s, text);
    }
    free(images);
    free(out);
    return 0;
}
