/* Any bytes as run.json. */
#include "fuzz.h"

#include "fovea/run.h"

const unsigned fuzz_rounds = 40000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const name = "run.json";
    const char *directory = fuzz_directory(&name, 1);
    fv_error error = {FV_OK, ""};
    fv_run_config config;
    fv_run_info info;
    fuzz_file(data, size);
    fv_status status = fv_run_config_read(scratch_path(directory, name), &config, &error);
    if (status == FV_OK) {
        for (int i = 0; fv_run_config_field(i); i++) { /* what was read may be given as options */
            char text[4096];
            fv_run_config_get(&config, i, text, sizeof text);
            FUZZ_NEED(fv_run_config_set(&config, i, text, "again", &error) == FV_OK);
        }
    } else {
        FUZZ_NEED(status == FV_E_DATA && error.code == status && error.message[0]);
    }
    fv_status recorded = fv_run_read_record(directory, &info, &error);
    FUZZ_NEED(recorded == FV_OK || (recorded == FV_E_DATA && error.message[0]));
    FUZZ_NEED(recorded != FV_OK || status == FV_OK);
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const seeds[] = {
        "{\"config\":{}}",
        "{\"fovea\":\"0.1.0\",\"config\":{\"dataset\":\"digits\",\"model\":\"dense classes\",\"init\":\"\",\"pad\":1,"
        "\"epochs\":2,\"batch\":64,\"optimizer\":\"adam\",\"learning_rate\":0.001,\"schedule\":\"cosine\","
        "\"augment\":\"mild\",\"validation\":0.15,\"subset\":\"1/4\",\"split_seed\":0,\"seed\":9007199254740991,"
        "\"threads\":2,\"patience\":3,\"label_smoothing\":0.1,\"ema\":0.9,\"size\":\"28x28\",\"channels\":3,"
        "\"fit\":\"pad\",\"skip_bad\":1,\"transpose\":0},\"machine\":{\"compiler\":\"gcc\",\"isa\":\"avx2\"},"
        "\"dataset\":{\"train_sha256\":\"ab\",\"n_train\":5,\"n_test\":6},"
        "\"result\":{\"status\":\"done\",\"epochs_done\":2,\"time_s\":1.5,\"weights_sha256\":\"cd\"}}",
    };
    bytes seed = {0};
    if (index < 2) bytes_add(&seed, seeds[index], strlen(seeds[index]));
    return seed;
}
