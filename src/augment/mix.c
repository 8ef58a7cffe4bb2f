/* mixup and cutmix: what an image and its partner become together.
 * Source: torchvision v2, MixUp and CutMix; Zhang et al. 2017, Yun et al. 2019. Their share is drawn for a batch, ours
 * for every image. */
#include <string.h>

#include "augment/transform.h"
#include "base/math.h"

static const fv_param params[] = {
    {.name = "alpha", .kind = FV_PARAM_NUMBER, .position = 1, .min = 0.01, .max = 100, .fallback = 1}};

/* ---- Beta(alpha, alpha) ---- */

static double draw_normal(fv_words4 words) { /* Box and Muller 1958 */
    const double u = ((double)words.word[0] + 0.5) * 0x1p-32, turn = (double)words.word[1] * 0x1p-32;
    return fv_sqrt(-2 * fv_log(u)) * fv_cos(2 * FV_PI * turn);
}

/* The logarithm of a Gamma(alpha) number, from draws first, first + 1, ... Marsaglia, Tsang 2000, which wants alpha >=
 * 1: Gamma(alpha) is Gamma(alpha + 1) U^(1 / alpha). */
static double log_gamma_number(double alpha, const fv_draw *draw, uint32_t first) {
    const double d = alpha + 1 - 1.0 / 3, c = 1 / fv_sqrt(9 * d);
    const double boost = fv_log(((double)fv_draw_words(draw, first).word[3] + 0.5) * 0x1p-32) / alpha;
    for (uint32_t i = first;; i++) {
        const fv_words4 words = fv_draw_words(draw, i);
        const double x = draw_normal(words), root = 1 + c * x, v = root * root * root;
        const double u = ((double)words.word[2] + 0.5) * 0x1p-32;
        if (v > 0 && fv_log(u) < 0.5 * x * x + d - d * v + d * fv_log(v)) return fv_log(d * v) + boost;
    }
}

double fv_draw_beta(double alpha, const fv_draw *draw) {
    enum { SECOND = 1 << 15 }; /* the draws of the second number */
    const double a = log_gamma_number(alpha, draw, 1), b = log_gamma_number(alpha, draw, SECOND);
    return 1 / (1 + fv_exp(b - a));
}

/* ---- the transforms ---- */

static fv_mix mixup(const double *values, fv_shape shape, const fv_draw *draw) {
    (void)shape;
    return (fv_mix){.share = fv_draw_beta(values[0], draw)};
}

/* The pixels from middle - half to middle + half that lie in the image. */
static void cut_side(int middle, int half, int side, int *first, int *n) {
    const int from = middle - half, to = middle + half;
    *first = from < 0 ? 0 : from;
    *n = (to > side ? side : to) - *first;
}

fv_mix fv_cutmix_box(double share, int row, int column, fv_shape shape) {
    const double half = 0.5 * fv_sqrt(1 - share);
    fv_mix mix = {.pastes = true};
    cut_side(row, (int)(half * shape.h), shape.h, &mix.top, &mix.h);
    cut_side(column, (int)(half * shape.w), shape.w, &mix.left, &mix.w);
    mix.share = 1 - (double)mix.h * mix.w / ((double)shape.h * shape.w);
    return mix;
}

static fv_mix cutmix(const double *values, fv_shape shape, const fv_draw *draw) {
    const fv_words4 words = fv_draw_words(draw, 0);
    return fv_cutmix_box(fv_draw_beta(values[0], draw), (int)fv_below(words.word[0], (uint32_t)shape.h),
                         (int)fv_below(words.word[1], (uint32_t)shape.w), shape);
}

const fv_transform fv_transform_mixup = {.name = "mixup", .params = params, .n_params = 1, .mix = mixup};
const fv_transform fv_transform_cutmix = {.name = "cutmix", .params = params, .n_params = 1, .mix = cutmix};

/* ---- pixels ---- */

void fv_mix_images(const fv_mix *mix, fv_shape shape, const uint8_t *partner, uint8_t *x) {
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    const float share = (float)mix->share, rest = 1 - share;
    if (!mix->pastes) {
        for (size_t k = 0; k < (size_t)shape.c * plane; k++)
            x[k] = (uint8_t)(share * (float)x[k] + rest * (float)partner[k] + 0.5F);
        return;
    }
    for (size_t c = 0; c < (size_t)shape.c; c++)
        for (int i = mix->top; i < mix->top + mix->h; i++) {
            const size_t at = c * plane + (size_t)i * (size_t)shape.w + (size_t)mix->left;
            memcpy(x + at, partner + at, (size_t)mix->w);
        }
}
