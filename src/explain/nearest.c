/* Exact nearest neighbours.
 *
 * A block of queries meets sixteen points in the lanes as a dense layer does: |x|^2 - 2 q.x is the squared distance but
 * for |q|^2 and a rounding error of at most `slack`. What could still be among the k nearest goes to the query's list;
 * a full list is cut back; what is left at the end is measured in double precision. So the result does not depend on
 * how the product was summed, and equal distances are ordered by index. */
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"
#include "fovea/explain.h"
#include "fovea/machine.h"
#include "kernels/kernels.h"

enum { LANES = FV_LANES, QUERIES = 128 /* their weights for 64 features fill a first cache */ };

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
    float *limit; /* products from here on are too far */
    float slack;
} list;

typedef struct scratch scratch;

typedef struct search {
    const float *x, *q; /* as given: [n][d], [nq][d] */
    double *mean;       /* [d] of x; what is less the mean has smaller norms and less slack */
    float *points;      /* [n / 16][d][16] x less the mean */
    float *norm;        /* [n / 16][16] squared norms of points; infinite behind n */
    double norm_max;
    size_t n, nq, n_blocks, capacity;
    int d, k;
    bool exclude_self;
    uint32_t *indices;
    float *distances;
    scratch *scratch;   /* [threads] */
    atomic_size_t next; /* block of queries */
} search;

/* What a thread works with. */
struct scratch {
    float *weights;     /* [d][width] -2 q, less the mean */
    float *products;    /* [QUERIES][16] */
    candidate *lists;   /* [QUERIES][capacity] */
    measured *measured; /* [capacity] */
};

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
static void cut(const search *s, list *kept, size_t query, double q_norm, measured *space) {
    const float reach = select_product(kept->at, kept->n, s->k) + 2 * kept->slack;
    size_t n = 0;
    for (size_t c = 0; c < kept->n; c++)
        if (kept->at[c].product <= reach) kept->at[n++] = kept->at[c];
    kept->n = n;
    *kept->limit = reach;
    if (n <= s->capacity / 2) return;
    /* So many at nearly the same distance: only measuring tells them apart. */
    measure(s, kept, query, space);
    kept->n = (size_t)s->k;
    for (size_t c = 0; c < kept->n; c++) kept->at[c] = (candidate){(float)(space[c].distance - q_norm), space[c].index};
    const double furthest = space[s->k - 1].distance;
    /* Points come in the order of their index: none behind can beat k duplicates of the query. */
    *kept->limit = furthest > 0 ? fminf(reach, (float)(furthest - q_norm) + 2 * kept->slack) : -INFINITY;
}

static void finish(const search *s, list *kept, size_t query, double q_norm, measured *space) {
    const size_t k = (size_t)s->k;
    cut(s, kept, query, q_norm, space);
    measure(s, kept, query, space);
    for (size_t c = 0; c < k; c++) {
        s->indices[query * k + c] = space[c].index;
        if (s->distances) s->distances[query * k + c] = (float)sqrt(space[c].distance);
    }
}

/* A block of queries on its way past all points. */
typedef struct block {
    size_t first, n, width; /* n rounded up to 16 */
    double norm[QUERIES];   /* squared, less the mean */
    float limit[QUERIES];
    list lists[QUERIES];
} block;

static void block_begin(const search *s, block *b, scratch *t) {
    const size_t d = (size_t)s->d;
    for (size_t r = 0; r < b->n; r++) {
        b->norm[r] = 0;
        for (size_t c = 0; c < d; c++) {
            const float off = (float)((double)s->q[(b->first + r) * d + c] - s->mean[c]);
            t->weights[c * b->width + r] = -2 * off;
            b->norm[r] += (double)off * (double)off;
        }
        b->limit[r] = INFINITY;
        /* The product of d terms, centring, norms and sums: each wrong by some 2^-24 of |q|^2 + |x|^2. */
        const double slack = (s->d + 16) * (double)FLT_EPSILON * (b->norm[r] + s->norm_max);
        b->lists[r] = (list){.at = t->lists + r * s->capacity, .limit = &b->limit[r], .slack = (float)slack};
    }
}

/* Offers to one query those of points first .. first + 16 whose bit is set. */
static void offer(const search *s, block *b, size_t r, size_t first, unsigned which, const scratch *t) {
    const size_t query = b->first + r;
    list *kept = &b->lists[r];
    for (; which; which &= which - 1) {
        const size_t lane = (size_t)__builtin_ctz(which), index = first + lane;
        const float product = t->products[r * LANES + lane] + s->norm[index];
        if (!(product < b->limit[r]) || (s->exclude_self && index == query)) continue;
        kept->at[kept->n++] = (candidate){product, (uint32_t)index};
        if (kept->n == s->capacity) cut(s, kept, query, b->norm[r], t->measured);
    }
}

static void search_block(const search *s, size_t first_query, scratch *t) {
    block b = {.first = first_query, .n = s->nq - first_query < QUERIES ? s->nq - first_query : QUERIES};
    b.width = (b.n + LANES - 1) / LANES * LANES;
    const fv_kernels *kernels = fv_kernels_chosen();
    uint16_t which[QUERIES];
    block_begin(s, &b, t);
    for (size_t p = 0; p < s->n_blocks; p++) {
        kernels->dense(s->d, (int)b.width, fv_round_up((int)b.width, 16), s->points + p * (size_t)s->d * LANES,
                       t->weights, NULL, t->products, 0);
        kernels->within((int)b.n, t->products, s->norm + p * LANES, b.limit, which);
        for (size_t r = 0; r < b.n; r++)
            if (which[r]) offer(s, &b, r, p * LANES, which[r], t);
    }
    for (size_t r = 0; r < b.n; r++) finish(s, &b.lists[r], first_query + r, b.norm[r], t->measured);
}

static void search_blocks(void *context, int thread, int n_threads) {
    search *s = context;
    (void)n_threads;
    for (size_t first; (first = atomic_fetch_add(&s->next, 1) * QUERIES) < s->nq;)
        search_block(s, first, &s->scratch[thread]);
}

/* Puts the points, less their mean, into the lanes; false where a number is not finite or too large to square. */
static bool set_points(search *s) {
    const size_t d = (size_t)s->d;
    bool fits = true;
    for (size_t i = 0; i < s->n; i++)
        for (size_t c = 0; c < d; c++) s->mean[c] += (double)s->x[i * d + c] / (double)s->n;
    for (size_t i = 0; i < s->n_blocks * LANES; i++) {
        float *to = s->points + i / LANES * d * LANES + i % LANES;
        double norm = 0;
        for (size_t c = 0; c < d && i < s->n; c++) {
            to[c * LANES] = (float)((double)s->x[i * d + c] - s->mean[c]);
            norm += (double)to[c * LANES] * (double)to[c * LANES];
        }
        fits = fits && norm <= (double)FLT_MAX / 16;
        s->norm[i] = i < s->n ? (float)norm : INFINITY;
        s->norm_max = fmax(s->norm_max, norm);
    }
    for (size_t i = 0; i < s->nq; i++) {
        double norm = 0;
        for (size_t c = 0; c < d; c++) norm += pow((double)s->q[i * d + c] - s->mean[c], 2);
        fits = fits && norm <= (double)FLT_MAX / 16;
    }
    return fits;
}

static fv_status search_allocate(search *s, int n_threads) {
    const size_t d = (size_t)s->d;
    size_t size;
    s->n_blocks = (s->n + LANES - 1) / LANES;
    s->capacity = 3 * (size_t)s->k + 64;
    if (!fv_multiply(s->n_blocks * LANES, d, &size)) return FV_E_MEMORY;
    s->mean = fv_alloc(d, sizeof *s->mean);
    s->points = fv_alloc(size, sizeof *s->points);
    s->norm = fv_alloc(s->n_blocks * LANES, sizeof *s->norm);
    s->scratch = fv_alloc((size_t)n_threads, sizeof *s->scratch);
    if (!s->mean || !s->points || !s->norm || !s->scratch) return FV_E_MEMORY;
    for (int i = 0; i < n_threads; i++) {
        scratch *t = &s->scratch[i];
        t->weights = fv_alloc(d, QUERIES * sizeof *t->weights);
        t->products = fv_alloc(QUERIES * LANES, sizeof *t->products);
        t->lists = fv_alloc(QUERIES * s->capacity, sizeof *t->lists);
        t->measured = fv_alloc(s->capacity, sizeof *t->measured);
        if (!t->weights || !t->products || !t->lists || !t->measured) return FV_E_MEMORY;
    }
    return FV_OK;
}

static void search_deinit(search *s, int n_threads) {
    for (int i = 0; s->scratch && i < n_threads; i++) {
        free(s->scratch[i].weights);
        free(s->scratch[i].products);
        free(s->scratch[i].lists);
        free(s->scratch[i].measured);
    }
    free(s->scratch);
    free(s->mean);
    free(s->points);
    free(s->norm);
}

static fv_status search_run(search *s, int n_threads) {
    fv_team *team;
    FV_TRY(search_allocate(s, n_threads));
    if (!set_points(s)) return FV_E_DIVERGED;
    FV_TRY(fv_team_create(n_threads, &team));
    fv_team_run(team, search_blocks, s);
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
    fv_status status = search_run(&s, n_threads);
    search_deinit(&s, n_threads);
    return status;
}
