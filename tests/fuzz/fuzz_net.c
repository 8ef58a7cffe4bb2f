/* Any bytes as model.safetensors. */
#include "fuzz.h"

#include "fovea/net.h"

const unsigned fuzz_rounds = 20000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fv_error error = {FV_OK, ""};
    fv_net *net;
    char **names;
    const char *path = fuzz_file(data, size);
    fv_status status = fv_net_load(path, &net, &names, &error);
    if (status != FV_OK) {
        bool right = status == FV_E_DATA && error.code == status && strncmp(error.message, path, strlen(path)) == 0;
        if (!right) fprintf(stderr, "status %d: %s\n", status, error.message);
        FUZZ_NEED(right);
        return 0;
    }
    FUZZ_NEED(fv_net_n_weights(net) * sizeof(float) <= size);
    for (int i = 0; i < fv_net_n_classes(net); i++) {
        FUZZ_NEED(names[i] != NULL);
        free(names[i]);
    }
    free(names);
    fv_net_destroy(net);
    return 0;
}

static bytes saved(const char *model) {
    static const char *const names[] = {"a", "b", "c"};
    char *directory = scratch_make();
    const char *path = scratch_path(directory, "x.safetensors");
    fv_net *net;
    FUZZ_NEED(fv_net_create(model, (fv_shape){2, 6, 5}, 3, 0, 1, &net, NULL) == FV_OK);
    FUZZ_NEED(fv_net_save(net, path, names, NULL) == FV_OK);
    bytes out = bytes_read(path);
    fv_net_destroy(net);
    scratch_drop(directory);
    return out;
}

bytes fuzz_seed(int index) {
    static const char *const models[] = {"conv 2 3x3, relu, dense classes",
                                         "conv 2 1x1, batchnorm, residual( conv 2 1x1 ), maxpool 2, dense classes"};
    static bytes seeds[2];
    if (index >= 2) return (bytes){0};
    if (!seeds[index].at) seeds[index] = saved(models[index]);
    return bytes_copy(&seeds[index]);
}
