/* The arithmetic of C source in 8 bits. A value is q in 0 ... 255 and means unit * (q - zero); a weight is w in -127
 * ... 127 and means unit[k] * w. Sums are of 32 bits, in units of both; m / 2^s takes them to the next value's unit.
 * Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
 * Inference". */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "formats/c_source.h"

enum {
    CALIBRATION = 512,  /* images */
    MOST_INPUTS = 33000 /* of an output: 33000 * 127 * 255 and a bias of 1e9 stay below 2^31 */
};

typedef struct unit {
    double size;
    int zero;
} unit;

typedef struct quantising {
    const fv_c_plan *plan;
    fv_c_text *text;
    fv_error *error;
    double *low, *high; /* [values] that calibration saw, 0 included */
    unit *units;        /* [values] */
} quantising;

/* ---- calibration ---- */

static fv_status calibrate(quantising *q, const fv_images *images, const fv_indices *indices) {
    const fv_graph *g = q->plan->graph;
    size_t n = indices ? indices->n : images->n, count = n < CALIBRATION ? n : CALIBRATION;
    double *memory = malloc(fv_graph_memory(g) * sizeof *memory);
    if (!memory) return FV_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        size_t at = i * n / count; /* evenly spread */
        fv_graph_run(g, images->pixels + (indices ? indices->at[at] : at) * fv_image_size(images->shape), memory);
        for (int v = 0; v <= g->n_steps; v++) {
            const double *value = fv_graph_value(g, memory, v);
            for (size_t j = 0; j < fv_image_size(fv_graph_shape(g, v)); j++) {
                if (!(fabs(value[j]) <= FLT_MAX)) goto fail;
                if (value[j] < q->low[v]) q->low[v] = value[j];
                if (value[j] > q->high[v]) q->high[v] = value[j];
            }
        }
    }
    free(memory);
    return FV_OK;
fail:
    free(memory);
    return FV_E_DIVERGED;
}

static unit unit_of_range(double low, double high) {
    double size = (high - low) / 255;
    if (size <= 0) size = 1;
    return (unit){size, (int)lround(-low / size)};
}

/* The pixels: 1/1 where their normalisation is folded away; zero is what a padded convolution of one channel sees. */
static unit unit_of_pixels(const quantising *q) {
    const fv_step *norm = &q->plan->graph->steps[0];
    double zero = q->plan->graph->input.c == 1 ? -norm->bias[0] / norm->weight[0] : 0;
    return (unit){1, zero > 0 ? zero < 255 ? (int)lround(zero) : 255 : 0};
}

static void find_units(quantising *q) {
    bool folded = q->plan->ops[0].kind != FV_STEP_SCALE || q->plan->ops[0].in != 0 || q->plan->ops[0].out != 1;
    q->units[0] = folded ? unit_of_pixels(q) : (unit){1, 0};
    for (int i = 0; i < q->plan->n_ops; i++) {
        const fv_c_op *op = &q->plan->ops[i];
        bool keeps = op->kind == FV_STEP_MAX || op->kind == FV_STEP_RELU;
        q->units[op->out] = keeps ? q->units[op->in] : unit_of_range(q->low[op->out], q->high[op->out]);
    }
}

/* ---- numbers ---- */

/* ratio as m / 2^s with m of 31 bits, s at least 2; what is too small for that is 0, and what is too large takes every
 * sum to the end of the next value's range, as it should. */
static void split_ratio(double ratio, int32_t *m, int *s) {
    int exponent;
    if (!(ratio < 0x1p29)) {
        *m = INT32_MAX;
        *s = 2;
        return;
    }
    double part = frexp(ratio, &exponent); /* 0.5 <= |part| < 1 */
    *s = 31 - exponent;
    *m = (int32_t)lround(part * 2147483647);
    if (*s > 62 || ratio == 0) {
        *m = 0;
        *s = 2;
    }
}

static void open_table(fv_c_text *t, const char *type, const char *name, int op, size_t n) {
    fprintf(t->constants, "static const %s %s%d[%zu] = {", type, name, op, n);
}

static void close_table(fv_c_text *t, size_t n, size_t width) {
    fputs("\n};\n", t->constants);
    t->constants_bytes += n * width;
}

static void add_whole(fv_c_text *t, size_t i, size_t per_line, long value) {
    fprintf(t->constants, "%s%ld,", i % per_line ? " " : "\n    ", value);
}

/* ---- operations with weights ---- */

/* One output's weights in 8 bits and its bias in units of sums. */
typedef struct row {
    double unit; /* of the weights */
    long bias;
} row;

/* The bias corrects what a shifted zero leaves: unit.zero is whole, the folded normalisation's is not. */
static row quantise_row(const double *w, size_t n, double bias, unit x, signed char *out) {
    double most = 0, sum = bias;
    for (size_t i = 0; i < n; i++) {
        if (fabs(w[i]) > most) most = fabs(w[i]);
        sum += w[i] * x.size * x.zero;
    }
    double size = most / 127, least = fabs(sum) / x.size / 1e9;
    if (size < least) size = least;
    if (size == 0) size = 1;
    for (size_t i = 0; i < n; i++) out[i] = (signed char)lround(w[i] / size);
    return (row){size, lround(sum / (size * x.size))};
}

static fv_status fail_memory(const quantising *q) {
    return fv_fail(q->error, FV_E_MEMORY, "not enough memory");
}

/* Tables of operation i: weights, biases, and how its sums become the next value (m, s) or logits (unit). */
static fv_status add_tables(quantising *q, int i, bool to_logits) {
    const fv_c_op *op = &q->plan->ops[i];
    fv_c_text *t = q->text;
    unit x = q->units[op->in], y = q->units[op->out];
    bool raw = op->in == 0 && op->out != 1; /* weights are for pixels, the bias for a zero of 0 */
    size_t each = op->n_weights / op->n_bias;
    bool large = false;
    signed char *weights = malloc(op->n_weights);
    row *rows = malloc(op->n_bias * sizeof *rows);
    if (!weights || !rows) {
        free(weights);
        free(rows);
        return fail_memory(q);
    }
    for (size_t k = 0; k < op->n_bias; k++)
        rows[k] =
            quantise_row(op->weight + k * each, each, op->bias[k], raw ? x : (unit){x.size, 0}, weights + k * each);
    for (size_t k = 0; to_logits && k < op->n_bias; k++) large |= !(rows[k].unit * x.size <= FLT_MAX);
    open_table(t, "signed char", "weight", i, op->n_weights);
    for (size_t k = 0; k < op->n_weights; k++) add_whole(t, k, 20, weights[k]);
    close_table(t, op->n_weights, 1);
    open_table(t, "int32_t", "bias", i, op->n_bias);
    for (size_t k = 0; k < op->n_bias; k++) add_whole(t, k, 8, rows[k].bias);
    close_table(t, op->n_bias, sizeof(int32_t));
    if (to_logits) {
        open_table(t, "float", "unit", i, op->n_bias);
        for (size_t k = 0; k < op->n_bias; k++)
            fprintf(t->constants, "%s%.8ef,", k % 8 ? " " : "\n    ", rows[k].unit * x.size);
        close_table(t, op->n_bias, sizeof(float));
    } else {
        int32_t m;
        int s;
        open_table(t, "int32_t", "m", i, op->n_bias);
        for (size_t k = 0; k < op->n_bias; k++) {
            split_ratio(rows[k].unit * x.size / y.size, &m, &s);
            add_whole(t, k, 8, m);
        }
        close_table(t, op->n_bias, sizeof m);
        open_table(t, "signed char", "s", i, op->n_bias);
        for (size_t k = 0; k < op->n_bias; k++) {
            split_ratio(rows[k].unit * x.size / y.size, &m, &s);
            add_whole(t, k, 20, s);
        }
        close_table(t, op->n_bias, 1);
    }
    free(weights);
    free(rows);
    return large ? FV_E_DIVERGED : FV_OK;
}

/* ---- calls ---- */

typedef struct places {
    char x[32], x2[32], y[32];
} places;

static places places_of(const fv_c_op *op) {
    places p;
    snprintf(p.x, sizeof p.x, "%s", fv_c_place(op->in_at, p.x2));
    snprintf(p.y, sizeof p.y, "%s", fv_c_place(op->out_at, p.x2));
    const char *x2 = fv_c_place(op->in2_at, p.x2);
    if (x2 != p.x2) snprintf(p.x2, sizeof p.x2, "%s", x2);
    return p;
}

static fv_status add_weighted(quantising *q, int i) {
    const fv_c_op *op = &q->plan->ops[i];
    places p = places_of(op);
    fv_shape a = op->x, b = op->y;
    FILE *f = q->text->calls;
    bool to_logits = op->out_at == FV_C_LOGITS;
    int x_zero = q->units[op->in].zero, y_zero = q->units[op->out].zero;
    if (op->n_weights / op->n_bias > MOST_INPUTS)
        return fv_fail(q->error, FV_E_UNSUPPORTED,
                       "int8: a layer with %zu inputs an output: its sums could leave 32 bits; %d are possible",
                       op->n_weights / op->n_bias, MOST_INPUTS);
    FV_TRY(add_tables(q, i, to_logits));
    char tables[128], ends[64];
    snprintf(tables, sizeof tables, "%s, %s, weight%d, bias%d, m%d, s%d", p.x, p.y, i, i, i, i);
    snprintf(ends, sizeof ends, "%d, %d, %d", x_zero, y_zero, op->relu ? y_zero : 0);
    if (op->kind == FV_STEP_SCALE)
        fprintf(f, "    scale(%s, %s, %d, %d);\n", tables, ends, a.c, a.h * a.w);
    else if (op->kind == FV_STEP_CONV)
        fprintf(f, "    conv(%s, %s, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d);\n", tables, ends, a.c, a.h, a.w, b.c,
                op->rows, op->columns, op->pad, op->stride, op->pool, b.h, b.w);
    else if (to_logits)
        fprintf(f, "    dense_out(%s, %s, weight%d, bias%d, unit%d, %d, %zu, %d);\n", p.x, p.y, i, i, i, x_zero,
                fv_image_size(a), b.c);
    else
        fprintf(f, "    dense(%s, %s, %zu, %d);\n", tables, ends, fv_image_size(a), b.c);
    q->text->helpers |= 1u << (op->kind == FV_STEP_SCALE  ? FV_C_SCALE
                               : op->kind == FV_STEP_CONV ? FV_C_CONV
                               : to_logits                ? FV_C_DENSE_OUT
                                                          : FV_C_DENSE);
    if (!to_logits) q->text->helpers |= 1u << FV_C_REQUANTISE;
    return FV_OK;
}

static void add_mean(quantising *q, const fv_c_op *op) {
    places p = places_of(op);
    unit x = q->units[op->in], y = q->units[op->out];
    double each = x.size / (op->rows * op->columns);
    FILE *f = q->text->calls;
    if (op->out_at == FV_C_LOGITS) {
        fprintf(f, "    mean_out(%s, %s, %.8ef, %d, %d, %d);\n", p.x, p.y, each, x.zero, op->x.c, op->x.h * op->x.w);
        q->text->helpers |= 1u << FV_C_MEAN_OUT;
        return;
    }
    int32_t m;
    int s;
    split_ratio(each / y.size, &m, &s);
    fprintf(f, "    mean_pool(%s, %s, %ld, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d);\n", p.x, p.y, (long)m, s, x.zero,
            y.zero, op->x.c, op->x.h, op->x.w, op->rows, op->columns, op->y.h, op->y.w);
    q->text->helpers |= 1u << FV_C_MEAN | 1u << FV_C_REQUANTISE;
}

/* Both values' ratios by one shift: the larger's. */
static void add_sum(quantising *q, const fv_c_op *op) {
    places p = places_of(op);
    unit a = q->units[op->in], b = q->units[op->in2], y = q->units[op->out];
    double ra = a.size / y.size, rb = b.size / y.size;
    int32_t m;
    int s;
    split_ratio(ra > rb ? ra : rb, &m, &s);
    fprintf(q->text->calls, "    sum(%s, %s, %s, %ld, %ld, %d, %d, %d, %d, %d, %zu);\n", p.x, p.x2, p.y,
            lround(fmin(ldexp(ra, s - 1), INT32_MAX)), lround(fmin(ldexp(rb, s - 1), INT32_MAX)), s - 1, a.zero, b.zero,
            y.zero, op->relu ? y.zero : 0, fv_image_size(op->y));
    q->text->helpers |= 1u << FV_C_SUM;
}

static fv_status add_op(quantising *q, int i) {
    const fv_c_op *op = &q->plan->ops[i];
    places p = places_of(op);
    FILE *f = q->text->calls;
    switch (op->kind) {
    case FV_STEP_SCALE:
    case FV_STEP_CONV:
    case FV_STEP_DENSE:
        return add_weighted(q, i);
    case FV_STEP_MEAN:
        add_mean(q, op);
        return FV_OK;
    case FV_STEP_MAX:
        fprintf(f, "    max_pool(%s, %s, %d, %d, %d, %d, %d, %d, %d);\n", p.x, p.y, op->x.c, op->x.h, op->x.w, op->rows,
                op->columns, op->y.h, op->y.w);
        q->text->helpers |= 1u << FV_C_MAX;
        return FV_OK;
    case FV_STEP_RELU:
        fprintf(f, "    relu(%s, %s, %d, %zu);\n", p.x, p.y, q->units[op->in].zero, fv_image_size(op->y));
        q->text->helpers |= 1u << FV_C_RELU;
        return FV_OK;
    case FV_STEP_SUM:
    case FV_STEP_COPY:
        add_sum(q, op);
    }
    return FV_OK;
}

static fv_status write_ops(quantising *q) {
    const fv_c_op *last = &q->plan->ops[q->plan->n_ops - 1];
    for (int i = 0; i < q->plan->n_ops; i++) FV_TRY(add_op(q, i));
    if (last->out_at == FV_C_LOGITS) return FV_OK;
    char x[32];
    unit u = q->units[last->out];
    fprintf(q->text->calls, "    out(%s, logits, %.8ef, %d, %d);\n", fv_c_place(last->out_at, x), u.size, u.zero,
            last->y.c);
    q->text->helpers |= 1u << FV_C_OUT;
    return FV_OK;
}

fv_status fv_c_write_int8(const fv_c_plan *plan, const fv_images *images, const fv_indices *indices, fv_c_text *text,
                          fv_error *error) {
    size_t n = (size_t)plan->graph->n_steps + 1;
    quantising q = {plan, text, error, calloc(n, sizeof(double)), calloc(n, sizeof(double)), calloc(n, sizeof(unit))};
    fv_status status = q.low && q.high && q.units ? calibrate(&q, images, indices) : FV_E_MEMORY;
    if (status == FV_OK) {
        find_units(&q);
        status = write_ops(&q);
    } else {
        if (status == FV_E_MEMORY) status = fail_memory(&q);
    }
    free(q.low);
    free(q.high);
    free(q.units);
    return status;
}
