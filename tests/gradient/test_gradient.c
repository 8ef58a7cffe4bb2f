/* Every tensor's gradient against central differences of the loss, through whole nets that hold every layer: for a
 * random direction d of one tensor, (L(w + h d) - L(w - h d)) / 2h = g . d. The loss is a float's, so h is large and
 * the bound some percent; PyTorch's values (tests/golden) and the kernels' double references are the fine comb. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "cmocka_test.h"
#include "fovea/machine.h"
#include "train/trainer.h"

enum { N = 40, SIDE = 9, CHANNELS = 2, CLASSES = 5 }; /* 40 = 16 + 16 + 8 images */

static const char *const models[] = {
    "conv 4 3x3, relu, maxpool 2, dropout2d 0.3, dense classes",
    "conv 3 3x3 pad 1, relu, maxpool 2, conv 4 3x3 pad 1, relu, maxpool 2, dense classes",
    "conv 3 3x3, batchnorm, relu, maxpool 2, dropout 0.3, dense classes",
    ("conv 4 5x3 pad 1 stride 2, batchnorm, residual( conv 6 3x3 pad 1 stride 2 | conv 6 1x1 stride 2, batchnorm ), "
     "globalavgpool, dense classes"),
    "residual( batchnorm, relu, conv 2 3x3 pad 1 ), dense classes",
    "avgpool 2, conv 3 1x1, maxpool 2, relu, flatten, dense classes",
    "conv 16 1x1, residual( conv 32 3x3 pad 2, relu, conv 16 3x3 ), globalavgpool, dense classes",
    "dense 7, batchnorm, dense 6, relu, dense classes",
};

static uint8_t pixels[N * CHANNELS * SIDE * SIDE];
static uint16_t labels[N];
static const fv_images images = {.n = N, .shape = {CHANNELS, SIDE, SIDE}, .pixels = pixels, .labels = labels};

static float noise(uint32_t i, uint32_t what) {
    return 2 * fv_unit(fv_philox(5, FV_RANDOM_TEST, i, what, 0, 0).word[0]) - 1;
}

/* Mean loss of one batch; the learning rate is too small to move a weight. */
static double loss_of(fv_trainer *t, fv_team *team) {
    const fv_source source = {.images = &images};
    fv_epoch_sum sum = fv_trainer_epoch(t, team, &source, N, 0);
    assert_int_equal(sum.status, FV_OK);
    return sum.loss / (double)sum.n;
}

static void move(float *w, const float *from, size_t n, float h, uint32_t tensor) {
    for (size_t i = 0; i < n; i++) w[i] = from[i] + h * noise((uint32_t)i, tensor);
}

/* The tensor's stored floats; padding is moved too, and its gradient is zero. */
static void check_tensor(fv_trainer *t, fv_team *team, const float *g, int tensor) {
    const fv_tensor *info = &t->net->tensors[tensor];
    size_t n = info->info.n;
    if (info->storage == FV_TRANSPOSED)
        n = (size_t)info->info.size[1] * (size_t)fv_round_up(info->info.size[0], FV_LANES);
    float *w = t->net->weights + info->offset, *from = malloc(n * sizeof *from);
    double analytic = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double along = g[info->offset + i] * (double)noise((uint32_t)i, (uint32_t)tensor);
        analytic += along;
        size += along * along;
        from[i] = w[i];
    }
    const float h = 1.0F / 4096; /* few kinks of relu and pooling within, and the float loss still tells */
    move(w, from, n, h, (uint32_t)tensor);
    double up = loss_of(t, team);
    move(w, from, n, -h, (uint32_t)tensor);
    double down = loss_of(t, team), numeric = (up - down) / (2 * (double)h);
    memcpy(w, from, n * sizeof *w);
    free(from);
    if (fabs(numeric - analytic) > 0.05 * sqrt(size) + 1e-3)
        fail_msg("%s of %.30s...: differences say %g, the way back %g", info->info.name, t->net->text, numeric,
                 analytic);
}

static void check_model(const char *model) {
    fv_net *net = NULL;
    fv_trainer *t = NULL;
    fv_team *team = NULL;
    fv_error error = {0};
    const float mean[CHANNELS] = {0.5F, 0.5F}, std[CHANNELS] = {0.3F, 0.3F};
    fv_train_options o = fv_train_defaults();
    o.optimizer = "sgd momentum 0";
    o.schedule = "constant";
    o.learning_rate = 1e-30;
    o.label_smoothing = 0.1;
    o.batch = N;
    if (fv_net_create(model, images.shape, CLASSES, 0, 3, &net, &error) != FV_OK) fail_msg("%s", error.message);
    fv_net_set_normalisation(net, mean, std);
    if (fv_trainer_create(net, &o, &images, 1, &t, &error) != FV_OK) fail_msg("%s", error.message);
    assert_int_equal(fv_team_create(1, &team), FV_OK);
    float *g = aligned_alloc(64, net->n_weights * sizeof *g);
    loss_of(t, team);
    fv_trainer_gradient(t, N, g);
    for (int i = 0; i < net->n_tensors; i++)
        if (net->tensors[i].info.trained) check_tensor(t, team, g, i);
    free(g);
    fv_team_destroy(team);
    fv_trainer_destroy(t);
    fv_net_destroy(net);
}

static void test_gradients(void **state) {
    (void)state;
    for (uint32_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(127.5F + 127 * noise(i, 1000));
    for (uint32_t i = 0; i < N; i++) labels[i] = (uint16_t)(i * 7 % CLASSES);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) check_model(models[i]);
}

/* ---- class weights ---- */

/* The loss of N images of logits z, in double: -sum w t log p over the batch, by the sum of the labels' weights, or by
 * N where images are mixed. */
static double weighted_loss(const double *z, const float *w, double smoothing, const fv_mixture *mixtures) {
    double loss = 0, divisor = 0;
    for (int i = 0; i < N; i++) {
        const fv_mixture *m = mixtures ? &mixtures[i / FV_LANES] : NULL;
        const int l = i % FV_LANES, other = m ? labels[i - l + m->partner[l]] : labels[i];
        const double share = m ? (double)m->share[l] : 1;
        double total = 0;
        for (int k = 0; k < CLASSES; k++) total += exp(z[k]);
        for (int k = 0; k < CLASSES; k++) {
            const double hard = share * (k == labels[i]) + (1 - share) * (k == other);
            const double t = (1 - smoothing) * hard + smoothing / CLASSES;
            loss -= (double)w[k] * t * (z[k] - log(total));
        }
        divisor += m ? 1 : (double)w[labels[i]];
    }
    return loss / divisor;
}

/* One step of a net that knows its bias alone (its weights are 0), so that the logits of all images are that bias. */
static void check_weighted(const char *augment, double smoothing) {
    static const float class_weights[CLASSES] = {0.5F, 3, 1.25F, 0.75F, 2}, bias[CLASSES] = {0.3F, -1, 0.5F, 0, 1.5F};
    static uint8_t mixed[16 * CHANNELS * SIDE * SIDE];
    fv_net *net = NULL;
    fv_trainer *t = NULL;
    fv_team *team = NULL;
    fv_augment *a = NULL;
    fv_mixture mixtures[3];
    fv_error error = {0};
    fv_train_options o = fv_train_defaults();
    o.batch = N;
    o.label_smoothing = smoothing;
    o.class_weights = class_weights;
    if (fv_augment_create(augment, images.shape, &a, &error) != FV_OK) fail_msg("%s", error.message);
    o.augment = a;
    assert_int_equal(fv_net_create("dense classes", images.shape, CLASSES, 0, 3, &net, &error), FV_OK);
    float *zeros = calloc(CLASSES * CHANNELS * SIDE * SIDE, sizeof *zeros);
    fv_net_tensor_set(net, 0, zeros);
    fv_net_tensor_set(net, 1, bias);
    assert_int_equal(fv_trainer_create(net, &o, &images, 1, &t, &error), FV_OK);
    assert_int_equal(fv_team_create(1, &team), FV_OK);
    const fv_source source = {.images = &images, .augment = a, .seed = o.seed};
    assert_int_equal(fv_trainer_epoch(t, team, &source, N, 0).status, FV_OK);
    float *g = aligned_alloc(64, net->n_weights * sizeof *g);
    fv_trainer_gradient(t, N, g);
    void *scratch = malloc(fv_augment_scratch(a) + 1);
    for (uint32_t block = 0; block < 3; block++)
        fv_augment_mix(a, o.seed, 0, 16 * block, block < 2 ? 16 : N - 32, mixed, &mixtures[block], scratch);
    for (int k = 0; k < CLASSES; k++) {
        const double h = 1e-5;
        double z[CLASSES];
        for (int j = 0; j < CLASSES; j++) z[j] = (double)bias[j] + (j == k ? h : 0);
        const double up = weighted_loss(z, class_weights, smoothing, fv_augment_mixes(a) ? mixtures : NULL);
        z[k] -= 2 * h;
        const double down = weighted_loss(z, class_weights, smoothing, fv_augment_mixes(a) ? mixtures : NULL);
        assert_true(fabs((double)g[net->tensors[1].offset + (size_t)k] - (up - down) / (2 * h)) < 1e-6);
    }
    free(scratch);
    free(g);
    free(zeros);
    fv_team_destroy(team);
    fv_trainer_destroy(t);
    fv_augment_destroy(a);
    fv_net_destroy(net);
}

static void test_class_weights(void **state) {
    (void)state;
    for (uint32_t i = 0; i < N; i++) labels[i] = (uint16_t)(i * 7 % CLASSES);
    for (int i = 0; i < 4; i++) check_weighted(i & 2 ? "mixup 0.5" : "none", i & 1 ? 0.2 : 0);
}

int main(void) {
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        print_message("SKIP: %s\n", error.message);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients), cmocka_unit_test(test_class_weights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
