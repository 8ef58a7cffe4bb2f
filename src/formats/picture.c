#include "formats/picture.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/files.h"
#include "formats/vips.h"

enum { MOST_BYTES = 1 << 28 /* of pixels: some decoders hold the whole picture */, FREE_PIXELS = 1 << 22 };

struct fv_picture_state {
    const fv_vips *vips;
    const char *name;   /* of the format */
    VipsSource *source; /* of PNM */
    VipsImage *image;
    VipsRegion *region;
};

typedef enum file_kind { PNG, JPEG, GIF, WEBP, TIFF, BMP, PNM } file_kind;

static const struct {
    file_kind kind;
    const char *name, *begin;
    int n;
} kinds[] = {{PNG, "PNG", "\x89PNG\r\n\x1a\n", 8},
             {JPEG, "JPEG", "\xff\xd8\xff", 3},
             {GIF, "GIF", "GIF8", 4},
             {TIFF, "TIFF", "II*\0", 4},
             {TIFF, "TIFF", "MM\0*", 4},
             {TIFF, "TIFF", "II+\0", 4},
             {TIFF, "TIFF", "MM\0+", 4},
             {BMP, "BMP", "BM", 2}};

/* What the first bytes say. */
static bool recognise(const char *at, size_t n, file_kind *out, const char **name) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (n < (size_t)kinds[i].n || memcmp(at, kinds[i].begin, (size_t)kinds[i].n) != 0) continue;
        *out = kinds[i].kind;
        *name = kinds[i].name;
        return true;
    }
    bool webp = n >= 12 && memcmp(at, "RIFF", 4) == 0 && memcmp(at + 8, "WEBP", 4) == 0;
    bool pnm = n >= 3 && at[0] == 'P' && at[1] >= '1' && at[1] <= '6' && strchr(" \t\r\n#", at[2]) && at[2];
    *out = webp ? WEBP : PNM;
    *name = webp ? "WebP" : "PNM";
    return webp || pnm;
}

bool fv_picture_name(const char *name) {
    static const char *const ends[] = {"png",  "jpg", "jpeg", "jpe", "jfif", "webp", "tif",
                                       "tiff", "bmp", "gif",  "pgm", "ppm",  "pbm",  "pnm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        if (strcasecmp(dot + 1, ends[i]) == 0) return true;
    return false;
}

/* libvips' reason: its last line, without what would trouble a terminal. */
static fv_status fail_vips(const fv_vips *vips, const char *path, const char *what, fv_error *error) {
    char *text = vips->vips_error_buffer_copy(), reason[160];
    size_t n = strlen(text);
    while (n && text[n - 1] == '\n') text[--n] = 0;
    const char *last = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
    snprintf(reason, sizeof reason, "%s", last);
    vips->g_free(text);
    for (char *at = reason; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127) *at = ' ';
    return fv_fail(error, FV_E_DATA, "%s: a broken %s: %s: save it anew", fv_path_shown(path), what, reason);
}

#define COMMON "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR
static bool load(struct fv_picture_state *s, file_kind kind, const void *bytes, size_t n, int shrink) {
    const fv_vips *v = s->vips;
    void *at = (void *)(uintptr_t)bytes; /* libvips only reads it */
    VipsImage **to = &s->image;
    switch (kind) {
    case PNG:
        return v->vips_pngload_buffer(at, n, to, COMMON, NULL) == 0;
    case JPEG:
        return v->vips_jpegload_buffer(at, n, to, COMMON, "shrink", shrink, NULL) == 0;
    case GIF:
        return v->vips_gifload_buffer(at, n, to, COMMON, NULL) == 0;
    case WEBP:
        return v->vips_webpload_buffer(at, n, to, COMMON, NULL) == 0;
    case TIFF:
        return v->vips_tiffload_buffer(at, n, to, COMMON, NULL) == 0;
    case BMP:
        return v->vips_magickload_buffer(at, n, to, COMMON, NULL) == 0;
    case PNM:
        s->source = v->vips_source_new_from_memory(bytes, n);
        return s->source && v->vips_ppmload_source(s->source, to, COMMON, NULL) == 0;
    }
    return false;
}

static void drop_image(struct fv_picture_state *s) {
    if (s->region) s->vips->g_object_unref(s->region);
    if (s->image) s->vips->g_object_unref(s->image);
    if (s->source) s->vips->g_object_unref(s->source);
    s->region = NULL;
    s->image = NULL;
    s->source = NULL;
}

/* What n bytes can hold. A blank page of WebP or TIFF (CCITT) takes next to nothing. */
static double most_pixels(file_kind kind, size_t n) {
    if (kind == WEBP || kind == TIFF) return MOST_BYTES;
    if (kind == PNM) return 8.0 * (double)n; /* a bit a pixel, not compressed */
    double packed = kind == JPEG ? 512 /* a block of 64 takes at least a bit */ : 8300 /* deflate's most, at a bit */;
    return fmax(FREE_PIXELS, packed * (double)n);
}

static fv_status check_size(const char *path, file_kind kind, const char *name, int w, int h, int pixel_bytes, size_t n,
                            fv_error *error) {
    double pixels = (double)w * (double)h;
    if (pixels * pixel_bytes > MOST_BYTES)
        return fv_fail(error, FV_E_DATA, "%s: has %d x %d pixels, more than the 256 MiB that are read: shrink it first",
                       fv_path_shown(path), w, h);
    if (pixels > most_pixels(kind, n))
        return fv_fail(error, FV_E_DATA, "%s: a broken %s: %zu bytes cannot hold the %d x %d pixels it promises",
                       fv_path_shown(path), name, n, w, h);
    return FV_OK;
}

/* The size in a WebP's first chunk (RFC 9649), 0 x 0 where there is none: libvips allocates the whole picture while it
 * reads the header, so it must be known before. */
static void webp_size(const uint8_t *at, size_t n, int *w, int *h) {
    *w = *h = 0;
    if (n < 30) return;
    const uint8_t *chunk = at + 12, *data = at + 20;
    if (memcmp(chunk, "VP8X", 4) == 0) {
        *w = 1 + (data[4] | data[5] << 8 | data[6] << 16);
        *h = 1 + (data[7] | data[8] << 8 | data[9] << 16);
    } else if (memcmp(chunk, "VP8L", 4) == 0) {
        *w = 1 + ((data[1] | data[2] << 8) & 0x3fff);
        *h = 1 + ((data[2] >> 6 | data[3] << 2 | data[4] << 10) & 0x3fff);
    } else if (memcmp(chunk, "VP8 ", 4) == 0) {
        *w = (data[6] | data[7] << 8) & 0x3fff;
        *h = (data[8] | data[9] << 8) & 0x3fff;
    }
}

/* A whole number behind blanks and comments; 0: there is none, or one that no picture's side has. */
static int pnm_number(const char *bytes, size_t n, size_t *at) {
    int value = 0;
    while (*at < n && (bytes[*at] == '#' || isspace((unsigned char)bytes[*at]))) {
        if (bytes[*at] == '#')
            while (*at < n && bytes[*at] != '\n') ++*at;
        else
            ++*at;
    }
    for (; *at < n && isdigit((unsigned char)bytes[*at]); ++*at) {
        value = 10 * value + (bytes[*at] - '0');
        if (value > VIPS_MAX_COORD) return 0;
    }
    return value;
}

/* The size in a PNM's header (netpbm's pgm(5)), 0 x 0 where there is none: libvips takes such a size for 1. */
static void pnm_size(const char *bytes, size_t n, int *w, int *h) {
    size_t at = 2;
    *w = pnm_number(bytes, n, &at);
    *h = *w ? pnm_number(bytes, n, &at) : 0;
}

/* The largest of 8, 4, 2, 1 that leaves `least` pixels a side. */
static int shrink_factor(const VipsImage *image, int least) {
    int shrink = 8;
    while (shrink > 1 && (image->Xsize / shrink < least || image->Ysize / shrink < least)) shrink /= 2;
    return shrink;
}

static void describe(const char *name, const VipsImage *image, fv_picture *out) {
    int bands = image->Bands;
    const char *space = image->Type == VIPS_INTERPRETATION_CMYK ? "CMYK"
                        : bands == 1                            ? "grey"
                        : bands == 2                            ? "grey+alpha"
                        : bands == 3                            ? "RGB"
                                                                : "RGBA";
    snprintf(out->mode, sizeof out->mode, "%s %s%s", name, space,
             image->BandFmt == VIPS_FORMAT_USHORT ? " 16-bit" : "");
    out->file_w = image->Xsize;
    out->file_h = image->Ysize;
}

/* Spaces other than grey and RGB become RGB. */
static bool to_rgb(struct fv_picture_state *s) {
    switch (s->image->Type) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_MULTIBAND:
        return true;
    default:
        break;
    }
    VipsImage *rgb;
    if (s->vips->vips_colourspace(s->image, &rgb, VIPS_INTERPRETATION_sRGB, NULL) != 0) return false;
    s->vips->g_object_unref(s->image); /* rgb holds it */
    s->image = rgb;
    return true;
}

static fv_status open_as(struct fv_picture_state *s, file_kind kind, const char *name, const char *path,
                         const void *bytes, size_t n, int least, fv_picture *out, fv_error *error) {
    if (kind == WEBP || kind == PNM) {
        int w, h;
        kind == WEBP ? webp_size(bytes, n, &w, &h) : pnm_size(bytes, n, &w, &h);
        if (w == 0 || h == 0)
            return fv_fail(error, FV_E_DATA, "%s: a broken %s: its header gives no size: save it anew",
                           fv_path_shown(path), name);
        if (kind == WEBP) FV_TRY(check_size(path, kind, name, w, h, 4, n, error));
    }
    if (!load(s, kind, bytes, n, 1)) return fail_vips(s->vips, path, name, error);
    int pixel_bytes = s->image->Bands * (s->image->BandFmt == VIPS_FORMAT_UCHAR ? 1 : 2);
    FV_TRY(check_size(path, kind, name, s->image->Xsize, s->image->Ysize, pixel_bytes, n, error));
    describe(name, s->image, out);
    out->orientation = s->vips->vips_image_get_orientation(s->image);
    int shrink = kind == JPEG && least > 0 ? shrink_factor(s->image, least) : 1;
    if (shrink > 1) {
        drop_image(s);
        if (!load(s, kind, bytes, n, shrink)) return fail_vips(s->vips, path, name, error);
    }
    if (!to_rgb(s)) return fail_vips(s->vips, path, name, error);
    const VipsImage *image = s->image;
    bool eight = image->BandFmt == VIPS_FORMAT_UCHAR, sixteen = image->BandFmt == VIPS_FORMAT_USHORT;
    if ((!eight && !sixteen) || image->Bands > 4)
        return fv_fail(error, FV_E_DATA,
                       "%s: its pixels are neither 8 nor 16 bits, or have more than 4 values: save it as grey or RGB",
                       fv_path_shown(path));
    out->w = image->Xsize;
    out->h = image->Ysize;
    out->bands = image->Bands;
    out->sixteen = sixteen;
    s->region = s->vips->vips_region_new(s->image);
    return s->region ? FV_OK : fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
}

fv_status fv_picture_open(const char *path, const void *bytes, size_t n, int least, fv_picture *out, fv_error *error) {
    file_kind kind;
    const char *name;
    if (n == 0) return fv_fail(error, FV_E_DATA, "%s: is empty", fv_path_shown(path));
    if (!recognise(bytes, n, &kind, &name))
        return fv_fail(error, FV_E_DATA, "%s: is no PNG, JPEG, WebP, TIFF, BMP, GIF, PGM or PPM: convert it to one",
                       fv_path_shown(path));
    fv_picture picture = {.state = calloc(1, sizeof *picture.state)};
    if (!picture.state) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    picture.state->name = name;
    fv_status status = fv_vips_get(&picture.state->vips, error);
    if (status == FV_OK) status = open_as(picture.state, kind, name, path, bytes, n, least, &picture, error);
    if (status != FV_OK) {
        fv_picture_close(&picture);
        return status;
    }
    *out = picture;
    return FV_OK;
}

fv_status fv_picture_rows(fv_picture *picture, const char *path, int y, int n_rows, const uint8_t **rows,
                          size_t *stride_bytes, fv_error *error) {
    VipsRect area = {0, y, picture->w, n_rows};
    VipsRegion *region = picture->state->region;
    if (picture->state->vips->vips_region_prepare(region, &area) != 0)
        return fail_vips(picture->state->vips, path, picture->state->name, error);
    *stride_bytes = (size_t)region->bpl; /* the region may have begun above y; full width begins at 0 */
    *rows = region->data + (size_t)(y - region->valid.top) * *stride_bytes;
    return FV_OK;
}

void fv_picture_close(fv_picture *picture) {
    if (picture->state && picture->state->vips) drop_image(picture->state);
    free(picture->state);
    *picture = (fv_picture){0};
}

void fv_picture_thread_end(void) {
    const fv_vips *vips;
    if (fv_vips_get(&vips, NULL) == FV_OK) vips->vips_thread_shutdown();
}
