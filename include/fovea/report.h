/* Data to one self-contained page. Knows no model: what is known stands in study.json (docs/study-json.md). */
#ifndef FOVEA_REPORT_H
#define FOVEA_REPORT_H

#include "fovea/explain.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FV_REPORT_NEAREST = 8 };

/* Augmented examples: every image under every scheme, [n_schemes][n_images][C][H][W]; scheme 0 is the original. */
typedef struct fv_report_sheet {
    int n_schemes, n_images;
    const char *const *schemes; /* "original", "mild", "strong" */
    const uint8_t *pixels;
} fv_report_sheet;

/* What the first layer makes of some images: [n_images][K][P][Q] before relu; images are positions in the list. */
typedef struct fv_report_responses {
    int n_images;
    fv_shape shape; /* K, P, Q */
    const uint32_t *positions;
    const float *values;
} fv_report_responses;

/* All that the page shows; borrowed. */
typedef struct fv_report {
    const char *study_json; /* the whole text of study.json; a section is shown where its key is there */
    /* The explained test images: at most 10,000; "position" below means place in this list. */
    size_t n;
    const fv_images *images;          /* the test set */
    const fv_prediction *predictions; /* [n]; .index is the image in the set */
    const float *probabilities;       /* [n][n_classes] */
    const uint32_t *nearest;          /* [n][8] positions, nearest first; NULL: not known */
    const float *nearest_distances;   /* [n][8], NULL with nearest */
    const float *xy;                  /* [n][2] or NULL */
    fv_report_sheet sheet;            /* n_schemes 0: none */
    fv_report_responses responses;    /* n_images 0: none */
} fv_report;

/* Writes report.html at `path`, whole or not at all: offline, under 10 MB. FV_E_IO, FV_E_MEMORY, FV_E_DATA (study_json
 * does not parse or lacks what it must have). */
fv_status fv_report_write(const fv_report *report, const char *path, fv_error *error) FV_MUST_CHECK;

/* What `fovea data preview` shows: for every augmentation its text and, for each of n_rows images, a row: the original,
 * then n_draws draws. The rows are a block that mixup and cutmix mix. */
typedef struct fv_preview {
    const fv_images *images;
    const uint32_t *rows; /* [n_rows] of the images, 1 to FV_BLOCK_IMAGES */
    int n_rows, n_draws;
    const char *const *texts; /* [n_texts] */
    int n_texts;
    uint64_t seed;
} fv_preview;

/* Writes the sheet as a PNG, whole or not at all. FV_E_TEXT and FV_E_SHAPE as fv_augment_create; FV_E_ARGUMENT (larger
 * than 16,384 pixels a side), FV_E_IO, FV_E_MEMORY. */
fv_status fv_preview_write(const fv_preview *preview, const char *path, fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
