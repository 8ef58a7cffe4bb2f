/* Datasets: where they are found, what they hold, how they are split. */
#ifndef FOVEA_DATA_H
#define FOVEA_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FV_MAX_CLASSES = 1000, FV_MAX_CHANNELS = 16, FV_MAX_SIDE = 1024 };

/* Channels, height, width of an image; channels x height x width pixels in that order. */
typedef struct fv_shape {
    int c, h, w;
} fv_shape;

/* n images with labels, in memory. */
typedef struct fv_images {
    size_t n;
    fv_shape shape;
    const uint8_t *pixels;  /* [n][C][H][W] */
    const uint16_t *labels; /* [n], each < n_classes */
    const void *mapped;     /* where `pixels` lie in a file: its pages, as many bytes as `mapped_bytes`; else NULL */
    size_t mapped_bytes;
} fv_images;

/* Which images of a set, in which order. */
typedef struct fv_indices {
    size_t n;
    uint32_t *at; /* [n] */
} fv_indices;
/* Frees `at`; takes a zeroed one. */
void fv_indices_deinit(fv_indices *indices);
/* All n images in order. */
fv_status fv_indices_all(size_t n, fv_indices *out) FV_MUST_CHECK;

/* How an image of other proportions comes to a model's height and width. */
typedef enum fv_fit {
    FV_FIT_STRETCH, /* each axis by itself */
    FV_FIT_PAD,     /* whole, in the middle of black */
    FV_FIT_CROP     /* filled, what stands over is cut off on both sides */
} fv_fit;
/* "stretch", "pad", "crop"; NULL at the end. */
const char *fv_fit_name(int index);
/* FV_E_ARGUMENT: `where` (--fit) begins the message, which lists the names. */
fv_status fv_fit_parse(const char *name, const char *where, fv_fit *out, fv_error *error) FV_MUST_CHECK;

/* The file an image came from. */
typedef struct fv_origin {
    const char *file; /* below the data set's path */
    int h, w;         /* as shown, before fitting */
    char mode[24];    /* "PNG RGB 16-bit" */
} fv_origin;

/* A data set in memory. */
typedef struct fv_dataset {
    char name[64];  /* "mnist", or the last part of the path */
    char path[512]; /* where it was found; "embedded" for `digits` */
    int n_classes;
    char **class_names; /* [n_classes]; "0", "1", ... where nothing better is known */
    fv_images train, test;
    size_t n_validation; /* the last images of train: the files' own validation split; 0: they have none */
    bool transposed;     /* as fv_dataset_options asked */
    bool test_set_aside; /* the files had no test split: 15 % of each class of train became it */
    char train_sha256[65], test_sha256[65]; /* of pixels, then labels (one byte each up to 256 classes, else two,
                                               low byte first) */
    /* Of sets of image files: */
    bool pictures;      /* that it is one: the fields below mean something */
    fv_fit fit;         /* how images came to their shape */
    size_t n_bad;       /* damaged files that were left out */
    fv_origin *origins; /* [train.n + test.n]: those of train, then those of test */
    char *origin_names; /* holds their `file` */
} fv_dataset;

/* What sets of image files are asked for (others ignore it, but for the two that say so). All zero is the default. */
typedef struct fv_dataset_options {
    int height, width; /* 0: the median of the training files, at most 64 */
    int channels;      /* 1 or 3; 0: 3 where an image has colour */
    fv_fit fit;
    bool skip_bad;   /* more than 1 % of damaged files is no error */
    bool transpose;  /* of others: rows and columns are exchanged (EMNIST's files are known to need it) */
    bool keep_whole; /* without a test split none is set aside: all images are in train */
    const char *const *class_names; /* [n_classes]: these are the classes, in this order; NULL: as the files say */
    int n_classes;
    int threads;   /* 0: fv_processors() */
    void *context; /* for the callbacks, all optional, called by the caller's thread: */
    void (*on_progress)(void *context, size_t n_done, size_t n); /* files decoded */
    void (*on_note)(void *context, const char *note);            /* a file that is left out, and why */
    bool (*cancelled)(void *context);                            /* asked now and then; true: FV_E_INTERRUPTED */
} fv_dataset_options;

/* "28x28" (height, then width) or "28" for both. FV_E_ARGUMENT: `where` (--size) begins the message. */
fv_status fv_size_parse(const char *text, const char *where, int *height, int *width, fv_error *error) FV_MUST_CHECK;

/* Opens a dataset by name or path.
 * A path (it contains a slash, or exists as a directory) is a directory with the four standard IDX files, each plain
 * or .gz:
 *   train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte
 * (images of rank 4 [N][C][H][W], "idx4", and 16-bit labels, "idx1-short", likewise; the t10k pair may be missing).
 * classes.txt beside them, a line per class, says what the classes are called and how many they are; else a known name
 * says it; else there are as many as the largest label + 1. docs/data.md has the details. A name is looked for in
 * $FOVEA_DATA/<name>, $XDG_CACHE_HOME/fovea/<name> (~/.cache without it), /usr/share/datasets/<name>, then among the
 * embedded (`digits`).
 * Or it is a folder of images: train/<class>/, test/<class>/ and val/<class>/, or <class>/ alone, with PNG, JPEG, WebP,
 * TIFF, BMP, GIF, PGM and PPM files; decoded once, then read from a cache.
 * Large plain files (docs/reliability.md, "Load", says which) are mapped, not read: a set may be larger than memory.
 * Where another program cuts such a file short while the set is open, or its disk fails, touching its pixels raises
 * SIGBUS.
 * Errors: FV_E_NAME (lists the known names and how to get them), FV_E_IO, FV_E_DATA (which file, what is wrong, what
 * would be right), FV_E_MEMORY. */
fv_status fv_dataset_open(const char *name_or_path, fv_dataset **out, fv_error *error) FV_MUST_CHECK;
/* The same, with options. FV_E_INTERRUPTED where `cancelled` said so, FV_E_UNSUPPORTED where libvips is missing. */
fv_status fv_dataset_open_with(const char *name_or_path, const fv_dataset_options *options, fv_dataset **out,
                               fv_error *error) FV_MUST_CHECK;
/* Takes NULL. */
void fv_dataset_destroy(fv_dataset *dataset);

/* A name as a terminal or page may show it: control characters and what is not UTF-8 become '?'. Cut to `size`. */
void fv_name_shown(const char *name, char *out, size_t size);

/* What `fovea data list` shows: index 0, 1, ... until it returns false. */
typedef struct fv_dataset_entry {
    char name[64];
    char path[512]; /* empty when it is not on this machine */
    char how[256];  /* what it is, and how to get it when it is absent */
} fv_dataset_entry;
/* Entry `index`; false past the last one. */
bool fv_dataset_list(int index, fv_dataset_entry *out);

/* Splits the images of a set: validation takes floor(fraction * n) of each class, drawn from `seed`; the others are
 * training. Both in ascending order. fraction in [0, 1). Source: the study's recipe. */
fv_status fv_split_stratified(const fv_images *images, int n_classes, double fraction, uint64_t seed,
                              fv_indices *training, fv_indices *validation) FV_MUST_CHECK;

/* The split of a set's training images (both ascending): its own where the files have one and `fraction` is above 0,
 * else fv_split_stratified's. */
fv_status fv_dataset_split(const fv_dataset *dataset, double fraction, uint64_t seed, fv_indices *training,
                           fv_indices *validation) FV_MUST_CHECK;

/* `count` of `from`, spread over the classes by largest remainder, an image at a time; nested: for the same seed a
 * smaller subset lies inside a larger one. count in [1, from->n]. Ascending order. docs/data.md says how near each
 * class comes to its share. */
fv_status fv_subset_stratified(const fv_images *images, int n_classes, const fv_indices *from, size_t count,
                               uint64_t seed, fv_indices *out) FV_MUST_CHECK;

/* Mean and standard deviation (of the population) per channel, of the pixels / 255 of images[indices] (NULL: all).
 * Exact sums. The deviation of a constant channel is 0. */
fv_status fv_pixel_statistics(const fv_images *images, const fv_indices *indices, float mean[FV_MAX_CHANNELS],
                              float std[FV_MAX_CHANNELS]) FV_MUST_CHECK;

/* How many images occur again byte for byte: extra copies inside train, inside test, and test images that also stand
 * in train. */
typedef struct fv_duplicates {
    size_t in_train, in_test, across;
} fv_duplicates;
/* Counts them by their pixels, whatever the labels are. FV_E_MEMORY. */
fv_status fv_count_duplicates(const fv_dataset *dataset, fv_duplicates *out) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
