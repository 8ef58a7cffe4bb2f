/* STEM.c, STEM.h and STEM_main.c of a net. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/images.h"
#include "formats/c_source.h"
#include "formats/files.h"
#include "fovea/machine.h"

extern const char fv_c_float_text[], fv_c_int8_text[];

enum { NAME = 200, PATH = 4096 };

typedef struct source {
    const fv_net *net;
    const char *const *class_names;
    const fv_c_plan *plan;
    bool int8;
    char stem[PATH]; /* the path without .c */
    char file[NAME]; /* the stem's last part, for #include */
    char name[NAME], upper[NAME];
} source;

/* ---- names ---- */

static fv_status name_source(source *s, const char *path, fv_error *error) {
    size_t n = strlen(path);
    if (n > 2 && strcmp(path + n - 2, ".c") == 0) n -= 2;
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    size_t length = file < path + n ? n - (size_t)(file - path) : 0;
    if (n + 8 > sizeof s->stem || length == 0 || length > NAME - 16)
        return fv_fail(error, FV_E_ARGUMENT, "%s: is no name for C source: give one like model.c", fv_path_shown(path));
    for (size_t i = 0; i < length; i++)
        if (strchr("\"\\?", file[i]) || (unsigned char)file[i] < ' ')
            return fv_fail(error, FV_E_ARGUMENT,
                           "%s: a quote, backslash, question mark or control character cannot be included by C",
                           fv_path_shown(path));
    memcpy(s->stem, path, n);
    memcpy(s->file, file, length);
    size_t to = 0;
    if (isdigit((unsigned char)*file)) s->name[to++] = 'n';
    for (size_t i = 0; i < length; i++)
        s->name[to++] = isascii(file[i]) && isalnum((unsigned char)file[i]) ? file[i] : '_';
    for (size_t i = 0; i < to; i++) s->upper[i] = (char)toupper((unsigned char)s->name[i]);
    return FV_OK;
}

/* A C string: octal escapes for all that is not plain, and for the question marks of trigraphs. */
static void print_string(FILE *f, const char *text) {
    fputc('"', f);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (isascii(*at) && isprint(*at) && !strchr("\"\\?", *at))
            fputc(*at, f);
        else
            fprintf(f, "\\%03o", *at);
    fputc('"', f);
}

/* ---- the three files ---- */

static void write_header(const source *s, const fv_c_text *text, FILE *f) {
    fv_shape in = fv_net_input(s->net);
    const char *u = s->upper, *element = s->int8 ? "unsigned char" : "float";
    fprintf(f, "/* Made by fovea %s from the model\n *     %s\n", fv_version(), fv_net_text(s->net));
    fprintf(f, " * in %s. Needs %zu bytes of scratch memory and %zu of constants beside the code. C99. */\n",
            s->int8 ? "8 bits" : "float", s->plan->scratch * (s->int8 ? 1 : sizeof(float)), text->constants_bytes);
    fprintf(f, "#ifndef %s_H\n#define %s_H\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n", u, u);
    fprintf(f, "#define %s_CHANNELS %d\n#define %s_HEIGHT %d\n#define %s_WIDTH %d\n", u, in.c, u, in.h, u, in.w);
    fprintf(f, "#define %s_PIXELS %zu /* of an image */\n#define %s_CLASSES %d\n", u, fv_image_size(in), u,
            fv_net_n_classes(s->net));
    fprintf(f, "#define %s_SCRATCH %zu /* elements */\n\n", u, s->plan->scratch ? s->plan->scratch : 1);
    fprintf(f, "extern const char *const %s_class_names[%s_CLASSES];\n\n", s->name, u);
    fprintf(
        f,
        "/* Logits of one image.\n *   pixels   [channels][height][width], 0 to 255\n *   logits   out  [classes]; the "
        "largest is the class\n *   scratch  [%s_SCRATCH] that nobody else uses meanwhile; holds nothing between "
        "calls */\n",
        u);
    fprintf(f, "void %s_logits(const unsigned char *pixels, float *logits, %s *scratch);\n\n", s->name, element);
    fprintf(f, "/* The place of the largest of the logits: the class. */\nint %s_best(const float *logits);\n\n",
            s->name);
    fputs("#ifdef __cplusplus\n}\n#endif\n#endif\n", f);
}

static void write_helpers(const source *s, unsigned helpers, FILE *f) {
    static const char *const names[FV_C_N_HELPERS] = {"requantise", "normalise", "scale", "conv",
                                                      "dense",      "dense_out", "max",   "mean",
                                                      "mean_out",   "relu",      "sum",   "out"};
    const char *text = s->int8 ? fv_c_int8_text : fv_c_float_text;
    for (int i = 0; i < FV_C_N_HELPERS; i++) {
        char mark[32];
        if (!(helpers >> i & 1)) continue;
        snprintf(mark, sizeof mark, "//// %s\n", names[i]);
        const char *from = strstr(text, mark) + strlen(mark), *end = strstr(from, "//// ");
        fwrite(from, 1, end ? (size_t)(end - from) : strlen(from), f);
        if (!end) fputc('\n', f);
    }
}

static void write_source(const source *s, const fv_c_text *text, const char *constants, const char *calls, FILE *f) {
    int n = fv_net_n_classes(s->net);
    fprintf(f, "/* Made by fovea %s; %s.h says what it is. */\n#include \"%s.h\"\n\n", fv_version(), s->file, s->file);
    if (s->int8) fputs("#include <stdint.h>\n\n", f);
    fprintf(f, "const char *const %s_class_names[%s_CLASSES] = {", s->name, s->upper);
    for (int i = 0; i < n; i++) {
        fputs("\n    ", f);
        print_string(f, s->class_names[i]);
        fputc(',', f);
    }
    fputs("\n};\n\n", f);
    fputs(constants, f);
    fputc('\n', f);
    write_helpers(s, text->helpers, f);
    fprintf(f, "void %s_logits(const unsigned char *pixels, float *logits, %s *scratch) {\n", s->name,
            s->int8 ? "unsigned char" : "float");
    if (!strstr(calls, "scratch")) fputs("    (void)scratch;\n", f);
    fprintf(f, "%s}\n\n", calls);
    fprintf(f,
            "int %s_best(const float *logits) {\n    int best = 0;\n    for (int i = 1; i < %s_CLASSES; i++)\n"
            "        if (logits[i] > logits[best]) best = i;\n    return best;\n}\n",
            s->name, s->upper);
}

static void write_main(const source *s, FILE *f) {
    const char *u = s->upper, *element = s->int8 ? "unsigned char" : "float";
    fprintf(
        f,
        "/* An example: images of %s_PIXELS bytes each on standard input; a line for each: the class's place, the "
        "logits,\n * the class's name. cc -std=c99 -O2 %s.c %s_main.c */\n#include <stdio.h>\n\n#include \"%s.h\"\n\n",
        u, s->file, s->file, s->file);
    fprintf(f, "static %s scratch[%s_SCRATCH];\n\nint main(void) {\n", element, u);
    fprintf(f, "    unsigned char pixels[%s_PIXELS];\n    float logits[%s_CLASSES];\n", u, u);
    fprintf(f, "    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {\n");
    fprintf(f, "        %s_logits(pixels, logits, scratch);\n        const int best = %s_best(logits);\n", s->name,
            s->name);
    fprintf(f, "        printf(\"%%d\", best);\n");
    fprintf(f, "        for (int i = 0; i < %s_CLASSES; i++) printf(\" %%.9g\", (double)logits[i]);\n", u);
    fprintf(f, "        printf(\" %%s\\n\", %s_class_names[best]);\n    }\n    return 0;\n}\n", s->name);
}

/* ---- together ---- */

typedef struct memory_file {
    FILE *f;
    char *text;
    size_t size;
} memory_file;

static bool memory_open(memory_file *m) {
    m->f = open_memstream(&m->text, &m->size);
    return m->f != NULL;
}

/* False where memory was short. */
static bool memory_close(memory_file *m) {
    bool good = m->f && !ferror(m->f);
    if (m->f && fclose(m->f) != 0) good = false;
    m->f = NULL;
    return good;
}

static fv_status write_one(const source *s, const char *ending, memory_file *m, fv_error *error) {
    char path[PATH];
    snprintf(path, sizeof path, "%.4080s%s", s->stem, ending);
    if (memory_close(m)) return fv_file_write(path, m->text, m->size, error);
    return fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(path));
}

static fv_status write_files(const source *s, const fv_c_text *text, const char *constants, const char *calls,
                             fv_error *error) {
    memory_file m[3] = {{0}};
    static const char *const endings[] = {".h", "_main.c", ".c"};
    fv_status status = FV_OK;
    for (int i = 0; status == FV_OK && i < 3; i++) {
        if (!memory_open(&m[i])) {
            status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(s->stem));
            break;
        }
        if (i == 0) write_header(s, text, m[i].f);
        if (i == 1) write_main(s, m[i].f);
        if (i == 2) write_source(s, text, constants, calls, m[i].f);
        status = write_one(s, endings[i], &m[i], error);
    }
    for (int i = 0; i < 3; i++) {
        if (m[i].f) fclose(m[i].f);
        free(m[i].text);
    }
    return status;
}

static fv_status write_all(source *s, const fv_images *calibration, const fv_indices *indices, fv_c_size *size,
                           fv_error *error) {
    memory_file constants = {0}, calls = {0};
    fv_status status = FV_E_MEMORY;
    fv_c_text text = {0};
    if (memory_open(&constants) && memory_open(&calls)) {
        text.constants = constants.f;
        text.calls = calls.f;
        status = FV_OK;
        if (s->int8)
            status = fv_c_write_int8(s->plan, calibration, indices, &text, error);
        else
            fv_c_write_float(s->plan, &text);
    }
    bool good = memory_close(&constants), both = memory_close(&calls) && good;
    if (status == FV_OK && both)
        status = write_files(s, &text, constants.text, calls.text, error);
    else if (status == FV_OK || status == FV_E_MEMORY)
        status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory", fv_path_shown(s->stem));
    if (status == FV_OK) *size = (fv_c_size){s->plan->scratch * (s->int8 ? 1 : sizeof(float)), text.constants_bytes};
    free(constants.text);
    free(calls.text);
    return status;
}

static bool are_floats(const double *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs(values[i]) <= FLT_MAX)) return false;
    return true;
}

/* A batch norm taken into a convolution may make more of its weights than a float holds. */
static fv_status check_weights(const fv_c_plan *plan) {
    for (int i = 0; i < plan->n_ops; i++) {
        const fv_c_op *op = &plan->ops[i];
        if (!are_floats(op->weight, op->n_weights) || !are_floats(op->bias, op->n_bias)) return FV_E_DIVERGED;
    }
    return FV_OK;
}

fv_status fv_export_c(const fv_net *net, const char *path, const char *const *class_names, const fv_images *calibration,
                      const fv_indices *indices, fv_c_size *size, fv_error *error) {
    source s = {.net = net, .class_names = class_names, .int8 = calibration != NULL};
    fv_graph *graph = NULL;
    fv_c_plan *plan = NULL;
    FV_TRY(name_source(&s, path, error));
    fv_status status = fv_graph_of_net(net, &graph);
    if (status == FV_OK) status = fv_c_plan_create(graph, s.int8, &plan);
    if (status == FV_OK) status = check_weights(plan);
    s.plan = plan;
    bool planned = status == FV_OK;
    if (planned) status = write_all(&s, calibration, indices, size, error);
    if (status == FV_E_DIVERGED)
        status = fv_fail(error, status,
                         "%s: its numbers would be too large, as the weights are: train it again with a lower learning "
                         "rate",
                         fv_path_shown(path));
    else if (!planned)
        status = fv_fail(error, status, "%s: %s", fv_path_shown(path), fv_status_text(status));
    fv_c_plan_destroy(plan);
    fv_graph_destroy(graph);
    return status;
}
