#include "formats/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/files.h"
#include "formats/zip_archive.h"

enum { BUFFER = 1 << 16, GZIP_WINDOW = 15 + 16 /* zlib: the largest window, gzip's wrapper */ };

struct fv_source {
    char *path;
    int fd; /* -1: a member of an archive */
    fv_zip *archive;
    fv_zip_member *member;
    bool gzip, cut, inside; /* inside: a gzip member has begun and not ended */
    size_t n_out;           /* bytes handed out */
    z_stream stream;        /* next_in, avail_in: what is left of the buffer, plain files too */
    unsigned char buffer[BUFFER];
};

static fv_status refill_from_archive(fv_source *source, fv_error *error) {
    size_t n;
    FV_TRY(fv_zip_member_read(source->member, source->path, source->buffer, BUFFER, &n, error));
    source->stream.next_in = source->buffer;
    source->stream.avail_in = (uInt)n;
    return FV_OK;
}

/* Refills an empty buffer; it stays empty at the end of the file. */
static fv_status refill(fv_source *source, fv_error *error) {
    if (source->stream.avail_in > 0) return FV_OK;
    if (source->member) return refill_from_archive(source, error);
    ssize_t n;
    do n = read(source->fd, source->buffer, BUFFER);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fv_fail(error, FV_E_IO, "%s: could not be read: %s", fv_path_shown(source->path), strerror(errno));
    source->stream.next_in = source->buffer;
    source->stream.avail_in = (uInt)n;
    return FV_OK;
}

/* Looks at the first bytes. */
static fv_status begin(fv_source *source, fv_error *error) {
    FV_TRY(refill(source, error));
    const unsigned char *at = source->buffer;
    size_t n = strlen(source->path);
    bool named = n > 3 && strcmp(source->path + n - 3, ".gz") == 0;
    source->gzip = source->stream.avail_in >= 2 && at[0] == 0x1f && at[1] == 0x8b;
    if (named && !source->gzip) {
        if (source->stream.avail_in < 2)
            return fv_fail(error, FV_E_DATA, "%s: holds %u bytes, too few for a gzip file; get it again",
                           fv_path_shown(source->path), source->stream.avail_in);
        return fv_fail(error, FV_E_DATA,
                       "%s: is no gzip file: it begins with the bytes %02x %02x, gzip begins with 1f 8b; get it again, "
                       "or drop .gz from its name if it is not compressed",
                       fv_path_shown(source->path), at[0], at[1]);
    }
    if (source->gzip && inflateInit2(&source->stream, GZIP_WINDOW) != Z_OK) {
        source->gzip = false;
        return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to uncompress it", fv_path_shown(source->path));
    }
    source->inside = source->gzip;
    return FV_OK;
}

/* A source without a file; what fails later is closed by fv_source_close. */
static fv_status create(const char *path, fv_source **out, fv_error *error) {
    fv_source *source = calloc(1, sizeof *source);
    if (source) source->path = fv_copy_text(path);
    if (!source || !source->path) {
        free(source);
        return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    }
    source->fd = -1;
    *out = source;
    return FV_OK;
}

static fv_status open_file(fv_source *source, const char *path, fv_error *error) {
    FV_TRY(fv_file_open(path, &source->fd, error));
    return begin(source, error);
}

static fv_status open_member(fv_source *source, const char *archive, const char *member, bool as_it_is,
                             fv_error *error) {
    FV_TRY(fv_zip_open(archive, &source->archive, error));
    FV_TRY(fv_zip_member_open(source->archive, member, source->path, &source->member, error));
    return as_it_is ? FV_OK : begin(source, error);
}

fv_status fv_source_open(const char *path, fv_source **out, fv_error *error) {
    fv_source *source = NULL;
    FV_TRY(create(path, &source, error));
    fv_status status = open_file(source, path, error);
    if (status != FV_OK) {
        fv_source_close(source);
        return status;
    }
    *out = source;
    return FV_OK;
}

fv_status fv_source_open_member(const char *archive, const char *member, bool as_it_is, fv_source **out,
                                fv_error *error) {
    char name[1024];
    fv_source *source = NULL;
    snprintf(name, sizeof name, "%s: %.100s", fv_path_shown(archive), member);
    FV_TRY(create(name, &source, error));
    fv_status status = open_member(source, archive, member, as_it_is, error);
    if (status != FV_OK) {
        fv_source_close(source);
        return status;
    }
    *out = source;
    return FV_OK;
}

void fv_source_close(fv_source *source) {
    if (!source) return;
    if (source->gzip) inflateEnd(&source->stream);
    fv_zip_member_close(source->member);
    fv_zip_close(source->archive);
    if (source->fd >= 0) close(source->fd);
    free(source->path);
    free(source);
}

/* Between gzip members: the file ends here, or another member begins (RFC 1952, 2.2). */
static fv_status next_member(fv_source *source, bool *ended, fv_error *error) {
    FV_TRY(refill(source, error));
    *ended = source->stream.avail_in == 0;
    if (*ended) return FV_OK;
    if (source->stream.next_in[0] != 0x1f)
        return fv_fail(error, FV_E_DATA, "%s: has bytes behind the end of its gzip stream; get it again",
                       fv_path_shown(source->path));
    inflateReset(&source->stream);
    source->inside = true;
    return FV_OK;
}

/* Uncompresses some of at most `size` bytes, *n of them; *ended where nothing more comes. */
static fv_status inflate_some(fv_source *source, unsigned char *out, size_t size, size_t *n, bool *ended,
                              fv_error *error) {
    *n = 0;
    if (!source->inside) return next_member(source, ended, error);
    FV_TRY(refill(source, error));
    bool dry = source->stream.avail_in == 0;
    source->stream.next_out = out;
    source->stream.avail_out = (uInt)(size < 1 << 30 ? size : 1 << 30);
    uInt room = source->stream.avail_out;
    int code = inflate(&source->stream, Z_NO_FLUSH);
    *n = room - source->stream.avail_out;
    if (dry && code == Z_BUF_ERROR) {
        source->cut = *ended = true;
        return FV_OK;
    }
    if (code == Z_STREAM_END) source->inside = false;
    if (code == Z_OK || code == Z_STREAM_END) return FV_OK;
    if (code == Z_MEM_ERROR)
        return fv_fail(error, FV_E_MEMORY, "%s: not enough memory to uncompress it", fv_path_shown(source->path));
    return fv_fail(error, FV_E_DATA, "%s: the gzip stream is corrupt after %zu uncompressed bytes (%s); get it again",
                   fv_path_shown(source->path), source->n_out + *n,
                   source->stream.msg ? source->stream.msg : "unknown content");
}

static fv_status copy_some(fv_source *source, unsigned char *out, size_t size, size_t *n, bool *ended,
                           fv_error *error) {
    FV_TRY(refill(source, error));
    *n = source->stream.avail_in < size ? source->stream.avail_in : size;
    *ended = *n == 0;
    memcpy(out, source->stream.next_in, *n);
    source->stream.next_in += *n;
    source->stream.avail_in -= (uInt)*n;
    return FV_OK;
}

fv_status fv_source_read(fv_source *source, void *out, size_t size, size_t *got, fv_error *error) {
    size_t done = 0;
    bool ended = source->cut;
    while (done < size && !ended) {
        size_t n = 0;
        unsigned char *to = (unsigned char *)out + done;
        FV_TRY(source->gzip ? inflate_some(source, to, size - done, &n, &ended, error)
                            : copy_some(source, to, size - done, &n, &ended, error));
        done += n;
        source->n_out += n;
    }
    *got = done;
    return FV_OK;
}

fv_status fv_source_read_new(fv_source *source, size_t size, uint8_t **out, size_t *got, fv_error *error) {
    uint8_t *bytes = NULL;
    size_t room = 0, used = 0;
    *out = NULL;
    *got = 0;
    while (used < size) {
        room = room ? 2 * room : 1 << 20;
        if (room > size || room < used) room = size;
        uint8_t *more = realloc(bytes, room);
        size_t n = 0;
        fv_status status = more ? FV_OK : FV_E_MEMORY;
        if (more) bytes = more;
        if (more) status = fv_source_read(source, bytes + used, room - used, &n, error);
        used += n;
        if (status == FV_OK && used == room) continue;
        free(bytes);
        *got = used;
        if (status != FV_E_MEMORY) return status;
        return fv_fail(error, status, "%s: not enough memory for %zu bytes", fv_path_shown(source->path), size);
    }
    *out = bytes;
    *got = used;
    return FV_OK;
}

bool fv_source_map(fv_source *source, fv_images *images) {
    size_t size = images->n * fv_image_size(images->shape);
    struct stat info;
    return source->fd >= 0 && !source->gzip && fstat(source->fd, &info) == 0 && S_ISREG(info.st_mode) &&
           size >= FV_MAPPED_LEAST && (uint64_t)info.st_size == source->n_out + size &&
           fv_images_map(images, source->fd, source->n_out);
}

const char *fv_source_name(const fv_source *source) {
    return source->path;
}
bool fv_source_cut(const fv_source *source) {
    return source->cut;
}
bool fv_source_is_gzip(const fv_source *source) {
    return source->gzip;
}
