/* What ruins a dataset: repeated images, labels that contradict each other, blank images, classes out of balance. */
#ifndef FOVEA_AUDIT_H
#define FOVEA_AUDIT_H

#include "fovea/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Images are counted through: those of train, then those of test. */
typedef struct fv_pair {
    uint32_t image, like; /* like < image */
    float similarity;     /* correlation of the pixels; 1: byte for byte */
} fv_pair;

/* Pairs of images that are alike. */
typedef struct fv_pairs {
    size_t n;
    fv_pair *at; /* those across the splits first, then by similarity, highest first */
    fv_duplicates count;
} fv_pairs;

/* How many images have a size or mode. */
typedef struct fv_tally {
    char text[48];
    size_t n;
} fv_tally;

/* What an audit found. */
typedef struct fv_audit {
    size_t *train, *test;   /* [n_classes] images */
    int largest, smallest;  /* classes of train; the smallest may have none */
    fv_pairs exact;         /* each repeated image with its first occurrence; counted as by fv_count_duplicates */
    fv_pairs near;          /* each image with the most similar before it, above FV_NEAR; exact ones are left out */
    size_t n_partly;        /* images with more candidates than FV_NEAR_PIXELS allows: near ones may be missing */
    fv_pairs contradictory; /* of the exact: the labels differ */
    size_t n_blank;
    uint32_t *blank;     /* [n_blank] ascending: deviation of the pixels below 3 of 255 */
    uint8_t *class_mean; /* [n_classes][C][H][W] of train, rounded */
    int n_sizes, n_modes;
    fv_tally *sizes, *modes; /* of image files, the most frequent first */
} fv_audit;

/* The correlation above which two images are near duplicates. */
#define FV_NEAR 0.985f

/* Where many images are alike the search for near ones stays bounded: an image is compared with at most FV_NEAR_PIXELS
 * / pixels of the set of those before it whose hash is near (64 at least), the nearest parts of hashes first, out of at
 * most 65,536 whose hash has a 16-bit part in common with its own but for one bit. Of a set like MNIST that is 5,007,
 * which no image reaches. */
#define FV_NEAR_PIXELS ((uint64_t)1 << 38)

/* Near duplicates are found by a perceptual hash (64 bits, signs of the low frequencies of a 32x32 grey image against
 * their median) at most 7 bits apart, and confirmed by correlation. FV_E_MEMORY.
 * Source: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", 3.2.1. */
fv_status fv_audit_create(const fv_dataset *dataset, int threads, fv_audit **out) FV_MUST_CHECK;
/* Takes NULL. */
void fv_audit_destroy(fv_audit *audit);

/* The label of image i of an audit. */
int fv_audit_label(const fv_dataset *dataset, size_t i);
/* What image i is called: its file, or "train 17"; safe to show. */
void fv_audit_name(const fv_dataset *dataset, size_t i, char *out, size_t size);

/* Writes the contact sheet: one HTML page that opens offline. FV_E_IO, FV_E_MEMORY. */
fv_status fv_audit_write_sheet(const fv_audit *audit, const fv_dataset *dataset, const char *path,
                               fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
