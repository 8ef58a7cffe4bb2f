/* `apply P`: the calls behind it happen together with probability P, else the image stays as it is. torchvision's
 * RandomApply. */
#include "augment/transform.h"

static const fv_param params[] = {{"p", FV_PARAM_NUMBER, 1, false, 0, 1, 0.5}};

static bool ends(const double *values, const fv_draw *draw) {
    return !fv_draw_chance(fv_draw_words(draw, 0).word[0], values[0]);
}

const fv_transform fv_transform_apply = {.name = "apply", .params = params, .n_params = 1, .ends = ends};
