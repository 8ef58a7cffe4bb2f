/* make_load FORMAT PATH TRAIN TEST [SIDE]: synthetic images of ten classes, as large a set as asked for.
 *   idx     a directory of IDX files, grey SIDE x SIDE (28)
 *   cifar   a directory of CIFAR-10's binary files, TRAIN spread over its five
 *   npy     a directory of .npy arrays, grey
 *   csv     a file of pixels, TRAIN rows
 *   folder  a folder of PGM images, train/<class>/, test/<class>/
 * An image is noise with a bright square whose place tells the class; two of a hundred labels are wrong, so that there
 * are mistakes to be found. The same arguments make the same bytes. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CLASSES = 10, MOST_PIXELS = 3 * 512 * 512, SQUARE = 6 };

static const char *root;
static int side = 28;

static void die(const char *what) {
    fprintf(stderr, "make_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static FILE *create(const char *name) {
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s%s", root, *name ? "/" : "", name);
    FILE *f = n > 0 && n < PATH_MAX ? fopen(path, "wb") : NULL;
    if (!f) die(path);
    return f;
}

static void put(FILE *f, const void *at, size_t n) {
    if (fwrite(at, 1, n, f) != n) die("writing");
}

static void finish(FILE *f) {
    if (fclose(f) != 0) die("writing");
}

static void put_number(FILE *f, size_t value) { /* big-endian, 32 bits */
    uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    put(f, bytes, sizeof bytes);
}

static uint64_t next(uint64_t *state) { /* Vigna 2015, splitmix64 */
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Image i of the set, `planes` planes that are alike; its label. */
static int draw(size_t i, int planes, uint8_t *out) {
    uint64_t state = i * 0x100000001B3u;
    size_t plane = (size_t)side * (size_t)side;
    uint64_t chance = next(&state);
    int label = (int)(chance % CLASSES), room = side - SQUARE - 4;
    int left = label % 4 * room / 3 + (int)(chance >> 8 & 3), top = label / 4 * room / 2 + (int)(chance >> 10 & 3);
    for (size_t p = 0; p < plane; p += sizeof state) {
        uint64_t noise = next(&state) & 0x7F7F7F7F7F7F7F7Fu;
        memcpy(out + p, &noise, plane - p < sizeof noise ? plane - p : sizeof noise);
    }
    for (int y = top; y < top + SQUARE; y++)
        for (int x = left; x < left + SQUARE; x++) out[y * side + x] = (uint8_t)(128 + out[y * side + x]);
    for (int c = 1; c < planes; c++) memcpy(out + (size_t)c * plane, out, plane);
    return (chance >> 16) % 50 ? label : (int)((chance >> 24) % CLASSES);
}

static uint8_t image[MOST_PIXELS];

static void make_idx(const char *split, size_t first, size_t n) {
    char name[64];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", split);
    FILE *images = create(name);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", split);
    FILE *labels = create(name);
    put_number(images, 0x803);
    put_number(images, n);
    put_number(images, (size_t)side);
    put_number(images, (size_t)side);
    put_number(labels, 0x801);
    put_number(labels, n);
    for (size_t i = 0; i < n; i++) {
        putc(draw(first + i, 1, image), labels);
        put(images, image, (size_t)side * (size_t)side);
    }
    finish(images);
    finish(labels);
}

static void make_npy(const char *split, size_t first, size_t n) {
    char name[64], header[128];
    snprintf(name, sizeof name, "%s_images.npy", split);
    FILE *images = create(name);
    snprintf(name, sizeof name, "%s_labels.npy", split);
    FILE *labels = create(name);
    for (int i = 0; i < 2; i++) {
        int used = snprintf(header, sizeof header, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,", n);
        if (i == 0) used += snprintf(header + used, sizeof header - (size_t)used, " %d, %d", side, side);
        used += snprintf(header + used, sizeof header - (size_t)used, "), }");
        FILE *f = i ? labels : images;
        put(f, "\x93NUMPY\1\0\x76\0", 10);
        fprintf(f, "%-117s\n", header); /* 118 bytes and the 10 before them are 128 */
    }
    for (size_t i = 0; i < n; i++) {
        putc(draw(first + i, 1, image), labels);
        put(images, image, (size_t)side * (size_t)side);
    }
    finish(images);
    finish(labels);
}

static void make_cifar(size_t n_train, size_t n_test) {
    side = 32;
    for (size_t file = 0, i = 0; file < 6; file++) {
        char name[64];
        snprintf(name, sizeof name, file < 5 ? "data_batch_%zu.bin" : "test_batch.bin", file + 1);
        FILE *f = create(name);
        size_t stop = file < 5 ? n_train * (file + 1) / 5 : n_train + n_test;
        for (; i < stop; i++) {
            putc(draw(i, 3, image), f);
            put(f, image, (size_t)3 * 32 * 32);
        }
        finish(f);
    }
}

static void make_csv(size_t n) {
    FILE *f = create("");
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "%d", draw(i, 1, image));
        for (int p = 0; p < side * side; p++) fprintf(f, ",%d", image[p]);
        putc('\n', f);
    }
    finish(f);
}

static void make_folder(const char *split, size_t first, size_t n) {
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/%s", root, split);
    if (mkdir(name, 0777) != 0) die(name);
    for (int c = 0; c < CLASSES; c++) {
        snprintf(name, sizeof name, "%s/%s/%d", root, split, c);
        if (mkdir(name, 0777) != 0) die(name);
    }
    for (size_t i = 0; i < n; i++) {
        int label = draw(first + i, 1, image);
        snprintf(name, sizeof name, "%s/%d/%zu.pgm", split, label, i);
        FILE *f = create(name);
        fprintf(f, "P5\n%d %d\n255\n", side, side);
        put(f, image, (size_t)side * (size_t)side);
        finish(f);
    }
}

int main(int argc, char **argv) {
    if (argc < 5 || argc > 6) {
        fprintf(stderr, "usage: make_load idx|cifar|npy|csv|folder PATH TRAIN TEST [SIDE]\n");
        return 2;
    }
    const char *format = argv[1];
    size_t n_train = strtoul(argv[3], NULL, 10), n_test = strtoul(argv[4], NULL, 10);
    root = argv[2];
    if (argc == 6) side = atoi(argv[5]);
    if (side < 16 || side > 512) return 2;
    if (strcmp(format, "csv") != 0 && mkdir(root, 0777) != 0 && errno != EEXIST) die(root);
    if (strcmp(format, "cifar") == 0) {
        make_cifar(n_train, n_test);
    } else if (strcmp(format, "csv") == 0) {
        make_csv(n_train);
    } else {
        void (*make)(const char *, size_t, size_t) = *format == 'i'   ? make_idx
                                                     : *format == 'n' ? make_npy
                                                                      : make_folder;
        make("train", 0, n_train);
        if (n_test) make(*format == 'i' ? "t10k" : "test", n_train, n_test);
    }
    return 0;
}
