#include "formats/image_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"

/* Along one axis of the file: samples [from, from + length) become n_out at `at` of the target. */
typedef struct span {
    double from, length;
    int at, n_out;
} span;

/* Output o is the sum of samples [start[o], start[o] + n[o]) by weight[offset[o] ...], divided by `scale`. */
typedef struct taps {
    double scale;
    int n_out;
    int *start, *n;
    size_t *offset;
    double *weight;
} taps;

static void taps_deinit(taps *t) {
    free(t->start);
    free(t->n);
    free(t->offset);
    free(t->weight);
}

/* The mean over the interval each output covers when shrinking (and at equal size, which copies), linear between
 * centres when growing. */
static fv_status taps_init(taps *t, span s, int n_in) {
    double scale = s.length / s.n_out;
    bool grow = scale < 1;
    size_t room = (size_t)ceil(s.length) + 3 * (size_t)s.n_out + 2, used = 0;
    *t = (taps){grow ? 1 : scale,
                s.n_out,
                fv_alloc((size_t)s.n_out, sizeof(int)),
                fv_alloc((size_t)s.n_out, sizeof(int)),
                fv_alloc((size_t)s.n_out, sizeof(size_t)),
                fv_alloc(room, sizeof(double))};
    if (!t->start || !t->n || !t->offset || !t->weight) return FV_E_MEMORY;
    for (int o = 0; o < s.n_out; o++) {
        double from = s.from + o * scale, to = fmin(from + scale, n_in);
        if (grow) from = fmin(fmax(from + 0.5 * scale - 0.5, 0), n_in - 1);
        t->start[o] = (int)fmin(from, n_in - 1);
        t->offset[o] = used;
        if (grow) {
            double part = from - floor(from);
            t->weight[used++] = 1 - part;
            if (t->start[o] + 1 < n_in)
                t->weight[used++] = part;
            else
                t->weight[used - 1] = 1;
        } else {
            for (int i = t->start[o]; i < n_in && i < to && used < room; i++)
                t->weight[used++] = fmin(to, i + 1) - fmax(from, i);
        }
        t->n[o] = (int)(used - t->offset[o]);
    }
    return FV_OK;
}

/* The parts of source and target that meet. */
static void find_spans(int w, int h, int out_w, int out_h, fv_fit fit, span *x, span *y) {
    double across = (double)out_w / w, down = (double)out_h / h;
    *x = (span){0, w, 0, out_w};
    *y = (span){0, h, 0, out_h};
    if (fit == FV_FIT_PAD) {
        double scale = fmin(across, down);
        x->n_out = (int)fmax(1, fmin(out_w, nearbyint(w * scale)));
        y->n_out = (int)fmax(1, fmin(out_h, nearbyint(h * scale)));
        x->at = (out_w - x->n_out) / 2;
        y->at = (out_h - y->n_out) / 2;
    } else if (fit == FV_FIT_CROP) {
        double scale = fmax(across, down);
        x->length = fmin(w, out_w / scale);
        y->length = fmin(h, out_h / scale);
        x->from = (w - x->length) / 2;
        y->from = (h - y->length) / 2;
    }
}

/* One row as [c][w] in [0, 255]; exact where the file had 8 bits and no transparency, and for grey stored as colour. */
static void convert_row(const fv_picture *p, const uint8_t *row, int c, bool invert, float *out) {
    const uint16_t *wide = (const void *)row;
    bool alpha = p->bands == 2 || p->bands == 4, colour = p->bands >= 3;
    for (int x = 0; x < p->w; x++) {
        double v[4] = {0}, opaque = 1;
        for (int k = 0; k < p->bands; k++) {
            int at = x * p->bands + k;
            v[k] = p->sixteen ? wide[at] / 257.0 : row[at];
        }
        if (alpha) opaque = v[p->bands - 1] / 255;
        float value[3];
        for (int k = 0; k < 3; k++) value[k] = (float)(v[colour ? k : 0] * opaque);
        if (c == 1 && (value[0] != value[1] || value[1] != value[2]))
            value[0] = 0.299f * value[0] + 0.587f * value[1] + 0.114f * value[2]; /* ITU-R BT.601 */
        for (int k = 0; k < c; k++) out[(size_t)k * (size_t)p->w + (size_t)x] = invert ? 255.0f - value[k] : value[k];
    }
}

typedef struct work {
    fv_picture *picture;
    const char *path;
    int c;
    bool invert;
    taps x, y;
    float *row, *narrow; /* [c][w of the file], [c][x.n_out] */
    double *sum;         /* [y.n_out][c][x.n_out] */
} work;

/* Adds row i of the file to the outputs that it is part of; those before *first are complete. */
static void add_row(work *k, int i, int *first) {
    size_t width = (size_t)k->c * (size_t)k->x.n_out;
    for (int c = 0; c < k->c; c++) {
        const float *in = k->row + (size_t)c * (size_t)k->picture->w;
        for (int o = 0; o < k->x.n_out; o++) {
            const double *weight = k->x.weight + k->x.offset[o];
            double sum = 0;
            for (int j = 0; j < k->x.n[o]; j++) sum += (double)in[k->x.start[o] + j] * weight[j];
            k->narrow[(size_t)c * (size_t)k->x.n_out + (size_t)o] = (float)(sum / k->x.scale);
        }
    }
    while (*first < k->y.n_out && k->y.start[*first] + k->y.n[*first] <= i) ++*first;
    for (int o = *first; o < k->y.n_out && k->y.start[o] <= i; o++) {
        double weight = k->y.weight[k->y.offset[o] + (size_t)(i - k->y.start[o])], *sum = k->sum + (size_t)o * width;
        for (size_t j = 0; j < width; j++) sum[j] += (double)k->narrow[j] * weight;
    }
}

static fv_status add_rows(work *k, fv_error *error) {
    enum { STRIP = 1 << 18 /* pixels */, MOST_ROWS = 512 /* libvips' time grows with their square */ };
    fv_picture *p = k->picture;
    int last = k->y.n_out - 1, first = 0, begin = k->y.start[0], end = k->y.start[last] + k->y.n[last];
    int strip = STRIP / p->w < 16 ? 16 : STRIP / p->w > MOST_ROWS ? MOST_ROWS : STRIP / p->w;
    for (int y = begin; y < end; y += strip) {
        int n = end - y < strip ? end - y : strip;
        const uint8_t *rows;
        size_t stride;
        FV_TRY(fv_picture_rows(p, k->path, y, n, &rows, &stride, error));
        for (int i = 0; i < n; i++) {
            convert_row(p, rows + (size_t)i * stride, k->c, k->invert, k->row);
            add_row(k, y + i, &first);
        }
    }
    /* A file that breaks off behind the part that is needed is broken all the same. */
    const uint8_t *rows;
    size_t stride;
    return end < p->h ? fv_picture_rows(p, k->path, p->h - 1, 1, &rows, &stride, error) : FV_OK;
}

/* Where (x, y) of a w x h image as stored is shown. Source: EXIF 2.32, 4.6.4 A, "Orientation". */
static void turn(int orientation, int w, int h, int x, int y, int *shown_x, int *shown_y) {
    bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    if (mirror_x) x = w - 1 - x;
    if (mirror_y) y = h - 1 - y;
    *shown_x = orientation >= 5 ? y : x;
    *shown_y = orientation >= 5 ? x : y;
}

static void store(const work *k, span x, span y, fv_shape shape, int w, int h, uint8_t *out) {
    memset(out, 0, (size_t)shape.c * (size_t)shape.h * (size_t)shape.w);
    for (int r = 0; r < y.n_out; r++)
        for (int c = 0; c < shape.c; c++)
            for (int s = 0; s < x.n_out; s++) {
                size_t at = ((size_t)r * (size_t)shape.c + (size_t)c) * (size_t)x.n_out + (size_t)s;
                float sum = (float)(k->sum[at] / k->y.scale), value = sum < 0 ? 0 : sum > 255 ? 255 : sum;
                int shown_x, shown_y;
                turn(k->picture->orientation, w, h, x.at + s, y.at + r, &shown_x, &shown_y);
                out[((size_t)c * (size_t)shape.h + (size_t)shown_y) * (size_t)shape.w + (size_t)shown_x] =
                    (uint8_t)(value + 0.5f);
            }
}

/* Nothing to resize, to turn or to blend: what add_rows would do, without its sums. */
static bool fits_already(const fv_picture *p, fv_shape shape) {
    return p->w == shape.w && p->h == shape.h && !p->sixteen && p->orientation <= 1 && (p->bands & 1);
}

static fv_status copy_rows(fv_picture *p, const char *path, fv_shape shape, bool invert, uint8_t *out,
                           fv_error *error) {
    const uint8_t *rows;
    size_t stride, plane = (size_t)p->h * (size_t)p->w;
    FV_TRY(fv_picture_rows(p, path, 0, p->h, &rows, &stride, error));
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            const uint8_t *from = rows + (size_t)y * stride + (size_t)x * (size_t)p->bands;
            uint8_t *to = out + (size_t)y * (size_t)p->w + (size_t)x;
            const uint8_t v[3] = {from[0], from[p->bands == 3], from[p->bands == 3 ? 2 : 0]};
            if (shape.c == 1) {
                bool grey = v[0] == v[1] && v[1] == v[2];
                float value = grey ? v[0] : 0.299f * (float)v[0] + 0.587f * (float)v[1] + 0.114f * (float)v[2];
                *to = (uint8_t)((invert ? 255.0f - value : value) + 0.5f);
            } else {
                for (size_t c = 0; c < 3; c++) to[c * plane] = invert ? (uint8_t)(255 - v[c]) : v[c];
            }
        }
    return FV_OK;
}

fv_status fv_image_fit(fv_picture *picture, const char *path, fv_shape shape, fv_fit fit, bool invert, uint8_t *out,
                       fv_error *error) {
    if (shape.c != 1 && shape.c != 3)
        return fv_fail(error, FV_E_SHAPE, "%s: the model takes images of %d channels: a picture gives 1 or 3",
                       fv_path_shown(path), shape.c);
    if (fits_already(picture, shape)) return copy_rows(picture, path, shape, invert, out, error);
    bool turned = picture->orientation >= 5;
    int w = turned ? shape.h : shape.w, h = turned ? shape.w : shape.h;
    span x, y;
    find_spans(picture->w, picture->h, w, h, fit, &x, &y);
    work k = {.picture = picture, .path = path, .c = shape.c, .invert = invert};
    size_t c = (size_t)shape.c;
    k.row = fv_alloc(c * (size_t)picture->w, sizeof *k.row);
    k.narrow = fv_alloc(c * (size_t)x.n_out, sizeof *k.narrow);
    k.sum = fv_alloc(c * (size_t)x.n_out * (size_t)y.n_out, sizeof *k.sum);
    bool room = k.row && k.narrow && k.sum && taps_init(&k.x, x, picture->w) == FV_OK &&
                taps_init(&k.y, y, picture->h) == FV_OK;
    fv_status status =
        room ? add_rows(&k, error) : fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    if (status == FV_OK) store(&k, x, y, shape, w, h, out);
    taps_deinit(&k.x);
    taps_deinit(&k.y);
    free(k.row);
    free(k.narrow);
    free(k.sum);
    return status;
}
