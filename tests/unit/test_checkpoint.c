/* checkpoint.safetensors: what is written comes back; whatever else lies there is refused with a message. */
#include "checkpoint_test.h"

#include <math.h>

#include "cmocka_test.h"
#include "formats/safetensors_types.h"
#include "nn/net.h"

static const char model[] = "conv 2 1x1, batchnorm, relu, dense classes";
static small_training small;
static char *directory, *bytes_of;
static size_t size_of;

static int set_up(void **state) {
    (void)state;
    directory = scratch_make();
    small_init(&small, model);
    small_write(&small, directory, 4); /* in the second epoch */
    return fv_file_read(scratch_path(directory, FV_CHECKPOINT_FILE), 1 << 20, &bytes_of, &size_of, NULL) != FV_OK;
}

static int tear_down(void **state) {
    (void)state;
    free(bytes_of);
    small_deinit(&small);
    scratch_drop(directory);
    return 0;
}

static void assert_refused(const void *data, size_t size, const char *word) {
    fv_checkpoint *checkpoint = NULL;
    fv_error error = {FV_OK, ""};
    fv_status status = small_parse(&small, data, size, &checkpoint, &error);
    if (status != FV_E_DATA || checkpoint || strncmp(error.message, "x: ", 3) != 0 || !strstr(error.message, word))
        fail_msg("status %d, \"%s\" without \"%s\"", status, error.message, word);
}

static void what_is_written_comes_back(void **state) {
    (void)state;
    fv_checkpoint *c;
    double time_s;
    fv_error error = {FV_OK, ""};
    if (fv_checkpoint_read(directory, &small.config, small.net, &small.dataset, SMALL_IMAGES, &c, &error) != FV_OK)
        fail_msg("%s", error.message);
    const fv_train_state *s = fv_checkpoint_state(c, &time_s);
    assert_true(time_s == 1.5);
    assert_int_equal(s->epoch, 1);
    assert_int_equal(s->n_done, 16);
    assert_true(s->best_loss == INFINITY && s->loss > 0 && s->history[0].epoch == 1 && s->history[0].train_loss > 0);
    assert_true(isnan(s->history[0].validation_loss));
    char whole[65], resumed[65];
    fv_net_hash(small.net, whole);
    small_training other;
    small_init(&other, model);
    fv_train_options o = small_options(&other);
    fv_epoch history[3];
    o.resume = s;
    assert_int_equal(fv_train(other.net, &other.dataset.train, NULL, NULL, &o, history, NULL, &error), FV_OK);
    fv_net_hash(other.net, resumed);
    assert_string_equal(resumed, whole);
    small_deinit(&other);
    fv_checkpoint_destroy(c);
}

static void every_flipped_bit_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < 8 * size_of; i++) {
        bytes_of[i / 8] = (char)(bytes_of[i / 8] ^ 1 << i % 8);
        assert_refused(bytes_of, size_of, "");
        bytes_of[i / 8] = (char)(bytes_of[i / 8] ^ 1 << i % 8);
    }
}

/* From memory of just that size, so that a read behind it is seen by asan. */
static void every_cut_is_refused(void **state) {
    (void)state;
    for (size_t n = 0; n < size_of; n++) {
        char *cut = malloc(n + (n == 0));
        assert_non_null(cut);
        memcpy(cut, bytes_of, n);
        assert_refused(cut, n, "");
        free(cut);
    }
    char *longer = calloc(size_of + 1, 1);
    assert_non_null(longer);
    memcpy(longer, bytes_of, size_of);
    assert_refused(longer, size_of + 1, "checksum");
    free(longer);
}

/* The file once more, with a sound checksum over a changed content. */
static void assert_changed_refused(const char *key, const char *value, const fv_named_tensor *changed,
                                   const char *word) {
    static const char *const keys[] = {"fovea",       "model",  "input",        "mean",       "std",
                                       "class_names", "config", "train_sha256", "test_sha256"};
    fv_safetensors *file;
    fv_named_tensor tensors[16];
    fv_metadata metadata[9];
    size_t n = 0, n_metadata = 0;
    char *other;
    size_t size;
    const char *path = scratch_path(directory, "other.safetensors");
    assert_int_equal(fv_safetensors_parse("x", bytes_of, size_of, &file, NULL), FV_OK);
    for (const fv_named_tensor *t; (t = fv_safetensors_at(file, n)); n++)
        tensors[n] = changed && strcmp(t->name, changed->name) == 0 ? *changed : *t;
    if (changed && !fv_safetensors_find(file, changed->name)) tensors[n++] = *changed;
    for (size_t i = 0; i < 9; i++) {
        const char *own = fv_safetensors_metadata(file, keys[i]);
        bool its = key && strcmp(keys[i], key) == 0;
        if (!its || value) metadata[n_metadata++] = (fv_metadata){keys[i], its ? value : own};
    }
    assert_int_equal(fv_safetensors_write(path, tensors, n, metadata, n_metadata, NULL), FV_OK);
    fv_safetensors_destroy(file);
    assert_int_equal(fv_file_read(path, 1 << 20, &other, &size, NULL), FV_OK);
    assert_refused(other, size, word);
    free(other);
}

static void other_trainings_are_refused(void **state) {
    (void)state;
    assert_changed_refused("fovea", "0.0.9", NULL, "written by fovea 0.0.9");
    assert_changed_refused("fovea", NULL, NULL, "incomplete");
    assert_changed_refused("model", "dense 2", NULL, "its model differs");
    assert_changed_refused("mean", "[0.5]", NULL, "its mean differs");
    assert_changed_refused("class_names", "[\"a\", \"c\"]", NULL, "its class_names differs");
    assert_changed_refused("config", "{}", NULL, "configuration");
    assert_changed_refused("train_sha256", "00", NULL, "they changed");
    assert_changed_refused("test_sha256", "00", NULL, "they changed");
    small.config.seed++;
    assert_refused(bytes_of, size_of, "configuration");
    small.config.seed--;
    small.config.threads = 7; /* nothing depends on them */
    fv_checkpoint *c;
    assert_int_equal(small_parse(&small, bytes_of, size_of, &c, NULL), FV_OK);
    fv_checkpoint_destroy(c);
    assert_int_equal(fv_checkpoint_parse("x", bytes_of, size_of, &small.config, small.net, &small.dataset,
                                         SMALL_IMAGES / 2, &c, NULL),
                     FV_E_DATA);
}

static void lying_numbers_are_refused(void **state) {
    (void)state;
    static const float few[3], infinite[32] = {INFINITY};
    static const double rows[16] = {1, [8] = 3};
    static const struct {
        int place;
        double value;
    } lies[] = {{FV_PROGRESS_EPOCH, 2},
                {FV_PROGRESS_EPOCH, 1e300},
                {FV_PROGRESS_EPOCH, NAN},
                {FV_PROGRESS_EPOCH, 1.5},
                {FV_PROGRESS_EPOCH, -1},
                {FV_PROGRESS_DONE, 17},
                {FV_PROGRESS_BEST_LOSS, INFINITY},
                {FV_PROGRESS_DONE, 24},
                {FV_PROGRESS_DONE, 1e18},
                {FV_PROGRESS_LOSS, INFINITY},
                {FV_PROGRESS_CORRECT, 17},
                {FV_PROGRESS_TIME, -1},
                {FV_PROGRESS_BEST_LOSS, 0.1},
                {FV_PROGRESS_EPOCH_TIME, -1},
                {FV_PROGRESS_SINCE_BEST, 1}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        double progress[FV_N_PROGRESS] = {1, 16, 10, 8, 0.1, -1, 0, 1.5};
        progress[lies[i].place] = lies[i].value;
        const fv_named_tensor tensor = {"progress", FV_FLOAT64, 1, {FV_N_PROGRESS}, progress};
        assert_changed_refused(NULL, NULL, &tensor, "no checkpoint of this training");
    }
    const fv_named_tensor tensors[] = {{"weights", FV_FLOAT32, 1, {3}, few},
                                       {"optimizer.2", FV_FLOAT32, 2, {1, 3}, few},
                                       {"best.weights", FV_FLOAT32, 1, {3}, few},
                                       {"last.statistics", FV_FLOAT32, 1, {small.net->n_statistics}, infinite},
                                       {"history", FV_FLOAT64, 2, {2, 8}, rows},
                                       {"progress", FV_FLOAT32, 1, {3}, few},
                                       {"other", FV_FLOAT32, 1, {3}, few}};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) assert_changed_refused(NULL, NULL, &tensors[i], "");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_comes_back),  TEST(every_flipped_bit_is_refused), TEST(every_cut_is_refused),
        TEST(other_trainings_are_refused), TEST(lying_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
