/* What the final model knows of the test images: questions 4 to 8. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/math.h"
#include "base/memory.h"
#include "study/study.h"

enum { MAX_EXPLAINED = 10000, NEAREST = 8, WORST_QUERIES = 2 };

void fv_findings_deinit(fv_findings *f) {
    free(f->predictions);
    free(f->mistakes);
    free(f->confusion);
    fv_indices_deinit(&f->explained);
    free(f->shown);
    free(f->logits);
    free(f->probabilities);
    free(f->features);
    free(f->nearest);
    free(f->nearest_distances);
    fv_embedding_deinit(&f->embedding);
    free(f->queries);
}

/* The page shows at most 10,000 test images, spread over the classes. */
static fv_status choose_explained(const fv_study *s, fv_findings *f) {
    const fv_images *test = &s->dataset->test;
    fv_indices all;
    FV_TRY(fv_indices_all(test->n, &all));
    if (test->n <= MAX_EXPLAINED) {
        f->explained = all;
        return FV_OK;
    }
    fv_status status =
        fv_subset_stratified(test, s->dataset->n_classes, &all, MAX_EXPLAINED, s->options->split_seed, &f->explained);
    fv_indices_deinit(&all);
    return status;
}

static fv_status judge_test_set(const fv_study *s, const fv_net *net, fv_findings *f) {
    const fv_images *test = &s->dataset->test;
    size_t k = (size_t)s->dataset->n_classes;
    f->predictions = calloc(test->n, sizeof *f->predictions);
    f->confusion = calloc(k * k, sizeof *f->confusion);
    if (!f->predictions || !f->confusion) return FV_E_MEMORY;
    FV_TRY(fv_evaluate(net, test, NULL, s->threads, NULL, 0, 0, &f->score, f->predictions));
    fv_confusion(f->predictions, test->n, (int)k, f->confusion);
    FV_TRY(fv_macro_of(f->predictions, test->n, (int)k, &f->macro));
    return fv_mistakes(f->predictions, test->n, &f->mistakes, &f->n_mistakes);
}

void fv_softmax_rows(const float *logits, size_t n, int k, float *p) {
    for (size_t i = 0; i < n; i++) {
        const float *z = logits + i * (size_t)k;
        float *row = p + i * (size_t)k, most = z[0], sum = 0;
        for (int c = 1; c < k; c++) most = z[c] > most ? z[c] : most;
        for (int c = 0; c < k; c++) sum += row[c] = (float)fv_exp((double)(z[c] - most));
        for (int c = 0; c < k; c++) row[c] /= sum;
    }
}

static fv_status look_inside(const fv_study *s, const fv_net *net, fv_findings *f) {
    size_t n = f->explained.n, k = (size_t)s->dataset->n_classes, d = (size_t)fv_net_n_features(net);
    f->shown = calloc(n, sizeof *f->shown);
    f->logits = fv_alloc(n * k, sizeof(float));
    f->probabilities = fv_alloc(n * k, sizeof(float));
    f->features = fv_alloc(n * d, sizeof(float));
    if (!f->shown || !f->logits || !f->probabilities || !f->features) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++) f->shown[i] = f->predictions[f->explained.at[i]];
    FV_TRY(fv_net_infer(net, &s->dataset->test, &f->explained, s->threads, f->logits, f->features));
    fv_softmax_rows(f->logits, n, (int)k, f->probabilities);
    return FV_OK;
}

static fv_status find_neighbours(const fv_study *s, int d, fv_findings *f, fv_error *error) {
    size_t n = f->explained.n;
    if (n <= NEAREST) return FV_OK; /* too few images to have eight others each */
    f->nearest = calloc(n * NEAREST, sizeof *f->nearest);
    f->nearest_distances = calloc(n * NEAREST, sizeof *f->nearest_distances);
    if (!f->nearest || !f->nearest_distances) return FV_E_MEMORY;
    fv_status status =
        fv_nearest(f->features, n, f->features, n, d, NEAREST, true, s->threads, f->nearest, f->nearest_distances);
    if (status != FV_E_DIVERGED) return status;
    return fv_fail(error, status,
                   "the features of %s are too large for distances between them, so large are its weights: train it "
                   "again with a lower learning rate",
                   s->explain_model);
}

static bool position_of(const fv_findings *f, uint32_t index, uint32_t *position) {
    size_t low = 0, high = f->explained.n; /* ascending */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (f->explained.at[middle] < index)
            low = middle + 1;
        else
            high = middle;
    }
    *position = (uint32_t)low;
    return low < f->explained.n && f->explained.at[low] == index;
}

static void add_query(fv_findings *f, uint32_t position) {
    f->queries[f->n_queries++] = position;
}

fv_status fv_study_choose_queries(const fv_study *s, fv_findings *f, fv_error *error) {
    const fv_study_options *o = s->options;
    int n_classes = s->dataset->n_classes < 10 ? s->dataset->n_classes : 10;
    f->queries = calloc((size_t)(o->n_queries + n_classes + WORST_QUERIES), sizeof *f->queries);
    if (!f->queries) return FV_E_MEMORY;
    for (int i = 0; i < o->n_queries; i++) {
        uint32_t position;
        if (!position_of(f, o->queries[i], &position))
            return fv_fail(error, FV_E_ARGUMENT, "queries: test image %u is not among the %zu that are explained",
                           o->queries[i], f->explained.n);
        add_query(f, position);
    }
    if (o->n_queries) return FV_OK;
    for (int c = 0; c < n_classes; c++)
        for (uint32_t i = 0; i < f->explained.n; i++)
            if (f->shown[i].truth == c && f->shown[i].predicted == c) {
                add_query(f, i);
                break;
            }
    for (size_t i = 0, taken = 0; i < f->n_mistakes && taken < WORST_QUERIES; i++) {
        uint32_t position;
        if (!position_of(f, f->predictions[f->mistakes[i]].index, &position)) continue;
        add_query(f, position);
        taken++;
    }
    return FV_OK;
}

static fv_status embed(const fv_study *s, int d, fv_findings *f, fv_error *error) {
    fv_embedding_options o = fv_embedding_defaults();
    o.threads = s->threads;
    o.context = s->options->context;
    o.cancelled = s->options->cancelled;
    return fv_embed(f->features, f->explained.n, d, &o, &f->embedding, error);
}

fv_status fv_study_explain(fv_study *s, fv_error *error) {
    fv_findings *f = &s->findings;
    const fv_net *net = s->jobs[s->final_job].net;
    int d = fv_net_n_features(net);
    double start_s = fv_now();
    FV_TRY(choose_explained(s, f));
    FV_TRY(judge_test_set(s, net, f));
    FV_TRY(look_inside(s, net, f));
    f->mistakes_s = fv_now() - start_s;
    start_s += f->mistakes_s;
    FV_TRY(find_neighbours(s, d, f, error));
    FV_TRY(fv_study_choose_queries(s, f, error));
    f->neighbours_s = fv_now() - start_s;
    start_s += f->neighbours_s;
    if (s->options->parts & FV_PART_EMBEDDING && f->explained.n >= 2) FV_TRY(embed(s, d, f, error));
    f->embedding_s = fv_now() - start_s;
    f->done = true;
    return FV_OK;
}
