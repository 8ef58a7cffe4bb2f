/* What a study keeps of a training that has ended: it comes back as it was, and whatever else lies there is refused. */
#include "store_test.h"

#include <math.h>

#include "cmocka_test.h"
#include "fovea/machine.h"

static store_test kept;
static char *bytes_of;
static size_t size_of;

static int set_up(void **state) {
    (void)state;
    store_init(&kept);
    store_keep(&kept);
    return fv_file_read(scratch_path(kept.directory, kept.name), 1 << 20, &bytes_of, &size_of, NULL) != FV_OK;
}

static int tear_down(void **state) {
    (void)state;
    free(bytes_of);
    store_deinit(&kept);
    return 0;
}

static void put(const void *data, size_t size) {
    FILE *f = fopen(scratch_path(kept.directory, kept.name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void assert_refused(const void *data, size_t size) {
    bool found = true;
    fv_error error = {FV_OK, ""};
    put(data, size);
    fv_status status = store_recall(&kept, &found, &error);
    if (status != FV_E_DATA || found || !strstr(error.message, kept.name) ||
        !strstr(error.message, "remove it, and that training is done again"))
        fail_msg("status %d, \"%s\"", status, error.message);
}

static void what_is_kept_comes_back(void **state) {
    (void)state;
    bool found;
    float weight = kept.small.net->weights[0];
    put(bytes_of, size_of);
    kept.small.net->weights[0] = 5;
    assert_int_equal(store_recall(&kept, &found, NULL), FV_OK);
    assert_true(found && kept.small.net->weights[0] == weight);
    assert_int_equal(kept.job.n_epochs, STORE_EPOCHS);
    assert_int_equal(kept.job.validation_score.correct, 3);
    assert_int_equal(kept.train_score[1].correct, 11);
    assert_true(kept.history[1].epoch == 2 && kept.history[1].images_per_s == 1000);
    assert_true(kept.predictions[3].index == 3 && kept.predictions[3].truth == 1 && kept.predictions[3].loss == 0.25f);
}

/* A training without validation images has figures that do not exist: no NaN is written for them, and they come back.
 */
static void figures_that_do_not_exist_come_back(void **state) {
    (void)state;
    char *bytes_now;
    size_t size;
    bool found;
    fv_safetensors *file;
    put(bytes_of, size_of);
    assert_int_equal(store_recall(&kept, &found, NULL), FV_OK);
    kept.history[1].validation_loss = kept.history[1].validation_accuracy = (double)NAN;
    assert_int_equal(fv_study_keep(&kept.study, &kept.job, kept.small.net, NULL), FV_OK);
    assert_int_equal(fv_file_read(scratch_path(kept.directory, kept.name), 1 << 20, &bytes_now, &size, NULL), FV_OK);
    assert_int_equal(fv_safetensors_parse("x", bytes_now, size, &file, NULL), FV_OK);
    const fv_named_tensor *values = fv_safetensors_find(file, "values");
    for (size_t i = 0; i < values->size[0]; i++) assert_true(isfinite(((const double *)values->data)[i]));
    fv_safetensors_destroy(file);
    free(bytes_now);
    assert_int_equal(store_recall(&kept, &found, NULL), FV_OK);
    assert_true(found && isnan(kept.history[1].validation_loss) && isnan(kept.history[1].validation_accuracy));
    assert_true(kept.history[0].validation_loss == 0.125 && kept.history[0].validation_accuracy == 0.5);
}

static bool is_found(void) {
    bool found;
    assert_int_equal(store_recall(&kept, &found, NULL), FV_OK);
    return found;
}

/* Nothing of another study is taken: its name is another, for each thing that a training depends on. */
static void others_are_not_found(void **state) {
    (void)state;
    fv_study_options *o = &kept.options;
    const fv_study_options options = *o;
    const fv_job job = kept.job;
    put(bytes_of, size_of);
    assert_true(is_found());
    fv_safetensors *file;
    char version[64];
    snprintf(version, sizeof version, "fovea %s\nmodel ", fv_version());
    assert_int_equal(fv_safetensors_parse("x", bytes_of, size_of, &file, NULL), FV_OK);
    assert_memory_equal(fv_safetensors_metadata(file, "training"), version, strlen(version));
    fv_safetensors_destroy(file);
#define OTHER(change)                                                                                                  \
    change;                                                                                                            \
    assert_false(is_found());                                                                                          \
    *o = options, kept.job = job
    OTHER(o->epochs++);
    OTHER(o->batch++);
    OTHER(o->optimizer = "adam");
    OTHER(o->learning_rate = 0.125);
    OTHER(o->schedule = "constant");
    OTHER(o->validation /= 2);
    OTHER(o->split_seed++);
    OTHER(kept.job.text = (char *)"conv 2 1x1, dense classes");
    OTHER(kept.job.augment = (char *)"rotation 30");
    OTHER(kept.job.fraction = 0.5);
    OTHER(kept.job.seed++);
    OTHER(kept.job.parts = FV_PART_SCALING);
    OTHER(kept.study.final_job = -1);
    kept.study.final_job = 0;
    OTHER(kept.study.pad++);
    kept.study.pad--;
    char *const sums[] = {kept.small.dataset.train_sha256, kept.small.dataset.test_sha256};
    for (int i = 0; i < 2; i++) {
        OTHER(sums[i][0] ^= 1);
        sums[i][0] ^= 1;
    }
    assert_true(is_found());
}

static void every_flipped_bit_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < 8 * size_of; i++) {
        bytes_of[i / 8] = (char)(bytes_of[i / 8] ^ 1 << i % 8);
        assert_refused(bytes_of, size_of);
        bytes_of[i / 8] = (char)(bytes_of[i / 8] ^ 1 << i % 8);
    }
}

static void every_cut_is_refused(void **state) {
    (void)state;
    for (size_t n = 0; n < size_of; n++) assert_refused(bytes_of, n);
}

/* The file once more, under a sound checksum, with a changed key, tensor or number. */
static void assert_changed_refused(const char *key, const fv_named_tensor *changed, int at, double value) {
    fv_safetensors *file;
    fv_named_tensor tensors[4];
    size_t n = 0, size;
    char *other;
    double *values = NULL;
    assert_int_equal(fv_safetensors_parse("x", bytes_of, size_of, &file, NULL), FV_OK);
    for (const fv_named_tensor *t; (t = fv_safetensors_at(file, n)); n++) {
        tensors[n] = changed && strcmp(t->name, changed->name) == 0 ? *changed : *t;
        if (at < 0 || strcmp(t->name, "values") != 0) continue;
        tensors[n].data = values = malloc(t->size[0] * sizeof *values);
        assert_non_null(values);
        memcpy(values, t->data, t->size[0] * sizeof *values);
        assert_true((size_t)at < t->size[0]);
        values[at] = value;
    }
    const fv_metadata metadata = {"training", key ? key : fv_safetensors_metadata(file, "training")};
    const char *path = scratch_path(kept.directory, kept.name);
    assert_int_equal(fv_safetensors_write(path, tensors, n, &metadata, 1, NULL), FV_OK);
    fv_safetensors_destroy(file);
    free(values);
    assert_int_equal(fv_file_read(path, 1 << 20, &other, &size, NULL), FV_OK);
    assert_refused(other, size);
    free(other);
}

static void lies_are_refused(void **state) {
    (void)state;
    static const double nothing[64];
    static const struct {
        int at;
        double value;
    } lies[] = {{0, 3},     {0, -1},       {0, 1e300}, {0, 1.5},    {0, NAN},       {1, -1},   {1, NAN}, {2, INFINITY},
                {3, 5},     {3, -1},       {4, 400},   {4, 2.5},    {6, 7},         {7, 1},    {9, 2},   {9, NAN},
                {10, -1},   {27, 21},      {28, 99},   {33, 3},     {34, 2},        {34, .5},  {35, -1}, {5, NAN},
                {5, 1e200}, {8, INFINITY}, {12, NAN},  {14, 1e300}, {15, INFINITY}, {16, NAN}, {29, NAN}};
    assert_changed_refused("another training", NULL, -1, 0);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        assert_changed_refused(NULL, NULL, lies[i].at, lies[i].value);
    const fv_named_tensor shapes[] = {
        {"values", FV_FLOAT64, 1, {8}, nothing},     {"values", FV_FLOAT64, 1, {64}, nothing},
        {"values", FV_FLOAT32, 1, {57}, nothing},    {"weights", FV_FLOAT32, 1, {1}, nothing},
        {"weights", FV_FLOAT32, 2, {2, 4}, nothing}, {"statistics", FV_FLOAT32, 1, {1}, nothing}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) assert_changed_refused(NULL, &shapes[i], -1, 0);
}

static void put_record(const char *data, size_t size) {
    FILE *f = fopen(scratch_path(kept.directory, FV_STUDY_RECORD), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void assert_record_refused(const char *data, size_t size) {
    char *text = NULL;
    fv_error error = {FV_OK, ""};
    put_record(data, size);
    fv_status status = fv_study_record_read(kept.directory, &text, &error);
    if (status != FV_E_DATA || text || !strstr(error.message, FV_STUDY_RECORD ": not as the study wrote it"))
        fail_msg("status %d, \"%s\"", status, error.message);
}

static void a_records_bits_and_cuts_are_refused(void **state) {
    (void)state;
    char *text, *file;
    size_t size;
    kept.options.record = "{\"epochs\": \"10\"}";
    assert_int_equal(fv_study_store_open(&kept.study, NULL), FV_OK);
    assert_int_equal(fv_study_record_read(kept.directory, &text, NULL), FV_OK);
    assert_string_equal(text, kept.options.record);
    free(text);
    assert_int_equal(fv_file_read(scratch_path(kept.directory, FV_STUDY_RECORD), 1 << 20, &file, &size, NULL), FV_OK);
    for (size_t i = 0; i < 8 * size; i++) {
        file[i / 8] = (char)(file[i / 8] ^ 1 << i % 8);
        assert_record_refused(file, size);
        file[i / 8] = (char)(file[i / 8] ^ 1 << i % 8);
    }
    for (size_t n = 0; n < size; n++) assert_record_refused(file, n);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_back),
        cmocka_unit_test(figures_that_do_not_exist_come_back),
        cmocka_unit_test(others_are_not_found),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(a_records_bits_and_cuts_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
