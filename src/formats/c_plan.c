#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/images.h"
#include "formats/c_source.h"

typedef struct planning {
    const fv_graph *graph;
    fv_c_plan *plan;
    int *root;    /* [values]: the value that it is the same memory as */
    int *n_users; /* [values], of roots */
    bool *fused;  /* [steps] */
} planning;

static int in_of(const planning *p, int step) {
    return p->root[p->graph->steps[step].in];
}

static void count_users(planning *p) {
    const fv_graph *g = p->graph;
    for (int i = 0; i < g->n_steps; i++) {
        const fv_step *s = &g->steps[i];
        p->root[i + 1] = s->kind == FV_STEP_COPY ? p->root[s->in] : i + 1;
        if (s->kind == FV_STEP_COPY) continue;
        p->n_users[p->root[s->in]]++;
        if (s->kind == FV_STEP_SUM) p->n_users[p->root[s->in2]]++;
    }
    p->n_users[p->root[g->n_steps]]++;
}

static double *copy_of(const double *values, size_t n) {
    double *copy = malloc((n + 1) * sizeof *copy);
    if (copy && n) memcpy(copy, values, n * sizeof *copy);
    return copy;
}

static bool op_init(planning *p, fv_c_op *op, int step) {
    const fv_step *s = &p->graph->steps[step];
    size_t n_bias = s->kind == FV_STEP_SCALE ? s->n_weights : s->n_weights ? (size_t)s->y.c : 0;
    *op = (fv_c_op){.kind = s->kind,
                    .in = in_of(p, step),
                    .in2 = p->root[s->in2],
                    .out = step + 1,
                    .x = s->x,
                    .y = s->y,
                    .rows = s->rows,
                    .columns = s->columns,
                    .stride = s->stride,
                    .pad = s->pad,
                    .pool = 1,
                    .weight = copy_of(s->weight, s->n_weights),
                    .bias = copy_of(s->bias, n_bias),
                    .n_weights = s->n_weights,
                    .n_bias = n_bias};
    return op->weight && op->bias;
}

static bool has_weights(const fv_c_op *op) {
    return op->kind == FV_STEP_CONV || op->kind == FV_STEP_DENSE;
}

/* Takes the step behind the operation into it, where it can. */
static bool absorb(fv_c_op *op, const fv_step *s) {
    if (s->kind == FV_STEP_SCALE && has_weights(op) && !op->relu && op->pool == 1 && s->x.c == op->y.c) {
        size_t each = op->n_weights / op->n_bias;
        for (size_t k = 0; k < op->n_bias; k++) {
            for (size_t i = 0; i < each; i++) op->weight[k * each + i] *= s->weight[k];
            op->bias[k] = op->bias[k] * s->weight[k] + s->bias[k];
        }
        return true;
    }
    if (s->kind == FV_STEP_RELU && (has_weights(op) || op->kind == FV_STEP_SCALE || op->kind == FV_STEP_SUM) &&
        !op->relu)
        return op->relu = true;
    if (s->kind == FV_STEP_MAX && op->kind == FV_STEP_CONV && op->pool == 1 && s->rows == s->columns) {
        op->pool = s->rows;
        op->y = s->y;
        return true;
    }
    return false;
}

static void fuse(planning *p, fv_c_op *op) {
    for (int j = op->out; j < p->graph->n_steps; j++) {
        const fv_step *s = &p->graph->steps[j];
        if (s->kind == FV_STEP_COPY || in_of(p, j) != p->root[op->out]) continue;
        if (p->n_users[op->out] > 1 || !absorb(op, s)) return;
        p->fused[j] = true;
        op->out = j + 1;
    }
}

/* ---- the normalisation ---- */

/* Value 1 is the normalised pixels. */
static bool can_fold_input(const fv_c_plan *plan) {
    for (int i = 1; i < plan->n_ops; i++) {
        const fv_c_op *op = &plan->ops[i];
        bool read = op->in == 1 || (op->kind == FV_STEP_SUM && op->in2 == 1);
        if (read && !(has_weights(op) && (op->pad == 0 || op->x.c == 1))) return false;
    }
    return plan->n_ops > 1 && !plan->ops[0].relu && plan->ops[0].out == 1;
}

static void op_deinit(fv_c_op *op) {
    free(op->weight);
    free(op->bias);
}

static void fold_input(fv_c_plan *plan) {
    const fv_step *norm = &plan->graph->steps[0];
    for (int i = 1; i < plan->n_ops; i++) {
        fv_c_op *op = &plan->ops[i];
        if (op->in != 1) continue;
        size_t each = op->n_weights / op->n_bias, per_channel = each / (size_t)op->x.c;
        if (op->kind == FV_STEP_DENSE) per_channel = each / (size_t)plan->graph->input.c;
        for (size_t k = 0; k < op->n_bias; k++)
            for (size_t j = 0; j < each; j++) {
                double *w = &op->weight[k * each + j];
                op->bias[k] += *w * norm->bias[j / per_channel];
                *w *= norm->weight[j / per_channel];
            }
        op->in = 0;
    }
    op_deinit(&plan->ops[0]);
    memmove(plan->ops, plan->ops + 1, (size_t)--plan->n_ops * sizeof *plan->ops);
}

/* ---- memory ---- */

/* Whether the 8-bit form of an operation has logits as its sums. */
static bool sums_are_logits(const fv_c_op *op) {
    return (op->kind == FV_STEP_DENSE && !op->relu) ||
           (op->kind == FV_STEP_MEAN && op->rows == op->x.h && op->columns == op->x.w);
}

static bool reads(const fv_c_op *op, int value) {
    return op->in == value || (op->kind == FV_STEP_SUM && op->in2 == value);
}

/* Whether `value` is read behind operation i. */
static bool needed_later(const fv_c_plan *plan, int i, int value) {
    if (value == plan->last) return true;
    for (int j = i + 1; j < plan->n_ops; j++)
        if (reads(&plan->ops[j], value)) return true;
    return false;
}

static bool works_in_place(fv_step_kind kind) {
    return kind != FV_STEP_CONV && kind != FV_STEP_DENSE;
}

/* The lowest place for n elements among values that are still needed once operation i runs. */
static long find_place(const fv_c_plan *plan, int i, size_t n) {
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int j = 0; j < i; j++) {
            const fv_c_op *other = &plan->ops[j];
            if (!needed_later(plan, i - 1, other->out)) continue;
            size_t begin = (size_t)other->out_at, end = begin + fv_image_size(other->y);
            if (at >= end || at + n <= begin) continue;
            at = end;
            moved = true;
        }
    }
    return (long)at;
}

static long place_of(const fv_c_plan *plan, int i, int value) {
    for (int j = 0; j < i; j++)
        if (plan->ops[j].out == value) return plan->ops[j].out_at;
    return FV_C_PIXELS;
}

static void lay_out(fv_c_plan *plan, bool last_in_scratch) {
    for (int i = 0; i < plan->n_ops; i++) {
        fv_c_op *op = &plan->ops[i];
        size_t n = fv_image_size(op->y);
        op->in_at = place_of(plan, i, op->in);
        op->in2_at = op->kind == FV_STEP_SUM ? place_of(plan, i, op->in2) : op->in_at;
        if (op->out == plan->last && !last_in_scratch) {
            op->out_at = FV_C_LOGITS;
            continue;
        }
        if (works_in_place(op->kind) && op->in_at >= 0 && !needed_later(plan, i, op->in))
            op->out_at = op->in_at;
        else
            op->out_at = find_place(plan, i, n);
        if ((size_t)op->out_at + n > plan->scratch) plan->scratch = (size_t)op->out_at + n;
    }
}

/* ---- the whole ---- */

static fv_status make_ops(planning *p) {
    const fv_graph *g = p->graph;
    for (int i = 0; i < g->n_steps; i++) {
        if (p->fused[i] || g->steps[i].kind == FV_STEP_COPY) continue;
        fv_c_op *op = &p->plan->ops[p->plan->n_ops++];
        if (!op_init(p, op, i)) return FV_E_MEMORY;
        if (i > 0) fuse(p, op);
    }
    return FV_OK;
}

fv_status fv_c_plan_create(const fv_graph *graph, bool raw, fv_c_plan **out) {
    size_t n = (size_t)graph->n_steps + 1;
    fv_c_plan *plan = calloc(1, sizeof *plan);
    planning p = {graph, plan, calloc(n, sizeof(int)), calloc(n, sizeof(int)), calloc(n, sizeof(bool))};
    if (plan) *plan = (fv_c_plan){.graph = graph, .ops = calloc(n, sizeof *plan->ops)};
    fv_status status = plan && plan->ops && p.root && p.n_users && p.fused ? FV_OK : FV_E_MEMORY;
    if (status == FV_OK) {
        count_users(&p);
        plan->last = p.root[graph->n_steps];
        status = make_ops(&p);
    }
    if (status == FV_OK) {
        if (raw && can_fold_input(plan)) fold_input(plan);
        lay_out(plan, raw && !sums_are_logits(&plan->ops[plan->n_ops - 1]));
    }
    free(p.root);
    free(p.n_users);
    free(p.fused);
    if (status == FV_OK)
        *out = plan;
    else
        fv_c_plan_destroy(plan);
    return status;
}

void fv_c_plan_destroy(fv_c_plan *plan) {
    if (!plan) return;
    for (int i = 0; plan->ops && i < plan->n_ops; i++) op_deinit(&plan->ops[i]);
    free(plan->ops);
    free(plan);
}

const char *fv_c_place(long at, char out[32]) {
    if (at < 0) return at == FV_C_PIXELS ? "pixels" : "logits";
    snprintf(out, 32, at ? "scratch + %ld" : "scratch", at);
    return out;
}
