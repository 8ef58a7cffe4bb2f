#include "formats/npy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/files.h"

enum { MAX_RANK = 8, MAX_HEADER = 1 << 16 };

typedef struct header {
    char kind; /* of NumPy: u, i, f, b, ... */
    int width; /* bytes of a value */
    bool big_endian, fortran;
    int rank;
    size_t size[MAX_RANK];
} header;

static fv_status fail(const fv_source *source, fv_error *error, const char *why) {
    return fv_fail(error, FV_E_DATA, "%s: %s", fv_path_shown(fv_source_name(source)), why);
}

/* ---- the header: a Python dictionary of three keys ---- */

static const char *skip(const char *at) {
    while (isspace((unsigned char)*at)) at++;
    return at;
}

/* Takes `text` at *at, blanks before it. */
static bool take(const char **at, const char *text) {
    const char *from = skip(*at);
    if (strncmp(from, text, strlen(text)) != 0) return false;
    *at = from + strlen(text);
    return true;
}

/* '<i8', '|u1': order, kind, width. */
static bool take_type(const char **at, header *out) {
    const char *from = skip(*at);
    if (*from != '\'' && *from != '"') return false;
    char quote = *from++, *end;
    if (!*from || !strchr("<>|=", *from) || !isalpha((unsigned char)from[1]) || !isdigit((unsigned char)from[2]))
        return false;
    out->big_endian = *from == '>';
    out->kind = from[1];
    long width = strtol(from + 2, &end, 10);
    if (*end != quote || width > 1 << 16) return false;
    out->width = (int)width;
    *at = end + 1;
    return true;
}

/* (3, 4), (3,), (). */
static bool take_shape(const char **at, header *out) {
    if (!take(at, "(")) return false;
    for (out->rank = 0; !take(at, ")"); out->rank++) {
        const char *from = skip(*at);
        size_t value = 0;
        if (out->rank == MAX_RANK || !isdigit((unsigned char)*from)) return false;
        for (; isdigit((unsigned char)*from); from++) {
            if (!fv_multiply(value, 10, &value) || value > SIZE_MAX - 9) return false;
            value += (size_t)(*from - '0');
        }
        out->size[out->rank] = value;
        *at = from;
        if (!take(at, ",") && *skip(*at) != ')') return false;
    }
    return true;
}

static bool take_entry(const char **at, header *out, unsigned *seen) {
    if (take(at, "'descr':")) {
        *seen |= 1;
        return take_type(at, out);
    }
    if (take(at, "'fortran_order':")) {
        *seen |= 2;
        out->fortran = take(at, "True");
        return out->fortran || take(at, "False");
    }
    *seen |= 4;
    return take(at, "'shape':") && take_shape(at, out);
}

static bool parse(const char *text, header *out) {
    unsigned seen = 0;
    if (!take(&text, "{")) return false;
    while (!take(&text, "}")) {
        if (!take_entry(&text, out, &seen)) return false;
        if (!take(&text, ",") && *skip(text) != '}') return false;
    }
    return seen == 7 && *skip(text) == 0;
}

/* The header's length, behind the magic bytes and the version. */
static fv_status read_length(fv_source *source, size_t *length, fv_error *error) {
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    uint8_t start[12] = {0};
    size_t got, more = 0;
    FV_TRY(fv_source_read(source, start, 10, &got, error));
    if (got < 10 || memcmp(start, magic, sizeof magic) != 0)
        return fail(source, error, "is no .npy array: it does not begin with the bytes 93 4e 55 4d 50 59");
    if (start[6] > 1) FV_TRY(fv_source_read(source, start + 10, 2, &more, error));
    *length = (size_t)start[8] | (size_t)start[9] << 8 | (size_t)start[10] << 16 | (size_t)start[11] << 24;
    if (start[6] < 1 || start[6] > 3 || *length > MAX_HEADER)
        return fail(source, error, "its .npy header is of no known version; save it by numpy.save");
    return FV_OK;
}

static fv_status read_header(fv_source *source, header *out, fv_error *error) {
    size_t length = 0, got;
    FV_TRY(read_length(source, &length, error));
    char *text = calloc(length + 1, 1);
    if (!text) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(fv_source_name(source)));
    fv_status status = fv_source_read(source, text, length, &got, error);
    if (status == FV_OK && got < length) status = fail(source, error, "ends inside its .npy header; get it again");
    if (status == FV_OK && !parse(text, out))
        status =
            fail(source, error,
                 "its .npy header is not the dictionary of a plain array (descr, fortran_order, shape); save it by "
                 "numpy.save");
    free(text);
    return status;
}

/* "(60000, 28, 28)" */
static const char *shape_text(const header *of, char out[160]) {
    int n = snprintf(out, 160, "(");
    for (int i = 0; i < of->rank && n < 130; i++)
        n += snprintf(out + n, 160 - (size_t)n, "%s%zu", i ? ", " : "", of->size[i]);
    snprintf(out + n, 160 - (size_t)n, ")");
    return out;
}

/* All values, and then the end. */
static fv_status read_values(fv_source *source, const header *of, uint8_t **out, fv_error *error) {
    size_t size = (size_t)of->width, got, rest;
    char shape[160], more;
    bool fits = true;
    for (int i = 0; i < of->rank; i++) fits = fits && fv_multiply(size, of->size[i], &size);
    if (!fits || size == 0 || size > SIZE_MAX / 4)
        return fv_fail(error, FV_E_DATA, "%s: its header promises an array of shape %s, which is %s",
                       fv_path_shown(fv_source_name(source)), shape_text(of, shape),
                       fits && size == 0 ? "empty" : "more than this machine can address");
    FV_TRY(fv_source_read_new(source, size, out, &got, error));
    if (got < size)
        return fv_fail(error, FV_E_DATA, "%s: is cut short: it holds %zu of the %zu bytes of shape %s; get it again",
                       fv_path_shown(fv_source_name(source)), got, size, shape_text(of, shape));
    fv_status status = fv_source_read(source, &more, 1, &rest, error);
    if (status == FV_OK && rest > 0)
        status = fv_fail(error, FV_E_DATA, "%s: has bytes behind its array of shape %s; get it again",
                         fv_path_shown(fv_source_name(source)), shape_text(of, shape));
    if (status != FV_OK) free(*out);
    return status;
}

/* ---- images ---- */

static bool is_colour(size_t channels) {
    return channels == 1 || channels == 3 || channels == 4;
}

/* The shape of an image, and whether its channels come last; false: none that is allowed. */
static bool find_shape(const header *of, fv_shape *shape, bool *channels_last) {
    size_t c = 1, h = of->size[1], w = of->size[2];
    *channels_last = false;
    if (of->rank == 2) {
        for (h = 1; h < FV_MAX_SIDE && h * h < of->size[1]; h++)
            ;
        if (h * h != of->size[1]) return false;
        w = h;
    } else if (of->rank == 4) {
        size_t second = of->size[1], last = of->size[3];
        *channels_last = last <= FV_MAX_CHANNELS && !(is_colour(second) && !is_colour(last));
        c = *channels_last ? last : second;
        h = of->size[*channels_last ? 1 : 2];
        w = of->size[*channels_last ? 2 : 3];
    } else if (of->rank != 3) {
        return false;
    }
    if (c < 1 || c > FV_MAX_CHANNELS || h < 1 || h > FV_MAX_SIDE || w < 1 || w > FV_MAX_SIDE) return false;
    *shape = (fv_shape){(int)c, (int)h, (int)w};
    return true;
}

fv_status fv_pixels_channels_first(uint8_t *pixels, size_t n, fv_shape shape) {
    size_t c = (size_t)shape.c, plane = (size_t)shape.h * (size_t)shape.w;
    if (c == 1) return FV_OK;
    uint8_t *image = fv_alloc(c, plane);
    if (!image) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++, pixels += c * plane) {
        memcpy(image, pixels, c * plane);
        for (size_t p = 0; p < plane; p++)
            for (size_t k = 0; k < c; k++) pixels[k * plane + p] = image[p * c + k];
    }
    free(image);
    return FV_OK;
}

static fv_status check_images(const fv_source *source, const header *of, fv_shape *shape, bool *channels_last,
                              fv_error *error) {
    char text[160];
    const char *name = fv_path_shown(fv_source_name(source));
    if (of->kind != 'u' || of->width != 1)
        return fv_fail(error, FV_E_DATA,
                       "%s: holds values of type %c%d; images must be uint8, 0 to 255: convert them (from 0..1: "
                       "(x * 255).round().astype('uint8')) and save them again",
                       name, of->kind, of->width);
    if (!find_shape(of, shape, channels_last))
        return fv_fail(error, FV_E_DATA,
                       "%s: an array of shape %s is no images: (n, height, width), (n, height, width, channels), (n, "
                       "channels, height, width) or (n, side * side) are; sides 1 to %d, channels 1 to %d",
                       name, shape_text(of, text), FV_MAX_SIDE, FV_MAX_CHANNELS);
    if (of->fortran && of->rank > 1)
        return fv_fail(error, FV_E_DATA, "%s: is in Fortran's order; save numpy.ascontiguousarray(x)", name);
    return FV_OK;
}

fv_status fv_npy_read_images(fv_source *source, fv_images *out, fv_error *error) {
    header of = {0};
    fv_images images = {0};
    size_t size;
    bool channels_last = false;
    uint8_t *values;
    FV_TRY(read_header(source, &of, error));
    FV_TRY(check_images(source, &of, &images.shape, &channels_last, error));
    images.n = of.size[0];
    bool fits = fv_multiply(images.n, fv_image_size(images.shape), &size);
    if (!fits || (channels_last && images.shape.c > 1) || !fv_source_map(source, &images)) {
        FV_TRY(read_values(source, &of, &values, error));
        if (channels_last && fv_pixels_channels_first(values, images.n, images.shape) != FV_OK) {
            free(values);
            return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(fv_source_name(source)));
        }
        images.pixels = values;
    }
    *out = images;
    return FV_OK;
}

/* ---- labels ---- */

static fv_status check_labels(const fv_source *source, const header *of, fv_error *error) {
    char text[160];
    const char *name = fv_path_shown(fv_source_name(source));
    if (of->rank == 2 && of->size[1] > 1)
        return fv_fail(error, FV_E_DATA,
                       "%s: has %zu label columns (shape %s), several labels an image or one-hot; one column of class "
                       "numbers is needed (one-hot: x.argmax(1))",
                       name, of->size[1], shape_text(of, text));
    if (of->rank != 1 && !(of->rank == 2 && of->size[1] == 1))
        return fv_fail(error, FV_E_DATA, "%s: an array of shape %s is no labels: (n) or (n, 1) is", name,
                       shape_text(of, text));
    bool whole =
        (of->kind == 'u' || of->kind == 'i') && (of->width == 1 || of->width == 2 || of->width == 4 || of->width == 8);
    if (!whole)
        return fv_fail(error, FV_E_DATA, "%s: holds values of type %c%d; labels must be integers: x.astype('uint16')",
                       name, of->kind, of->width);
    return FV_OK;
}

/* The value as a label; above every class where it is negative. */
static uint64_t label_at(const uint8_t *at, const header *of) {
    uint64_t value = 0;
    for (int i = 0; i < of->width; i++) {
        int byte = of->big_endian ? i : of->width - 1 - i;
        value = value << 8 | at[byte];
    }
    bool negative = of->kind == 'i' && value >> (8 * of->width - 1);
    return negative ? UINT64_MAX : value;
}

fv_status fv_npy_read_labels(fv_source *source, uint16_t **labels, size_t *n, fv_error *error) {
    header of = {0};
    uint8_t *values;
    FV_TRY(read_header(source, &of, error));
    FV_TRY(check_labels(source, &of, error));
    FV_TRY(read_values(source, &of, &values, error));
    const char *name = fv_path_shown(fv_source_name(source));
    uint16_t *found = fv_alloc(of.size[0], sizeof *found);
    fv_status status = found ? FV_OK : fv_fail(error, FV_E_MEMORY, "%s: not enough memory", name);
    for (size_t i = 0; status == FV_OK && i < of.size[0]; i++) {
        uint64_t label = label_at(values + i * (size_t)of.width, &of);
        found[i] = (uint16_t)label;
        if (label >= FV_MAX_CLASSES)
            status = fv_fail(error, FV_E_DATA, "%s: label %zu is %s; labels must be 0 to %d", name, i,
                             label == UINT64_MAX ? "negative" : "too large", FV_MAX_CLASSES - 1);
    }
    free(values);
    if (status != FV_OK) {
        free(found);
        return status;
    }
    *labels = found;
    *n = of.size[0];
    return FV_OK;
}

/* ---- weights ---- */

fv_status fv_npy_read_floats(fv_source *source, int rank, const int *size, float *values, fv_error *error) {
    header of = {0}, wanted = {.rank = rank};
    char found[160], right[160];
    uint8_t *bytes;
    FV_TRY(read_header(source, &of, error));
    bool fits =
        of.kind == 'f' && of.width == sizeof *values && !of.big_endian && !(of.fortran && rank > 1) && of.rank == rank;
    for (int i = 0; i < rank; i++) {
        wanted.size[i] = (size_t)size[i];
        fits = fits && of.size[i] == wanted.size[i];
    }
    if (!fits)
        return fv_fail(error, FV_E_DATA, "%s: holds values of type %c%d, shape %s; float32 of shape %s are needed",
                       fv_path_shown(fv_source_name(source)), of.kind, of.width, shape_text(&of, found),
                       shape_text(&wanted, right));
    FV_TRY(read_values(source, &of, &bytes, error));
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= of.size[i];
    memcpy(values, bytes, n * sizeof *values);
    free(bytes);
    return FV_OK;
}
