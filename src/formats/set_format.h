/* The ways in which a data set lies on disk: a file with a row each, listed in set_formats.c. */
#ifndef FV_SET_FORMAT_H
#define FV_SET_FORMAT_H

#include "fovea/data.h"

#define FV_SET_ASIDE 0.15 /* of each class becomes the test split where there is none */

/* What a reader finds. All images are of one shape, which fv_dataset_open checks. */
typedef struct fv_set_content {
    fv_images train, validation, test; /* owned; n 0: the files have no such split */
    char **class_names;                /* for fv_strings_free; NULL: the files do not say */
    int n_classes;                     /* of class_names */
    bool transposed;                   /* columns and rows are exchanged, as in EMNIST */
    const fv_dataset_options *options; /* in: what the caller asks for */
    /* Of sets of image files (formats/image_list.h) alone: */
    bool pictures, test_set_aside;
    size_t n_validation; /* the last images of train */
    char train_sha256[65], test_sha256[65];
    fv_origin *origins; /* [train.n + test.n] */
    char *origin_names; /* holds their `file` */
    size_t n_bad;       /* files that could not be read */
    size_t n_unread;    /* of them, those that the system did not give; they may be there the next time */
    char **notes;       /* [n_notes]: of the first of them, why */
    int n_notes;
} fv_set_content;
void fv_set_content_deinit(fv_set_content *content);

typedef struct fv_set_format {
    const char *what; /* "IDX files" */
    /* Whether the path (a file or a directory) is one, by names and first bytes alone. */
    bool (*is_here)(const char *path);
    /* Fills `out`, which is all zero but for its options. On failure what it holds is released by the caller. FV_E_IO,
     * FV_E_DATA, FV_E_MEMORY. */
    fv_status (*read)(const char *path, fv_set_content *out, fv_error *error);
} fv_set_format;

extern const fv_set_format fv_set_idx, fv_set_cifar, fv_set_svhn, fv_set_numpy, fv_set_csv, fv_set_manifest,
    fv_set_folder;

/* The first format that is here; NULL: none. */
const fv_set_format *fv_set_format_of(const char *path);

#endif
