/* What the convolution kernels reach on this machine, beside the FMA peak measured in the same run: medians, one
 * thread, the chosen instruction set (FOVEA_ISA forces one). The share counts dense multiply-adds; kernels behind a
 * max-pool skip three of four gradients, Winograd's do 16 of 36 products, and may pass 100 %. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fovea/machine.h"
#include "kernels/kernels.h"

enum { SAMPLES = 41, PEAK_STEPS = 20000 };
#define LONGEST_S 0.2 /* for one kernel */

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static double peak_flops(void) {
    const fv_kernels *k = fv_kernels_chosen();
    float sums[192];
    double best = 0;
    for (int r = 0; r < SAMPLES; r++) {
        double t = now_s(), n = 2 * (double)k->fma_chains(PEAK_STEPS, 0.5F, sums);
        t = now_s() - t;
        if (n / t > best) best = n / t;
    }
    return best;
}

/* ---- the kernels ---- */

typedef struct shape {
    int n_in, n_out, size; /* size: output pixels a side (of the pooled map where pooled) */
} shape;

static struct {
    const fv_kernels *k;
    fv_conv_shape conv;
    fv_conv_pool_shape pool;
    fv_map map;
    int32_t taps[9], order[9], *offsets;
    float *x, *y, *w, *packed, *dx_packed, *winograd_packed, *scratch, *g, bias[64];
    uint8_t *winners;
} b;

static float *floats(size_t n) {
    float *p = aligned_alloc(64, (n + 63) / 16 * 64);
    if (!p) exit(1);
    for (size_t i = 0; i < n; i++) p[i] = (float)(int)(i * 2654435761U >> 16 & 0xffff) / 65536 - 0.5F;
    return p;
}

static void set_up(shape s, int pooled) {
    const int side = pooled ? 2 * s.size : s.size, x_side = side + 2;
    const size_t n_weights = (size_t)(s.n_in * s.n_out * 9);
    b.k = fv_kernels_chosen();
    b.x = floats((size_t)(s.n_in * x_side * x_side) * 16);
    b.y = floats((size_t)(s.n_out * s.size * s.size) * 16);
    b.w = floats(n_weights);
    b.g = floats(n_weights);
    for (int i = 0; i < 64; i++) b.bias[i] = 0.1F;
    b.offsets = malloc((size_t)s.n_in * 9 * sizeof *b.offsets);
    if (!b.offsets) exit(1);
    for (int t = 0; t < 9; t++) b.order[t] = t, b.taps[t] = (t / 3 * x_side + t % 3) * 16;
    for (int t = 0; t < s.n_in * 9; t++) b.offsets[t] = t / 9 * x_side * x_side * 16 + b.taps[t % 9];
    b.conv = (fv_conv_shape){.n_in = s.n_in,
                             .n_out = s.n_out,
                             .n_taps = 9,
                             .h = s.size,
                             .w = s.size,
                             .taps = b.taps,
                             .x_row = x_side * 16,
                             .x_col = 16,
                             .x_plane = x_side * x_side * 16,
                             .y_row = s.size * 16,
                             .y_col = 16,
                             .y_plane = s.size * s.size * 16};
    b.pool = (fv_conv_pool_shape){.n_in = s.n_in,
                                  .n_out = s.n_out,
                                  .ph = s.size,
                                  .pw = s.size,
                                  .x_row = x_side * 16,
                                  .x_plane = x_side * x_side * 16,
                                  .y_row = s.size * 16,
                                  .y_plane = s.size * s.size * 16};
    b.map = (fv_map){b.y, s.n_out, s.size, s.size, s.size * 16, s.size * s.size * 16};
    b.packed = floats(b.k->conv_packed_size(s.n_out, s.n_in, 9));
    b.k->conv_pack(s.n_out, s.n_in, 9, b.w, s.n_in * 9, 9, b.order, b.packed);
    b.dx_packed = floats(b.k->conv_pool_dx_packed_size(s.n_out, s.n_in));
    b.k->conv_pool_dx_pack(s.n_out, s.n_in, b.w, b.dx_packed);
    b.winograd_packed = floats(b.k->winograd_packed_size(s.n_out, s.n_in));
    b.k->winograd_pack(s.n_out, s.n_in, b.w, s.n_in * 9, 9, 0, b.winograd_packed);
    const size_t sizes[] = {b.k->conv_dw_scratch(s.n_out, s.n_in * 9), b.k->conv_pool_dw_scratch(s.n_out, s.n_in),
                            b.k->winograd_scratch(s.n_in), b.k->winograd_dw_scratch(s.n_out, s.n_in)};
    size_t most = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) most = sizes[i] > most ? sizes[i] : most;
    b.scratch = floats(most);
    b.winners = malloc((size_t)(s.n_out * s.size * s.size) * FV_WINNER_BYTES);
    if (!b.winners) exit(1);
    for (int i = 0; i < s.n_out * s.size * s.size * FV_WINNER_BYTES; i++) b.winners[i] = (uint8_t)(i * 7 / 3 % 5);
}

static void tear_down(void) {
    float *all[] = {b.x, b.y, b.w, b.packed, b.dx_packed, b.winograd_packed, b.scratch, b.g};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(b.offsets);
    free(b.winners);
}

static void run_conv(void) {
    b.k->conv(&b.conv, b.x, b.packed, b.bias, b.y, FV_FROM_BIAS, 1);
}
static void run_conv_dw(void) {
    b.k->conv_dw(&b.conv, b.conv.n_in * 9, b.offsets, b.x, b.y, b.scratch, b.g, 0);
}
static void run_winograd(void) {
    b.k->winograd(&b.conv, b.x, b.winograd_packed, b.bias, b.y, FV_FROM_BIAS, 1, b.scratch);
}
static void run_winograd_dw(void) {
    b.k->winograd_dw(&b.conv, b.x, b.y, b.scratch, b.g, 0);
}
static void run_channel_sum(void) {
    b.k->channel_sum(&b.map, b.g, 0);
}
static void run_pool(void) {
    b.k->conv_pool(&b.pool, b.x, b.w, b.bias, NULL, 1, b.y, b.winners);
}
static void run_pool_dw(void) {
    b.k->conv_pool_dw(&b.pool, b.x, b.y, b.winners, b.scratch, b.g, b.bias, 0);
}
static void run_pool_dx(void) {
    b.k->conv_pool_dx(&b.pool, b.y, b.winners, b.dx_packed, b.x, 0);
}

static double median_s(void (*run)(void)) {
    double t[SAMPLES], once;
    run();
    once = now_s();
    run();
    once = now_s() - once;
    const int repeats = once < 1e-3 ? (int)(1e-3 / (once + 1e-7)) + 1 : 1;
    const double begin = now_s();
    int n = 0;
    do {
        t[n] = now_s();
        for (int r = 0; r < repeats; r++) run();
        t[n] = (now_s() - t[n]) / repeats;
        n++;
    } while (n < SAMPLES && now_s() - begin < LONGEST_S);
    qsort(t, (size_t)n, sizeof *t, ascending);
    return t[n / 2];
}

static void measure(const char *name, shape s, int pooled, double peak, void (*run)(void)) {
    set_up(s, pooled);
    const double t = median_s(run), pixels = (double)s.size * s.size * (pooled ? 4 : 1);
    const double flops = run == run_channel_sum ? pixels * s.n_out * 16 : 2 * 16 * 9.0 * pixels * s.n_in * s.n_out;
    printf("%-13s %3d -> %-3d %3d x %-3d %9.3f us/image %7.1f GFLOP/s %5.0f %%\n", name, s.n_in, s.n_out, s.size,
           s.size, t * 1e6 / FV_LANES, flops / t * 1e-9, 100 * flops / t / peak);
    tear_down();
}

int main(void) {
    static const shape dense[] = {{8, 8, 10}, {32, 32, 14}, {3, 16, 32}, {64, 64, 8}};
    static const shape wide[] = {{16, 32, 12}, {32, 32, 6}, {32, 32, 28}, {32, 64, 14}, {64, 64, 14}, {64, 64, 8}};
    static const shape pooled[] = {{1, 8, 12}, {8, 8, 5}};
    fv_error error;
    if (fv_isa_choose(&error) != FV_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const double peak = peak_flops();
    printf("%s, FMA peak %.1f GFLOP/s\n", fv_isa_name(), peak * 1e-9);
    for (size_t i = 0; i < sizeof dense / sizeof *dense; i++) {
        measure("conv", dense[i], 0, peak, run_conv);
        measure("conv_dw", dense[i], 0, peak, run_conv_dw);
        measure("channel_sum", dense[i], 0, peak, run_channel_sum);
    }
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        measure("conv", wide[i], 0, peak, run_conv);
        measure("winograd", wide[i], 0, peak, run_winograd);
        measure("conv_dw", wide[i], 0, peak, run_conv_dw);
        measure("winograd_dw", wide[i], 0, peak, run_winograd_dw);
    }
    for (size_t i = 0; i < sizeof pooled / sizeof *pooled; i++) {
        measure("conv_pool", pooled[i], 1, peak, run_pool);
        measure("conv_pool_dw", pooled[i], 1, peak, run_pool_dw);
        if (i > 0) measure("conv_pool_dx", pooled[i], 1, peak, run_pool_dx);
    }
    return 0;
}
