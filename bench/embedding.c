/* Seconds and KL divergence of t-SNE over a dataset's pixels, reduced to 50 principal components:
 *     bench_embedding [DATASET] [test|train] [EXPORT]
 * DATASET is mnist, split test where they are not given. EXPORT gets the components as float32 [n][50], for
 * bench/peers/sklearn_tsne.py: so both see the same input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fovea/data.h"
#include "fovea/explain.h"
#include "fovea/machine.h"

enum { COMPONENTS = 50 };

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* [n][COMPONENTS] of pixels / 255; NULL on failure. */
static float *components(const fv_images *images) {
    const size_t d = (size_t)images->shape.c * (size_t)images->shape.h * (size_t)images->shape.w;
    float *x = malloc(images->n * d * sizeof *x), *z = malloc(images->n * COMPONENTS * sizeof *z);
    for (size_t i = 0; x && i < images->n * d; i++) x[i] = (float)images->pixels[i] / 255;
    if (!x || !z || fv_principal_components(x, images->n, (int)d, COMPONENTS, z, NULL) != FV_OK) {
        free(z);
        z = NULL;
    }
    free(x);
    return z;
}

static int export(const char *path, const float *z, size_t n) {
    FILE *f = fopen(path, "wb");
    int done = f && fwrite(z, COMPONENTS * sizeof *z, n, f) == n;
    done = f && fclose(f) == 0 && done;
    if (!done) perror(path);
    return done;
}

static int measure(const float *z, size_t n) {
    const fv_embedding_options options = fv_embedding_defaults();
    fv_embedding embedding;
    fv_error error;
    const double start = now_s();
    if (fv_embed(z, n, COMPONENTS, &options, &embedding, &error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("fovea t-SNE %zu x %d, %s, %d threads, %d iterations: %.2f s, KL %.4f, %.1f %% of 10 neighbours kept\n", n,
           COMPONENTS, fv_isa_name(), fv_processors(), options.iterations, now_s() - start, embedding.kl_divergence,
           100 * embedding.neighbour_agreement);
    fv_embedding_deinit(&embedding);
    return 0;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "mnist", *split = argc > 2 ? argv[2] : "test";
    fv_dataset *dataset;
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK || fv_dataset_open(name, &dataset, &error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    const fv_images *images = strcmp(split, "train") == 0 ? &dataset->train : &dataset->test;
    float *z = components(images);
    int failed = !z || (argc > 3 && !export(argv[3], z, images->n)) || measure(z, images->n);
    free(z);
    fv_dataset_destroy(dataset);
    return failed;
}
