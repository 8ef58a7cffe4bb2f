/* libvips, opened when the first picture is read. Linking with it would make every start of the program 34 to 94 ms
 * slower (its hundred libraries are loaded, docs/design.md); so the few functions that are used are looked up in it. */
#ifndef FV_VIPS_H
#define FV_VIPS_H

#include <vips/vips.h>

#include "fovea/status.h"

#define FV_VIPS_FUNCTIONS(X)                                                                                           \
    X(vips_init)                                                                                                       \
    X(vips_concurrency_set)                                                                                            \
    X(vips_cache_set_max)                                                                                              \
    X(vips_version_string)                                                                                             \
    X(vips_error_buffer_copy)                                                                                          \
    X(vips_error_clear)                                                                                                \
    X(vips_thread_shutdown)                                                                                            \
    X(vips_pngload_buffer)                                                                                             \
    X(vips_jpegload_buffer)                                                                                            \
    X(vips_webpload_buffer)                                                                                            \
    X(vips_tiffload_buffer)                                                                                            \
    X(vips_gifload_buffer)                                                                                             \
    X(vips_magickload_buffer)                                                                                          \
    X(vips_ppmload_source)                                                                                             \
    X(vips_source_new_from_memory)                                                                                     \
    X(vips_colourspace)                                                                                                \
    X(vips_image_get_orientation)                                                                                      \
    X(vips_region_new)                                                                                                 \
    X(vips_region_prepare)                                                                                             \
    X(g_object_unref)                                                                                                  \
    X(g_free)                                                                                                          \
    X(g_log_set_handler)

#define FV_VIPS_MEMBER(name) __typeof__(name) *name;
typedef struct fv_vips {
    FV_VIPS_FUNCTIONS(FV_VIPS_MEMBER)
} fv_vips;

/* The functions, the same for the whole process: libvips has one state. FV_E_UNSUPPORTED where the library is not on
 * this machine. Any thread may call it. */
fv_status fv_vips_get(const fv_vips **out, fv_error *error) FV_MUST_CHECK;

#endif
