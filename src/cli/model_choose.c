/* What --model may be: a name, a text, or a file that holds a text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model_choose.h"

static bool is_file(const char *model) {
    size_t n = strlen(model);
    return strchr(model, '/') || (n > 4 && strcmp(model + n - 4, ".net") == 0);
}

static fv_status read_text(const char *path, char *out, size_t size, fv_error *error) {
    struct stat info;
    if (stat(path, &info) == 0 && S_ISFIFO(info.st_mode)) /* it would be waited for */
        return fv_fail(error, FV_E_DATA, "%s: is a pipe: give a file", path);
    FILE *f = fopen(path, "r");
    if (!f) return fv_fail(error, FV_E_IO, "%s: could not be read: %s", path, strerror(errno));
    size_t n = fread(out, 1, size, f);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    if (failed) return fv_fail(error, FV_E_IO, "%s: could not be read: %s", path, strerror(failed));
    if (n == size)
        return fv_fail(error, FV_E_DATA, "%s: too long for a model text: at most %zu characters", path, size - 1);
    out[n] = 0;
    if (strlen(out) != n) return fv_fail(error, FV_E_DATA, "%s: holds a zero byte: a model is a text", path);
    return FV_OK;
}

/* A single word that is no named model. */
static fv_status check_name(const char *model, const char *option, fv_error *error) {
    enum { MOST = 64 };
    if (!*model || model[strcspn(model, " ,()\n\t")] || fv_model_text(model)) return FV_OK;
    const char *names[MOST], *near;
    char list[256] = "";
    size_t n = 0, used = 0;
    for (; n < MOST && (names[n] = fv_model_name((int)n)); n++)
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", n ? ", " : "", names[n]);
    if ((near = cli_nearest(model, names, n)))
        return fv_fail(error, FV_E_NAME, "%s: `%.60s` is no model: did you mean `%s`? Models: %s", option, model, near,
                       list);
    return fv_fail(error, FV_E_NAME,
                   "%s: `%.60s` is no model: give %s, a text such as \"dense classes\", or a .net file", option, model,
                   list);
}

fv_status cli_model_choose(const char *model, const char *option, fv_run_config *config, fv_error *error) {
    if (is_file(model)) return read_text(model, config->model, sizeof config->model, error);
    if (strlen(model) >= sizeof config->model)
        return fv_fail(error, FV_E_ARGUMENT, "%s: %zu characters are too many: at most %zu", option, strlen(model),
                       sizeof config->model - 1);
    memcpy(config->model, model, strlen(model) + 1);
    return check_name(model, option, error);
}

int cli_model_pad(const char *model, fv_shape input) {
    enum { SMALL = 16 };
    return fv_model_text(model) && (input.h < SMALL || input.w < SMALL);
}
