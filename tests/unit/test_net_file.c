/* model.safetensors: a net comes back with the same weights, text, normalisation and class names. */
#include "directory_test.h"

#include <math.h>

#include "formats/safetensors.h"
#include "fovea/net.h"

static fv_net *make_net(const char *model, fv_shape shape, int n_classes) {
    fv_net *net = NULL;
    fv_error error = {FV_OK, ""};
    if (fv_net_create(model, shape, n_classes, 0, 7, &net, &error) != FV_OK) fail_msg("%s", error.message);
    return net;
}

static void a_net_comes_back(void **state) {
    (void)state;
    static const char *const names[] = {"T-shirt/top", "\"quoted\"", "Gr\xc3\xbc n", "a, b", "4"};
    static const float mean[] = {0.1306604762738429f, 1.f / 3, 0}, std[] = {0.30810780717887876f, 5e-7f, 1};
    static const char *const models[] = {"convnet-bn", "convnet",
                                         ("conv 4 3x3 pad 1, residual(conv 4 3x3 pad 1, "
                                          "batchnorm), relu, globalavgpool, dense classes")};
    for (int m = 0; m < 3; m++) {
        fv_net *net = make_net(models[m], (fv_shape){3, 28, 20}, 5), *back;
        fv_net_set_normalisation(net, mean, std);
        const char *path = scratch_path(directory, "model.safetensors");
        fv_error error = {FV_OK, ""};
        char before[65], after[65];
        if (fv_net_save(net, path, names, &error) != FV_OK) fail_msg("%s", error.message);
        char **class_names;
        if (fv_net_load(path, &back, &class_names, &error) != FV_OK) fail_msg("%s", error.message);
        fv_net_hash(net, before);
        fv_net_hash(back, after);
        assert_int_equal(strlen(before), 64);
        assert_string_equal(before, after);
        assert_string_equal(fv_net_text(net), fv_net_text(back));
        assert_int_equal(fv_net_n_classes(back), 5);
        assert_int_equal(fv_net_input(back).w, 20);
        float mean_back[FV_MAX_CHANNELS], std_back[FV_MAX_CHANNELS];
        fv_net_normalisation(back, mean_back, std_back);
        assert_memory_equal(mean_back, mean, sizeof mean);
        assert_memory_equal(std_back, std, sizeof std);
        for (int i = 0; i < 5; i++) assert_string_equal(class_names[i], names[i]);
        fv_strings_free(class_names, 5);
        fv_net_destroy(net);
        fv_net_destroy(back);
    }
    assert_int_equal(scratch_count(directory), 1);
}

static void names_and_shapes_are_pytorchs(void **state) {
    (void)state;
    fv_net *net = make_net("conv 8 3x3, batchnorm, relu, dense classes", (fv_shape){1, 6, 6}, 3);
    const char *path = scratch_path(directory, "model.safetensors");
    assert_int_equal(fv_net_save(net, path, NULL, NULL), FV_OK);
    fv_safetensors *file;
    assert_int_equal(fv_safetensors_read(path, &file, NULL), FV_OK);
    const fv_named_tensor *weight = fv_safetensors_find(file, "0.weight");
    assert_non_null(weight);
    assert_int_equal(weight->rank, 4);
    assert_int_equal(weight->size[0], 8);
    assert_int_equal(weight->size[1], 1);
    assert_int_equal(weight->size[3], 3);
    assert_non_null(fv_safetensors_find(file, "1.running_var"));
    assert_string_equal(fv_safetensors_metadata(file, "class_names"), "[\"0\", \"1\", \"2\"]");
    fv_safetensors_destroy(file);
    fv_net_destroy(net);
}

/* A file whose metadata or tensors do not make a net: what is changed, and a word of the message. */
static void files_that_make_no_net_are_refused(void **state) {
    (void)state;
    static const float weight[6] = {0}, broken[6] = {0, 0, NAN}, bias[3] = {0};
    static const struct {
        const char *model, *input, *mean, *names, *word;
        const float *weight;
        size_t n_in, n_tensors;
    } rows[] = {
        {"dense classes", "[1,1,2]", "[0]", "[\"a\",\"b\",\"c\"]", NULL, weight, 2, 2},
        {NULL, "[1,1,2]", "[0]", "[\"a\",\"b\",\"c\"]", "model text", weight, 2, 2},
        {"dance classes", "[1,1,2]", "[0]", "[\"a\",\"b\",\"c\"]", "dance", weight, 2, 2},
        {"dense classes", "[1,1]", "[0]", "[\"a\",\"b\",\"c\"]", "input shape", weight, 2, 2},
        {"dense classes", "[17,1,2]", "[0]", "[\"a\",\"b\",\"c\"]", "input shape", weight, 2, 2},
        {"dense classes", "[1,1,1e9]", "[0]", "[\"a\",\"b\",\"c\"]", "input shape", weight, 2, 2},
        {"dense classes", "[1,1,2", "[0]", "[\"a\",\"b\",\"c\"]", "input shape", weight, 2, 2},
        {"dense classes", "[1,1,2]", "[0,1]", "[\"a\",\"b\",\"c\"]", "mean", weight, 2, 2},
        {"dense classes", "[1,1,2]", "[0]", NULL, "class_names", weight, 2, 2},
        {"dense classes", "[1,1,2]", "[0]", "[1,2,3]", "class_names", weight, 2, 2},
        {"dense classes", "[1,1,2]", "[0]", "[\"a\",\"b\"]", "is [3, 2], where the model text makes it [2, 2]", weight,
         2, 2},
        {"dense classes", "[1,1,3]", "[0]", "[\"a\",\"b\",\"c\"]", "[3, 3]", weight, 2, 2},
        {"dense classes", "[1,1,2]", "[0]", "[\"a\",\"b\",\"c\"]", "missing", weight, 2, 1},
        {"dense 16000, dense 16000, dense classes", "[1,1,2]", "[0]", "[\"a\",\"b\",\"c\"]",
         "makes no net: it has 256112003 weights, the file holds 9", weight, 2, 2},
        {"dense classes", "[1,1,2]", "[0]", "[\"a\",\"b\",\"c\"]", "\"extra\" [3]: the model text has no place", weight,
         2, 3},
        {"dense classes", "[1,1,2]", "[0]", "[\"a\",\"b\",\"c\"]", "nan", broken, 2, 2},
    };
    fv_net *probe = make_net("dense classes", (fv_shape){1, 1, 2}, 3);
    fv_tensor_info info[2];
    for (int i = 0; i < 2; i++) fv_net_tensor(probe, i, &info[i]);
    fv_net_destroy(probe);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const fv_named_tensor tensors[] = {{info[0].name, FV_FLOAT32, 2, {3, rows[i].n_in}, rows[i].weight},
                                           {info[1].name, FV_FLOAT32, 1, {3}, bias},
                                           {"extra", FV_FLOAT32, 1, {3}, bias}};
        fv_metadata metadata[5] = {{"std", "[1]"}};
        size_t n = 1;
        if (rows[i].model) metadata[n++] = (fv_metadata){"model", rows[i].model};
        if (rows[i].input) metadata[n++] = (fv_metadata){"input", rows[i].input};
        if (rows[i].mean) metadata[n++] = (fv_metadata){"mean", rows[i].mean};
        if (rows[i].names) metadata[n++] = (fv_metadata){"class_names", rows[i].names};
        const char *path = scratch_path(directory, "model.safetensors");
        assert_int_equal(fv_safetensors_write(path, tensors, rows[i].n_tensors, metadata, n, NULL), FV_OK);
        fv_net *net = NULL;
        char **names = NULL;
        fv_error error = {FV_OK, ""};
        fv_status status = fv_net_load(path, &net, &names, &error);
        if (!rows[i].word) {
            assert_int_equal(status, FV_OK);
            fv_strings_free(names, 3);
            fv_net_destroy(net);
            continue;
        }
        if (status != FV_E_DATA || !strstr(error.message, rows[i].word) || !strstr(error.message, "model.safetensors:"))
            fail_msg("row %zu: status %d, \"%s\" without \"%s\"", i, status, error.message, rows[i].word);
        assert_null(net);
        assert_null(names);
    }
}

/* Weights from a file of whoever's: what does not fit is told by name and both shapes, the first one first. */
static void weights_are_taken_by_name(void **state) {
    (void)state;
    static const float values[64];
    static const int64_t counter[1];
    fv_named_tensor good[] = {{"0.weight", FV_FLOAT32, 4, {2, 1, 3, 3}, values},
                              {"0.bias", FV_FLOAT32, 1, {2}, values},
                              {"1.weight", FV_FLOAT32, 1, {2}, values},
                              {"1.bias", FV_FLOAT32, 1, {2}, values},
                              {"1.running_mean", FV_FLOAT32, 1, {2}, values},
                              {"1.running_var", FV_FLOAT32, 1, {2}, values},
                              {"1.num_batches_tracked", FV_INT64, 0, {0}, counter},
                              {"2.weight", FV_FLOAT32, 2, {3, 8}, values},
                              {"2.bias", FV_FLOAT32, 1, {3}, values}};
    enum { N = sizeof good / sizeof good[0] };
    const struct {
        int at; /* the tensor that is replaced; N: none */
        fv_named_tensor by;
        const char *words;
    } rows[] = {
        {N, {0}, NULL},
        {0,
         {"0.weight", FV_FLOAT32, 4, {2, 1, 5, 5}, values},
         "\"0.weight\" is [2, 1, 5, 5], where the model text makes it [2, 1, 3, 3]"},
        {0, {"0.weight", FV_FLOAT32, 2, {2, 9}, values}, "\"0.weight\" is [2, 9], where"},
        {0, {"0.weight", FV_FLOAT16, 4, {2, 1, 3, 3}, values}, "\"0.weight\" holds F16; weights must be F32"},
        {1, {"conv1.bias", FV_FLOAT32, 1, {2}, values}, "\"0.bias\" [2] is missing; the file has \"conv1.bias\" [2]"},
        {7,
         {"2.weight", FV_FLOAT32, 2, {8, 3}, values},
         "\"2.weight\" is [8, 3], where the model text makes it [3, 8]"},
        {6, {"3.weight", FV_FLOAT32, 0, {0}, values}, "\"3.weight\" []: the model text has no place for it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fv_named_tensor tensors[N];
        memcpy(tensors, good, sizeof good);
        if (rows[i].at < N) tensors[rows[i].at] = rows[i].by;
        const char *path = scratch_path(directory, "weights.safetensors");
        assert_int_equal(fv_safetensors_write(path, tensors, N, NULL, 0, NULL), FV_OK);
        fv_net *net = make_net("conv 2 3x3, batchnorm, dense classes", (fv_shape){1, 4, 4}, 3);
        bool normalised = true;
        fv_error error = {FV_OK, ""};
        fv_status status = fv_net_load_weights(net, path, &normalised, &error);
        if (!rows[i].words) {
            assert_int_equal(status, FV_OK);
            assert_false(normalised);
        } else if (status != FV_E_DATA || !strstr(error.message, rows[i].words)) {
            fail_msg("row %zu: status %d, \"%s\" without \"%s\"", i, status, error.message, rows[i].words);
        }
        fv_net_destroy(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_net_comes_back),
        TEST(names_and_shapes_are_pytorchs),
        TEST(files_that_make_no_net_are_refused),
        TEST(weights_are_taken_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
