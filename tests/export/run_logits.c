/* run_logits RUN PIXELS LOGITS: test images of the run's dataset as they are (uint8 [N][C][H][W]) into one file, what
 * the run's model makes of them (float32 [N][classes]) into another. Prints N, C, H, W, classes. */
#include <stdio.h>
#include <stdlib.h>

#include "fovea/fovea.h"

static void need(fv_status status, const fv_error *error) {
    if (status == FV_OK) return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static void put(const char *path, const void *data, size_t size, size_t n) {
    FILE *f = fopen(path, "wb");
    if (f && fwrite(data, size, n, f) == n && fclose(f) == 0) return;
    perror(path);
    exit(1);
}

int main(int argc, char **argv) {
    fv_error error = {0};
    fv_run_info info;
    fv_dataset *dataset;
    fv_net *net;
    char path[1200];
    if (argc != 4) return 2;
    snprintf(path, sizeof path, "%.1000s/model.safetensors", argv[1]);
    need(fv_run_read_record(argv[1], &info, &error), &error);
    need(fv_dataset_open(info.config.dataset, &dataset, &error), &error);
    need(fv_net_load(path, &net, NULL, &error), &error);
    const fv_images *images = &dataset->test;
    size_t classes = (size_t)fv_net_n_classes(net);
    float *logits = malloc(images->n * classes * sizeof *logits);
    if (!logits || fv_net_infer(net, images, NULL, 1, logits, NULL) != FV_OK) return 1;
    fv_shape s = images->shape;
    put(argv[2], images->pixels, (size_t)s.c * (size_t)s.h * (size_t)s.w, images->n);
    put(argv[3], logits, classes * sizeof *logits, images->n);
    printf("%zu %d %d %d %zu\n", images->n, s.c, s.h, s.w, classes);
    free(logits);
    fv_net_destroy(net);
    fv_dataset_destroy(dataset);
    return 0;
}
