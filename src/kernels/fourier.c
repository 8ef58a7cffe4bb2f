/* Sixteen Fourier transforms in the lanes: data [n][2][16], real parts, then imaginary ones.
 *
 * Mixed radix 2, 3, 4, 5 by Stockham's method: a stage reads one buffer and writes the other, in order. The inverse
 * is the same with real and imaginary parts exchanged. Source: Van Loan 1992, "Computational frameworks for the fast
 * Fourier transform", 1.7. */
#include "kernels/isa.h"

enum { POINT = 2 * FV_LANES }; /* floats of sixteen complex numbers */

typedef struct complex_vector {
    V re, im;
} C;

/* Where the parts stand in a point: re 0 or 16, im the other. */
typedef struct parts {
    int re, im;
} parts;

INL C c_load(const float *at, parts p, int v) {
    return (C){v_load(at + p.re + v * V_L), v_load(at + p.im + v * V_L)};
}
INL void c_store(float *at, parts p, int v, C a) {
    v_store(at + p.re + v * V_L, a.re);
    v_store(at + p.im + v * V_L, a.im);
}
INL C c_add(C a, C b) {
    return (C){v_add(a.re, b.re), v_add(a.im, b.im)};
}
INL C c_sub(C a, C b) {
    return (C){v_sub(a.re, b.re), v_sub(a.im, b.im)};
}
/* a + s * b and a - s * i * b, s real */
INL C c_fma(V s, C b, C a) {
    return (C){v_fma(s, b.re, a.re), v_fma(s, b.im, a.im)};
}
INL C c_minus_i(C a, C b) {
    return (C){v_add(a.re, b.im), v_sub(a.im, b.re)};
} /* a - i b */
INL C c_plus_i(C a, C b) {
    return (C){v_sub(a.re, b.im), v_add(a.im, b.re)};
} /* a + i b */
/* a * w; w = {re, im, -im} */
INL C c_turn(C a, const float *w) {
    const V re = v_bc(w), im = v_bc(w + 1), minus = v_bc(w + 2);
    return (C){v_fma(a.re, re, v_mul(a.im, minus)), v_fma(a.im, re, v_mul(a.re, im))};
}

/* The transform of a[radix] in place, radix a constant. */
INL void butterfly(const int radix, C *a) {
    if (radix == 2) {
        C t = a[1];
        a[1] = c_sub(a[0], t);
        a[0] = c_add(a[0], t);
    } else if (radix == 3) {
        const V half = v_set(-0.5F), sine = v_set(0.866025403784438647F);
        C sum = c_add(a[1], a[2]), off = c_sub(a[1], a[2]), middle = c_fma(half, sum, a[0]);
        off = (C){v_mul(sine, off.re), v_mul(sine, off.im)};
        a[0] = c_add(a[0], sum);
        a[1] = c_minus_i(middle, off);
        a[2] = c_plus_i(middle, off);
    } else if (radix == 4) {
        C even = c_add(a[0], a[2]), odd = c_add(a[1], a[3]), u = c_sub(a[0], a[2]), v = c_sub(a[1], a[3]);
        a[0] = c_add(even, odd);
        a[1] = c_minus_i(u, v);
        a[2] = c_sub(even, odd);
        a[3] = c_plus_i(u, v);
    } else {
        const V c1 = v_set(0.309016994374947424F), c2 = v_set(-0.809016994374947424F);
        const V s1 = v_set(0.951056516295153572F), s2 = v_set(0.587785252292473129F);
        const V minus_s1 = v_set(-0.951056516295153572F);
        C p = c_add(a[1], a[4]), q = c_add(a[2], a[3]), r = c_sub(a[1], a[4]), t = c_sub(a[2], a[3]);
        C u = c_fma(c2, q, c_fma(c1, p, a[0])), v = c_fma(c1, q, c_fma(c2, p, a[0]));
        C x = c_fma(s2, t, (C){v_mul(s1, r.re), v_mul(s1, r.im)});
        C y = c_fma(minus_s1, t, (C){v_mul(s2, r.re), v_mul(s2, r.im)});
        a[0] = c_add(a[0], c_add(p, q));
        a[1] = c_minus_i(u, x);
        a[4] = c_plus_i(u, x);
        a[2] = c_minus_i(v, y);
        a[3] = c_plus_i(v, y);
    }
}

/* One stage: m groups of `radix` points m*stride apart become `stride` interleaved transforms. */
INL void stage(const int radix, int m, int stride, const float *twiddle, parts p, const float *from, float *to) {
    for (int g = 0; g < m; g++) {
        const float *in = from + (ptrdiff_t)g * stride * POINT;
        float *out = to + (ptrdiff_t)g * stride * radix * POINT;
        for (int q = 0; q < stride; q++, in += POINT, out += POINT) {
            UNROLL for (int v = 0; v < NV; v++) {
                C a[5];
                UNROLL for (int k = 0; k < radix; k++) a[k] = c_load(in + (ptrdiff_t)k * m * stride * POINT, p, v);
                butterfly(radix, a);
                c_store(out, p, v, a[0]);
                UNROLL for (int k = 1; k < radix; k++) {
                    C turned = g ? c_turn(a[k], twiddle + (ptrdiff_t)g * stride * k * 4) : a[k];
                    c_store(out + (ptrdiff_t)k * stride * POINT, p, v, turned);
                }
            }
        }
    }
}

float *FV_K(fourier)(const fv_fourier *f, int inverse, float *data, float *scratch) {
    const parts p = inverse ? (parts){FV_LANES, 0} : (parts){0, FV_LANES};
    int left = f->n, stride = 1;
    for (int s = 0; s < f->n_stages; s++) {
        const int radix = f->radix[s], m = left / radix;
        switch (radix) {
        case 2:
            stage(2, m, stride, f->twiddle, p, data, scratch);
            break;
        case 3:
            stage(3, m, stride, f->twiddle, p, data, scratch);
            break;
        case 4:
            stage(4, m, stride, f->twiddle, p, data, scratch);
            break;
        default:
            stage(5, m, stride, f->twiddle, p, data, scratch);
            break;
        }
        left = m;
        stride *= radix;
        float *t = data;
        data = scratch;
        scratch = t;
    }
    return data;
}

/* z[k] = a[k] + i b[k] of two real columns' transforms: twice a[k] and b[k]. parts [4][16 points][16]. */
INL void split_point(int n, int k, int row, const float *z, float *parts_of) {
    const float *one = z + (ptrdiff_t)k * POINT, *other = z + (ptrdiff_t)(k ? n - k : 0) * POINT;
    UNROLL for (int v = 0; v < NV; v++) {
        V re = v_load(one + v * V_L), im = v_load(one + FV_LANES + v * V_L);
        V re2 = v_load(other + v * V_L), im2 = v_load(other + FV_LANES + v * V_L);
        float *out = parts_of + row * FV_LANES + v * V_L;
        v_store(out, v_add(re, re2));
        v_store(out + 256, v_sub(im, im2));
        v_store(out + 512, v_add(im, im2));
        v_store(out + 768, v_sub(re2, re));
    }
}

void FV_K(fourier_split)(int n, const float *z, float *spectrum, size_t stripe) {
    _Alignas(64) float tile[4 * 256] = {0};
    for (int first = 0; first <= n / 2; first += FV_LANES) {
        for (int row = 0; row < FV_LANES; row++)
            if (first + row <= n / 2) split_point(n, first + row, row, z, tile);
        float *out = spectrum + (size_t)(first / FV_LANES) * stripe;
        UNROLL for (int part = 0; part < 4; part++)
            v_transpose16(tile + 256 * part, FV_LANES, out + part / 2 * FV_LANES * POINT + part % 2 * FV_LANES, POINT);
    }
}

INL void merge_point(int n, int k, int row, const float *parts_of, float *z) {
    float *one = z + (ptrdiff_t)k * POINT, *other = z + (ptrdiff_t)(k ? n - k : 0) * POINT;
    UNROLL for (int v = 0; v < NV; v++) {
        const float *in = parts_of + row * FV_LANES + v * V_L;
        V re_a = v_load(in), im_a = v_load(in + 256), re_b = v_load(in + 512), im_b = v_load(in + 768);
        v_store(other + v * V_L, v_add(re_a, im_b));
        v_store(other + FV_LANES + v * V_L, v_sub(re_b, im_a));
        v_store(one + v * V_L, v_sub(re_a, im_b));
        v_store(one + FV_LANES + v * V_L, v_add(im_a, re_b));
    }
}

void FV_K(fourier_merge)(int n, const float *spectrum, size_t stripe, float *z) {
    _Alignas(64) float tile[4 * 256];
    for (int first = 0; first <= n / 2; first += FV_LANES) {
        const float *in = spectrum + (size_t)(first / FV_LANES) * stripe;
        UNROLL for (int part = 0; part < 4; part++)
            v_transpose16(in + part / 2 * FV_LANES * POINT + part % 2 * FV_LANES, POINT, tile + 256 * part, FV_LANES);
        for (int row = 0; row < FV_LANES; row++)
            if (first + row <= n / 2) merge_point(n, first + row, row, tile, z);
    }
}

void FV_K(fourier_scale)(int n, const float *scale, float *z) {
    for (int i = 0; i < n; i++, scale += FV_LANES, z += POINT) UNROLL for (int v = 0; v < NV; v++) {
            const V s = v_load(scale + v * V_L);
            v_store(z + v * V_L, v_mul(s, v_load(z + v * V_L)));
            v_store(z + FV_LANES + v * V_L, v_mul(s, v_load(z + FV_LANES + v * V_L)));
        }
}
