/* Makes a report for the browser tests from invented results: make_report KIND OUT.html
 *   study    three seeds, 10 classes, every part      one      the same with one seed
 *   run      the page of one run                      many     60 classes, colour images
 *   bare     a run without validation, mistakes or map
 * The numbers are plausible and mean nothing. The images are test images of $FOVEA_DATA/mnist where it is there and
 * drawn digits elsewhere. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/fovea.h"

enum { EPOCHS = 10, N_VALIDATION = 8995, N_TRAINING = 51005, N_SCHEMES = 3, SHEET = 8, KERNELS = 8, RESPONSES = 3 };

/* xorshift: tests need no better. */
static uint32_t state = 2463534242u;
static double uniform(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (state + 0.5) / 4294967296.0;
}
static double normal(void) {
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}
static int below(int n) {
    return (int)(uniform() * n);
}

typedef struct fixture {
    const char *kind;
    size_t n;
    int n_classes, n_seeds;
    fv_dataset *dataset; /* NULL: drawn */
    fv_images images;
    uint8_t *pixels;
    uint16_t *labels;
    fv_prediction *predictions;
    float *probabilities, *distances, *xy;
    uint32_t *nearest;
    json_t *study;
} fixture;

static void *take(size_t n, size_t size) {
    void *at = calloc(n ? n : 1, size);
    if (!at) exit(1);
    return at;
}

/* ---- images ---- */

static void line(uint8_t *plane, int side, double x0, double y0, double x1, double y1) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double dx = x1 - x0, dy = y1 - y0, t = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy);
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            double far = hypot(x - x0 - t * dx, y - y0 - t * dy), ink = 255 * (1.9 - far);
            ink = ink > 255 ? 255 : ink < 0 ? 0 : ink;
            uint8_t *pixel = &plane[y * side + x];
            if (ink > *pixel) *pixel = (uint8_t)ink;
        }
}

/* A digit of seven segments, slanted and shifted at random. */
static void draw_digit(uint8_t *plane, int side, int digit) {
    static const int segments[10] = {0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f};
    static const double ends[7][4] = {{0, 0, 1, 0}, {0, 0, 0, 1}, {1, 0, 1, 1}, {0, 1, 1, 1},
                                      {0, 1, 0, 2}, {1, 1, 1, 2}, {0, 2, 1, 2}};
    double left = side * (0.3 + 0.06 * normal()), top = side * (0.2 + 0.03 * normal());
    double w = side * (0.34 + 0.03 * normal()), h = side * (0.29 + 0.02 * normal()), slant = 0.15 * normal();
    for (int s = 0; s < 7; s++) {
        if (!(segments[digit] >> s & 1)) continue;
        double x0 = left + ends[s][0] * w, y0 = top + ends[s][1] * h, x1 = left + ends[s][2] * w;
        double y1 = top + ends[s][3] * h;
        line(plane, side, x0 - slant * (y0 - side / 2.0), y0, x1 - slant * (y1 - side / 2.0), y1);
    }
}

static void draw_images(fixture *f, fv_shape shape) {
    size_t plane = (size_t)(shape.h * shape.w);
    f->pixels = take(f->n * plane * (size_t)shape.c, 1);
    f->labels = take(f->n, sizeof *f->labels);
    uint8_t *ink = take(plane, 1);
    for (size_t i = 0; i < f->n; i++) {
        f->labels[i] = (uint16_t)below(f->n_classes);
        memset(ink, 0, plane);
        draw_digit(ink, shape.h, f->labels[i] % 10);
        for (int c = 0; c < shape.c; c++)
            for (size_t k = 0; k < plane; k++) {
                double tint = shape.c == 1 ? 1 : 0.4 + 0.6 * fabs(sin(f->labels[i] * 0.7 + c * 2));
                double noise = shape.c == 1 ? 0 : 20 * uniform();
                f->pixels[(i * (size_t)shape.c + (size_t)c) * plane + k] = (uint8_t)(ink[k] * tint * 0.9 + noise);
            }
    }
    free(ink);
    f->images = (fv_images){.n = f->n, .shape = shape, .pixels = f->pixels, .labels = f->labels};
}

static void find_images(fixture *f) {
    bool many = !strcmp(f->kind, "many");
    f->n_classes = many ? 60 : 10;
    f->n = !strcmp(f->kind, "study") ? 10000 : 3000;
    if (!many && getenv("FOVEA_DATA") && fv_dataset_open("mnist", &f->dataset, NULL) == FV_OK) {
        f->images = f->dataset->test;
        f->n = f->images.n < f->n ? f->images.n : f->n;
        return;
    }
    draw_images(f, many ? (fv_shape){3, 32, 32} : (fv_shape){1, 28, 28});
}

/* ---- what a network would have made of them ---- */

static void predict(fixture *f) {
    f->predictions = take(f->n, sizeof *f->predictions);
    f->probabilities = take(f->n * (size_t)f->n_classes, sizeof *f->probabilities);
    for (size_t i = 0; i < f->n; i++) {
        int truth = f->images.labels[i], predicted = truth;
        if (uniform() < 0.0092 && strcmp(f->kind, "bare") != 0)
            predicted = (truth * 7 + (uniform() < 0.6 ? 3 : 1 + below(8))) % f->n_classes;
        float *p = f->probabilities + i * (size_t)f->n_classes;
        double sum = 0, peak = 2 + 7 * uniform();
        for (int c = 0; c < f->n_classes; c++) sum += p[c] = (float)exp(0.8 * normal());
        p[truth] *= (float)exp(peak), p[predicted] *= (float)exp(predicted == truth ? 3 : peak * (0.5 + uniform()));
        int best = truth;
        for (int c = 0; c < f->n_classes && predicted != truth; c++)
            if (p[c] > p[best]) best = c;
        sum = 0;
        for (int c = 0; c < f->n_classes; c++) sum += p[c];
        for (int c = 0; c < f->n_classes; c++) p[c] /= (float)sum;
        f->predictions[i] =
            (fv_prediction){(uint32_t)i, (uint16_t)truth, (uint16_t)best, p[truth], p[best], -logf(p[truth])};
    }
}

/* Round clusters on a ring; a wrong image lies between its two. */
static void embed(fixture *f) {
    f->xy = take(f->n * 2, sizeof *f->xy);
    for (size_t i = 0; i < f->n; i++) {
        double a = 6.2832 * f->predictions[i].truth / f->n_classes,
               b = 6.2832 * f->predictions[i].predicted / f->n_classes;
        double x = (cos(a) + cos(b)) / 2, y = (sin(a) + sin(b)) / 2, r = 0.8 + 0.3 * (f->predictions[i].truth % 3);
        double angle = 6.2832 * uniform(), far = 13 * sqrt(uniform()) * (1 + 0.3 * sin(3 * angle + a));
        f->xy[2 * i] = (float)(60 * x * r + far * cos(angle));
        f->xy[2 * i + 1] = (float)(60 * y * r + 0.8 * far * sin(angle));
    }
}

static void find_nearest(fixture *f) {
    f->nearest = take(f->n * FV_REPORT_NEAREST, sizeof *f->nearest);
    f->distances = take(f->n * FV_REPORT_NEAREST, sizeof *f->distances);
    for (size_t i = 0; i < f->n; i++) {
        uint32_t *at = f->nearest + i * FV_REPORT_NEAREST;
        float *far = f->distances + i * FV_REPORT_NEAREST;
        for (int k = 0; k < FV_REPORT_NEAREST; k++) far[k] = INFINITY;
        for (size_t j = 0; j < f->n; j++) {
            float dx = f->xy[2 * i] - f->xy[2 * j], dy = f->xy[2 * i + 1] - f->xy[2 * j + 1], d = dx * dx + dy * dy;
            if (j == i || d >= far[FV_REPORT_NEAREST - 1]) continue;
            int k = FV_REPORT_NEAREST - 1;
            for (; k > 0 && d < far[k - 1]; k--) far[k] = far[k - 1], at[k] = at[k - 1];
            far[k] = d, at[k] = (uint32_t)j;
        }
        for (int k = 0; k < FV_REPORT_NEAREST; k++) far[k] = 3 * sqrtf(far[k]) + 0.5f;
    }
}

/* ---- study.json ---- */

static void set(json_t *object, const char *key, json_t *value) {
    if (!value || json_object_set_new(object, key, value) != 0) exit(1);
}

static json_t *history(double accuracy, double train, double loss, bool held) {
    json_t *out = json_array();
    for (int e = 1; e <= EPOCHS; e++) {
        double left = pow(0.62, e) * (1 + 0.1 * normal()), v = accuracy - 0.09 * left, t = train - 0.12 * left;
        json_array_append_new(out,
                              json_pack("{s:i, s:f, s:f, s:o, s:o, s:f}", "epoch", e, "train_loss",
                                        loss * (0.85 + 3 * left), "train_accuracy", t, "validation_loss",
                                        held ? json_real(loss * (1 + 2 * left)) : json_null(), "validation_accuracy",
                                        held ? json_real(v) : json_null(), "time_s", 0.21 * e));
    }
    return out;
}

/* One training of question 1 or 2. */
static json_t *training(const char *name, const char *augment, const char *model, const char *text, int seed,
                        double accuracy, double train, double loss, int parameters) {
    accuracy += 0.0006 * normal();
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:i, s:i, s:f, s:i, s:i, s:f, s:f, s:i, s:o}", "name", name,
                  "augment", augment, "model", model, "text", text, "seed", seed, "parameters", parameters,
                  "train_loss", loss * 0.85, "train_correct", (int)(train * N_TRAINING), "train_total", N_TRAINING,
                  "validation_loss", loss, "validation_correct", (int)(accuracy * N_VALIDATION), "validation_total",
                  N_VALIDATION, "time_s", 2.1 + 0.2 * uniform(), "images_per_s", 231000.0, "multiply_adds", 131904,
                  "history", history(accuracy, train, loss, true));
    if (!row) exit(1);
    return row;
}

typedef struct recipe {
    const char *name, *augment, *text;
    double accuracy, train, loss;
    int parameters;
} recipe;

static const recipe schemes[] = {
    {"none", "", "", 0.9732, 0.9764, 0.0908, 14178},
    {"mild", "rotation 30 nearest, gaussian_blur 3 0.1 0.5", "", 0.9757, 0.9671, 0.0842, 14178},
    {"strong", "rotation 180 nearest, vflip, gaussian_blur 3 0.1 1", "", 0.9591, 0.8747, 0.1459, 14178}};
static const recipe architectures[] = {
    {"convnet", "",
     "conv 8 3x3, relu, maxpool 2, dropout2d 0.5, conv 8 3x3, relu, maxpool 2, dropout2d 0.5, dense 64, "
     "relu, dense classes",
     0.9732, 0.9764, 0.0908, 14178},
    {"convnet-nodropout", "", "conv 8 3x3, relu, maxpool 2, conv 8 3x3, relu, maxpool 2, dense 64, relu, dense classes",
     0.9871, 0.9975, 0.0447, 14178},
    {"convnet-onedropout", "",
     "conv 8 3x3, relu, maxpool 2, conv 8 3x3, relu, maxpool 2, dropout2d 0.5, dense 64, relu, "
     "dense classes",
     0.9857, 0.9915, 0.0464, 14178},
    {"convnet-bn", "",
     "conv 8 3x3, batchnorm, relu, maxpool 2, conv 8 3x3, batchnorm, relu, maxpool 2, dense 64, relu, "
     "dense classes",
     0.9879, 0.9991, 0.0395, 14210}};

/* A comparison's difference over seeds, or its test for each. */
static void add_pair(const fixture *f, const recipe *a, const recipe *b, json_t *tests, json_t *differences) {
    double d = a->accuracy - b->accuracy, half = 0.0011;
    for (int s = 1; s <= f->n_seeds; s++) {
        int only_b = 50 + below(40), only_a = only_b + (int)(d * N_VALIDATION);
        if (only_a < 0) only_b -= only_a, only_a = 3;
        json_array_append_new(tests, json_pack("{s:s, s:s, s:i, s:i, s:i, s:f}", "a", a->name, "b", b->name, "seed", s,
                                               "only_a", only_a, "only_b", only_b, "p",
                                               fv_mcnemar((size_t)only_a, (size_t)only_b)));
    }
    json_array_append_new(differences, json_pack("{s:s, s:s, s:i, s:f, s:f, s:f}", "a", a->name, "b", b->name,
                                                 "n_seeds", f->n_seeds, "mean", d, "low", d - half, "high", d + half));
}

static void add_trainings(fixture *f, const char *part, const recipe *recipes, int n) {
    json_t *rows = json_array(), *tests = json_array(), *differences = json_array();
    char key[64];
    for (int i = 0; i < n; i++)
        for (int s = 1; s <= f->n_seeds; s++)
            json_array_append_new(rows, training(recipes[i].name, recipes[i].augment,
                                                 recipes[i].text[0] ? recipes[i].name : "convnet", recipes[i].text, s,
                                                 recipes[i].accuracy, recipes[i].train, recipes[i].loss,
                                                 recipes[i].parameters));
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) add_pair(f, &recipes[i], &recipes[j], tests, differences);
    set(f->study, part, rows);
    snprintf(key, sizeof key, "%s_tests", part);
    set(f->study, key, tests);
    snprintf(key, sizeof key, "%s_differences", part);
    if (f->n_seeds > 1)
        set(f->study, key, differences);
    else
        json_decref(differences);
}

static json_t *fit_points(const fv_power_law *fit, const double *n, int n_points, int prediction) {
    json_t *out = json_array();
    for (int i = 0; i < n_points; i++) {
        double low, high, error = fv_power_law_at(fit, n[i], prediction, &low, &high);
        json_array_append_new(
            out, json_pack("{s:f, s:f, s:f, s:f}", "n_train", n[i], "error", error, "low", low, "high", high));
    }
    return out;
}

static void add_scaling(fixture *f) {
    static const double test[] = {0.9693, 0.9764, 0.9836, 0.9860, 0.9908},
                        train[] = {0.9985, 0.9981, 0.9983, 0.9988, 1};
    double n[5], error[5], line_n[25];
    json_t *rows = json_array();
    for (int i = 0; i < 5; i++) {
        n[i] = 60000 >> (4 - i), error[i] = 0;
        for (int s = 1; s <= f->n_seeds; s++) {
            int correct = (int)((test[i] + 0.0004 * normal()) * 10000), fit = (int)(train[i] * n[i]);
            error[i] += (1 - correct / 1e4) / f->n_seeds;
            json_array_append_new(rows, json_pack("{s:f, s:i, s:i, s:f, s:i, s:i, s:f, s:i, s:i, s:f}", "fraction",
                                                  n[i] / 60000, "seed", s, "n_train", (int)n[i], "train_loss", 0.01,
                                                  "train_correct", fit, "train_total", (int)n[i], "test_loss",
                                                  3 * (1 - test[i]), "test_correct", correct, "test_total", 10000,
                                                  "time_s", n[i] * 5e-5));
        }
    }
    for (int i = 0; i < 25; i++) line_n[i] = 3750 * pow(64, i / 24.0);
    const double ahead[] = {120000, 240000};
    fv_power_law fit = fv_fit_power_law(n, error, 5);
    set(f->study, "scaling", rows);
    set(f->study, "scaling_fit",
        json_pack("{s:f, s:f, s:f, s:f, s:o, s:o}", "coefficient", fit.coefficient, "exponent", fit.exponent,
                  "exponent_low", fit.exponent_low, "exponent_high", fit.exponent_high, "points",
                  fit_points(&fit, line_n, 25, 0), "forecast", fit_points(&fit, ahead, 2, 1)));
}

static int by_loss(const void *a, const void *b) {
    const fv_prediction *x = a, *y = b;
    return (x->loss < y->loss) - (x->loss > y->loss);
}

static void add_mistakes(fixture *f) {
    fv_prediction *wrong = take(f->n, sizeof *wrong);
    size_t n = 0;
    json_t *out = json_array();
    for (size_t i = 0; i < f->n; i++)
        if (f->predictions[i].truth != f->predictions[i].predicted) wrong[n++] = f->predictions[i];
    qsort(wrong, n, sizeof *wrong, by_loss);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_pack("{s:i, s:i, s:i, s:f, s:f, s:f}", "index", (int)wrong[i].index, "true",
                                             wrong[i].truth, "predicted", wrong[i].predicted, "p_true",
                                             (double)wrong[i].p_true, "p_predicted", (double)wrong[i].p_predicted,
                                             "loss", (double)wrong[i].loss));
    set(f->study, "mistakes", out);
    set(f->study, "final",
        json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:s, s:f, s:f}", "model", "convnet-bn", "text",
                  architectures[3].text, "seed", 1, "parameters", 14210, "multiply_adds", 131904, "test_correct",
                  (int)(f->n - n), "test_total", (int)f->n, "test_loss", 0.0286, "weights_sha256",
                  "b7e4d08b6c5b2a1f0f5f1f6f2b5f0f0f4f6c7b0b6f5f8a9b3c2d1e0f9a8b7c6d", "time_s", 2.9, "images_per_s",
                  206000.0));
    free(wrong);
}

static void add_confusion(fixture *f) {
    size_t n = (size_t)f->n_classes;
    size_t *counts = take(n * n, sizeof *counts);
    json_t *out = json_array();
    for (size_t i = 0; i < f->n; i++) counts[f->predictions[i].truth * n + f->predictions[i].predicted]++;
    for (size_t t = 0; t < n; t++) {
        json_t *row = json_array();
        for (size_t p = 0; p < n; p++) json_array_append_new(row, json_integer((json_int_t)counts[t * n + p]));
        json_array_append_new(out, row);
    }
    set(f->study, "confusion", out);
    free(counts);
}

static void add_neighbours(fixture *f) {
    json_t *out = json_array();
    for (int c = 0; c < 10; c++)
        for (size_t i = 0; i < f->n; i++) {
            /* One right image of each class, then two mistakes. */
            bool wanted = c < 8
                              ? f->predictions[i].truth == c && f->predictions[i].predicted == c
                              : f->predictions[i].truth != f->predictions[i].predicted && i > 900u * (unsigned)(c - 7);
            if (!wanted) continue;
            json_t *indices = json_array(), *distances = json_array();
            for (size_t k = 0; k < FV_REPORT_NEAREST; k++) {
                json_array_append_new(indices, json_integer(f->nearest[i * FV_REPORT_NEAREST + k]));
                json_array_append_new(distances, json_real((double)f->distances[i * FV_REPORT_NEAREST + k]));
            }
            json_array_append_new(
                out, json_pack("{s:i, s:o, s:o}", "query", (int)i, "distances", distances, "indices", indices));
            break;
        }
    set(f->study, "neighbours", out);
}

static void add_kernels(fixture *f) {
    int size = f->images.shape.c * 9;
    json_t *values = json_array();
    for (int k = 0; k < KERNELS; k++)
        for (int i = 0; i < size; i++) {
            double x = i % 3 - 1, y = i / 3 % 3 - 1, turn = k * 0.8;
            double slope = 0.3 * (x * cos(turn) + y * sin(turn));
            json_array_append_new(values, json_real((k % 4 == 3 ? 0.2 : slope) + 0.08 * normal()));
        }
    set(f->study, "kernels",
        json_pack("{s:s, s:[i,i,i,i], s:o}", "layer", "0", "shape", KERNELS, f->images.shape.c, 3, 3, "values",
                  values));
}

static json_t *class_names(const fixture *f) {
    static const char *const hostile[] = {"<img src=x onerror=\"document.hit=1\">", "=cmd|' /C calc'!A0",
                                          "\"'></title></svg></script><script>document.hit=1</script>", "a&lt;b&c\\"};
    json_t *out = json_array();
    char name[80];
    for (int c = 0; c < f->n_classes; c++) {
        snprintf(name, sizeof name, f->n_classes > 10 ? "class <%d>" : "%d", c);
        if (!strcmp(f->kind, "hostile")) snprintf(name, sizeof name, "%s%d", hostile[c % 4], c / 4);
        json_array_append_new(out, json_string(name));
    }
    return out;
}

static void add_record(fixture *f) {
    bool run = !strcmp(f->kind, "run") || !strcmp(f->kind, "bare");
    json_t *seeds = json_array();
    for (int s = 1; s <= f->n_seeds; s++) json_array_append_new(seeds, json_integer(s));
    set(f->study, "fovea", json_string("0.1.0"));
    set(f->study, "kind", json_string(run ? "run" : "study"));
    set(f->study, "command",
        json_string(run               ? "fovea report runs/train-1"
                    : f->n_seeds == 1 ? "fovea study mnist --seeds 1"
                                      : "fovea study mnist"));
    set(f->study, "date", json_string("2026-11-24T08:12:40Z"));
    set(f->study, "dataset",
        json_pack("{s:s, s:s, s:[i,i,i], s:i, s:o, s:i, s:i, s:i, s:i, s:b, s:s, s:s}", "name",
                  f->n_classes > 10 ? "signs" : "mnist", "path", "/data/mnist", "shape", f->images.shape.c,
                  f->images.shape.h, f->images.shape.w, "n_classes", f->n_classes, "class_names", class_names(f),
                  "n_train", 60000, "n_test", (int)f->n, "n_training", N_TRAINING, "n_validation", N_VALIDATION,
                  "test_set_aside", 0, "train_sha256", "5f1d3a", "test_sha256", "88c2f0"));
    set(f->study, "machine",
        json_pack("{s:s, s:i, s:i, s:s, s:s}", "processor", "AMD EPYC 9R14", "processors", 2, "threads", 2, "isa",
                  "avx512", "compiler", "gcc 12.2.0"));
    set(f->study, "config",
        json_pack("{s:i, s:i, s:o, s:i, s:s, s:f, s:s, s:f, s:i, s:s}", "epochs", EPOCHS, "batch", 64, "seeds", seeds,
                  "split_seed", 0, "optimizer", "adadelta", "learning_rate", 1.0, "schedule", "step 0.7", "validation",
                  0.15, "pad", 0, "explain", "convnet-bn"));
    set(f->study, "time_s", json_pack("{s:f}", "total", f->n_seeds == 1 ? 37.4 : 104.2));
    if (!run) set(f->study, "images_per_s", json_real(214380));
}

static void make_study(fixture *f) {
    f->n_seeds = strcmp(f->kind, "study") ? 1 : 3;
    f->study = json_object();
    add_record(f);
    bool bare = !strcmp(f->kind, "bare");
    if (bare || !strcmp(f->kind, "run"))
        set(f->study, "history", history(0.9879, 0.9991, 0.0395, !bare));
    else {
        add_trainings(f, "augmentation", schemes, 3);
        add_trainings(f, "architecture", architectures, 4);
        add_scaling(f);
    }
    add_mistakes(f);
    add_confusion(f);
    add_kernels(f);
    if (bare) return;
    set(f->study, "embedding",
        json_pack("{s:f, s:f, s:f, s:i, s:[]}", "perplexity", 30.0, "kl_divergence", 1.574, "neighbour_agreement",
                  0.462, "n_features", 64, "points"));
    add_neighbours(f);
}

/* ---- sheet, responses, page ---- */

/* "Augmented" here means shifted and mirrored: a picture to look at. */
static uint8_t *make_sheet(const fixture *f) {
    fv_shape shape = f->images.shape;
    size_t plane = (size_t)(shape.h * shape.w), size = plane * (size_t)shape.c;
    uint8_t *out = take(N_SCHEMES * SHEET * size, 1);
    for (size_t s = 0; s < N_SCHEMES; s++)
        for (size_t i = 0; i < SHEET; i++)
            for (size_t c = 0; c < (size_t)shape.c; c++)
                for (int y = 0; y < shape.h; y++)
                    for (int x = 0; x < shape.w; x++) {
                        int from_y = s == 2 ? shape.h - 1 - y : y, from_x = x + (int)s * ((int)i % 3 - 1);
                        from_x = from_x < 0 ? 0 : from_x >= shape.w ? shape.w - 1 : from_x;
                        out[((s * SHEET + i) * (size_t)shape.c + c) * plane + (size_t)(y * shape.w + x)] =
                            f->images.pixels[i * size + c * plane + (size_t)(from_y * shape.w + from_x)];
                    }
    return out;
}

static float *make_responses(const fixture *f, fv_shape shape, const uint32_t *positions) {
    const json_t *values = json_object_get(json_object_get(f->study, "kernels"), "values");
    size_t plane = (size_t)(f->images.shape.h * f->images.shape.w), channels = (size_t)f->images.shape.c;
    float *out = take((size_t)(RESPONSES * shape.c * shape.h * shape.w), sizeof *out), *at = out;
    for (int i = 0; i < RESPONSES; i++)
        for (int k = 0; k < shape.c; k++)
            for (int y = 0; y < shape.h; y++)
                for (int x = 0; x < shape.w; x++, at++)
                    for (size_t c = 0; c < channels; c++)
                        for (int r = 0; r < 9; r++) {
                            size_t pixel = (size_t)((y + r / 3) * f->images.shape.w + x + r % 3);
                            double v =
                                json_real_value(json_array_get(values, ((size_t)k * channels + c) * 9 + (size_t)r));
                            *at += (float)(v * (f->images.pixels[(positions[i] * channels + c) * plane + pixel] / 80.0 -
                                                0.4));
                        }
    return out;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    fixture f = {.kind = argv[1]};
    find_images(&f);
    predict(&f);
    embed(&f);
    find_nearest(&f);
    make_study(&f);
    static const char *const names[] = {"original", "mild", "strong"};
    static const uint32_t positions[RESPONSES] = {0, 1, 3};
    fv_shape shape = {KERNELS, f.images.shape.h - 2, f.images.shape.w - 2};
    bool bare = !strcmp(f.kind, "bare"), run = bare || !strcmp(f.kind, "run");
    uint8_t *sheet = make_sheet(&f);
    float *responses = make_responses(&f, shape, positions);
    char *text = json_dumps(f.study, 0);
    fv_report report = {.study_json = text,
                        .n = f.n,
                        .images = &f.images,
                        .predictions = f.predictions,
                        .probabilities = f.probabilities,
                        .nearest = f.nearest,
                        .nearest_distances = f.distances,
                        .xy = bare ? NULL : f.xy,
                        .sheet = {run ? 0 : N_SCHEMES, run ? 0 : SHEET, names, sheet},
                        .responses = {RESPONSES, shape, positions, responses}};
    fv_error error = {0};
    fv_status status = fv_report_write(&report, argv[2], &error);
    if (status != FV_OK) fprintf(stderr, "%s\n", error.message);
    free(text), free(sheet), free(responses), free(f.predictions), free(f.probabilities), free(f.nearest);
    free(f.distances), free(f.xy), free(f.pixels), free(f.labels);
    json_decref(f.study);
    fv_dataset_destroy(f.dataset);
    return status == FV_OK ? 0 : 1;
}
