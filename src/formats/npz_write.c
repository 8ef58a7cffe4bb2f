#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/files.h"
#include "formats/libzip.h"
#include "formats/safetensors_types.h"
#include "fovea/export.h"

enum { HEADER_ALIGN = 64, MAX_RANK = 4 };

/* An archive that grows in memory. */
typedef struct archive {
    const fv_libzip *f;
    zip_source_t *bytes;
    zip_t *zip;
} archive;

static bool archive_open(archive *a) {
    zip_error_t error;
    a->f->zip_error_init(&error);
    a->bytes = a->f->zip_source_buffer_create(NULL, 0, 0, &error);
    a->zip = a->bytes ? a->f->zip_open_from_source(a->bytes, ZIP_TRUNCATE, &error) : NULL;
    a->f->zip_error_fini(&error);
    if (!a->zip) a->f->zip_source_free(a->bytes);
    if (a->zip) a->f->zip_source_keep(a->bytes);
    return a->zip != NULL;
}

/* "<f4 (8, 1, 3, 3)" and so on as a version 1.0 header; *length bytes of it. */
static void make_header(char out[256], size_t *length, const char *type, int rank, const int *size) {
    char shape[96] = "";
    int n = 0;
    for (int i = 0; i < rank; i++)
        n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%d%s", i ? " " : "", size[i],
                      rank == 1 || i < rank - 1 ? "," : "");
    n = snprintf(out, 256, "\x93NUMPY%c%c%c%c{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", 1, 0, '_', '_',
                 type, shape);
    *length = ((size_t)n + HEADER_ALIGN) / HEADER_ALIGN * HEADER_ALIGN;
    memset(out + n, ' ', *length - (size_t)n);
    out[*length - 1] = '\n';
    out[8] = (char)((*length - 10) & 0xff);
    out[9] = (char)((*length - 10) >> 8);
}

/* Adds NAME.npy. The archive is the same for the same values: its date is 1 January 1980. */
static bool add(archive *a, const char *name, const char *type, int rank, const int *size, const void *values,
                size_t size_bytes) {
    char header[256], file[96];
    size_t length;
    make_header(header, &length, type, rank, size);
    char *bytes = malloc(length + size_bytes);
    if (!bytes) return false;
    memcpy(bytes, header, length);
    memcpy(bytes + length, values, size_bytes);
    zip_source_t *source = a->f->zip_source_buffer(a->zip, bytes, length + size_bytes, 1);
    if (!source) {
        free(bytes);
        return false;
    }
    snprintf(file, sizeof file, "%.80s.npy", name);
    zip_int64_t index = a->f->zip_file_add(a->zip, file, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        a->f->zip_source_free(source);
        return false;
    }
    return a->f->zip_set_file_compression(a->zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
           a->f->zip_file_set_dostime(a->zip, (zip_uint64_t)index, 0, 1 << 5 | 1, 0) == 0;
}

/* Takes a character off UTF-8 that is sound. */
static uint32_t take_character(const unsigned char **at) {
    uint32_t first = *(*at)++, c = first;
    int more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (more) c = first & (0x3fu >> more);
    for (; more > 0 && **at; more--) c = c << 6 | (*(*at)++ & 0x3fu);
    return c;
}

/* n texts as an array of NumPy's '<U': UTF-32, filled up with zeros; n 0: one text without a dimension. */
static bool add_texts(archive *a, const char *name, const char *const *texts, int n) {
    size_t width = 1, count = n ? (size_t)n : 1;
    for (size_t i = 0; i < count; i++)
        if (strlen(texts[i]) > width) width = strlen(texts[i]);
    uint32_t *characters = calloc(count * width, sizeof *characters);
    if (!characters) return false;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *at = (const unsigned char *)texts[i];
        for (size_t j = 0; *at; j++) characters[i * width + j] = take_character(&at);
    }
    char type[32];
    snprintf(type, sizeof type, "<U%zu", width);
    bool good = add(a, name, type, n ? 1 : 0, &n, characters, count * width * sizeof *characters);
    free(characters);
    return good;
}

static bool add_net(archive *a, const fv_net *net, const char *const *class_names) {
    fv_shape s = fv_net_input(net);
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_net_normalisation(net, mean, std);
    const char *text = fv_net_text(net);
    const int32_t input[] = {s.c, s.h, s.w};
    size_t size = (size_t)s.c * sizeof(float);
    bool good = add_texts(a, "model", &text, 0) && add_texts(a, "class_names", class_names, fv_net_n_classes(net)) &&
                add(a, "input", "<i4", 1, (int[]){3}, input, sizeof input) &&
                add(a, "mean", "<f4", 1, &s.c, mean, size) && add(a, "std", "<f4", 1, &s.c, std, size);
    for (int i = 0; good && i < fv_net_n_tensors(net); i++) {
        fv_tensor_info info;
        fv_net_tensor(net, i, &info);
        float *values = malloc(info.n * sizeof *values);
        if (values) fv_net_tensor_get(net, i, values);
        good = values && add(a, info.name, "<f4", info.rank, info.size, values, info.n * sizeof *values);
        free(values);
    }
    return good;
}

/* The finished archive's bytes; NULL: out of memory. */
static char *take_bytes(const archive *a, size_t *size) {
    zip_stat_t info;
    char *bytes = NULL;
    if (a->f->zip_source_stat(a->bytes, &info) == 0 && a->f->zip_source_open(a->bytes) == 0) {
        *size = (size_t)info.size;
        bytes = malloc(*size);
        if (bytes && a->f->zip_source_read(a->bytes, bytes, *size) != (zip_int64_t)*size) {
            free(bytes);
            bytes = NULL;
        }
        a->f->zip_source_close(a->bytes);
    }
    return bytes;
}

fv_status fv_export_npz(const fv_net *net, const char *path, const char *const *class_names, fv_error *error) {
    archive a = {0};
    char *bytes = NULL;
    size_t size = 0;
    FV_TRY(fv_libzip_get(path, &a.f, error));
    if (archive_open(&a)) {
        if (add_net(&a, net, class_names) && a.f->zip_close(a.zip) == 0)
            bytes = take_bytes(&a, &size);
        else
            a.f->zip_discard(a.zip);
        a.f->zip_source_free(a.bytes);
    }
    fv_status status = bytes ? fv_file_write(path, bytes, size, error)
                             : fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    free(bytes);
    return status;
}
