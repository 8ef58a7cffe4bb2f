/* safetensors: named tensors and text metadata in one file.
 *     u64 little-endian length of the header, the header as JSON, the tensors' little-endian values back to back
 * Source: github.com/huggingface/safetensors, README, "Format". */
#ifndef FV_SAFETENSORS_H
#define FV_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

typedef enum fv_dtype {
    FV_FLOAT32,
    FV_INT32,
    FV_UINT32,
    FV_UINT8,
    FV_INT64, /* from here on others write them, PyTorch for one */
    FV_FLOAT64,
    FV_FLOAT16,
    FV_BFLOAT16
} fv_dtype;
/* "F32", ... as in the file. */
const char *fv_dtype_name(fv_dtype dtype);
enum { FV_TENSOR_RANK = 8 };

typedef struct fv_named_tensor {
    const char *name;
    fv_dtype dtype;
    int rank; /* 0: one value */
    size_t size[FV_TENSOR_RANK];
    const void *data; /* borrowed when written; 64-byte aligned when read; one value each (C order) */
} fv_named_tensor;

typedef struct fv_metadata {
    const char *key, *value; /* UTF-8 */
} fv_metadata;

/* Values in a tensor; false when the product of its sizes overflows. */
bool fv_tensor_count(const fv_named_tensor *tensor, size_t *n);

/* Writes a file whole or not at all. Wider types come first in it, so that every value lies at a multiple of its size.
 * The same input gives the same bytes. The metadata get the content's checksum besides.
 * FV_E_IO; FV_E_ARGUMENT for a name, key or value that is not UTF-8 or comes twice; FV_E_MEMORY. */
fv_status fv_safetensors_write(const char *path, const fv_named_tensor *tensors, size_t n_tensors,
                               const fv_metadata *metadata, size_t n_metadata, fv_error *error) FV_MUST_CHECK;

typedef struct fv_safetensors fv_safetensors;

/* Reads and checks a file; every size in it is checked against the bytes there are, and the checksum where it has one
 * (those of others have none). FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_safetensors_read(const char *path, fv_safetensors **out, fv_error *error) FV_MUST_CHECK;
/* The same from bytes in memory; `path` is for messages. */
fv_status fv_safetensors_parse(const char *path, const void *bytes, size_t size, fv_safetensors **out,
                               fv_error *error) FV_MUST_CHECK;
void fv_safetensors_destroy(fv_safetensors *file);

/* Tensors in the order of their data: index 0, 1, ...; NULL at the end. */
const fv_named_tensor *fv_safetensors_at(const fv_safetensors *file, size_t index);
/* NULL when there is none of that name. */
const fv_named_tensor *fv_safetensors_find(const fv_safetensors *file, const char *name);
/* NULL when there is no such key. */
const char *fv_safetensors_metadata(const fv_safetensors *file, const char *key);

#endif
