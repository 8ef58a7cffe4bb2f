/* Run directories: configuration, record, tables, splits. */
#include "scratch.h"

#include <math.h>

#include "cmocka_test.h"
#include "fovea/run.h"

static int field_index(const char *name) {
    const char *field;
    for (int i = 0; (field = fv_run_config_field(i)); i++)
        if (strcmp(field, name) == 0) return i;
    fail_msg("no field %s", name);
    return -1;
}

static fv_status set(fv_run_config *config, const char *field, const char *value, fv_error *error) {
    return fv_run_config_set(config, field_index(field), value, field, error);
}

static void fields_take_what_lies_in_their_range(void **state) {
    (void)state;
    static const struct {
        const char *field, *good, *bad;
    } cases[] = {
        {"epochs", "100000", "100001"},   {"epochs", "1", "0"},
        {"epochs", "1e2", "1.5"},         {"batch", "+64", "64 "},
        {"batch", "65536", " 64"},        {"learning_rate", ".5", "1e31"},
        {"learning_rate", "1e-3", "nan"}, {"validation", "0.9", "0.91"},
        {"label_smoothing", "0", "-0.1"}, {"seed", "9007199254740991", "9007199254740992"},
        {"split_seed", "0", "0x10"},      {"threads", "0", ""},
        {"subset", "1/16", "1/16/2"},     {"subset", "0.25", "1.01"},
        {"subset", "3750", "37.5"},       {"subset", "", "-1"},
        {"subset", "1.0", "all"},
    };
    fv_run_config config = fv_run_config_defaults();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_error error = {0};
        if (set(&config, cases[i].field, cases[i].good, &error) != FV_OK) fail_msg("%s", error.message);
        fv_run_config before = config;
        if (set(&config, cases[i].field, cases[i].bad, &error) != FV_E_ARGUMENT)
            fail_msg("%s takes %s", cases[i].field, cases[i].bad);
        assert_memory_equal(&before, &config, sizeof config);
        assert_int_equal(strncmp(error.message, cases[i].field, strlen(cases[i].field)), 0);
    }
}

static void learning_rates_are_resolved(void **state) {
    (void)state;
    static const struct {
        const char *optimizer;
        double rate;
    } cases[] = {{"adadelta", 1}, {"sgd momentum 0.9", 0.05}, {"adam", 0.001}, {"adamw weight_decay 0.1", 0.001}};
    fv_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_run_config config = fv_run_config_defaults();
        snprintf(config.optimizer, sizeof config.optimizer, "%s", cases[i].optimizer);
        assert_int_equal(fv_run_config_resolve(&config, &error), FV_OK);
        assert_true(config.learning_rate == cases[i].rate);
        config.learning_rate = 0.3;
        assert_int_equal(fv_run_config_resolve(&config, &error), FV_OK);
        assert_true(config.learning_rate == 0.3);
    }
    fv_run_config config = fv_run_config_defaults();
    snprintf(config.optimizer, sizeof config.optimizer, "newton");
    assert_int_equal(fv_run_config_resolve(&config, &error), FV_E_TEXT);
}

typedef struct fixture {
    fv_dataset *digits;
    fv_net *net;
    char *directory;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    fv_error error = {0};
    scratch_need(f && fv_dataset_open("digits", &f->digits, &error) == FV_OK, error.message);
    scratch_need(fv_net_create("dense classes", f->digits->train.shape, 10, 0, 1, &f->net, &error) == FV_OK,
                 error.message);
    f->directory = scratch_make();
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    fv_net_destroy(f->net);
    fv_dataset_destroy(f->digits);
    scratch_drop(f->directory);
    free(f);
    return 0;
}

static void record_reads_back(void **state) {
    const fixture *f = *state;
    fv_error error = {0};
    fv_run_config config = fv_run_config_defaults();
    snprintf(config.dataset, sizeof config.dataset, "digits");
    snprintf(config.model, sizeof config.model, "dense 3, # \"quoted\"\nrelu, dense classes");
    config.learning_rate = 0.1;
    config.seed = 9007199254740991;
    config.validation = 0.15;
    fv_epoch history[] = {{1, 0.5, 0.1, 2, 0.25, NAN, NAN, 1000}};
    fv_run_record record = {.config = &config,
                            .command = "fovea train 'it''s'",
                            .net = f->net,
                            .dataset = f->digits,
                            .n_training = 1227,
                            .n_validation = 210,
                            .threads = 2,
                            .result = "running",
                            .history = history};
    fv_run_info info;
    assert_int_equal(fv_run_write_record(f->directory, &record, &error), FV_OK);
    assert_int_equal(fv_run_read_record(f->directory, &info, &error), FV_OK);
    assert_string_equal(info.result, "running");
    assert_string_equal(info.weights_sha256, "");
    record.result = "done";
    record.epochs_done = 1;
    record.time_s = 0.5;
    record.validation = &(fv_score){.n = 210, .correct = 200, .loss = 0.25};
    record.validation_macro = &(fv_macro_score){.accuracy = 0.875, .f1 = 0.75};
    assert_int_equal(fv_run_write_record(f->directory, &record, &error), FV_OK);
    assert_int_equal(fv_run_read_record(f->directory, &info, &error), FV_OK);
    char hash[65];
    fv_net_hash(f->net, hash);
    assert_string_equal(info.weights_sha256, hash);
    assert_string_equal(info.train_sha256, f->digits->train_sha256);
    assert_int_equal(info.epochs_done, 1);
    for (int i = 0; fv_run_config_field(i); i++) {
        char a[4200], b[4200];
        fv_run_config_get(&config, i, a, sizeof a);
        fv_run_config_get(&info.config, i, b, sizeof b);
        assert_string_equal(a, b);
    }
    assert_true(info.config.learning_rate == 0.1 && info.config.seed == config.seed);
    assert_int_equal(scratch_count(f->directory), 1); /* nothing partial is left beside it */
}

static void broken_records_are_told(void **state) {
    const fixture *f = *state;
    fv_error error = {0};
    fv_run_info info;
    assert_int_equal(fv_run_read_record(f->directory, &info, &error), FV_E_IO);
    static const char *const texts[] = {"",
                                        "[]",
                                        "{\"config\": 3}",
                                        "{\"config\": {}}",
                                        "{\"config\": {\"epochs\": -1}, \"result\": {\"status\": \"done\"}}",
                                        "{\"config\": {\"model\": 3}, \"result\": {\"status\": \"done\"}}",
                                        "{\"config\": {\"no\": 3}, \"result\": {\"status\": \"done\"}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        scratch_text(f->directory, "run.json", texts[i]);
        if (fv_run_read_record(f->directory, &info, &error) != FV_E_DATA) fail_msg("takes %s", texts[i]);
        assert_non_null(strstr(error.message, "run.json"));
    }
    scratch_text(f->directory, "run.json", "{\"config\": {}, \"result\": {\"status\": \"done\"}}");
    assert_int_equal(fv_run_read_record(f->directory, &info, &error), FV_OK);
}

static void tables_read_back(void **state) {
    const fixture *f = *state;
    fv_error error = {0};
    fv_epoch history[] = {{1, 0.25, 1, 0.5, 0.75, 0.125, 0.875, 240000}, {2, 0.25, 0.7, 0.5, 0.75, NAN, NAN, 1}}, *back;
    fv_prediction rows[] = {{4000000000u, 999, 7, 0.25f, 0.5f, 1.5f}, {0, 0, 0, 1, 1, 0}}, *again;
    int n;
    size_t n_rows;
    assert_int_equal(fv_run_write_metrics(f->directory, history, 2, &error), FV_OK);
    assert_int_equal(fv_run_read_metrics(f->directory, &back, &n, &error), FV_OK);
    assert_int_equal(n, 2);
    assert_int_equal(back[0].epoch, 1);
    assert_true(back[0].time_s == 0.25 && back[0].learning_rate == 1 && back[0].train_loss == 0.5);
    assert_true(back[0].train_accuracy == 0.75 && back[0].validation_loss == 0.125);
    assert_true(back[0].validation_accuracy == 0.875 && back[0].images_per_s == 240000);
    assert_true(isnan(back[1].validation_loss) && isnan(back[1].validation_accuracy) && back[1].images_per_s == 1);
    assert_int_equal(fv_run_write_predictions(f->directory, "test", rows, 2, &error), FV_OK);
    assert_int_equal(fv_run_read_predictions(f->directory, "test", &again, &n_rows, &error), FV_OK);
    assert_int_equal(n_rows, 2);
    assert_memory_equal(rows, again, sizeof rows);
    free(back);
    free(again);
}

/* A message has room for a path that is as long as paths may be, and for what is wrong. */
static void long_paths_leave_room_for_reasons(void **state) {
    const fixture *f = *state;
    char name[256] = "";
    fv_error error = {0};
    fv_run_info info;
    fv_prediction *rows;
    size_t n;
    memset(name, 'a', 240);
    const char *path = scratch_subdirectory(scratch_subdirectory(f->directory, name), name);
    scratch_text(path, "predictions-test.csv", "index\n");
    assert_int_equal(fv_run_read_predictions(path, "test", &rows, &n, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "predictions-test.csv: the first line must be"));
    static const char *const texts[][2] = {
        {"{", "not JSON"}, {"{}", "no object"}, {"{\"config\": {\"x\": 1}}", "no such"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        scratch_text(path, "run.json", texts[i][0]);
        assert_int_equal(fv_run_read_record(path, &info, &error), FV_E_DATA);
        if (!strstr(error.message, texts[i][1])) fail_msg("%s", error.message);
    }
}

static void broken_tables_are_told(void **state) {
    const fixture *f = *state;
#define HEAD "index,true,predicted,p_true,p_predicted,loss\n"
    static const char *const texts[] = {"",
                                        "index,true\n",
                                        HEAD "1,2,3\n",
                                        HEAD "1,2,3,4,5,6,7\n",
                                        HEAD "1,2,x,4,5,6\n",
                                        HEAD "-1,2,3,4,5,6\n",
                                        HEAD "1.5,2,3,4,5,6\n",
                                        HEAD "1,2,70000,4,5,6\n",
                                        HEAD ",2,3,4,5,6\n",
                                        HEAD "1,2,3,0.5,0.5,1\n1,2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fv_error error = {0};
        fv_prediction *rows;
        size_t n;
        scratch_text(f->directory, "predictions-test.csv", texts[i]);
        if (fv_run_read_predictions(f->directory, "test", &rows, &n, &error) != FV_E_DATA)
            fail_msg("takes %s", texts[i]);
        assert_non_null(strstr(error.message, "predictions-test.csv"));
    }
    fv_error error = {0};
    fv_prediction *rows;
    size_t n;
    bytes text = {0};
    bytes_add(&text, HEAD "1,2,3,0.5,0.5,1\n\0,2,3,0.5,0.5,1\n", sizeof HEAD + 32); /* what follows would be lost */
    scratch_put(f->directory, "predictions-test.csv", text);
    assert_int_equal(fv_run_read_predictions(f->directory, "test", &rows, &n, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "zero byte"));
}

static void directories_are_claimed_once(void **state) {
    const fixture *f = *state;
    fv_error error = {0};
    char path[512], back[512];
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(f->directory), 0);
    assert_int_equal(fv_run_directory(NULL, "train", path, sizeof path, &error), FV_OK);
    assert_string_equal(path, "runs/train-1");
    assert_int_equal(fv_run_directory(NULL, "train", path, sizeof path, &error), FV_OK);
    assert_string_equal(path, "runs/train-2");
    assert_int_equal(fv_run_directory(NULL, "study", path, sizeof path, &error), FV_OK);
    assert_string_equal(path, "runs/study-1");
    assert_int_equal(fv_run_directory("a/b//c/", "train", path, sizeof path, &error), FV_OK);
    assert_string_equal(path, "a/b//c");
    assert_int_equal(fv_run_directory("a/b/c", "train", path, sizeof path, &error), FV_OK); /* empty: may be taken */
    scratch_text("a/b/c", "file", "x");
    assert_int_equal(fv_run_directory("a/b/c", "train", path, sizeof path, &error), FV_E_EXISTS);
    assert_int_equal(fv_run_directory("a/b/c/file", "train", path, sizeof path, &error), FV_E_EXISTS);
    assert_int_equal(fv_run_directory("a/b/c/file/d", "train", path, sizeof path, &error), FV_E_IO);
    assert_int_equal(fv_run_directory("", "train", path, sizeof path, &error), FV_E_ARGUMENT);
    assert_int_equal(chdir(back), 0);
}

static void expect_split(const fixture *f, const char *subset, double fraction, size_t n_training,
                         size_t n_validation) {
    fv_run_config config = fv_run_config_defaults();
    fv_error error = {0};
    fv_indices training = {0}, validation = {0};
    char *seen = calloc(f->digits->train.n, 1);
    snprintf(config.subset, sizeof config.subset, "%s", subset);
    config.validation = fraction;
    if (fv_run_split(&config, f->digits, &training, &validation, &error) != FV_OK) fail_msg("%s", error.message);
    assert_int_equal(training.n, n_training);
    assert_int_equal(validation.n, n_validation);
    for (size_t i = 0; i < training.n; i++) seen[training.at[i]]++;
    for (size_t i = 0; i < validation.n; i++) seen[validation.at[i]]++;
    size_t images = 0;
    for (size_t i = 0; i < f->digits->train.n; i++) {
        assert_in_range(seen[i], 0, 1);
        images += (size_t)seen[i];
    }
    assert_int_equal(images, n_training + n_validation);
    fv_indices_deinit(&training);
    fv_indices_deinit(&validation);
    free(seen);
}

static void splits_mean_what_the_configuration_says(void **state) {
    const fixture *f = *state;
    expect_split(f, "", 0, 1437, 0);
    expect_split(f, "", 0.15, 1227, 210);
    expect_split(f, "1/4", 0, 359, 0); /* 359.25 */
    expect_split(f, "0.25", 0, 359, 0);
    expect_split(f, "100", 0, 100, 0);
    expect_split(f, "100", 0.5, 50, 50); /* 10 of each class, 5 of them to validate */
    expect_split(f, "1437", 0, 1437, 0);
    fv_run_config config = fv_run_config_defaults();
    fv_error error = {0};
    fv_indices training = {0}, validation = {0};
    snprintf(config.subset, sizeof config.subset, "1438");
    assert_int_equal(fv_run_split(&config, f->digits, &training, &validation, &error), FV_E_ARGUMENT);
    assert_non_null(strstr(error.message, "1437"));
}

int main(void) {
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_take_what_lies_in_their_range),
        cmocka_unit_test(learning_rates_are_resolved),
        WITH_FILES(record_reads_back),
        WITH_FILES(broken_records_are_told),
        WITH_FILES(tables_read_back),
        WITH_FILES(broken_tables_are_told),
        WITH_FILES(long_paths_leave_room_for_reasons),
        WITH_FILES(directories_are_claimed_once),
        WITH_FILES(splits_mean_what_the_configuration_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
