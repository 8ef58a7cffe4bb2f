/* Any bytes as what a study kept of a training: as they are, and with the checksum put right. */
#include "fuzz.h"

#include "store_test.h"

const unsigned fuzz_rounds = 10000;

/* A study whose kept training is the file of fuzz_file. */
static store_test *study(void) {
    static store_test t;
    if (t.name[0]) return &t;
    store_init(&t);
    store_keep(&t);
    const char *path = scratch_path(t.directory, t.name);
    FUZZ_NEED(unlink(path) == 0 && symlink(fuzz_file(NULL, 0), path) == 0);
    fuzz_made = t.directory;
    atexit(fuzz_drop);
    return &t;
}

static void parse(const void *data, size_t size) {
    store_test *t = study();
    bool found = false;
    fv_error error = {FV_OK, ""};
    fuzz_file(data, size);
    fv_status status = store_recall(t, &found, &error);
    if (status != FV_OK) {
        FUZZ_NEED(status == FV_E_DATA && error.code == status && strstr(error.message, t->name) && !found);
        return;
    }
    FUZZ_NEED(found && t->job.n_epochs == STORE_EPOCHS && t->job.time_s > 0);
    FUZZ_NEED(t->job.validation_score.n <= 4 && t->job.validation_score.correct <= t->job.validation_score.n);
    for (size_t i = 0; i < t->job.validation_score.n; i++)
        FUZZ_NEED(t->predictions[i].index == i && t->predictions[i].truth < 2 && t->predictions[i].predicted < 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_checksummed(parse, data, size);
    return 0;
}

bytes fuzz_seed(int index) {
    static bytes made;
    if (index > 0) return (bytes){0};
    if (!made.at) {
        store_test t;
        store_init(&t);
        store_keep(&t);
        made = bytes_read(scratch_path(t.directory, t.name));
        store_deinit(&t);
    }
    return bytes_copy(&made);
}
