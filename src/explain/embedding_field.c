/* Three passes, each over stripes of sixteen lanes, which threads take as they come:
 *   down    transforms two times sixteen real columns at once (as real and imaginary part), of which only the upper
 *           half is not zero, and turns the result so that the lanes become sixteen row frequencies
 *   across  transforms along the columns, multiplies by the kernel's transform, transforms back
 *   up      the first pass in reverse */
#include "explain/embedding_field.h"

#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"

enum { LANES = FV_LANES, POINT = 2 * FV_LANES };

static size_t n_stripes(const fv_field *f) {
    return (size_t)(f->by_row.n / 2 / LANES + 1);
}

static float *work_of(const fv_field *f, int thread) {
    return f->work + (size_t)thread * f->work_size;
}

/* The upper `rows` rows of 32 columns, and zeros, to the spectrum. */
static void down(fv_field *f, int rows, int column, int thread) {
    float *data = work_of(f, thread), *scratch = data + f->work_size / 2;
    const float *from = f->grid + column;
    for (int r = 0; r < rows; r++, from += f->pitch) memcpy(data + r * POINT, from, POINT * sizeof *from);
    memset(data + rows * POINT, 0, (size_t)(f->by_row.n - rows) * POINT * sizeof *data);
    const float *z = f->kernels->fourier(&f->by_row, 0, data, scratch);
    f->kernels->fourier_split(f->by_row.n, z, f->spectrum + (size_t)column * POINT, f->stripe);
}

static void down_all(void *context, int thread, int n_threads) {
    fv_field *f = context;
    (void)n_threads;
    for (int c; (c = atomic_fetch_add(&f->next, 1) * POINT) < f->columns;) down(f, f->rows, c, thread);
}

static void up_all(void *context, int thread, int n_threads) {
    fv_field *f = context;
    float *data = work_of(f, thread), *scratch = data + f->work_size / 2;
    (void)n_threads;
    for (int c; (c = atomic_fetch_add(&f->next, 1) * POINT) < f->columns;) {
        f->kernels->fourier_merge(f->by_row.n, f->spectrum + (size_t)c * POINT, f->stripe, data);
        const float *z = f->kernels->fourier(&f->by_row, 1, data, scratch);
        float *to = f->grid + c;
        for (int r = 0; r < f->rows; r++, to += f->pitch) memcpy(to, z + r * POINT, POINT * sizeof *to);
    }
}

/* Transforms stripe s in place but for an odd number of stages, when the result stands in the thread's work. */
static float *across(fv_field *f, int s, int columns, int thread) {
    float *data = f->spectrum + (size_t)s * f->stripe;
    memset(data + (size_t)columns * POINT, 0, (size_t)(f->by_column.n - columns) * POINT * sizeof *data);
    return f->kernels->fourier(&f->by_column, 0, data, work_of(f, thread));
}

static void across_all(void *context, int thread, int n_threads) {
    fv_field *f = context;
    const int n = f->by_column.n;
    (void)n_threads;
    for (int s; (s = atomic_fetch_add(&f->next, 1)) < (int)n_stripes(f);) {
        float *z = across(f, s, f->columns, thread), *data = f->spectrum + (size_t)s * f->stripe;
        f->kernels->fourier_scale(n, f->influence + (size_t)s * (size_t)n * LANES, z);
        f->kernels->fourier(&f->by_column, 1, z, z == data ? work_of(f, thread) : data); /* ends in data */
    }
}

static void pass(fv_field *f, fv_team_work *work) {
    atomic_store(&f->next, 0);
    fv_team_run(f->team, work, f);
}

void fv_field_convolve(fv_field *f) {
    pass(f, down_all);
    pass(f, across_all);
    pass(f, up_all);
}

/* The least length of at least `least` that the kernels can transform: 1, 3, 5, 9 or 15 times a power of two. */
static int transform_length(int least) {
    static const int odd[] = {1, 3, 5, 9, 15};
    int best = 32;
    while (best < least) best *= 2;
    for (int i = 0; i < 5; i++) {
        int n = 32 * odd[i];
        while (n < least) n *= 2;
        if (n < best) best = n;
    }
    return best;
}

static fv_status plan(fv_fourier *f, int n) {
    static const int radices[] = {5, 3, 2, 4}; /* an odd power of two needs one 2; the last stage has no twiddles */
    float *twiddle = fv_alloc((size_t)n, 4 * sizeof *twiddle);
    if (!twiddle) return FV_E_MEMORY;
    free(f->twiddle);
    *f = (fv_fourier){.n = n, .twiddle = twiddle};
    int left = n, power = __builtin_ctz((unsigned)n);
    for (int i = 0; i < 4; i++)
        for (int taken = 0; left % radices[i] == 0 && !(radices[i] == 2 && (taken || power % 2 == 0)); taken++) {
            f->radix[f->n_stages++] = radices[i];
            left /= radices[i];
        }
    for (int k = 0; k < n; k++, twiddle += 4) {
        twiddle[0] = (float)fv_cos(2 * FV_PI * k / n);
        twiddle[1] = (float)-fv_sin(2 * FV_PI * k / n);
        twiddle[2] = -twiddle[1];
    }
    return FV_OK;
}

/* The transform of the spline's values at the nodes, 1/6, 4/6, 1/6. */
static double spline_transform(int k, int n) {
    return (2 + fv_cos(2 * FV_PI * k / n)) / 3;
}

/* Kernel values around the four corners of the full period, for the columns column .. column + 32. */
static void kernel_values(const fv_field *f, int column, float *data) {
    const int n = f->by_row.n, m = f->by_column.n;
    for (int r = 0; r < n; r++)
        for (int c = 0; c < POINT; c++) {
            double y = f->step * (double)(r <= n / 2 ? r : n - r);
            double x = f->step * (double)(column + c <= m / 2 ? column + c : m - column - c);
            data[r * POINT + c] = column + c < m ? (float)(1 / (1 + x * x + y * y)) : 0;
        }
}

/* The transform of the kernel, ready to multiply: by 1/nm for the transforms, by 1/4 for two doubled spectra. It is
 * real, because the kernel is even. */
static void make_influence(fv_field *f) {
    const int n = f->by_row.n, m = f->by_column.n;
    float *data = work_of(f, 0), *scratch = data + f->work_size / 2;
    for (int c = 0; c < m; c += POINT) {
        kernel_values(f, c, data);
        const float *z = f->kernels->fourier(&f->by_row, 0, data, scratch);
        f->kernels->fourier_split(n, z, f->spectrum + (size_t)c * POINT, f->stripe);
    }
    for (size_t s = 0; s < n_stripes(f); s++) {
        const float *z = across(f, (int)s, m, 0);
        for (int c = 0; c < m; c++)
            for (int l = 0; l < LANES; l++) {
                double spline = spline_transform((int)s * LANES + l, n) * spline_transform(c, m);
                double scale = 1 / (4.0 * n * m * spline * spline);
                f->influence[(s * (size_t)m + (size_t)c) * LANES + (size_t)l] = (float)(z[c * POINT + l] * scale);
            }
    }
}

static fv_status resize(fv_field *f, int n, int m) {
    FV_TRY(plan(&f->by_row, n));
    FV_TRY(plan(&f->by_column, m));
    free(f->grid);
    free(f->spectrum);
    free(f->influence);
    free(f->work);
    f->pitch = fv_round_up(m / 2, POINT);
    f->stripe = (size_t)fv_round_up(m, POINT) * POINT;
    f->work_size = 2 * (size_t)(n > m ? n : m) * POINT;
    f->grid = fv_alloc((size_t)(n / 2) * (size_t)f->pitch, sizeof *f->grid);
    f->spectrum = fv_alloc(n_stripes(f) * f->stripe, sizeof *f->spectrum);
    f->influence = fv_alloc(n_stripes(f) * (size_t)m * LANES, sizeof *f->influence);
    f->work = fv_alloc((size_t)fv_team_size(f->team) * f->work_size, sizeof *f->work);
    return f->grid && f->spectrum && f->influence && f->work ? FV_OK : FV_E_MEMORY;
}

/* What a charge does to itself: the nodes it stands on feel each other, at most three steps apart. */
static void find_self(fv_field *f) {
    memset(f->grid, 0, (size_t)(f->rows * f->pitch) * sizeof *f->grid);
    f->grid[0] = 1;
    fv_field_convolve(f);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) f->self[i][j] = f->grid[i * f->pitch + j] * (float)((i ? 2 : 1) * (j ? 2 : 1));
}

fv_status fv_field_fit(fv_field *f, int rows, int columns, float step) {
    int n = transform_length(2 * rows), m = transform_length(2 * columns);
    f->rows = rows;
    f->columns = fv_round_up(columns, POINT);
    if (step == f->step && n <= f->by_row.n && m <= f->by_column.n) return FV_OK;
    if (n < f->by_row.n) n = f->by_row.n;
    if (m < f->by_column.n) m = f->by_column.n;
    f->step = step;
    FV_TRY(resize(f, n, m));
    make_influence(f);
    find_self(f);
    return FV_OK;
}

void fv_field_init(fv_field *f, fv_team *team) {
    *f = (fv_field){.team = team, .kernels = fv_kernels_chosen()};
}

void fv_field_deinit(fv_field *f) {
    free(f->by_row.twiddle);
    free(f->by_column.twiddle);
    free(f->grid);
    free(f->spectrum);
    free(f->influence);
    free(f->work);
}
