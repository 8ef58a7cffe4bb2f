/* What the writer and the reader of safetensors agree on. */
#ifndef FV_SAFETENSORS_TYPES_H
#define FV_SAFETENSORS_TYPES_H

#include "formats/files.h"
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

/* The checksum in the metadata: SHA-256, in hexadecimal, of the whole file with these 64 digits as zeros. */
#define FV_CHECKSUM_KEY "content_sha256"
enum { FV_CHECKSUM_DIGITS = 64 };

/* Where its digits stand in a file's first `size` bytes, the header; NULL: it has none. */
const char *fv_checksum_find(const char *bytes, size_t size);
/* The checksum of a file in parts; its digits, in the first of them, count as zeros. */
void fv_checksum_of(const fv_part *parts, size_t n_parts, const char *digits, char out[FV_CHECKSUM_DIGITS + 1]);

#endif
