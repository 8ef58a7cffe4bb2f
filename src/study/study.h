/* Inside a study: its trainings and what they came to. */
#ifndef FV_STUDY_INTERNAL_H
#define FV_STUDY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "fovea/run.h"
#include "fovea/statistics.h"
#include "fovea/study.h"

/* One training, wanted by one part or by two. */
typedef struct fv_job {
    unsigned parts;      /* of the study that show it */
    const char *model;   /* name or text */
    const char *augment; /* one of the study's schemes, or "none" */
    double fraction;     /* of the training images; 0: the training side of the validation split */
    uint64_t seed;
    double cost; /* expected, in multiply-adds */

    /* results */
    bool done;
    fv_net *net; /* kept where it is explained, else NULL */
    char *text;
    size_t n_weights, n_multiply_adds, n_train;
    int n_epochs;
    fv_epoch *history;     /* [epochs] as recorded while training */
    fv_score *train_score; /* [epochs] evaluated under that epoch's augmentation; with fraction > 0 the last only */
    fv_score validation_score, test_score;
    fv_macro_score macro;       /* of the validation images; with fraction > 0 of the test images */
    fv_prediction *predictions; /* of the validation images */
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    double time_s; /* training alone */
} fv_job;

/* What explanations of the final model add. */
typedef struct fv_findings {
    bool done;
    fv_prediction *predictions; /* [test->n] of the whole test set */
    fv_score score;
    fv_macro_score macro;
    uint32_t *mistakes; /* [n_mistakes] into predictions, worst first */
    size_t n_mistakes, *confusion;
    /* the explained test images: at most 10,000; positions below are places in this list */
    fv_indices explained;
    fv_prediction *shown;                     /* [explained.n] */
    float *logits, *probabilities, *features; /* rows per explained image */
    uint32_t *nearest; /* [explained.n][8] positions; NULL: too few images to have eight others each */
    float *nearest_distances;
    fv_embedding embedding; /* n 0: not asked for */
    uint32_t *queries;      /* [n_queries] positions */
    int n_queries;
    double mistakes_s, embedding_s, neighbours_s;
} fv_findings;

typedef struct fv_study {
    const fv_dataset *dataset;
    const fv_study_options *options;
    const char *out;
    const char *kind; /* "study", or "run" for the page of one training */
    const char *explain_model;
    int threads, pad;
    char **schemes; /* [n_schemes] augmentations of question 1 */
    int n_schemes;
    fv_indices training, validation;
    fv_job *jobs;
    int n_jobs, final_job; /* -1: nothing is explained */
    fv_findings findings;
    double start_s, training_wall_s, total_s;
    double earlier_s; /* spent before the study was resumed */
    bool interrupted;

    /* while running */
    int *order; /* jobs by falling cost */
    atomic_int next, n_running, n_done, stop;
    pthread_mutex_t lock; /* on_progress, error, earlier_s */
    fv_error *error;
} fv_study;

/* Split, and room for jobs. */
fv_status fv_study_prepare(fv_study *study) FV_MUST_CHECK;
/* Adds the trainings that questions 1 and 2 need, then those of explain_model; each training once. */
fv_status fv_study_plan_comparisons(fv_study *study) FV_MUST_CHECK;
fv_status fv_study_plan_explained(fv_study *study) FV_MUST_CHECK;
/* The architecture of question 2 with the best mean validation. */
const char *fv_study_best(const fv_study *study);
/* Runs the jobs that have not run yet, side by side. */
fv_status fv_study_train(fv_study *study) FV_MUST_CHECK;
/* Explains jobs[final_job]. */
fv_status fv_study_explain(fv_study *study, fv_error *error) FV_MUST_CHECK;
/* Trainings that have ended are kept in a directory of the study until it is done. Keep writes one whole; recall fills
 * a prepared job and, where it is explained, its net, where that training is there. FV_E_IO; FV_E_DATA where it is
 * broken. */
#define FV_STORE "trainings"
fv_status fv_study_store_open(const fv_study *study, fv_error *error) FV_MUST_CHECK;
fv_status fv_study_keep(fv_study *study, const fv_job *job, const fv_net *net, fv_error *error) FV_MUST_CHECK;
fv_status fv_study_recall(fv_study *study, fv_job *job, fv_net *net, bool *found, fv_error *error) FV_MUST_CHECK;
/* Leaves nothing behind where no training has ended. */
void fv_study_store_drop_empty(const fv_study *study);
void fv_findings_deinit(fv_findings *findings);
void fv_study_deinit(fv_study *study);
/* Probabilities p [n][k] from logits, by the same softmax that gave the predictions. */
void fv_softmax_rows(const float *logits, size_t n, int k, float *p);
/* findings->queries: as asked; else one correctly classified image of each class (of at most ten) and the two worst
 * mistakes. */
fv_status fv_study_choose_queries(const fv_study *study, fv_findings *findings, fv_error *error) FV_MUST_CHECK;
/* How the dataset's files were read, as a run's configuration says it; the other fields have their defaults. */
fv_run_config fv_study_data_config(const fv_study *study);
/* The whole of study.json as text (malloc'd). */
fv_status fv_study_json(const fv_study *study, char **out) FV_MUST_CHECK;
/* study.json, explain.safetensors, report.html in study->out. */
fv_status fv_study_write(const fv_study *study, fv_error *error) FV_MUST_CHECK;
/* report.html alone; `json`: the text of study.json. */
fv_status fv_study_write_report(const fv_study *study, const char *json, fv_error *error) FV_MUST_CHECK;

#endif
