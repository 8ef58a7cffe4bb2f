/* Every word of the model language. */
#include "nn/net.h"

static const fv_layer_type *const types[] = {
    &fv_conv_layer,    &fv_max_pool_layer, &fv_avg_pool_layer, &fv_global_pool_layer,
    &fv_norm_layer,    &fv_relu_layer,     &fv_dropout_layer,  &fv_dropout2d_layer,
    &fv_flatten_layer, &fv_dense_layer,    &fv_residual_layer,
};

const fv_layer_type *fv_layer_type_at(int index) {
    return index >= 0 && index < (int)(sizeof types / sizeof *types) ? types[index] : NULL;
}

const fv_layer_type *fv_layer_type_find(fv_word word) {
    for (int i = 0; fv_layer_type_at(i); i++)
        if (fv_word_is(word, types[i]->word)) return types[i];
    return NULL;
}
