/* Any bytes as the checkpoint of a small training: as they are, and with the checksum put right. */
#include "fuzz.h"

#include "checkpoint_test.h"
#include "train/state.h"

const unsigned fuzz_rounds = 10000;

static small_training *training(void) {
    static small_training small;
    if (!small.net) small_init(&small, "conv 2 1x1, batchnorm, relu, dense classes");
    return &small;
}

static void parse(const void *data, size_t size) {
    fv_checkpoint *c;
    fv_error error = {FV_OK, ""};
    fv_status status = small_parse(training(), data, size, &c, &error);
    if (status != FV_OK) {
        FUZZ_NEED(status == FV_E_DATA && error.code == status && strncmp(error.message, "x: ", 3) == 0);
        return;
    }
    double time_s;
    const fv_train_state *s = fv_checkpoint_state(c, &time_s);
    FUZZ_NEED(s->epoch >= 0 && s->epoch <= 3 && s->n_done <= SMALL_IMAGES && time_s >= 0);
    for (int i = 0; i < FV_N_STATE_ARRAYS; i++) {
        size_t n = fv_train_state_size(s, i);
        if (!s->array[i] || !n) continue;
        volatile float last = s->array[i][n - 1];
        (void)last;
    }
    for (int i = 0; i < s->epoch; i++) FUZZ_NEED(s->history[i].epoch == i + 1);
    fv_checkpoint_destroy(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_checksummed(parse, data, size);
    return 0;
}

/* Checkpoints within the first epoch, after it, and at the end. */
bytes fuzz_seed(int index) {
    static const int which[] = {0, 2, 4, 8};
    static bytes made[4];
    if (index >= 4) return (bytes){0};
    if (!made[index].at) {
        small_training small;
        char *directory = scratch_make();
        small_init(&small, "conv 2 1x1, batchnorm, relu, dense classes");
        small_write(&small, directory, which[index]);
        made[index] = bytes_read(scratch_path(directory, FV_CHECKPOINT_FILE));
        small_deinit(&small);
        scratch_drop(directory);
    }
    return bytes_copy(&made[index]);
}
