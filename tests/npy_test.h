/* .npy arrays and .npz archives to put into a test's directory. Include after scratch.h. */
#ifndef FV_NPY_TEST_H
#define FV_NPY_TEST_H

#include <zip.h>

/* An array of version 1 with the given header text and values. */
static inline bytes npy_raw(const char *text, const void *values, size_t n) {
    bytes out = {0};
    size_t length = strlen(text) + 1, padded = (10 + length + 63) / 64 * 64 - 10;
    uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)padded, (uint8_t)(padded >> 8)};
    bytes_add(&out, start, 10);
    bytes_add(&out, text, length - 1);
    for (size_t i = length; i < padded; i++) bytes_add(&out, " ", 1);
    bytes_add(&out, "\n", 1);
    bytes_add(&out, values, n);
    return out;
}

/* "(6, 4, 5)" of uint8, value i is first + i. */
static inline bytes npy_images(const char *shape, size_t n, unsigned first) {
    char text[128];
    snprintf(text, sizeof text, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }", shape);
    bytes values = {0};
    for (size_t i = 0; i < n; i++) bytes_add(&values, &(uint8_t){(uint8_t)(first + i)}, 1);
    bytes out = npy_raw(text, values.at, values.n);
    bytes_free(&values);
    return out;
}

/* n labels, i % n_classes, as [n][1] bytes. */
static inline bytes npy_labels(size_t n, unsigned n_classes) {
    char text[128];
    snprintf(text, sizeof text, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu, 1), }", n);
    bytes values = {0};
    for (size_t i = 0; i < n; i++) bytes_add(&values, &(uint8_t){(uint8_t)(i % n_classes)}, 1);
    bytes out = npy_raw(text, values.at, values.n);
    bytes_free(&values);
    return out;
}

/* Adds, or replaces, a member. */
static inline void zip_put(const char *archive, const char *member, bytes content) {
    zip_t *zip = zip_open(archive, ZIP_CREATE, NULL);
    scratch_need(zip != NULL, archive);
    zip_source_t *source = zip_source_buffer(zip, content.at, content.n, 0);
    scratch_need(source && zip_file_add(zip, member, source, ZIP_FL_OVERWRITE) >= 0, member);
    scratch_need(zip_close(zip) == 0, archive);
    bytes_free(&content);
}

#endif
