/* Convolution of a grid of charges with 1 / (1 + r^2), by Fourier transforms of twice its size. */
#ifndef FV_EMBEDDING_FIELD_H
#define FV_EMBEDDING_FIELD_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/threads.h"
#include "kernels/kernels.h"

/* Charges and potential are cubic B-splines: a node's value acts within two steps to either side. The splines are
 * interpolating, so the transform of the kernel is divided by that of the spline's values at the nodes, once for the
 * charges and once for the potential. */
typedef struct fv_field {
    fv_team *team;
    const fv_kernels *kernels;
    float step;                   /* distance of nodes */
    int rows, columns;            /* nodes in use */
    ptrdiff_t pitch;              /* floats of a row, a multiple of 32; what is behind `columns` is zero */
    float *grid;                  /* [rows][pitch] charges, then potential */
    fv_fourier by_row, by_column; /* transforms along the rows' index and the columns' */
    size_t stripe;                /* floats of a stripe of 16 row frequencies: [..][2][16] */
    float *spectrum;              /* [stripes][stripe] */
    float *influence;             /* [stripes][by_column.n][16] */
    float self[4][4];             /* potential of a unit at a node (i, j) steps off, times the number of such places */
    float *work;                  /* [threads][2][longest transform][2][16] */
    size_t work_size;
    atomic_int next;
} fv_field;

void fv_field_init(fv_field *field, fv_team *team);
void fv_field_deinit(fv_field *field);

/* Makes room for a grid of rows x columns nodes (both at least 4). The room only grows, but for another step. */
fv_status fv_field_fit(fv_field *field, int rows, int columns, float step) FV_MUST_CHECK;

/* grid: charges -> potential. */
void fv_field_convolve(fv_field *field);

#endif
