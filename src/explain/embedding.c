/* t-SNE: nearest neighbours, their probabilities, then gradient descent.
 *
 * The descent is by heavy-ball momentum with a step for each point that its own attraction allows: the attraction's
 * curvature along any axis is at most twice the sum of the point's p. That takes larger steps than the gains of the
 * reference implementation, so that fewer are needed for the same divergence (docs/embedding.md has the measurements).
 * Sources: van der Maaten, Hinton 2008, "Visualizing data using t-SNE"; Polyak 1964, "Some methods of speeding up the
 * convergence of iteration methods"; Kobak, Berens 2019, "The art of using t-SNE for single-cell transcriptomics"
 * (start from principal components). */
#include "explain/embedding.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/math.h"
#include "base/memory.h"
#include "explain/openblas.h"
#include "fovea/explain.h"
#include "fovea/machine.h"
#include "kernels/kernels.h"

enum {
    N_AGREE = 10, /* neighbours of neighbour_agreement */
    CHUNK = 128   /* points whose attraction a thread takes at once; a multiple of 8 */
};

static const float first_spread = 1e-4F;
static const double least_z = 1e-30; /* of points so far apart that nothing repels */

/* The descent's stages, each until a share of the iterations. Clusters gather under exaggeration; then little momentum
 * lets them sort themselves while the map opens; then much momentum carries it to its size. */
static const struct stage {
    float until, exaggeration, momentum, step;
} stages[] = {{0.2F, 12, 0.9F, 1}, {0.5F, 1, 0.8F, 4}, {1, 1, 0.95F, 4}};

typedef struct descent {
    const fv_affinity *affinity;
    size_t n;
    float *xy, *velocity, *attraction, *repulsion; /* [n][2] */
    float *room; /* [n] 1 / sum of p, at most n: the step that a point's attraction allows */
    struct stage stage;
    float z;
    atomic_int next; /* chunk to be attracted */
} descent;

fv_embedding_options fv_embedding_defaults(void) {
    return (fv_embedding_options){.perplexity = 30, .iterations = 750};
}

void fv_embedding_deinit(fv_embedding *embedding) {
    free(embedding->xy);
    *embedding = (fv_embedding){0};
}

/* Rows differ in length, so threads take them as they come. */
static void attract_all(void *context, int thread, int n_threads) {
    descent *s = context;
    const fv_affinity *a = s->affinity;
    (void)thread;
    (void)n_threads;
    for (int begin; (begin = atomic_fetch_add(&s->next, 1) * CHUNK) < (int)s->n;) {
        const int end = begin + CHUNK < (int)s->n ? begin + CHUNK : (int)s->n;
        fv_kernels_chosen()->attract(begin, end, a->start, a->to, a->p, s->xy, s->attraction);
    }
}

static void update_all(void *context, int thread, int n_threads) {
    descent *s = context;
    const float e = s->stage.exaggeration, step = s->stage.step / e;
    int begin, end;
    fv_team_share((int)s->n, thread, n_threads, &begin, &end);
    for (int i = 2 * begin; i < 2 * end; i++) {
        const float gradient = e * s->attraction[i] - s->repulsion[i] / s->z;
        s->velocity[i] = s->stage.momentum * s->velocity[i] - step * s->room[i / 2] * gradient;
        s->xy[i] += s->velocity[i];
    }
}

static void find_room(descent *s) {
    const fv_affinity *a = s->affinity;
    for (size_t i = 0; i < s->n; i++) {
        double sum = 0;
        for (size_t e = a->start[i]; e < a->start[i + 1]; e++) sum += (double)a->p[e];
        s->room[i] = (float)fmin(1 / sum, (double)s->n);
    }
}

/* Where the descent starts: the first two principal components, the first with a deviation of `first_spread`. Points
 * on a line stay on one. */
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
    return FV_OK;
}

static struct stage stage_at(int iteration, int iterations) {
    size_t k = 0;
    while ((float)iteration >= stages[k].until * (float)iterations) k++;
    return stages[k];
}

static fv_status descend(descent *s, fv_repulsion *repulsion, fv_team *team, const fv_embedding_options *o) {
    find_room(s);
    for (int i = 0; i < o->iterations; i++) {
        if (o->cancelled && o->cancelled(o->context)) return FV_E_INTERRUPTED;
        double z;
        s->stage = stage_at(i, o->iterations);
        atomic_store(&s->next, 0);
        fv_team_run(team, attract_all, s);
        FV_TRY(fv_repulsion_at(repulsion, s->xy, s->repulsion, &z));
        s->z = (float)fmax(z, least_z);
        fv_team_run(team, update_all, s);
        if (o->on_progress) o->on_progress(o->context, i + 1, o->iterations);
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
    const double log_z = fv_log(fmax(z, least_z));
    for (size_t i = 0; i < a->n; i++)
        for (size_t e = a->start[i]; e < a->start[i + 1]; e++) {
            const double p = a->p[e], x = (double)xy[2 * i] - (double)xy[2 * (size_t)a->to[e]];
            const double y = (double)xy[2 * i + 1] - (double)xy[2 * (size_t)a->to[e] + 1];
            if (p > 0) sum += p * (fv_log(p * (1 + x * x + y * y)) + log_z);
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
    s->n = n;
    s->affinity = &e->affinity;
    out->xy = s->xy = fv_alloc(padded, 2 * sizeof *s->xy);
    s->velocity = fv_alloc(padded, 2 * sizeof *s->velocity);
    s->room = fv_alloc(padded, sizeof *s->room);
    s->attraction = fv_alloc(padded, 2 * sizeof *s->attraction);
    s->repulsion = fv_alloc(padded, 2 * sizeof *s->repulsion);
    if (!s->xy || !s->velocity || !s->room || !s->attraction || !s->repulsion) return FV_E_MEMORY;
    FV_TRY(fv_team_create(e->threads, &e->team));
    FV_TRY(find_affinity(e, out->perplexity));
    FV_TRY(place_first(e->x, n, e->d, s->xy));
    FV_TRY(fv_repulsion_create(n, FV_REPULSION_CHEAPER, e->team, &e->repulsion));
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
    free(e->descent.room);
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
    FV_TRY(fv_openblas_need(error));
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
    if (status == FV_E_DIVERGED)
        return fv_fail(error, status, "embedding: a feature is not a finite number, or too large");
    return fv_fail(error, status, "embedding: %s", fv_status_text(status));
}
