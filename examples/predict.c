/* What is on these pictures? ./predict digits.safetensors zero.png ...
 * Build: cc predict.c $(pkg-config --cflags --libs fovea) -lm -o predict */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fovea/fovea.h"

/* The likeliest class and its probability: the softmax of the logits. */
static int likeliest(const float *logits, int n, double *probability) {
    int best = 0;
    double sum = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    for (int i = 0; i < n; i++) sum += exp((double)(logits[i] - logits[best]));
    *probability = 1 / sum;
    return best;
}

static fv_status predict(const fv_net *net, char **classes, const char *file, fv_error *error) {
    fv_shape shape = fv_net_input(net);
    int n_classes = fv_net_n_classes(net);
    uint8_t *pixels = malloc((size_t)shape.c * (size_t)shape.h * (size_t)shape.w);
    float *logits = malloc((size_t)n_classes * sizeof *logits);
    fv_status status = pixels && logits ? fv_image_read(file, shape, FV_FIT_STRETCH, false, pixels, error)
                                        : fv_fail(error, FV_E_MEMORY, "out of memory");
    if (status == FV_OK) {
        fv_images one = {.n = 1, .shape = shape, .pixels = pixels};
        status = fv_net_infer(net, &one, NULL, 1, logits, NULL);
    }
    if (status == FV_OK) {
        double probability;
        int best = likeliest(logits, n_classes, &probability);
        printf("%s: %s, %.0f %%\n", file, classes[best], 100 * probability);
    }
    free(pixels);
    free(logits);
    return status;
}

int main(int argc, char **argv) {
    fv_error error = {0};
    fv_net *net = NULL;
    char **classes = NULL;
    if (argc < 3) {
        fprintf(stderr, "give predict MODEL.safetensors PICTURE...\n");
        return 2;
    }
    fv_status status = fv_net_load(argv[1], &net, &classes, &error);
    for (int i = 2; i < argc && status == FV_OK; i++) status = predict(net, classes, argv[i], &error);
    if (status != FV_OK) fprintf(stderr, "%s\n", error.code == status ? error.message : fv_status_text(status));
    if (net) fv_strings_free(classes, fv_net_n_classes(net));
    fv_net_destroy(net);
    return status != FV_OK;
}
