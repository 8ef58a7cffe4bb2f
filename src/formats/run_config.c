/* The configuration of a training: one table of fields serves run.json, the options and the comparison of runs. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/files.h"
#include "formats/json_text.h"
#include "formats/run_config.h"
#include "fovea/image.h"
#include "train/optimiser.h"

#define MOST_SEED 9007199254740991.0 /* 2^53 - 1: what every JSON reader keeps exactly */

typedef enum field_kind { TEXT, WHOLE, SEED, NUMBER } field_kind;

typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset, size; /* size: of a text, with its zero */
    double min, max;     /* inclusive */
} field;

#define AT(member) offsetof(fv_run_config, member), sizeof(((fv_run_config *)0)->member)

static const field fields[] = {
    {"dataset", TEXT, AT(dataset), 0, 0},
    {"model", TEXT, AT(model), 0, 0},
    {"init", TEXT, AT(init), 0, 0},
    {"pad", WHOLE, AT(pad), 0, 16},
    {"epochs", WHOLE, AT(epochs), 1, 100000},
    {"batch", WHOLE, AT(batch), 1, 65536},
    {"optimizer", TEXT, AT(optimizer), 0, 0},
    {"learning_rate", NUMBER, AT(learning_rate), 0, 1e30},
    {"schedule", TEXT, AT(schedule), 0, 0},
    {"augment", TEXT, AT(augment), 0, 0},
    {"validation", NUMBER, AT(validation), 0, 0.9},
    {"subset", TEXT, AT(subset), 0, 0},
    {"split_seed", SEED, AT(split_seed), 0, MOST_SEED},
    {"seed", SEED, AT(seed), 0, MOST_SEED},
    {"threads", WHOLE, AT(threads), 0, 1024},
    {"patience", WHOLE, AT(patience), 0, 100000},
    {"label_smoothing", NUMBER, AT(label_smoothing), 0, 0.99},
    {"ema", NUMBER, AT(ema), 0, 0.999999},
    {"size", TEXT, AT(size), 0, 0},
    {"channels", WHOLE, AT(channels), 0, 3},
    {"fit", TEXT, AT(fit), 0, 0},
    {"skip_bad", WHOLE, AT(skip_bad), 0, 1},
    {"transpose", WHOLE, AT(transpose), 0, 1},
    {"class_weights", TEXT, AT(class_weights), 0, 0},
    {"sampling", TEXT, AT(sampling), 0, 0},
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

fv_run_config fv_run_config_defaults(void) {
    return (fv_run_config){.model = "convnet",
                           .epochs = 10,
                           .batch = 64,
                           .optimizer = "adadelta",
                           .schedule = "step 0.7",
                           .augment = "none",
                           .class_weights = "none",
                           .sampling = "shuffled",
                           .validation = 0.15,
                           .fit = "stretch",
                           .seed = 1};
}

const char *fv_run_config_field(int index) {
    return index >= 0 && index < N_FIELDS ? fields[index].name : NULL;
}

static const void *place(const fv_run_config *config, const field *f) {
    return (const char *)config + f->offset;
}

static double number_of(const fv_run_config *config, const field *f) {
    if (f->kind == WHOLE) return *(const int *)place(config, f);
    if (f->kind == SEED) return (double)*(const uint64_t *)place(config, f);
    return *(const double *)place(config, f);
}

void fv_run_config_get(const fv_run_config *config, int index, char *out, size_t size) {
    const field *f = &fields[index];
    if (f->kind == TEXT)
        snprintf(out, size, "%s", (const char *)place(config, f));
    else
        snprintf(out, size, f->kind == NUMBER ? "%.9g" : "%.0f", number_of(config, f));
}

static fv_status set_number(fv_run_config *config, const field *f, double value, const char *where, fv_error *error) {
    const char *kind = f->kind == NUMBER ? "" : "a whole number from ";
    if (!(value >= f->min && value <= f->max))
        return fv_fail(error, FV_E_ARGUMENT, "%s: %.9g is out of range: give %s%.16g to %.16g", where, value, kind,
                       f->min, f->max);
    if (strcmp(f->name, "channels") == 0 && value == 2)
        return fv_fail(error, FV_E_ARGUMENT, "%s: 2 is out of range: give 1 (grey), 3 (colour) or 0 (by content)",
                       where);
    if (f->kind != NUMBER && value != floor(value))
        return fv_fail(error, FV_E_ARGUMENT, "%s: %.9g is not a whole number: give %s%.16g to %.16g", where, value,
                       kind, f->min, f->max);
    char digits[32], *at = (char *)config + f->offset;
    snprintf(digits, sizeof digits, "%.15g", value); /* no more than run.json records: it repeats the run exactly */
    if (f->kind == WHOLE)
        *(int *)(void *)at = (int)value;
    else if (f->kind == SEED)
        *(uint64_t *)(void *)at = (uint64_t)value;
    else
        *(double *)(void *)at = strtod(digits, NULL);
    return FV_OK;
}

static fv_status set_text(fv_run_config *config, const field *f, const char *value, const char *where,
                          fv_error *error) {
    if (strlen(value) >= f->size)
        return fv_fail(error, FV_E_ARGUMENT, "%s: %zu characters are too many: at most %zu", where, strlen(value),
                       f->size - 1);
    for (const char *at = value; *at; at++) {
        bool blank = *at == '\n' || *at == '\r' || *at == '\t'; /* a model may be a text of several lines */
        if (((unsigned char)*at < ' ' && !blank) || *at == 127)
            return fv_fail(error, FV_E_ARGUMENT, "%s: holds a control character (code %d)", where, *at);
    }
    double count;
    bool fraction;
    if (strcmp(f->name, "subset") == 0 && *value && !fv_subset_parse(value, &count, &fraction))
        return fv_fail(error, FV_E_ARGUMENT,
                       "%s: \"%s\" is no part of a set: give a fraction (0.25 or 1/4) or a count of images (2000)",
                       where, value);
    int height, width;
    fv_fit fit;
    if (strcmp(f->name, "size") == 0 && *value) FV_TRY(fv_size_parse(value, where, &height, &width, error));
    if (strcmp(f->name, "fit") == 0) FV_TRY(fv_fit_parse(value, where, &fit, error));
    if (strcmp(f->name, "sampling") == 0 && strcmp(value, "shuffled") != 0 && strcmp(value, "balanced") != 0)
        return fv_fail(error, FV_E_ARGUMENT, "%s: \"%s\" is no way to draw images: give shuffled or balanced", where,
                       value);
    memcpy((char *)config + f->offset, value, strlen(value) + 1);
    return FV_OK;
}

/* Decimal digits with an optional point and exponent, nothing behind. */
static bool read_number(const char *text, double *value) {
    if (!isdigit((unsigned char)*text) && !strchr("+-.", *text)) return false;
    if (!*text || strpbrk(text, "xXnN")) return false; /* neither hexadecimal nor nan, inf */
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return end != text && *end == 0 && isfinite(*value);
}

bool fv_subset_parse(const char *text, double *value, bool *fraction) {
    const char *slash = strchr(text, '/');
    char above[32];
    double below = 1;
    if (strlen(text) >= sizeof above) return false;
    snprintf(above, sizeof above, "%.*s", slash ? (int)(slash - text) : (int)sizeof above - 1, text);
    if (!read_number(above, value) || (slash && !read_number(slash + 1, &below))) return false;
    *fraction = slash || strchr(text, '.');
    *value /= below;
    return *fraction ? *value > 0 && *value <= 1 : *value >= 1 && *value == floor(*value);
}

fv_status fv_run_config_set(fv_run_config *config, int index, const char *value, const char *where, fv_error *error) {
    const field *f = &fields[index];
    if (f->kind == TEXT) return set_text(config, f, value, where, error);
    double number;
    if (!read_number(value, &number))
        return fv_fail(error, FV_E_ARGUMENT, "%s: \"%.60s\" is not a number: give %s%.16g to %.16g", where, value,
                       f->kind == NUMBER ? "" : "a whole number from ", f->min, f->max);
    return set_number(config, f, number, where, error);
}

fv_status fv_run_config_resolve(fv_run_config *config, fv_error *error) {
    fv_optimiser optimiser;
    FV_TRY(fv_optimiser_parse(config->optimizer, config->learning_rate, &optimiser, error));
    config->learning_rate = optimiser.learning_rate;
    return FV_OK;
}

fv_status fv_run_dataset_open(const fv_run_config *config, const fv_dataset_options *options, fv_dataset **out,
                              fv_error *error) {
    fv_dataset_options o = options ? *options : (fv_dataset_options){0};
    if (*config->size) FV_TRY(fv_size_parse(config->size, "size", &o.height, &o.width, error));
    FV_TRY(fv_fit_parse(config->fit, "fit", &o.fit, error));
    if (config->channels) o.channels = config->channels;
    o.skip_bad = config->skip_bad;
    o.transpose = config->transpose;
    return fv_dataset_open_with(config->dataset, &o, out, error);
}

void fv_run_config_pictures(fv_run_config *config, const fv_dataset *dataset) {
    if (!dataset->pictures) return;
    fv_shape shape = dataset->train.shape;
    snprintf(config->size, sizeof config->size, "%dx%d", shape.h, shape.w);
    snprintf(config->fit, sizeof config->fit, "%s", fv_fit_name((int)dataset->fit));
    config->channels = shape.c;
}

json_t *fv_run_config_json(const fv_run_config *config) {
    json_t *object = json_object();
    for (int i = 0; i < N_FIELDS; i++) {
        const field *f = &fields[i];
        json_t *value = f->kind == TEXT     ? json_string(place(config, f))
                        : f->kind == NUMBER ? json_real(number_of(config, f))
                                            : json_integer((json_int_t)number_of(config, f));
        if (json_object_set_new(object, f->name, value) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static fv_status set_json(fv_run_config *config, const char *key, json_t *value, const char *path, fv_error *error) {
    char where[FV_PATH_SIZE + 64];
    snprintf(where, sizeof where, "%s: config.%.40s", fv_path_shown(path), key);
    int i = 0;
    while (i < N_FIELDS && strcmp(fields[i].name, key) != 0) i++;
    if (i == N_FIELDS) return fv_fail(error, FV_E_DATA, "%s: no such field: remove it", where);
    const field *f = &fields[i];
    if (f->kind == TEXT ? !json_is_string(value) : !json_is_number(value))
        return fv_fail(error, FV_E_DATA, "%s: must be a %s", where, f->kind == TEXT ? "string" : "number");
    fv_status status = f->kind == TEXT ? set_text(config, f, json_string_value(value), where, error)
                                       : set_number(config, f, json_number_value(value), where, error);
    if (status == FV_OK) return FV_OK;
    if (error) error->code = FV_E_DATA;
    return FV_E_DATA;
}

fv_status fv_run_config_from_json(const json_t *root, const char *path, fv_run_config *out, fv_error *error) {
    json_t *object = json_object_get(root, "config");
    if (!json_is_object(object))
        return fv_fail(error, FV_E_DATA, "%s: holds no object `config`: give the run.json of a run",
                       fv_path_shown(path));
    fv_run_config config = fv_run_config_defaults();
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) FV_TRY(set_json(&config, key, value, path, error));
    *out = config;
    return FV_OK;
}

fv_status fv_run_json_load(const char *path, json_t **out, fv_error *error) {
    enum { MOST = 16 << 20 };
    char *text;
    size_t n;
    FV_TRY(fv_file_read(path, MOST, &text, &n, error));
    json_error_t reason;
    fv_status status = fv_json_parse(text, n, JSON_REJECT_DUPLICATES, out, &reason);
    free(text);
    if (status == FV_E_MEMORY) return fv_fail(error, status, "%s: not enough memory to read it", fv_path_shown(path));
    return status == FV_OK
               ? FV_OK
               : fv_fail(error, status, "%s: line %d: not JSON: %s", fv_path_shown(path), reason.line, reason.text);
}

fv_status fv_run_config_read(const char *path, fv_run_config *out, fv_error *error) {
    json_t *root;
    FV_TRY(fv_run_json_load(path, &root, error));
    fv_status status = fv_run_config_from_json(root, path, out, error);
    json_decref(root);
    return status;
}
