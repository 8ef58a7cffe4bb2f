/* NumPy's .npy arrays as images and labels.
 *
 * Images are uint8: [N][H][W], [N][H][W][C] (channels last, as NumPy's users have them), [N][C][H][W], or [N][S*S]
 * (flattened squares). Of four sizes the last is the channels unless it is above FV_MAX_CHANNELS, or only the second
 * is 1, 3 or 4. Labels are integers of any width: [N] or [N][1].
 * Memory grows with what the file holds, whatever its header promises.
 * Source: numpy.lib.format, "Format Version 1.0" to 3.0. */
#ifndef FV_NPY_H
#define FV_NPY_H

#include "formats/source.h"
#include "fovea/data.h"

/* `source` stands at the array's start. FV_E_IO, FV_E_MEMORY, FV_E_DATA with a message that names the source. Labels
 * are malloc'd; images have none yet and are for fv_images_deinit: of a large plain file whose channels do not come
 * last they are mapped (FV_MAPPED_LEAST). */
fv_status fv_npy_read_images(fv_source *source, fv_images *out, fv_error *error) FV_MUST_CHECK;
fv_status fv_npy_read_labels(fv_source *source, uint16_t **labels, size_t *n, fv_error *error) FV_MUST_CHECK;
/* An array of little-endian float32 that has just this shape; `values` gets all of them. Errors as above. */
fv_status fv_npy_read_floats(fv_source *source, int rank, const int *size, float *values,
                             fv_error *error) FV_MUST_CHECK;

/* n images [H][W][C] to [C][H][W], in place. FV_E_MEMORY. */
fv_status fv_pixels_channels_first(uint8_t *pixels, size_t n, fv_shape shape) FV_MUST_CHECK;

#endif
