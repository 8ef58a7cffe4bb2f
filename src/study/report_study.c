/* The page of a study that is done, made again from its files: study.json, explain.safetensors, final/, and the data.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/json_text.h"
#include "formats/safetensors.h"
#include "fovea/run.h"
#include "study/study.h"

enum { NEAREST = 8, PATH = 1100, MOST_SCHEMES = 64 /* that a study takes */ };
#define MOST_JSON ((size_t)1 << 30)

/* What was read, beside the study that is made of it. */
typedef struct past {
    const char *directory;
    char *text; /* of study.json */
    json_t *root;
    fv_safetensors *explain;
    fv_dataset *dataset;
    fv_study_options options;
} past;

static fv_status fail(const past *p, const char *file, const char *why, fv_error *error) {
    return fv_fail(error, FV_E_DATA, "%s/%s: %s", fv_path_shown(p->directory), file, why);
}

static void path_of(const past *p, const char *file, char path[PATH]) {
    snprintf(path, PATH, "%.1000s/%s", p->directory, file);
}

static const char *string_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static fv_status read_json(past *p, fv_error *error) {
    char path[PATH];
    size_t n;
    json_error_t reason;
    path_of(p, "study.json", path);
    FV_TRY(fv_file_read(path, MOST_JSON, &p->text, &n, error));
    fv_status status = fv_json_parse(p->text, n, JSON_REJECT_DUPLICATES, &p->root, &reason);
    if (status == FV_E_MEMORY) return fv_fail(error, status, "%s: out of memory", fv_path_shown(path));
    if (status != FV_OK) return fail(p, "study.json", reason.text, error);
    if (strcmp(string_at(p->root, "kind"), "study") != 0 || !*string_at(json_object_get(p->root, "dataset"), "path"))
        return fail(p, "study.json", "is of no study: give the directory of a run or of a study", error);
    return FV_OK;
}

/* How the data's files were read. */
static fv_status take_data_config(const past *p, fv_run_config *config, fv_error *error) {
    static const char *const names[] = {"size", "fit", "channels", "skip_bad", "transpose"};
    const json_t *from = json_object_get(p->root, "config");
    for (int i = 0; fv_run_config_field(i); i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            const json_t *value = json_object_get(from, names[k]);
            char text[24], where[64];
            if (!value || strcmp(fv_run_config_field(i), names[k]) != 0) continue;
            snprintf(where, sizeof where, "study.json: config: %s", names[k]);
            snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
            const char *said = json_is_string(value) ? json_string_value(value) : text;
            if (*said) FV_TRY(fv_run_config_set(config, i, said, where, error));
        }
    return FV_OK;
}

/* The set as final/ records it; a study without one names its path. */
static fv_status open_dataset(past *p, bool is_explained, fv_error *error) {
    const json_t *of = json_object_get(p->root, "dataset");
    fv_run_config config = fv_run_config_defaults();
    char path[PATH];
    path_of(p, "final/run.json", path);
    if (is_explained)
        FV_TRY(fv_run_config_read(path, &config, error));
    else {
        snprintf(config.dataset, sizeof config.dataset, "%s",
                 string_at(of, strcmp(string_at(of, "path"), "embedded") == 0 ? "name" : "path"));
        FV_TRY(take_data_config(p, &config, error));
    }
    FV_TRY(fv_run_dataset_open(&config, NULL, &p->dataset, error));
    if (strcmp(p->dataset->train_sha256, string_at(of, "train_sha256")) != 0 ||
        strcmp(p->dataset->test_sha256, string_at(of, "test_sha256")) != 0)
        return fv_fail(error, FV_E_DATA, "%s: not the data that %s is of (their checksums differ): bring those back",
                       p->dataset->name, fv_path_shown(p->directory));
    /* the page's rows of probabilities are as long as study.json says */
    if (json_number_value(json_object_get(of, "n_classes")) == p->dataset->n_classes) return FV_OK;
    return fail(p, "study.json", "is of another number of classes than the data", error);
}

/* A tensor of [n][width] numbers (width 0: [n]). */
static const void *tensor(const past *p, const char *name, fv_dtype dtype, size_t n, size_t width) {
    const fv_named_tensor *t = fv_safetensors_find(p->explain, name);
    if (!t || t->dtype != dtype || t->rank != (width ? 2 : 1) || t->size[0] != n) return NULL;
    return !width || t->size[1] == width ? t->data : NULL;
}

/* A copy that fv_findings_deinit can free; NULL for NULL and when out of memory. */
static void *copy_of(const void *from, size_t n, size_t size_bytes) {
    void *to = from ? fv_alloc(n, size_bytes) : NULL;
    if (to) memcpy(to, from, n * size_bytes);
    return to;
}

/* The explained images' positions, ascending, and what is known of each. */
static fv_status take_explained(const past *p, fv_study *s, fv_error *error) {
    const fv_named_tensor *index = fv_safetensors_find(p->explain, "index");
    const size_t n = index ? index->size[0] : 0, k = (size_t)p->dataset->n_classes, n_test = p->dataset->test.n;
    const float *logits = tensor(p, "logits", FV_FLOAT32, n, k);
    const uint32_t *at = tensor(p, "index", FV_UINT32, n, 0), *nearest = tensor(p, "nearest", FV_UINT32, n, NEAREST);
    const float *distances = tensor(p, "nearest_distances", FV_FLOAT32, n, NEAREST);
    const float *xy = tensor(p, "embedding", FV_FLOAT32, n, 2);
    fv_findings *f = &s->findings;
    const bool has_nearest = n > NEAREST; /* else there are too few images */
    bool good = n > 0 && at && logits && (!has_nearest || (nearest && distances));
    for (size_t i = 0; good && i < n; i++) good = at[i] < n_test && (i == 0 || at[i] > at[i - 1]);
    for (size_t i = 0; good && has_nearest && i < n * NEAREST; i++) good = nearest[i] < n && isfinite(distances[i]);
    for (size_t i = 0; good && i < n * k; i++) good = isfinite(logits[i]);
    for (size_t i = 0; good && xy && i < 2 * n; i++) good = isfinite(xy[i]);
    if (!good) return fail(p, "explain.safetensors", "is not what this study left", error);
    f->explained = (fv_indices){.at = copy_of(at, n, sizeof *at), .n = n};
    f->nearest = copy_of(has_nearest ? nearest : NULL, n * NEAREST, sizeof *nearest);
    f->nearest_distances = copy_of(has_nearest ? distances : NULL, n * NEAREST, sizeof *distances);
    f->probabilities = fv_alloc(n * k, sizeof(float));
    f->shown = fv_alloc(n, sizeof *f->shown);
    f->embedding.xy = copy_of(xy, 2 * n, sizeof *xy);
    f->embedding.n = xy ? n : 0;
    if (!f->explained.at || (has_nearest && (!f->nearest || !f->nearest_distances)) || !f->probabilities || !f->shown ||
        (xy && !f->embedding.xy))
        return fv_fail(error, FV_E_MEMORY, "report: out of memory");
    fv_softmax_rows(logits, n, (int)k, f->probabilities);
    return FV_OK;
}

static fv_status take_predictions(const past *p, fv_study *s, fv_error *error) {
    char path[PATH];
    size_t n;
    fv_findings *f = &s->findings;
    path_of(p, "final", path);
    FV_TRY(fv_run_read_predictions(path, "test", &f->predictions, &n, error));
    bool good = n == p->dataset->test.n;
    for (size_t i = 0; good && i < n; i++)
        good = f->predictions[i].index == i && f->predictions[i].truth == p->dataset->test.labels[i] &&
               f->predictions[i].predicted < p->dataset->n_classes;
    if (!good) return fail(p, "final/predictions-test.csv", "is not of this study's test images", error);
    for (size_t i = 0; i < f->explained.n; i++) f->shown[i] = f->predictions[f->explained.at[i]];
    if (fv_mistakes(f->predictions, n, &f->mistakes, &f->n_mistakes) == FV_OK) return FV_OK;
    return fv_fail(error, FV_E_MEMORY, "report: out of memory");
}

/* The files may be of two studies: what the predictions, the logits and study.json say must agree. */
static fv_status check_findings(const past *p, const fv_study *s, fv_error *error) {
    const fv_findings *f = &s->findings;
    const json_t *final = json_object_get(p->root, "final");
    const size_t k = (size_t)p->dataset->n_classes;
    json_int_t n_correct = 0;
    char hash[65];
    for (size_t i = 0; i < p->dataset->test.n; i++) n_correct += f->predictions[i].truth == f->predictions[i].predicted;
    if (n_correct != json_integer_value(json_object_get(final, "test_correct")))
        return fail(p, "final/predictions-test.csv", "is not of the network that study.json tells of", error);
    for (size_t i = 0; i < f->explained.n; i++)
        for (size_t c = 0; c < k; c++)
            if (f->probabilities[i * k + c] > f->probabilities[i * k + f->shown[i].predicted])
                return fail(p, "explain.safetensors", "is not of the network that final/ holds", error);
    fv_net_hash(s->jobs->net, hash);
    if (strcmp(hash, string_at(final, "weights_sha256")) == 0) return FV_OK;
    return fail(p, "final/model.safetensors", "is not the network that study.json tells of", error);
}

/* The queries that study.json shows or was asked for; else chosen anew, as the study chose them. */
static fv_status take_queries(past *p, fv_study *s, fv_error *error) {
    const json_t *rows = json_object_get(p->root, "neighbours");
    const json_t *asked = json_object_get(json_object_get(p->root, "config"), "queries");
    const size_t n = json_array_size(rows ? rows : asked);
    uint32_t *queries = calloc(n + 1, sizeof *queries);
    if (!queries) return fv_fail(error, FV_E_MEMORY, "report: out of memory");
    for (size_t i = 0; i < n; i++)
        queries[i] = (uint32_t)json_integer_value(rows ? json_object_get(json_array_get(rows, i), "query")
                                                       : json_array_get(asked, i));
    p->options.queries = queries;
    p->options.n_queries = (int)n;
    fv_status status = fv_study_choose_queries(s, &s->findings, error);
    free(queries);
    return status;
}

static fv_status take_findings(past *p, fv_study *s, fv_error *error) {
    char path[PATH];
    path_of(p, "explain.safetensors", path);
    FV_TRY(fv_safetensors_read(path, &p->explain, error));
    FV_TRY(take_explained(p, s, error));
    FV_TRY(take_predictions(p, s, error));
    FV_TRY(take_queries(p, s, error));
    path_of(p, "final/model.safetensors", path);
    FV_TRY(fv_net_load(path, &s->jobs->net, NULL, error));
    const fv_shape a = fv_net_input(s->jobs->net), b = p->dataset->test.shape;
    if (a.c != b.c || a.h != b.h || a.w != b.w || fv_net_n_classes(s->jobs->net) != p->dataset->n_classes)
        return fail(p, "final/model.safetensors", "is of other images or classes than the data's", error);
    s->findings.done = true;
    return check_findings(p, s, error);
}

static fv_status take_schemes(const past *p, fv_study *s, fv_error *error) {
    const json_t *config = json_object_get(p->root, "config"), *list = json_object_get(config, "augmentations");
    if (json_array_size(list) > MOST_SCHEMES)
        return fail(p, "study.json", "`augmentations` holds more than a study takes", error);
    s->schemes = calloc(json_array_size(list) + 1, sizeof *s->schemes);
    if (!s->schemes) return fv_fail(error, FV_E_MEMORY, "report: out of memory");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text) return fail(p, "study.json", "`augmentations` holds what is no text", error);
        s->schemes[s->n_schemes++] = (char *)(uintptr_t)text; /* the tree's */
    }
    return FV_OK;
}

static fv_status make_page(past *p, fv_study *s, fv_error *error) {
    FV_TRY(read_json(p, error));
    const bool is_explained = json_is_object(json_object_get(p->root, "final"));
    p->options.parts = 0;
    for (int i = 0; fv_study_part_name(i); i++)
        if (json_object_get(p->root, fv_study_part_name(i))) p->options.parts |= 1U << i;
    p->options.seed =
        (uint64_t)json_integer_value(json_array_get(json_object_get(json_object_get(p->root, "config"), "seeds"), 0));
    FV_TRY(open_dataset(p, is_explained, error));
    s->dataset = p->dataset;
    s->jobs = calloc(1, sizeof *s->jobs);
    if (!s->jobs) return fv_fail(error, FV_E_MEMORY, "report: out of memory");
    s->n_jobs = 1;
    FV_TRY(take_schemes(p, s, error));
    if (is_explained) FV_TRY(take_findings(p, s, error));
    return fv_study_write_report(s, p->text, error);
}

fv_status fv_study_report(const char *directory, fv_error *error) {
    past p = {.directory = directory, .options = fv_study_defaults()};
    fv_study s = {.options = &p.options, .out = directory, .kind = "study", .error = error};
    pthread_mutex_init(&s.lock, NULL);
    fv_status status = make_page(&p, &s, error);
    fv_study_deinit(&s);
    fv_safetensors_destroy(p.explain);
    fv_dataset_destroy(p.dataset);
    json_decref(p.root);
    free(p.text);
    return status;
}
