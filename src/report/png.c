#include "report/png.h"

#include <png.h>
#include <setjmp.h>

static void put_png(png_structp png, png_bytep bytes, png_size_t n) {
    fv_put_bytes(png_get_io_ptr(png), bytes, n);
}

static void flush_png(png_structp png) {
    (void)png;
}

/* Everything that libpng may leave by longjmp: no variable of ours changes inside. */
static fv_status encode(png_structp png, png_infop info, const uint8_t *pixels, int width, int height, int channels) {
    if (setjmp(png_jmpbuf(png))) return FV_E_MEMORY;
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                 channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    /* Tiles of many small images: neighbours rarely predict each other, filters cost more than they save in grey. */
    png_set_filter(png, 0, channels == 1 ? PNG_FILTER_NONE : PNG_ALL_FILTERS);
    png_set_compression_level(png, 4); /* 9 takes four times as long for 3 % */
    png_write_info(png, info);
    for (int y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * (size_t)width * (size_t)channels);
    png_write_end(png, NULL);
    return FV_OK;
}

fv_status fv_png_encode(const uint8_t *pixels, int width, int height, int channels, fv_buffer *out) {
    if (width < 1 || height < 1 || width > FV_PNG_MAX_SIDE || height > FV_PNG_MAX_SIDE) return FV_E_ARGUMENT;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    if (!png) return FV_E_MEMORY;
    fv_status status = FV_E_MEMORY;
    png_infop info = png_create_info_struct(png);
    if (info) {
        png_set_write_fn(png, out, put_png, flush_png);
        status = encode(png, info, pixels, width, height, channels);
    }
    png_destroy_write_struct(&png, &info);
    return status == FV_OK && out->failed ? FV_E_MEMORY : status;
}
