/* What the writer and the reader of safetensors agree on. */
#ifndef FV_SAFETENSORS_TYPES_H
#define FV_SAFETENSORS_TYPES_H

#include "formats/safetensors.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values go to the file as they lie in memory");

typedef struct fv_dtype_row {
    const char *name; /* in the file */
    size_t size_bytes;
} fv_dtype_row;

enum { FV_N_DTYPES = FV_BFLOAT16 + 1 };
extern const fv_dtype_row fv_dtype_table[FV_N_DTYPES];

#define FV_METADATA_KEY "__metadata__"
enum { FV_LENGTH_BYTES = 8 }; /* of the header's length, which begins the file */

#endif
