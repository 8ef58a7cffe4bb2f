/* Resampling and blurring bytes against double references, over awkward shapes and maps, on every set that runs. */
#include "kernel/kernel_test.h"

static const struct {
    int h, w;
} shapes[] = {{1, 1},   {1, 7},   {7, 1},   {2, 2},   {5, 16},  {16, 15},
              {17, 17}, {28, 28}, {33, 40}, {3, 400}, {70, 31}, {2, 1024}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, GUARD = 64 };

/* Columns and rows per output column and row, and where pixel (0, 0) reads, in pixels. */
static const struct {
    double x_col, y_col, x_row, y_row, x0, y0;
} maps[] = {{1, 0, 0, 1, 0, 0},          {-1, 0, 0, 1, 5, 0},          {0.8, 0.6, -0.6, 0.8, 3.3, -2.7},
            {2.5, -1.25, 0.5, 3, -9, 4}, {0.01, 0, 0, 0.02, 0.4, 0.6}, {1, 0, 0, 1, -2000, 7},
            {1, 0, 0, 1, 0.5, -0.5},     {40, 3, -30, 50, -60, -60}};
enum { N_MAPS = sizeof maps / sizeof *maps };

static uint8_t *bytes(size_t n, uint32_t stream) {
    uint8_t *at = test_alloc(n + FV_IMAGE_SLACK + GUARD, 1);
    for (size_t i = 0; i < n + FV_IMAGE_SLACK + GUARD; i++) at[i] = (uint8_t)test_below(stream, i, 256);
    return at;
}

static double pixel(int h, int w, const uint8_t *x, double i, double j) {
    return i >= 0 && j >= 0 && i < h && j < w ? x[(int)i * w + (int)j] : 0;
}

static double nearest_reference(const fv_resample *r, const uint8_t *x, double row, double column) {
    return pixel(r->h, r->w, x, floor(row + 0.5), floor(column + 0.5));
}

static double bilinear_reference(const fv_resample *r, const uint8_t *x, double row, double column) {
    row = floor(row * 256 + 0.5) / 256;
    column = floor(column * 256 + 0.5) / 256;
    const double i = floor(row), j = floor(column), f = row - i, g = column - j;
    return (1 - f) * ((1 - g) * pixel(r->h, r->w, x, i, j) + g * pixel(r->h, r->w, x, i, j + 1)) +
           f * ((1 - g) * pixel(r->h, r->w, x, i + 1, j) + g * pixel(r->h, r->w, x, i + 1, j + 1));
}

static fv_resample plan(int map, int h, int w, int nearest) {
    const int shift = 14;
    const double one = 1 << shift;
    return (fv_resample){.h = h,
                         .w = w,
                         .shift = shift,
                         .nearest = nearest,
                         .x0 = (int32_t)(maps[map].x0 * one),
                         .y0 = (int32_t)(maps[map].y0 * one),
                         .x_row = (int32_t)(maps[map].x_row * one),
                         .y_row = (int32_t)(maps[map].y_row * one),
                         .x_col = (int32_t)(maps[map].x_col * one),
                         .y_col = (int32_t)(maps[map].y_col * one)};
}

static void check_resample(const fv_resample *r, const uint8_t *x) {
    const double one = 1 << r->shift;
    const size_t n = (size_t)(r->h * r->w);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        uint8_t *y = bytes(n, 2), *guard = bytes(n, 2);
        char *scratch = test_alloc(k->resample_scratch(r->h, r->w) + GUARD, 1);
        memset(scratch, 0x5A, k->resample_scratch(r->h, r->w) + GUARD);
        k->resample(r, x, y, scratch);
        for (int i = 0; i < r->h; i++)
            for (int j = 0; j < r->w; j++) {
                const double row = (r->y0 + (double)r->y_row * i + (double)r->y_col * j) / one;
                const double column = (r->x0 + (double)r->x_row * i + (double)r->x_col * j) / one;
                const double want =
                    r->nearest ? nearest_reference(r, x, row, column) : bilinear_reference(r, x, row, column);
                if (fabs(y[i * r->w + j] - want) > (r->nearest ? 0 : 0.52))
                    fail_msg("%dx%d, (%d, %d) from (%g, %g): %d, not %g", r->h, r->w, i, j, row, column,
                             y[i * r->w + j], want);
            }
        assert_memory_equal(y + n + FV_IMAGE_SLACK, guard + n + FV_IMAGE_SLACK, GUARD);
        for (int i = 0; i < GUARD; i++) assert_int_equal(scratch[k->resample_scratch(r->h, r->w) + (size_t)i], 0x5A);
        check_bits(&bits, "resample", k, y, n);
        free(y);
        free(guard);
        free(scratch);
    }
    same_bits_free(&bits);
}

static void resample(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) {
        uint8_t *x = bytes((size_t)(shapes[s].h * shapes[s].w), 1);
        for (int map = 0; map < N_MAPS; map++)
            for (int nearest = 0; nearest < 2; nearest++) {
                const fv_resample r = plan(map, shapes[s].h, shapes[s].w, nearest);
                const double far = fabs(maps[map].x_col) * shapes[s].w + fabs(maps[map].x_row) * shapes[s].h;
                if (far < 30000) check_resample(&r, x); /* what the map asks of its user */
            }
        free(x);
    }
}

static int reflected(int i, int n) {
    return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
}

static double blur_reference(int h, int w, int radius, const uint16_t *weights, const uint8_t *x, int i, int j) {
    double sum = 0;
    for (int a = -radius; a <= radius; a++)
        for (int b = -radius; b <= radius; b++)
            sum += (double)weights[abs(a)] * weights[abs(b)] * x[reflected(i + a, h) * w + reflected(j + b, w)];
    return sum * 0x1p-32;
}

/* Weights that fall off, with a whole sum of 65536 or just below. */
static void fill_weights(int radius, uint16_t *weights) {
    int rest = 65536;
    for (int d = 1; d <= radius; d++) {
        weights[d] = (uint16_t)(65536 / (2 * radius + 1 + d * d));
        rest -= 2 * weights[d];
    }
    weights[0] = (uint16_t)(rest < 65536 ? rest : 65535);
}

static void check_blur(int h, int w, int radius, const uint8_t *x) {
    uint16_t weights[FV_LANES];
    const size_t n = (size_t)(h * w);
    same_bits bits = {0};
    fill_weights(radius, weights);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        uint8_t *y = bytes(n, 2), *guard = bytes(n, 2);
        const size_t scratch_size = k->blur_scratch(h, w, radius);
        char *scratch = test_alloc(scratch_size + GUARD, 1);
        memset(scratch, 0x5A, scratch_size + GUARD);
        k->blur(h, w, radius, weights, x, y, scratch);
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                const double want = blur_reference(h, w, radius, weights, x, i, j);
                if (fabs(y[i * w + j] - want) > 0.53)
                    fail_msg("%dx%d, radius %d, (%d, %d): %d, not %g", h, w, radius, i, j, y[i * w + j], want);
            }
        assert_memory_equal(y + n + FV_IMAGE_SLACK, guard + n + FV_IMAGE_SLACK, GUARD);
        for (size_t i = 0; i < GUARD; i++) assert_int_equal(scratch[scratch_size + i], 0x5A);
        check_bits(&bits, "blur", k, y, n);
        free(y);
        free(guard);
        free(scratch);
    }
    same_bits_free(&bits);
}

static void blur(void **state) {
    (void)state;
    for (int s = 0; s < N_SHAPES; s++) {
        const int h = shapes[s].h, w = shapes[s].w;
        uint8_t *x = bytes((size_t)(h * w), 3);
        for (int radius = 0; radius < h && radius < w && radius < 8; radius++) check_blur(h, w, radius, x);
        memset(x, 255, (size_t)(h * w)); /* the largest sums */
        if (h > 1 && w > 1) check_blur(h, w, 1, x);
        free(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(resample), cmocka_unit_test(blur)};
    return RUN_KERNEL_TESTS(tests);
}
