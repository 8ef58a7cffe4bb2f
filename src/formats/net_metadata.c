#include "formats/net_metadata.h"

#include <stdlib.h>

#include "base/memory.h"
#include "formats/json_text.h"

/* Takes the list; free() the text. */
static char *dump(json_t *list) {
    char *text = fv_json_text(list, JSON_REAL_PRECISION(9)); /* 9 digits bring every float back */
    json_decref(list);
    return text;
}

static char *dump_numbers(const float *values, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) fv_json_append(&list, json_real((double)values[i]));
    return dump(list);
}

static char *dump_names(const char *const *names, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        if (json_array_append_new(list, names ? json_string(names[i]) : json_sprintf("%d", i)) == 0) continue;
        json_decref(list);
        return NULL;
    }
    return dump(list);
}

bool fv_net_metadata_init(fv_net_metadata *out, const fv_net *net, const char *const *class_names) {
    static const char *const keys[FV_N_METADATA] = {"model", "input", "mean", "std", "class_names"};
    fv_shape shape = fv_net_input(net);
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_net_normalisation(net, mean, std);
    out->text[0] = fv_copy_text(fv_net_text(net));
    out->text[1] = dump(json_pack("[i, i, i]", shape.c, shape.h, shape.w));
    out->text[2] = dump_numbers(mean, shape.c);
    out->text[3] = dump_numbers(std, shape.c);
    out->text[4] = dump_names(class_names, fv_net_n_classes(net));
    bool good = true;
    for (int i = 0; i < FV_N_METADATA; i++) {
        out->item[i] = (fv_metadata){keys[i], out->text[i]};
        good = good && out->text[i];
    }
    return good;
}

void fv_net_metadata_deinit(fv_net_metadata *metadata) {
    for (int i = 0; i < FV_N_METADATA; i++) free(metadata->text[i]);
    *metadata = (fv_net_metadata){0};
}
