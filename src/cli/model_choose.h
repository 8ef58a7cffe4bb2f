#ifndef CLI_MODEL_CHOOSE_H
#define CLI_MODEL_CHOOSE_H

#include "cli.h"

/* Puts what `option` (--model) says (a name, a text, a file with a slash or ending in .net) into config->model. */
fv_status cli_model_choose(const char *model, const char *option, fv_run_config *config, fv_error *error) FV_MUST_CHECK;
/* The pad of convolutions that name none: 1 where a named model meets images under 16 pixels, as in the study; a text
 * of one's own means what it says. */
int cli_model_pad(const char *model, fv_shape input);

#endif
