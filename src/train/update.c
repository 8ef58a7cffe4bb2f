#include "train/update.h"

#include <string.h>

#include "base/memory.h"

enum {
    CHUNK = 1024,      /* floats reduced and updated at a time, so that the sum stays in L1 */
    LARGE_CHUNK = 4096 /* of a large layer, whose slots' sums come first */
};

/* Rows of a large layer that are updated at a time: whole tiles of the transposition. */
static int large_rows(const fv_piece *piece) {
    size_t rows = LARGE_CHUNK / piece->row / FV_LANES * FV_LANES;
    return rows > FV_LANES ? (int)rows : FV_LANES;
}

static int rows_of(const fv_piece *piece) {
    return (int)(piece->n / piece->row);
}

size_t fv_update_scratch(const fv_plan *plan) {
    size_t most = 0;
    for (int i = 0; i < plan->n_pieces; i++) {
        const fv_piece *piece = &plan->pieces[i];
        size_t n = piece->op ? (size_t)(plan->n_slots + 1) * (size_t)large_rows(piece) * piece->row : 0;
        if (n > most) most = n;
    }
    return most;
}

void fv_update_prepare(const fv_plan *plan) {
    for (int i = 0; i < plan->n_pieces; i++) {
        const fv_piece *piece = &plan->pieces[i];
        if (piece->op) piece->op->large->prepare(plan, piece->op, 0, rows_of(piece));
    }
}

/* ---- the slots ---- */

/* How many slots each thread folds into one: 1 where that would not be a whole subtree. */
static int folded(const fv_plan *plan, int n_threads) {
    int own = plan->n_slots / n_threads;
    return plan->n_slots % n_threads == 0 && (own & (own - 1)) == 0 && n_threads > 1 ? own : 1;
}

void fv_update_fold(const fv_trainer *t, const fv_share *share) {
    const fv_plan *plan = t->plan;
    size_t size = plan->slot_size;
    for (int slot = share->slot_begin; slot < share->slot_end; slot++) {
        int begin, end;
        fv_plan_slot(plan, slot, &begin, &end);
        if (begin >= share->n_blocks || begin == end) /* a short batch left it empty: +0 */
            memset(t->slots + (size_t)slot * size, 0, size * sizeof *t->slots);
    }
    int own = folded(plan, share->n_threads);
    float *first = t->slots + (size_t)share->slot_begin * size;
    if (own > 1) plan->k->reduce_slots(size, own, first, size, first);
}

/* ---- the weights ---- */

/* New weights [begin, begin + n) from their gradients. */
static void step(const fv_trainer *t, double learning_rate, size_t begin, size_t n, const float *gradient) {
    fv_optimiser_update(&t->optimiser, t->plan->k, t->steps_done + 1, learning_rate, n, gradient,
                        t->net->weights + begin, t->state1 + begin, t->state2 + begin);
    if (t->average) t->plan->k->average(n, (float)t->options->ema, t->net->weights + begin, t->average + begin);
}

static void update_small(const fv_trainer *t, const fv_piece *piece, const fv_share *share, double learning_rate) {
    float sum[CHUNK] __attribute__((aligned(FV_ALIGN)));
    int begin, end, own = folded(t->plan, share->n_threads);
    size_t stride = (size_t)own * t->plan->slot_size;
    fv_team_share((int)(piece->n / FV_LANES), share->thread, share->n_threads, &begin, &end);
    for (size_t i = (size_t)begin * FV_LANES, n; i < (size_t)end * FV_LANES; i += n) {
        n = (size_t)end * FV_LANES - i;
        if (n > CHUNK) n = CHUNK;
        t->plan->k->reduce_slots(n, t->plan->n_slots / own, t->slots + piece->slot + i, stride, sum);
        step(t, learning_rate, piece->begin + i, n, sum);
    }
}

/* The gradient of rows [begin, begin + n) of a large layer: each slot's sum over its blocks, then the tree. The blocks'
 * numbers are those of the last step. scratch [n_slots][n rows]. */
static void large_gradient(const fv_trainer *t, const fv_piece *piece, int n_blocks, int begin, int n, float *scratch,
                           float *g) {
    const fv_plan *plan = t->plan;
    size_t size = (size_t)n * piece->row;
    for (int slot = 0; slot < plan->n_slots; slot++) {
        float *sum = scratch + (size_t)slot * size;
        int first, last;
        fv_plan_slot(plan, slot, &first, &last);
        if (first == last || first >= n_blocks) memset(sum, 0, size * sizeof *sum);
        for (int i = first; i < last && i < n_blocks; i++) {
            fv_block block = {.memory = t->memory[i], .add = i > first};
            piece->op->large->gradient(plan, piece->op, &block, begin, n, sum);
        }
    }
    plan->k->reduce_slots(size, plan->n_slots, scratch, size, g);
}

static void update_large(const fv_trainer *t, const fv_piece *piece, const fv_share *share, double learning_rate) {
    int n_rows = rows_of(piece), most = large_rows(piece), begin, end;
    float *g = t->scratch[share->thread], *scratch = g + (size_t)most * piece->row;
    fv_team_share((n_rows + most - 1) / most, share->thread, share->n_threads, &begin, &end);
    for (int row = begin * most, n; row < end * most && row < n_rows; row += n) {
        n = n_rows - row < most ? n_rows - row : most;
        large_gradient(t, piece, share->n_blocks, row, n, scratch, g);
        step(t, learning_rate, piece->begin + (size_t)row * piece->row, (size_t)n * piece->row, g);
        piece->op->large->prepare(t->plan, piece->op, row, n);
    }
}

void fv_update(const fv_trainer *t, const fv_share *share, double learning_rate) {
    for (int i = 0; i < t->plan->n_pieces; i++)
        (t->plan->pieces[i].op ? update_large : update_small)(t, &t->plan->pieces[i], share, learning_rate);
}

void fv_trainer_gradient(const fv_trainer *t, size_t n, float *gradient) {
    const fv_plan *plan = t->plan;
    int n_blocks = (int)((n + FV_LANES - 1) / FV_LANES);
    for (int i = 0; i < plan->n_pieces; i++) {
        const fv_piece *piece = &plan->pieces[i];
        float *g = gradient + piece->begin;
        if (!piece->op) {
            plan->k->reduce_slots(piece->n, plan->n_slots, t->slots + piece->slot, plan->slot_size, g);
            continue;
        }
        for (int row = 0, n_rows; row < rows_of(piece); row += n_rows) {
            n_rows = rows_of(piece) - row < large_rows(piece) ? rows_of(piece) - row : large_rows(piece);
            large_gradient(t, piece, n_blocks, row, n_rows, t->scratch[0], g + (size_t)row * piece->row);
        }
    }
}
