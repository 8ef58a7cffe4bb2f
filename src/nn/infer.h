/* Running a plan over many images without a way back. */
#ifndef FV_INFER_H
#define FV_INFER_H

#include "base/threads.h"
#include "fovea/train.h"
#include "nn/plan.h"

/* Where a sample comes from: augmented or not. */
typedef struct fv_source {
    const fv_images *images;
    const uint32_t *order;     /* [n] indices into images; NULL: 0, 1, ... */
    const fv_augment *augment; /* NULL: none */
    uint64_t seed;
    uint32_t epoch;
} fv_source;

/* Bytes of scratch that fv_source_feed needs per thread. */
size_t fv_source_scratch(const fv_source *source);
/* Feeds samples [position, position + n_lanes) into `x`, normalised by `net`; lanes beyond repeat the first. `mixture`
 * gets what mixup or cutmix did; NULL: they are left out, as they are of any evaluation. */
void fv_source_feed(const fv_source *source, const fv_net *net, const fv_kernels *k, size_t position, int n_lanes,
                    void *scratch, const fv_map *x, fv_mixture *mixture);
/* Labels of those samples. */
void fv_source_labels(const fv_source *source, size_t position, int n_lanes, uint16_t label[FV_LANES]);
/* Asks memory for samples that will be fed soon. */
void fv_source_prefetch(const fv_source *source, size_t position, size_t n);

/* What inference writes for each of n samples; any may be NULL. */
typedef struct fv_sink {
    float *logits, *features;
    fv_prediction *predictions;
} fv_sink;

/* Runs samples [0, n) of the source. n_threads 0: fv_processors(). FV_E_MEMORY; FV_E_DIVERGED where an image's logits
 * or loss are not finite. */
fv_status fv_infer(const fv_net *net, const fv_source *source, size_t n, int n_threads,
                   const fv_sink *sink) FV_MUST_CHECK;

#endif
