#include "train/state.h"

#include <math.h>

#include "nn/net.h"

size_t fv_train_state_size(const fv_train_state *state, int array) {
    return array >= FV_STATE_STATISTICS ? state->n_statistics : state->n_weights;
}

bool fv_train_state_has(const fv_train_options *options, int array) {
    if (array == FV_STATE_AVERAGE) return options->ema > 0;
    if (array == FV_STATE_BEST_WEIGHTS || array == FV_STATE_BEST_STATISTICS) return options->patience > 0;
    return true;
}

static bool is_finite(const float *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i])) return false;
    return true;
}

static fv_status check_arrays(const fv_train_state *s, const fv_train_options *o, fv_error *error) {
    for (int i = 0; i < FV_N_STATE_ARRAYS; i++) {
        size_t n = fv_train_state_size(s, i);
        if (fv_train_state_has(o, i) != (s->array[i] != NULL))
            return fv_fail(error, FV_E_DATA, "the state is of a training with other options (ema, patience)");
        if (s->array[i] && !is_finite(s->array[i], n))
            return fv_fail(error, FV_E_DATA, "the state holds numbers that are not finite");
    }
    return FV_OK;
}

/* Counts and sums that fit each other. */
static bool counts_fit(const fv_train_state *s, const fv_train_options *o, size_t n) {
    if (s->epoch < 0 || s->epoch > o->epochs || s->n_done > n || s->n_correct > s->n_done) return false;
    if (s->n_done < n && s->n_done % (size_t)o->batch != 0) return false;
    if (s->epoch == o->epochs && s->n_done > 0) return false;
    if (!(s->loss - s->loss == 0) || !(s->time_s >= 0 && s->time_s < INFINITY)) return false;
    if (s->epochs_since_best < 0 || s->epochs_since_best > s->epoch || isnan(s->best_loss)) return false;
    return o->patience > 0 || (s->epochs_since_best == 0 && s->best_loss == INFINITY);
}

fv_status fv_train_state_check(const fv_train_state *state, const fv_net *net, const fv_train_options *options,
                               size_t n, fv_error *error) {
    if (state->n_weights != net->n_weights || state->n_statistics != net->n_statistics)
        return fv_fail(error, FV_E_DATA, "the state is of another model");
    if (!counts_fit(state, options, n))
        return fv_fail(error, FV_E_DATA, "the state's epoch, images or sums are none of this training");
    return check_arrays(state, options, error);
}
