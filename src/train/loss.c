/* What becomes of the loss of one label and its gradient, (p - t) scale with t = (1 - s) e_label + s / n, where images
 * are mixed or classes weigh differently. */
#include "train/trainer.h"

/* Mixing takes w = (1 - s) (1 - share) from e_label and gives it to e_other, so that
 * the loss -sum t log p grows by w (z_label - z_other). */
void fv_loss_mix(const fv_mixture *mixture, const uint16_t label[FV_LANES], int n_lanes, float smoothing, float scale,
                 const float *z, float *dz, float *loss) {
    for (int l = 0; l < n_lanes; l++) {
        const uint16_t own = label[l], other = label[mixture->partner[l]];
        const float moved = (1 - smoothing) * (1 - mixture->share[l]);
        if (own == other || moved == 0) continue;
        dz[own * FV_LANES + l] += moved * scale;
        dz[other * FV_LANES + l] -= moved * scale;
        loss[l] += moved * (z[own * FV_LANES + l] - z[other * FV_LANES + l]);
    }
}

/* The loss -sum w t log p has the gradient (S p - w t) scale, S = sum w t; from (p - t) scale: S times that, and
 * (S - w) t scale. In double, so that a weight alone (t one-hot) is one rounding. */
void fv_loss_weigh(const float *class_weights, int n_classes, const fv_mixture *mixture, const uint16_t label[FV_LANES],
                   int n_lanes, float smoothing, float scale, float *dz) {
    const double low = (double)smoothing / n_classes, high = 1 - (double)smoothing;
    double weight_sum = 0;
    for (int k = 0; k < n_classes; k++) weight_sum += (double)class_weights[k];
    for (int l = 0; l < n_lanes; l++) {
        const int own = label[l], other = mixture ? label[mixture->partner[l]] : own;
        const double share = mixture ? (double)mixture->share[l] : 1;
        const double sum =
            low * weight_sum + high * (share * (double)class_weights[own] + (1 - share) * (double)class_weights[other]);
        for (int k = 0; k < n_classes; k++) {
            const double t = low + high * (share * (k == own) + (1 - share) * (k == other));
            float *at = &dz[k * FV_LANES + l];
            *at = (float)(sum * (double)*at + (double)scale * t * (sum - (double)class_weights[k]));
        }
    }
}
