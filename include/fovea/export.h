/* Models for other programs: ONNX, C source, NPZ; safetensors is fv_net_save (net.h). Each can be read back (C:
 * compiled and run) and held against the net that it came from. */
#ifndef FOVEA_EXPORT_H
#define FOVEA_EXPORT_H

#include "fovea/net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What other programs read. */
typedef enum fv_export_format { FV_EXPORT_SAFETENSORS, FV_EXPORT_ONNX, FV_EXPORT_NPZ, FV_EXPORT_C } fv_export_format;

/* What an ONNX graph takes: pixels as they are, uint8, or divided by 255, float. */
typedef enum fv_onnx_input { FV_ONNX_UINT8, FV_ONNX_FLOAT } fv_onnx_input;

/* Writes the net as an ONNX graph, opset 17: "pixels" [N][C][H][W], N of any size, to "logits" [N][classes]. The
 * normalisation is part of it; weights have PyTorch's names; metadata_props say what model.safetensors says (model,
 * input, mean, std, class_names). Written whole or not at all.
 *   class_names  borrowed; [n_classes], NULL: numbered
 * FV_E_IO; FV_E_MEMORY (or class names that are not UTF-8).
 * Source: onnx.ai/onnx/operators, opset 17. */
fv_status fv_export_onnx(const fv_net *net, const char *path, const char *const *class_names, fv_onnx_input input,
                         fv_error *error) FV_MUST_CHECK;

/* Writes the net as NumPy's .npz: an array per tensor by PyTorch's name, float32; mean and std [C], float32, of pixels
 * / 255; input [3], int32, C, H, W; model and class_names [n_classes], texts. Written whole or not at all. class_names
 * borrowed; [n_classes], UTF-8 FV_E_IO, FV_E_MEMORY. */
fv_status fv_export_npz(const fv_net *net, const char *path, const char *const *class_names,
                        fv_error *error) FV_MUST_CHECK;

/* What C source needs beside its code. */
typedef struct fv_c_size {
    size_t scratch_bytes, constants_bytes;
} fv_c_size;

/* Writes STEM.c, STEM.h and an example STEM_main.c, where path is STEM or STEM.c: C99, without allocation or libraries,
 * pixels 0 to 255 in, logits out; each file whole or not at all.
 *   class_names  borrowed; [n_classes]
 *   calibration  NULL: float; else 8-bit integers, whose ranges are measured on 512 of calibration[indices] (NULL: of
 *                all)
 * FV_E_ARGUMENT (a path that makes no name); FV_E_UNSUPPORTED (8 bits: a layer of more than 33,000 inputs an output);
 * FV_E_IO; FV_E_MEMORY. */
fv_status fv_export_c(const fv_net *net, const char *path, const char *const *class_names, const fv_images *calibration,
                      const fv_indices *indices, fv_c_size *size, fv_error *error) FV_MUST_CHECK;

/* Python, five lines at most, that makes a PyTorch module `net` of the safetensors file `path` (fv_net_save), with
 * torch alone, and a function `logits` of pixels [N][C][H][W] in 0 to 255. *out is malloc'd. FV_E_MEMORY. */
fv_status fv_export_pytorch_text(const fv_net *net, const char *path, char **out, fv_error *error) FV_MUST_CHECK;

/* How an exported model agrees with its net. */
typedef struct fv_agreement {
    size_t n, n_same;                     /* images; predicted alike */
    size_t n_correct_net, n_correct_file; /* right by the net, by the export */
    double largest_difference;            /* of logits */
    double largest_logit;                 /* of the net, by its absolute value: the measure of the difference */
} fv_agreement;

/* Reads an export back, evaluates it in double precision on images[indices] (NULL: all), and compares its logits with
 * the net's own. C source is compiled with its example (by cc, gcc or clang, the first that is there) and run.
 * FV_E_IO; FV_E_DATA (the file is no such model); FV_E_SHAPE (images, file and net disagree);
 * FV_E_UNSUPPORTED (no compiler); FV_E_MEMORY. */
fv_status fv_export_verify(const fv_net *net, const char *path, fv_export_format format, const fv_images *images,
                           const fv_indices *indices, int n_threads, fv_agreement *out, fv_error *error) FV_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
