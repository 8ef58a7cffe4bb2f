/* Any bytes as a model's text: a net that can be asked about, or a message. */
#include "fuzz.h"

#include "fovea/net.h"

const unsigned fuzz_rounds = 20000;

enum { LONGEST = 400 };

/* What a text may ask for is not bounded by its length: layers of 10,000 units are a model as any other. Numbers of
 * more than two digits are left to the tests of shapes. */
static bool is_large(const char *text) {
    int digits = 0;
    for (; *text; text++) {
        digits = *text >= '0' && *text <= '9' ? digits + 1 : 0;
        if (digits > 2) return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const fv_shape shapes[] = {{1, 8, 8}, {3, 9, 12}};
    char text[LONGEST + 1] = "";
    memcpy(text, data, size < LONGEST ? size : LONGEST);
    if (is_large(text)) return 0;
    for (size_t s = 0; s < 2; s++) {
        fv_error error = {FV_OK, ""};
        fv_net *net, *again;
        fv_status status = fv_net_create(text, shapes[s], 3, (int)s, 1, &net, &error);
        if (status != FV_OK) {
            FUZZ_NEED((status == FV_E_TEXT || status == FV_E_SHAPE || status == FV_E_NAME) && error.code == status &&
                      error.message[0]);
            continue;
        }
        FUZZ_NEED(fv_net_create(fv_net_text(net), shapes[s], 3, 0, 1, &again, &error) == FV_OK);
        FUZZ_NEED(strcmp(fv_net_text(net), fv_net_text(again)) == 0);
        FUZZ_NEED(fv_net_n_weights(net) == fv_net_n_weights(again));
        fv_net_destroy(net);
        fv_net_destroy(again);
    }
    return 0;
}

bytes fuzz_seed(int index) {
    static const char *const seeds[] = {
        "convnet-bn",
        "conv 8 3x3, relu, maxpool 2, dropout2d 0.5, conv 8 3x3 pad 1 stride 2, relu, avgpool 2, dropout 0.5, dense 64,"
        " relu, dense classes",
        "conv 4 1x1, batchnorm, residual( conv 4 3x3 pad 1, relu, conv 4 3x3 pad 1 | conv 4 1x1 ), globalavgpool,"
        " flatten, dense classes",
        "residual( residual( conv 1 1x1 ), relu ), dense 10 , dense classes"};
    bytes seed = {0};
    if (index < (int)(sizeof seeds / sizeof *seeds)) bytes_add(&seed, seeds[index], strlen(seeds[index]));
    return seed;
}
