/* Decoded images on disk: a line of JSON, then what its sizes say, then the checksum of it all. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/files.h"
#include "formats/image_list.h"
#include "formats/json_text.h"
#include "formats/known_sets.h"
#include "formats/sha256.h"
#include "fovea/net.h"

enum { VERSION = 2, MOST_HEADER = 1 << 20 };

/* An origin as it is written; its name follows in the names, in the same order. */
typedef struct stored_origin {
    int32_t h, w;
    char mode[24];
} stored_origin;

static void add_text(fv_sha256 *sum, const char *text) {
    fv_sha256_add(sum, text, strlen(text) + 1);
}

static void add_options(fv_sha256 *sum, const fv_image_list *list, const fv_dataset_options *o) {
    int values[] = {VERSION, o->height, o->width, o->channels, (int)o->fit, o->keep_whole, list->n_classes};
    fv_sha256_add(sum, values, sizeof values);
    for (int i = 0; i < list->n_classes; i++) add_text(sum, list->class_names[i]);
}

void fv_image_cache_find(const fv_image_list *list, const fv_dataset_options *options, fv_image_cache *out) {
    char real[PATH_MAX], root[FV_SET_PATH], name[65];
    fv_sha256 place, key;
    *out = (fv_image_cache){0};
    if (!realpath(list->root, real) || !fv_set_root(1, root)) return;
    fv_sha256_init(&place);
    add_text(&place, real);
    add_options(&place, list, options);
    fv_sha256_hex(&place, name);
    if (snprintf(out->path, sizeof out->path, "%s/.images/%.32s", root, name) >= (int)sizeof out->path) *out->path = 0;
    fv_sha256_init(&key);
    add_options(&key, list, options);
    for (size_t i = 0; i < list->n; i++) {
        const fv_listed *file = &list->at[i];
        uint64_t values[] = {file->label, file->split, file->size_bytes, (uint64_t)file->time_ns};
        fv_sha256_add(&key, values, sizeof values);
        add_text(&key, file->file);
    }
    fv_sha256_hex(&key, out->key);
}

/* What the header promises. */
typedef struct layout {
    size_t n_train, n_test, n, pixels, names, total; /* bytes but for the counts */
} layout;

static bool size_of(const json_t *header, const char *key, size_t *out) {
    json_t *value = json_object_get(header, key);
    *out = (size_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= UINT32_MAX * 4LL;
}

static bool text_of(const json_t *header, const char *key, char out[65]) {
    const char *text = json_string_value(json_object_get(header, key));
    if (!text || strlen(text) != 64) return false;
    memcpy(out, text, 65);
    return true;
}

/* Fills what the header says of the content, and the layout of the rest. */
static bool read_header(const json_t *header, const char *key, fv_set_content *out, layout *l) {
    char recorded[65];
    size_t c, h, w;
    if (!text_of(header, "key", recorded) || strcmp(recorded, key) != 0) return false;
    if (!size_of(header, "channels", &c) || !size_of(header, "height", &h) || !size_of(header, "width", &w) ||
        !size_of(header, "n_train", &l->n_train) || !size_of(header, "n_test", &l->n_test) ||
        !size_of(header, "n_validation", &out->n_validation) || !size_of(header, "n_bad", &out->n_bad) ||
        !size_of(header, "names", &l->names) || !text_of(header, "train_sha256", out->train_sha256) ||
        !text_of(header, "test_sha256", out->test_sha256))
        return false;
    if (c < 1 || c > FV_MAX_CHANNELS || h < 1 || h > FV_MAX_SIDE || w < 1 || w > FV_MAX_SIDE ||
        out->n_validation > l->n_train)
        return false;
    out->train.shape = out->test.shape = (fv_shape){(int)c, (int)h, (int)w};
    l->n = l->n_train + l->n_test;
    l->pixels = c * h * w; /* of an image; no product below overflows: n < 2^35, pixels <= 2^24 */
    l->total = l->n * (l->pixels + sizeof(uint16_t) + sizeof(stored_origin)) + l->names;
    return true;
}

static bool take_notes(const json_t *header, fv_set_content *out) {
    json_t *notes = json_object_get(header, "notes");
    size_t n = json_array_size(notes);
    out->notes = calloc(n + 1, sizeof *out->notes);
    for (size_t i = 0; out->notes && i < n; i++) {
        const char *text = json_string_value(json_array_get(notes, i));
        char *copy = text ? fv_copy_text(text) : NULL;
        if (!copy) return false;
        out->notes[out->n_notes++] = copy;
    }
    return out->notes != NULL;
}

/* Reads n bytes and adds them to the checksum. */
static bool take(FILE *f, void *to, size_t n, uLong *crc) {
    if (n && fread(to, 1, n, f) != n) return false;
    *crc = crc32_z(*crc, to, n);
    return true;
}

/* Names and sizes of the files. */
static bool take_origins(FILE *f, const layout *l, fv_set_content *out, uLong *crc) {
    stored_origin *stored = fv_alloc(l->n, sizeof *stored);
    out->origins = fv_alloc(l->n, sizeof *out->origins);
    out->origin_names = fv_alloc(l->names + 1, 1);
    bool good = stored && out->origins && out->origin_names && take(f, stored, l->n * sizeof *stored, crc) &&
                take(f, out->origin_names, l->names, crc);
    const char *name = out->origin_names;
    for (size_t i = 0; good && i < l->n; i++) {
        good = name < out->origin_names + l->names;
        out->origins[i] = (fv_origin){name, stored[i].h, stored[i].w, ""};
        memcpy(out->origins[i].mode, stored[i].mode, sizeof out->origins[i].mode - 1);
        name += strlen(name) + 1;
    }
    free(stored);
    return good;
}

/* Pixels: mapped where they are many, else read. */
static bool take_pixels(FILE *f, size_t size, fv_images *out, uLong *crc) {
    off_t at = ftello(f);
    if (size >= FV_MAPPED_LEAST && at >= 0 && fv_images_map(out, fileno(f), (uint64_t)at)) {
        *crc = crc32_z(*crc, out->pixels, size);
        return fseeko(f, (off_t)size, SEEK_CUR) == 0;
    }
    uint8_t *values = fv_alloc(size, 1);
    out->pixels = values;
    return values && take(f, values, size, crc);
}

static bool take_images(FILE *f, size_t n, size_t pixels, int n_classes, fv_images *out, uLong *crc) {
    uint16_t *labels = fv_alloc(n, sizeof *labels);
    out->labels = labels;
    out->n = n;
    if (!labels || !take(f, labels, n * sizeof *labels, crc) || !take_pixels(f, n * pixels, out, crc)) return false;
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= n_classes) return false;
    return true;
}

static bool read_file(FILE *f, const char *key, fv_set_content *out) {
    char *line = NULL;
    size_t room = 0;
    struct stat info;
    ssize_t n = getdelim(&line, &room, '\n', f);
    json_t *header = n > 0 && n < MOST_HEADER ? json_loadb(line, (size_t)n, 0, NULL) : NULL;
    layout l;
    uLong crc = n > 0 ? crc32_z(0, (const Bytef *)line, (size_t)n) : 0;
    free(line);
    uint32_t recorded;
    bool good = header && read_header(header, key, out, &l) && fstat(fileno(f), &info) == 0 &&
                (size_t)info.st_size == (size_t)n + l.total + sizeof recorded && take_notes(header, out) &&
                take_origins(f, &l, out, &crc) &&
                take_images(f, l.n_train, l.pixels, out->n_classes, &out->train, &crc) &&
                take_images(f, l.n_test, l.pixels, out->n_classes, &out->test, &crc) &&
                fread(&recorded, sizeof recorded, 1, f) == 1 && crc == recorded;
    json_decref(header);
    return good;
}

bool fv_image_cache_read(const fv_image_cache *cache, fv_set_content *content) {
    FILE *f = *cache->path ? fopen(cache->path, "rbe") : NULL;
    if (!f) return false;
    fv_set_content found = {.n_classes = content->n_classes};
    bool good = read_file(f, cache->key, &found);
    fclose(f);
    if (!good) {
        fv_set_content_deinit(&found);
        return false;
    }
    found.options = content->options;
    found.pictures = content->pictures;
    found.test_set_aside = content->test_set_aside;
    *content = found;
    return true;
}

static void make_directories(const char *path) {
    char directory[FV_CACHE_PATH];
    snprintf(directory, sizeof directory, "%s", path);
    for (char *at = directory + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        mkdir(directory, 0777);
        *at = '/';
    }
}

static void name_lock(const fv_image_cache *cache, char name[FV_CACHE_PATH + 8]) {
    snprintf(name, FV_CACHE_PATH + 8, "%s.lock", cache->path);
}

/* Whether a locked file still has its name: else who held it before has removed it, and it locks nothing. */
static bool is_named(int fd, const char *name) {
    struct stat locked, named;
    return fstat(fd, &locked) == 0 && stat(name, &named) == 0 && locked.st_ino == named.st_ino &&
           locked.st_dev == named.st_dev;
}

/* What killed programs have left of this entry. */
static void clean(const fv_image_cache *cache) {
    char directory[FV_CACHE_PATH];
    const char *name = strrchr(cache->path, '/') + 1;
    snprintf(directory, sizeof directory, "%.*s", (int)(name - cache->path), cache->path);
    fv_directory_clean(directory, name);
}

/* The descriptor of the lock, or -1; *busy: another has it. Where a file system has no locks the file alone. */
static int try_lock(const fv_image_cache *cache, const char *name, bool *busy) {
    int fd;
    *busy = false;
    while ((fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) >= 0) {
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            *busy = errno == EWOULDBLOCK;
            if (!*busy) return fd;
            close(fd);
            return -1;
        }
        if (is_named(fd, name)) {
            clean(cache);
            return fd;
        }
        close(fd);
    }
    return -1;
}

fv_status fv_image_cache_lock(const fv_image_cache *cache, const fv_dataset_options *o, int *lock, bool *waited,
                              fv_error *error) {
    const struct timespec pause = {0, 20000000};
    char name[FV_CACHE_PATH + 8];
    bool told = false, busy = false;
    int fd;
    *waited = false;
    *lock = -1;
    if (!*cache->path) return FV_OK;
    make_directories(cache->path);
    name_lock(cache, name);
    while ((fd = try_lock(cache, name, &busy)) < 0 && busy) {
        if (o->cancelled && o->cancelled(o->context)) return fv_fail(error, FV_E_INTERRUPTED, "%s: interrupted", name);
        if (!told && o->on_note) o->on_note(o->context, "another fovea reads these images: waiting for it");
        told = true;
        nanosleep(&pause, NULL);
    }
    *lock = fd;
    *waited = told;
    return FV_OK;
}

void fv_image_cache_unlock(const fv_image_cache *cache, int lock) {
    char name[FV_CACHE_PATH + 8];
    if (lock < 0) return;
    name_lock(cache, name);
    unlink(name);
    close(lock);
}

static json_t *header_of(const fv_image_cache *cache, const fv_set_content *c, size_t names) {
    json_t *notes = json_array();
    for (int i = 0; i < c->n_notes; i++) json_array_append_new(notes, json_string(c->notes[i]));
    fv_shape s = c->train.shape;
    return json_pack("{ss si si si sI sI sI sI so sI ss ss}", "key", cache->key, "channels", s.c, "height", s.h,
                     "width", s.w, "n_train", (json_int_t)c->train.n, "n_test", (json_int_t)c->test.n, "n_validation",
                     (json_int_t)c->n_validation, "n_bad", (json_int_t)c->n_bad, "notes", notes, "names",
                     (json_int_t)names, "train_sha256", c->train_sha256, "test_sha256", c->test_sha256);
}

fv_status fv_image_cache_write(const fv_image_cache *cache, const fv_set_content *c, fv_error *error) {
    size_t n = c->train.n + c->test.n, names = 0, pixels = fv_image_size(c->train.shape);
    make_directories(cache->path);
    stored_origin *stored = fv_alloc(n, sizeof *stored);
    if (!stored) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", cache->path);
    for (size_t i = 0; i < n; i++) {
        stored[i] = (stored_origin){c->origins[i].h, c->origins[i].w, ""};
        memcpy(stored[i].mode, c->origins[i].mode, sizeof stored[i].mode);
        names += strlen(c->origins[i].file) + 1;
    }
    uint32_t crc = 0;
    fv_part parts[] = {{NULL, 0},
                       {stored, n * sizeof *stored},
                       {c->origin_names, names},
                       {c->train.labels, c->train.n * sizeof *c->train.labels},
                       {c->train.pixels, c->train.n * pixels},
                       {c->test.labels, c->test.n * sizeof *c->test.labels},
                       {c->test.pixels, c->test.n * pixels},
                       {&crc, sizeof crc}};
    const size_t n_parts = sizeof parts / sizeof *parts;
    json_t *header = header_of(cache, c, names);
    char *line = header ? fv_json_text(header, JSON_COMPACT) : NULL;
    json_decref(header);
    fv_status status = FV_E_MEMORY;
    if (line) {
        parts[0] = (fv_part){line, strlen(line) + 1};
        line[parts[0].size - 1] = '\n'; /* in place of the zero: the size is given */
        for (size_t i = 0; i < n_parts - 1; i++) crc = (uint32_t)crc32_z(crc, parts[i].data, parts[i].size);
        status = fv_file_write_parts(cache->path, parts, n_parts, error);
    } else {
        fv_fail(error, status, "%s: not enough memory", cache->path);
    }
    free(line);
    free(stored);
    return status;
}
