/* The arithmetic of C source in float. */
#include <math.h>
#include <string.h>

#include "data/images.h"
#include "formats/c_source.h"

/* A number that a C compiler reads as this float. */
static void print_float(FILE *f, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)(float)value);
    fprintf(f, "%s%sf", text, strpbrk(text, ".e") ? "" : ".0");
}

static void add_table(fv_c_text *t, const char *name, int op, const double *values, size_t n) {
    fprintf(t->constants, "static const float %s%d[%zu] = {", name, op, n);
    for (size_t i = 0; i < n; i++) {
        fputs(i % 8 ? " " : "\n    ", t->constants);
        print_float(t->constants, values[i]);
        fputc(',', t->constants);
    }
    fputs("\n};\n", t->constants);
    t->constants_bytes += n * sizeof(float);
}

static void add_op(const fv_c_plan *plan, int i, fv_c_text *t) {
    const fv_c_op *op = &plan->ops[i];
    char in[32], in2[32], out[32];
    const char *x = fv_c_place(op->in_at, in), *x2 = fv_c_place(op->in2_at, in2), *y = fv_c_place(op->out_at, out);
    fv_shape a = op->x, b = op->y;
    if (op->n_weights) {
        add_table(t, "weight", i, op->weight, op->n_weights);
        add_table(t, "bias", i, op->bias, op->n_bias);
    }
    FILE *f = t->calls;
    fv_c_helper helper = FV_C_SUM;
    switch (op->kind) {
    case FV_STEP_SCALE:
        helper = op->in_at == FV_C_PIXELS ? FV_C_NORMALISE : FV_C_SCALE;
        fprintf(f, "    %s(%s, %s, weight%d, bias%d, %d, %d%s);\n", helper == FV_C_SCALE ? "scale" : "normalise", x, y,
                i, i, a.c, a.h * a.w,
                helper == FV_C_NORMALISE ? ""
                : op->relu               ? ", 1"
                                         : ", 0");
        break;
    case FV_STEP_CONV:
        helper = FV_C_CONV;
        fprintf(f, "    conv(%s, %s, weight%d, bias%d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d);\n", x, y, i, i,
                a.c, a.h, a.w, b.c, op->rows, op->columns, op->pad, op->stride, op->pool, b.h, b.w, op->relu);
        break;
    case FV_STEP_DENSE:
        helper = FV_C_DENSE;
        fprintf(f, "    dense(%s, %s, weight%d, bias%d, %zu, %d, %d);\n", x, y, i, i, fv_image_size(a), b.c, op->relu);
        break;
    case FV_STEP_MAX:
    case FV_STEP_MEAN:
        helper = op->kind == FV_STEP_MAX ? FV_C_MAX : FV_C_MEAN;
        fprintf(f, "    %s_pool(%s, %s, %d, %d, %d, %d, %d, %d, %d);\n", op->kind == FV_STEP_MAX ? "max" : "mean", x, y,
                a.c, a.h, a.w, op->rows, op->columns, b.h, b.w);
        break;
    case FV_STEP_RELU:
        helper = FV_C_RELU;
        fprintf(f, "    relu(%s, %s, %zu);\n", x, y, fv_image_size(b));
        break;
    case FV_STEP_SUM:
    case FV_STEP_COPY:
        fprintf(f, "    sum(%s, %s, %s, %zu, %d);\n", x, x2, y, fv_image_size(b), op->relu);
        break;
    }
    t->helpers |= 1u << helper;
}

void fv_c_write_float(const fv_c_plan *plan, fv_c_text *text) {
    for (int i = 0; i < plan->n_ops; i++) add_op(plan, i, text);
}
