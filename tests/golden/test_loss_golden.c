/* The gradient of the loss with class weights against PyTorch's CrossEntropyLoss (make_loss.py): with hard labels, with
 * label smoothing, with mixed images as probability targets, and with both. */
#include <math.h>

#include "cmocka_test.h"
#include "fovea/machine.h"
#include "golden_file.h"
#include "train/trainer.h"

enum { N = 40, K = 7, N_CASES = 4 };

typedef struct batch {
    float *weights, *logits, *shares;
    const uint8_t *labels, *partners;
} batch;

/* dz [K][16] of the block of images from `first`. */
static void block_gradient(const batch *b, int first, int n_lanes, float smoothing, bool mixes, float scale,
                           float *dz) {
    _Alignas(64) float z[K * FV_LANES] = {0};
    float loss[FV_LANES];
    uint16_t label[FV_LANES] = {0}, best[FV_LANES];
    fv_mixture mixture = {.partner = {0}};
    for (int l = 0; l < n_lanes; l++) {
        label[l] = b->labels[first + l];
        mixture.partner[l] = (uint8_t)(b->partners[first + l] - first);
        mixture.share[l] = b->shares[first + l];
        for (int k = 0; k < K; k++) z[k * FV_LANES + l] = b->logits[(first + l) * K + k];
    }
    fv_kernels_chosen()->softmax_loss(K, z, label, n_lanes, smoothing, scale, dz, NULL, loss, best);
    if (mixes) fv_loss_mix(&mixture, label, n_lanes, smoothing, scale, z, dz, loss);
    fv_loss_weigh(b->weights, K, mixes ? &mixture : NULL, label, n_lanes, smoothing, scale, dz);
}

static void check_case(const golden_file *file, const batch *b, int number) {
    char name[32];
    snprintf(name, sizeof name, "%d/smoothing", number);
    float *smoothing = golden_floats(file, name, 1);
    snprintf(name, sizeof name, "%d/mixes", number);
    float *mixes = golden_floats(file, name, 1);
    snprintf(name, sizeof name, "%d/gradient", number);
    float *want = golden_floats(file, name, N * K);
    double sum = 0;
    for (int i = 0; i < N; i++) sum += mixes[0] > 0 ? 1 : (double)b->weights[b->labels[i]];
    for (int first = 0; first < N; first += FV_LANES) {
        _Alignas(64) float dz[K * FV_LANES];
        const int n_lanes = N - first < FV_LANES ? N - first : FV_LANES;
        block_gradient(b, first, n_lanes, smoothing[0], mixes[0] > 0, (float)(1 / sum), dz);
        for (int l = 0; l < FV_LANES; l++)
            for (int k = 0; k < K; k++) {
                const double wanted = l < n_lanes ? (double)want[(first + l) * K + k] : 0;
                if (!(fabs((double)dz[k * FV_LANES + l] - wanted) <= 1e-7))
                    fail_msg("case %d, image %d, class %d: %g, PyTorch has %g", number, first + l, k,
                             (double)dz[k * FV_LANES + l], wanted);
            }
    }
    free(smoothing);
    free(mixes);
    free(want);
}

static void weighted_gradients_are_pytorch_s(void **state) {
    (void)state;
    golden_file *file = golden_read(FOVEA_SOURCE_DIR "/tests/golden/loss.golden");
    const batch b = {.weights = golden_floats(file, "weights", K),
                     .logits = golden_floats(file, "logits", N * K),
                     .shares = golden_floats(file, "shares", N),
                     .labels = golden_find(file, "labels")->data,
                     .partners = golden_find(file, "partners")->data};
    for (int i = 0; i < N_CASES; i++) check_case(file, &b, i);
    free(b.weights);
    free(b.logits);
    free(b.shares);
    golden_free(file);
}

int main(void) {
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        print_message("SKIP: %s\n", error.message);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(weighted_gradients_are_pytorch_s)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
