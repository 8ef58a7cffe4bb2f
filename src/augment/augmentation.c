/* From a text to calls, from calls to steps: a run of geometric calls is one step, every other call is its own. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/transform.h"
#include "base/memory.h"

enum { MOST_CALLS = 32, CALL_TEXT = 240 }; /* CALL_TEXT: bytes of the longest call's text, affine's */

static const fv_transform *const transforms[] = {&fv_transform_rotation,
                                                 &fv_transform_affine,
                                                 &fv_transform_translate,
                                                 &fv_transform_scale,
                                                 &fv_transform_shear,
                                                 &fv_transform_hflip,
                                                 &fv_transform_vflip,
                                                 &fv_transform_crop,
                                                 &fv_transform_resize,
                                                 &fv_transform_resized_crop,
                                                 &fv_transform_perspective,
                                                 &fv_transform_elastic,
                                                 &fv_transform_grid_distortion,
                                                 &fv_transform_brightness,
                                                 &fv_transform_contrast,
                                                 &fv_transform_saturation,
                                                 &fv_transform_hue,
                                                 &fv_transform_color_jitter,
                                                 &fv_transform_invert,
                                                 &fv_transform_posterize,
                                                 &fv_transform_solarize,
                                                 &fv_transform_equalize,
                                                 &fv_transform_autocontrast,
                                                 &fv_transform_sharpness,
                                                 &fv_transform_gaussian_blur,
                                                 &fv_transform_motion_blur,
                                                 &fv_transform_median_blur,
                                                 &fv_transform_gaussian_noise,
                                                 &fv_transform_salt_and_pepper,
                                                 &fv_transform_erasing,
                                                 &fv_transform_coarse_dropout,
                                                 &fv_transform_trivialaugment,
                                                 &fv_transform_randaugment,
                                                 &fv_transform_apply,
                                                 &fv_transform_mixup,
                                                 &fv_transform_cutmix};
enum { N_TRANSFORMS = sizeof transforms / sizeof *transforms };

static const struct {
    const char *name, *text;
} presets[] = {{"none", ""},
               {"mild", "apply 0.3, rotation 30 nearest, gaussian_blur 3 0.1 0.5"},
               {"strong", "apply 0.3, rotation 180 nearest, vflip, gaussian_blur 3 0.1 1"}};
enum { N_PRESETS = sizeof presets / sizeof *presets };

typedef struct call {
    const fv_transform *transform;
    double values[FV_TRANSFORM_VALUES];
    void *prepared; /* owned; may be NULL */
} call;

typedef struct step {
    int first, n;           /* calls */
    int shift;              /* of a geometric step */
    bool nearest, bilinear; /* what its calls said */
} step;

struct fv_augment {
    fv_shape shape;
    int n_calls, n_steps;
    call calls[MOST_CALLS];
    step steps[MOST_CALLS];
    size_t image_size, kernel_size; /* bytes of scratch: of each of two images, and of the kernels */
    char text[MOST_CALLS * CALL_TEXT];
};

const char *fv_augment_preset(int index, const char **text) {
    if (index < 0 || index >= N_PRESETS) return NULL;
    *text = presets[index].text;
    return presets[index].name;
}

fv_status fv_transform_misfit(fv_error *error) {
    if (error) error->code = FV_E_SHAPE;
    return FV_E_SHAPE;
}

fv_status fv_transform_ascending(const fv_cursor *cursor, fv_word word, const fv_param *params, const double *values,
                                 int low, int high, fv_error *error) {
    if (values[low] <= values[high]) return FV_OK;
    return fv_text_fail(cursor, word, error, "%s of `%.*s` must not be above %s: %g is above %g", params[low].name,
                        word.length, word.at, params[high].name, values[low], values[high]);
}

/* ---- reading ---- */

/* Lists the names with the same first letter, or the first few. */
static fv_status unknown(const fv_cursor *cursor, fv_word word, fv_error *error) {
    enum { FEW = 6 };
    if (word.length == 0) return fv_text_fail(cursor, word, error, "a transform is missing here");
    const char *names[N_TRANSFORMS + N_PRESETS];
    char joined[200];
    size_t n = 0;
    for (int i = 0; i < N_TRANSFORMS; i++)
        if (*transforms[i]->name == *word.at) names[n++] = transforms[i]->name;
    for (int i = 0; i < N_PRESETS; i++)
        if (*presets[i].name == *word.at) names[n++] = presets[i].name;
    const bool similar = n > 0;
    while (!similar && n < FEW) {
        names[n] = transforms[n]->name;
        n++;
    }
    fv_text_join(joined, sizeof joined, names, n);
    return fv_text_fail(cursor, word, error, "unknown transform `%.*s`; known are %s, and others: docs/augmentation.md",
                        word.length, word.at, joined);
}

static bool said(const call *c, const char *flag) {
    for (int i = 0; i < c->transform->n_params; i++)
        if (strcmp(c->transform->params[i].name, flag) == 0) return c->values[i] != 0;
    return false;
}

/* How far from the centre a step reads: its last call sees the output's corners. */
static double step_reach(const fv_augment *a, const step *s) {
    double radius = (a->shape.h + a->shape.w) / 2.0;
    for (int i = s->n - 1; i >= 0; i--) {
        const call *c = &a->calls[s->first + i];
        if (c->transform->reach) radius = c->transform->reach(c->values, a->shape, radius);
    }
    return radius;
}

static void need_scratch(fv_augment *a, size_t bytes) {
    if (bytes > a->kernel_size) a->kernel_size = bytes;
}

/* Gives the newest call its step. */
static fv_status plan_call(fv_augment *a, const fv_cursor *cursor, fv_word word, fv_error *error) {
    const call *c = &a->calls[a->n_calls - 1];
    const fv_transform *t = c->transform;
    step *s = a->n_steps ? &a->steps[a->n_steps - 1] : NULL;
    if (!s || !t->invert || !a->calls[s->first].transform->invert) {
        s = &a->steps[a->n_steps++];
        *s = (step){.first = a->n_calls - 1};
    }
    s->n++;
    if (!t->invert) {
        if (t->scratch) need_scratch(a, t->scratch(c->values, a->shape));
        return FV_OK;
    }
    s->nearest |= said(c, "nearest");
    s->bilinear |= said(c, "bilinear");
    if (s->nearest && s->bilinear)
        return fv_text_fail(cursor, word, error,
                            "neighbouring geometric transforms are one resampling: either nearest or bilinear");
    s->shift = fv_resample_shift(a->shape, step_reach(a, s));
    if (s->shift < 0) return fv_text_fail(cursor, word, error, "the image would shrink to less than a pixel");
    need_scratch(a, fv_kernels_chosen()->resample_scratch(a->shape.h, a->shape.w));
    return FV_OK;
}

static fv_status read_call(fv_augment *a, fv_cursor *cursor, fv_word word, fv_error *error) {
    int i = 0;
    while (i < N_TRANSFORMS && !fv_word_is(word, transforms[i]->name)) i++;
    if (i == N_TRANSFORMS) return unknown(cursor, word, error);
    if (a->n_calls == MOST_CALLS) return fv_text_fail(cursor, word, error, "more than %d transforms", (int)MOST_CALLS);
    if (a->n_calls && a->calls[a->n_calls - 1].transform->mix)
        return fv_text_fail(cursor, word, error, "`%s` mixes whole images: it must be the last transform",
                            a->calls[a->n_calls - 1].transform->name);
    const fv_transform *t = transforms[i];
    call *c = &a->calls[a->n_calls++];
    c->transform = t;
    FV_TRY(fv_text_arguments(cursor, word, t->params, t->n_params, 0, c->values, error));
    if (t->check) FV_TRY(t->check(cursor, word, c->values, a->shape, error));
    if (t->prepare && t->prepare(c->values, a->shape, &c->prepared) != FV_OK)
        return fv_fail(error, FV_E_MEMORY, "out of memory for the augmentation");
    return plan_call(a, cursor, word, error);
}

static fv_status read_calls(fv_augment *a, const char *text, fv_error *error) {
    fv_cursor cursor = {.text = text, .at = text, .what = "augmentation"};
    if (fv_text_at_end(&cursor)) return FV_OK;
    do {
        const fv_word word = fv_text_next(&cursor);
        int i = 0;
        while (i < N_PRESETS && !fv_word_is(word, presets[i].name)) i++;
        if (i < N_PRESETS)
            FV_TRY(read_calls(a, presets[i].text, error));
        else
            FV_TRY(read_call(a, &cursor, word, error));
    } while (fv_text_accept(&cursor, ","));
    const fv_word left = fv_text_peek(&cursor);
    if (left.length == 0) return FV_OK;
    return fv_text_fail(&cursor, left, error, "`%.*s` is not expected here; a comma begins the next transform",
                        left.length, left.at);
}

/* ---- writing ---- */

static void write_text(fv_augment *a) {
    char *at = a->text, *const end = a->text + sizeof a->text;
    for (int k = 0; k < a->n_calls; k++) {
        const call *c = &a->calls[k];
        at += snprintf(at, (size_t)(end - at), "%s%s", k ? ", " : "", c->transform->name);
        for (int i = 0; i < c->transform->n_params; i++) {
            const fv_param *p = &c->transform->params[i];
            if (p->kind == FV_PARAM_FLAG ? c->values[i] != 0 : p->position == 0)
                at += snprintf(at, (size_t)(end - at), " %s", p->name);
            if (p->kind == FV_PARAM_FLAG) continue;
            *at++ = ' ';
            at += fv_text_number(at, (size_t)(end - at), c->values[i]);
        }
        assert(at < end);
    }
}

fv_status fv_augment_create(const char *text, fv_shape shape, fv_augment **out, fv_error *error) {
    fv_augment *a = fv_alloc(1, sizeof *a);
    if (!a) return fv_fail(error, FV_E_MEMORY, "out of memory for the augmentation");
    a->shape = shape;
    const size_t image = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w + FV_IMAGE_SLACK;
    a->image_size = (image + FV_ALIGN - 1) / FV_ALIGN * FV_ALIGN;
    const fv_status status = read_calls(a, text, error);
    if (status != FV_OK || a->n_calls == 0) {
        fv_augment_destroy(a);
        if (status == FV_OK) *out = NULL;
        return status;
    }
    write_text(a);
    *out = a;
    return FV_OK;
}

void fv_augment_destroy(fv_augment *augment) {
    for (int i = 0; augment && i < augment->n_calls; i++) free(augment->calls[i].prepared);
    free(augment);
}

const char *fv_augment_text(const fv_augment *augment) {
    return augment ? augment->text : "none";
}

size_t fv_augment_scratch(const fv_augment *augment) {
    return augment ? FV_ALIGN + 2 * augment->image_size + augment->kernel_size : 0;
}

/* ---- applying ---- */

static bool apply_geometric(const fv_augment *a, const step *s, fv_draw draw, const uint8_t *x, uint8_t *y,
                            void *scratch) {
    fv_inverse inverse = {.xx = 1, .yy = 1};
    for (int i = 0; i < s->n; i++) {
        const call *c = &a->calls[s->first + i];
        draw.call = (uint32_t)(s->first + i);
        inverse = fv_inverse_join(inverse, c->transform->invert(c->values, a->shape, &draw));
    }
    if (fv_inverse_is_identity(&inverse)) return false;
    const fv_resample plan = fv_resample_plan(&inverse, a->shape, s->shift, s->nearest);
    fv_resample_image(&plan, a->shape, x, y, scratch);
    return true;
}

void fv_augment_apply(const fv_augment *augment, uint64_t seed, uint32_t epoch, uint32_t position, const uint8_t *in,
                      uint8_t *out, void *scratch) {
    if (!augment) return;
    const fv_augment *a = augment;
    const size_t size = (size_t)a->shape.c * (size_t)a->shape.h * (size_t)a->shape.w;
    uint8_t *x = (uint8_t *)(((uintptr_t)scratch + FV_ALIGN - 1) / FV_ALIGN * FV_ALIGN), *y = x + a->image_size;
    void *rest = y + a->image_size;
    memcpy(x, in, size);
    for (const step *s = a->steps; s < a->steps + a->n_steps; s++) {
        const call *c = &a->calls[s->first];
        if (c->transform->mix) break;
        const fv_draw draw = {seed, epoch, position, (uint32_t)s->first, c->prepared};
        if (c->transform->ends) {
            if (c->transform->ends(c->values, &draw)) break;
            continue;
        }
        const bool changed = c->transform->invert ? apply_geometric(a, s, draw, x, y, rest)
                                                  : c->transform->apply(c->values, a->shape, &draw, x, y, rest);
        if (!changed) continue;
        uint8_t *const other = x;
        x = y;
        y = other;
    }
    memcpy(out, x, size);
}

/* ---- mixing ---- */

bool fv_augment_mixes(const fv_augment *augment) {
    return augment && augment->calls[augment->n_calls - 1].transform->mix;
}

/* Whether an `apply` leaves the last call out. */
static bool ends_before(const fv_augment *a, fv_draw draw) {
    for (int i = 0; i < a->n_calls; i++) {
        draw.call = (uint32_t)i;
        if (a->calls[i].transform->ends && a->calls[i].transform->ends(a->calls[i].values, &draw)) return true;
    }
    return false;
}

void fv_augment_mix(const fv_augment *augment, uint64_t seed, uint32_t epoch, uint32_t position, int n, uint8_t *images,
                    fv_mixture *out, void *scratch) {
    for (int l = 0; l < FV_BLOCK_IMAGES; l++) {
        out->partner[l] = (uint8_t)l;
        out->share[l] = 1;
    }
    if (!fv_augment_mixes(augment) || n < 2) return;
    const fv_augment *a = augment;
    const call *last = &a->calls[a->n_calls - 1];
    const size_t size = (size_t)a->shape.c * (size_t)a->shape.h * (size_t)a->shape.w;
    memcpy(scratch, images + (size_t)(n - 1) * size, size); /* as it was, for the first image */
    for (int l = n - 1; l >= 0; l--) {
        const fv_draw draw = {seed, epoch, position + (uint32_t)l, (uint32_t)(a->n_calls - 1), NULL};
        if (ends_before(a, draw)) continue;
        const fv_mix mix = last->transform->mix(last->values, a->shape, &draw);
        fv_mix_images(&mix, a->shape, l ? images + (size_t)(l - 1) * size : scratch, images + (size_t)l * size);
        out->partner[l] = (uint8_t)(l ? l - 1 : n - 1);
        out->share[l] = (float)mix.share;
    }
}
