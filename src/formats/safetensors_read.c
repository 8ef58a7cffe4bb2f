#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/json_text.h"
#include "formats/safetensors_types.h"

/* No model or explanation comes near these; they keep a broken file from taking the machine's memory. */
#define FILE_LIMIT ((size_t)1 << 31)
#define HEADER_LIMIT ((size_t)100000000) /* the reference implementation's */

struct fv_safetensors {
    json_t *header; /* owns the names */
    size_t n;
    fv_named_tensor *tensors; /* [n] */
    unsigned char *data;
};

/* A tensor and the bytes it claims. */
typedef struct claim {
    fv_named_tensor tensor;
    size_t begin, end;
} claim;

typedef struct reading {
    const char *path;
    fv_error *error;
    const char *data; /* behind the header */
    size_t data_size;
    claim *claims; /* [n] */
    size_t n;
} reading;

static fv_status fail_tensor(const reading *at, const char *name, const char *what) {
    return fv_fail(at->error, FV_E_DATA, "%s: tensor \"%.60s\": %s; the file is broken or no safetensors file",
                   fv_path_shown(at->path), name, what);
}

static bool read_size(const json_t *value, size_t *out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

static fv_status read_dtype(const reading *at, const char *name, const json_t *value, fv_dtype *out) {
    const char *text = json_string_value(value);
    for (int i = 0; text && i < FV_N_DTYPES; i++) {
        if (strcmp(text, fv_dtype_table[i].name) == 0) {
            *out = (fv_dtype)i;
            return FV_OK;
        }
    }
    return fv_fail(at->error, FV_E_DATA,
                   "%s: tensor \"%.60s\" has dtype %.20s; F32, F64, F16, BF16, I64, I32, U32 and U8 are read",
                   fv_path_shown(at->path), name, text ? text : "missing");
}

static fv_status read_shape(const reading *at, const json_t *shape, fv_named_tensor *out) {
    if (!json_is_array(shape)) return fail_tensor(at, out->name, "has no shape");
    if (json_array_size(shape) > FV_TENSOR_RANK) return fail_tensor(at, out->name, "has more than 8 dimensions");
    out->rank = (int)json_array_size(shape);
    for (int i = 0; i < out->rank; i++) {
        if (!read_size(json_array_get(shape, (size_t)i), &out->size[i]))
            return fail_tensor(at, out->name, "has a size that is no whole number");
    }
    return FV_OK;
}

static fv_status read_claim(const reading *at, const char *name, const json_t *entry, claim *out) {
    out->tensor.name = name;
    if (!json_is_object(entry)) return fail_tensor(at, name, "is not described by an object");
    FV_TRY(read_dtype(at, name, json_object_get(entry, "dtype"), &out->tensor.dtype));
    FV_TRY(read_shape(at, json_object_get(entry, "shape"), &out->tensor));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &out->begin) ||
        !read_size(json_array_get(offsets, 1), &out->end) || out->begin > out->end)
        return fail_tensor(at, name, "has no data_offsets [begin, end]");
    if (out->end > at->data_size)
        return fv_fail(at->error, FV_E_DATA,
                       "%s: tensor \"%.60s\" ends at byte %zu of the data, which are %zu bytes: the "
                       "file is cut short or broken",
                       fv_path_shown(at->path), name, out->end, at->data_size);
    size_t n;
    if (!fv_tensor_count(&out->tensor, &n) || !fv_multiply(n, fv_dtype_table[out->tensor.dtype].size_bytes, &n) ||
        n != out->end - out->begin)
        return fail_tensor(at, name, "its shape and its data_offsets differ in size");
    return FV_OK;
}

static int by_begin(const void *a, const void *b) {
    const claim *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The tensors must cover the data without gap or overlap. */
static fv_status check_cover(const reading *at) {
    size_t end = 0;
    for (size_t i = 0; i < at->n; i++) {
        if (at->claims[i].begin != end)
            return fail_tensor(at, at->claims[i].tensor.name, "its data do not begin where those before it end");
        end = at->claims[i].end;
    }
    if (end != at->data_size)
        return fv_fail(at->error, FV_E_DATA, "%s: %zu bytes are left over behind its tensors; the file is broken",
                       fv_path_shown(at->path), at->data_size - end);
    return FV_OK;
}

static fv_status check_metadata(const reading *at, const json_t *metadata) {
    const char *key;
    json_t *value;
    bool right = json_is_object(metadata);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value) right = right && json_is_string(value);
    if (right) return FV_OK;
    return fv_fail(at->error, FV_E_DATA, "%s: its metadata are not texts by name; the file is broken",
                   fv_path_shown(at->path));
}

static fv_status read_claims(reading *at, json_t *header) {
    at->claims = calloc(json_object_size(header) + 1, sizeof *at->claims);
    if (!at->claims) return fv_fail(at->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(at->path));
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry) {
        if (strcmp(name, FV_METADATA_KEY) == 0) {
            FV_TRY(check_metadata(at, entry));
        } else {
            FV_TRY(read_claim(at, name, entry, &at->claims[at->n]));
            at->n++;
        }
    }
    qsort(at->claims, at->n, sizeof *at->claims, by_begin);
    return check_cover(at);
}

static fv_status read_header(reading *at, const unsigned char *bytes, size_t size, json_t **out) {
    uint64_t length = 0;
    if (size < FV_LENGTH_BYTES)
        return fv_fail(at->error, FV_E_DATA, "%s: holds %zu bytes, too few for a safetensors file",
                       fv_path_shown(at->path), size);
    memcpy(&length, bytes, FV_LENGTH_BYTES);
    if (length > size - FV_LENGTH_BYTES || length > HEADER_LIMIT)
        return fv_fail(at->error, FV_E_DATA,
                       "%s: holds %zu bytes and promises a header of %llu; the file is cut short or "
                       "no safetensors file",
                       fv_path_shown(at->path), size, (unsigned long long)length);
    const char *text = (const char *)bytes + FV_LENGTH_BYTES;
    json_error_t reason;
    json_t *header;
    if (fv_json_parse(text, (size_t)length, JSON_REJECT_DUPLICATES, &header, &reason) == FV_E_MEMORY)
        return fv_fail(at->error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(at->path));
    if (!json_is_object(header)) {
        fv_status status =
            fv_fail(at->error, FV_E_DATA, "%s: its header is not JSON of a safetensors file: %s (byte %d)",
                    fv_path_shown(at->path), header ? "no object" : reason.text, header ? 0 : reason.position);
        json_decref(header);
        return status;
    }
    at->data = text + length;
    at->data_size = size - FV_LENGTH_BYTES - (size_t)length;
    *out = header;
    return FV_OK;
}

static fv_status check_sum(const reading *at, const json_t *header, const void *bytes, size_t size) {
    const char *promised =
        json_string_value(json_object_get(json_object_get(header, FV_METADATA_KEY), FV_CHECKSUM_KEY));
    if (!promised) return FV_OK;
    const fv_part whole = {bytes, size};
    char found[FV_CHECKSUM_DIGITS + 1];
    const char *digits = fv_checksum_find(bytes, size - at->data_size);
    if (digits) fv_checksum_of(&whole, 1, digits, found);
    if (digits && memcmp(digits, found, FV_CHECKSUM_DIGITS) == 0) return FV_OK;
    return fv_fail(at->error, FV_E_DATA,
                   "%s: its content is not what its checksum says: the file is broken (changed on purpose, it must be "
                   "saved without the metadata's " FV_CHECKSUM_KEY ")",
                   fv_path_shown(at->path));
}

/* Copies every tensor to aligned memory. */
static fv_status keep(const reading *at, fv_safetensors *file) {
    size_t total = 0;
    for (size_t i = 0; i < at->n; i++)
        total += (at->claims[i].end - at->claims[i].begin + FV_ALIGN - 1) & -(size_t)FV_ALIGN;
    file->tensors = fv_alloc(at->n, sizeof *file->tensors);
    file->data = fv_alloc(total, 1);
    if (!file->tensors || !file->data)
        return fv_fail(at->error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(at->path));
    unsigned char *to = file->data;
    file->n = at->n;
    for (size_t i = 0; i < at->n; i++) {
        size_t n = at->claims[i].end - at->claims[i].begin;
        memcpy(to, at->data + at->claims[i].begin, n);
        file->tensors[i] = at->claims[i].tensor;
        file->tensors[i].data = to;
        to += (n + FV_ALIGN - 1) & -(size_t)FV_ALIGN;
    }
    return FV_OK;
}

fv_status fv_safetensors_parse(const char *path, const void *bytes, size_t size, fv_safetensors **out,
                               fv_error *error) {
    reading at = {.path = path, .error = error};
    fv_safetensors *file = calloc(1, sizeof *file);
    if (!file) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    fv_status status = read_header(&at, bytes, size, &file->header);
    if (status == FV_OK) status = check_sum(&at, file->header, bytes, size);
    if (status == FV_OK) status = read_claims(&at, file->header);
    if (status == FV_OK) status = keep(&at, file);
    free(at.claims);
    if (status != FV_OK) {
        fv_safetensors_destroy(file);
        return status;
    }
    *out = file;
    return FV_OK;
}

fv_status fv_safetensors_read(const char *path, fv_safetensors **out, fv_error *error) {
    char *bytes;
    size_t size;
    FV_TRY(fv_file_read(path, FILE_LIMIT, &bytes, &size, error));
    fv_status status = fv_safetensors_parse(path, bytes, size, out, error);
    free(bytes);
    return status;
}

void fv_safetensors_destroy(fv_safetensors *file) {
    if (!file) return;
    json_decref(file->header);
    free(file->tensors);
    free(file->data);
    free(file);
}

const fv_named_tensor *fv_safetensors_at(const fv_safetensors *file, size_t index) {
    return index < file->n ? &file->tensors[index] : NULL;
}

const fv_named_tensor *fv_safetensors_find(const fv_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->n; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    }
    return NULL;
}

const char *fv_safetensors_metadata(const fv_safetensors *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, FV_METADATA_KEY), key));
}
