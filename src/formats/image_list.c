#include "formats/image_list.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/threads.h"
#include "data/images.h"
#include "formats/files.h"
#include "formats/sha256.h"
#include "fovea/machine.h"
#include "fovea/net.h"

enum { MOST_TOLD = 20 };

void fv_image_list_deinit(fv_image_list *list) {
    for (size_t i = 0; i < list->n; i++) free(list->at[i].file);
    free(list->at);
    fv_strings_free(list->class_names, list->n_classes);
    *list = (fv_image_list){0};
}

fv_status fv_image_list_add(fv_image_list *list, const char *file, int label, fv_list_split split) {
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 256;
        fv_listed *more = realloc(list->at, room * sizeof *more);
        if (!more) return FV_E_MEMORY;
        list->at = more;
        list->room = room;
    }
    char *copy = fv_copy_text(file);
    if (!copy) return FV_E_MEMORY;
    list->at[list->n++] = (fv_listed){.file = copy, .label = (uint16_t)label, .split = (uint8_t)split};
    return FV_OK;
}

static size_t count_split(const fv_image_list *list, fv_list_split split) {
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) n += list->at[i].split == split;
    return n;
}

/* A part of train becomes test, drawn from seed 0: the test split is a property of the set. */
static fv_status set_aside(fv_image_list *list, fv_error *error) {
    uint16_t *labels = fv_alloc(list->n, sizeof *labels);
    uint32_t *place = fv_alloc(list->n, sizeof *place);
    fv_indices rest = {0}, drawn = {0};
    size_t n = 0;
    for (size_t i = 0; labels && place && i < list->n; i++) {
        if (list->at[i].split != FV_LIST_TRAIN) continue;
        labels[n] = list->at[i].label;
        place[n++] = (uint32_t)i;
    }
    fv_images train = {.n = n, .labels = labels};
    fv_status status = labels && place
                           ? fv_split_drawn(&train, list->n_classes, FV_SET_ASIDE, 0, FV_SPLIT_TEST, &rest, &drawn)
                           : FV_E_MEMORY;
    for (size_t i = 0; status == FV_OK && i < drawn.n; i++) list->at[place[drawn.at[i]]].split = FV_LIST_TEST;
    if (status != FV_OK)
        fv_fail(error, status, "%s: not enough memory", fv_path_shown(list->name));
    else if (drawn.n == 0)
        status =
            fv_fail(error, FV_E_DATA,
                    "%s: has no test images, and no class has the 7 it takes to set 15 %% aside for testing; add %s",
                    fv_path_shown(list->name), list->add_test);
    fv_indices_deinit(&rest);
    fv_indices_deinit(&drawn);
    free(labels);
    free(place);
    return status;
}

/* Training, validation, test, each in the order it had. */
static fv_status order_by_split(fv_image_list *list) {
    fv_listed *sorted = fv_alloc(list->n, sizeof *sorted);
    if (!sorted) return FV_E_MEMORY;
    size_t n = 0;
    for (int split = FV_LIST_TRAIN; split <= FV_LIST_TEST; split++)
        for (size_t i = 0; i < list->n; i++)
            if (list->at[i].split == split) sorted[n++] = list->at[i];
    free(list->at);
    list->at = sorted;
    list->room = n;
    return FV_OK;
}

static bool path_of(const fv_image_list *list, const fv_listed *file, char path[PATH_MAX]) {
    int n = *file->file == '/' ? snprintf(path, PATH_MAX, "%s", file->file)
                               : snprintf(path, PATH_MAX, "%s/%s", list->root, file->file);
    return n > 0 && n < PATH_MAX;
}

static void look_up(fv_image_list *list) {
    char path[PATH_MAX];
    struct stat info;
    for (size_t i = 0; i < list->n; i++) {
        if (!path_of(list, &list->at[i], path) || stat(path, &info) != 0) continue; /* told when it is read */
        list->at[i].size_bytes = (uint64_t)info.st_size;
        list->at[i].time_ns = (int64_t)((uint64_t)info.st_mtim.tv_sec * 1000000000 +
                                        (uint64_t)info.st_mtim.tv_nsec); /* in the year 2262 it begins anew */
    }
}

typedef struct decoding {
    fv_image_list *list;
    const fv_dataset_options *options;
    fv_shape shape;
    uint8_t *train, *test; /* [n_train + n_validation][C][H][W], [n_test] */
    size_t n_train;        /* with validation */
    atomic_size_t next, done;
    atomic_int trouble; /* a status that ends it all */
} decoding;

static uint8_t *place_of(const decoding *d, size_t i) {
    size_t size = fv_image_size(d->shape);
    return i < d->n_train ? d->train + i * size : d->test + (i - d->n_train) * size;
}

static void decode_one(decoding *d, size_t i) {
    fv_listed *file = &d->list->at[i];
    uint8_t *out = place_of(d, i);
    fv_status status = fv_image_list_decode(d->list, file, d->shape, d->options->fit, out, NULL);
    if (status == FV_E_DATA || status == FV_E_IO)
        file->bad = true, file->unread = status == FV_E_IO && file->time_ns != 0;
    else if (status != FV_OK)
        d->trouble = (int)status;
    size_t plane = (size_t)d->shape.h * (size_t)d->shape.w;
    if (status == FV_OK && d->shape.c == 3)
        file->colour = memcmp(out, out + plane, plane) != 0 || memcmp(out, out + 2 * plane, plane) != 0;
}

static void decode_share(void *context, int thread, int n_threads) {
    enum { EVERY = 32 };
    int turn = 0;
    decoding *d = context;
    const fv_dataset_options *o = d->options;
    (void)n_threads;
    for (size_t i; !d->trouble && (i = d->next++) < d->list->n;) {
        decode_one(d, i);
        size_t done = ++d->done;
        if (thread != 0 || turn++ % EVERY) continue;
        if (o->on_progress) o->on_progress(o->context, done, d->list->n);
        if (o->cancelled && o->cancelled(o->context)) d->trouble = FV_E_INTERRUPTED;
    }
    fv_picture_thread_end();
}

static fv_status decode_all(decoding *d, fv_error *error) {
    const fv_dataset_options *o = d->options;
    fv_team *team;
    int n_threads = o->threads > 0 ? o->threads : fv_processors();
    FV_TRY(fv_team_create(n_threads, &team));
    fv_team_run(team, decode_share, d);
    fv_team_destroy(team);
    if (d->trouble == FV_E_UNSUPPORTED) { /* once more, for its message */
        fv_listed file = d->list->at[0];
        return fv_image_list_decode(d->list, &file, d->shape, o->fit, place_of(d, 0), error);
    }
    if (d->trouble == FV_E_INTERRUPTED) return fv_fail(error, FV_E_INTERRUPTED, "%s: interrupted", d->list->name);
    if (o->on_progress) o->on_progress(o->context, d->list->n, d->list->n);
    return (fv_status)d->trouble;
}

/* Grey throughout: the first plane of three is all there is. */
static void keep_first_planes(uint8_t *pixels, size_t n, size_t plane) {
    for (size_t i = 1; i < n; i++) memmove(pixels + i * plane, pixels + 3 * i * plane, plane);
}

/* What is wrong with the bad files, one after the other, so that libvips' reasons are theirs. */
static fv_status collect_reasons(decoding *d, fv_set_content *out) {
    uint8_t *scratch = fv_alloc(1, fv_image_size(d->shape));
    out->notes = calloc(MOST_TOLD, sizeof *out->notes);
    if (!scratch || !out->notes) {
        free(scratch);
        return FV_E_MEMORY;
    }
    for (size_t i = 0; i < d->list->n && out->n_notes < MOST_TOLD; i++) {
        fv_error reason = {0};
        if (!d->list->at[i].bad) continue;
        if (fv_image_list_decode(d->list, &d->list->at[i], d->shape, d->options->fit, scratch, &reason) == FV_OK)
            snprintf(reason.message, sizeof reason.message, "%.200s: could not be read a moment ago",
                     d->list->at[i].file);
        out->notes[out->n_notes] = fv_copy_text(reason.message);
        if (!out->notes[out->n_notes++]) {
            free(scratch);
            return FV_E_MEMORY;
        }
    }
    free(scratch);
    return FV_OK;
}

/* Moves the good images together and gives them away. */
static fv_status gather(decoding *d, fv_set_content *out) {
    size_t n = d->list->n, names_size = 0, size = fv_image_size(d->shape), n_good[3] = {0}, n_kept = 0;
    for (size_t i = 0; i < n; i++) names_size += strlen(d->list->at[i].file) + 1;
    uint16_t *train = fv_alloc(d->n_train, sizeof *train), *test = fv_alloc(n - d->n_train, sizeof *test);
    out->origins = fv_alloc(n, sizeof *out->origins);
    out->origin_names = fv_alloc(names_size, 1);
    out->train.labels = train;
    out->test.labels = test;
    if (!train || !test || !out->origins || !out->origin_names) return FV_E_MEMORY;
    char *name = out->origin_names;
    for (size_t i = 0; i < n; i++) {
        const fv_listed *file = &d->list->at[i];
        out->n_unread += file->unread;
        if (file->bad) continue;
        size_t n_train = n_good[FV_LIST_TRAIN] + n_good[FV_LIST_VALIDATION], n_test = n_good[FV_LIST_TEST];
        bool is_test = file->split == FV_LIST_TEST;
        uint8_t *to = is_test ? d->test + n_test * size : d->train + n_train * size;
        memmove(to, place_of(d, i), size);
        (is_test ? test : train)[is_test ? n_test : n_train] = file->label;
        n_good[file->split]++;
        out->origins[n_kept] = file->origin;
        out->origins[n_kept++].file = name;
        size_t length = strlen(file->file) + 1;
        memcpy(name, file->file, length);
        name += length;
    }
    out->n_bad = n - n_kept;
    out->train = (fv_images){.n = n_good[FV_LIST_TRAIN] + n_good[FV_LIST_VALIDATION],
                             .shape = d->shape,
                             .pixels = d->train,
                             .labels = train};
    out->test = (fv_images){.n = n_good[FV_LIST_TEST], .shape = d->shape, .pixels = d->test, .labels = test};
    out->n_validation = n_good[FV_LIST_VALIDATION];
    d->train = d->test = NULL;
    fv_images_sha256(&out->train, out->n_classes, out->train_sha256);
    fv_images_sha256(&out->test, out->n_classes, out->test_sha256);
    return out->n_bad ? collect_reasons(d, out) : FV_OK;
}

static fv_status decode_list(decoding *d, fv_set_content *out, fv_error *error) {
    const fv_dataset_options *o = d->options;
    fv_image_list *list = d->list;
    d->shape = (fv_shape){o->channels ? o->channels : 3, o->height, o->width};
    if (!o->height) FV_TRY(fv_image_list_size(list, &d->shape, error));
    size_t size = fv_image_size(d->shape);
    d->n_train = list->n - count_split(list, FV_LIST_TEST);
    d->train = fv_alloc(d->n_train, size);
    d->test = fv_alloc(list->n - d->n_train, size);
    if (!d->train || !d->test) return FV_E_MEMORY;
    FV_TRY(decode_all(d, error));
    bool colour = false;
    for (size_t i = 0; i < list->n; i++) colour |= list->at[i].colour;
    if (!o->channels && !colour) {
        keep_first_planes(d->train, d->n_train, size / 3);
        keep_first_planes(d->test, list->n - d->n_train, size / 3);
        d->shape.c = 1;
    }
    return gather(d, out);
}

static fv_status decode_and_keep(fv_image_list *list, const fv_image_cache *cache, fv_set_content *content,
                                 fv_error *error) {
    const fv_dataset_options *o = content->options;
    decoding d = {.list = list, .options = o};
    fv_status status = decode_list(&d, content, error);
    free(d.train);
    free(d.test);
    if (status == FV_E_MEMORY) return fv_fail(error, status, "%s: not enough memory", fv_path_shown(list->name));
    FV_TRY(status);
    fv_error reason;
    if (*cache->path && content->n_unread && o->on_note)
        o->on_note(o->context, "files could not be opened: what was decoded is not kept for the next time");
    if (*cache->path && !content->n_unread && fv_image_cache_write(cache, content, &reason) != FV_OK && o->on_note)
        o->on_note(o->context, reason.message);
    return FV_OK;
}

/* Files that cannot be read sound like the end of it: that it goes on without them is said. */
static void tell_left_out(const fv_image_list *list, size_t n_bad, size_t n, const fv_dataset_options *o) {
    char text[400];
    snprintf(text, sizeof text, "%s: %zu of %zu image files %s left out", fv_path_shown(list->name), n_bad, n,
             n_bad == 1 ? "is" : "are");
    o->on_note(o->context, text);
}

/* Tells the files that were left out; too many are an error. */
static fv_status judge_bad(const fv_image_list *list, const fv_set_content *content, fv_error *error) {
    const fv_dataset_options *o = content->options;
    size_t n = content->train.n + content->test.n + content->n_bad;
    char more[64];
    if (content->n_bad == 0) return FV_OK;
    for (int i = 0; i < content->n_notes && o->on_note; i++) o->on_note(o->context, content->notes[i]);
    if (content->n_bad > (size_t)content->n_notes && o->on_note) {
        snprintf(more, sizeof more, "... and %zu files more", content->n_bad - (size_t)content->n_notes);
        o->on_note(o->context, more);
    }
    bool none = content->train.n == 0, untested = content->test.n == 0 && count_split(list, FV_LIST_TEST) > 0;
    if (!none && !untested && (o->skip_bad || content->n_bad <= n / 100)) {
        if (o->on_note) tell_left_out(list, content->n_bad, n, o);
        return FV_OK;
    }
    return fv_fail(error, content->n_unread ? FV_E_IO : FV_E_DATA, "%s: %zu of %zu image files cannot be read%s%s%s",
                   fv_path_shown(list->name), content->n_bad, n,
                   o->on_note || none ? "" : ", the first: ", o->on_note || none ? "" : content->notes[0],
                   none ? ": nothing is left to train on"
                   : untested
                       ? ": nothing is left to test on"
                       : "; more than 1 % is an error: repair or remove them, or leave them out with --skip-bad");
}

fv_status fv_image_list_read(fv_image_list *list, fv_set_content *content, fv_error *error) {
    const fv_dataset_options *o = content->options;
    fv_image_cache cache;
    if (list->n > UINT32_MAX / 2)
        return fv_fail(error, FV_E_DATA, "%s: holds %zu images; at most %u are allowed", fv_path_shown(list->name),
                       list->n, UINT32_MAX / 2);
    content->pictures = true;
    content->test_set_aside = !o->keep_whole && count_split(list, FV_LIST_TEST) == 0;
    if (content->test_set_aside) FV_TRY(set_aside(list, error));
    FV_TRY(order_by_split(list));
    look_up(list);
    fv_image_cache_find(list, o, &cache);
    content->n_classes = list->n_classes;
    if (!fv_image_cache_read(&cache, content)) {
        int lock;
        bool waited;
        FV_TRY(fv_image_cache_lock(&cache, o, &lock, &waited, error));
        bool there = fv_image_cache_read(&cache, content);
        if (waited && !there)
            fv_image_cache_unlock(&cache, lock), lock = -1; /* none could be kept: all decode at once */
        fv_status status = there ? FV_OK : decode_and_keep(list, &cache, content, error);
        fv_image_cache_unlock(&cache, lock);
        FV_TRY(status);
    }
    content->class_names = list->class_names;
    list->class_names = NULL;
    return judge_bad(list, content, error);
}
