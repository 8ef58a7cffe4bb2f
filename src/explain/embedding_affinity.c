/* From distances to probabilities: the P of t-SNE. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "explain/embedding.h"

enum { PAD = 16 };

typedef struct neighbour {
    uint32_t index;
    float p;
} neighbour;

/* What the phases share. */
typedef struct job {
    size_t n, stride, k;
    double target; /* log(perplexity) */
    const uint32_t *neighbours;
    const float *distances;
    neighbour *rows;        /* [n][k] p(index | row) */
    neighbour *sources;     /* [source_start[i] .. source_start[i + 1]): p(i | index) */
    uint32_t *source_start; /* [n + 1] */
    double *scratch;        /* [threads][2][k] */
    fv_affinity *out;
} job;

/* p = exp(-beta d) / sum, d [k] squared distances less the least. Returns the entropy; *slope = its derivative by
 * log(beta). */
static double entropy_at(double beta, const double *d, size_t k, double *p, double *slope) {
    double sum = 0, first = 0, second = 0;
    for (size_t j = 0; j < k; j++) {
        p[j] = fv_exp(-beta * d[j]);
        sum += p[j];
        first += p[j] * d[j];
        second += p[j] * d[j] * d[j];
    }
    first /= sum;
    second /= sum;
    for (size_t j = 0; j < k; j++) p[j] /= sum;
    *slope = -beta * beta * (second - first * first);
    return fv_log(sum) + beta * first;
}

/* Newton's steps in log(beta), kept inside the bracket by halving it. Where more neighbours than the perplexity lie at
 * the least distance no width does; beta then grows until only they count. */
static void calibrate(double target, const double *d, size_t k, double *p) {
    double mean = 0, low = 0, high = INFINITY;
    for (size_t j = 0; j < k; j++) mean += d[j] / (double)k;
    double beta = mean > 0 ? 1 / mean : 1;
    for (int step = 0; step < 100; step++) {
        double slope, off = entropy_at(beta, d, k, p, &slope) - target;
        if (fabs(off) < 1e-7 || mean == 0) return;
        if (off > 0)
            low = beta;
        else
            high = beta;
        double next = slope < 0 ? beta * fv_exp(fmin(2, fmax(-2, -off / slope))) : beta;
        if (!(next > low && next < high)) next = isinf(high) ? 2 * beta : (low + high) / 2;
        if (next == beta || isinf(next)) return;
        beta = next;
    }
}

static int by_index(const void *a, const void *b) {
    const neighbour *p = a, *q = b;
    return p->index < q->index ? -1 : p->index > q->index;
}

/* Probabilities of the neighbours of rows begin .. end, by ascending index. */
static void fill_rows(void *context, int thread, int n_threads) {
    job *j = context;
    const size_t k = j->k;
    double *d = j->scratch + 2 * k * (size_t)thread, *p = d + k;
    int begin, end;
    fv_team_share((int)j->n, thread, n_threads, &begin, &end);
    for (size_t i = (size_t)begin; i < (size_t)end; i++) {
        const float *distance = j->distances + i * j->stride;
        const double least = (double)distance[0] * (double)distance[0];
        for (size_t e = 0; e < k; e++) d[e] = (double)distance[e] * (double)distance[e] - least;
        calibrate(j->target, d, k, p);
        for (size_t e = 0; e < k; e++) j->rows[i * k + e] = (neighbour){j->neighbours[i * j->stride + e], (float)p[e]};
        qsort(j->rows + i * k, k, sizeof *j->rows, by_index);
    }
}

/* For every point, who has it among its neighbours, by ascending index. */
static void list_sources(job *j) {
    uint32_t *start = j->source_start;
    const size_t n_edges = j->n * j->k;
    for (size_t e = 0; e < n_edges; e++) start[j->rows[e].index + 1]++;
    for (size_t i = 0; i < j->n; i++) start[i + 1] += start[i];
    for (size_t e = 0; e < n_edges; e++)
        j->sources[start[j->rows[e].index]++] = (neighbour){(uint32_t)(e / j->k), j->rows[e].p};
    memmove(start + 1, start, j->n * sizeof *start); /* each had moved to where the next begins */
    start[0] = 0;
}

/* p(i, .) = (p(. | i) + p(i | .)) / 2n: merges the two lists; to, p NULL: only counts. */
static size_t merge_row(const job *j, size_t i, uint32_t *to, float *p) {
    const neighbour *a = j->rows + i * j->k, *a_end = a + j->k;
    const neighbour *b = j->sources + j->source_start[i], *b_end = j->sources + j->source_start[i + 1];
    const double share = 1 / (2 * (double)j->n);
    size_t n = 0;
    for (; a < a_end || b < b_end; n++) {
        const bool from_a = a < a_end && (b == b_end || a->index <= b->index);
        const bool from_b = b < b_end && (a == a_end || b->index <= a->index);
        if (to) {
            to[n] = from_a ? a->index : b->index;
            p[n] = (float)(((from_a ? (double)a->p : 0) + (from_b ? (double)b->p : 0)) * share);
        }
        a += from_a;
        b += from_b;
    }
    return n;
}

static void merge_rows(void *context, int thread, int n_threads) {
    job *j = context;
    fv_affinity *out = j->out;
    int begin, end;
    fv_team_share((int)j->n, thread, n_threads, &begin, &end);
    for (size_t i = (size_t)begin; i < (size_t)end; i++) {
        if (!out->to) {
            out->start[i + 1] = (uint32_t)((merge_row(j, i, NULL, NULL) + PAD - 1) / PAD * PAD);
            continue;
        }
        uint32_t *to = out->to + out->start[i];
        size_t e = merge_row(j, i, to, out->p + out->start[i]);
        for (; e < out->start[i + 1] - out->start[i]; e++) to[e] = (uint32_t)i;
    }
}

static fv_status run(job *j, fv_team *team) {
    fv_affinity *out = j->out;
    size_t n_edges = j->n * j->k;
    out->start = fv_alloc(j->n + 1, sizeof *out->start);
    j->rows = fv_alloc(n_edges, sizeof *j->rows);
    j->sources = fv_alloc(n_edges, sizeof *j->sources);
    j->source_start = fv_alloc(j->n + 1, sizeof *j->source_start);
    j->scratch = fv_alloc(2 * j->k * (size_t)fv_team_size(team), sizeof *j->scratch);
    if (!out->start || !j->rows || !j->sources || !j->source_start || !j->scratch) return FV_E_MEMORY;
    fv_team_run(team, fill_rows, j);
    list_sources(j);
    fv_team_run(team, merge_rows, j);
    for (size_t i = 0; i < j->n; i++) out->start[i + 1] += out->start[i];
    out->p = fv_alloc(out->start[j->n], sizeof *out->p);
    out->to = fv_alloc(out->start[j->n], sizeof *out->to);
    if (!out->p || !out->to) return FV_E_MEMORY;
    fv_team_run(team, merge_rows, j);
    return FV_OK;
}

fv_status fv_affinity_create(const uint32_t *neighbours, const float *distances, size_t n, int stride, int k,
                             double perplexity, fv_team *team, fv_affinity *out) {
    /* Twice the edges and the padding must fit `start`. */
    if (n > INT32_MAX || n * (2 * (size_t)k + PAD) > UINT32_MAX) return FV_E_MEMORY;
    fv_affinity made = {.n = n};
    job j = {.n = n,
             .stride = (size_t)stride,
             .k = (size_t)k,
             .target = log(perplexity),
             .neighbours = neighbours,
             .distances = distances,
             .out = &made};
    fv_status status = run(&j, team);
    free(j.rows);
    free(j.sources);
    free(j.source_start);
    free(j.scratch);
    if (status == FV_OK)
        *out = made;
    else
        fv_affinity_deinit(&made);
    return status;
}

void fv_affinity_deinit(fv_affinity *affinity) {
    free(affinity->start);
    free(affinity->to);
    free(affinity->p);
    *affinity = (fv_affinity){0};
}
