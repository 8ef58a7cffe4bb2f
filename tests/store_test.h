/* A training of a study as it is kept, for the tests and the fuzz target of what reads it back. */
#ifndef STORE_TEST_H
#define STORE_TEST_H

#include "checkpoint_test.h"
#include "fovea/train.h"
#include "nn/net.h"
#include "study/study.h"

enum { STORE_EPOCHS = 2 };

typedef struct store_test {
    small_training small; /* set and net */
    fv_study_options options;
    fv_study study;
    fv_job job;
    fv_epoch history[STORE_EPOCHS];
    fv_score train_score[STORE_EPOCHS];
    fv_prediction predictions[SMALL_IMAGES];
    char *directory, name[300]; /* name: of the file, "trainings/<key>.safetensors" */
} store_test;

static inline void store_init(store_test *t) {
    static char text[] = "dense classes", schemes[] = "none";
    static char *list[] = {schemes};
    *t = (store_test){0};
    small_init(&t->small, text);
    t->small.dataset.test = t->small.dataset.train;
    t->options = fv_study_defaults();
    t->options.epochs = STORE_EPOCHS;
    t->directory = scratch_make();
    t->job = (fv_job){.parts = FV_PART_ARCHITECTURE,
                      .model = text,
                      .augment = schemes,
                      .text = text,
                      .n_epochs = STORE_EPOCHS,
                      .n_train = SMALL_IMAGES,
                      .time_s = 1,
                      .history = t->history,
                      .train_score = t->train_score,
                      .predictions = t->predictions};
    t->study = (fv_study){.dataset = &t->small.dataset,
                          .options = &t->options,
                          .out = t->directory,
                          .schemes = list,
                          .n_schemes = 1,
                          .jobs = &t->job,
                          .n_jobs = 1};
    pthread_mutex_init(&t->study.lock, NULL);
    scratch_need(fv_indices_all(4, &t->study.validation) == FV_OK, "memory");
    scratch_need(fv_study_store_open(&t->study, NULL) == FV_OK, t->directory);
}

/* Keeps a training with figures that are not those of another. */
static inline void store_keep(store_test *t) {
    for (int i = 0; i < STORE_EPOCHS; i++) {
        t->history[i] = (fv_epoch){i + 1, 1.5, 0.5, 0.25, 0.75, 0.125, 0.5, 1000};
        t->train_score[i] = (fv_score){SMALL_IMAGES, 11, 0.5};
    }
    t->job.validation_score = (fv_score){4, 3, 0.25};
    for (uint32_t i = 0; i < 4; i++) t->predictions[i] = (fv_prediction){i, i % 2, 1, 0.5f, 0.75f, 0.25f};
    scratch_need(fv_study_keep(&t->study, &t->job, t->small.net, NULL) == FV_OK, "keep");
    DIR *open = opendir(scratch_path(t->directory, FV_STORE));
    scratch_need(open != NULL, "trainings");
    for (const struct dirent *entry; (entry = readdir(open));)
        if (entry->d_name[0] != '.') snprintf(t->name, sizeof t->name, FV_STORE "/%s", entry->d_name);
    closedir(open);
}

/* As a study that goes on finds it: nothing is known but what was asked for. */
static inline fv_status store_recall(store_test *t, bool *found, fv_error *error) {
    memset(t->history, 0, sizeof t->history);
    memset(t->train_score, 0, sizeof t->train_score);
    memset(t->predictions, 0, sizeof t->predictions);
    t->job.validation_score = t->job.test_score = (fv_score){0};
    t->job.n_epochs = 0;
    return fv_study_recall(&t->study, &t->job, t->small.net, found, error);
}

static inline void store_deinit(store_test *t) {
    fv_indices_deinit(&t->study.validation);
    pthread_mutex_destroy(&t->study.lock);
    small_deinit(&t->small);
    scratch_drop(t->directory);
}

#endif
