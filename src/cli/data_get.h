/* fovea data get. */
#ifndef CLI_DATA_GET_H
#define CLI_DATA_GET_H

#include "cli.h"

/* Downloads the known set, a bar on a terminal, a line per file; then says where it is. --mirror, --quiet of `line`. */
fv_status cli_data_get(const cli_line *line, const char *name, fv_error *error) FV_MUST_CHECK;

#endif
