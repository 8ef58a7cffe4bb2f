/* ONNX graphs of the kind that Fovea writes, back as arithmetic. */
#ifndef FV_ONNX_READ_H
#define FV_ONNX_READ_H

#include "formats/graph.h"

/* Reads a file. Of ONNX it knows the operations and forms that fv_export_onnx writes, and refuses others by name.
 * FV_E_IO, FV_E_DATA, FV_E_MEMORY. */
fv_status fv_onnx_read(const char *path, fv_graph **out, fv_error *error) FV_MUST_CHECK;
/* The same from bytes in memory; `path` is for messages. */
fv_status fv_onnx_parse(const char *path, const void *bytes, size_t size, fv_graph **out,
                        fv_error *error) FV_MUST_CHECK;

#endif
