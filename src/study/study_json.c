/* study.json: see docs/study-json.md. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/json_text.h"
#include "fovea/machine.h"
#include "fovea/statistics.h"
#include "study/study.h"

static json_t *number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}
static json_t *count(size_t n) {
    return json_integer((json_int_t)n);
}

static json_t *floats(const float *x, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) fv_json_append(&list, number(x[i]));
    return list;
}

/* ---- what was asked, of what, where ---- */

static json_t *dataset_json(const fv_study *s) {
    const fv_dataset *d = s->dataset;
    json_t *o = json_object(), *names = json_array();
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    size_t c = (size_t)d->train.shape.c;
    for (int i = 0; i < d->n_classes; i++) fv_json_append(&names, json_string(d->class_names[i]));
    fv_json_put(&o, "name", json_string(d->name));
    fv_json_put(&o, "path", json_string(d->path));
    fv_json_put(&o, "shape", json_pack("[iii]", d->train.shape.c, d->train.shape.h, d->train.shape.w));
    fv_json_put(&o, "n_classes", json_integer(d->n_classes));
    fv_json_put(&o, "class_names", names);
    fv_json_put(&o, "n_train", count(d->train.n));
    fv_json_put(&o, "n_test", count(d->test.n));
    fv_json_put(&o, "n_training", count(s->training.n));
    fv_json_put(&o, "n_validation", count(s->validation.n));
    fv_json_put(&o, "test_set_aside", json_boolean(d->test_set_aside));
    fv_json_put(&o, "train_sha256", json_string(d->train_sha256));
    fv_json_put(&o, "test_sha256", json_string(d->test_sha256));
    if (fv_pixel_statistics(&d->train, &s->training, mean, std) == FV_OK) {
        fv_json_put(&o, "mean", floats(mean, c));
        fv_json_put(&o, "std", floats(std, c));
    }
    return o;
}

static json_t *machine_json(const fv_study *s) {
    char name[128];
    fv_machine_name(name, sizeof name);
    return json_pack("{ss si si ss ss}", "processor", name, "processors", fv_processors(), "threads", s->threads, "isa",
                     fv_isa_name(), "compiler", fv_compiler());
}

static json_t *parts_json(unsigned parts) {
    json_t *list = json_array();
    for (int i = 0; fv_study_part_name(i); i++)
        if (parts >> i & 1) fv_json_append(&list, json_string(fv_study_part_name(i)));
    return list;
}

static json_t *config_json(const fv_study *s) {
    const fv_study_options *o = s->options;
    json_t *seeds = json_array();
    for (int i = 0; i < o->n_seeds; i++) fv_json_append(&seeds, json_integer((json_int_t)o->seed + i));
    json_t *schemes = json_array();
    for (int i = 0; i < s->n_schemes && o->parts & FV_PART_AUGMENTATION; i++)
        fv_json_append(&schemes, json_string(s->schemes[i]));
    const fv_run_config data = fv_study_data_config(s);
    json_t *config = json_pack("{so so si si so sI ss sf ss sf si ss ss ss si si si}", "parts", parts_json(o->parts),
                               "augmentations", schemes, "epochs", o->epochs, "batch", o->batch, "seeds", seeds,
                               "split_seed", (json_int_t)o->split_seed, "optimizer", o->optimizer, "learning_rate",
                               o->learning_rate, "schedule", o->schedule, "validation", o->validation, "pad", s->pad,
                               "explain", s->explain_model, "size", data.size, "fit", data.fit, "channels",
                               data.channels, "skip_bad", data.skip_bad, "transpose", data.transpose);
    json_t *queries = o->n_queries ? json_array() : NULL;
    for (int i = 0; i < o->n_queries; i++) fv_json_append(&queries, json_integer((json_int_t)o->queries[i]));
    if (queries) fv_json_put(&config, "queries", queries);
    return config;
}

/* ---- trainings ---- */

static json_t *history_json(const fv_study *s, const fv_job *job) {
    json_t *list = json_array();
    (void)s;
    for (int i = 0; i < job->n_epochs; i++) {
        const fv_epoch *e = &job->history[i];
        const fv_score *t = &job->train_score[i];
        json_t *row =
            json_pack("{si so so so so so}", "epoch", e->epoch, "train_loss", number(t->loss), "train_accuracy",
                      number((double)t->correct / (double)t->n), "validation_loss", number(e->validation_loss),
                      "validation_accuracy", number(e->validation_accuracy), "time_s", number(e->time_s));
        fv_json_append(&list, row);
    }
    return list;
}

static json_t *comparison_row(const fv_study *s, const fv_job *job, unsigned part) {
    const fv_score *t = &job->train_score[job->n_epochs - 1], *v = &job->validation_score;
    json_t *o = json_object();
    fv_augment *augment = NULL;
    bool architecture = part == FV_PART_ARCHITECTURE;
    fv_json_put(&o, "name", json_string(architecture ? job->model : job->augment));
    fv_json_put(&o, "model", json_string(job->model));
    if (architecture) fv_json_put(&o, "text", json_string(job->text));
    if (fv_augment_create(job->augment, s->dataset->train.shape, &augment, NULL) == FV_OK)
        fv_json_put(&o, "augment", json_string(fv_augment_text(augment)));
    fv_augment_destroy(augment);
    fv_json_put(&o, "seed", json_integer((json_int_t)job->seed));
    fv_json_put(&o, "parameters", count(job->n_weights));
    fv_json_put(&o, "multiply_adds", count(job->n_multiply_adds));
    fv_json_put(&o, "train_loss", number(t->loss));
    fv_json_put(&o, "train_correct", count(t->correct));
    fv_json_put(&o, "train_total", count(t->n));
    fv_json_put(&o, "validation_loss", number(v->loss));
    fv_json_put(&o, "validation_correct", count(v->correct));
    fv_json_put(&o, "validation_total", count(v->n));
    if (v->n) fv_json_put(&o, "validation_macro_accuracy", number(job->macro.accuracy));
    if (v->n) fv_json_put(&o, "validation_macro_f1", number(job->macro.f1));
    fv_json_put(&o, "time_s", number(job->time_s));
    fv_json_put(&o, "images_per_s", number((double)job->n_train * job->n_epochs / job->time_s));
    fv_json_put(&o, "history", history_json(s, job));
    return o;
}

static const char *name_of(const fv_job *job, unsigned part) {
    return part == FV_PART_ARCHITECTURE ? job->model : job->augment;
}

static json_t *test_row(const fv_job *a, const fv_job *b, unsigned part, size_t n) {
    size_t only_a = 0, only_b = 0;
    for (size_t i = 0; i < n; i++) {
        bool right_a = a->predictions[i].truth == a->predictions[i].predicted;
        bool right_b = b->predictions[i].truth == b->predictions[i].predicted;
        only_a += right_a && !right_b;
        only_b += right_b && !right_a;
    }
    return json_pack("{ss ss sI sI sI sf}", "a", name_of(a, part), "b", name_of(b, part), "seed", (json_int_t)a->seed,
                     "only_a", (json_int_t)only_a, "only_b", (json_int_t)only_b, "p", fv_mcnemar(only_a, only_b));
}

static const fv_job *job_of(const fv_study *s, unsigned part, const char *name, uint64_t seed) {
    for (int i = 0; i < s->n_jobs; i++) {
        const fv_job *job = &s->jobs[i];
        if (job->parts & part && job->done && job->seed == seed && strcmp(name_of(job, part), name) == 0) return job;
    }
    return NULL;
}

/* Validation accuracy a - b over the seeds that both have. */
static json_t *difference_row(const fv_study *s, unsigned part, const fv_job *a, const fv_job *b) {
    enum { MOST = 1024 };
    double x[MOST], y[MOST];
    size_t n = 0;
    for (int k = 0; k < s->options->n_seeds && n < MOST; k++) {
        const fv_job *p = job_of(s, part, name_of(a, part), s->options->seed + (uint64_t)k);
        const fv_job *q = job_of(s, part, name_of(b, part), s->options->seed + (uint64_t)k);
        if (!p || !q) continue;
        x[n] = (double)p->validation_score.correct / (double)p->validation_score.n;
        y[n++] = (double)q->validation_score.correct / (double)q->validation_score.n;
    }
    if (n < 2) return NULL;
    fv_interval interval = fv_paired_interval(x, y, n);
    return json_pack("{ss ss sI so so so}", "a", name_of(a, part), "b", name_of(b, part), "n_seeds", (json_int_t)n,
                     "mean", number(fv_mean(x, n) - fv_mean(y, n)), "low", number(interval.low), "high",
                     number(interval.high));
}

static void add_comparison(const fv_study *s, json_t **root, unsigned part, const char *name) {
    json_t *rows = json_array(), *tests = json_array(), *differences = json_array();
    char key[64];
    for (int i = 0; i < s->n_jobs; i++) {
        const fv_job *b = &s->jobs[i];
        if (!(b->parts & part) || !b->done) continue;
        fv_json_append(&rows, comparison_row(s, b, part));
        for (int j = i + 1; j < s->n_jobs; j++) {
            const fv_job *a = &s->jobs[j];
            if (!(a->parts & part) || !a->done || a->seed != b->seed) continue;
            fv_json_append(&tests, test_row(a, b, part, s->validation.n));
            json_t *row = b->seed == s->options->seed ? difference_row(s, part, a, b) : NULL;
            if (row) fv_json_append(&differences, row);
        }
    }
    fv_json_put(root, name, rows);
    snprintf(key, sizeof key, "%s_tests", name);
    fv_json_put(root, key, tests);
    snprintf(key, sizeof key, "%s_differences", name);
    fv_json_put(root, key, differences);
}

/* ---- question 3 ---- */

static json_t *scaling_row(const fv_job *job) {
    const fv_score *train = &job->train_score[job->n_epochs - 1], *test = &job->test_score;
    return json_pack("{sf sI sI so sI sI so sI sI so so so}", "fraction", job->fraction, "seed", (json_int_t)job->seed,
                     "n_train", (json_int_t)job->n_train, "train_loss", number(train->loss), "train_correct",
                     (json_int_t)train->correct, "train_total", (json_int_t)train->n, "test_loss", number(test->loss),
                     "test_correct", (json_int_t)test->correct, "test_total", (json_int_t)test->n,
                     "test_macro_accuracy", number(job->macro.accuracy), "test_macro_f1", number(job->macro.f1),
                     "time_s", number(job->time_s));
}

static json_t *fit_point(const fv_power_law *fit, double n, int prediction) {
    double low, high, error = fv_power_law_at(fit, n, prediction, &low, &high);
    return json_pack("{so so so so}", "n_train", number(n), "error", number(error), "low", number(low), "high",
                     number(high));
}

/* Mean test error of every fraction, smallest first; an error of zero stands at 0.5 / n. */
static int mean_errors(const fv_study *s, double *n, double *error) {
    int m = 0;
    for (int parts = 16; parts; parts /= 2) {
        double fraction = 1.0 / parts, wrong = 0, total = 0, images = 0;
        for (int i = 0; i < s->n_jobs; i++) {
            const fv_job *job = &s->jobs[i];
            if (!(job->parts & FV_PART_SCALING) || !job->done || job->fraction != fraction) continue;
            wrong += (double)(job->test_score.n - job->test_score.correct);
            total += (double)job->test_score.n;
            images = (double)job->n_train;
        }
        if (total == 0) continue;
        n[m] = images;
        error[m++] = (wrong > 0 ? wrong : 0.5) / total;
    }
    return m;
}

static json_t *fit_json(const fv_study *s) {
    enum { BAND_POINTS = 25 };
    double n[8], error[8];
    int m = mean_errors(s, n, error);
    if (m < 2) return NULL;
    fv_power_law fit = fv_fit_power_law(n, error, m);
    json_t *points = json_array(), *forecast = json_array();
    for (int i = 0; i < BAND_POINTS; i++)
        fv_json_append(&points, fit_point(&fit, n[0] * pow(4 * n[m - 1] / n[0], i / (BAND_POINTS - 1.0)), 0));
    for (int factor = 2; factor <= 4; factor *= 2) fv_json_append(&forecast, fit_point(&fit, factor * n[m - 1], 1));
    return json_pack("{so so so so so so}", "coefficient", number(fit.coefficient), "exponent", number(fit.exponent),
                     "exponent_low", number(fit.exponent_low), "exponent_high", number(fit.exponent_high), "points",
                     points, "forecast", forecast);
}

static void add_scaling(const fv_study *s, json_t **root) {
    json_t *rows = json_array(), *fit = fit_json(s);
    for (int i = 0; i < s->n_jobs; i++)
        if (s->jobs[i].parts & FV_PART_SCALING && s->jobs[i].done) fv_json_append(&rows, scaling_row(&s->jobs[i]));
    fv_json_put(root, "scaling", rows);
    if (fit) fv_json_put(root, "scaling_fit", fit);
}

/* ---- questions 4 to 8 ---- */

static json_t *final_json(const fv_study *s) {
    const fv_job *job = &s->jobs[s->final_job];
    const fv_score *score = &s->findings.score;
    char hash[65];
    fv_net_hash(job->net, hash);
    return json_pack("{ss ss sI sI sI sI sI sI so so so ss so so}", "model", job->model, "text", job->text, "seed",
                     (json_int_t)job->seed, "parameters", (json_int_t)job->n_weights, "multiply_adds",
                     (json_int_t)job->n_multiply_adds, "n_train", (json_int_t)job->n_train, "test_correct",
                     (json_int_t)score->correct, "test_total", (json_int_t)score->n, "test_loss", number(score->loss),
                     "test_macro_accuracy", number(s->findings.macro.accuracy), "test_macro_f1",
                     number(s->findings.macro.f1), "weights_sha256", hash, "time_s", number(job->time_s),
                     "images_per_s", number((double)job->n_train * job->n_epochs / job->time_s));
}

static json_t *mistakes_json(const fv_findings *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_mistakes; i++) {
        const fv_prediction *p = &f->predictions[f->mistakes[i]];
        fv_json_append(&list, json_pack("{sI si si so so so}", "index", (json_int_t)p->index, "true", p->truth,
                                        "predicted", p->predicted, "p_true", number(p->p_true), "p_predicted",
                                        number(p->p_predicted), "loss", number(p->loss)));
    }
    return list;
}

static json_t *kernels_json(const fv_net *net) {
    fv_shape response;
    fv_tensor_info info;
    if (fv_net_first_response(net, NULL, &response, NULL) != FV_OK) return NULL;
    fv_net_tensor(net, 0, &info);
    float *values = malloc(info.n * sizeof *values);
    if (!values) return NULL;
    fv_net_tensor_get(net, 0, values);
    json_t *o = json_pack("{ss s[iiii] so}", "layer", info.name, "shape", info.size[0], info.size[1], info.size[2],
                          info.size[3], "values", floats(values, info.n));
    free(values);
    return o;
}

static json_t *confusion_json(const fv_study *s) {
    json_t *rows = json_array();
    size_t k = (size_t)s->dataset->n_classes;
    for (size_t i = 0; i < k; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < k; j++) fv_json_append(&row, count(s->findings.confusion[i * k + j]));
        fv_json_append(&rows, row);
    }
    return rows;
}

static json_t *embedding_json(const fv_study *s) {
    const fv_findings *f = &s->findings;
    json_t *points = json_array();
    for (size_t i = 0; i < f->embedding.n; i++)
        fv_json_append(&points, json_pack("[ffiiI]", (double)f->embedding.xy[2 * i], (double)f->embedding.xy[2 * i + 1],
                                          f->shown[i].truth, f->shown[i].predicted, (json_int_t)f->shown[i].index));
    return json_pack("{so so so si so}", "perplexity", number(f->embedding.perplexity), "kl_divergence",
                     number(f->embedding.kl_divergence), "neighbour_agreement",
                     number(f->embedding.neighbour_agreement), "n_features",
                     fv_net_n_features(s->jobs[s->final_job].net), "points", points);
}

static json_t *neighbours_json(const fv_findings *f) {
    enum { NEAREST = 8 };
    json_t *list = json_array();
    for (int q = 0; q < f->n_queries; q++) {
        json_t *indices = json_array();
        size_t row = (size_t)f->queries[q] * NEAREST;
        for (size_t i = 0; i < NEAREST; i++) fv_json_append(&indices, count(f->shown[f->nearest[row + i]].index));
        fv_json_append(&list, json_pack("{sI so so}", "query", (json_int_t)f->shown[f->queries[q]].index, "distances",
                                        floats(f->nearest_distances + row, NEAREST), "indices", indices));
    }
    return list;
}

static void add_findings(const fv_study *s, json_t **root) {
    const fv_findings *f = &s->findings;
    unsigned parts = s->options->parts;
    json_t *kernels = parts & FV_PART_KERNELS ? kernels_json(s->jobs[s->final_job].net) : NULL;
    fv_json_put(root, "final", final_json(s));
    if (parts & FV_PART_MISTAKES) fv_json_put(root, "mistakes", mistakes_json(f));
    if (kernels) fv_json_put(root, "kernels", kernels);
    if (parts & FV_PART_CONFUSION) fv_json_put(root, "confusion", confusion_json(s));
    if (f->embedding.n) fv_json_put(root, "embedding", embedding_json(s));
    if (parts & FV_PART_NEIGHBOURS && f->nearest) fv_json_put(root, "neighbours", neighbours_json(f));
}

/* ---- the whole ---- */

static double part_time(const fv_study *s, unsigned part) {
    double sum = 0;
    for (int i = 0; i < s->n_jobs; i++) sum += s->jobs[i].parts & part ? s->jobs[i].time_s : 0;
    return sum;
}

static json_t *time_json(const fv_study *s) {
    json_t *o = json_pack("{so so}", "total", number(s->total_s), "training", number(s->training_wall_s));
    const fv_findings *f = &s->findings;
    const double own[] = {part_time(s, FV_PART_AUGMENTATION),
                          part_time(s, FV_PART_ARCHITECTURE),
                          part_time(s, FV_PART_SCALING),
                          f->mistakes_s,
                          0,
                          0,
                          f->embedding_s,
                          f->neighbours_s};
    for (int i = 0; fv_study_part_name(i); i++)
        if (s->options->parts >> i & 1) fv_json_put(&o, fv_study_part_name(i), number(own[i]));
    return o;
}

static double images_per_s(const fv_study *s) {
    double images = 0;
    for (int i = 0; i < s->n_jobs; i++)
        images += s->jobs[i].done ? (double)s->jobs[i].n_train * s->jobs[i].n_epochs : 0;
    return images / s->training_wall_s;
}

static void add_date(json_t **root) {
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) && strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc))
        fv_json_put(root, "date", json_string(date));
}

static json_t *run_history_json(const fv_job *job) {
    json_t *list = json_array();
    for (int i = 0; i < job->n_epochs; i++) {
        const fv_epoch *e = &job->history[i];
        fv_json_append(&list, json_pack("{si so so so so so}", "epoch", e->epoch, "train_loss", number(e->train_loss),
                                        "train_accuracy", number(e->train_accuracy), "validation_loss",
                                        number(e->validation_loss), "validation_accuracy",
                                        number(e->validation_accuracy), "time_s", number(e->time_s)));
    }
    return list;
}

fv_status fv_study_json(const fv_study *s, char **out) {
    json_t *root = json_object();
    unsigned parts = s->options->parts;
    fv_json_put(&root, "fovea", json_string(fv_version()));
    fv_json_put(&root, "kind", json_string(s->kind));
    fv_json_put(&root, "command", json_string(s->options->command ? s->options->command : ""));
    add_date(&root);
    if (s->interrupted) fv_json_put(&root, "interrupted", json_true());
    fv_json_put(&root, "dataset", dataset_json(s));
    fv_json_put(&root, "machine", machine_json(s));
    fv_json_put(&root, "config", config_json(s));
    fv_json_put(&root, "time_s", time_json(s));
    fv_json_put(&root, "images_per_s", number(images_per_s(s)));
    if (strcmp(s->kind, "run") == 0) fv_json_put(&root, "history", run_history_json(&s->jobs[s->final_job]));
    if (parts & FV_PART_AUGMENTATION) add_comparison(s, &root, FV_PART_AUGMENTATION, "augmentation");
    if (parts & FV_PART_ARCHITECTURE) add_comparison(s, &root, FV_PART_ARCHITECTURE, "architecture");
    if (parts & FV_PART_SCALING) add_scaling(s, &root);
    if (s->findings.done) add_findings(s, &root);
    *out = fv_json_text(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(root);
    return *out ? FV_OK : FV_E_MEMORY;
}
