/* A net's weights as NumPy's .npz: an uncompressed zip archive of .npy arrays. */
#ifndef FV_NPZ_H
#define FV_NPZ_H

#include "fovea/net.h"

/* Reads weights, mean and std back into a new net like `like`. FV_E_IO, FV_E_DATA (names the array), FV_E_MEMORY. */
fv_status fv_npz_read_net(const char *path, const fv_net *like, fv_net **out, fv_error *error) FV_MUST_CHECK;

#endif
