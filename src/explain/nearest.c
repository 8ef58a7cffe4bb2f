/* Exact nearest neighbours.
 *
 * A block of queries meets a block of points in one matrix product: |x|^2 - 2 q.x is the squared distance but for
 * |q|^2 and a rounding error of at most `slack`. What could still be among the k nearest goes to the query's list; a
 * full list is cut back; what is left at the end is measured in double precision. So the result does not depend on how
 * the product was summed, and equal distances are ordered by index. */
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"
#include "explain/blas.h"
#include "fovea/explain.h"
#include "fovea/machine.h"

enum {
    QUERIES = 128, /* rows of a product */
    POINTS = 1024, /* columns of a product: 512 KiB, half of a core's second cache */
    STRETCH = 16   /* columns looked at together */
};

typedef struct candidate {
    float product; /* squared distance less |q|^2, wrong by at most `slack` */
    uint32_t index;
} candidate;

typedef struct measured {
    double distance; /* squared */
    uint32_t index;
} measured;

/* What may still be among the nearest of one query. */
typedef struct list {
    candidate *at; /* [capacity] */
    size_t n;
    float limit, slack; /* products above `limit` are too far */
} list;

typedef struct search {
    const float *x, *q; /* as given: [n][d], [nq][d] */
    float *xc, *qc;     /* less the mean of x: smaller norms, smaller slack; qc is xc where q is x */
    float *x_norm;      /* [n] |xc|^2 */
    double *q_norm;     /* [nq] |qc|^2 */
    double x_norm_max;
    size_t n, nq, capacity;
    int d, k;
    bool exclude_self;
    uint32_t *indices;
    float *distances;
    float *products;    /* [threads][QUERIES][POINTS] */
    candidate *lists;   /* [threads][QUERIES][capacity] */
    measured *measured; /* [threads][capacity] */
    atomic_size_t next; /* block of queries */
} search;

/* Four sums in a fixed order, which any machine's registers can hold two by two. */
static double squared_distance(const float *a, const float *b, int d) {
    double s[4] = {0, 0, 0, 0};
    int i = 0;
    for (; i + 4 <= d; i += 4)
        for (int l = 0; l < 4; l++) {
            double off = (double)a[i + l] - (double)b[i + l];
            s[l] += off * off;
        }
    for (; i < d; i++) {
        double off = (double)a[i] - (double)b[i];
        s[0] += off * off;
    }
    return (s[0] + s[2]) + (s[1] + s[3]);
}

static bool nearer(measured a, measured b) {
    return a.distance < b.distance || (a.distance == b.distance && a.index < b.index);
}

/* Puts the k-th smallest product at at[k - 1], smaller ones before it. Source: Hoare 1961, "Find". */
static float select_product(candidate *at, size_t n, int k) {
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1, want = k - 1;
    while (low < high) {
        const float pivot = at[want].product;
        ptrdiff_t i = low, j = high;
        do {
            while (at[i].product < pivot) i++;
            while (pivot < at[j].product) j--;
            if (i <= j) {
                candidate t = at[i];
                at[i++] = at[j];
                at[j--] = t;
            }
        } while (i <= j);
        if (j < want) low = i;
        if (want < i) high = j;
    }
    return at[want].product;
}

/* Measures the whole list; out [kept->n], nearest first (by insertion: the list is short). */
static void measure(const search *s, const list *kept, size_t query, measured *out) {
    const size_t d = (size_t)s->d;
    for (size_t c = 0; c < kept->n; c++) {
        const uint32_t index = kept->at[c].index;
        const measured new = {squared_distance(s->q + query * d, s->x + index * d, s->d), index};
        size_t at = c;
        for (; at > 0 && nearer(new, out[at - 1]); at--) out[at] = out[at - 1];
        out[at] = new;
    }
}

/* Drops what the others in the list prove too far. */
static void cut(const search *s, list *kept, size_t query, measured *scratch) {
    const float reach = select_product(kept->at, kept->n, s->k) + 2 * kept->slack;
    size_t n = 0;
    for (size_t c = 0; c < kept->n; c++)
        if (kept->at[c].product <= reach) kept->at[n++] = kept->at[c];
    kept->n = n;
    kept->limit = reach;
    if (n <= s->capacity / 2) return;
    /* So many at nearly the same distance: only measuring tells them apart. */
    measure(s, kept, query, scratch);
    kept->n = (size_t)s->k;
    for (size_t c = 0; c < kept->n; c++)
        kept->at[c] = (candidate){(float)(scratch[c].distance - s->q_norm[query]), scratch[c].index};
    const double furthest = scratch[s->k - 1].distance;
    /* Points come in the order of their index: none behind can beat k duplicates of the query. */
    kept->limit = furthest > 0 ? fminf(reach, (float)(furthest - s->q_norm[query]) + 2 * kept->slack) : -INFINITY;
}

static bool any_within(const float *product, const float *norm, float limit) {
    int any = 0;
    for (int l = 0; l < STRETCH; l++) any |= product[l] + norm[l] <= limit;
    return any;
}

/* Adds to one query's list what a row of products, points first .. first + n, lets through. */
static void look_through(const search *s, list *kept, size_t query, const float *products, size_t first, size_t n,
                         measured *scratch) {
    const float *norm = s->x_norm + first;
    for (size_t from = 0; from < n; from += STRETCH) {
        if (from + STRETCH <= n && !any_within(products + from, norm + from, kept->limit)) continue;
        for (size_t c = from; c < n && c < from + STRETCH; c++) {
            const float product = products[c] + norm[c];
            if (!(product <= kept->limit) || (s->exclude_self && first + c == query)) continue;
            kept->at[kept->n++] = (candidate){product, (uint32_t)(first + c)};
            if (kept->n == s->capacity) cut(s, kept, query, scratch);
        }
    }
}

static void finish(const search *s, list *kept, size_t query, measured *scratch) {
    const size_t k = (size_t)s->k;
    cut(s, kept, query, scratch);
    measure(s, kept, query, scratch);
    for (size_t c = 0; c < k; c++) {
        s->indices[query * k + c] = scratch[c].index;
        if (s->distances) s->distances[query * k + c] = (float)sqrt(scratch[c].distance);
    }
}

static void search_block(search *s, size_t first_query, int thread) {
    list lists[QUERIES];
    const size_t d = (size_t)s->d, t = (size_t)thread;
    const size_t n_queries = s->nq - first_query < QUERIES ? s->nq - first_query : QUERIES;
    float *products = s->products + t * QUERIES * POINTS;
    measured *scratch = s->measured + t * s->capacity;
    for (size_t r = 0; r < n_queries; r++) {
        /* The product of d terms, centring, norms and sums: each wrong by some 2^-24 of |q|^2 + |x|^2. */
        double slack = (s->d + 16) * (double)FLT_EPSILON * (s->q_norm[first_query + r] + s->x_norm_max);
        candidate *at = s->lists + (t * QUERIES + r) * s->capacity;
        lists[r] = (list){.at = at, .n = 0, .limit = INFINITY, .slack = (float)slack};
    }
    for (size_t first = 0; first < s->n; first += POINTS) {
        const size_t n = s->n - first < POINTS ? s->n - first : POINTS;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n_queries, (int)n, s->d, -2, s->qc + first_query * d,
                    s->d, s->xc + first * d, s->d, 0, products, POINTS);
        for (size_t r = 0; r < n_queries; r++)
            look_through(s, &lists[r], first_query + r, products + r * POINTS, first, n, scratch);
    }
    for (size_t r = 0; r < n_queries; r++) finish(s, &lists[r], first_query + r, scratch);
}

static void search_blocks(void *context, int thread, int n_threads) {
    search *s = context;
    (void)n_threads;
    for (size_t first; (first = atomic_fetch_add(&s->next, 1) * QUERIES) < s->nq;) search_block(s, first, thread);
}

/* out [n][d] = x - mean and their squared norms; false where a number is not finite. */
static bool centre(const float *x, size_t n, int d, const double *mean, float *out, double *norm) {
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        norm[i] = 0;
        for (size_t j = i * (size_t)d, k = 0; k < (size_t)d; j++, k++) {
            out[j] = (float)((double)x[j] - mean[k]);
            norm[i] += (double)out[j] * (double)out[j];
        }
        finite = finite && norm[i] <= (double)FLT_MAX / 4;
    }
    return finite;
}

static fv_status centre_all(search *s) {
    const size_t d = (size_t)s->d;
    double *mean = fv_alloc(d, sizeof *mean), *norm = fv_alloc(s->n, sizeof *norm);
    fv_status status = mean && norm ? FV_OK : FV_E_MEMORY;
    if (status == FV_OK) {
        for (size_t i = 0; i < s->n; i++)
            for (size_t k = 0; k < d; k++) mean[k] += (double)s->x[i * d + k] / (double)s->n;
        bool finite = centre(s->x, s->n, s->d, mean, s->xc, norm);
        if (finite) finite = centre(s->q, s->nq, s->d, mean, s->qc, s->q_norm);
        if (!finite) status = FV_E_ARGUMENT;
        for (size_t i = 0; i < s->n; i++) {
            s->x_norm[i] = (float)norm[i];
            if (norm[i] > s->x_norm_max) s->x_norm_max = norm[i];
        }
    }
    free(mean);
    free(norm);
    return status;
}

static fv_status search_allocate(search *s, int n_threads) {
    const size_t t = (size_t)n_threads, d = (size_t)s->d;
    size_t x_size, q_size;
    if (!fv_multiply(s->n, d, &x_size) || !fv_multiply(s->nq, d, &q_size)) return FV_E_MEMORY;
    s->capacity = 3 * (size_t)s->k + 64;
    s->xc = fv_alloc(x_size, sizeof *s->xc);
    s->qc = s->q == s->x && s->nq == s->n ? s->xc : fv_alloc(q_size, sizeof *s->qc);
    s->x_norm = fv_alloc(s->n, sizeof *s->x_norm);
    s->q_norm = fv_alloc(s->nq, sizeof *s->q_norm);
    s->products = fv_alloc(t * QUERIES * POINTS, sizeof *s->products);
    s->lists = fv_alloc(t * QUERIES * s->capacity, sizeof *s->lists);
    s->measured = fv_alloc(t * s->capacity, sizeof *s->measured);
    return s->xc && s->qc && s->x_norm && s->q_norm && s->products && s->lists && s->measured ? FV_OK : FV_E_MEMORY;
}

static void search_deinit(search *s) {
    if (s->qc != s->xc) free(s->qc);
    free(s->xc);
    free(s->x_norm);
    free(s->q_norm);
    free(s->products);
    free(s->lists);
    free(s->measured);
}

static fv_status search_run(search *s, int n_threads) {
    fv_team *team;
    FV_TRY(fv_team_create(n_threads, &team));
    const int blas_threads = fv_blas_single();
    fv_team_run(team, search_blocks, s);
    fv_blas_restore(blas_threads);
    fv_team_destroy(team);
    return FV_OK;
}

fv_status fv_nearest(const float *x, size_t n, const float *q, size_t nq, int d, int k, bool exclude_self,
                     int n_threads, uint32_t *indices, float *distances) {
    if (d < 1 || k < 1 || n > UINT32_MAX || (size_t)k + exclude_self > n) return FV_E_ARGUMENT;
    if (n_threads < 1) n_threads = fv_processors();
    search s = {.x = x,
                .q = q,
                .n = n,
                .nq = nq,
                .d = d,
                .k = k,
                .exclude_self = exclude_self,
                .indices = indices,
                .distances = distances};
    fv_status status = search_allocate(&s, n_threads);
    if (status == FV_OK) status = centre_all(&s);
    if (status == FV_OK) status = search_run(&s, n_threads);
    search_deinit(&s);
    return status;
}
