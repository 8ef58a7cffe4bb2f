/* The named models: models/NAME.net, compiled in. */
#include <string.h>

#include "nn/net.h"

#define MODELS(X)                                                                                                      \
    X(convnet, "convnet")                                                                                              \
    X(convnet_nodropout, "convnet-nodropout")                                                                          \
    X(convnet_onedropout, "convnet-onedropout")                                                                        \
    X(convnet_bn, "convnet-bn")                                                                                        \
    X(resnet_small, "resnet-small")

#define DECLARE(symbol, name) extern const char fv_model_##symbol[];
MODELS(DECLARE)

static const struct {
    const char *name, *text;
} models[] = {
#define ROW(symbol, name) {name, fv_model_##symbol},
    MODELS(ROW)};

enum { N_MODELS = sizeof models / sizeof *models };

const char *fv_model_name(int index) {
    return index >= 0 && index < N_MODELS ? models[index].name : NULL;
}

const char *fv_model_text(const char *name) {
    for (int i = 0; i < N_MODELS; i++)
        if (strcmp(models[i].name, name) == 0) return models[i].text;
    return NULL;
}
