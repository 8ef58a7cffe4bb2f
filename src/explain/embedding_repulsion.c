/* The repulsion of t-SNE, by all pairs or by a field.
 *
 * The field is phi(y) = sum over j of 1 / (1 + |y - y_j|^2): the force is -1/2 of its gradient, and Z is the sum of
 * phi(y_i) less the n terms of a point with itself. Points are charges on a grid of cubic B-splines. Source: Linderman
 * et al. 2019, "Fast interpolation-based t-SNE", who interpolate four kernels by polynomials; one potential and its
 * gradient by splines, as in particle-mesh methods (Essmann et al. 1995), needs one pair of transforms, not four. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain/embedding.h"
#include "explain/embedding_field.h"

enum {
    LANES = FV_LANES,
    CHUNK = 256,       /* points whose parts of Z are added before all others */
    BAND = 8,          /* rows of the grid that a thread takes */
    FEWEST_NODES = 40, /* along the longer axis; a narrower plane gets narrower steps */
    MOST_NODES = 2048, /* a wider plane gets wider ones */
    PAIRED_NODES = 9   /* all pairs cost less than a grid of more than n / 9 nodes along the longer axis */
};

/* The step on a plane of any size but the narrowest and the widest: two nodes for the kernel's own width. */
static const float usual_step = 0.5F;

struct fv_repulsion {
    size_t n;
    fv_team *team;
    fv_repulsion_method method;
    const float *xy;
    float *force;
    double *z; /* [chunks] */
    atomic_int next;
    /* exact */
    float *planes; /* [5][padded n]: x, y, force x, force y, z */
    size_t padded;
    /* field */
    fv_field field;
    float origin[2];     /* position of node (0, 0) */
    uint32_t *by_row;    /* [n] points by the row of their cell, then by index */
    uint32_t *row_start; /* [MOST_NODES + 1] */
};

/* ---- all pairs ---- */

static void repel_all(void *context, int thread, int n_threads) {
    fv_repulsion *r = context;
    float *x = r->planes, *y = x + r->padded, *fx = y + r->padded, *fy = fx + r->padded, *z = fy + r->padded;
    (void)thread;
    (void)n_threads;
    for (int chunk; (size_t)(chunk = atomic_fetch_add(&r->next, 1)) * CHUNK < r->n;) {
        const int begin = chunk * CHUNK, end = begin + CHUNK < (int)r->padded ? begin + CHUNK : (int)r->padded;
        fv_kernels_chosen()->repel(begin, end, (int)r->n, x, y, fx, fy, z);
        double sum = 0;
        for (int i = begin; i < end && i < (int)r->n; i++) {
            sum += (double)z[i] - 1; /* a point with itself */
            r->force[2 * i] = fx[i];
            r->force[2 * i + 1] = fy[i];
        }
        r->z[chunk] = sum;
    }
}

/* ---- by a field ---- */

/* Where a point stands: the first of the four nodes of an axis that feel it, and its place between the inner two. */
typedef struct place {
    int node;
    float between;
} place;

static inline place place_of(float at, float origin, float step) {
    float nodes = (at - origin) / step;
    int cell = (int)nodes;
    return (place){cell - 1, nodes - (float)cell};
}

/* Values of the four splines. */
static inline void spline(float t, float w[4]) {
    const float u = 1 - t, sixth = 1.0F / 6;
    w[0] = u * u * u * sixth;
    w[1] = (4 + t * t * (3 * t - 6)) * sixth;
    w[2] = (4 + u * u * (3 * u - 6)) * sixth;
    w[3] = t * t * t * sixth;
}

/* Their derivatives, by steps. */
static inline void spline_slope(float t, float w[4]) {
    const float u = 1 - t;
    w[0] = -0.5F * u * u;
    w[1] = t * (1.5F * t - 2);
    w[2] = -u * (1.5F * u - 2);
    w[3] = 0.5F * t * t;
}

static void add_charges(const fv_repulsion *r, int begin, int end) {
    const fv_field *f = &r->field;
    memset(f->grid + begin * f->pitch, 0, (size_t)((end - begin) * f->pitch) * sizeof *f->grid);
    for (int row = begin > 3 ? begin - 3 : 0; row < end; row++)
        for (uint32_t k = r->row_start[row]; k < r->row_start[row + 1]; k++) {
            const float *at = r->xy + 2 * (size_t)r->by_row[k];
            float wx[4], wy[4];
            place x = place_of(at[0], r->origin[0], f->step), y = place_of(at[1], r->origin[1], f->step);
            spline(x.between, wx);
            spline(y.between, wy);
            for (int a = 0; a < 4; a++) {
                if (row + a < begin || row + a >= end) continue;
                float *to = f->grid + (row + a) * f->pitch + x.node;
                for (int b = 0; b < 4; b++) to[b] += wy[a] * wx[b];
            }
        }
}

static void add_all_charges(void *context, int thread, int n_threads) {
    fv_repulsion *r = context;
    (void)thread;
    (void)n_threads;
    for (int first; (first = atomic_fetch_add(&r->next, 1) * BAND) < r->field.rows;)
        add_charges(r, first, first + BAND < r->field.rows ? first + BAND : r->field.rows);
}

/* How much the four splines overlap themselves k nodes on, and how that changes with the place. */
static inline void overlap(const float w[4], const float slope[4], float value[4], float change[4]) {
    for (int k = 0; k < 4; k++) {
        value[k] = change[k] = 0;
        for (int a = 0; a + k < 4; a++) {
            value[k] += w[a] * w[a + k];
            change[k] += slope[a] * w[a + k] + w[a] * slope[a + k];
        }
    }
}

static inline float sum4(const float a[4], const float b[4]) {
    return (a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3]);
}

/* phi less the point's own part, returned, and its gradient, at one point. The own part of the exact phi has no
 * gradient; that of the grid has one, which would hold points to places between the nodes. */
static inline double read_point(const fv_repulsion *r, size_t i) {
    const fv_field *f = &r->field;
    float wx[4], wy[4], sx[4], sy[4], value[4] = {0}, slope[4] = {0};
    float own_x[4], own_y[4], change_x[4], change_y[4], own[4] = {0}, own_slope[4] = {0};
    place x = place_of(r->xy[2 * i], r->origin[0], f->step), y = place_of(r->xy[2 * i + 1], r->origin[1], f->step);
    spline(x.between, wx);
    spline(y.between, wy);
    spline_slope(x.between, sx);
    spline_slope(y.between, sy);
    overlap(wx, sx, own_x, change_x);
    overlap(wy, sy, own_y, change_y);
    const float *from = f->grid + y.node * f->pitch + x.node;
    for (int a = 0; a < 4; a++, from += f->pitch)
        for (int b = 0; b < 4; b++) {
            value[b] += wy[a] * from[b];
            slope[b] += sy[a] * from[b];
            own[b] += own_y[a] * f->self[a][b];
            own_slope[b] += change_y[a] * f->self[a][b];
        }
    const float scale = -0.5F / f->step;
    r->force[2 * i] = (sum4(value, sx) - 0.5F * sum4(own, change_x)) * scale;
    r->force[2 * i + 1] = (sum4(slope, wx) - 0.5F * sum4(own_slope, own_x)) * scale;
    return (double)(sum4(value, wx) - sum4(own, own_x));
}

static void read_all_points(void *context, int thread, int n_threads) {
    fv_repulsion *r = context;
    (void)thread;
    (void)n_threads;
    for (int chunk; (size_t)(chunk = atomic_fetch_add(&r->next, 1)) * CHUNK < r->n;) {
        double sum = 0;
        for (size_t i = (size_t)chunk * CHUNK; i < r->n && i < ((size_t)chunk + 1) * CHUNK; i++)
            sum += read_point(r, i);
        r->z[chunk] = sum;
    }
}

typedef struct extent {
    float low[2], high[2];
} extent;

static extent extent_of(const float *xy, size_t n) {
    extent e = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
    for (size_t i = 0; i < n; i++)
        for (size_t axis = 0; axis < 2; axis++) {
            const float at = xy[2 * i + axis];
            e.low[axis] = at < e.low[axis] ? at : e.low[axis];
            e.high[axis] = at > e.high[axis] ? at : e.high[axis];
        }
    return e;
}

/* Chooses step and origin so that the points lie in the middle of the grid, and fits the grid to them. */
static fv_status place_grid(fv_repulsion *r, const extent *e, float widest) {
    float step = usual_step;
    while (widest / step > MOST_NODES - 6) step *= 2;
    while (widest / step < FEWEST_NODES && step > usual_step / 8) step /= 2;
    int nodes[2];
    for (int axis = 0; axis < 2; axis++) {
        /* The cells in use need a node before and two behind; one more against rounding. */
        nodes[axis] = (int)((e->high[axis] - e->low[axis]) / step) + 5;
        r->origin[axis] = (e->high[axis] + e->low[axis]) / 2 - (float)(nodes[axis] - 1) / 2 * step;
    }
    return fv_field_fit(&r->field, nodes[1], nodes[0], step);
}

/* Lists the points by the first row that feels them. */
static void list_by_row(fv_repulsion *r) {
    uint32_t *start = r->row_start;
    const float origin = r->origin[1], step = r->field.step;
    memset(start, 0, (MOST_NODES + 1) * sizeof *start);
    for (size_t i = 0; i < r->n; i++) start[place_of(r->xy[2 * i + 1], origin, step).node + 1]++;
    for (int row = 0; row < MOST_NODES; row++) start[row + 1] += start[row];
    for (size_t i = 0; i < r->n; i++) r->by_row[start[place_of(r->xy[2 * i + 1], origin, step).node]++] = (uint32_t)i;
    memmove(start + 1, start, MOST_NODES * sizeof *start); /* each had moved to where the next begins */
    start[0] = 0;
}

static void run(fv_repulsion *r, fv_team_work *work) {
    atomic_store(&r->next, 0);
    fv_team_run(r->team, work, r);
}

static void repel_by_pairs(fv_repulsion *r) {
    for (size_t i = 0; i < r->n; i++) {
        r->planes[i] = r->xy[2 * i];
        r->planes[r->padded + i] = r->xy[2 * i + 1];
    }
    run(r, repel_all);
}

static fv_status repel_by_field(fv_repulsion *r, const extent *e, float widest) {
    FV_TRY(place_grid(r, e, widest));
    list_by_row(r);
    run(r, add_all_charges);
    fv_field_convolve(&r->field);
    run(r, read_all_points);
    return FV_OK;
}

fv_status fv_repulsion_at(fv_repulsion *r, const float *xy, float *force, double *z) {
    const extent e = extent_of(xy, r->n);
    const float widest = fmaxf(e.high[0] - e.low[0], e.high[1] - e.low[1]);
    if (!isfinite(widest)) return FV_E_DIVERGED;
    bool by_pairs = r->method == FV_REPULSION_EXACT;
    if (r->method == FV_REPULSION_CHEAPER)
        by_pairs = fmaxf(widest / usual_step, FEWEST_NODES) * PAIRED_NODES > (float)r->n;
    r->xy = xy;
    r->force = force;
    if (by_pairs)
        repel_by_pairs(r);
    else
        FV_TRY(repel_by_field(r, &e, widest));
    double sum = 0;
    for (size_t chunk = 0; chunk * CHUNK < r->n; chunk++) sum += r->z[chunk];
    *z = sum;
    return FV_OK;
}

fv_status fv_repulsion_create(size_t n, fv_repulsion_method method, fv_team *team, fv_repulsion **out) {
    const bool pairs = method != FV_REPULSION_FIELD, field = method != FV_REPULSION_EXACT;
    fv_repulsion *r = fv_alloc(1, sizeof *r);
    if (!r) return FV_E_MEMORY;
    r->n = n;
    r->team = team;
    r->method = method;
    r->padded = (n + LANES - 1) / LANES * LANES;
    r->z = fv_alloc(n / CHUNK + 1, sizeof *r->z);
    if (pairs) r->planes = fv_alloc(r->padded, 5 * sizeof *r->planes);
    if (field) {
        fv_field_init(&r->field, team);
        r->by_row = fv_alloc(n, sizeof *r->by_row);
        r->row_start = fv_alloc(MOST_NODES + 1, sizeof *r->row_start);
    }
    if (!r->z || (pairs && !r->planes) || (field && (!r->by_row || !r->row_start))) {
        fv_repulsion_destroy(r);
        return FV_E_MEMORY;
    }
    *out = r;
    return FV_OK;
}

void fv_repulsion_destroy(fv_repulsion *r) {
    if (!r) return;
    fv_field_deinit(&r->field);
    free(r->z);
    free(r->planes);
    free(r->by_row);
    free(r->row_start);
    free(r);
}
