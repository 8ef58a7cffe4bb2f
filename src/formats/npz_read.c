#include <stdio.h>
#include <stdlib.h>

#include "formats/files.h"
#include "formats/npy.h"
#include "formats/npz.h"

static fv_status read_array(const char *path, const char *name, int rank, const int *size, float *values,
                            fv_error *error) {
    char member[96];
    fv_source *source;
    snprintf(member, sizeof member, "%.80s.npy", name);
    FV_TRY(fv_source_open_member(path, member, false, &source, error));
    fv_status status = fv_npy_read_floats(source, rank, size, values, error);
    fv_source_close(source);
    return status;
}

static fv_status read_tensor(const char *path, fv_net *net, int index, fv_error *error) {
    fv_tensor_info info;
    fv_net_tensor(net, index, &info);
    float *values = malloc(info.n * sizeof *values);
    if (!values) return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
    fv_status status = read_array(path, info.name, info.rank, info.size, values, error);
    if (status == FV_OK) fv_net_tensor_set(net, index, values);
    free(values);
    return status;
}

fv_status fv_npz_read_net(const char *path, const fv_net *like, fv_net **out, fv_error *error) {
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_shape input = fv_net_input(like);
    fv_net *net;
    FV_TRY(fv_net_create(fv_net_text(like), input, fv_net_n_classes(like), 0, 0, &net, error));
    fv_status status = read_array(path, "mean", 1, &input.c, mean, error);
    if (status == FV_OK) status = read_array(path, "std", 1, &input.c, std, error);
    if (status == FV_OK) fv_net_set_normalisation(net, mean, std);
    for (int i = 0; status == FV_OK && i < fv_net_n_tensors(net); i++) status = read_tensor(path, net, i, error);
    if (status == FV_OK)
        *out = net;
    else
        fv_net_destroy(net);
    return status;
}
