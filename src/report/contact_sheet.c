/* The audit of a dataset as one page: classes with their mean and samples, and every finding with its images. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/files.h"
#include "fovea/audit.h"
#include "report/buffer.h"
#include "report/sprite.h"

enum { MOST_PAIRS = 60, MOST_BLANK = 60, SAMPLES = 12, FEW_SAMPLES = 4, MANY_CLASSES = 100, TILE = 56 /* pixels */ };
enum { SPRITE_BYTES = 3 << 20, NAME = 160 };

static const char style[] =
    ":root{color-scheme:light dark;--line:#8884}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "h1{margin:0}h2{margin:2.5rem 0 .5rem}p{max-width:75ch;overflow-wrap:anywhere}small,.dim{opacity:.75}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "td,th{padding:.25rem 1rem .25rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:middle}"
    "td.n,th.n{text-align:right}meter{width:8rem;display:block}"
    "td.name,figcaption{overflow-wrap:anywhere;max-width:16rem}"
    "i{display:inline-block;image-rendering:pixelated;vertical-align:middle;margin:1px;outline:1px solid var(--line)}"
    "figure{display:inline-block;margin:0 1rem 1rem 0;vertical-align:top;max-width:20rem}"
    "figcaption{font-size:.8rem;line-height:1.3}"
    "ul.findings{padding-left:1.2rem}"
    "@media(max-width:30rem){meter{width:4rem}td,th{padding-right:.5rem}}";

typedef struct sheet {
    const fv_audit *audit;
    const fv_dataset *dataset;
    fv_buffer out;
    fv_sprite sprite; /* of the section that is written */
    int n_sprites, scale;
} sheet;

static size_t n_images(const fv_dataset *d) {
    return d->train.n + d->test.n;
}

static const uint8_t *image_at(const fv_dataset *d, size_t i) {
    size_t size = fv_image_size(d->train.shape);
    return i < d->train.n ? d->train.pixels + i * size : d->test.pixels + (i - d->train.n) * size;
}

static void put_name(sheet *s, size_t i) {
    char name[NAME];
    fv_audit_name(s->dataset, i, name, sizeof name);
    fv_put_escaped(&s->out, name);
}

/* Makes tiles 0 .. n-1 of [n][C][H][W] the ones that put_tile shows from here on. */
static fv_status begin_pixels(sheet *s, const uint8_t *pixels, size_t n) {
    fv_sprite_deinit(&s->sprite);
    FV_TRY(fv_sprite_make(pixels, s->dataset->train.shape, NULL, n, SPRITE_BYTES, &s->sprite));
    const fv_sprite *p = &s->sprite;
    int longer = p->width > p->height ? p->width : p->height;
    s->scale = longer < TILE ? TILE / longer : 1;
    fv_putf(&s->out,
            "<style>.s%d{width:%dpx;height:%dpx;background-size:%dpx auto;background-image:url(data:image/png;base64,",
            ++s->n_sprites, p->width * s->scale, p->height * s->scale, p->columns * p->width * s->scale);
    fv_put_base64(&s->out, p->png.data, p->png.n);
    fv_put(&s->out, ")}</style>\n");
    return FV_OK;
}

static fv_status begin_tiles(sheet *s, const uint32_t *images, size_t n) {
    size_t size = fv_image_size(s->dataset->train.shape);
    uint8_t *pixels = fv_alloc(n, size);
    if (!pixels) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++) memcpy(pixels + i * size, image_at(s->dataset, images[i]), size);
    fv_status status = begin_pixels(s, pixels, n);
    free(pixels);
    return status;
}

static void put_place(sheet *s, size_t tile) {
    const fv_sprite *p = &s->sprite;
    int x = (int)(tile % (size_t)p->columns), y = (int)(tile / (size_t)p->columns);
    fv_putf(&s->out, "<i class=s%d style=\"background-position:-%dpx -%dpx\" role=img ", s->n_sprites,
            x * p->width * s->scale, y * p->height * s->scale);
}

static void put_tile(sheet *s, size_t tile, size_t image) {
    put_place(s, tile);
    fv_put(&s->out, "title=\"");
    put_name(s, image);
    fv_put(&s->out, "\" aria-label=\"");
    put_name(s, image);
    fv_put(&s->out, "\"></i>");
}

static void put_label(sheet *s, size_t image) {
    fv_put_escaped(&s->out, s->dataset->class_names[fv_audit_label(s->dataset, image)]);
}

/* ---- the head ---- */

static void put_finding(sheet *s, const char *id, size_t n, const char *one, const char *more) {
    if (n == 0) return;
    fv_putf(&s->out, "<li><a href=\"#%s\">%zu %s</a></li>\n", id, n, n == 1 ? one : more);
}

static void put_head(sheet *s) {
    const fv_dataset *d = s->dataset;
    const fv_audit *a = s->audit;
    fv_shape shape = d->train.shape;
    fv_put(&s->out, "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
                    "content=\"width=device-width\"><title>");
    fv_put_escaped(&s->out, d->name);
    fv_putf(&s->out, " - audit</title><style>%s</style>\n", style);
    fv_put_element(&s->out, "h1", NULL, d->name);
    fv_putf(&s->out, "<p>%zu training and %zu test images of %d x %d pixels, %s, in %d classes.%s</p>\n", d->train.n,
            d->test.n, shape.h, shape.w,
            shape.c == 1   ? "grey"
            : shape.c == 3 ? "colour"
                           : "of several channels",
            d->n_classes, d->test_set_aside ? " The test images were set aside from the training images." : "");
    fv_put(&s->out, "<ul class=findings>\n");
    size_t across = a->exact.count.across + a->near.count.across, mark = s->out.n;
    put_finding(s, "contradictory", a->contradictory.n, "image stands under two labels",
                "images stand under two labels");
    put_finding(s, a->exact.count.across ? "exact" : "near", across, "test image is, or looks, like a training image",
                "test images are, or look, like training images");
    put_finding(s, "exact", a->exact.count.in_train, "training image repeats another", "training images repeat others");
    put_finding(s, "near", a->near.count.in_train, "training image nearly repeats another",
                "training images nearly repeat others");
    if (a->n_partly)
        fv_putf(&s->out,
                "<li>%zu look like so many others that only a part was compared: near ones may be missing</li>\n",
                a->n_partly);
    put_finding(s, "blank", a->n_blank, "image is blank or nearly so", "images are blank or nearly so");
    if (d->n_bad) fv_putf(&s->out, "<li>%zu damaged files were left out</li>\n", d->n_bad);
    size_t most = a->train[a->largest], least = a->train[a->smallest];
    if (most > 3 * least) {
        fv_putf(&s->out, "<li><a href=\"#classes\">Classes are out of balance</a>: %zu of ", most);
        fv_put_escaped(&s->out, d->class_names[a->largest]);
        fv_putf(&s->out, ", %zu of ", least);
        fv_put_escaped(&s->out, d->class_names[a->smallest]);
        fv_put(&s->out, "</li>\n");
    }
    if (s->out.n == mark) fv_put(&s->out, "<li>Nothing conspicuous was found.</li>\n");
    fv_put(&s->out, "</ul>\n");
}

/* ---- classes ---- */

/* Up to n_each training images of each class, evenly spread: image[c * n_each + k]; n_found[c] of them. */
static fv_status choose_samples(const fv_dataset *d, const fv_audit *a, size_t n_each, uint32_t **out, size_t **n_out) {
    size_t *seen = fv_alloc((size_t)d->n_classes, sizeof *seen), *found = fv_alloc((size_t)d->n_classes, sizeof *found);
    uint32_t *image = fv_alloc((size_t)d->n_classes * n_each, sizeof *image);
    for (size_t i = 0; seen && found && image && i < d->train.n; i++) {
        size_t c = d->train.labels[i], total = a->train[c], wanted = total < n_each ? total : n_each;
        /* image number k of the samples is the one at k * total / wanted */
        if (found[c] < wanted && seen[c] == found[c] * total / wanted) image[c * n_each + found[c]++] = (uint32_t)i;
        seen[c]++;
    }
    free(seen);
    *out = image;
    *n_out = found;
    return seen && found && image ? FV_OK : FV_E_MEMORY;
}

static fv_status put_class_row(sheet *s, int c) {
    const fv_audit *a = s->audit;
    fv_put(&s->out, "<tr><td class=name>");
    fv_put_escaped(&s->out, s->dataset->class_names[c]);
    fv_putf(&s->out, "<td class=n>%zu<td class=n>%zu<td><meter min=0 max=%zu value=%zu></meter><td>", a->train[c],
            a->test[c], a->train[a->largest] ? a->train[a->largest] : 1, a->train[c]);
    put_place(s, (size_t)c);
    fv_put(&s->out, "aria-label=\"mean image\"></i>\n");
    return FV_OK;
}

static fv_status put_classes(sheet *s) {
    const fv_dataset *d = s->dataset;
    fv_put(&s->out, "<h2 id=classes>Classes</h2>\n");
    fv_status status = begin_pixels(s, s->audit->class_mean, (size_t)d->n_classes);
    fv_put(&s->out, "<table><tr><th>class<th class=n>train<th class=n>test<th><th>mean\n");
    for (int c = 0; c < d->n_classes && status == FV_OK; c++) status = put_class_row(s, c);
    fv_put(&s->out, "</table>\n");
    return status;
}

static fv_status put_samples(sheet *s) {
    const fv_dataset *d = s->dataset;
    size_t n_each = d->n_classes > MANY_CLASSES ? FEW_SAMPLES : SAMPLES, *found, n = 0;
    uint32_t *images;
    fv_put(&s->out, "<h2>Samples</h2>\n");
    fv_status status = choose_samples(d, s->audit, n_each, &images, &found);
    for (size_t c = 0; status == FV_OK && c < (size_t)d->n_classes; c++) /* close the gaps */
        for (size_t k = 0; k < found[c]; k++) images[n++] = images[c * n_each + k];
    if (status == FV_OK) status = begin_tiles(s, images, n);
    n = 0;
    fv_put(&s->out, "<table>\n");
    for (size_t c = 0; status == FV_OK && c < (size_t)d->n_classes; c++) {
        fv_put(&s->out, "<tr><td class=name>");
        fv_put_escaped(&s->out, d->class_names[c]);
        fv_put(&s->out, "<td>");
        for (size_t k = 0; k < found[c]; k++, n++) put_tile(s, n, images[n]);
        fv_put(&s->out, "\n");
    }
    fv_put(&s->out, "</table>\n");
    free(images);
    free(found);
    return status;
}

/* ---- findings ---- */

static fv_status put_pairs(sheet *s, const char *id, const char *title, const char *text, const fv_pairs *pairs) {
    uint32_t images[2 * MOST_PAIRS];
    size_t n = pairs->n < MOST_PAIRS ? pairs->n : MOST_PAIRS;
    if (n == 0) return FV_OK;
    fv_putf(&s->out, "<h2 id=%s>%s</h2>\n<p>%s %zu in train, %zu in test, %zu of test also in train.", id, title, text,
            pairs->count.in_train, pairs->count.in_test, pairs->count.across);
    if (n < pairs->n) fv_putf(&s->out, " The first %zu of %zu pairs:", n, pairs->n);
    fv_put(&s->out, "</p>\n");
    for (size_t i = 0; i < n; i++) {
        images[2 * i] = pairs->at[i].image;
        images[2 * i + 1] = pairs->at[i].like;
    }
    FV_TRY(begin_tiles(s, images, 2 * n));
    for (size_t i = 0; i < n; i++) {
        fv_put(&s->out, "<figure>");
        for (size_t k = 2 * i; k < 2 * i + 2; k++) put_tile(s, k, images[k]);
        fv_put(&s->out, "<figcaption>");
        for (size_t k = 2 * i; k < 2 * i + 2; k++) {
            put_name(s, images[k]);
            fv_put(&s->out, " <b>");
            put_label(s, images[k]);
            fv_put(&s->out, k == 2 * i ? "</b><br>" : "</b>");
        }
        if (pairs->at[i].similarity < 1) fv_putf(&s->out, "<br>similarity %.3f", (double)pairs->at[i].similarity);
        fv_put(&s->out, "</figcaption></figure>\n");
    }
    return FV_OK;
}

static fv_status put_blank(sheet *s) {
    const fv_audit *a = s->audit;
    size_t n = a->n_blank < MOST_BLANK ? a->n_blank : MOST_BLANK;
    if (n == 0) return FV_OK;
    fv_putf(&s->out, "<h2 id=blank>Blank images</h2>\n<p>%zu of %zu images have pixels that hardly differ.</p>\n",
            a->n_blank, n_images(s->dataset));
    FV_TRY(begin_tiles(s, a->blank, n));
    for (size_t i = 0; i < n; i++) {
        fv_put(&s->out, "<figure>");
        put_tile(s, i, a->blank[i]);
        fv_put(&s->out, "<figcaption>");
        put_name(s, a->blank[i]);
        fv_put(&s->out, " <b>");
        put_label(s, a->blank[i]);
        fv_put(&s->out, "</b></figcaption></figure>\n");
    }
    return FV_OK;
}

static void put_tallies(sheet *s, const char *title, const fv_tally *rows, int n) {
    enum { MOST = 20 };
    if (n == 0) return;
    fv_putf(&s->out, "<h2>%s</h2>\n<table>\n", title);
    for (int i = 0; i < n && i < MOST; i++) {
        fv_put(&s->out, "<tr><td>");
        fv_put_escaped(&s->out, rows[i].text);
        fv_putf(&s->out, "<td class=n>%zu\n", rows[i].n);
    }
    fv_put(&s->out, "</table>\n");
    if (n > MOST) fv_putf(&s->out, "<p>and %d others</p>\n", n - MOST);
}

static fv_status put_page(sheet *s) {
    const fv_audit *a = s->audit;
    put_head(s);
    FV_TRY(put_pairs(s, "contradictory", "Contradictory labels",
                     "The same image, byte for byte, under different labels: one of them is wrong.",
                     &a->contradictory));
    FV_TRY(put_pairs(s, "exact", "Repeated images", "Images that occur again byte for byte.", &a->exact));
    FV_TRY(put_pairs(s, "near", "Nearly repeated images",
                     "Images that look alike: the same one saved again, brightened or cut a little, or taken in a row.",
                     &a->near));
    FV_TRY(put_blank(s));
    FV_TRY(put_classes(s));
    FV_TRY(put_samples(s));
    put_tallies(s, "Sizes of the files (height x width)", a->sizes, a->n_sizes);
    put_tallies(s, "Kinds of files", a->modes, a->n_modes);
    fv_put(&s->out, "<p class=dim><small>Sums of the pixels: train ");
    fv_put(&s->out, s->dataset->train_sha256);
    fv_put(&s->out, ", test ");
    fv_put(&s->out, s->dataset->test_sha256);
    fv_put(&s->out, "</small></p></html>\n");
    return s->out.failed ? FV_E_MEMORY : FV_OK;
}

fv_status fv_audit_write_sheet(const fv_audit *audit, const fv_dataset *dataset, const char *path, fv_error *error) {
    sheet s = {.audit = audit, .dataset = dataset};
    fv_status status = put_page(&s);
    if (status == FV_OK)
        status = fv_file_write(path, s.out.data, s.out.n, error);
    else
        fv_fail(error, status, "%s: %s", fv_path_shown(path), fv_status_text(status));
    fv_sprite_deinit(&s.sprite);
    fv_buffer_deinit(&s.out);
    return status;
}
