/* Splits and subsets, class by class. */
#include <float.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/philox.h"
#include "data/images.h"

/* The images of each class, in drawn order: class c holds member[begin[c]] ... member[begin[c + 1] - 1]. */
typedef struct classes {
    int n;
    size_t *begin;    /* [n + 1] */
    uint32_t *member; /* [number of images drawn from] */
    uint8_t *mark;    /* [images->n]: ABSENT, OTHER or TAKEN */
} classes;

enum { ABSENT, OTHER, TAKEN };

static void classes_deinit(classes *set) {
    free(set->begin);
    free(set->member);
    free(set->mark);
}

static size_t count_of(const classes *set, int c) {
    return set->begin[c + 1] - set->begin[c];
}

/* Marks images[from] (NULL: all) OTHER and counts class c in begin[c + 1]. */
static fv_status mark_and_count(classes *set, const fv_images *images, const fv_indices *from) {
    size_t n = from ? from->n : images->n;
    for (size_t i = 0; i < n; i++) {
        size_t at = from ? from->at[i] : i;
        if (at >= images->n || images->labels[at] >= set->n || set->mark[at] != ABSENT) return FV_E_ARGUMENT;
        set->mark[at] = OTHER;
        set->begin[images->labels[at] + 1]++;
    }
    return FV_OK;
}

static fv_status classes_init(classes *set, const fv_images *images, int n_classes, const fv_indices *from,
                              uint64_t seed, fv_split_use use) {
    if (n_classes < 1 || n_classes > FV_MAX_CLASSES || images->n > UINT32_MAX) return FV_E_ARGUMENT;
    set->n = n_classes;
    set->begin = fv_alloc((size_t)n_classes + 1, sizeof *set->begin);
    set->member = fv_alloc(from ? from->n : images->n, sizeof *set->member);
    set->mark = fv_alloc(images->n, 1);
    size_t *next = fv_alloc((size_t)n_classes, sizeof *next);
    fv_status status = set->begin && set->member && set->mark && next ? FV_OK : FV_E_MEMORY;
    if (status == FV_OK) status = mark_and_count(set, images, from);
    if (status != FV_OK) {
        free(next);
        classes_deinit(set);
        return status;
    }
    for (int c = 0; c < n_classes; c++) {
        set->begin[c + 1] += set->begin[c];
        next[c] = set->begin[c];
    }
    /* Ascending within a class before the shuffle, so that the order of `from` does not matter. */
    for (size_t i = 0; i < images->n; i++) {
        if (set->mark[i] != ABSENT) set->member[next[images->labels[i]]++] = (uint32_t)i;
    }
    for (int c = 0; c < n_classes; c++) {
        fv_shuffle(set->member + set->begin[c], count_of(set, c), seed, FV_RANDOM_SPLIT, (uint32_t)c, (uint32_t)use);
    }
    free(next);
    return FV_OK;
}

/* Takes the first n of class c. */
static void take(classes *set, int c, size_t n) {
    for (size_t i = 0; i < n; i++) set->mark[set->member[set->begin[c] + i]] = TAKEN;
}

/* The images that carry `mark`, ascending. */
static fv_status marked(const classes *set, size_t n_images, uint8_t mark, fv_indices *out) {
    size_t n = 0;
    for (size_t i = 0; i < n_images; i++) n += set->mark[i] == mark;
    uint32_t *at = fv_alloc(n, sizeof *at);
    if (!at) return FV_E_MEMORY;
    *out = (fv_indices){n, at};
    for (size_t i = 0; i < n_images; i++) {
        if (set->mark[i] == mark) *at++ = (uint32_t)i;
    }
    return FV_OK;
}

/* floor(fraction * n) of the decimal that a person wrote: 0.29 of 100 is 29, though the double product is a little
 * less. A product within 4 units in the last place below a whole number is that number. */
static size_t fraction_of(double fraction, size_t n) {
    double product = fraction * (double)n;
    size_t below = (size_t)product;
    double above = (double)below + 1;
    size_t taken = above - product <= 4 * DBL_EPSILON * above ? below + 1 : below;
    return taken < n ? taken : n;
}

fv_status fv_split_drawn(const fv_images *images, int n_classes, double fraction, uint64_t seed, fv_split_use use,
                         fv_indices *rest, fv_indices *drawn) {
    if (!(fraction >= 0 && fraction < 1)) return FV_E_ARGUMENT;
    classes set;
    FV_TRY(classes_init(&set, images, n_classes, NULL, seed, use));
    for (int c = 0; c < n_classes; c++) take(&set, c, fraction_of(fraction, count_of(&set, c)));
    fv_indices others, taken = {0};
    fv_status status = marked(&set, images->n, OTHER, &others);
    if (status == FV_OK) {
        status = marked(&set, images->n, TAKEN, &taken);
        if (status != FV_OK) fv_indices_deinit(&others);
    }
    if (status == FV_OK) {
        *rest = others;
        *drawn = taken;
    }
    classes_deinit(&set);
    return status;
}

fv_status fv_split_stratified(const fv_images *images, int n_classes, double fraction, uint64_t seed,
                              fv_indices *training, fv_indices *validation) {
    return fv_split_drawn(images, n_classes, fraction, seed, FV_SPLIT_VALIDATION, training, validation);
}

/* `n` numbers from `first` on. */
static fv_status range(size_t first, size_t n, fv_indices *out) {
    uint32_t *at = fv_alloc(n, sizeof *at);
    if (!at) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++) at[i] = (uint32_t)(first + i);
    *out = (fv_indices){n, at};
    return FV_OK;
}

fv_status fv_dataset_split(const fv_dataset *dataset, double fraction, uint64_t seed, fv_indices *training,
                           fv_indices *validation) {
    size_t n = dataset->train.n - dataset->n_validation;
    if (dataset->n_validation == 0 || !(fraction > 0))
        return fv_split_stratified(&dataset->train, dataset->n_classes, fraction, seed, training, validation);
    fv_indices first, last;
    FV_TRY(range(0, n, &first));
    fv_status status = range(n, dataset->n_validation, &last);
    if (status != FV_OK) {
        fv_indices_deinit(&first);
        return status;
    }
    *training = first;
    *validation = last;
    return FV_OK;
}

/* Spreads `count` over the classes by the largest remainder, an image at a time: each goes to the class that lags most
 * behind its share count * n_c / n (the lowest where several do). As by the method for `count` alone a class gets its
 * share rounded down or up (never more; less only where classes are very uneven), but a larger count never takes an
 * image away again, which that method does now and then (the Alabama paradox): so subsets nest.
 *   lag  [n_classes] scratch: (share - images given) * n. Above -n, since the most lagging of classes whose lags sum to
 * n is above 0 when it pays n; so at `count` n every lag is 0 and every class is given out whole. */
static void spread(const classes *set, size_t count, int64_t *lag, size_t *given) {
    int64_t n = (int64_t)set->begin[set->n];
    for (size_t i = 0; i < count; i++) {
        int most = 0;
        for (int c = 0; c < set->n; c++) {
            lag[c] += (int64_t)count_of(set, c);
            if (lag[c] > lag[most]) most = c;
        }
        lag[most] -= n;
        given[most]++;
    }
}

fv_status fv_subset_stratified(const fv_images *images, int n_classes, const fv_indices *from, size_t count,
                               uint64_t seed, fv_indices *out) {
    if (count < 1 || count > from->n) return FV_E_ARGUMENT;
    classes set;
    FV_TRY(classes_init(&set, images, n_classes, from, seed, FV_SPLIT_SUBSET));
    int64_t *lag = fv_alloc((size_t)n_classes, sizeof *lag);
    size_t *given = fv_alloc((size_t)n_classes, sizeof *given);
    fv_status status = FV_E_MEMORY;
    if (lag && given) {
        spread(&set, count, lag, given);
        for (int c = 0; c < n_classes; c++) take(&set, c, given[c]);
        status = marked(&set, images->n, TAKEN, out);
    }
    free(lag);
    free(given);
    classes_deinit(&set);
    return status;
}
