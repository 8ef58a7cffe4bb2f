/* Trains a classifier of 8x8 handwritten digits, shows how sure it is of some of them, and saves it.
 *
 *     cc train.c $(pkg-config --cflags --libs fovea) -o train && ./train
 */
#include <stdio.h>
#include <stdlib.h>

#include "fovea/fovea.h"

static void print_epoch(void *context, const fv_epoch *epoch) {
    (void)context;
    printf("epoch %2d  loss %.4f  validation %.1f %%\n", epoch->epoch, epoch->train_loss,
           100 * epoch->validation_accuracy);
}

/* Looks at the first images of the test set, one by one. */
static fv_status look(const fv_net *net, const fv_images *test) {
    fv_prediction *predictions = calloc(test->n, sizeof *predictions);
    if (!predictions) return FV_E_MEMORY;
    fv_score score;
    fv_status status = fv_evaluate(net, test, NULL, 0, NULL, 0, 0, &score, predictions);
    if (status == FV_OK) {
        fv_interval interval = fv_wilson(score.correct, score.n);
        printf("test %zu of %zu right: %.1f %% (%.1f-%.1f)\n", score.correct, score.n,
               100.0 * (double)score.correct / (double)score.n, 100 * interval.low, 100 * interval.high);
        for (size_t i = 0; i < 5; i++)
            printf("image %zu is a %d; it says %d, %.0f %% sure\n", i, predictions[i].truth, predictions[i].predicted,
                   100 * (double)predictions[i].p_predicted);
    }
    free(predictions);
    return status;
}

static fv_status run(fv_error *error) {
    fv_dataset *digits = NULL;
    fv_net *net = NULL;
    fv_indices training = {0}, validation = {0};
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];

    fv_status status = fv_dataset_open("digits", &digits, error);
    if (status != FV_OK) goto done;
    const fv_images *images = &digits->train;
    status = fv_split_stratified(images, digits->n_classes, 0.15, 0, &training, &validation);
    if (status != FV_OK) goto done;

    status = fv_net_create("conv 16 3x3 pad 1, batchnorm, relu, maxpool 2, dense 32, relu, dense classes",
                           images->shape, digits->n_classes, 0, 1, &net, error);
    if (status != FV_OK) goto done;
    status = fv_pixel_statistics(images, &training, mean, std);
    if (status != FV_OK) goto done;
    fv_net_set_normalisation(net, mean, std);

    fv_train_options options = fv_train_defaults();
    options.epochs = 15;
    options.optimizer = "adamw";
    options.schedule = "cosine";
    options.on_epoch = print_epoch;
    status = fv_train(net, images, &training, &validation, &options, NULL, NULL, error);
    if (status != FV_OK) goto done;

    status = look(net, &digits->test);
    if (status != FV_OK) goto done;
    status = fv_net_save(net, "digits.safetensors", (const char *const *)digits->class_names, error);

done:
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_net_destroy(net);
    fv_dataset_destroy(digits);
    return status;
}

int main(void) {
    fv_error error = {FV_OK, ""};
    fv_status status = run(&error);
    if (status == FV_OK) return 0;
    fprintf(stderr, "%s\n", error.code == status ? error.message : fv_status_text(status));
    return 1;
}
