#include "train/optimiser.h"

#include "base/math.h"
#include "base/text.h"

/* ---- texts ---- */

enum { RHO, ADADELTA_EPS, ADADELTA_DECAY };
enum { MOMENTUM, NESTEROV, SGD_DECAY };
enum { BETA1, BETA2, ADAM_EPS, ADAM_DECAY };

static const fv_param adadelta_params[] = {{"rho", FV_PARAM_NUMBER, 0, false, 0, 0.9999, 0.9},
                                           {"eps", FV_PARAM_NUMBER, 0, false, 1e-12, 1, 1e-6},
                                           {"weight_decay", FV_PARAM_NUMBER, 0, false, 0, 1, 0}};
static const fv_param sgd_params[] = {{"momentum", FV_PARAM_NUMBER, 0, false, 0, 0.9999, 0.9},
                                      {"nesterov", FV_PARAM_FLAG, 0, false, 0, 1, 0},
                                      {"weight_decay", FV_PARAM_NUMBER, 0, false, 0, 1, 0}};
#define ADAM_PARAMS(decay)                                                                                             \
    {                                                                                                                  \
        {"beta1", FV_PARAM_NUMBER, 0, false, 0, 0.9999, 0.9},                                                          \
            {"beta2", FV_PARAM_NUMBER, 0, false, 0, 0.999999, 0.999},                                                  \
            {"eps", FV_PARAM_NUMBER, 0, false, 1e-12, 1, 1e-8},                                                        \
            {"weight_decay", FV_PARAM_NUMBER, 0, false, 0, 1, decay},                                                  \
    }
static const fv_param adam_params[] = ADAM_PARAMS(0), adamw_params[] = ADAM_PARAMS(0.01);

static const struct {
    const char *word;
    const fv_param *params;
    int n_params;
    double learning_rate;
} optimisers[] = {[FV_ADADELTA] = {"adadelta", adadelta_params, 3, 1},
                  [FV_SGD] = {"sgd", sgd_params, 3, 0.05},
                  [FV_ADAM] = {"adam", adam_params, 4, 0.001},
                  [FV_ADAMW] = {"adamw", adamw_params, 4, 0.001}};

static fv_status expect_end(fv_cursor *cursor, fv_error *error) {
    fv_word rest = fv_text_peek(cursor);
    if (!rest.length) return FV_OK;
    return fv_text_fail(cursor, rest, error, "the end was expected, not `%.*s`", rest.length, rest.at);
}

fv_status fv_optimiser_parse(const char *text, double learning_rate, fv_optimiser *out, fv_error *error) {
    fv_cursor cursor = {text, text, "optimizer"};
    fv_word word = fv_text_next(&cursor);
    for (int i = 0; i < (int)(sizeof optimisers / sizeof *optimisers); i++) {
        if (!fv_word_is(word, optimisers[i].word)) continue;
        fv_optimiser o = {.kind = (fv_optimiser_kind)i};
        FV_TRY(fv_text_arguments(&cursor, word, optimisers[i].params, optimisers[i].n_params, 0, o.arg, error));
        o.learning_rate = learning_rate > 0 ? learning_rate : optimisers[i].learning_rate;
        *out = o;
        return expect_end(&cursor, error);
    }
    return fv_text_fail(&cursor, word, error, "`%.*s` is no optimizer; there are adadelta, sgd, adam, adamw",
                        word.length, word.at);
}

fv_status fv_schedule_parse(const char *text, int epochs, fv_schedule *out, fv_error *error) {
    static const char *const words[] = {"constant", "step", "cosine", "onecycle"};
    static const fv_param step_params[] = {{"gamma", FV_PARAM_NUMBER, 1, true, 0, 1, 0},
                                           {"every", FV_PARAM_INTEGER, 0, false, 1, 1e6, 1},
                                           {"warmup", FV_PARAM_NUMBER, 0, false, 0, 1e6, 0}};
    fv_cursor cursor = {text, text, "schedule"};
    fv_word word = fv_text_next(&cursor);
    int kind = 0;
    while (kind < 4 && !fv_word_is(word, words[kind])) kind++;
    if (kind == 4)
        return fv_text_fail(&cursor, word, error, "`%.*s` is no schedule; there are constant, step, cosine, onecycle",
                            word.length, word.at);
    fv_param warmup = step_params[2];
    if (kind == FV_ONECYCLE) warmup.fallback = 0.3 * epochs;
    double arg[3] = {0};
    if (kind == FV_STEP)
        FV_TRY(fv_text_arguments(&cursor, word, step_params, 3, 0, arg, error));
    else
        FV_TRY(fv_text_arguments(&cursor, word, &warmup, 1, 0, &arg[2], error));
    FV_TRY(expect_end(&cursor, error));
    if (arg[2] >= epochs && arg[2] > 0)
        return fv_text_fail(&cursor, word, error, "a warm-up of %g epochs does not end within the %d of the training",
                            arg[2], epochs);
    *out = (fv_schedule){(fv_schedule_kind)kind, arg[0], arg[1], arg[2]};
    return FV_OK;
}

/* ---- schedules ---- */

static double cosine(double from, double to, double t) {
    return to + (from - to) * 0.5 * (1 + fv_cos(FV_PI * t));
}

double fv_schedule_factor(const fv_schedule *s, int epoch, size_t step, size_t steps_per_epoch, int epochs) {
    double at = epoch + (double)step / (double)steps_per_epoch; /* epochs gone by */
    double rest = (at - s->warmup) / (epochs - s->warmup);
    if (s->kind == FV_ONECYCLE) /* Smith 2018: 1/25 up to 1, then down to 1/250000 (PyTorch's shape) */
        return at < s->warmup ? cosine(1.0 / 25, 1, at / s->warmup) : cosine(1, 1.0 / 250000, rest);
    double warm = at < s->warmup ? (at + 1.0 / (double)steps_per_epoch) / s->warmup : 1;
    if (warm > 1) warm = 1;
    if (s->kind == FV_STEP) return warm * fv_pow(s->gamma, (double)(int)(epoch / s->every));
    if (s->kind == FV_COSINE && at >= s->warmup) return warm * cosine(1, 0, rest);
    return warm;
}

/* ---- updates ---- */

void fv_optimiser_update(const fv_optimiser *o, const fv_kernels *k, size_t step, double learning_rate, size_t n,
                         const float *g, float *w, float *s1, float *s2) {
    const double *arg = o->arg;
    float rate = (float)learning_rate;
    if (o->kind == FV_ADADELTA) {
        fv_adadelta a = {rate, arg[RHO], (float)arg[ADADELTA_EPS], (float)arg[ADADELTA_DECAY]};
        k->adadelta(n, &a, g, w, s1, s2);
    } else if (o->kind == FV_SGD) {
        fv_sgd a = {rate, (float)arg[MOMENTUM], (float)arg[SGD_DECAY], arg[NESTEROV] != 0, step == 1};
        k->sgd(n, &a, g, w, s1);
    } else {
        fv_adam a = {rate,
                     arg[BETA1],
                     arg[BETA2],
                     (float)arg[ADAM_EPS],
                     (float)arg[ADAM_DECAY],
                     o->kind == FV_ADAMW,
                     (float)(1 - fv_pow(arg[BETA1], (double)step)),
                     (float)(1 - fv_pow(arg[BETA2], (double)step))};
        k->adam(n, &a, g, w, s1, s2);
    }
}
