/* MATLAB files of level 5 to put into a test's directory. Include after scratch.h. */
#ifndef FV_MAT_TEST_H
#define FV_MAT_TEST_H

static inline void mat_word(bytes *to, uint32_t word) {
    bytes_add(to, (uint8_t[]){(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16), (uint8_t)(word >> 24)}, 4);
}

static inline void mat_element(bytes *to, uint32_t type, const void *data, size_t n) {
    mat_word(to, type);
    mat_word(to, (uint32_t)n);
    bytes_add(to, data, n);
    bytes_add(to, "\0\0\0\0\0\0\0", (8 - n % 8) % 8);
}

static inline bytes mat_header(void) {
    char text[129];
    bytes out = {0};
    snprintf(text, sizeof text, "%-124s%c%cIM", "MATLAB 5.0 MAT-file", 0, 1);
    bytes_add(&out, text, 128);
    return out;
}

typedef struct mat_array {
    const char *name;
    uint32_t class, type; /* of the array, of the numbers as they are stored */
    uint32_t size[4];     /* 0: no more */
    const void *data;
    size_t size_bytes;
    int compressed;
} mat_array;

static inline void mat_add(bytes *to, const mat_array *a) {
    bytes matrix = {0}, sizes = {0}, out = {0};
    for (int i = 0; i < 4 && a->size[i]; i++) mat_word(&sizes, a->size[i]);
    mat_element(&matrix, 6, (uint8_t[8]){(uint8_t)a->class, (uint8_t)(a->class >> 8)}, 8);
    mat_element(&matrix, 5, sizes.at, sizes.n);
    if (strlen(a->name) <= 4) { /* in the tag */
        mat_word(&matrix, (uint32_t)strlen(a->name) << 16 | 1);
        bytes_add(&matrix, (char[4]){a->name[0], a->name[0] ? a->name[1] : (char)0}, 4);
    } else {
        mat_element(&matrix, 1, a->name, strlen(a->name));
    }
    mat_element(&matrix, a->type, a->data, a->size_bytes);
    mat_element(&out, 14, matrix.at, matrix.n);
    if (a->compressed) {
        uLongf n = compressBound(out.n);
        uint8_t *packed = malloc(n);
        scratch_need(packed && compress(packed, &n, out.at, out.n) == Z_OK, "compress");
        mat_word(to, 15);
        mat_word(to, (uint32_t)n);
        bytes_add(to, packed, n);
        free(packed);
    } else {
        bytes_add(to, out.at, out.n);
    }
    bytes_free(&matrix);
    bytes_free(&sizes);
    bytes_free(&out);
}

/* A file of SVHN: n images, whose pixel at row i, column j, channel c of image k is 3 k + 5 i + 7 j + 11 c + first;
 * labels 1, 2, ... 10, 1, ... of `type` (2: uint8, 9: double). */
static inline bytes mat_svhn(uint32_t n, unsigned first, uint32_t type, int compressed) {
    bytes pixels = {0}, labels = {0}, out = mat_header();
    for (unsigned k = 0; k < n; k++) {
        for (unsigned at = 0; at < 3072; at++) {
            const unsigned i = at % 32, j = at / 32 % 32, c = at / 1024;
            bytes_add(&pixels, &(uint8_t){(uint8_t)(3 * k + 5 * i + 7 * j + 11 * c + first)}, 1);
        }
        const double wide = k % 10 + 1;
        bytes_add(&labels, type == 9 ? (const void *)&wide : &(uint8_t){(uint8_t)(k % 10 + 1)}, type == 9 ? 8 : 1);
    }
    mat_add(&out, &(mat_array){"X", 9, 2, {32, 32, 3, n}, pixels.at, pixels.n, compressed});
    mat_add(&out, &(mat_array){"y", type == 9 ? 6 : 9, type, {n, 1}, labels.at, labels.n, compressed});
    bytes_free(&pixels);
    bytes_free(&labels);
    return out;
}

#endif
