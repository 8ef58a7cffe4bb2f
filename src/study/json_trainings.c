/* What the trainings of a study came to: questions 1 to 3 in study.json. */
#include <string.h>

#include "fovea/statistics.h"
#include "study/study_json.h"

/* ---- questions 1 and 2 ---- */

static json_t *history_json(const fv_job *job) {
    json_t *list = json_array();
    for (int i = 0; i < job->n_epochs; i++) {
        const fv_epoch *e = &job->history[i];
        const fv_score *t = &job->train_score[i];
        json_t *row = json_pack("{si so so so so so}", "epoch", e->epoch, "train_loss", fv_json_number(t->loss),
                                "train_accuracy", fv_json_number((double)t->correct / (double)t->n), "validation_loss",
                                fv_json_number(e->validation_loss), "validation_accuracy",
                                fv_json_number(e->validation_accuracy), "time_s", fv_json_number(e->time_s));
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
    bool parsed = fv_augment_create(job->augment, s->dataset->train.shape, &augment, NULL) == FV_OK;
    fv_json_put(&o, "augment", json_string(parsed ? fv_augment_text(augment) : NULL));
    fv_augment_destroy(augment);
    fv_json_put(&o, "seed", json_integer((json_int_t)job->seed));
    fv_json_put(&o, "parameters", fv_json_count(job->n_weights));
    fv_json_put(&o, "multiply_adds", fv_json_count(job->n_multiply_adds));
    fv_json_put(&o, "train_loss", fv_json_number(t->loss));
    fv_json_put(&o, "train_correct", fv_json_count(t->correct));
    fv_json_put(&o, "train_total", fv_json_count(t->n));
    fv_json_put(&o, "validation_loss", fv_json_number(v->loss));
    fv_json_put(&o, "validation_correct", fv_json_count(v->correct));
    fv_json_put(&o, "validation_total", fv_json_count(v->n));
    if (v->n) fv_json_put(&o, "validation_macro_accuracy", fv_json_number(job->macro.accuracy));
    if (v->n) fv_json_put(&o, "validation_macro_f1", fv_json_number(job->macro.f1));
    fv_json_put(&o, "time_s", fv_json_number(job->time_s));
    fv_json_put(&o, "images_per_s", fv_json_number((double)job->n_train * job->n_epochs / job->time_s));
    fv_json_put(&o, "history", history_json(job));
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

/* Validation accuracy a - b over the seeds that both have; nothing where they share fewer than two. */
static void append_difference(json_t **list, const fv_study *s, unsigned part, const fv_job *a, const fv_job *b) {
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
    if (n < 2) return;
    fv_interval interval = fv_paired_interval(x, y, n);
    fv_json_append(list, json_pack("{ss ss sI so so so}", "a", name_of(a, part), "b", name_of(b, part), "n_seeds",
                                   (json_int_t)n, "mean", fv_json_number(fv_mean(x, n) - fv_mean(y, n)), "low",
                                   fv_json_number(interval.low), "high", fv_json_number(interval.high)));
}

void fv_json_put_comparison(json_t **root, const fv_study *s, unsigned part) {
    const char *name = part == FV_PART_ARCHITECTURE ? "architecture" : "augmentation";
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
            if (b->seed == s->options->seed) append_difference(&differences, s, part, a, b);
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
                     "n_train", (json_int_t)job->n_train, "train_loss", fv_json_number(train->loss), "train_correct",
                     (json_int_t)train->correct, "train_total", (json_int_t)train->n, "test_loss",
                     fv_json_number(test->loss), "test_correct", (json_int_t)test->correct, "test_total",
                     (json_int_t)test->n, "test_macro_accuracy", fv_json_number(job->macro.accuracy), "test_macro_f1",
                     fv_json_number(job->macro.f1), "time_s", fv_json_number(job->time_s));
}

static json_t *fit_point(const fv_power_law *fit, double n, int prediction) {
    double low, high, error = fv_power_law_at(fit, n, prediction, &low, &high);
    return json_pack("{so so so so}", "n_train", fv_json_number(n), "error", fv_json_number(error), "low",
                     fv_json_number(low), "high", fv_json_number(high));
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

static json_t *fit_json(const double *n, const double *error, int m) {
    enum { BAND_POINTS = 25 };
    fv_power_law fit = fv_fit_power_law(n, error, m);
    json_t *points = json_array(), *forecast = json_array();
    for (int i = 0; i < BAND_POINTS; i++)
        fv_json_append(&points, fit_point(&fit, n[0] * pow(4 * n[m - 1] / n[0], i / (BAND_POINTS - 1.0)), 0));
    for (int factor = 2; factor <= 4; factor *= 2) fv_json_append(&forecast, fit_point(&fit, factor * n[m - 1], 1));
    return json_pack("{so so so so so so}", "coefficient", fv_json_number(fit.coefficient), "exponent",
                     fv_json_number(fit.exponent), "exponent_low", fv_json_number(fit.exponent_low), "exponent_high",
                     fv_json_number(fit.exponent_high), "points", points, "forecast", forecast);
}

void fv_json_put_scaling(json_t **root, const fv_study *s) {
    json_t *rows = json_array();
    double n[8], error[8];
    int m = mean_errors(s, n, error);
    for (int i = 0; i < s->n_jobs; i++)
        if (s->jobs[i].parts & FV_PART_SCALING && s->jobs[i].done) fv_json_append(&rows, scaling_row(&s->jobs[i]));
    fv_json_put(root, "scaling", rows);
    if (m >= 2) fv_json_put(root, "scaling_fit", fit_json(n, error, m));
}

json_t *fv_json_run_history(const fv_job *job) {
    json_t *list = json_array();
    for (int i = 0; i < job->n_epochs; i++) {
        const fv_epoch *e = &job->history[i];
        fv_json_append(&list,
                       json_pack("{si so so so so so}", "epoch", e->epoch, "train_loss", fv_json_number(e->train_loss),
                                 "train_accuracy", fv_json_number(e->train_accuracy), "validation_loss",
                                 fv_json_number(e->validation_loss), "validation_accuracy",
                                 fv_json_number(e->validation_accuracy), "time_s", fv_json_number(e->time_s)));
    }
    return list;
}
