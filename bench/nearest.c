/* Seconds of exact 10 nearest neighbours of 10,000 queries among 60,000 points of 64 made-up features:
 *     bench_nearest [ROUNDS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fovea/explain.h"
#include "fovea/machine.h"

enum { POINTS = 60000, QUERIES = 10000, FEATURES = 64, NEIGHBOURS = 10 };

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In [0, 1), as features behind a relu may be; the same on every machine. */
static float *features(size_t n, uint64_t state) {
    float *x = malloc(n * FEATURES * sizeof *x);
    for (size_t i = 0; x && i < n * FEATURES; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        x[i] = (float)(state >> 40) * 0x1p-24F;
    }
    return x;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1, failed = 0;
    float *x = features(POINTS, 1), *q = features(QUERIES, 2),
          *distances = malloc(QUERIES * NEIGHBOURS * sizeof *distances);
    uint32_t *indices = malloc(QUERIES * NEIGHBOURS * sizeof *indices);
    failed = !x || !q || !distances || !indices;
    for (int i = 0; !failed && i < rounds; i++) {
        double start = now_s();
        failed = fv_nearest(x, POINTS, q, QUERIES, FEATURES, NEIGHBOURS, false, fv_processors(), indices, distances) !=
                 FV_OK;
        if (!failed)
            printf("fovea: %d nearest of %d in %d x %d, %d threads: %.3f s\n", NEIGHBOURS, QUERIES, POINTS, FEATURES,
                   fv_processors(), now_s() - start);
    }
    free(x);
    free(q);
    free(distances);
    free(indices);
    return failed;
}
