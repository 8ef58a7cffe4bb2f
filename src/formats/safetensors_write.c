#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/json_text.h"
#include "formats/safetensors_types.h"

enum { DATA_ALIGN = 64 }; /* the header is padded with blanks, so that the data begin at such a multiple */

const fv_dtype_row fv_dtype_table[FV_N_DTYPES] = {
    [FV_FLOAT32] = {"F32", 4}, [FV_INT32] = {"I32", 4},   [FV_UINT32] = {"U32", 4},  [FV_UINT8] = {"U8", 1},
    [FV_INT64] = {"I64", 8},   [FV_FLOAT64] = {"F64", 8}, [FV_FLOAT16] = {"F16", 2}, [FV_BFLOAT16] = {"BF16", 2}};

const char *fv_dtype_name(fv_dtype dtype) {
    return fv_dtype_table[dtype].name;
}

bool fv_tensor_count(const fv_named_tensor *tensor, size_t *n) {
    *n = 1;
    for (int i = 0; i < tensor->rank; i++) {
        if (!fv_multiply(*n, tensor->size[i], n)) return false;
    }
    return true;
}

/* Why `key` could not be added to `object`, with its text, if it has one. */
static fv_status fail_name(const char *path, const json_t *object, const char *key, const char *text, fv_error *error) {
    if (!json_object_get(object, key) && fv_is_utf8(key) && (!text || fv_is_utf8(text)))
        return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    return fv_fail(error, FV_E_ARGUMENT, "%s: \"%.100s\" cannot be written: it comes twice or is not UTF-8",
                   fv_path_shown(path), key);
}

/* Adds a value (taken) under a new key. */
static bool add(json_t *object, const char *key, json_t *value) {
    if (!json_object_get(object, key)) return json_object_set_new(object, key, value) == 0;
    json_decref(value);
    return false;
}

static json_t *describe(const fv_named_tensor *tensor, size_t begin, size_t end) {
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++) fv_json_append(&shape, json_integer((json_int_t)tensor->size[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", fv_dtype_table[tensor->dtype].name, "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static fv_status add_metadata(json_t *header, const char *path, const fv_metadata *metadata, size_t n,
                              fv_error *error) {
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    json_t *object = json_object();
    if (!add(header, FV_METADATA_KEY, object)) return fail_name(path, header, FV_METADATA_KEY, NULL, error);
    for (size_t i = 0; i < n; i++) {
        if (!add(object, metadata[i].key, json_string(metadata[i].value)))
            return fail_name(path, object, metadata[i].key, metadata[i].value, error);
    }
    if (!add(object, FV_CHECKSUM_KEY, json_string(zeros))) return fail_name(path, object, FV_CHECKSUM_KEY, NULL, error);
    return FV_OK;
}

/* Describes the tensors in `header` and puts their bytes into `parts`, wide types first. */
static fv_status add_tensors(json_t *header, const char *path, const fv_named_tensor *tensors, size_t n, fv_part *parts,
                             fv_error *error) {
    size_t at = 0;
    for (size_t width = 8; width > 0; width /= 2) {
        for (size_t i = 0; i < n; i++) {
            size_t count;
            if (fv_dtype_table[tensors[i].dtype].size_bytes != width) continue;
            if (tensors[i].rank > FV_TENSOR_RANK || !fv_tensor_count(&tensors[i], &count))
                return fv_fail(error, FV_E_ARGUMENT, "%s: the shape of \"%.100s\" cannot be written",
                               fv_path_shown(path), tensors[i].name);
            *parts++ = (fv_part){tensors[i].data, count * width};
            if (!add(header, tensors[i].name, describe(&tensors[i], at, at + count * width)))
                return fail_name(path, header, tensors[i].name, NULL, error);
            at += count * width;
        }
    }
    return FV_OK;
}

/* The file's beginning: length and padded header. NULL when out of memory. */
static char *beginning(const json_t *header, size_t *size) {
    char *text = fv_json_text(header, JSON_COMPACT);
    if (!text) return NULL;
    size_t length = strlen(text);
    *size = (FV_LENGTH_BYTES + length + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN;
    char *bytes = malloc(*size);
    if (bytes) {
        uint64_t padded = *size - FV_LENGTH_BYTES;
        memcpy(bytes, &padded, FV_LENGTH_BYTES);
        /* the file's text ends by its length: NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
        memcpy(bytes + FV_LENGTH_BYTES, text, length);
        memset(bytes + FV_LENGTH_BYTES + length, ' ', *size - FV_LENGTH_BYTES - length);
    }
    free(text);
    return bytes;
}

/* Puts the checksum over all parts into the first. */
static void seal(char *first, const fv_part *parts, size_t n_parts) {
    char digits[FV_CHECKSUM_DIGITS + 1];
    const char *at = fv_checksum_find(first, parts[0].size);
    fv_checksum_of(parts, n_parts, at, digits);
    memcpy(first + (at - first), digits, FV_CHECKSUM_DIGITS);
}

fv_status fv_safetensors_write(const char *path, const fv_named_tensor *tensors, size_t n_tensors,
                               const fv_metadata *metadata, size_t n_metadata, fv_error *error) {
    json_t *header = json_object();
    fv_part *parts = calloc(n_tensors + 1, sizeof *parts);
    char *first = NULL;
    fv_status status = FV_OK;
    if (!header || !parts) status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    if (status == FV_OK) status = add_metadata(header, path, metadata, n_metadata, error);
    if (status == FV_OK) status = add_tensors(header, path, tensors, n_tensors, parts + 1, error);
    if (status == FV_OK) {
        first = beginning(header, &parts[0].size);
        parts[0].data = first;
        if (first) seal(first, parts, n_tensors + 1);
        status = first ? fv_file_write_parts(path, parts, n_tensors + 1, error)
                       : fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    }
    free(first);
    free(parts);
    json_decref(header);
    return status;
}
