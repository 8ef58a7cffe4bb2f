/* A study's files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/known_sets.h"
#include "formats/safetensors.h"
#include "fovea/report.h"
#include "fovea/run.h"
#include "study/study.h"

enum { NEAREST = FV_REPORT_NEAREST, SHEET_IMAGES = 8, RESPONSE_IMAGES = 3 };

static fv_status path_in(const fv_study *s, const char *name, char path[1024], fv_error *error) {
    if (snprintf(path, 1024, "%s/%s", s->out, name) < 1024) return FV_OK;
    return fv_fail(error, FV_E_ARGUMENT, "%s: the path is too long", fv_path_shown(s->out));
}

static fv_status write_explain(const fv_study *s, fv_error *error) {
    const fv_findings *f = &s->findings;
    size_t n = f->explained.n, k = (size_t)s->dataset->n_classes;
    size_t d = (size_t)fv_net_n_features(s->jobs[s->final_job].net);
    char path[1024];
    FV_TRY(path_in(s, "explain.safetensors", path, error));
    FV_TRY(fv_file_is_own(path, error));
    fv_named_tensor tensors[6] = {
        {"index", FV_UINT32, 1, {n}, f->explained.at},
        {"logits", FV_FLOAT32, 2, {n, k}, f->logits},
        {"features", FV_FLOAT32, 2, {n, d}, f->features},
    };
    size_t n_tensors = 3;
    if (f->nearest) {
        tensors[n_tensors++] = (fv_named_tensor){"nearest", FV_UINT32, 2, {n, NEAREST}, f->nearest};
        tensors[n_tensors++] =
            (fv_named_tensor){"nearest_distances", FV_FLOAT32, 2, {n, NEAREST}, f->nearest_distances};
    }
    if (f->embedding.n) tensors[n_tensors++] = (fv_named_tensor){"embedding", FV_FLOAT32, 2, {n, 2}, f->embedding.xy};
    fv_metadata metadata[] = {{"dataset", s->dataset->name}, {"split", "test"}};
    return fv_safetensors_write(path, tensors, n_tensors, metadata, 2, error);
}

/* ---- final/ ---- */

/* Whether the name alone leads to the set again. */
static bool found_by_name(const fv_dataset *dataset) {
    char path[FV_SET_PATH];
    if (strcmp(dataset->path, "embedded") == 0) return true;
    return fv_set_locate(dataset->name, path) && strcmp(path, dataset->path) == 0;
}

fv_run_config fv_study_data_config(const fv_study *s) {
    fv_run_config c = fv_run_config_defaults();
    c.transpose = s->dataset->transposed;
    fv_run_config_pictures(&c, s->dataset);
    c.skip_bad = s->dataset->n_bad > 0;
    return c;
}

static fv_run_config final_config(const fv_study *s, const fv_job *job) {
    fv_run_config c = fv_study_data_config(s);
    const fv_study_options *o = s->options;
    snprintf(c.dataset, sizeof c.dataset, "%s", found_by_name(s->dataset) ? s->dataset->name : s->dataset->path);
    snprintf(c.model, sizeof c.model, "%s", job->model);
    snprintf(c.optimizer, sizeof c.optimizer, "%s", o->optimizer);
    snprintf(c.schedule, sizeof c.schedule, "%s", o->schedule);
    c.pad = s->pad;
    c.epochs = o->epochs;
    c.batch = o->batch;
    c.learning_rate = o->learning_rate;
    c.validation = 0;
    c.split_seed = o->split_seed;
    c.seed = job->seed;
    return c;
}

static fv_status write_final(const fv_study *s, fv_error *error) {
    const fv_job *job = &s->jobs[s->final_job];
    char directory[1024], path[1100];
    FV_TRY(path_in(s, "final", directory, error));
    FV_TRY(fv_file_is_own(directory, error));
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return fv_fail(error, FV_E_IO, "%s: could not be made", fv_path_shown(directory));
    fv_run_config config = final_config(s, job);
    fv_run_record record = {.config = &config,
                            .command = s->options->command,
                            .net = job->net,
                            .dataset = s->dataset,
                            .n_training = job->n_train,
                            .threads = s->threads,
                            .epochs_done = job->n_epochs,
                            .history = job->history,
                            .time_s = job->time_s,
                            .result = "done"};
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
    FV_TRY(fv_file_is_own(path, error));
    FV_TRY(fv_run_write_record(directory, &record, error));
    FV_TRY(fv_run_write_metrics(directory, job->history, job->n_epochs, error));
    FV_TRY(fv_net_save(job->net, path, (const char *const *)s->dataset->class_names, error));
    return fv_run_write_predictions(directory, "test", s->findings.predictions, s->findings.score.n, error);
}

/* ---- report.html ---- */

/* The first image of a class. */
static const uint8_t *example_of(const fv_images *images, int class, size_t size) {
    size_t at = 0;
    while (at + 1 < images->n && images->labels[at] != class) at++;
    return images->pixels + at * size;
}

/* One row of the sheet, of at most FV_BLOCK_IMAGES. A scheme that leaves most images alone is shown by the first draw
 * that does not; mixing is done to the first ones. */
static fv_status fill_sheet_row(const fv_study *s, const char *scheme, int n, size_t size, uint8_t *out) {
    enum { DRAWS = 100 };
    const fv_images *images = &s->dataset->train;
    fv_augment *augment;
    fv_mixture mixture;
    FV_TRY(fv_augment_create(scheme, images->shape, &augment, NULL));
    void *scratch = augment ? fv_alloc(fv_augment_scratch(augment), 1) : NULL;
    fv_status status = augment && !scratch ? FV_E_MEMORY : FV_OK;
    for (int k = 0; k < n && status == FV_OK; k++) {
        const uint8_t *image = example_of(images, k, size);
        uint8_t *shown = out + (size_t)k * size;
        memcpy(shown, image, size);
        for (uint32_t i = 0; augment && i < DRAWS && memcmp(shown, image, size) == 0; i++)
            fv_augment_apply(augment, s->options->seed, 0, (uint32_t)k * DRAWS + i, image, shown, scratch);
    }
    if (status == FV_OK) fv_augment_mix(augment, s->options->seed, 0, 0, n, out, &mixture, scratch);
    free(scratch);
    fv_augment_destroy(augment);
    return status;
}

/* One image of each class (of at most eight) as it is, then under every scheme but `none`. names [1 + n_schemes] and
 * pixels are the caller's to free. */
static fv_status fill_sheet(const fv_study *s, fv_report_sheet *sheet, const char ***names, uint8_t **pixels) {
    const fv_shape shape = s->dataset->train.shape;
    const size_t size = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    const int n = s->dataset->n_classes < SHEET_IMAGES ? s->dataset->n_classes : SHEET_IMAGES;
    const size_t most = 1 + (size_t)s->n_schemes, row = (size_t)n * size;
    *names = calloc(most, sizeof **names);
    *pixels = fv_alloc(most * row, 1);
    if (!*names || !*pixels) return FV_E_MEMORY;
    *sheet = (fv_report_sheet){1, n, *names, *pixels};
    (*names)[0] = "original";
    FV_TRY(fill_sheet_row(s, "none", n, size, *pixels));
    for (int i = 0; i < s->n_schemes; i++) {
        if (strcmp(s->schemes[i], "none") == 0) continue;
        (*names)[sheet->n_schemes] = s->schemes[i];
        FV_TRY(fill_sheet_row(s, s->schemes[i], n, size, *pixels + (size_t)sheet->n_schemes++ * row));
    }
    return FV_OK;
}

static fv_status fill_responses(const fv_study *s, fv_report_responses *responses, float **values) {
    const fv_findings *f = &s->findings;
    const fv_net *net = s->jobs[s->final_job].net;
    const fv_images *test = &s->dataset->test;
    size_t size = (size_t)test->shape.c * (size_t)test->shape.h * (size_t)test->shape.w;
    fv_shape shape;
    if (f->n_queries < RESPONSE_IMAGES || fv_net_first_response(net, NULL, &shape, NULL) != FV_OK) return FV_OK;
    size_t each = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    if (!(*values = fv_alloc(RESPONSE_IMAGES * each, sizeof **values))) return FV_E_MEMORY;
    for (size_t i = 0; i < RESPONSE_IMAGES; i++)
        FV_TRY(fv_net_first_response(net, test->pixels + f->shown[f->queries[i]].index * size, &shape,
                                     *values + i * each));
    *responses = (fv_report_responses){RESPONSE_IMAGES, shape, f->queries, *values};
    return FV_OK;
}

fv_status fv_study_write_report(const fv_study *s, const char *json, fv_error *error) {
    const fv_findings *f = &s->findings;
    fv_report report = {.study_json = json,
                        .images = &s->dataset->test,
                        .n = f->explained.n,
                        .predictions = f->shown,
                        .probabilities = f->probabilities,
                        .nearest = f->nearest,
                        .nearest_distances = f->nearest_distances,
                        .xy = f->embedding.n ? f->embedding.xy : NULL};
    uint8_t *sheet = NULL;
    const char **names = NULL;
    float *responses = NULL;
    char path[1024];
    FV_TRY(path_in(s, "report.html", path, error));
    FV_TRY(fv_file_is_own(path, error));
    fv_status status = FV_OK;
    if (s->options->parts & FV_PART_AUGMENTATION) status = fill_sheet(s, &report.sheet, &names, &sheet);
    if (status == FV_OK && f->done && s->options->parts & FV_PART_KERNELS)
        status = fill_responses(s, &report.responses, &responses);
    if (status == FV_OK)
        status = fv_report_write(&report, path, error);
    else
        fv_fail(error, status, "report: %s", fv_status_text(status));
    free(names);
    free(sheet);
    free(responses);
    return status;
}

fv_status fv_study_write(const fv_study *s, fv_error *error) {
    char path[1024], *json;
    FV_TRY(path_in(s, "study.json", path, error));
    FV_TRY(fv_file_is_own(path, error));
    fv_status status = fv_study_json(s, &json);
    if (status != FV_OK) return fv_fail(error, status, "study.json: %s", fv_status_text(status));
    status = fv_file_write(path, json, strlen(json), error);
    bool is_study = strcmp(s->kind, "study") == 0;
    if (status == FV_OK && s->findings.done) status = write_explain(s, error);
    if (status == FV_OK && s->findings.done && is_study) status = write_final(s, error);
    if (status == FV_OK && !s->interrupted) status = fv_study_write_report(s, json, error);
    free(json);
    return status;
}
