/* A program with pictures of its own in memory, here discs and crosses that it draws: trains on them, then classifies
 * them as they come, one by one. Build: cc embed.c $(pkg-config --cflags --libs fovea) -o embed */
#include <stdio.h>
#include <stdlib.h>

#include "fovea/fovea.h"

enum { SIDE = 12, N = 2000, N_TRAINING = 1600 };

static uint8_t pixels[N][SIDE][SIDE];
static uint16_t labels[N];

static void draw(uint8_t image[SIDE][SIDE], int label) {
    int row = 4 + rand() % (SIDE - 8), column = 4 + rand() % (SIDE - 8), radius = 2 + rand() % 3;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int y = abs(i - row), x = abs(j - column);
            int inside = label ? (x == y && x <= radius) : x * x + y * y <= radius * radius;
            image[i][j] = (uint8_t)(rand() % 80 + (inside ? 100 : 0));
        }
}

static fv_status train_and_run(fv_net *net, const fv_images *images, fv_error *error) {
    uint32_t order[N_TRAINING];
    for (uint32_t i = 0; i < N_TRAINING; i++) order[i] = i;
    fv_indices training = {.n = N_TRAINING, .at = order};
    fv_train_options options = fv_train_defaults(); /* its callbacks tell and cancel: see train.h */
    options.epochs = 3;
    FV_TRY(fv_train(net, images, &training, NULL, &options, NULL, NULL, error));

    fv_runner *runner; /* allocates once, then never in a call */
    FV_TRY(fv_runner_create(net, 1, &runner));
    int n_right = 0;
    for (int i = N_TRAINING; i < N; i++) {
        float logits[2];
        fv_images one = {.n = 1, .shape = images->shape, .pixels = &pixels[i][0][0]};
        if (fv_runner_infer(runner, &one, NULL, logits, NULL) == FV_OK) n_right += (logits[1] > logits[0]) == labels[i];
    }
    fv_runner_destroy(runner);
    printf("%d of %d new pictures told right\n", n_right, N - N_TRAINING);
    return FV_OK;
}

int main(void) {
    for (int i = 0; i < N; i++) draw(pixels[i], labels[i] = (uint16_t)(i % 2));
    fv_images images = {.n = N, .shape = {1, SIDE, SIDE}, .pixels = &pixels[0][0][0], .labels = labels};
    fv_error error = {0};
    fv_net *net = NULL;
    fv_status status = fv_net_create("conv 8 3x3, relu, maxpool 2, dense 2", images.shape, 2, 0, 1, &net, &error);
    if (status == FV_OK) status = train_and_run(net, &images, &error);
    if (status != FV_OK) fprintf(stderr, "%s\n", error.code == status ? error.message : fv_status_text(status));
    fv_net_destroy(net);
    return status != FV_OK;
}
