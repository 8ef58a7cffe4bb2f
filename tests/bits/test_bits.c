/* The promise of the same bits: seven nets trained for 20 steps on the embedded digits come to the weights whose
 * SHA-256 stand here, whatever the threads, the instruction set (an entry each in ctest), the compiler and the
 * optimisation. Who changes what is drawn or the order of a sum sees it here, and says so in CHANGELOG.md. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_test.h"
#include "fovea/machine.h"
#include "fovea/train.h"

enum { STEPS = 20, BATCH = 60 }; /* 60: the last block of every batch lacks four images */

static const struct {
    const char *model, *augment, *optimizer, *sha256;
} cases[] = {
    {"convnet", "none", "adadelta", "732308620629a2268ae9f0a2ae634f18fbdd929fcda0719fb37973cd9d27d07e"},
    {"convnet-bn", "none", "sgd nesterov weight_decay 0.0005",
     "3f6636741df9aa4942db367d0c8cd48c4191d249b4b2a395704ba38e8c238f11"},
    {"resnet-small", "hflip", "adam", "d0b01edf913d1e31cfc80514bddc3b4664f37ac09148586c632aec1ef43730ca"},
    {"conv 6 5x5 pad 2, batchnorm, relu, maxpool 2, dropout2d 0.3, residual( conv 6 3x3, relu | conv 6 1x1, batchnorm "
     "), "
     "relu, conv 9 3x3, relu, avgpool 2, dropout 0.2, conv 5 3x3 stride 2, globalavgpool, dense 17, relu, dense "
     "classes",
     "affine degrees 20 translate 0.1 scale_min 0.8 scale_max 1.2 shear 10, crop 1, gaussian_blur 3 0.1 1, erasing 0.5",
     "adamw", "e5b96c0a77aa4db5e440b8bc6809ca8c2fb419419845e9b2ac2918e505939d4f"},
    {"convnet-bn", "apply 0.8, elastic 30 0.8, randaugment 2 12, gaussian_noise 0.05, cutmix 0.5", "adadelta",
     "6d46d30752065b1f8085d782bbe3f3e3657a8707694d5287da4d69b75ffe8d27"},
    {"convnet", "perspective, color_jitter 0.3 0.3, mixup 0.2", "sgd",
     "79ec618c75ababbf597685fd4468ab4056c5ec719f6448c8251ea1fe100cd221"},
    {"conv 16 3x3, batchnorm, relu, residual( conv 32 3x3 pad 2, relu, conv 16 3x3 pad 0, batchnorm ), relu, "
     "conv 48 3x3 pad 0, relu, globalavgpool, dense classes",
     "none", "sgd", "f97d40ed945721ea5e8fd2687d541911cf9177b45f76d76aebe936ab57685af5"},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static fv_dataset *digits;

static int open_digits(void **state) {
    (void)state;
    fv_error error;
    return fv_dataset_open("digits", &digits, &error) != FV_OK;
}

static int close_digits(void **state) {
    (void)state;
    fv_dataset_destroy(digits);
    return 0;
}

static void train(int i, int threads, char hash[65]) {
    fv_net *net = NULL;
    fv_augment *augment = NULL;
    fv_error error = {0};
    fv_shape shape = digits->train.shape;
    const float mean = 0.3F, std = 0.375F;
    uint32_t at[STEPS * BATCH];
    for (uint32_t k = 0; k < STEPS * BATCH; k++) at[k] = k;
    const fv_indices training = {STEPS * BATCH, at};
    if (fv_net_create(cases[i].model, shape, digits->n_classes, 1, 7, &net, &error) != FV_OK ||
        fv_augment_create(cases[i].augment, shape, &augment, &error) != FV_OK)
        fail_msg("%s", error.message);
    fv_net_set_normalisation(net, &mean, &std);
    fv_train_options o = fv_train_defaults();
    o.epochs = 1;
    o.batch = BATCH;
    o.seed = 7;
    o.threads = threads;
    o.optimizer = cases[i].optimizer;
    o.augment = augment;
    if (fv_train(net, &digits->train, &training, NULL, &o, NULL, NULL, &error) != FV_OK) fail_msg("%s", error.message);
    fv_net_hash(net, hash);
    fv_augment_destroy(augment);
    fv_net_destroy(net);
}

static void test_bits(void **state) {
    static const int threads[] = {1, 2, 3, 5, 8};
    int n_threads = strcmp(fv_isa_name(), "generic") == 0 ? 2 : 5; /* it is slow, and its loop is the same */
    int bad = 0;
    (void)state;
    for (int i = 0; i < N_CASES; i++)
        for (int t = 0; t < n_threads; t++) {
            char hash[65];
            train(i, threads[t], hash);
            if (strcmp(hash, cases[i].sha256) == 0) continue;
            print_error("%.20s..., %d threads: %s\n", cases[i].model, threads[t], hash);
            bad++;
        }
    if (bad) fail_msg("%d of %d trainings came to other weights", bad, N_CASES * n_threads);
}

int main(void) {
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        print_message("SKIP: %s\n", error.message);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bits)};
    return cmocka_run_group_tests(tests, open_digits, close_digits);
}
