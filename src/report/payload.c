#include "report/payload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/charts.h"
#include "report/sprite.h"

enum { TOP = 10, SHEET_BYTES = 800000 };

static void open_payload(const char *name, fv_buffer *out) {
    fv_putf(out, "<script type=\"text/plain\" id=\"payload-%s\">", name);
}

static void close_payload(fv_buffer *out) {
    fv_put(out, "</script>\n");
}

static void put_payload(const char *name, const void *bytes, size_t n, fv_buffer *out) {
    open_payload(name, out);
    fv_put_base64(out, bytes, n);
    close_payload(out);
}

/* A share of `scale` as 16 bits. */
static uint16_t quantise(double x, double scale) {
    const double q = scale > 0 ? round(x / scale * 65535) : 0;
    return (uint16_t)(q > 0 ? fmin(q, 65535) : 0); /* NaN is 0 */
}

/* The k most probable classes of one image, most probable first. */
static void top_classes(const float *p, int n_classes, int k, uint16_t *classes, uint16_t *probabilities) {
    int n = 0;
    for (int c = 0; c < n_classes; c++) {
        if (n == k && !(p[c] > p[classes[n - 1]])) continue;
        int at = n < k ? n++ : n - 1;
        for (; at > 0 && p[c] > p[classes[at - 1]]; at--) classes[at] = classes[at - 1];
        classes[at] = (uint16_t)c;
    }
    for (int i = 0; i < n; i++) probabilities[i] = quantise(p[classes[i]], 1);
}

/* Per image, all of 16 bits, little endian as every machine that Fovea runs on: index low, index high, truth,
 * predicted, p of the truth, k classes, k probabilities and, where they are known, 8 nearest, 8 distances. */
static fv_status put_images(const fv_report *report, int n_classes, double distance_scale, fv_buffer *out) {
    int k = n_classes < TOP ? n_classes : TOP;
    size_t width = 5 + 2 * (size_t)k + (report->nearest ? 2 * FV_REPORT_NEAREST : 0);
    uint16_t *records = calloc(report->n + 1, width * sizeof *records);
    if (!records) return FV_E_MEMORY;
    for (size_t i = 0; i < report->n; i++) {
        const fv_prediction *prediction = &report->predictions[i];
        uint16_t *at = records + i * width;
        at[0] = (uint16_t)(prediction->index & 0xffff);
        at[1] = (uint16_t)(prediction->index >> 16);
        at[2] = prediction->truth;
        at[3] = prediction->predicted;
        const float *p = report->probabilities + i * (size_t)n_classes;
        at[4] = quantise(p[prediction->truth], 1);
        top_classes(p, n_classes, k, at + 5, at + 5 + k);
        uint16_t *nearest = at + 5 + 2 * k;
        for (size_t j = 0; report->nearest && j < FV_REPORT_NEAREST; j++) {
            nearest[j] = (uint16_t)report->nearest[i * FV_REPORT_NEAREST + j];
            nearest[FV_REPORT_NEAREST + j] =
                quantise((double)report->nearest_distances[i * FV_REPORT_NEAREST + j], distance_scale);
        }
    }
    put_payload("images", records, report->n * width * sizeof *records, out);
    free(records);
    return FV_OK;
}

static double largest(const float *values, size_t n) {
    double out = 0;
    for (size_t i = 0; i < n; i++)
        if (fabs((double)values[i]) > out && isfinite(values[i])) out = fabs((double)values[i]);
    return out;
}

static size_t response_size(const fv_report_responses *responses) {
    return (size_t)responses->shape.c * (size_t)responses->shape.h * (size_t)responses->shape.w *
           (size_t)responses->n_images;
}

/* Signed bytes: -127 .. 127 for -scale .. scale. */
static fv_status put_responses(const fv_report_responses *responses, double scale, fv_buffer *out) {
    size_t n = response_size(responses);
    int8_t *bytes = malloc(n + 1);
    if (!bytes) return FV_E_MEMORY;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (int8_t)(scale > 0 ? lround(fmax(-127, fmin(127, (double)responses->values[i] / scale * 127))) : 0);
    put_payload("responses", bytes, n, out);
    free(bytes);
    return FV_OK;
}

static json_t *sprite_json(const fv_sprite *sprite, size_t n) {
    return json_pack("{s:i, s:i, s:i, s:i}", "n", (int)n, "columns", sprite->columns, "width", sprite->width, "height",
                     sprite->height);
}

static fv_status put_sprite(const fv_context *context, const char *name, const uint8_t *pixels, fv_shape shape,
                            const uint32_t *order, size_t n, size_t max_bytes, json_t *data, fv_buffer *out) {
    if (!n) return FV_OK;
    fv_sprite sprite;
    fv_status status = fv_sprite_make(pixels, shape, order, n, max_bytes, &sprite);
    if (status == FV_OK) {
        fv_set(context, data, name, sprite_json(&sprite, n));
        put_payload(name, sprite.png.data, sprite.png.n, out);
    }
    fv_sprite_deinit(&sprite);
    return status;
}

/* The test images get what is left of the page. */
static fv_status put_test_images(const fv_context *context, size_t max_bytes, json_t *data, fv_buffer *out) {
    const fv_report *report = context->report;
    uint32_t *order = fv_alloc(report->n + 1, sizeof *order);
    if (!order) return FV_E_MEMORY;
    for (size_t i = 0; i < report->n; i++) order[i] = report->predictions[i].index;
    fv_status status = put_sprite(context, "sprite", report->images->pixels, report->images->shape, order, report->n,
                                  max_bytes / 4 * 3, data, out);
    free(order);
    return status;
}

/* An object's members, borrowed, without one of them. (json_copy would lose members where memory is short.) */
static json_t *without(const fv_context *context, const json_t *object, const char *left_out) {
    json_t *out = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (!left_out || strcmp(key, left_out) != 0) fv_set(context, out, key, json_incref(value));
    }
    return out;
}

/* study.json without what the page holds elsewhere in a smaller form. */
static json_t *trimmed_study(const fv_context *context) {
    const fv_facts *facts = context->facts;
    json_t *study = without(context, facts->root, facts->n_classes > FV_COMPACT_CLASSES ? "confusion" : NULL);
    const json_t *embedding = fv_fact_part(facts, "embedding");
    if (embedding) fv_set(context, study, "embedding", without(context, embedding, "points"));
    return study;
}

/* "edge", "brightness" or "mixed" for each kernel. */
static json_t *kernel_kinds(const fv_context *context) {
    static const char *const names[] = {"edge", "brightness", "mixed"};
    const json_t *kernels = fv_fact_part(context->facts, "kernels"), *values = json_object_get(kernels, "values");
    int shape[4];
    size_t size;
    json_t *out = json_array();
    if (!fv_kernel_shape(kernels, shape, &size)) return out;
    double *kernel = fv_alloc(size, sizeof *kernel);
    if (!kernel) *context->failed = true;
    for (size_t k = 0; kernel && k < (size_t)shape[0]; k++) {
        for (size_t i = 0; i < size; i++) kernel[i] = json_number_value(json_array_get(values, k * size + i));
        fv_append(context, out, json_string(names[fv_kernel_classify(kernel, shape[1], shape[2], shape[3])]));
    }
    free(kernel);
    return out;
}

static json_t *responses_json(const fv_context *context, const fv_report_responses *responses, double scale) {
    json_t *positions = json_array();
    for (int i = 0; i < responses->n_images; i++)
        fv_append(context, positions, json_integer((json_int_t)responses->positions[i]));
    return json_pack("{s:o, s:i, s:i, s:i, s:f}", "positions", positions, "kernels", responses->shape.c, "height",
                     responses->shape.h, "width", responses->shape.w, "scale", scale);
}

static json_t *sheet_schemes(const fv_context *context, const fv_report_sheet *sheet) {
    json_t *out = json_array();
    for (int i = 0; i < sheet->n_schemes; i++) fv_append(context, out, json_string(sheet->schemes[i]));
    return out;
}

/* A piece of JSON; "<" is escaped, since "</" would end the element. */
static int put_piece(const char *text, size_t n, void *out) {
    for (size_t i = 0; i < n;) {
        size_t length = 0;
        while (i + length < n && text[i + length] != '<') length++;
        fv_put_bytes(out, text + i, length);
        i += length;
        if (i < n) fv_put(out, "\\u003c"), i++;
    }
    return 0;
}

/* json_dumps would lose text where memory is short; `out` remembers. */
static fv_status put_json(const json_t *data, fv_buffer *out) {
    fv_put(out, "<script type=\"application/json\" id=\"data\">");
    if (json_dump_callback(data, put_piece, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0) return FV_E_MEMORY;
    close_payload(out);
    return FV_OK;
}

static fv_status put_sheet(const fv_context *context, json_t *data, fv_buffer *out) {
    const fv_report *report = context->report;
    if (!report->sheet.n_schemes) return FV_OK;
    fv_set(context, data, "sheet_schemes", sheet_schemes(context, &report->sheet));
    size_t n = (size_t)report->sheet.n_schemes * (size_t)report->sheet.n_images;
    return put_sprite(context, "sheet", report->sheet.pixels, report->images->shape, NULL, n, SHEET_BYTES, data, out);
}

static fv_status put_arrays(const fv_context *context, json_t *data, fv_buffer *out) {
    const fv_report *report = context->report;
    if (!report->n) return put_sheet(context, data, out);
    double distances = report->nearest ? largest(report->nearest_distances, report->n * FV_REPORT_NEAREST) : 0;
    fv_set(context, data, "distance_scale", json_real(distances));
    FV_TRY(put_images(report, context->facts->n_classes, distances, out));
    if (report->xy) put_payload("xy", report->xy, report->n * 2 * sizeof *report->xy, out);
    if (report->responses.n_images) {
        double scale = largest(report->responses.values, response_size(&report->responses));
        fv_set(context, data, "responses", responses_json(context, &report->responses, scale));
        FV_TRY(put_responses(&report->responses, scale, out));
    }
    return put_sheet(context, data, out);
}

fv_status fv_payload_write(const fv_context *context, size_t max_bytes, fv_buffer *out) {
    size_t start = out->n;
    json_t *data = json_object();
    json_t *charts = fv_charts(context);
    fv_status status = data ? FV_OK : FV_E_MEMORY;
    fv_set(context, data, "charts", charts);
    fv_set(context, data, "study", trimmed_study(context));
    fv_set(context, data, "n", json_integer((json_int_t)context->report->n));
    fv_set(context, data, "kernel_kinds", kernel_kinds(context));
    fv_buffer json = {0};
    if (status == FV_OK) status = put_arrays(context, data, out);
    if (status == FV_OK) status = put_json(data, &json); /* for its length; the sprite's place is not in it yet */
    size_t used = out->n - start + json.n + 1024;
    fv_buffer_finish(&json, out);
    if (status == FV_OK) status = put_test_images(context, used < max_bytes ? max_bytes - used : 0, data, out);
    if (status == FV_OK) status = put_json(data, out);
    json_decref(data);
    return status == FV_OK && (out->failed || *context->failed) ? FV_E_MEMORY : status;
}
