/* libzip, opened when the first archive is read or written: with the libcrypto that it stands on it would add 1.3 ms to
 * every start of the program. */
#ifndef FV_LIBZIP_H
#define FV_LIBZIP_H

#include <zip.h>

#include "fovea/status.h"

#define FV_LIBZIP_FUNCTIONS(X)                                                                                         \
    X(zip_open)                                                                                                        \
    X(zip_open_from_source)                                                                                            \
    X(zip_close)                                                                                                       \
    X(zip_discard)                                                                                                     \
    X(zip_strerror)                                                                                                    \
    X(zip_get_num_entries)                                                                                             \
    X(zip_get_name)                                                                                                    \
    X(zip_name_locate)                                                                                                 \
    X(zip_stat)                                                                                                        \
    X(zip_fopen)                                                                                                       \
    X(zip_fread)                                                                                                       \
    X(zip_fclose)                                                                                                      \
    X(zip_file_strerror)                                                                                               \
    X(zip_file_add)                                                                                                    \
    X(zip_file_set_dostime)                                                                                            \
    X(zip_set_file_compression)                                                                                        \
    X(zip_source_buffer)                                                                                               \
    X(zip_source_buffer_create)                                                                                        \
    X(zip_source_keep)                                                                                                 \
    X(zip_source_free)                                                                                                 \
    X(zip_source_stat)                                                                                                 \
    X(zip_source_open)                                                                                                 \
    X(zip_source_read)                                                                                                 \
    X(zip_source_close)                                                                                                \
    X(zip_error_init)                                                                                                  \
    X(zip_error_init_with_code)                                                                                        \
    X(zip_error_strerror)                                                                                              \
    X(zip_error_fini)

typedef struct fv_libzip {
#define FV_LIBZIP_MEMBER(name) __typeof__(&name) name;
    FV_LIBZIP_FUNCTIONS(FV_LIBZIP_MEMBER)
} fv_libzip;

/* The library's functions. `path`, of the archive, begins the message. FV_E_UNSUPPORTED where it is not installed. */
fv_status fv_libzip_get(const char *path, const fv_libzip **out, fv_error *error) FV_MUST_CHECK;

#endif
