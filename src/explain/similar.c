#include "explain/similar.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "fovea/machine.h"

enum { SIDE = 32, LOW = 8, BITS = LOW * LOW, BANDS = 4, BAND_BITS = BITS / BANDS, BUCKETS = 1 << BAND_BITS };
enum { MOST_APART = 7 /* below 2 * BANDS */ };

/* What a channel adds to the brightness: compression keeps that best (ITU-R BT.601). */
static double weight_of(int c, int n_channels) {
    static const double rgb[] = {0.299, 0.587, 0.114};
    return n_channels == 3 ? rgb[c] : 1.0 / n_channels;
}

/* Mean brightness over cell (y, x) of SIDE x SIDE. */
static double cell(const uint8_t *pixels, fv_shape s, int y, int x) {
    int top = y * s.h / SIDE, bottom = (y + 1) * s.h / SIDE, left = x * s.w / SIDE, right = (x + 1) * s.w / SIDE;
    if (bottom == top) bottom++;
    if (right == left) right++;
    double sum = 0;
    for (int c = 0; c < s.c; c++) {
        unsigned plane = 0;
        for (int i = top; i < bottom; i++)
            for (int j = left; j < right; j++)
                plane += pixels[((size_t)c * (size_t)s.h + (size_t)i) * (size_t)s.w + (size_t)j];
        sum += weight_of(c, s.c) * plane;
    }
    return sum / ((bottom - top) * (right - left));
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The bit of frequency i. Neighbouring frequencies of a row or column go together in many sets; 16 bits that lie on
 * diagonals tell images apart better: of MNIST's the search then looks at a third as many. */
static int place_of(int i) {
    int row = i / LOW, column = i % LOW;
    return (column + 3 * row) % LOW * LOW + row;
}

uint64_t fv_perceptual_hash(const uint8_t *pixels, fv_shape shape) {
    double cosine[LOW][SIDE], rows[SIDE][LOW], low[BITS], sorted[BITS];
    for (int k = 0; k < LOW; k++)
        for (int i = 0; i < SIDE; i++) cosine[k][i] = cos(3.14159265358979323846 * k * (2 * i + 1) / (2 * SIDE));
    memset(rows, 0, sizeof rows);
    memset(low, 0, sizeof low);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double value = cell(pixels, shape, y, x);
            for (int k = 0; k < LOW; k++) rows[y][k] += value * cosine[k][x];
        }
    for (int j = 0; j < LOW; j++)
        for (int y = 0; y < SIDE; y++)
            for (int k = 0; k < LOW; k++) low[j * LOW + k] += rows[y][k] * cosine[j][y];
    low[0] = 0; /* brightness says nothing */
    memcpy(sorted, low, sizeof low);
    qsort(sorted + 1, BITS - 1, sizeof *sorted, compare);
    uint64_t hash = 0;
    for (int i = 1; i < BITS; i++) hash |= (uint64_t)(low[i] > sorted[BITS / 2]) << place_of(i);
    return hash;
}

/* Multi-index hashing: two hashes at most MOST_APART bits apart differ in at most one bit of one of BANDS parts at
 * least, so that an image's candidates lie in 1 + BAND_BITS buckets of each band.
 * Source: Norouzi, Punjani, Fleet 2012, "Fast Search in Hamming Space with Multi-Index Hashing". */
typedef struct band_index {
    uint32_t *begin; /* [BUCKETS + 1] */
    uint64_t *hash;  /* [n] sorted by the band's bits, then by image */
    uint32_t *image; /* [n] */
} band_index;

typedef struct search {
    const fv_image_view *views;
    const bool *left_out;
    size_t n, n_first, size;
    fv_similar_limits most;
    band_index bands[BANDS];
    atomic_size_t next, n_partly;
    fv_pair *best;
} search;

/* What the search for one image has seen. */
typedef struct seen {
    uint32_t image;
    size_t n_looked, n_compared;
    fv_pair best;
} seen;

static float correlation(const search *s, uint32_t a, uint32_t b) {
    const fv_image_view *x = &s->views[a], *y = &s->views[b];
    uint64_t product = 0;
    for (size_t i = 0; i < s->size;) {
        size_t end = s->size - i < 32768 ? s->size : i + 32768; /* 32,768 * 255^2 < 2^32 */
        uint32_t sum = 0;
        for (; i < end; i++) sum += (uint32_t)x->pixels[i] * y->pixels[i];
        product += sum;
    }
    double n = (double)s->size, sum_x = (double)x->sum, sum_y = (double)y->sum;
    double xx = n * (double)x->squares - sum_x * sum_x, yy = n * (double)y->squares - sum_y * sum_y;
    return xx > 0 && yy > 0 ? (float)((n * (double)product - sum_x * sum_y) / sqrt(xx * yy)) : 0;
}

/* The compiler's own is a call where the processor family is not named. */
static int count_bits(uint64_t x) {
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    return (int)(((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
}

static unsigned part_of(uint64_t hash, int b) {
    return (unsigned)(hash >> (BAND_BITS * b)) & (BUCKETS - 1);
}

/* True where a pair whose hashes differ so was not met in an earlier bucket: they come by the bits in which they differ
 * from the image's own, 0 or 1, then by band. */
static bool is_new(uint64_t differ, int n_bits, int b) {
    for (int other = 0; other < BANDS; other++) {
        int apart = count_bits(part_of(differ, other));
        if (apart < n_bits || (apart == n_bits && other < b)) return false;
    }
    return true;
}

/* The most similar, but one of the first n_first images before any other. */
static void compare_images(const search *s, seen *image, uint32_t like) {
    float similarity = correlation(s, image->image, like);
    fv_pair *best = &image->best;
    if (similarity < FV_NEAR) return;
    bool first = like<s->n_first, had = best->similarity> 0, had_first = had && best->like < s->n_first;
    bool better = similarity > best->similarity || (similarity == best->similarity && like < best->like);
    if (!had || (first && !had_first) || (first == had_first && better))
        *best = (fv_pair){image->image, like, similarity};
}

/* The images of a bucket before this one; false: more than may be looked at. */
static bool search_bucket(const search *s, seen *image, int b, unsigned bucket, int n_bits) {
    const band_index *band = &s->bands[b];
    const uint64_t hash = s->views[image->image].hash;
    for (size_t i = band->begin[bucket]; i < band->begin[bucket + 1] && band->image[i] < image->image; i++) {
        uint64_t differ = hash ^ band->hash[i];
        if (image->n_looked++ == s->most.looked) return false;
        if (count_bits(differ) > MOST_APART || !is_new(differ, n_bits, b)) continue;
        if (image->n_compared++ == s->most.compared) return false;
        compare_images(s, image, band->image[i]);
    }
    return true;
}

static bool search_image(const search *s, seen *image) {
    const uint64_t hash = s->views[image->image].hash;
    for (int b = 0; b < BANDS; b++)
        if (!search_bucket(s, image, b, part_of(hash, b), 0)) return false;
    for (int b = 0; b < BANDS; b++)
        for (int bit = 0; bit < BAND_BITS; bit++)
            if (!search_bucket(s, image, b, part_of(hash, b) ^ 1u << bit, 1)) return false;
    return true;
}

static void search_share(void *context, int thread, int n_threads) {
    enum { AT_ONCE = 64 };
    search *s = context;
    (void)thread, (void)n_threads;
    for (size_t begin; (begin = atomic_fetch_add(&s->next, AT_ONCE)) < s->n;)
        for (size_t i = begin; i < s->n && i < begin + AT_ONCE; i++) {
            seen image = {.image = (uint32_t)i};
            if (s->left_out[i]) continue;
            if (!search_image(s, &image)) s->n_partly++;
            s->best[i] = image.best;
        }
}

/* Counting sort by the bits of one band. */
static fv_status sort_band(search *s, int b) {
    band_index *band = &s->bands[b];
    band->begin = fv_alloc(BUCKETS + 2, sizeof *band->begin);
    band->hash = fv_alloc(s->n, sizeof *band->hash);
    band->image = fv_alloc(s->n, sizeof *band->image);
    if (!band->begin || !band->hash || !band->image) return FV_E_MEMORY;
    uint32_t *at = band->begin + 1; /* where the bucket's next one goes: in the end, where the next bucket begins */
    for (size_t i = 0; i < s->n; i++) at[part_of(s->views[i].hash, b) + 1] += !s->left_out[i];
    for (int k = 0; k < BUCKETS; k++) at[k + 1] += at[k];
    for (size_t i = 0; i < s->n; i++) {
        if (s->left_out[i]) continue;
        uint32_t to = at[part_of(s->views[i].hash, b)]++;
        band->hash[to] = s->views[i].hash;
        band->image[to] = (uint32_t)i;
    }
    return FV_OK;
}

fv_similar_limits fv_similar_limits_for(size_t n, size_t image_size) {
    enum { LOOKED = 1 << 16, LEAST_COMPARED = 64 };
    const uint64_t all = (uint64_t)n * image_size; /* pixels; in memory, so no overflow */
    const uint64_t compared = all ? FV_NEAR_PIXELS / all : 0;
    return (fv_similar_limits){LOOKED, compared > LEAST_COMPARED ? (size_t)compared : LEAST_COMPARED};
}

fv_status fv_similar_find(const fv_image_view *views, const bool *left_out, size_t n, size_t n_first, size_t image_size,
                          fv_similar_limits most, int threads, fv_pair *best, size_t *n_partly) {
    search s = {.views = views,
                .left_out = left_out,
                .n = n,
                .n_first = n_first,
                .size = image_size,
                .most = most,
                .best = best};
    fv_team *team = NULL;
    fv_status status = FV_OK;
    for (int b = 0; b < BANDS && status == FV_OK; b++) status = sort_band(&s, b);
    if (status == FV_OK) status = fv_team_create(threads > 0 ? threads : fv_processors(), &team);
    if (status == FV_OK) fv_team_run(team, search_share, &s);
    fv_team_destroy(team);
    for (int b = 0; b < BANDS; b++) {
        free(s.bands[b].begin);
        free(s.bands[b].hash);
        free(s.bands[b].image);
    }
    if (status == FV_OK) *n_partly = s.n_partly;
    return status;
}
