/* Reads what make_golden.py wrote: records of one header line `<type> <name> <shape>` and raw little-endian bytes. */
#ifndef FV_TEST_GOLDEN_FILE_H
#define FV_TEST_GOLDEN_FILE_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct golden_record {
    char name[64];
    int rank, size[4];
    size_t n;
    const void *data; /* aligned by 1 only */
} golden_record;

typedef struct golden_file {
    char *bytes;
    int n_records;
    golden_record record[512];
} golden_file;

static inline const golden_record *golden_find(const golden_file *file, const char *name) {
    for (int i = 0; i < file->n_records; i++)
        if (strcmp(file->record[i].name, name) == 0) return &file->record[i];
    return NULL;
}

/* A copy of a record's floats; its name must be there. */
static inline float *golden_floats(const golden_file *file, const char *name, size_t n) {
    const golden_record *r = golden_find(file, name);
    if (!r || r->n != n) {
        fprintf(stderr, "%s: %zu numbers asked for, the file has %zu\n", name, n, r ? r->n : 0);
        abort();
    }
    float *copy = malloc(n * sizeof *copy);
    memcpy(copy, r->data, n * sizeof *copy);
    return copy;
}

static inline char *golden_text(const golden_file *file, const char *name) {
    const golden_record *r = golden_find(file, name);
    assert(r);
    char *copy = calloc(r->n + 1, 1);
    memcpy(copy, r->data, r->n);
    return copy;
}

static inline golden_file *golden_read(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        abort();
    }
    golden_file *file = calloc(1, sizeof *file);
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    file->bytes = malloc(size + 1);
    size_t read = fread(file->bytes, 1, size, f);
    assert(read == size);
    fclose(f);
    for (char *at = file->bytes; at < file->bytes + size;) {
        golden_record *r = &file->record[file->n_records++];
        char type[8], shape[32];
        char *end = memchr(at, '\n', (size_t)(file->bytes + size - at));
        assert(end);
        *end = 0;
        int words = sscanf(at, "%7s %63s %31s", type, r->name, shape);
        assert(words == 3);
        r->n = 1;
        for (char *s = strtok(shape, "x"); s; s = strtok(NULL, "x")) {
            r->size[r->rank] = atoi(s);
            r->n *= (size_t)r->size[r->rank++];
        }
        r->data = end + 1;
        at = end + 1 + r->n * (strcmp(type, "f32") == 0 ? sizeof(float) : 1);
        assert(at <= file->bytes + size);
    }
    return file;
}

static inline void golden_free(golden_file *file) {
    free(file->bytes);
    free(file);
}

#endif
