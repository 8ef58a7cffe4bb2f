/* Trains a classifier of 8x8 handwritten digits and saves it: cc train.c $(pkg-config --cflags --libs fovea) -o train
 */
#include <stdio.h>

#include "fovea/fovea.h"

static const char *const model = "conv 16 3x3 pad 1, batchnorm, relu, maxpool 2, dense 32, relu, dense classes";

static void print_epoch(void *context, const fv_epoch *epoch) {
    (void)context;
    printf("epoch %2d  loss %.4f  validation %.1f %%\n", epoch->epoch, epoch->train_loss,
           100 * epoch->validation_accuracy);
}

static fv_status train(fv_net *net, const fv_dataset *digits, const fv_indices *training, const fv_indices *validation,
                       fv_error *error) {
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    FV_TRY(fv_pixel_statistics(&digits->train, training, mean, std));
    fv_net_set_normalisation(net, mean, std);

    fv_train_options options = fv_train_defaults();
    options.epochs = 15;
    options.optimizer = "adamw";
    options.schedule = "cosine";
    options.on_epoch = print_epoch;
    FV_TRY(fv_train(net, &digits->train, training, validation, &options, NULL, NULL, error));

    fv_score score;
    FV_TRY(fv_evaluate(net, &digits->test, NULL, 0, NULL, 0, 0, &score, NULL));
    fv_interval interval = fv_wilson(score.correct, score.n);
    printf("test %zu of %zu right: %.1f %% (%.1f-%.1f)\n", score.correct, score.n,
           100.0 * (double)score.correct / (double)score.n, 100 * interval.low, 100 * interval.high);
    return fv_net_save(net, "digits.safetensors", (const char *const *)digits->class_names, error);
}

int main(void) {
    fv_error error = {0};
    fv_dataset *digits = NULL;
    fv_net *net = NULL;
    fv_indices training = {0}, validation = {0};

    fv_status status = fv_dataset_open("digits", &digits, &error);
    if (status == FV_OK)
        status = fv_split_stratified(&digits->train, digits->n_classes, 0.15, 0, &training, &validation);
    if (status == FV_OK) status = fv_net_create(model, digits->train.shape, digits->n_classes, 0, 1, &net, &error);
    if (status == FV_OK) status = train(net, digits, &training, &validation, &error);
    if (status != FV_OK) fprintf(stderr, "%s\n", error.code == status ? error.message : fv_status_text(status));

    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    fv_net_destroy(net);
    fv_dataset_destroy(digits);
    return status != FV_OK;
}
