/* Numeric arrays of MATLAB files, level 5 (what MATLAB saves with -v6 and -v7, and scipy.io.savemat writes), in order.
 * Of a file all arrays are read over; the values of those that are asked for come into memory, which grows with what
 * the file holds, whatever its headers promise.
 * Source: The MathWorks, "MAT-File Format", version 5. */
#ifndef FV_MAT_H
#define FV_MAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { FV_MAT_RANK = 8, FV_MAT_NAME = 64, FV_MAT_DOUBLE = 6, FV_MAT_UINT8 = 9, FV_MAT_UINT64 = 15 };

typedef struct fv_mat fv_mat;

typedef struct fv_mat_array {
    char name[FV_MAT_NAME];
    int class; /* 6 to 15 are numbers: FV_MAT_DOUBLE, single, int8, FV_MAT_UINT8, ... FV_MAT_UINT64 */
    bool complex;
    int rank;
    size_t size[FV_MAT_RANK], n; /* the first index runs fastest; n their product */
} fv_mat_array;

/* FV_E_IO, FV_E_MEMORY; FV_E_DATA with a message that names the file, as of all that follows. */
fv_status fv_mat_open(const char *path, fv_mat **out, fv_error *error) FV_MUST_CHECK;
void fv_mat_close(fv_mat *mat);
/* The next array; name "" behind the last one, or of what is no array. */
fv_status fv_mat_next(fv_mat *mat, fv_mat_array *out, bool *ended, fv_error *error) FV_MUST_CHECK;
/* The values of the array that fv_mat_next gave, once; malloc'd. As bytes the array must hold uint8; as numbers, any
 * real ones, which stay as wide as they are in the file: number i of them is fv_mat_number. */
fv_status fv_mat_bytes(fv_mat *mat, uint8_t **out, fv_error *error) FV_MUST_CHECK;
typedef struct fv_mat_numbers {
    uint8_t *bytes; /* malloc'd */
    uint32_t type;
} fv_mat_numbers;
fv_status fv_mat_numbers_read(fv_mat *mat, fv_mat_numbers *out, fv_error *error) FV_MUST_CHECK;
double fv_mat_number(const fv_mat_numbers *numbers, size_t i);

#endif
