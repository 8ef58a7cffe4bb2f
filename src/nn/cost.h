/* What an operation of a plan has to do, from its shapes alone. */
#ifndef FV_COST_H
#define FV_COST_H

#include "nn/plan.h"

typedef struct fv_cost {
    size_t multiply_adds; /* per image; dense: those that a kernel may skip because a factor is zero count */
    size_t bytes; /* per block: each map and each tensor once for whoever reads it, once for whoever writes it */
} fv_cost;

/* Only what is computed counts: not the pixels that a pool drops. Batch norm and what is pointwise multiply and add
 * too, but are bound by memory: 0. */
fv_cost fv_op_forward_cost(const fv_plan *plan, const fv_op *op);
fv_cost fv_op_backward_cost(const fv_plan *plan, const fv_op *op);

#endif
