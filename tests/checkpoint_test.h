/* A small training and its checkpoint, for the tests and the fuzz target of the reader. */
#ifndef CHECKPOINT_TEST_H
#define CHECKPOINT_TEST_H

#include "scratch.h"

#include "formats/checkpoint.h"
#include "formats/files.h"

enum { SMALL_IMAGES = 20 };

typedef struct small_training {
    uint8_t pixels[SMALL_IMAGES * 4];
    uint16_t labels[SMALL_IMAGES];
    char *names[2];
    fv_dataset dataset;
    fv_run_config config;
    fv_net *net;
    const char *directory;
    int states_left; /* the state of which a checkpoint is written */
} small_training;

static inline fv_status small_state(void *context, const fv_train_state *state, fv_error *error) {
    small_training *t = context;
    if (t->states_left-- != 0) return FV_OK;
    return fv_checkpoint_write(t->directory, &t->config, t->net, &t->dataset, state, 1.5, error);
}

static inline bool small_due(void *context) {
    (void)context;
    return true;
}

static inline void small_init(small_training *t, const char *model) {
    static char names[2][2] = {"a", "b"};
    *t = (small_training){.config = fv_run_config_defaults()};
    for (int i = 0; i < SMALL_IMAGES * 4; i++) t->pixels[i] = (uint8_t)(37 * i);
    for (int i = 0; i < SMALL_IMAGES; i++) t->labels[i] = (uint16_t)(i % 2);
    t->names[0] = names[0];
    t->names[1] = names[1];
    t->dataset = (fv_dataset){.n_classes = 2, .class_names = t->names};
    t->dataset.train = (fv_images){.n = SMALL_IMAGES, .shape = {1, 2, 2}, .pixels = t->pixels, .labels = t->labels};
    memset(t->dataset.train_sha256, 'a', 64);
    memset(t->dataset.test_sha256, 'b', 64);
    t->config.epochs = 3;
    t->config.batch = 8;
    t->config.ema = 0.5;
    t->config.validation = 0;
    fv_error error = {0};
    fv_status status = fv_net_create(model, t->dataset.train.shape, 2, 0, 1, &t->net, &error);
    scratch_need(status == FV_OK, error.message);
}

static inline fv_train_options small_options(const small_training *t) {
    fv_train_options o = fv_train_defaults();
    o.epochs = t->config.epochs;
    o.batch = t->config.batch;
    o.ema = t->config.ema;
    o.threads = 1;
    return o;
}

/* Trains and writes the checkpoint of state `which`: three of an epoch, each with 3 steps. */
static inline void small_write(small_training *t, const char *directory, int which) {
    fv_train_options o = small_options(t);
    fv_epoch history[3];
    o.context = t;
    o.on_state = small_state;
    o.state_due = small_due;
    t->directory = directory;
    t->states_left = which;
    scratch_need(fv_train(t->net, &t->dataset.train, NULL, NULL, &o, history, NULL, NULL) == FV_OK, "training");
}

static inline fv_status small_parse(const small_training *t, const void *data, size_t size, fv_checkpoint **out,
                                    fv_error *error) {
    return fv_checkpoint_parse("x", data, size, &t->config, t->net, &t->dataset, SMALL_IMAGES, out, error);
}

static inline void small_deinit(small_training *t) {
    fv_net_destroy(t->net);
}

#endif
