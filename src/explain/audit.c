#include "fovea/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "data/images.h"
#include "explain/similar.h"
#include "fovea/machine.h"

enum { BLANK = 3 /* deviation, of 255 */ };

/* Everything about the images that the parts of the audit share. */
typedef struct gathering {
    const fv_dataset *dataset;
    size_t n, size;
    fv_image_view *views; /* [n] */
    bool *left_out;       /* [n] of the near duplicates: blank, or repeats another exactly */
} gathering;

static const uint8_t *image_at(const fv_dataset *d, size_t i) {
    size_t size = fv_image_size(d->train.shape);
    return i < d->train.n ? d->train.pixels + i * size : d->test.pixels + (i - d->train.n) * size;
}

int fv_audit_label(const fv_dataset *d, size_t i) {
    return i < d->train.n ? d->train.labels[i] : d->test.labels[i - d->train.n];
}

void fv_audit_name(const fv_dataset *d, size_t i, char *out, size_t size) {
    if (d->origins)
        fv_name_shown(d->origins[i].file, out, size);
    else
        snprintf(out, size, "%s %zu", i < d->train.n ? "train" : "test", i < d->train.n ? i : i - d->train.n);
}

static void view_share(void *context, int thread, int n_threads) {
    gathering *g = context;
    size_t n_each = (g->n + (size_t)n_threads - 1) / (size_t)n_threads, begin = (size_t)thread * n_each;
    for (size_t i = begin; i < g->n && i < begin + n_each; i++) {
        fv_image_view *v = &g->views[i];
        v->pixels = image_at(g->dataset, i);
        for (size_t j = 0; j < g->size; j++) {
            v->sum += v->pixels[j];
            v->squares += (uint64_t)v->pixels[j] * v->pixels[j];
        }
        v->hash = fv_perceptual_hash(v->pixels, g->dataset->train.shape);
    }
}

static fv_status look(gathering *g, int threads) {
    fv_team *team;
    g->views = fv_alloc(g->n, sizeof *g->views);
    g->left_out = fv_alloc(g->n, sizeof *g->left_out);
    if (!g->views || !g->left_out) return FV_E_MEMORY;
    FV_TRY(fv_team_create(threads > 0 ? threads : fv_processors(), &team));
    fv_team_run(team, view_share, g);
    fv_team_destroy(team);
    return FV_OK;
}

/* ---- exact duplicates ---- */

/* Image i by a hash of its bytes. */
typedef struct hashed {
    uint64_t hash;
    uint32_t image;
} hashed;

static int by_hash(const void *a, const void *b) {
    const hashed *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

static fv_status add_pair(fv_pairs *pairs, size_t *room, fv_pair pair) {
    if (pairs->n == *room) {
        size_t more = *room ? 2 * *room : 64;
        fv_pair *at = realloc(pairs->at, more * sizeof *at);
        if (!at) return FV_E_MEMORY;
        pairs->at = at;
        *room = more;
    }
    pairs->at[pairs->n++] = pair;
    return FV_OK;
}

static void count_pair(const gathering *g, fv_pairs *pairs, fv_pair pair) {
    bool test = pair.image >= g->dataset->train.n, like_test = pair.like >= g->dataset->train.n;
    pairs->count.in_train += !test;
    pairs->count.in_test += test && like_test;
    pairs->count.across += test && !like_test;
}

/* Of images with one hash: each with the first of the same bytes. */
static fv_status match_group(gathering *g, const hashed *group, size_t n, fv_audit *a, size_t room[2]) {
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            uint32_t image = group[i].image, like = group[j].image;
            if (memcmp(g->views[image].pixels, g->views[like].pixels, g->size) != 0) continue;
            fv_pair pair = {image, like, 1};
            FV_TRY(add_pair(&a->exact, &room[0], pair));
            g->left_out[image] = true;
            if (fv_audit_label(g->dataset, image) != fv_audit_label(g->dataset, like)) {
                FV_TRY(add_pair(&a->contradictory, &room[1], pair));
                count_pair(g, &a->contradictory, pair);
            }
            break;
        }
    return FV_OK;
}

static fv_status find_exact(gathering *g, fv_audit *a) {
    size_t room[2] = {0};
    hashed *order = fv_alloc(g->n, sizeof *order);
    if (!order) return FV_E_MEMORY;
    for (size_t i = 0; i < g->n; i++) order[i] = (hashed){fv_bytes_hash(g->views[i].pixels, g->size), (uint32_t)i};
    qsort(order, g->n, sizeof *order, by_hash);
    fv_status status = FV_OK;
    for (size_t i = 0, end; i < g->n && status == FV_OK; i = end) {
        for (end = i + 1; end < g->n && order[end].hash == order[i].hash;) end++;
        status = match_group(g, order + i, end - i, a, room);
    }
    free(order);
    FV_TRY(status);
    return fv_count_duplicates(g->dataset, &a->exact.count);
}

/* ---- near duplicates ---- */

static fv_status find_near(gathering *g, int threads, fv_audit *a) {
    size_t room = 0;
    fv_pair *best = fv_alloc(g->n, sizeof *best);
    if (!best) return FV_E_MEMORY;
    fv_status status = fv_similar_find(g->views, g->left_out, g->n, g->dataset->train.n, g->size,
                                       fv_similar_limits_for(g->n, g->size), threads, best, &a->n_partly);
    for (size_t i = 0; i < g->n && status == FV_OK; i++) {
        if (best[i].similarity <= 0) continue;
        status = add_pair(&a->near, &room, best[i]);
        if (status == FV_OK) count_pair(g, &a->near, best[i]);
    }
    free(best);
    return status;
}

/* ---- the rest ---- */

static fv_status find_blank(gathering *g, fv_audit *a) {
    a->blank = fv_alloc(g->n, sizeof *a->blank);
    if (!a->blank) return FV_E_MEMORY;
    for (size_t i = 0; i < g->n; i++) {
        double n = (double)g->size, mean = (double)g->views[i].sum / n;
        if ((double)g->views[i].squares / n - mean * mean >= BLANK * BLANK) continue;
        a->blank[a->n_blank++] = (uint32_t)i;
        g->left_out[i] = true;
    }
    return FV_OK;
}

static fv_status count_classes(const fv_dataset *d, fv_audit *a) {
    a->train = fv_alloc((size_t)d->n_classes, sizeof *a->train);
    a->test = fv_alloc((size_t)d->n_classes, sizeof *a->test);
    if (!a->train || !a->test) return FV_E_MEMORY;
    for (size_t i = 0; i < d->train.n; i++) a->train[d->train.labels[i]]++;
    for (size_t i = 0; i < d->test.n; i++) a->test[d->test.labels[i]]++;
    for (int c = 1; c < d->n_classes; c++) {
        if (a->train[c] > a->train[a->largest]) a->largest = c;
        if (a->train[c] < a->train[a->smallest]) a->smallest = c;
    }
    return FV_OK;
}

static fv_status average(const fv_dataset *d, fv_audit *a) {
    size_t size = fv_image_size(d->train.shape), classes = (size_t)d->n_classes;
    uint64_t *sum = fv_alloc(classes, size * sizeof *sum);
    a->class_mean = fv_alloc(classes, size);
    if (!sum || !a->class_mean) {
        free(sum);
        return FV_E_MEMORY;
    }
    for (size_t i = 0; i < d->train.n; i++)
        for (size_t j = 0; j < size; j++) sum[d->train.labels[i] * size + j] += d->train.pixels[i * size + j];
    for (size_t c = 0; c < classes; c++)
        for (size_t j = 0; j < size && a->train[c]; j++)
            a->class_mean[c * size + j] = (uint8_t)((sum[c * size + j] + a->train[c] / 2) / a->train[c]);
    free(sum);
    return FV_OK;
}

static int more_first(const void *a, const void *b) {
    const fv_tally *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return strcmp(x->text, y->text);
}

/* Different texts among n, counted; `write` says text i. At most 4,096 are kept apart. */
static fv_status tally(const fv_dataset *d, void (*write)(const fv_origin *, fv_tally *), fv_tally **out, int *n_out) {
    enum { MOST = 4096 };
    fv_tally *rows = fv_alloc(MOST, sizeof *rows), row;
    int n = 0, last = 0;
    if (!rows) return FV_E_MEMORY;
    for (size_t i = 0; d->origins && i < d->train.n + d->test.n; i++) {
        int at = last; /* neighbours are often alike */
        memset(&row, 0, sizeof row);
        write(&d->origins[i], &row);
        if (at >= n || strcmp(rows[at].text, row.text) != 0)
            for (at = 0; at < n && strcmp(rows[at].text, row.text) != 0;) at++;
        if (at == MOST) continue;
        if (at == n) rows[n++] = row;
        rows[at].n++;
        last = at;
    }
    qsort(rows, (size_t)n, sizeof *rows, more_first);
    *out = rows;
    *n_out = n;
    return FV_OK;
}

static void write_size(const fv_origin *o, fv_tally *row) {
    snprintf(row->text, sizeof row->text, "%dx%d", o->h, o->w);
}

static void write_mode(const fv_origin *o, fv_tally *row) {
    snprintf(row->text, sizeof row->text, "%s", o->mode);
}

/* A key that sorts pairs across the splits first, then by similarity, then by image. */
typedef struct ranked {
    fv_pair pair;
    bool across;
} ranked;

static int by_rank(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->across != y->across) return x->across ? -1 : 1;
    if (x->pair.similarity != y->pair.similarity) return x->pair.similarity < y->pair.similarity ? 1 : -1;
    return (x->pair.image > y->pair.image) - (x->pair.image < y->pair.image);
}

static fv_status rank_pairs(const fv_dataset *d, fv_pairs *pairs) {
    ranked *rows = fv_alloc(pairs->n, sizeof *rows);
    if (!rows) return FV_E_MEMORY;
    for (size_t i = 0; i < pairs->n; i++) {
        fv_pair p = pairs->at[i];
        rows[i] = (ranked){p, p.image >= d->train.n && p.like < d->train.n};
    }
    qsort(rows, pairs->n, sizeof *rows, by_rank);
    for (size_t i = 0; i < pairs->n; i++) pairs->at[i] = rows[i].pair;
    free(rows);
    return FV_OK;
}

static fv_status audit(gathering *g, int threads, fv_audit *a) {
    FV_TRY(count_classes(g->dataset, a));
    FV_TRY(average(g->dataset, a));
    FV_TRY(tally(g->dataset, write_size, &a->sizes, &a->n_sizes));
    FV_TRY(tally(g->dataset, write_mode, &a->modes, &a->n_modes));
    FV_TRY(look(g, threads));
    FV_TRY(find_exact(g, a));
    FV_TRY(find_blank(g, a));
    FV_TRY(find_near(g, threads, a));
    FV_TRY(rank_pairs(g->dataset, &a->exact));
    FV_TRY(rank_pairs(g->dataset, &a->contradictory));
    return rank_pairs(g->dataset, &a->near);
}

fv_status fv_audit_create(const fv_dataset *dataset, int threads, fv_audit **out) {
    gathering g = {
        .dataset = dataset, .n = dataset->train.n + dataset->test.n, .size = fv_image_size(dataset->train.shape)};
    fv_audit *a = calloc(1, sizeof *a);
    fv_status status = a ? audit(&g, threads, a) : FV_E_MEMORY;
    free(g.views);
    free(g.left_out);
    if (status != FV_OK) {
        fv_audit_destroy(a);
        return status;
    }
    *out = a;
    return FV_OK;
}

void fv_audit_destroy(fv_audit *a) {
    if (!a) return;
    free(a->train);
    free(a->test);
    free(a->exact.at);
    free(a->near.at);
    free(a->contradictory.at);
    free(a->blank);
    free(a->class_mean);
    free(a->sizes);
    free(a->modes);
    free(a);
}
