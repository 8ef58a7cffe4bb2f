/* What the data folder shares inside the library: images that are owned, and how classes are drawn from. */
#ifndef FV_IMAGES_H
#define FV_IMAGES_H

#include "fovea/data.h"

/* Values of one image. */
static inline size_t fv_image_size(fv_shape shape) {
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

static inline bool fv_shape_equal(fv_shape a, fv_shape b) {
    return a.c == b.c && a.h == b.h && a.w == b.w;
}

/* Whether the labels of images[indices] (NULL: all) are all below n_classes. */
bool fv_labels_below(const fv_images *images, const fv_indices *indices, int n_classes);

/* Frees (or unmaps) pixels and labels of images that own them. */
void fv_images_deinit(fv_images *images);

/* Below this many bytes a file is read: mapping it would save nothing that matters, and what is read no other program
 * can change or cut short. */
#define FV_MAPPED_LEAST ((size_t)64 << 20)

/* The pixels of images whose n and shape are known: those at `offset` of an open file that is long enough, mapped
 * read-only. False where that cannot be done: they must be read. */
bool fv_images_map(fv_images *images, int fd, uint64_t offset) FV_MUST_CHECK;

/* Tells the system how mapped pixels will be read: ahead where all come in order, and what is asked for alone where
 * they are drawn at random. Of a set that is larger than memory an epoch would else read many times the file. */
void fv_images_expect(const fv_images *images, bool in_order);

/* Copies images[indices] into images that own their memory. */
fv_status fv_images_gather(const fv_images *images, const fv_indices *indices, fv_images *out) FV_MUST_CHECK;

/* A 64-bit hash: each 8 bytes are multiplied in and folded. Equal hashes are to be compared byte by byte. */
uint64_t fv_bytes_hash(const uint8_t *at, size_t n);

/* Exchanges rows and columns: [n][C][H][W] to [n][C][W][H]. FV_E_MEMORY. */
fv_status fv_images_transpose(fv_images *images) FV_MUST_CHECK;

/* "0", "1", ... as an array for fv_strings_free; NULL when out of memory. */
char **fv_numbered_names(int n);

/* Copies of `names`, as an array for fv_strings_free; NULL when out of memory. */
char **fv_copy_names(const char *const *names, int n);

/* What is drawn from the classes: each has an order of its own for the same seed. */
typedef enum fv_split_use { FV_SPLIT_VALIDATION = 0, FV_SPLIT_SUBSET = 1, FV_SPLIT_TEST = 2 } fv_split_use;

/* fv_split_stratified for any use: `drawn` takes floor(fraction * n) of each class, `rest` the others. FV_E_ARGUMENT
 * where the fraction or a label is out of range. */
fv_status fv_split_drawn(const fv_images *images, int n_classes, double fraction, uint64_t seed, fv_split_use use,
                         fv_indices *rest, fv_indices *drawn) FV_MUST_CHECK;

/* The embedded digits into images that own their memory (UCI Optdigits, scripts/make_digits.py). Training images are
 * the first 1,437 of the original order, test images the last 360: what scikit-learn's users get without shuffling.
 * Neighbours in that order are alike, so the last are a harder and more honest test than a random choice (a support
 * vector machine reads 95.8 % of them, 99.0 % of random ones). */
fv_status fv_digits_load(fv_images *train, fv_images *test) FV_MUST_CHECK;

#endif
