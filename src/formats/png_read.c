#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fovea/image.h"

enum { MOST_PIXELS = 1 << 25, MOST_SIDE = 1 << 16 };

/* A whole picture as 16-bit red, green, blue, alpha. */
typedef struct picture {
    size_t w, h;
    uint16_t *rgba; /* [h][w][4] */
    png_bytep *rows;
    png_structp png;
    png_infop info;
    char reason[120]; /* of libpng's error */
} picture;

static void on_error(png_structp png, png_const_charp reason) {
    picture *p = png_get_error_ptr(png);
    snprintf(p->reason, sizeof p->reason, "%s", reason);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp reason) {
    (void)png, (void)reason;
}

/* Asks libpng for 16-bit RGBA in the machine's byte order, whatever the file holds. */
static void set_transforms(png_structp png) {
    const uint16_t one = 1;
    png_set_expand(png);
    png_set_expand_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xffff, PNG_FILLER_AFTER);
    if (*(const uint8_t *)&one == 1) png_set_swap(png);
    png_set_interlace_handling(png);
}

/* Fills the picture; false with `reason` on failure. All state lives in *p, so that longjmp clobbers nothing. */
static bool read_pixels(picture *p, FILE *f) {
    if (setjmp(png_jmpbuf(p->png))) return false;
    png_init_io(p->png, f);
    png_set_user_limits(p->png, MOST_SIDE, MOST_SIDE);
    png_read_info(p->png, p->info);
    p->w = png_get_image_width(p->png, p->info);
    p->h = png_get_image_height(p->png, p->info);
    if (p->w * p->h > MOST_PIXELS) png_error(p->png, "more than 33 million pixels");
    set_transforms(p->png);
    png_read_update_info(p->png, p->info);
    if (png_get_rowbytes(p->png, p->info) != p->w * 8) png_error(p->png, "of a kind that libpng does not expand");
    p->rgba = fv_alloc(p->w * p->h, 8);
    p->rows = fv_alloc(p->h, sizeof *p->rows);
    if (!p->rgba || !p->rows) png_error(p->png, "out of memory");
    for (size_t y = 0; y < p->h; y++) p->rows[y] = (png_bytep)(p->rgba + y * p->w * 4);
    png_read_image(p->png, p->rows);
    png_read_end(p->png, NULL);
    return true;
}

static fv_status read_picture(const char *path, picture *p, fv_error *error) {
    FILE *f = fopen(path, "rb");
    if (!f) return fv_fail(error, FV_E_IO, "%s: could not be read: %s", path, strerror(errno));
    png_byte signature[8] = {0};
    size_t n = fread(signature, 1, sizeof signature, f);
    if (ferror(f)) {
        fv_fail(error, FV_E_IO, "%s: could not be read: %s", path, strerror(errno));
        fclose(f);
        return FV_E_IO;
    }
    bool is_png = n == sizeof signature && png_sig_cmp(signature, 0, sizeof signature) == 0;
    rewind(f);
    p->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, p, on_error, on_warning);
    p->info = p->png ? png_create_info_struct(p->png) : NULL;
    fv_status status = FV_OK;
    if (!is_png)
        status = fv_fail(error, FV_E_DATA, "%s: is no PNG file: convert it to PNG first", path);
    else if (!p->info)
        status = fv_fail(error, FV_E_MEMORY, "%s: out of memory", path);
    else if (!read_pixels(p, f))
        status = fv_fail(error, FV_E_DATA, "%s: a broken PNG: %s: save it anew", path, p->reason);
    png_destroy_read_struct(&p->png, &p->info, NULL);
    free(p->rows);
    fclose(f);
    return status;
}

/* n_in samples, `stride_in` apart, to n_out: the mean over the interval each covers when shrinking (and at equal size,
 * which copies), linear between centres when growing. */
static void resample(const float *in, size_t n_in, size_t stride_in, float *out, size_t n_out, size_t stride_out) {
    double scale = (double)n_in / (double)n_out;
    for (size_t o = 0; o < n_out; o++) {
        double sum = 0;
        if (n_in >= n_out) {
            double from = (double)o * scale, to = from + scale;
            for (size_t i = (size_t)from; i < n_in && (double)i < to; i++)
                sum += (double)in[i * stride_in] * (fmin(to, (double)i + 1) - fmax(from, (double)i));
            sum /= scale;
        } else {
            double at = fmin(fmax(((double)o + 0.5) * scale - 0.5, 0), (double)n_in - 1), part = at - floor(at);
            size_t i = (size_t)at, next = i + 1 < n_in ? i + 1 : i;
            sum = (double)in[i * stride_in] * (1 - part) + (double)in[next * stride_in] * part;
        }
        out[o * stride_out] = (float)sum;
    }
}

/* One row as floats in [0, 255], channel by channel: row [c][w]. */
static void convert_row(const uint16_t *rgba, size_t w, int c, bool invert, float *row) {
    for (size_t x = 0; x < w; x++, rgba += 4) {
        float value[3]; /* exact where the file had 8 bits and no transparency */
        for (int k = 0; k < 3; k++) value[k] = (float)((double)rgba[k] * rgba[3] / (65535.0 * 257.0));
        if (c == 1) value[0] = 0.299f * value[0] + 0.587f * value[1] + 0.114f * value[2];
        for (int k = 0; k < c; k++) row[(size_t)k * w + x] = invert ? 255.0f - value[k] : value[k];
    }
}

static fv_status fit(const picture *p, fv_shape shape, bool invert, uint8_t *out) {
    size_t c = (size_t)shape.c, h = (size_t)shape.h, w = (size_t)shape.w;
    float *row = fv_alloc(c * p->w, sizeof *row);           /* [C][w of the file] */
    float *narrow = fv_alloc(p->h, c * w * sizeof *narrow); /* [h of the file][C][W] */
    float *column = fv_alloc(h, sizeof *column);
    fv_status status = row && narrow && column ? FV_OK : FV_E_MEMORY;
    for (size_t y = 0; y < p->h && status == FV_OK; y++) {
        convert_row(p->rgba + y * p->w * 4, p->w, shape.c, invert, row);
        for (size_t k = 0; k < c; k++) resample(row + k * p->w, p->w, 1, narrow + (y * c + k) * w, w, 1);
    }
    for (size_t i = 0; i < c * w && status == FV_OK; i++) {
        resample(narrow + i, p->h, c * w, column, h, 1);
        for (size_t y = 0; y < h; y++)
            out[(i / w * h + y) * w + i % w] = (uint8_t)(fminf(fmaxf(column[y], 0), 255) + 0.5f);
    }
    free(row);
    free(narrow);
    free(column);
    return status;
}

fv_status fv_image_read_png(const char *path, fv_shape shape, bool invert, uint8_t *out, fv_error *error) {
    if (shape.c != 1 && shape.c != 3)
        return fv_fail(error, FV_E_SHAPE, "%s: the model takes images of %d channels: a PNG gives 1 or 3", path,
                       shape.c);
    picture p = {0};
    fv_status status = read_picture(path, &p, error);
    if (status == FV_OK && fit(&p, shape, invert, out) != FV_OK)
        status = fv_fail(error, FV_E_MEMORY, "%s: out of memory", path);
    free(p.rgba);
    return status;
}
