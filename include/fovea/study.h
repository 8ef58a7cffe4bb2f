/* The study: the trainings that answer the eight questions, side by side, and their statistics. */
#ifndef FOVEA_STUDY_H
#define FOVEA_STUDY_H

#include "fovea/explain.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FV_PART_AUGMENTATION = 1,
    FV_PART_ARCHITECTURE = 2,
    FV_PART_SCALING = 4,
    FV_PART_MISTAKES = 8,
    FV_PART_KERNELS = 16,
    FV_PART_CONFUSION = 32,
    FV_PART_EMBEDDING = 64,
    FV_PART_NEIGHBOURS = 128,
    FV_PARTS_ALL = 255
};
/* Names of the parts: index 0, 1, ... (bit index of FV_PART_*); NULL at the end. */
const char *fv_study_part_name(int index);
/* "augmentation,mistakes" -> bits. FV_E_ARGUMENT lists the names. */
fv_status fv_study_parts(const char *list, unsigned *parts, fv_error *error) FV_MUST_CHECK;

/* Options of fv_study_run; the comments name the defaults. */
typedef struct fv_study_options {
    unsigned parts;            /* FV_PARTS_ALL */
    int epochs, batch;         /* 10, 64 */
    int n_seeds;               /* 3: seed, seed + 1, ... */
    uint64_t seed;             /* 1 */
    uint64_t split_seed;       /* 0 */
    int threads;               /* 0: fv_processors() */
    const char *augmentations; /* of question 1, as fv_augment_list reads them: "none; mild; strong" */
    const char *explain;       /* model of questions 3 to 8; NULL: convnet-bn; "best": the best of question 2 */
    const char *optimizer;     /* "adadelta" */
    double learning_rate;      /* 0: the optimiser's own */
    const char *schedule;      /* "step 0.7" */
    double validation;         /* 0.15 */
    const uint32_t *queries;   /* test images whose neighbours are shown; NULL: chosen */
    int n_queries;
    const char *command; /* as typed, for the record */
    const char *record;  /* text that the directory keeps as FV_STUDY_RECORD until the study is done; NULL: none */
    void *context;
    bool (*cancelled)(void *context);
    /* n_done of n_jobs finished (trainings and explanations); `what` names the one that ended. */
    void (*on_progress)(void *context, int n_done, int n_jobs, const char *what, double time_s, double images_per_s);
} fv_study_options;
/* The options as their comments say. */
fv_study_options fv_study_defaults(void);

/* The file in `out` that holds the options of a study, so that it can be resumed. */
#define FV_STUDY_RECORD "resume.json"

/* The record of the study in `directory`, malloc'd, as it was given. FV_E_IO; FV_E_DATA where a bit of it is another.
 */
fv_status fv_study_record_read(const char *directory, char **record, fv_error *error) FV_MUST_CHECK;

/* Runs the study over `dataset` and writes into the existing directory `out`: study.json, explain.safetensors,
 * final/ (the explained model's run directory), report.html. Ctrl-C (cancelled) ends with FV_E_INTERRUPTED and writes
 * what is finished. Trainings that an earlier call with the same options ended in `out` are not run again. */
fv_status fv_study_run(const fv_dataset *dataset, const fv_study_options *options, const char *out,
                       fv_error *error) FV_MUST_CHECK;

/* Removes what a study that is done kept to go on with, where it was killed before it could. */
void fv_study_forget(const char *study_directory);

/* The page for one trained run (curves, confusion, mistakes, kernels, embedding, neighbours): writes report.html,
 * study.json (kind "run") and explain.safetensors into the run's directory. */
fv_status fv_study_report_run(const char *run_directory, int threads, fv_error *error) FV_MUST_CHECK;
/* The page of a study again, from what it left: report.html alone is written. FV_E_IO, FV_E_MEMORY; FV_E_DATA where a
 * file is broken, or the data are not those of the study. */
fv_status fv_study_report(const char *study_directory, fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
