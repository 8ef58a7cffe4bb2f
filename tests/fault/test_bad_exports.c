/* Exported files that are cut short, mislabelled, or lie about their sizes: refused with a message, and no memory is
 * taken for what they promise. */
#include "directory_test.h"

#include "formats/files.h"
#include "formats/npz.h"
#include "formats/onnx_read.h"
#include "fovea/export.h"
#include "onnx.pb-c.h"

static fv_net *net;

static int set_up(void **state) {
    directory_make(state);
    return fv_net_create("conv 2 3x3 pad 1, batchnorm, relu, maxpool 2, residual( conv 2 1x1 ), dense classes",
                         (fv_shape){1, 4, 4}, 3, 0, 1, &net, NULL) != FV_OK;
}

static int tear_down(void **state) {
    fv_net_destroy(net);
    return directory_drop(state);
}

static void read_sound(char **data, size_t *size) {
    const char *path = scratch_path(directory, "sound.onnx");
    assert_int_equal(fv_export_onnx(net, path, NULL, FV_ONNX_UINT8, NULL), FV_OK);
    assert_int_equal(fv_file_read(path, 1 << 20, data, size, NULL), FV_OK);
}

static void files_cut_short_are_refused(void **state) {
    (void)state;
    char *data;
    size_t size, first = 0;
    read_sound(&data, &size);
    for (size_t n = 0; n <= size; n++) {
        uint8_t *copy = malloc(n + 1); /* of just its size: asan sees a read behind it */
        fv_graph *graph = NULL;
        fv_error error = {FV_OK, ""};
        memcpy(copy, data, n);
        fv_status status = fv_onnx_parse("cut.onnx", copy, n, &graph, &error);
        free(copy);
        if (status == FV_OK) {
            if (!first) first = n;
            fv_graph_destroy(graph);
        } else {
            assert_int_equal(status, FV_E_DATA);
            assert_non_null(strstr(error.message, "cut.onnx: "));
        }
    }
    free(data);
    /* Behind the graph come the version and the metadata alone. */
    assert_true(first > size / 2 && first <= size);
}

/* ---- changes ---- */

static Onnx__NodeProto *node_of(Onnx__ModelProto *model, const char *op) {
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strcmp(model->graph->node[i]->op_type, op) == 0) return model->graph->node[i];
    fail_msg("no node %s", op);
    return NULL;
}

static void rename_text(char **text, const char *to) {
    free(*text);
    *text = strdup(to);
}

static void an_unknown_operation(Onnx__ModelProto *m) {
    rename_text(&node_of(m, "Relu")->op_type, "Softmax");
}
static void an_input_from_nowhere(Onnx__ModelProto *m) {
    rename_text(&node_of(m, "Relu")->input[0], "nowhere");
}
static void a_loop(Onnx__ModelProto *m) {
    Onnx__NodeProto *conv = node_of(m, "Conv");
    rename_text(&conv->input[0], conv->output[0]);
}
static void weights_that_are_missing(Onnx__ModelProto *m) {
    rename_text(&node_of(m, "Conv")->input[1], "nowhere");
}
static void weights_of_a_terabyte(Onnx__ModelProto *m) {
    Onnx__TensorProto *t = m->graph->initializer[2];
    assert_string_equal(t->name, "0.weight");
    t->dims[0] = (int64_t)1 << 30;
}
static void weights_that_overflow(Onnx__ModelProto *m) {
    for (int i = 0; i < 4; i++) m->graph->initializer[2]->dims[i] = (int64_t)1 << 30;
}
static void weights_cut_short(Onnx__ModelProto *m) {
    m->graph->initializer[2]->raw_data.len -= 4;
}
static void weights_that_are_nan(Onnx__ModelProto *m) {
    memset(m->graph->initializer[2]->raw_data.data, 0xff, 4);
}
static void weights_of_another_type(Onnx__ModelProto *m) {
    m->graph->initializer[2]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
}
static void a_stride_of_zero(Onnx__ModelProto *m) {
    Onnx__NodeProto *pool = node_of(m, "MaxPool");
    memset(pool->attribute[1]->ints, 0, 2 * sizeof(int64_t));
}
static void a_padding_of_a_terabyte(Onnx__ModelProto *m) {
    for (int i = 0; i < 4; i++) node_of(m, "Conv")->attribute[1]->ints[i] = (int64_t)1 << 40;
}
static void an_image_of_a_terabyte(Onnx__ModelProto *m) {
    m->graph->input[0]->type->tensor_type->shape->dim[2]->dim_value = (int64_t)1 << 40;
}
static void an_image_without_size(Onnx__ModelProto *m) {
    m->graph->input[0]->type->tensor_type->shape->dim[3]->value_case = 0;
}
static void an_input_of_doubles(Onnx__ModelProto *m) {
    m->graph->input[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
}
static void an_output_from_nowhere(Onnx__ModelProto *m) {
    rename_text(&m->graph->output[0]->name, "nowhere");
}
static void a_sum_of_unlike_values(Onnx__ModelProto *m) {
    for (size_t i = 0; i < m->graph->n_node; i++) /* the residual's; the first one shifts the pixels */
        if (strcmp(m->graph->node[i]->name, "4") == 0) rename_text(&m->graph->node[i]->input[1], "pixels");
}
static void a_dense_layer_of_another_width(Onnx__ModelProto *m) {
    rename_text(&node_of(m, "Gemm")->input[0], "pixels");
}

static void what_lies_is_refused(void **state) {
    (void)state;
    const struct {
        void (*change)(Onnx__ModelProto *);
        const char *words;
    } rows[] = {
        {an_unknown_operation, "(Softmax) is an operation that Fovea does not write"},
        {an_input_from_nowhere, "(Relu) reads what no node before it makes"},
        {a_loop, "(Conv) reads what no node before it makes"},
        {weights_that_are_missing, "\"0\" (Conv) has other weights"},
        {weights_of_a_terabyte, "\"0\" (Conv) has other weights"},
        {weights_that_overflow, "\"0\" (Conv) has other weights"},
        {weights_cut_short, "\"0\" (Conv) has other weights"},
        {weights_that_are_nan, "\"0\" (Conv) has weights that are no finite floats"},
        {weights_of_another_type, "\"0\" (Conv) has weights that are no finite floats"},
        {a_stride_of_zero, "(MaxPool) does not fit its input"},
        {a_padding_of_a_terabyte, "(Conv) has other weights or attributes"},
        {an_image_of_a_terabyte, "no size that an image has"},
        {an_image_without_size, "no size that an image has"},
        {an_input_of_doubles, "neither uint8 nor float"},
        {an_output_from_nowhere, "its output is not what its last node makes"},
        {a_sum_of_unlike_values, "\"4\" (Add) sums values of different shapes"},
        {a_dense_layer_of_another_width, "(Gemm) does not fit its input"},
    };
    char *data;
    size_t size;
    read_sound(&data, &size);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Onnx__ModelProto *model = fv_onnx__model_proto__unpack(NULL, size, (const uint8_t *)data);
        assert_non_null(model);
        rows[i].change(model);
        size_t n = fv_onnx__model_proto__get_packed_size(model);
        uint8_t *changed = malloc(n);
        fv_onnx__model_proto__pack(model, changed);
        fv_graph *graph = NULL;
        fv_error error = {FV_OK, ""};
        fv_status status = fv_onnx_parse("x.onnx", changed, n, &graph, &error);
        if (status != FV_E_DATA || !strstr(error.message, rows[i].words))
            fail_msg("row %zu: status %d, \"%s\" without \"%s\"", i, status, error.message, rows[i].words);
        free(changed);
        fv_onnx__model_proto__free_unpacked(model, NULL);
    }
    free(data);
}

/* Graphs in attributes of nodes of graphs: a few bytes a level, which a reader by recursion pays with its stack. */
static void messages_deep_inside_others_are_refused(void **state) {
    (void)state;
    enum { LEVELS = 30000, ROOM = 5 * LEVELS };
    static const uint8_t tags[] = {0x0a, 0x2a, 0x32}; /* graph.node, node.attribute, attribute.g */
    uint8_t *room = malloc(ROOM), *at = room + ROOM;
    assert_non_null(room);
    for (int i = 0; i <= 3 * (LEVELS / 3); i++) { /* from within; the last is model.graph */
        uint8_t head[8] = {i == LEVELS ? 0x3a : tags[2 - i % 3]};
        size_t n = 1;
        for (size_t left = (size_t)(room + ROOM - at), more = 1; more; left >>= 7) {
            more = left >> 7;
            head[n++] = (uint8_t)((left & 0x7f) | (more ? 0x80 : 0));
        }
        at -= n;
        memcpy(at, head, n);
    }
    fv_graph *graph = NULL;
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_onnx_parse("deep.onnx", at, (size_t)(room + ROOM - at), &graph, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "deep.onnx: holds messages too deep inside others"));
    free(room);
}

static void more_tensors_than_any_graph_has_are_refused(void **state) {
    (void)state;
    enum { N = 1 << 17 };
    static const uint8_t begin[] = {0x3a, 0x82, 0x80, 0x20, 0x0a, 0x00}; /* a graph of 2 + 2^19 bytes, a node in it */
    bytes file = {0};
    bytes_add(&file, begin, sizeof begin);
    for (int i = 0; i < N; i++) bytes_add(&file, "\x2a\x02\x42", 4); /* a tensor without a name's letters */
    fv_graph *graph = NULL;
    fv_error error = {FV_OK, ""};
    assert_int_equal(fv_onnx_parse("many.onnx", file.at, file.n, &graph, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "many.onnx: its graph has too many tensors"));
    bytes_free(&file);
}

static void other_files_are_refused(void **state) {
    (void)state;
    const char *empty = scratch_path(directory, "empty.onnx"), *other = scratch_path(directory, "other.onnx");
    fv_graph *graph = NULL;
    fv_error error;
    scratch_text(directory, "empty.onnx", "");
    assert_int_equal(fv_onnx_read(empty, &graph, &error), FV_E_DATA);
    assert_int_equal(fv_net_save(net, other, NULL, NULL), FV_OK);
    assert_int_equal(fv_onnx_read(other, &graph, &error), FV_E_DATA);
    assert_non_null(strstr(error.message, "other.onnx: is no ONNX file"));
    assert_int_equal(fv_onnx_read(scratch_path(directory, "nowhere"), &graph, &error), FV_E_IO);
    assert_null(graph);
}

/* The npz of another net, of other shapes, of no net. */
static void archives_of_other_weights_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    static const struct {
        const char *model, *words;
    } rows[] = {
        {"dense classes",
         "0.weight.npy: holds values of type f4, shape (3, 16); float32 of shape (2, 1, 3, 3) are needed"},
        {"conv 2 3x3 pad 1, relu, dense classes", "1.weight.npy"},
        {"conv 2 3x3 pad 1, batchnorm, relu, maxpool 2, residual( conv 2 1x1 ), dense 7, dense classes",
         "shape (7, 8)"},
    };
    const char *path = scratch_path(directory, "other.npz");
    fv_net *other, *found = NULL;
    fv_error error;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(fv_net_create(rows[i].model, (fv_shape){1, 4, 4}, 3, 0, 1, &other, NULL), FV_OK);
        assert_int_equal(fv_export_npz(other, path, names, NULL), FV_OK);
        fv_net_destroy(other);
        fv_status status = fv_npz_read_net(path, net, &found, &error);
        if (status != FV_E_DATA || !strstr(error.message, rows[i].words))
            fail_msg("row %zu: status %d, \"%s\" without \"%s\"", i, status, error.message, rows[i].words);
    }
    char *data;
    size_t size;
    assert_int_equal(fv_export_npz(net, path, names, NULL), FV_OK);
    assert_int_equal(fv_file_read(path, 1 << 20, &data, &size, NULL), FV_OK);
    for (size_t n = 0; n < size; n += 7) { /* the directory of an archive stands at its end */
        bytes cut = {0};
        bytes_add(&cut, data, n);
        bytes_write(&cut, path);
        bytes_free(&cut);
        assert_int_equal(fv_npz_read_net(path, net, &found, &error), FV_E_DATA);
    }
    free(data);
    assert_int_equal(fv_npz_read_net(scratch_path(directory, "nowhere.npz"), net, &found, &error), FV_E_IO);
    assert_null(found);
}

/* A verification that could not tell a wrong file would be worth nothing. */
static void wrong_weights_are_noticed(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    static uint8_t pixels[10 * 16];
    static const uint16_t labels[10];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(37 * i);
    const fv_images images = {.n = 10, .shape = {1, 4, 4}, .pixels = pixels, .labels = labels};
    const char *path = scratch_path(directory, "export");
    for (fv_export_format format = FV_EXPORT_SAFETENSORS; format <= FV_EXPORT_C; format++) {
        fv_c_size size;
        fv_agreement a;
        fv_error error = {FV_OK, ""};
        fv_status status = format == FV_EXPORT_ONNX  ? fv_export_onnx(net, path, names, FV_ONNX_FLOAT, &error)
                           : format == FV_EXPORT_NPZ ? fv_export_npz(net, path, names, &error)
                           : format == FV_EXPORT_C   ? fv_export_c(net, path, names, NULL, NULL, &size, &error)
                                                     : fv_net_save(net, path, names, &error);
        if (status == FV_OK) status = fv_export_verify(net, path, format, &images, NULL, 1, &a, &error);
        if (status != FV_OK) fail_msg("format %d: %s", (int)format, error.message);
        assert_true(a.n == 10 && a.n_same == 10 && a.largest_difference < 1e-5 * (1 + a.largest_logit));
        float bias[2], moved[2]; /* another net than the one that was written */
        fv_net_tensor_get(net, 1, bias);
        moved[0] = bias[0] + 0.25f;
        moved[1] = bias[1] - 0.25f;
        fv_net_tensor_set(net, 1, moved);
        assert_int_equal(fv_export_verify(net, path, format, &images, NULL, 1, &a, &error), FV_OK);
        assert_true(a.largest_difference > 1e-3);
        fv_net_tensor_set(net, 1, bias);
    }
}

int main(void) {
#define WITH_NET(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_NET(files_cut_short_are_refused),
        WITH_NET(what_lies_is_refused),
        WITH_NET(other_files_are_refused),
        WITH_NET(archives_of_other_weights_are_refused),
        WITH_NET(wrong_weights_are_noticed),
        WITH_NET(messages_deep_inside_others_are_refused),
        WITH_NET(more_tensors_than_any_graph_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
