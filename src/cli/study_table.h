#ifndef CLI_STUDY_TABLE_H
#define CLI_STUDY_TABLE_H

#include "cli.h"

/* Prints what study.json in `directory` found, a line per answer, and the page's path. */
fv_status cli_study_print(const char *directory, fv_error *error) FV_MUST_CHECK;
/* Copies study.json to standard output. */
fv_status cli_study_copy(const char *directory, fv_error *error) FV_MUST_CHECK;

#endif
