/* IDX files, the format of MNIST: two zero bytes, a type, a rank, that many big-endian 32-bit sizes, the values.
 * Plain or gzip. Source: LeCun, Cortes, Burges, "The MNIST database", section "File formats".
 *
 * Images are unsigned bytes (type 08), [N][H][W] or [N][C][H][W], with C from 1 to FV_MAX_CHANNELS, H and W from 1 to
 * FV_MAX_SIDE. Labels are [N], unsigned bytes or, where a set has more than 256 classes, 16-bit integers (type 0B, high
 * byte first), each below FV_MAX_CLASSES; or, as QMNIST has them, 32-bit integers [N][columns] (type 0C), of which the
 * first column is the class.
 * Memory grows with what the file holds, whatever its header promises. */
#ifndef FV_IDX_H
#define FV_IDX_H

#include "fovea/data.h"

/* FV_E_IO, FV_E_MEMORY, FV_E_DATA with a message that names the file. Labels are malloc'd; images have none yet and are
 * for fv_images_deinit: a large plain file is mapped (FV_MAPPED_LEAST). */
fv_status fv_idx_read_images(const char *path, fv_images *out, fv_error *error) FV_MUST_CHECK;
fv_status fv_idx_read_labels(const char *path, uint16_t **labels, size_t *n, fv_error *error) FV_MUST_CHECK;

#endif
