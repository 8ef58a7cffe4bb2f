/* Which trainings a study needs. */
#include <stdlib.h>
#include <string.h>

#include "study/study.h"

enum { SMALL_SIDE = 16, N_FRACTIONS = 5, N_ARCHITECTURES = 4 };

static const double fractions[N_FRACTIONS] = {1, 1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16};
static const char *const architectures[N_ARCHITECTURES] = {"convnet", "convnet-nodropout", "convnet-onedropout",
                                                           "convnet-bn"};

static bool same_training(const fv_job *a, const fv_job *b) {
    return a->seed == b->seed && a->fraction == b->fraction && strcmp(a->model, b->model) == 0 &&
           strcmp(a->augment, b->augment) == 0;
}

static fv_job *add_job(fv_study *s, unsigned part, const char *model, const char *augment, double fraction,
                       uint64_t seed) {
    fv_job job = {.parts = part, .model = model, .augment = augment, .fraction = fraction, .seed = seed};
    for (int i = 0; i < s->n_jobs; i++) {
        if (!same_training(&s->jobs[i], &job)) continue;
        s->jobs[i].parts |= part;
        return &s->jobs[i];
    }
    s->jobs[s->n_jobs] = job;
    return &s->jobs[s->n_jobs++];
}

static fv_status estimate_cost(const fv_study *s, fv_job *job) {
    fv_net *net;
    const fv_images *images = &s->dataset->train;
    FV_TRY(fv_net_create(job->model, images->shape, s->dataset->n_classes, s->pad, 1, &net, s->error));
    double n = job->fraction > 0 ? job->fraction * (double)images->n : (double)s->training.n;
    double per_image = (double)fv_net_n_multiply_adds(net) * 3;
    if (strcmp(job->augment, "none") != 0) per_image += 500.0 * images->shape.h * images->shape.w;
    job->cost = n * per_image;
    fv_net_destroy(net);
    return FV_OK;
}

/* Jobs from `first` on, the longest first. There are few: insertion. */
static fv_status order_by_cost(fv_study *s, int first) {
    for (int i = first; i < s->n_jobs; i++) {
        FV_TRY(estimate_cost(s, &s->jobs[i]));
        int at = i;
        for (; at > first && s->jobs[s->order[at - 1]].cost < s->jobs[i].cost; at--) s->order[at] = s->order[at - 1];
        s->order[at] = i;
    }
    return FV_OK;
}

static double mean_validation(const fv_study *s, const char *model) {
    double sum = 0;
    int n = 0;
    for (int i = 0; i < s->n_jobs; i++) {
        const fv_job *job = &s->jobs[i];
        if (!(job->parts & FV_PART_ARCHITECTURE) || strcmp(job->model, model) != 0) continue;
        sum += (double)job->validation_score.correct;
        n++;
    }
    return n ? sum / n : -1;
}

const char *fv_study_best(const fv_study *s) {
    const char *best = architectures[0];
    for (int i = 1; i < N_ARCHITECTURES; i++)
        if (mean_validation(s, architectures[i]) > mean_validation(s, best)) best = architectures[i];
    return best;
}

fv_status fv_study_prepare(fv_study *s) {
    fv_shape shape = s->dataset->train.shape;
    s->pad = shape.h < SMALL_SIDE || shape.w < SMALL_SIDE;
    s->final_job = -1;
    if (s->options->parts & FV_PART_AUGMENTATION) /* else they need not suit the images */
        FV_TRY(fv_augment_list(s->options->augmentations, shape, &s->schemes, &s->n_schemes, s->error));
    const size_t most_jobs = (size_t)s->options->n_seeds * (size_t)(s->n_schemes + N_ARCHITECTURES + N_FRACTIONS) + 1;
    s->jobs = calloc(most_jobs, sizeof *s->jobs);
    s->order = calloc(most_jobs, sizeof *s->order);
    if (!s->jobs || !s->order) return FV_E_MEMORY;
    return fv_dataset_split(s->dataset, s->options->validation, s->options->split_seed, &s->training, &s->validation);
}

fv_status fv_study_plan_comparisons(fv_study *s) {
    int first = s->n_jobs;
    unsigned parts = s->options->parts;
    for (int k = 0; k < s->options->n_seeds; k++) {
        uint64_t seed = s->options->seed + (uint64_t)k;
        for (int i = 0; i < s->n_schemes && parts & FV_PART_AUGMENTATION; i++)
            add_job(s, FV_PART_AUGMENTATION, architectures[0], s->schemes[i], 0, seed);
        for (int i = 0; i < N_ARCHITECTURES && parts & FV_PART_ARCHITECTURE; i++)
            add_job(s, FV_PART_ARCHITECTURE, architectures[i], "none", 0, seed);
    }
    return order_by_cost(s, first);
}

fv_status fv_study_plan_explained(fv_study *s) {
    int first = s->n_jobs;
    unsigned explaining =
        FV_PART_MISTAKES | FV_PART_KERNELS | FV_PART_CONFUSION | FV_PART_EMBEDDING | FV_PART_NEIGHBOURS;
    for (int k = 0; k < s->options->n_seeds && s->options->parts & FV_PART_SCALING; k++)
        for (int i = 0; i < N_FRACTIONS; i++)
            add_job(s, FV_PART_SCALING, s->explain_model, "none", fractions[i], s->options->seed + (uint64_t)k);
    if (s->options->parts & explaining)
        s->final_job = (int)(add_job(s, 0, s->explain_model, "none", 1, s->options->seed) - s->jobs);
    return order_by_cost(s, first);
}
