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
    CHUNK = 256,      /* points whose parts of Z are added before all others */
    BAND = 8,         /* rows of the grid that a thread takes */
    MOST_NODES = 1024 /* along an axis; a wider plane gets wider steps */
};

static const float finest_step = 0.5F;

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
            sum += (double)z[i];
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

/* phi and its gradient at one point. */
static inline double read_point(const fv_repulsion *r, size_t i) {
    const fv_field *f = &r->field;
    float wx[4], wy[4], sx[4], sy[4], value[4] = {0}, slope[4] = {0};
    place x = place_of(r->xy[2 * i], r->origin[0], f->step), y = place_of(r->xy[2 * i + 1], r->origin[1], f->step);
    spline(x.between, wx);
    spline(y.between, wy);
    spline_slope(x.between, sx);
    spline_slope(y.between, sy);
    const float *from = f->grid + y.node * f->pitch + x.node;
    for (int a = 0; a < 4; a++, from += f->pitch)
        for (int b = 0; b < 4; b++) {
            value[b] += wy[a] * from[b];
            slope[b] += sy[a] * from[b];
        }
    const float scale = -0.5F / f->step;
    r->force[2 * i] = ((value[0] * sx[0] + value[1] * sx[1]) + (value[2] * sx[2] + value[3] * sx[3])) * scale;
    r->force[2 * i + 1] = ((slope[0] * wx[0] + slope[1] * wx[1]) + (slope[2] * wx[2] + slope[3] * wx[3])) * scale;
    return (double)((value[0] * wx[0] + value[1] * wx[1]) + (value[2] * wx[2] + value[3] * wx[3]));
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

/* Chooses step and origin so that the points lie in the middle of the grid, and fits the grid to them. */
static fv_status place_grid(fv_repulsion *r) {
    float low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < r->n; i++)
        for (int axis = 0; axis < 2; axis++) {
            low[axis] = fminf(low[axis], r->xy[2 * i + (size_t)axis]);
            high[axis] = fmaxf(high[axis], r->xy[2 * i + (size_t)axis]);
        }
    float step = finest_step, widest = fmaxf(high[0] - low[0], high[1] - low[1]);
    if (!isfinite(widest)) return FV_E_DIVERGED;
    while (widest / step > MOST_NODES - 6) step *= 2;
    int nodes[2];
    for (int axis = 0; axis < 2; axis++) {
        /* The cells in use need a node before and two behind; one more against rounding. */
        nodes[axis] = (int)((high[axis] - low[axis]) / step) + 5;
        r->origin[axis] = (high[axis] + low[axis]) / 2 - (float)(nodes[axis] - 1) / 2 * step;
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

fv_status fv_repulsion_at(fv_repulsion *r, const float *xy, float *force, double *z) {
    r->xy = xy;
    r->force = force;
    if (r->method == FV_REPULSION_FIELD) {
        FV_TRY(place_grid(r));
        list_by_row(r);
        run(r, add_all_charges);
        fv_field_convolve(&r->field);
        run(r, read_all_points);
    } else {
        for (size_t i = 0; i < r->n; i++) {
            r->planes[i] = xy[2 * i];
            r->planes[r->padded + i] = xy[2 * i + 1];
        }
        run(r, repel_all);
    }
    double sum = -(double)r->n;
    for (size_t chunk = 0; chunk * CHUNK < r->n; chunk++) sum += r->z[chunk];
    *z = sum;
    return FV_OK;
}

fv_status fv_repulsion_create(size_t n, fv_repulsion_method method, fv_team *team, fv_repulsion **out) {
    fv_repulsion *r = fv_alloc(1, sizeof *r);
    if (!r) return FV_E_MEMORY;
    r->n = n;
    r->team = team;
    r->method = method;
    r->padded = (n + LANES - 1) / LANES * LANES;
    r->z = fv_alloc(n / CHUNK + 1, sizeof *r->z);
    if (method == FV_REPULSION_FIELD) {
        fv_field_init(&r->field, team);
        r->by_row = fv_alloc(n, sizeof *r->by_row);
        r->row_start = fv_alloc(MOST_NODES + 1, sizeof *r->row_start);
    } else {
        r->planes = fv_alloc(r->padded, 5 * sizeof *r->planes);
    }
    if (!r->z || (method == FV_REPULSION_FIELD ? !r->by_row || !r->row_start : !r->planes)) {
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
