/* Sixteen images into the lanes: one fused multiply-add a pixel, so exact. */
#include "kernel/kernel_test.h"

typedef struct shape {
    int c, h, w, border;
} shape;

/* Sixteen pixels are read at a time; rows may end anywhere among them. */
static const shape shapes[] = {{1, 28, 28, 0}, {1, 28, 28, 1}, {3, 32, 32, 0}, {3, 9, 11, 2}, {1, 1, 1, 0},
                               {2, 1, 1, 1},   {1, 3, 5, 0},   {2, 3, 5, 1},   {1, 1, 16, 0}, {1, 1, 17, 1},
                               {2, 16, 1, 1},  {1, 31, 1, 0},  {4, 8, 8, 1},   {1, 2, 40, 3}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void check_feed(const shape *s) {
    const size_t n = (size_t)(s->c * s->h * s->w);
    uint8_t *bytes[16];
    const uint8_t *image[16];
    for (size_t l = 0; l < 16; l++) { /* of their exact size, at odd addresses: reading beyond is seen by sanitizers */
        bytes[l] = malloc(n + l);
        assert_non_null(bytes[l]);
        for (size_t i = 0; i < n; i++) bytes[l][l + i] = (uint8_t)test_below((uint32_t)l, i, 256);
        image[l] = bytes[l] + l;
    }
    const float scale[] = {0.013F, -0.5F, 1 / 255.0F, 3}, shift[] = {-0.42F, 1, 0, 0.1F};
    test_map x = test_map_random(s->c, s->h, s->w, s->border, 20);
    wanted want = wanted_from(x.base, x.n);
    for (int c = 0; c < s->c; c++)
        for (int i = 0; i < s->h; i++)
            for (int j = 0; j < s->w; j++)
                for (int l = 0; l < 16; l++)
                    want.value[test_at(&x, c, i, j, l)] = fmaf(image[l][(c * s->h + i) * s->w + j], scale[c], shift[c]);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(x.base, x.n, 20);
        k->feed(image, scale, shift, &x.map);
        check_close("feed", x.base, &want, 0);
    }
    wanted_free(&want);
    free(x.base);
    for (int l = 0; l < 16; l++) free(bytes[l]);
}

static void test_feed(void **state) {
    (void)state;
    for (int i = 0; i < N_SHAPES; i++) check_feed(&shapes[i]);
}

/* Missing lanes may repeat an image. */
static void test_one_image_in_every_lane(void **state) {
    (void)state;
    uint8_t bytes[35];
    const uint8_t *image[16];
    const float one = 1, zero = 0;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(7 * i);
    for (int l = 0; l < 16; l++) image[l] = bytes;
    test_map x = test_map_create(1, 5, 7, 0);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(x.base, x.n, 21);
        k->feed(image, &one, &zero, &x.map);
        for (size_t i = 0; i < x.n; i++) assert_true(x.base[i] == bytes[i / 16]);
    }
    free(x.base);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_feed), cmocka_unit_test(test_one_image_in_every_lane)};
    return RUN_KERNEL_TESTS(tests);
}
