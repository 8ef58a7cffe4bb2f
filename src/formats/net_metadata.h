/* What a net's tensors do not say, as texts by name. Every format that holds a net carries them:
 *     model        its text, every layer resolved
 *     input        [C, H, W]
 *     mean, std    [C], of pixels / 255
 *     class_names  ["0", "1", ...]
 * all but the first as JSON. */
#ifndef FV_NET_METADATA_H
#define FV_NET_METADATA_H

#include "formats/safetensors.h"
#include "fovea/net.h"

enum { FV_N_METADATA = 5 };

typedef struct fv_net_metadata {
    fv_metadata item[FV_N_METADATA];
    char *text[FV_N_METADATA]; /* owned */
} fv_net_metadata;

/* class_names [n_classes]; NULL: numbered. False where memory is short or a name is not UTF-8; deinit in any case. */
bool fv_net_metadata_init(fv_net_metadata *out, const fv_net *net, const char *const *class_names);
void fv_net_metadata_deinit(fv_net_metadata *metadata);

#endif
