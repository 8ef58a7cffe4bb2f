#include "formats/mat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/source.h"

enum { BUFFER = 1 << 15, HEADER = 128, MOST_DEFLATED = 1032 /* bytes that one byte of a zlib stream can hold */ };
enum { MATRIX = 14, COMPRESSED = 15, INT8 = 1, INT32 = 5, UINT32 = 6 }; /* types of elements */

struct fv_mat {
    char *path;
    fv_source *source;
    size_t left;    /* bytes in the file of the running element */
    bool inflating; /* of which a zlib stream is read */
    bool inflated;  /* ... to its end */
    z_stream stream;
    fv_mat_array array;
    uint8_t buffer[BUFFER];
};

typedef struct element {
    uint32_t type;
    size_t size;
    bool is_small; /* its data stands in the tag */
    uint8_t small[4];
} element;

static fv_status fail(const fv_mat *m, fv_error *error, const char *why) {
    return fv_fail(error, FV_E_DATA, "%s: %s", fv_path_shown(m->path), why);
}

static fv_status fail_cut(const fv_mat *m, fv_error *error) {
    return fail(m, error, "ends inside an array: the file is cut short; get it again");
}

static uint32_t word_of(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* ---- bytes ---- */

/* Of the element in the file. */
static fv_status take_raw(fv_mat *m, void *out, size_t size, fv_error *error) {
    size_t got;
    if (size > m->left) return fail(m, error, "an array holds less than its header promises");
    FV_TRY(fv_source_read(m->source, out, size, &got, error));
    if (got < size) return fail_cut(m, error);
    m->left -= size;
    return FV_OK;
}

/* Inflates up to `size` bytes; *got is less only at the end of the stream, whose checksum is then right. */
static fv_status inflate_raw(fv_mat *m, void *out, size_t size, size_t *got, fv_error *error) {
    *got = 0;
    while (*got < size && !m->inflated) {
        if (m->stream.avail_in == 0 && m->left > 0) {
            const size_t n = m->left < BUFFER ? m->left : BUFFER;
            FV_TRY(take_raw(m, m->buffer, n, error));
            m->stream.next_in = m->buffer;
            m->stream.avail_in = (uInt)n;
        }
        const uInt room = (uInt)(size - *got < 1 << 30 ? size - *got : 1 << 30);
        m->stream.next_out = (uint8_t *)out + *got;
        m->stream.avail_out = room;
        const int code = inflate(&m->stream, Z_NO_FLUSH);
        *got += room - m->stream.avail_out;
        m->inflated = code == Z_STREAM_END;
        if (code == Z_MEM_ERROR)
            return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to uncompress it", fv_path_shown(m->path));
        if (code != Z_OK && code != Z_STREAM_END) return fail(m, error, "a compressed array is damaged; get it again");
    }
    return FV_OK;
}

/* The next `size` bytes of the array. */
static fv_status take(fv_mat *m, void *out, size_t size, fv_error *error) {
    size_t got;
    if (!m->inflating) return take_raw(m, out, size, error);
    FV_TRY(inflate_raw(m, out, size, &got, error));
    return got == size ? FV_OK : fail(m, error, "an array holds less than its header promises");
}

/* The same in memory that grows with what comes. */
static fv_status take_new(fv_mat *m, size_t size, uint8_t **out, fv_error *error) {
    const size_t most = m->inflating ? (m->left + m->stream.avail_in) * MOST_DEFLATED : m->left;
    if (size > most) return fail(m, error, "an array holds less than its header promises");
    uint8_t *bytes = NULL;
    size_t used = 0, room = 1 << 20;
    fv_status status;
    do {
        if (room > size) room = size;
        uint8_t *more = realloc(bytes, room + 1);
        if (more) bytes = more;
        status = more
                     ? take(m, bytes + used, room - used, error)
                     : fv_fail(error, FV_E_MEMORY, "%s: not enough memory for %zu bytes", fv_path_shown(m->path), size);
        used = room;
        room *= 2;
    } while (status == FV_OK && used < size);
    if (status != FV_OK) free(bytes);
    if (status == FV_OK) *out = bytes;
    return status;
}

static fv_status skip_raw(fv_mat *m, fv_error *error) {
    while (m->left > 0) FV_TRY(take_raw(m, m->buffer, m->left < BUFFER ? m->left : BUFFER, error));
    return FV_OK;
}

/* Behind an array that was read: its padding, and the end of its stream. */
static fv_status finish(fv_mat *m, fv_error *error) {
    uint8_t padding[9];
    size_t got = 0, rest = m->left;
    if (m->inflating) {
        FV_TRY(inflate_raw(m, padding, sizeof padding, &got, error));
        rest += m->stream.avail_in;
    }
    if (got == sizeof padding || rest >= sizeof padding)
        return fail(m, error, "holds more than its array behind its numbers");
    return FV_OK;
}

/* ---- elements ---- */

static fv_status take_tag(fv_mat *m, element *out, fv_error *error) {
    uint8_t tag[8];
    FV_TRY(take(m, tag, sizeof tag, error));
    *out = (element){.type = word_of(tag), .size = word_of(tag + 4)};
    out->is_small = out->type >> 16;
    if (!out->is_small) return FV_OK;
    out->size = out->type >> 16;
    out->type &= 0xFFFF;
    memcpy(out->small, tag + 4, sizeof out->small);
    return out->size <= sizeof out->small ? FV_OK : fail(m, error, "an array's header is damaged; get the file again");
}

/* A small part of the header, of one type and at most `room` bytes. */
static fv_status take_part(fv_mat *m, uint32_t type, uint8_t *out, size_t room, size_t *size, fv_error *error) {
    element e;
    uint8_t padding[8];
    FV_TRY(take_tag(m, &e, error));
    if (e.type != type || e.size > room) return fail(m, error, "an array's header is damaged; get the file again");
    *size = e.size;
    if (!e.is_small) FV_TRY(take(m, out, e.size, error));
    if (!e.is_small) return take(m, padding, (8 - e.size % 8) % 8, error);
    memcpy(out, e.small, e.size);
    return FV_OK;
}

static fv_status take_header(fv_mat *m, fv_mat_array *a, fv_error *error) {
    uint8_t bytes[4 * FV_MAT_RANK];
    size_t size;
    FV_TRY(take_part(m, UINT32, bytes, 8, &size, error));
    a->class = bytes[0];
    a->complex = bytes[1] & 8;
    if (size != 8) return fail(m, error, "an array's header is damaged; get the file again");
    if (a->class < 1 || a->class > FV_MAT_UINT64) return FV_OK; /* an object: it has another header */
    FV_TRY(take_part(m, INT32, bytes, sizeof bytes, &size, error));
    a->rank = (int)(size / 4);
    a->n = 1;
    for (int i = 0; i < a->rank; i++) {
        a->size[i] = word_of(bytes + 4 * i);
        if (a->size[i] > INT32_MAX || !fv_multiply(a->n, a->size[i], &a->n))
            return fail(m, error, "an array's sizes are more than any memory");
    }
    FV_TRY(take_part(m, INT8, (uint8_t *)a->name, sizeof a->name - 1, &size, error));
    return a->rank >= 2 ? FV_OK : fail(m, error, "an array's header is damaged; get the file again");
}

static fv_status begin_inflating(fv_mat *m, fv_error *error) {
    m->inflated = false;
    m->stream.avail_in = 0;
    m->inflating = m->stream.state ? inflateReset(&m->stream) == Z_OK : inflateInit(&m->stream) == Z_OK;
    if (m->inflating) return FV_OK;
    return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to uncompress it", fv_path_shown(m->path));
}

/* ---- the file ---- */

static fv_status check_header(fv_mat *m, fv_error *error) {
    uint8_t header[HEADER];
    size_t got;
    FV_TRY(fv_source_read(m->source, header, sizeof header, &got, error));
    if (got == sizeof header && header[125] == 2)
        return fail(m, error, "is of MATLAB 7.3, which is HDF5; save it with -v7");
    if (got == sizeof header && header[125] == 1 && header[126] == 'I' && header[127] == 'M') return FV_OK;
    return fail(m, error, "is no MATLAB file of level 5, little-endian: its first 128 bytes do not say so");
}

fv_status fv_mat_open(const char *path, fv_mat **out, fv_error *error) {
    fv_mat *m = calloc(1, sizeof *m);
    if (m) m->path = fv_copy_text(path);
    if (!m || !m->path) {
        free(m);
        return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    }
    fv_status status = fv_source_open(path, &m->source, error);
    if (status == FV_OK) status = check_header(m, error);
    if (status == FV_OK)
        *out = m;
    else
        fv_mat_close(m);
    return status;
}

void fv_mat_close(fv_mat *m) {
    if (!m) return;
    if (m->stream.state) inflateEnd(&m->stream);
    fv_source_close(m->source);
    free(m->path);
    free(m);
}

fv_status fv_mat_next(fv_mat *m, fv_mat_array *out, bool *ended, fv_error *error) {
    uint8_t tag[8];
    size_t got;
    element e;
    FV_TRY(skip_raw(m, error));
    FV_TRY(fv_source_read(m->source, tag, sizeof tag, &got, error));
    *out = (fv_mat_array){.name = ""};
    *ended = got == 0;
    if (*ended) return FV_OK;
    if (got < sizeof tag) return fail_cut(m, error);
    m->left = word_of(tag + 4);
    m->inflating = false;
    e.type = word_of(tag);
    if (e.type == COMPRESSED) {
        FV_TRY(begin_inflating(m, error));
        FV_TRY(take_tag(m, &e, error));
    }
    if (e.type != MATRIX) return fail(m, error, "holds what is no array; get it again");
    FV_TRY(take_header(m, out, error));
    m->array = *out;
    return FV_OK;
}

/* ---- numbers ---- */

/* Bytes of a value, by the type of the element. */
static size_t width_of(uint32_t type) {
    static const uint8_t widths[] = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8};
    return type < sizeof widths ? widths[type] : 0;
}

static double value_of(uint32_t type, const uint8_t *at) {
    const uint64_t word = word_of(at), upper = width_of(type) == 8 ? word_of(at + 4) : 0, all = word | upper << 32;
    float single;
    double value;
    const uint32_t bits = (uint32_t)word;
    memcpy(&single, &bits, sizeof single);
    memcpy(&value, &all, sizeof value);
    switch (type) {
    case 1:
        return (int8_t)(word & 0xFF);
    case 2:
        return (double)(word & 0xFF);
    case 3:
        return (int16_t)(word & 0xFFFF);
    case 4:
        return (double)(word & 0xFFFF);
    case 5:
        return (int32_t)bits;
    case 6:
        return (double)bits;
    case 7:
        return (double)single;
    case 9:
        return value;
    case 12:
        return (double)(int64_t)all;
    default:
        return (double)all;
    }
}

/* All of the array's numbers as they lie in the file, with seven zero bytes behind them. */
static fv_status take_numbers(fv_mat *m, element *e, uint8_t **out, fv_error *error) {
    const fv_mat_array *a = &m->array;
    uint8_t *bytes = NULL;
    size_t size;
    if (a->class < FV_MAT_DOUBLE || a->complex) return fail(m, error, "an array holds no real numbers");
    FV_TRY(take_tag(m, e, error));
    const size_t width = width_of(e->type);
    if (width == 0 || !fv_multiply(a->n, width, &size) || size != e->size)
        return fail(m, error, "an array holds another count of numbers than its header promises");
    if (e->is_small) {
        bytes = calloc(sizeof e->small + 7, 1);
        if (bytes) memcpy(bytes, e->small, sizeof e->small);
    } else {
        FV_TRY(take_new(m, size, &bytes, error));
        uint8_t *more = realloc(bytes, size + 7);
        if (!more) free(bytes);
        bytes = more;
        if (bytes) memset(bytes + size, 0, 7);
    }
    if (!bytes) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(m->path));
    fv_status status = finish(m, error);
    if (status == FV_OK)
        *out = bytes;
    else
        free(bytes);
    return status;
}

fv_status fv_mat_bytes(fv_mat *m, uint8_t **out, fv_error *error) {
    element e;
    if (m->array.class != FV_MAT_UINT8) return fail(m, error, "an array is not of class uint8");
    FV_TRY(take_numbers(m, &e, out, error));
    if (width_of(e.type) == 1) return FV_OK;
    free(*out);
    return fail(m, error, "an array of class uint8 holds wider numbers");
}

fv_status fv_mat_numbers_read(fv_mat *m, fv_mat_numbers *out, fv_error *error) {
    element e;
    uint8_t *bytes = NULL;
    FV_TRY(take_numbers(m, &e, &bytes, error));
    *out = (fv_mat_numbers){bytes, e.type};
    return FV_OK;
}

double fv_mat_number(const fv_mat_numbers *numbers, size_t i) {
    return value_of(numbers->type, numbers->bytes + i * width_of(numbers->type));
}
