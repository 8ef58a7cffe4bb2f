#include "formats/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/download.h"
#include "formats/files.h"
#include "formats/known_sets.h"
#include "formats/sha256.h"
#include "formats/source.h"
#include "formats/unpack.h"

enum { FILE_PATH = 1024, CHUNK = 1 << 16, STALL_S = 30, TRIES = 5, SPARE = 1 << 20, URL = 512, MAX_SETS = 16 };
enum { MOST_UNKNOWN = 64 << 20 /* bytes of a file whose size no book tells: QMNIST's, 47 MB before gzip */ };

/* A set on its way. */
typedef struct fetch {
    const fv_known_source *source;
    const fv_fetch_options *options;
    char cache[FV_SET_PATH], part[FV_SET_PATH]; /* <cache>/.<name>.part */
    const fv_served_file *file;                 /* under way */
} fetch;

static fv_status fail_io(const char *path, const char *what, fv_error *error) {
    return fv_fail(error, FV_E_IO, "%s: could not be %s: %s", fv_path_shown(path), what, strerror(errno));
}

static void note(const fetch *f, const char *text) {
    if (f->options->on_note) f->options->on_note(f->options->context, text);
}

/* mkdir -p. */
static fv_status make_directory(const char *path, fv_error *error) {
    char part[FILE_PATH];
    for (size_t i = 1; path[i - 1]; i++) {
        if ((path[i] != '/' && path[i]) || i >= sizeof part) continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (mkdir(part, 0777) != 0 && errno != EEXIST) return fail_io(part, "made", error);
    }
    return FV_OK;
}

/* Removes a directory of plain files. */
static void remove_directory(const char *path) {
    char file[FILE_PATH];
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        int n = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (n > 0 && n < FILE_PATH && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) unlink(file);
    }
    if (directory) closedir(directory);
    rmdir(path);
}

/* ---- checks ---- */

/* SHA-256 of a file's bytes, or of what they are uncompressed. */
static fv_status sum_file(const char *path, bool content, char out[65], fv_error *error) {
    uint8_t bytes[CHUNK];
    fv_sha256 sum;
    fv_sha256_init(&sum);
    if (content) {
        fv_source *source;
        FV_TRY(fv_source_open(path, &source, error));
        fv_status status = FV_OK;
        for (size_t n = CHUNK; status == FV_OK && n == CHUNK;) {
            status = fv_source_read(source, bytes, CHUNK, &n, error);
            if (status == FV_OK) fv_sha256_add(&sum, bytes, n);
        }
        if (status == FV_OK && fv_source_cut(source))
            status = fv_fail(error, FV_E_DATA, "%s: its gzip stream is cut short", fv_path_shown(path));
        fv_source_close(source);
        FV_TRY(status);
    } else {
        FILE *f = fopen(path, "rb");
        if (!f) return fail_io(path, "read", error);
        for (size_t n; (n = fread(bytes, 1, CHUNK, f)) > 0;) fv_sha256_add(&sum, bytes, n);
        bool bad = ferror(f);
        fclose(f);
        if (bad) return fail_io(path, "read", error);
    }
    fv_sha256_hex(&sum, out);
    return FV_OK;
}

static fv_status size_of(const char *path, uint64_t *size, fv_error *error) {
    struct stat info;
    if (stat(path, &info) != 0) return fail_io(path, "read", error);
    *size = (uint64_t)info.st_size;
    return FV_OK;
}

/* Holds a file that came against what the book says of it; *check says how. */
static fv_status check_file(const fv_served_file *of, const char *path, const char **check, fv_error *error) {
    char sum[65];
    uint64_t size = 0;
    FV_TRY(size_of(path, &size, error));
    if (!of->sha256 && !of->content) {
        if (of->size_bytes && size != of->size_bytes)
            return fv_fail(error, FV_E_DATA, "%s: holds %llu bytes, %llu are right", of->name, (unsigned long long)size,
                           (unsigned long long)of->size_bytes);
        *check = "size right; no checksum is published";
        return FV_OK;
    }
    *check = "SHA-256 right";
    if (of->sha256) {
        FV_TRY(sum_file(path, false, sum, error));
        if (strcmp(sum, of->sha256) == 0) return FV_OK;
    }
    if (of->content && sum_file(path, true, sum, NULL) == FV_OK && strcmp(sum, of->content) == 0) {
        *check = "SHA-256 of the content right";
        return FV_OK;
    }
    return fv_fail(error, FV_E_DATA, "%s: what came (%llu bytes) has the wrong checksum", of->name,
                   (unsigned long long)size);
}

/* ---- one file ---- */

static void on_progress(void *context, uint64_t done, uint64_t total) {
    const fetch *f = context;
    if (f->options->on_progress) f->options->on_progress(f->options->context, f->file->name, done, total);
}

static bool cancelled(void *context) {
    const fetch *f = context;
    return f->options->cancelled && f->options->cancelled(f->options->context);
}

/* One attempt, with its check. On FV_E_DATA what came is gone. */
static fv_status attempt(const fetch *f, const fv_download *download, bool *again, fv_error *error) {
    const char *check = "";
    uint64_t size = 0;
    fv_status status = fv_download_run(download, again, error);
    if (status == FV_OK) status = check_file(f->file, download->path, &check, error);
    if (status == FV_OK) status = size_of(download->path, &size, error);
    if (status == FV_OK && f->options->on_file) f->options->on_file(f->options->context, f->file->name, size, check);
    if (status == FV_E_DATA) unlink(download->path);
    return status;
}

/* From one mirror: goes on where it is cut off, as long as bytes come. A beginning that another mirror or another day
 * left may not fit: when it is wrong in the end, once more from the start. */
static fv_status fetch_from(fetch *f, const char *mirror, const char *path, fv_error *error) {
    char url[URL], text[sizeof error->message];
    const fv_served_file *of = f->file;
    size_t n = strlen(mirror);
    if (snprintf(url, sizeof url, "%s%s%s", mirror, n && mirror[n - 1] == '/' ? "" : "/", of->name) >= URL)
        return fv_fail(error, FV_E_ARGUMENT, "%.100s...: this address is too long", mirror);
    fv_download download = {.url = url,
                            .path = path,
                            .most_bytes = of->size_bytes ? of->size_bytes + SPARE : MOST_UNKNOWN,
                            .stall_s = f->options->stall_s ? f->options->stall_s : STALL_S,
                            .context = f,
                            .on_progress = on_progress,
                            .cancelled = cancelled};
    bool resumed = access(path, F_OK) == 0;
    for (int try = 1;; try++) {
        bool cut;
        fv_status status = attempt(f, &download, &cut, error);
        bool again = status == FV_E_DATA ? resumed : status == FV_E_IO && cut;
        if (!again || try == TRIES) return status;
        snprintf(text, sizeof text, "%.400s; trying again from %s", error ? error->message : of->name,
                 status == FV_E_DATA ? "the start" : "there");
        note(f, text);
        resumed = status == FV_E_IO;
    }
}

/* What to do where nothing helped. */
static fv_status fail_all(const fetch *f, fv_status status, const char *reason, fv_error *error) {
    char addresses[300] = "", names[160] = "";
    size_t n = 0, m = 0;
    const fv_known_source *s = f->source;
    if (f->options->mirror)
        return fv_fail(error, status, "%s: %.300s (--mirror %.100s was asked alone)", s->set, reason,
                       f->options->mirror);
    for (int i = 0; i < FV_MIRRORS && s->mirrors[i] && n < sizeof addresses; i++)
        n += (size_t)snprintf(addresses + n, sizeof addresses - n, "%s%s", i ? " or " : "", s->mirrors[i]);
    for (int i = 0; i < FV_SERVED && s->files[i].name && m < sizeof names; i++)
        m += (size_t)snprintf(names + m, sizeof names - m, "%s%s", i ? ", " : "", s->files[i].name);
    return fv_fail(
        error, status,
        "%s: no mirror gave it.\n    Get %s\n    from %s\n    elsewhere, into a folder DIR, then: fovea data "
        "get %s --mirror file://DIR",
        s->set, names, addresses, s->set);
}

/* One file from the first mirror that gives it whole. */
static fv_status fetch_file(fetch *f, char path[FILE_PATH], fv_error *error) {
    fv_error reason = {FV_OK, ""};
    const char *check;
    const char *const mine[] = {f->options->mirror};
    const char *const *mirrors = f->options->mirror ? mine : f->source->mirrors;
    int n = f->options->mirror ? 1 : FV_MIRRORS;
    fv_status status = FV_E_IO, worst = FV_E_IO;
    snprintf(path, FILE_PATH, "%s/%s", f->part, f->file->name);
    if (access(path, F_OK) == 0 && (f->file->sha256 || f->file->content) &&
        check_file(f->file, path, &check, NULL) == FV_OK)
        return FV_OK; /* complete since the last time */
    for (int i = 0; i < n && mirrors[i]; i++) {
        status = fetch_from(f, mirrors[i], path, &reason);
        if (status == FV_OK) return FV_OK;
        if (status != FV_E_IO && status != FV_E_DATA) break;
        if (status == FV_E_DATA) worst = status;
        if (!f->options->mirror) note(f, reason.message);
    }
    if (status != FV_E_IO && status != FV_E_DATA) {
        if (error) *error = reason;
        return status;
    }
    return fail_all(f, worst, reason.message, error);
}

/* ---- a set ---- */

/* The set must open before it takes its place. */
static fv_status install(const char *part, const char *name, const char *cache, fv_error *error) {
    char path[FILE_PATH];
    fv_dataset *set;
    snprintf(path, sizeof path, "%s/%s", cache, name);
    FV_TRY(fv_dataset_open(part, &set, error));
    fv_dataset_destroy(set);
    return rename(part, path) == 0 ? FV_OK : fail_io(path, "made", error);
}

/* Unpacks a set's members beside the archive and puts them in place. */
static fv_status unpack_set(const fv_known_source *source, const char *archive, const char *cache, fv_error *error) {
    char directory[FILE_PATH];
    size_t n = 0;
    while (n < FV_MEMBERS && source->members[n]) n++;
    snprintf(directory, sizeof directory, "%s/.%s.new", cache, source->set);
    remove_directory(directory); /* left by one that was killed */
    FV_TRY(make_directory(directory, error));
    fv_status status = source->packing == FV_PACKED_ZIP ? fv_unpack_zip(archive, source->members, n, directory, error)
                                                        : fv_unpack_tar(archive, source->members, n, directory, error);
    if (status == FV_OK) status = install(directory, source->set, cache, error);
    if (status != FV_OK) remove_directory(directory);
    return status;
}

static bool is_there(const char *cache, const char *name) {
    char path[FILE_PATH];
    snprintf(path, sizeof path, "%s/%s", cache, name);
    return access(path, F_OK) == 0;
}

static fv_status unpack_all(const fetch *f, const fv_known_source *const *all, const char *archive, fv_error *error) {
    for (int i = 0; all[i]; i++)
        if (!is_there(f->cache, all[i]->set)) FV_TRY(unpack_set(all[i], archive, f->cache, error));
    remove_directory(f->part);
    return FV_OK;
}

/* A set that is there must open, or be moved away by the one who put it there. */
static fv_status check_there(const char *path, fv_error *error) {
    fv_error reason = {FV_OK, ""};
    fv_dataset *set;
    fv_status status = fv_dataset_open(path, &set, &reason);
    if (status == FV_OK) {
        fv_dataset_destroy(set);
        return FV_OK;
    }
    return fv_fail(error, status, "%s: is there, but broken: remove it and get it again (%.250s)", fv_path_shown(path),
                   reason.message);
}

fv_status fv_fetch_source(const fv_known_source *source, const fv_known_source *const *all, const char *cache,
                          const fv_fetch_options *options, char path[512], fv_error *error) {
    static const fv_fetch_options none;
    char file[FILE_PATH] = "", place[FILE_PATH];
    fetch f = {.source = source, .options = options ? options : &none};
    const char *shared = source->packing != FV_PACKED_NOT ? source->files[0].name : source->set;
    int n = snprintf(place, sizeof place, "%s/%s", cache, source->set);
    int n_part = snprintf(f.part, sizeof f.part, "%s/.%.32s.part", cache, shared);
    if (n < 0 || n >= 512 || n_part < 0 || n_part >= FV_SET_PATH)
        return fv_fail(error, FV_E_IO, "%s: the path is too long", fv_path_shown(cache));
    snprintf(f.cache, sizeof f.cache, "%s", cache);
    if (access(place, F_OK) == 0) {
        FV_TRY(check_there(place, error));
    } else {
        FV_TRY(make_directory(f.part, error));
        for (int i = 0; i < FV_SERVED && source->files[i].name; i++) {
            f.file = &source->files[i];
            FV_TRY(fetch_file(&f, file, error));
        }
        FV_TRY(source->packing == FV_PACKED_NOT ? install(f.part, source->set, cache, error)
                                                : unpack_all(&f, all, file, error));
    }
    memcpy(path, place, (size_t)n + 1);
    return FV_OK;
}

static fv_status fail_unknown(const char *name, fv_error *error) {
    char list[200] = "";
    size_t n = 0;
    const fv_known_source *source;
    for (int i = 0; (source = fv_known_source_at(i)) && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", source->set);
    return fv_fail(error, FV_E_NAME, "%.60s: no such data set is known: give one of %s", name, list);
}

fv_status fv_dataset_fetch(const char *name, const fv_fetch_options *options, char path[512], fv_error *error) {
    char cache[FV_SET_PATH];
    const fv_known_source *source = fv_known_source_find(name), *all[MAX_SETS + 1] = {NULL}, *other;
    if (!source) return fail_unknown(name, error);
    if (!fv_set_root(1, cache))
        return fv_fail(error, FV_E_IO, "%s: nowhere to put it: set HOME or XDG_CACHE_HOME", name);
    int n = 0;
    for (int i = 0; (other = fv_known_source_at(i)) && n < MAX_SETS; i++)
        if (strcmp(other->files[0].name, source->files[0].name) == 0 && other->packing != FV_PACKED_NOT)
            all[n++] = other;
    return fv_fetch_source(source, all, cache, options, path, error);
}
