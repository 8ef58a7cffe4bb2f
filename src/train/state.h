/* A training's state, as fv_train gives and takes it. */
#ifndef FV_STATE_H
#define FV_STATE_H

#include "fovea/train.h"

/* Whether `state` is one that fv_train would give away in training `net` on n images under `options`: sizes, counts,
 * which arrays there are, finite weights where a net may end with them. FV_E_DATA says what is not. */
fv_status fv_train_state_check(const fv_train_state *state, const fv_net *net, const fv_train_options *options,
                               size_t n, fv_error *error) FV_MUST_CHECK;

/* Floats of an array. */
size_t fv_train_state_size(const fv_train_state *state, int array);
/* Whether a training under `options` has it. */
bool fv_train_state_has(const fv_train_options *options, int array);

#endif
