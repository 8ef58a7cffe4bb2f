/* The words of the page, computed from its numbers; they claim no more than the numbers show. Plain text, appended to
 * `out`. A glance is one line, an answer two or three sentences. */
#ifndef FV_SENTENCES_H
#define FV_SENTENCES_H

#include "fovea/report.h"
#include "report/buffer.h"
#include "report/facts.h"

typedef struct fv_context {
    const fv_report *report;
    const fv_facts *facts;
    bool *failed; /* set where memory was short: what was made is not whole */
} fv_context;

/* The page's one sentence, without its interval: "A network of 14,178 weights reads MNIST at 99.1 %". */
void fv_say_headline(const fv_context *context, fv_buffer *out);

void fv_glance_history(const fv_context *context, fv_buffer *out);
void fv_answer_history(const fv_context *context, fv_buffer *out);
void fv_glance_augmentation(const fv_context *context, fv_buffer *out);
void fv_answer_augmentation(const fv_context *context, fv_buffer *out);
void fv_glance_architecture(const fv_context *context, fv_buffer *out);
void fv_answer_architecture(const fv_context *context, fv_buffer *out);
void fv_glance_scaling(const fv_context *context, fv_buffer *out);
void fv_answer_scaling(const fv_context *context, fv_buffer *out);
void fv_glance_mistakes(const fv_context *context, fv_buffer *out);
void fv_answer_mistakes(const fv_context *context, fv_buffer *out);
void fv_glance_kernels(const fv_context *context, fv_buffer *out);
void fv_answer_kernels(const fv_context *context, fv_buffer *out);
void fv_glance_confusion(const fv_context *context, fv_buffer *out);
void fv_answer_confusion(const fv_context *context, fv_buffer *out);
void fv_glance_embedding(const fv_context *context, fv_buffer *out);
void fv_answer_embedding(const fv_context *context, fv_buffer *out);
void fv_glance_neighbours(const fv_context *context, fv_buffer *out);
void fv_answer_neighbours(const fv_context *context, fv_buffer *out);

/* What a kernel [C][R][S] mostly does: the share of its energy that a constant, or a slope in any direction, explains.
 */
typedef enum fv_kernel_kind { FV_KERNEL_EDGE, FV_KERNEL_BRIGHTNESS, FV_KERNEL_OTHER } fv_kernel_kind;
/* [K][C][R][S] of study.json's kernels and the weights of one; false where shape and values do not agree. */
bool fv_kernel_shape(const json_t *kernels, int shape[4], size_t *size);
fv_kernel_kind fv_kernel_classify(const double *values, int c, int r, int s);

/* The most confused pairs of counts[true][predicted], most images first, then by class. Returns how many (<= max). */
typedef struct fv_pair {
    size_t truth, predicted, count;
} fv_pair;
size_t fv_confused_pairs(const json_t *confusion, fv_pair *out, size_t max);

#endif
