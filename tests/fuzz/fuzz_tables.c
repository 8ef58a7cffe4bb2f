/* Any bytes as metrics.csv, predictions-test.csv and classes.txt. */
#include "fuzz.h"

#include "formats/class_names.h"
#include "fovea/run.h"

const unsigned fuzz_rounds = 40000;

static void need_message(fv_status status, const fv_error *error, const char *path) {
    FUZZ_NEED(status == FV_OK ||
              (status == FV_E_DATA && error->code == status && strncmp(error->message, path, strlen(path)) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"metrics.csv", "predictions-test.csv", "classes.txt"};
    const char *directory = fuzz_directory(names, 3);
    fv_error error = {FV_OK, ""};
    fv_epoch *history;
    fv_prediction *predictions;
    char **classes;
    int n_epochs, n_classes;
    size_t n;
    fuzz_file(data, size);
    fv_status status = fv_run_read_metrics(directory, &history, &n_epochs, &error);
    need_message(status, &error, directory);
    if (status == FV_OK) {
        FUZZ_NEED(n_epochs >= 0 && (size_t)n_epochs <= size);
        free(history);
    }
    status = fv_run_read_predictions(directory, "test", &predictions, &n, &error);
    need_message(status, &error, directory);
    if (status == FV_OK) {
        FUZZ_NEED(n <= size);
        for (size_t i = 0; i < n; i++)
            FUZZ_NEED(predictions[i].truth <= FV_MAX_CLASSES && predictions[i].predicted <= FV_MAX_CLASSES);
        free(predictions);
    }
    status = fv_class_names_read_file(scratch_path(directory, names[2]), &classes, &n_classes, &error);
    need_message(status, &error, directory);
    for (int i = 0; status == FV_OK && i < n_classes; i++) {
        FUZZ_NEED(classes[i][0]);
        free(classes[i]);
    }
    if (status == FV_OK) free(classes);
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const seeds[] = {
        ("epoch,time_s,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,images_per_s\n"
         "1,0.5,1,0.25,0.9,0.125,0.95,100000\n2,1,0.7,0.2,0.92,,,100000\n"),
        "index,true,predicted,p_true,p_predicted,loss\n0,1,1,0.9,0.9,0.1\n7,2,1,1e-3,0.9,6.9\n",
        "T-shirt\nTrouser\n\xc3\x84rmel \n",
    };
    bytes seed = {0};
    if (index < 3) bytes_add(&seed, seeds[index], strlen(seeds[index]));
    return seed;
}
