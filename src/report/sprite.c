#include "report/sprite.h"

#include <stdlib.h>

#include "base/memory.h"
#include "report/png.h"

enum { LARGEST_SIDE = 64, SMALLEST_SIDE = 8, SAMPLE = 400 };

/* Where tiles come from. */
typedef struct source {
    const uint8_t *pixels;
    fv_shape shape;
    const uint32_t *order;
    size_t n;
} source;

/* Mean of the pixels that fall into row y, column x of an h x w tile of one channel. */
static uint8_t shrink(const uint8_t *plane, fv_shape shape, int h, int w, int y, int x) {
    int top = y * shape.h / h, bottom = (y + 1) * shape.h / h;
    int left = x * shape.w / w, right = (x + 1) * shape.w / w;
    if (bottom == top) bottom++;
    if (right == left) right++;
    int sum = 0, n = (bottom - top) * (right - left);
    for (int i = top; i < bottom; i++)
        for (int j = left; j < right; j++) sum += plane[i * shape.w + j];
    return (uint8_t)((sum + n / 2) / n);
}

static void draw_tile(const source *from, size_t i, const fv_sprite *sprite, uint8_t *canvas) {
    size_t plane = (size_t)from->shape.h * (size_t)from->shape.w, width = (size_t)(sprite->columns * sprite->width);
    size_t image = from->order ? from->order[i] : i;
    const uint8_t *pixels = from->pixels + image * plane * (size_t)from->shape.c;
    size_t column = i % (size_t)sprite->columns, row = i / (size_t)sprite->columns;
    for (int y = 0; y < sprite->height; y++)
        for (int x = 0; x < sprite->width; x++)
            for (int c = 0; c < sprite->channels; c++) {
                size_t at_y = row * (size_t)sprite->height + (size_t)y;
                size_t at_x = column * (size_t)sprite->width + (size_t)x;
                canvas[(at_y * width + at_x) * (size_t)sprite->channels + (size_t)c] =
                    shrink(pixels + (size_t)c * plane, from->shape, sprite->height, sprite->width, y, x);
            }
}

/* The first n tiles at the sprite's tile size. */
static fv_status encode(const source *from, size_t n, fv_sprite *sprite) {
    int columns = 1;
    while ((size_t)columns * (size_t)columns < n) columns++;
    sprite->columns = columns;
    int rows = (int)((n + (size_t)columns - 1) / (size_t)columns);
    uint8_t *canvas =
        fv_alloc((size_t)(columns * sprite->width) * (size_t)(rows * sprite->height), (size_t)sprite->channels);
    if (!canvas) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++) draw_tile(from, i, sprite, canvas);
    fv_buffer_deinit(&sprite->png);
    fv_status status =
        fv_png_encode(canvas, columns * sprite->width, rows * sprite->height, sprite->channels, &sprite->png);
    free(canvas);
    return status;
}

/* Tile size whose longer side is `side`. */
static void size_tile(fv_shape shape, int side, fv_sprite *sprite) {
    int longer = shape.h > shape.w ? shape.h : shape.w;
    if (side > longer) side = longer;
    sprite->height = (shape.h * side + longer / 2) / longer;
    sprite->width = (shape.w * side + longer / 2) / longer;
    if (sprite->height < 1) sprite->height = 1;
    if (sprite->width < 1) sprite->width = 1;
}

/* Whether all tiles fit, judged by a sample where there are many. */
static fv_status fits(const source *from, size_t max_bytes, fv_sprite *sprite, bool *out) {
    *out = true;
    if (from->n <= SAMPLE) return FV_OK;
    FV_TRY(encode(from, SAMPLE, sprite));
    *out = (double)sprite->png.n / SAMPLE * (double)from->n <= (double)max_bytes;
    return FV_OK;
}

fv_status fv_sprite_make(const uint8_t *pixels, fv_shape shape, const uint32_t *order, size_t n, size_t max_bytes,
                         fv_sprite *out) {
    source from = {pixels, shape, order, n};
    *out = (fv_sprite){.channels = shape.c >= 3 ? 3 : 1};
    int longer = shape.h > shape.w ? shape.h : shape.w;
    int side = longer > LARGEST_SIDE ? LARGEST_SIDE : longer;
    for (;; side = side * 7 / 8) {
        bool last = side * 7 / 8 < SMALLEST_SIDE, good;
        size_tile(shape, side, out);
        FV_TRY(fits(&from, max_bytes, out, &good));
        if (!good && !last) continue;
        FV_TRY(encode(&from, n, out));
        if (out->png.n <= max_bytes || last) return FV_OK;
    }
}

void fv_sprite_deinit(fv_sprite *sprite) {
    fv_buffer_deinit(&sprite->png);
}
