/* t-SNE: nearest neighbours, their probabilities, then gradient descent with momentum and gains.
 * Source: van der Maaten, Hinton 2008; gains and stages as its reference implementation and scikit-learn have them;
 * Kobak, Berens 2019, "The art of using t-SNE for single-cell transcriptomics" (initialisation, learning rate);
 * Belkina et al. 2019, "Automated optimized parameters for t-SNE" (n / 12). */
#include "explain/embedding.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/math.h"
#include "base/memory.h"
#include "base/philox.h"
#include "fovea/explain.h"
#include "fovea/machine.h"
#include "kernels/kernels.h"

enum {
    N_EXACT = 1000,   /* below, all pairs repel each other at less cost than through a field */
    N_AGREE = 10,     /* neighbours of neighbour_agreement */
    EARLY_STEPS = 250 /* with exaggeration */
};

static const float exaggeration = 12, first_spread = 1e-4F;

typedef struct descent {
    const fv_affinity *affinity;
    size_t n;
    float *xy, *velocity, *gain; /* [n][2] */
    float *attraction, *repulsion;
    float exaggeration, momentum, learning_rate, z;
} descent;

fv_embedding_options fv_embedding_defaults(void) {
    return (fv_embedding_options){.perplexity = 30, .iterations = 750};
}

void fv_embedding_deinit(fv_embedding *embedding) {
    free(embedding->xy);
    *embedding = (fv_embedding){0};
}

static void attract_all(void *context, int thread, int n_threads) {
    descent *s = context;
    const fv_affinity *a = s->affinity;
    int begin, end;
    fv_team_share((int)((s->n + 7) / 8), thread, n_threads, &begin, &end);
    end = end * 8 < (int)s->n ? end * 8 : (int)s->n;
    fv_kernels_chosen()->attract(begin * 8, end, a->start, a->to, a->p, s->xy, s->attraction);
}

/* xy += velocity; velocity = momentum * velocity - learning_rate * gain * gradient. */
static void update_all(void *context, int thread, int n_threads) {
    descent *s = context;
    int begin, end;
    fv_team_share((int)s->n * 2, thread, n_threads, &begin, &end);
    for (int i = begin; i < end; i++) {
        float gradient = s->exaggeration * s->attraction[i] - s->repulsion[i] / s->z;
        float gain = s->velocity[i] * gradient < 0 ? s->gain[i] + 0.2F : s->gain[i] * 0.8F;
        s->gain[i] = gain < 0.01F ? 0.01F : gain;
        s->velocity[i] = s->momentum * s->velocity[i] - s->learning_rate * s->gain[i] * gradient;
        s->xy[i] += s->velocity[i];
    }
}

/* Where the descent starts: the first two principal components, the first with a deviation of `first_spread`. */
static fv_status place_first(const float *x, size_t n, int d, float *xy) {
    const int k = d > 1 ? 2 : 1;
    FV_TRY(fv_principal_components(x, n, d, k, xy, NULL));
    for (size_t i = n; k == 1 && i-- > 0;) {
        xy[2 * i] = xy[i];
        xy[2 * i + 1] = 0;
    }
    double squares[2] = {0, 0};
    for (size_t i = 0; i < 2 * n; i++) squares[i % 2] += (double)xy[i] * (double)xy[i];
    if (squares[0] == 0) return FV_OK; /* all points are one */
    const double scale = (double)first_spread / sqrt(squares[0] / (double)n);
    for (size_t i = 0; i < 2 * n; i++) xy[i] = (float)(xy[i] * scale);
    /* Points on a line stay on it unless something pushes them off. */
    for (size_t i = 0; squares[1] < 1e-12 * squares[0] && i < n; i++) {
        fv_words4 words = fv_philox(0, FV_RANDOM_EMBED, (uint32_t)i, 0, 0, 0);
        xy[2 * i + 1] = (fv_unit(words.word[0]) - 0.5F) * first_spread;
    }
    return FV_OK;
}

static fv_status descend(descent *s, fv_repulsion *repulsion, fv_team *team, const fv_embedding_options *o) {
    const float n = (float)s->n;
    for (size_t i = 0; i < 2 * s->n; i++) s->gain[i] = 1;
    for (int step = 0; step < o->iterations; step++) {
        if (o->cancelled && o->cancelled(o->context)) return FV_E_INTERRUPTED;
        const bool early = step < EARLY_STEPS;
        double z;
        s->exaggeration = early ? exaggeration : 1;
        s->momentum = early ? 0.5F : 0.8F;
        s->learning_rate = fmaxf(n / exaggeration, 200);
        fv_team_run(team, attract_all, s);
        FV_TRY(fv_repulsion_at(repulsion, s->xy, s->repulsion, &z));
        s->z = (float)fmax(z, (double)FLT_MIN);
        fv_team_run(team, update_all, s);
        if (o->on_progress) o->on_progress(o->context, step + 1, o->iterations);
    }
    return FV_OK;
}

/* sum of p_ij log(p_ij / (q_ij / Z)), Z over all pairs. */
static fv_status divergence(const fv_affinity *a, const float *xy, float *force, fv_team *team, double *out) {
    fv_repulsion *exact;
    double z, sum = 0;
    FV_TRY(fv_repulsion_create(a->n, FV_REPULSION_EXACT, team, &exact));
    fv_status status = fv_repulsion_at(exact, xy, force, &z);
    fv_repulsion_destroy(exact);
    FV_TRY(status);
    const double log_z = fv_log(z);
    for (size_t i = 0; i < a->n; i++)
        for (size_t e = a->start[i]; e < a->start[i + 1]; e++) {
            const double p = a->p[e], x = (double)xy[2 * i] - (double)xy[2 * (size_t)a->to[e]];
            const double y = (double)xy[2 * i + 1] - (double)xy[2 * (size_t)a->to[e] + 1];
            if (p > 0) sum += p * (fv_log(p) + fv_log(1 + x * x + y * y) + log_z);
        }
    *out = sum;
    return FV_OK;
}

/* Mean share of the k nearest in x (of which there are `stride` in a row of `neighbours`) among the k nearest in xy. */
static fv_status agreement(const uint32_t *neighbours, int stride, const float *xy, size_t n, int threads,
                           double *out) {
    const int k = (size_t)N_AGREE < n - 1 ? N_AGREE : (int)(n - 1);
    uint32_t *near = fv_alloc(n, (size_t)k * sizeof *near);
    if (!near) return FV_E_MEMORY;
    fv_status status = fv_nearest(xy, n, xy, n, 2, k, true, threads, near, NULL);
    size_t kept = 0;
    for (size_t i = 0; status == FV_OK && i < n; i++)
        for (int a = 0; a < k; a++)
            for (int b = 0; b < k; b++)
                kept += neighbours[i * (size_t)stride + (size_t)a] == near[i * (size_t)k + (size_t)b];
    free(near);
    *out = (double)kept / (double)n / k;
    return status;
}

/* The points move about the origin: the mean goes there. */
static void centre(float *xy, size_t n) {
    double mean[2] = {0, 0};
    for (size_t i = 0; i < 2 * n; i++) mean[i % 2] += (double)xy[i] / (double)n;
    for (size_t i = 0; i < 2 * n; i++) xy[i] = (float)((double)xy[i] - mean[i % 2]);
}

typedef struct embedder {
    const float *x;
    size_t n;
    int d, k, k_used, threads; /* k neighbours are searched, k_used make P */
    fv_team *team;
    uint32_t *neighbours;
    float *distances;
    fv_affinity affinity;
    fv_repulsion *repulsion;
    descent descent;
} embedder;

static fv_status find_affinity(embedder *e, double perplexity) {
    const size_t k = (size_t)e->k;
    e->neighbours = fv_alloc(e->n, k * sizeof *e->neighbours);
    e->distances = fv_alloc(e->n, k * sizeof *e->distances);
    if (!e->neighbours || !e->distances) return FV_E_MEMORY;
    FV_TRY(fv_nearest(e->x, e->n, e->x, e->n, e->d, e->k, true, e->threads, e->neighbours, e->distances));
    return fv_affinity_create(e->neighbours, e->distances, e->n, e->k, e->k_used, perplexity, e->team, &e->affinity);
}

static fv_status embed(embedder *e, const fv_embedding_options *o, fv_embedding *out) {
    const size_t n = e->n, padded = (n + 15) / 16 * 16;
    descent *s = &e->descent;
    *s = (descent){.n = n, .affinity = &e->affinity};
    out->xy = s->xy = fv_alloc(padded, 2 * sizeof *s->xy);
    s->velocity = fv_alloc(padded, 2 * sizeof *s->velocity);
    s->gain = fv_alloc(padded, 2 * sizeof *s->gain);
    s->attraction = fv_alloc(padded, 2 * sizeof *s->attraction);
    s->repulsion = fv_alloc(padded, 2 * sizeof *s->repulsion);
    if (!s->xy || !s->velocity || !s->gain || !s->attraction || !s->repulsion) return FV_E_MEMORY;
    FV_TRY(fv_team_create(e->threads, &e->team));
    FV_TRY(find_affinity(e, out->perplexity));
    FV_TRY(place_first(e->x, n, e->d, s->xy));
    FV_TRY(fv_repulsion_create(n, n < N_EXACT ? FV_REPULSION_EXACT : FV_REPULSION_FIELD, e->team, &e->repulsion));
    FV_TRY(descend(s, e->repulsion, e->team, o));
    centre(s->xy, n);
    FV_TRY(divergence(&e->affinity, s->xy, s->repulsion, e->team, &out->kl_divergence));
    return agreement(e->neighbours, e->k, s->xy, n, e->threads, &out->neighbour_agreement);
}

static void embedder_deinit(embedder *e) {
    free(e->neighbours);
    free(e->distances);
    fv_affinity_deinit(&e->affinity);
    fv_repulsion_destroy(e->repulsion);
    fv_team_destroy(e->team);
    free(e->descent.velocity);
    free(e->descent.gain);
    free(e->descent.attraction);
    free(e->descent.repulsion);
}

fv_status fv_embed(const float *x, size_t n, int d, const fv_embedding_options *options, fv_embedding *out,
                   fv_error *error) {
    if (n < 2) return fv_fail(error, FV_E_ARGUMENT, "embedding: %zu points; at least 2 are needed", n);
    if (!(options->perplexity >= 1))
        return fv_fail(error, FV_E_ARGUMENT, "embedding: perplexity %g; it must be at least 1", options->perplexity);
    if (options->iterations < 1)
        return fv_fail(error, FV_E_ARGUMENT, "embedding: %d iterations; at least 1 is needed", options->iterations);
    const double perplexity = fmax(1, fmin(options->perplexity, (double)(n - 1) / 3));
    const double k_used = fmin((double)(n - 1), floor(3 * perplexity + 1)),
                 k_agree = n - 1 < N_AGREE ? (double)(n - 1) : N_AGREE;
    embedder e = {.x = x,
                  .n = n,
                  .d = d,
                  .k_used = (int)k_used,
                  .k = (int)fmax(k_used, k_agree),
                  .threads = options->threads > 0 ? options->threads : fv_processors()};
    fv_embedding made = {.n = n, .perplexity = perplexity};
    fv_status status = embed(&e, options, &made);
    embedder_deinit(&e);
    if (status == FV_OK) {
        *out = made;
        return FV_OK;
    }
    fv_embedding_deinit(&made);
    if (status == FV_E_ARGUMENT)
        return fv_fail(error, status, "embedding: a feature is not a finite number, or too large");
    return fv_fail(error, status, "embedding: %s", fv_status_text(status));
}
