/* Fourier transforms in the lanes against the sum that defines them, and every set against the others. */
#include "kernel/kernel_test.h"

enum { POINT = 2 * FV_LANES, MOST = 96 };

static const double tau = 6.283185307179586;

/* Stages in the order given; n is their product. */
static fv_fourier fourier_create(const int *radices, int n_stages) {
    fv_fourier f = {.n = 1, .n_stages = n_stages};
    for (int s = 0; s < n_stages; s++) f.n *= f.radix[s] = radices[s];
    f.twiddle = test_alloc((size_t)f.n * 4, sizeof *f.twiddle);
    for (int k = 0; k < f.n; k++) {
        f.twiddle[4 * k] = (float)cos(tau * k / f.n);
        f.twiddle[4 * k + 1] = (float)-sin(tau * k / f.n);
        f.twiddle[4 * k + 2] = -f.twiddle[4 * k + 1];
    }
    return f;
}

static wanted want_transform(int n, int inverse, const float *z) {
    wanted w = wanted_create((size_t)n * POINT);
    for (int k = 0; k < n; k++)
        for (int l = 0; l < FV_LANES; l++)
            for (int j = 0; j < n; j++) {
                const double angle = (inverse ? tau : -tau) * ((double)j * k / n), c = cos(angle), s = sin(angle);
                const double re = (double)z[j * POINT + l], im = (double)z[j * POINT + FV_LANES + l];
                const int at = k * POINT + l;
                w.value[at] += re * c - im * s;
                w.value[at + FV_LANES] += re * s + im * c;
                w.size[at] += fabs(re) + fabs(im);
                w.size[at + FV_LANES] += fabs(re) + fabs(im);
            }
    return w;
}

static void check_transform(const int *radices, int n_stages, int inverse) {
    fv_fourier f = fourier_create(radices, n_stages);
    const size_t size = (size_t)f.n * POINT;
    float *z = test_alloc(size, sizeof *z), *data = test_alloc(size, sizeof *z), *scratch = test_alloc(size, sizeof *z);
    test_fill(z, size, (uint32_t)f.n);
    wanted want = want_transform(f.n, inverse, z);
    same_bits bits = {0};
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        memcpy(data, z, size * sizeof *z);
        const float *got = k->fourier(&f, inverse, data, scratch);
        assert_ptr_equal(got, n_stages % 2 ? scratch : data);
        if (set == 0) check_close("fourier", got, &want, 4 * n_stages);
        check_bits(&bits, "fourier", k, got, size * sizeof *z);
    }
    same_bits_free(&bits);
    wanted_free(&want);
    free(f.twiddle);
    free(z);
    free(data);
    free(scratch);
}

static void test_transforms(void **state) {
    (void)state;
    static const int plans[][4] = {{2},       {3},       {4},          {5},          {2, 4},
                                   {3, 4, 4}, {5, 2, 4}, {3, 3, 2, 4}, {5, 3, 2, 2}, {4, 4, 3}};
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++) {
        int n_stages = 0;
        while (n_stages < 4 && plans[p][n_stages]) n_stages++;
        check_transform(plans[p], n_stages, 0);
        check_transform(plans[p], n_stages, 1);
    }
}

/* Thirty-two real columns of n values: columns c and 16 + c travel as the parts of lane c. */
static void fill_columns(int n, float *z) {
    test_fill(z, (size_t)n * POINT, 77);
}

/* Twice the transform of the column in lane l (b: of the second sixteen) at frequency k, both parts with their size. */
static void want_column(int n, int k, int l, int b, const float *z, double out[2], double *size) {
    out[0] = out[1] = *size = 0;
    for (int j = 0; j < n; j++) {
        const double value = (double)z[j * POINT + b * FV_LANES + l];
        out[0] += 2 * value * cos(tau * ((double)j * k / n));
        out[1] -= 2 * value * sin(tau * ((double)j * k / n));
        *size += 2 * fabs(value);
    }
}

static void check_split(int n) {
    const int n_stripes = n / 2 / FV_LANES + 1;
    const size_t stripe = 40 * POINT, size = (size_t)n_stripes * stripe;
    float *z = test_alloc((size_t)n * POINT, sizeof *z), *transform = test_alloc((size_t)n * POINT, sizeof *z);
    float *spectrum = test_alloc(size, sizeof *z), *back = test_alloc((size_t)n * POINT, sizeof *z);
    fill_columns(n, z);
    wanted want_z = want_transform(n, 0, z), merged = wanted_create((size_t)n * POINT);
    for (size_t i = 0; i < (size_t)n * POINT; i++) {
        transform[i] = (float)want_z.value[i];
        merged.value[i] = 2 * (double)transform[i];
        merged.size[i] = 4 * want_z.size[i];
    }
    same_bits bits = {0}, bits_back = {0};
    const fv_kernels *kernels;
    for (int set = 0; (kernels = test_set(set)); set++) {
        memset(spectrum, 0, size * sizeof *z);
        kernels->fourier_split(n, transform, spectrum, stripe);
        for (int k = 0; set == 0 && k <= n / 2; k++)
            for (int c = 0; c < POINT; c++) {
                double want[2], magnitude;
                want_column(n, k, c % FV_LANES, c / FV_LANES, z, want, &magnitude);
                for (int part = 0; part < 2; part++) {
                    const size_t at =
                        (size_t)(k / FV_LANES) * stripe + (size_t)(c * POINT + part * FV_LANES + k % FV_LANES);
                    if (!(fabs((double)spectrum[at] - want[part]) <= 8 * 0x1p-24 * magnitude))
                        fail_msg("split n %d k %d column %d part %d: %g, not %g", n, k, c, part, spectrum[at],
                                 want[part]);
                }
            }
        for (size_t i = (size_t)POINT * POINT; i < stripe; i++) assert_true(spectrum[i] == 0); /* what is not ours */
        check_bits(&bits, "split", kernels, spectrum, size * sizeof *z);
        kernels->fourier_merge(n, spectrum, stripe, back);
        if (set == 0) check_close("merge", back, &merged, 4);
        check_bits(&bits_back, "merge", kernels, back, (size_t)n * POINT * sizeof *z);
    }
    same_bits_free(&bits);
    same_bits_free(&bits_back);
    wanted_free(&want_z);
    wanted_free(&merged);
    free(z);
    free(transform);
    free(spectrum);
    free(back);
}

static void test_real_columns(void **state) {
    (void)state;
    static const int lengths[] = {2, 16, 30, 32, 34, MOST};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) check_split(lengths[i]);
}

static void test_scale(void **state) {
    (void)state;
    float *z = test_alloc(5 * POINT, sizeof *z), *s = test_alloc(5 * FV_LANES, sizeof *s);
    const fv_kernels *k;
    for (int set = 0; (k = test_set(set)); set++) {
        test_fill(z, 5 * POINT, 3);
        test_fill(s, 5 * FV_LANES, 4);
        k->fourier_scale(4, s, z);
        for (int i = 0; i < 5 * POINT; i++) {
            float start = 2 * fv_unit(fv_philox(1, FV_RANDOM_TEST, (uint32_t)i, 3, 1, 0).word[0]) - 1;
            assert_true(z[i] == (i < 4 * POINT ? start * s[i / POINT * FV_LANES + i % FV_LANES] : start));
        }
    }
    free(z);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transforms), cmocka_unit_test(test_real_columns),
                                       cmocka_unit_test(test_scale)};
    return RUN_KERNEL_TESTS(tests);
}
