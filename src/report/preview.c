/* The sheet that `fovea data preview` writes: under every augmentation's text a row for each image, the original first,
 * then as many draws as asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"
#include "fovea/report.h"
#include "report/label.h"
#include "report/png.h"

enum {
    MARGIN = 10,
    GAP = 3,         /* between tiles */
    APART = 12,      /* between the original and its draws, and between augmentations */
    SMALL_TILE = 56, /* smaller images are enlarged to this at least */
    LETTERS = 2,     /* zoom of the texts; the columns' heads have 1 */
    LINE = (FV_LABEL_ROWS + 2) * LETTERS
};

typedef struct sheet {
    const fv_preview *preview;
    fv_shape shape;
    int zoom, tile_h, tile_w, channels, width, height;
    uint8_t *canvas; /* [height][width][channels] */
} sheet;

static size_t image_size(fv_shape shape) {
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static int column_at(const sheet *s, int column) {
    return MARGIN + column * (s->tile_w + GAP) + (column ? APART - GAP : 0);
}

/* The next line of a text, which breaks at blanks where it can: its length, and in *taken that with the blank. */
static size_t next_line(const sheet *s, const char *text, size_t *taken) {
    const size_t most = (size_t)((s->width - 2 * MARGIN) / (FV_LABEL_ADVANCE * LETTERS)), n = strlen(text);
    size_t length = n < most ? n : most;
    *taken = length;
    if (length == n) return n;
    while (length > 0 && text[length] != ' ') length--;
    if (length == 0) return *taken;
    *taken = length + 1;
    return length;
}

static int text_height(const sheet *s, const char *text) {
    int height = 0;
    for (size_t taken; *text; text += taken, height += LINE) next_line(s, text, &taken);
    return height;
}

static void draw_text(const sheet *s, const char *text, int y) {
    for (size_t taken, n; *text; text += taken, y += LINE) {
        n = next_line(s, text, &taken);
        fv_label_draw(text, n, MARGIN, y, LETTERS, s->width, s->channels, s->canvas);
    }
}

static void draw_tile(const sheet *s, const uint8_t *image, int x, int y) {
    const size_t plane = (size_t)s->shape.h * (size_t)s->shape.w;
    for (int i = 0; i < s->tile_h; i++)
        for (int j = 0; j < s->tile_w; j++)
            for (int c = 0; c < s->channels; c++) {
                const size_t from = (size_t)c * plane + (size_t)(i / s->zoom) * (size_t)s->shape.w;
                const size_t to = (size_t)(y + i) * (size_t)s->width + (size_t)(x + j);
                s->canvas[to * (size_t)s->channels + (size_t)c] = image[from + (size_t)(j / s->zoom)];
            }
}

/* "original", "draw 1", ... where there is room. */
static void draw_heads(const sheet *s) {
    for (int column = 0; column <= s->preview->n_draws; column++) {
        char head[16] = "original";
        if (column) snprintf(head, sizeof head, "draw %d", column % 1000);
        if ((int)strlen(head) * FV_LABEL_ADVANCE <= s->tile_w + GAP)
            fv_label_draw(head, strlen(head), column_at(s, column), MARGIN, 1, s->width, s->channels, s->canvas);
    }
}

/* The rows of one augmentation; images [n_rows][C][H][W] and scratch are there to work in. */
static void draw_rows(const sheet *s, const fv_augment *augment, int y, uint8_t *images, void *scratch) {
    const fv_preview *p = s->preview;
    const size_t size = image_size(s->shape);
    for (int column = 0; column <= p->n_draws; column++) {
        fv_mixture mixture;
        const uint32_t epoch = (uint32_t)(column - 1);
        for (int row = 0; row < p->n_rows; row++) {
            const uint8_t *from = p->images->pixels + p->rows[row] * size;
            uint8_t *to = images + (size_t)row * size;
            memcpy(to, from, size);
            if (column) fv_augment_apply(augment, p->seed, epoch, (uint32_t)row, from, to, scratch);
        }
        if (column) fv_augment_mix(augment, p->seed, epoch, 0, p->n_rows, images, &mixture, scratch);
        for (int row = 0; row < p->n_rows; row++)
            draw_tile(s, images + (size_t)row * size, column_at(s, column), y + row * (s->tile_h + GAP));
    }
}

static fv_status draw_augmentation(const sheet *s, const char *text, int y, uint8_t *images, fv_error *error) {
    fv_augment *augment;
    FV_TRY(fv_augment_create(text, s->shape, &augment, error));
    void *scratch = fv_alloc(fv_augment_scratch(augment) + 1, 1);
    if (scratch) draw_rows(s, augment, y + text_height(s, text), images, scratch);
    if (scratch) draw_text(s, text, y);
    free(scratch);
    fv_augment_destroy(augment);
    return scratch ? FV_OK : FV_E_MEMORY;
}

static int rows_height(const sheet *s) {
    return s->preview->n_rows * (s->tile_h + GAP) + APART;
}

static fv_status draw(sheet *s, fv_error *error) {
    const fv_preview *p = s->preview;
    uint8_t *images = fv_alloc((size_t)p->n_rows, image_size(s->shape));
    fv_status status = images ? FV_OK : FV_E_MEMORY;
    int y = MARGIN + LINE;
    draw_heads(s);
    for (int i = 0; i < p->n_texts && status == FV_OK; i++) {
        status = draw_augmentation(s, p->texts[i], y, images, error);
        y += text_height(s, p->texts[i]) + rows_height(s);
    }
    free(images);
    return status;
}

static sheet lay_out(const fv_preview *p) {
    const fv_shape shape = p->images->shape;
    const int longer = shape.h > shape.w ? shape.h : shape.w;
    sheet s = {.preview = p, .shape = shape, .channels = shape.c >= 3 ? 3 : 1};
    s.zoom = (SMALL_TILE + longer - 1) / longer;
    s.tile_h = shape.h * s.zoom;
    s.tile_w = shape.w * s.zoom;
    s.width = column_at(&s, p->n_draws) + s.tile_w + MARGIN;
    s.height = MARGIN + LINE;
    for (int i = 0; i < p->n_texts; i++) s.height += text_height(&s, p->texts[i]) + rows_height(&s);
    return s;
}

fv_status fv_preview_write(const fv_preview *preview, const char *path, fv_error *error) {
    fv_buffer png = {0};
    sheet s = lay_out(preview);
    if (s.width > FV_PNG_MAX_SIDE || s.height > FV_PNG_MAX_SIDE)
        return fv_fail(error, FV_E_ARGUMENT,
                       "a sheet of %dx%d pixels is too large: fewer images, draws or augmentations make it smaller",
                       s.height, s.width);
    const size_t size = (size_t)s.width * (size_t)s.height * (size_t)s.channels;
    s.canvas = fv_alloc(size, 1);
    if (!s.canvas) return fv_fail(error, FV_E_MEMORY, "preview: out of memory");
    memset(s.canvas, 255, size);
    fv_status status = draw(&s, error);
    if (status == FV_OK) status = fv_png_encode(s.canvas, s.width, s.height, s.channels, &png);
    if (status == FV_E_MEMORY) fv_fail(error, status, "preview: out of memory");
    if (status == FV_OK) status = fv_file_write(path, png.data, png.n, error);
    fv_buffer_deinit(&png);
    free(s.canvas);
    return status;
}
