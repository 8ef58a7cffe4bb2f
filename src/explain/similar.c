#include "explain/similar.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "fovea/machine.h"

enum { SIDE = 32, LOW = 8, BITS = LOW * LOW, BANDS = 8, BUCKETS = 256, MOST_APART = BANDS - 1 };

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
    for (int i = 1; i < BITS; i++) hash |= (uint64_t)(low[i] > sorted[BITS / 2]) << i;
    return hash;
}

typedef struct search {
    const fv_image_view *views;
    size_t n, size;
    uint32_t *order[BANDS]; /* images sorted by their byte of the hash */
    size_t begin[BANDS][BUCKETS + 1];
    atomic_int next; /* bucket of all bands */
    pthread_mutex_t lock;
    fv_pair *pairs;
    size_t n_pairs, room;
    bool failed;
} search;

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

static void keep(search *s, uint32_t a, uint32_t b, float similarity) {
    pthread_mutex_lock(&s->lock);
    if (s->n_pairs == s->room) {
        size_t room = s->room ? 2 * s->room : 1024;
        fv_pair *more = realloc(s->pairs, room * sizeof *more);
        s->failed |= !more;
        if (more) {
            s->pairs = more;
            s->room = room;
        }
    }
    if (s->n_pairs < s->room) s->pairs[s->n_pairs++] = (fv_pair){a > b ? a : b, a > b ? b : a, similarity};
    pthread_mutex_unlock(&s->lock);
}

/* The compiler's own is a call where the processor family is not named. */
static int count_bits(uint64_t x) {
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    return (int)(((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
}

/* Two hashes at most BANDS - 1 bits apart agree in one of BANDS bytes at least; the pair belongs to the first. */
static void search_bucket(search *s, int band, int bucket) {
    for (size_t i = s->begin[band][bucket]; i < s->begin[band][bucket + 1]; i++)
        for (size_t j = i + 1; j < s->begin[band][bucket + 1]; j++) {
            uint32_t a = s->order[band][i], b = s->order[band][j];
            uint64_t differ = s->views[a].hash ^ s->views[b].hash;
            if (count_bits(differ) > MOST_APART) continue;
            int first = 0;
            while (differ >> (8 * first) & 0xff) first++;
            if (first != band) continue;
            float similarity = correlation(s, a, b);
            if (similarity >= FV_NEAR) keep(s, a, b, similarity);
        }
}

static void search_share(void *context, int thread, int n_threads) {
    search *s = context;
    (void)thread, (void)n_threads;
    for (int i; !s->failed && (i = s->next++) < BANDS * BUCKETS;) search_bucket(s, i / BUCKETS, i % BUCKETS);
}

/* Counting sort by one byte of the hash. */
static fv_status sort_band(search *s, const bool *left_out, int band) {
    size_t at[BUCKETS], *begin = s->begin[band];
    s->order[band] = fv_alloc(s->n, sizeof *s->order[band]);
    if (!s->order[band]) return FV_E_MEMORY;
    for (size_t i = 0; i < s->n; i++) begin[(s->views[i].hash >> (8 * band) & 0xff) + 1] += !left_out[i];
    for (int b = 0; b < BUCKETS; b++) {
        begin[b + 1] += begin[b];
        at[b] = begin[b];
    }
    for (size_t i = 0; i < s->n; i++)
        if (!left_out[i]) s->order[band][at[s->views[i].hash >> (8 * band) & 0xff]++] = (uint32_t)i;
    return FV_OK;
}

fv_status fv_similar_pairs(const fv_image_view *views, const bool *left_out, size_t n, size_t image_size, int threads,
                           fv_pair **pairs, size_t *n_pairs) {
    search s = {.views = views, .n = n, .size = image_size, .lock = PTHREAD_MUTEX_INITIALIZER};
    fv_team *team = NULL;
    fv_status status = FV_OK;
    for (int band = 0; band < BANDS && status == FV_OK; band++) status = sort_band(&s, left_out, band);
    if (status == FV_OK) status = fv_team_create(threads > 0 ? threads : fv_processors(), &team);
    if (status == FV_OK) fv_team_run(team, search_share, &s);
    fv_team_destroy(team);
    for (int band = 0; band < BANDS; band++) free(s.order[band]);
    if (status != FV_OK || s.failed) {
        free(s.pairs);
        return status != FV_OK ? status : FV_E_MEMORY;
    }
    *pairs = s.pairs;
    *n_pairs = s.n_pairs;
    return FV_OK;
}
