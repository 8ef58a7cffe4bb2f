#include "formats/idx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/source.h"

enum { TYPE_BYTE = 0x08, TYPE_SHORT = 0x0b, TYPE_INT = 0x0c, MAX_RANK = 4, MAX_COLUMNS = 64 };

typedef struct idx_header {
    int type, rank;
    size_t size[MAX_RANK];
    size_t n_bytes; /* of the header */
} idx_header;

/* "47,040,016" */
static const char *grouped(size_t n, char out[32]) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%zu", n), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

static const char *type_name(int type) {
    switch (type) {
    case TYPE_BYTE:
        return "unsigned bytes";
    case 0x09:
        return "signed bytes";
    case TYPE_SHORT:
        return "16-bit integers";
    case TYPE_INT:
        return "32-bit integers";
    case 0x0d:
        return "32-bit floats";
    case 0x0e:
        return "64-bit floats";
    default:
        return "values of an unknown type";
    }
}

static fv_status fail_magic(const char *path, const uint8_t *at, bool images, fv_error *error) {
    return fv_fail(error, FV_E_DATA, "%s: is no IDX file of %s: it begins with the bytes %02x %02x %02x %02x, %s",
                   fv_path_shown(path), images ? "images" : "labels", at[0], at[1], at[2], at[3],
                   images ? "images begin with 00 00 08 03 (or 04 with channels)"
                          : "labels begin with 00 00 08 01 (or 0b 01 above 256 classes)");
}

static fv_status check_magic(const char *path, const uint8_t *at, bool images, fv_error *error) {
    int type = at[2], rank = at[3];
    if (at[0] != 0 || at[1] != 0 || rank < 1) return fail_magic(path, at, images, error);
    if (!images && type == TYPE_INT && rank == 2) return FV_OK; /* QMNIST */
    if (images ? type != TYPE_BYTE : type != TYPE_BYTE && type != TYPE_SHORT)
        return fv_fail(error, FV_E_DATA, "%s: holds %s (IDX type %02x); %s", fv_path_shown(path), type_name(type), type,
                       images ? "images must be unsigned bytes (08)"
                              : "labels must be unsigned bytes (08) or 16-bit integers (0b)");
    if (images ? rank != 3 && rank != 4 : rank != 1)
        return fv_fail(error, FV_E_DATA, "%s: has rank %d%s; %s", fv_path_shown(path), rank,
                       images && rank == 1 ? ", so these are labels" : "",
                       images ? "images have rank 3 [N][H][W] or 4 [N][C][H][W]" : "labels have rank 1 [N]");
    return FV_OK;
}

static fv_status read_header(fv_source *source, const char *path, bool images, idx_header *out, fv_error *error) {
    uint8_t bytes[4 + 4 * MAX_RANK] = {0};
    size_t got, more;
    FV_TRY(fv_source_read(source, bytes, 4, &got, error));
    if (got == 4) {
        FV_TRY(check_magic(path, bytes, images, error));
        out->type = bytes[2];
        out->rank = bytes[3];
        out->n_bytes = 4 + 4 * (size_t)out->rank;
        FV_TRY(fv_source_read(source, bytes + 4, out->n_bytes - 4, &more, error));
        got += more;
    }
    if (got < 4 || got < out->n_bytes)
        return fv_fail(error, FV_E_DATA, "%s: holds %zu bytes, too few for the header of an IDX file%s; get it again",
                       fv_path_shown(path), got, fv_source_cut(source) ? " (its gzip stream is cut short)" : "");
    for (int i = 0; i < out->rank; i++) {
        const uint8_t *at = bytes + 4 + 4 * i;
        out->size[i] = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    }
    if (out->size[0] == 0)
        return fv_fail(error, FV_E_DATA, "%s: its header promises 0 %s; a set needs at least one of each class",
                       fv_path_shown(path), images ? "images" : "labels");
    return FV_OK;
}

/* What is wrong with a file that does not hold what its header promises: `held` bytes, header included. */
static fv_status fail_size(const fv_source *source, const char *path, size_t held, const char *more_than,
                           const char *promise, size_t promised, fv_error *error) {
    char a[32], b[32];
    return fv_fail(error, FV_E_DATA, "%s: holds %s%s bytes%s, its header promises %s (%s): %s; get it again",
                   fv_path_shown(path), more_than, grouped(held, a), fv_source_is_gzip(source) ? " uncompressed" : "",
                   promise, grouped(promised, b), held < promised ? "the file is cut short" : "bytes are left over");
}

/* After the last promised byte: nothing may follow, and a gzip stream must end with its checksum. */
static fv_status check_end(fv_source *source, const char *path, const char *promise, size_t promised, fv_error *error) {
    enum { LOOK = 1 << 20 };
    uint8_t *rest = malloc(LOOK);
    if (!rest) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    size_t got;
    fv_status status = fv_source_read(source, rest, LOOK, &got, error);
    free(rest);
    FV_TRY(status);
    if (got > 0) {
        const char *more_than = got == LOOK ? "more than " : "";
        return fail_size(source, path, promised + got, more_than, promise, promised, error);
    }
    if (fv_source_cut(source))
        return fv_fail(error, FV_E_DATA,
                       "%s: its gzip stream is cut short: the checksum at its end is missing; get it "
                       "again",
                       fv_path_shown(path));
    return FV_OK;
}

/* `size` bytes behind a header of `n_header`, and then the end. */
static fv_status read_body(fv_source *source, const char *path, size_t n_header, size_t size, const char *promise,
                           uint8_t **out, fv_error *error) {
    uint8_t *bytes;
    size_t got;
    FV_TRY(fv_source_read_new(source, size, &bytes, &got, error));
    if (got < size) return fail_size(source, path, n_header + got, "", promise, n_header + size, error);
    fv_status status = check_end(source, path, promise, n_header + size, error);
    if (status != FV_OK) {
        free(bytes);
        return status;
    }
    *out = bytes;
    return FV_OK;
}

static fv_status check_shape(const char *path, const idx_header *header, fv_shape *shape, fv_error *error) {
    bool colour = header->rank == 4;
    size_t c = colour ? header->size[1] : 1, h = header->size[header->rank - 2], w = header->size[header->rank - 1];
    if (h < 1 || h > FV_MAX_SIDE || w < 1 || w > FV_MAX_SIDE)
        return fv_fail(error, FV_E_DATA, "%s: its header promises images of %zux%zu; sides must be 1 to %d",
                       fv_path_shown(path), h, w, FV_MAX_SIDE);
    if (c < 1 || c > FV_MAX_CHANNELS)
        return fv_fail(error, FV_E_DATA,
                       "%s: its header promises images of %zu channels (%zux%zu); 1 to %d are "
                       "allowed, and the order must be [N][C][H][W]",
                       fv_path_shown(path), c, h, w, FV_MAX_CHANNELS);
    *shape = (fv_shape){(int)c, (int)h, (int)w};
    return FV_OK;
}

static fv_status read_images(fv_source *source, const char *path, fv_images *out, fv_error *error) {
    idx_header header = {0};
    fv_shape found;
    FV_TRY(read_header(source, path, true, &header, error));
    FV_TRY(check_shape(path, &header, &found, error));
    char promise[80];
    int length = snprintf(promise, sizeof promise, "%zu images of %dx%d", header.size[0], found.h, found.w);
    if (header.rank == 4) snprintf(promise + length, sizeof promise - (size_t)length, "x%d", found.c);
    size_t size;
    if (!fv_multiply(header.size[0], (size_t)found.c * (size_t)found.h * (size_t)found.w, &size) ||
        size > (size_t)-1 / 4)
        return fv_fail(error, FV_E_DATA, "%s: its header promises %s, more than this machine can address",
                       fv_path_shown(path), promise);
    fv_images images = {.n = header.size[0], .shape = found};
    if (!fv_source_map(source, &images)) {
        uint8_t *pixels;
        FV_TRY(read_body(source, path, header.n_bytes, size, promise, &pixels, error));
        images.pixels = pixels;
    }
    *out = images;
    return FV_OK;
}

fv_status fv_idx_read_images(const char *path, fv_images *out, fv_error *error) {
    fv_source *source;
    FV_TRY(fv_source_open(path, &source, error));
    fv_status status = read_images(source, path, out, error);
    fv_source_close(source);
    return status;
}

static fv_status read_labels(fv_source *source, const char *path, uint16_t **labels, size_t *n, fv_error *error) {
    idx_header header = {0};
    FV_TRY(read_header(source, path, false, &header, error));
    size_t width = header.type == TYPE_INT ? 4 : header.type == TYPE_SHORT ? 2 : 1, size;
    size_t columns = header.rank == 2 ? header.size[1] : 1, record = columns * width;
    char promise[80];
    int length = snprintf(promise, sizeof promise, "%zu %slabels", header.size[0], width == 2 ? "16-bit " : "");
    if (header.rank == 2) snprintf(promise + length, sizeof promise - (size_t)length, " of %zu columns", columns);
    if (columns < 1 || columns > MAX_COLUMNS || !fv_multiply(header.size[0], record, &size))
        return fv_fail(error, FV_E_DATA, "%s: its header promises %s; 1 to %d columns are allowed, the class first",
                       fv_path_shown(path), promise, MAX_COLUMNS);
    uint8_t *bytes;
    FV_TRY(read_body(source, path, header.n_bytes, size, promise, &bytes, error));
    uint16_t *values = fv_alloc(header.size[0], sizeof *values);
    fv_status status = FV_OK;
    if (!values) status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory for %s", fv_path_shown(path), promise);
    for (size_t i = 0; status == FV_OK && i < header.size[0]; i++) {
        uint32_t value = 0;
        for (size_t j = 0; j < width; j++) value = value << 8 | bytes[i * record + j];
        values[i] = (uint16_t)value;
        if (value >= FV_MAX_CLASSES)
            status = fv_fail(error, FV_E_DATA, "%s: label %zu is %u; labels must be 0 to %d", fv_path_shown(path), i,
                             value, FV_MAX_CLASSES - 1);
    }
    free(bytes);
    if (status != FV_OK) {
        free(values);
        return status;
    }
    *labels = values;
    *n = header.size[0];
    return FV_OK;
}

fv_status fv_idx_read_labels(const char *path, uint16_t **labels, size_t *n, fv_error *error) {
    fv_source *source;
    FV_TRY(fv_source_open(path, &source, error));
    fv_status status = read_labels(source, path, labels, n, error);
    fv_source_close(source);
    return status;
}
