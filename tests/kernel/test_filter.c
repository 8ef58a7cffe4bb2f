/* Warping, smoothing, blurring along a line and medians against double references, over awkward shapes, on every set
 * that runs. */
#include "kernel/kernel_test.h"

#include "augment/transform.h"

static const struct {
    int h, w;
} shapes[] = {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {5, 16}, {16, 15}, {17, 17}, {28, 28}, {3, 400}, {70, 31}, {2, 1024}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, GUARD = 64 };

static uint8_t *bytes(size_t n, uint32_t stream) {
    uint8_t *at = test_alloc(n + FV_IMAGE_SLACK + GUARD, 1);
    for (size_t i = 0; i < n + FV_IMAGE_SLACK + GUARD; i++) at[i] = (uint8_t)test_below(stream, i, 256);
    return at;
}

/* A result and scratch of the size asked for, both with guards behind. */
typedef struct guarded {
    uint8_t *y, *before, *scratch;
    size_t n, scratch_size;
} guarded;

static guarded guarded_create(size_t n, size_t scratch_size) {
    guarded g = {bytes(n, 2), bytes(n, 2), test_alloc(scratch_size + GUARD, 1), n, scratch_size};
    memset(g.scratch, 0x5A, scratch_size + GUARD);
    return g;
}

static void guarded_free(guarded *g) {
    assert_memory_equal(g->y + g->n + FV_IMAGE_SLACK, g->before + g->n + FV_IMAGE_SLACK, GUARD);
    for (size_t i = 0; i < GUARD; i++) assert_int_equal(g->scratch[g->scratch_size + i], 0x5A);
    free(g->y);
    free(g->before);
    free(g->scratch);
}

static int clamped(int i, int n) {
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}
static int reflected(int i, int n) {
    return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

/* ---- warp ---- */

static double pixel(int h, int w, const uint8_t *x, double i, double j) {
    return i >= 0 && j >= 0 && i < h && j < w ? x[(int)i * w + (int)j] : 0;
}

static double warp_reference(int h, int w, const uint8_t *x, double row, double column) {
    const double i = floor(row), j = floor(column), f = row - i, g = column - j;
    return (1 - f) * ((1 - g) * pixel(h, w, x, i, j) + g * pixel(h, w, x, i, j + 1)) +
           f * ((1 - g) * pixel(h, w, x, i + 1, j) + g * pixel(h, w, x, i + 1, j + 1));
}

/* Places all over the image, beyond it, and far away. */
static int32_t some_place(uint32_t stream, size_t k, int side) {
    if (test_below(stream, 2 * k, 20) == 0) return k % 2 ? -(1 << 29) : 1 << 29;
    return (int32_t)test_below(stream, 2 * k + 1, (uint32_t)(side + 6) << 8) - (3 << 8);
}

static void check_warp(int h, int w) {
    const size_t n = (size_t)(h * w);
    int32_t *at_x = test_alloc(n, sizeof *at_x), *at_y = test_alloc(n, sizeof *at_y);
    uint8_t *x = bytes(n, 3);
    same_bits bits = {0};
    const fv_kernels *k;
    for (size_t i = 0; i < n; i++) {
        at_x[i] = some_place(4, i, w);
        at_y[i] = some_place(5, i, h);
    }
    for (int set = 0; (k = test_set(set)); set++) {
        guarded g = guarded_create(n, k->resample_scratch(h, w));
        k->warp(h, w, at_x, at_y, x, g.y, g.scratch);
        for (size_t i = 0; i < n; i++) {
            const double want = warp_reference(h, w, x, at_y[i] / 256.0, at_x[i] / 256.0);
            if (fabs(g.y[i] - want) > 0.52)
                fail_msg("%dx%d, pixel %zu from (%d, %d): %d, not %g", h, w, i, at_y[i], at_x[i], g.y[i], want);
        }
        check_bits(&bits, "warp", k, g.y, n);
        guarded_free(&g);
    }
    same_bits_free(&bits);
    free(at_x);
    free(at_y);
    free(x);
}

/* ---- smooth ---- */

/* `middle_weight` above 32,767 keeps the matrices away; else both ways must give the same bits. */
static void check_smooth(int h, int w, int radius, int middle_weight, int shift) {
    const int n = h * w, stride = (w + 15) / 16 * 16;
    const float middle = 100, scale = 0.5F;
    uint16_t weights[40] = {(uint16_t)middle_weight};
    uint32_t *x = test_alloc((size_t)n + FV_IMAGE_SLACK, sizeof *x);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int d = 1; d <= radius; d++) weights[d] = (uint16_t)((65536 - middle_weight) / (2 * radius));
    for (size_t i = 0; i < (size_t)n + FV_IMAGE_SLACK; i++) x[i] = test_below(6, i, 1U << 31) * 2 + (i & 1);
    fv_smoother *smoother = fv_smoother_create(h, w, radius, weights), taps;
    assert_non_null(smoother);
    if (h > 2 * radius && w > 2 * radius) /* else reflections may add up to more than 16 bits */
        assert_int_equal(smoother->down != NULL, radius != 1 && middle_weight <= 32767);
    taps = *smoother;
    taps.down = NULL;
    for (int set = 0; (k = test_set(set)); set++) {
        float *y = test_alloc((size_t)(h * stride) + 1, sizeof *y),
              *other = test_alloc((size_t)(h * stride), sizeof *y);
        guarded g = guarded_create(0, k->smooth_scratch(h, w, radius));
        y[h * stride] = 7;
        k->smooth(smoother, x, shift, middle, scale, y, g.scratch);
        k->smooth(&taps, x, shift, middle, scale, other, g.scratch);
        for (int i = 0; i < h; i++) {
            for (int j = 0; j < w; j++) {
                double want = 0;
                for (int a = -radius; a <= radius; a++)
                    for (int b = -radius; b <= radius; b++)
                        want += (double)weights[abs(a)] * weights[abs(b)] *
                                (x[reflected(i + a, h) * w + reflected(j + b, w)] >> shift & 65535) * 0x1p-32;
                const double got = (double)y[i * stride + j] / (double)scale + (double)middle;
                if (fabs(got - want) > 6.5) /* radius 1 drops fractions, six of them */
                    fail_msg("%dx%d, radius %d, (%d, %d): %g, not %g", h, w, radius, i, j, got, want);
            }
            assert_memory_equal(y + i * stride, other + i * stride, (size_t)w * sizeof *y);
            memset(y + i * stride + w, 0, (size_t)(stride - w) * sizeof *y); /* anything may stand there */
        }
        assert_true(y[h * stride] == 7);
        check_bits(&bits, "smooth", k, y, (size_t)(h * stride) * sizeof *y);
        guarded_free(&g);
        free(y);
        free(other);
    }
    same_bits_free(&bits);
    free(smoother);
    free(x);
}

/* Places against the double arithmetic of fv_place. */
static void check_displace(int h, int w) {
    const int stride = w + 3;
    float *dx = test_alloc((size_t)(h * stride) + FV_IMAGE_SLACK, sizeof *dx);
    float *dy = test_alloc((size_t)(h * stride) + FV_IMAGE_SLACK, sizeof *dy);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int i = 0; i < h * stride; i++) {
        dx[i] = ((float)test_below(7, (size_t)i, 20000) - 10000) / 1000;
        if (i % 3 == 1) dx[i] = ((float)test_below(7, (size_t)i, 4000) - 1999.5F) / 256; /* a half of 1/256 */
        if (i % 9 == 5) dx[i] = 0x1.fffffep-10F;                                         /* just below the half */
        dy[i] = i % 7 == 3 ? NAN : i % 5 == 2 ? -1e30F : ((float)test_below(8, (size_t)i, 20000) - 10000) / 300;
    }
    for (int set = 0; (k = test_set(set)); set++) {
        int32_t *x = test_alloc((size_t)(h * w) + FV_IMAGE_SLACK, sizeof *x);
        int32_t *y = test_alloc((size_t)(h * w) + FV_IMAGE_SLACK, sizeof *y);
        k->displace(h, w, stride, dx, dy, x, y);
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                assert_int_equal(x[i * w + j], fv_place(j + (double)dx[i * stride + j], w));
                assert_int_equal(y[i * w + j], fv_place(i + (double)dy[i * stride + j], h));
            }
        check_bits(&bits, "displace", k, x, (size_t)(h * w) * sizeof *x);
        free(x);
        free(y);
    }
    same_bits_free(&bits);
    free(dx);
    free(dy);
}

/* ---- blur_line ---- */

static void check_line(int h, int w, int radius) {
    const int32_t step[][2] = {{0, 1}, {1, -1}, {radius, -radius}, {-radius, 0}};
    const int n_steps = 4;
    const size_t n = (size_t)(h * w);
    uint8_t *x = bytes(n, 7);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        guarded g = guarded_create(n, k->blur_scratch(h, w, radius));
        k->blur_line(h, w, radius, n_steps, step, x, g.y, g.scratch);
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                double want = x[i * w + j];
                for (int s = 0; s < n_steps; s++)
                    want += x[reflected(i + step[s][0], h) * w + reflected(j + step[s][1], w)] +
                            x[reflected(i - step[s][0], h) * w + reflected(j - step[s][1], w)];
                want /= 2 * n_steps + 1;
                if (fabs(g.y[i * w + j] - want) > 0.53)
                    fail_msg("%dx%d, radius %d, (%d, %d): %d, not %g", h, w, radius, i, j, g.y[i * w + j], want);
            }
        check_bits(&bits, "blur_line", k, g.y, n);
        guarded_free(&g);
    }
    same_bits_free(&bits);
    free(x);
}

/* ---- median ---- */

static int rising(const void *a, const void *b) {
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

static void check_median(int h, int w, int radius, const uint8_t *x) {
    const size_t n = (size_t)(h * w);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        guarded g = guarded_create(n, k->median_scratch(h, w, radius));
        k->median(h, w, radius, x, g.y, g.scratch);
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                uint8_t window[225];
                size_t count = 0;
                for (int a = i - radius; a <= i + radius; a++)
                    for (int b = j - radius; b <= j + radius; b++)
                        window[count++] = x[clamped(a, h) * w + clamped(b, w)];
                qsort(window, count, 1, rising);
                if (g.y[i * w + j] != window[count / 2])
                    fail_msg("%dx%d, radius %d, (%d, %d): %d, not %d", h, w, radius, i, j, g.y[i * w + j],
                             window[count / 2]);
            }
        check_bits(&bits, "median", k, g.y, n);
        guarded_free(&g);
    }
    same_bits_free(&bits);
}

/* ---- over the shapes ---- */

static void warps(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) check_warp(shapes[s].h, shapes[s].w);
}

static void smooths(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++)
        for (int radius = 0; radius < shapes[s].h && radius < shapes[s].w && radius < 40; radius += radius < 4 ? 1 : 9)
            for (int shift = 0; shift <= 16; shift += 16) {
                check_smooth(shapes[s].h, shapes[s].w, radius, radius ? 20000 : 65535, shift);
                if (radius) check_smooth(shapes[s].h, shapes[s].w, radius, 40000, shift);
            }
}

static void displaces(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) check_displace(shapes[s].h, shapes[s].w);
}

static void lines(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++)
        for (int radius = 1; radius < shapes[s].h && radius < shapes[s].w && radius < 16; radius++)
            check_line(shapes[s].h, shapes[s].w, radius);
}

static void medians(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) {
        const size_t n = (size_t)(shapes[s].h * shapes[s].w);
        uint8_t *x = bytes(n, 8);
        for (int radius = 1; radius <= 7; radius++) check_median(shapes[s].h, shapes[s].w, radius, x);
        for (size_t i = 0; i < n; i++) x[i] = x[i] < 100 ? 0 : 255; /* many equals, at the ends */
        check_median(shapes[s].h, shapes[s].w, 2, x);
        free(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(warps), cmocka_unit_test(smooths), cmocka_unit_test(displaces),
                                       cmocka_unit_test(lines), cmocka_unit_test(medians)};
    return RUN_KERNEL_TESTS(tests);
}
