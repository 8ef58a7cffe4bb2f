#include "report/recipes.h"

#include <ctype.h>
#include <string.h>

#include "report/numbers.h"

static void paragraph(const char *text, fv_buffer *out) {
    fv_put_element(out, "p", NULL, text);
}

static void put_seeds(const fv_facts *facts, fv_buffer *out) {
    const json_t *seeds = json_object_get(facts->config, "seeds");
    size_t n = json_array_size(seeds);
    if (!n) return;
    fv_put(out, n == 1 ? ", seed " : ", seeds ");
    for (size_t i = 0; i < n; i++) {
        fv_put_separator(out, i, n);
        fv_putf(out, "%.0f", json_number_value(json_array_get(seeds, i)));
    }
}

static const char *plural(double n) {
    return n == 1 ? "" : "s";
}

/* 0 in the record means the optimiser's own. */
static double learning_rate(const json_t *config, const char *optimizer) {
    double given = fv_fact_number(config, "learning_rate", 0);
    if (given > 0) return given;
    return !strncmp(optimizer, "adadelta", 8) ? 1 : !strncmp(optimizer, "sgd", 3) ? 0.05 : 0.001;
}

/* Optimiser to epochs: what every training of the study shares. */
static void say_training(const fv_context *context, fv_buffer *out) {
    const json_t *config = context->facts->config;
    fv_buffer text = {0};
    const char *optimizer = fv_fact_text(config, "optimizer", "adadelta");
    char first = (char)toupper((unsigned char)optimizer[0]);
    fv_put_bytes(&text, &first, *optimizer != 0);
    double epochs = fv_fact_number(config, "epochs", 10);
    fv_putf(&text, "%s, learning rate %s, schedule \u201c%s\u201d, batches of %.0f, %.0f epoch%s",
            *optimizer ? optimizer + 1 : "", fv_significant(learning_rate(config, optimizer), 3).s,
            fv_fact_text(config, "schedule", "step 0.7"), fv_fact_number(config, "batch", 64), epochs, plural(epochs));
    put_seeds(context->facts, &text);
    fv_put(&text, ".");
    double pad = fv_fact_number(config, "pad", 0);
    if (pad > 0)
        fv_putf(&text, " The images are small, so each convolution pads them by %.0f pixel%s.", pad, plural(pad));
    paragraph(fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
}

static void say_split(const fv_context *context, fv_buffer *out) {
    const json_t *dataset = context->facts->dataset;
    double held = fv_fact_number(dataset, "n_validation", 0), training = fv_fact_number(dataset, "n_training", 0);
    if (held <= 0) return;
    fv_buffer text = {0};
    fv_putf(&text,
            "Validation: %s of the training images, %s of each class, set aside once and the same for every seed; "
            "%s train.",
            fv_count_words(held).s, fv_percent(fv_fact_number(context->facts->config, "validation", 0.15), 0).s,
            fv_count_words(training).s);
    if (json_is_true(json_object_get(dataset, "test_set_aside")))
        fv_put(&text, " The files hold no test images: 15\u202f% of each class were set aside as such before anything "
                      "else.");
    paragraph(fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
}

static void say_explained(const fv_context *context, fv_buffer *out) {
    const json_t *final = context->facts->final;
    if (!final) return;
    fv_buffer text = {0};
    fv_putf(&text, "The network looked at here is %s, seed %.0f", fv_fact_text(final, "model", "the trained model"),
            fv_fact_number(final, "seed", 1));
    if (!context->facts->is_run) fv_put(&text, ", trained on all training images, validation included");
    fv_put(&text, ". It never saw the test images.");
    paragraph(fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
}

static void say_tests(const fv_context *context, fv_buffer *out) {
    paragraph(
        context->facts->n_seeds > 1
            ? "Dots are means over the seeds, ticks single seeds. Bars span the 95\u202f% Wilson interval at the mean "
              "and every seed. Differences between seeds\u2019 means carry a paired 95\u202f% t interval; "
              "McNemar\u2019s "
              "exact test compares the networks of one seed and is never pooled. No p value is corrected for the "
              "number of comparisons."
            : "Bars are 95\u202f% Wilson intervals. McNemar\u2019s exact test compares two networks on the same "
              "images: "
              "with one seed it speaks of these networks, not of what another seed would bring. No p value is "
              "corrected for the number of comparisons.",
        out);
}

void fv_recipe_history(const fv_context *context, fv_buffer *out) {
    say_training(context, out);
    say_split(context, out);
    paragraph(
        "Train figures are running averages while training, with dropout and augmentation; validation is measured "
        "after each epoch without them. The two are not on equal terms.",
        out);
}

void fv_recipe_augmentation(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(fv_fact_part(context->facts, "augmentation"), "name", "validation", groups);
    fv_buffer text = {0};
    bool mixed = false;
    fv_putf(&text, "One model, %s, is trained under each scheme: ",
            n ? fv_fact_text(groups[0].first, "model", "convnet") : "convnet");
    for (size_t i = 0; i < n; i++) {
        const char *scheme = fv_fact_text(groups[i].first, "augment", "");
        fv_putf(&text, "%s%s: %s", i ? "; " : "", groups[i].name,
                *scheme && strcmp(scheme, "none") != 0 ? scheme : "images as they are");
        mixed |= strstr(scheme, "mixup ") || strstr(scheme, "cutmix ");
    }
    fv_putf(&text,
            ". Train accuracy is measured after the last epoch on the training images as augmented then%s; validation "
            "images are never augmented.",
            mixed ? ", but not mixed" : "");
    paragraph(fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
    say_training(context, out);
    say_split(context, out);
    say_tests(context, out);
}

void fv_recipe_architecture(const fv_context *context, fv_buffer *out) {
    fv_group groups[FV_MAX_GROUPS];
    size_t n = fv_group_rows(fv_fact_part(context->facts, "architecture"), "name", "validation", groups);
    paragraph(
        "Each model is trained on the same images in the same order. Both curves are measured after each epoch with "
        "dropout off, so that they can be compared; the band spans the seeds.",
        out);
    fv_put(out, "<dl class=\"texts\">");
    for (size_t i = 0; i < n; i++) {
        fv_put_element(out, "dt", NULL, groups[i].name);
        fv_put_element(out, "dd", NULL, fv_fact_text(groups[i].first, "text", ""));
    }
    fv_put(out, "</dl>\n");
    say_training(context, out);
    say_split(context, out);
    say_tests(context, out);
}

void fv_recipe_scaling(const fv_context *context, fv_buffer *out) {
    fv_buffer text = {0};
    fv_putf(&text,
            "%s is trained on nested, stratified parts of the training set, validation images included, and "
            "tested on all %s test images.",
            fv_fact_text(context->facts->config, "explain", "The model"),
            fv_count_words(fv_fact_number(context->facts->dataset, "n_test", 0)).s);
    paragraph(fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
    const json_t *fit = fv_fact_part(context->facts, "scaling_fit");
    if (fit) {
        fv_putf(&text, "The line is error = a n^\u2212b, least squares in logarithms over the means: a = %s, b = %s",
                fv_significant(fv_fact_number(fit, "coefficient", 0), 3).s,
                fv_decimal(fv_fact_number(fit, "exponent", 0), 2).s);
        if (json_is_number(json_object_get(fit, "exponent_low")))
            fv_putf(&text, " (%s to %s)", fv_decimal(fv_fact_number(fit, "exponent_low", 0), 2).s,
                    fv_decimal(fv_fact_number(fit, "exponent_high", 0), 2).s);
        fv_put(&text, ". Its band is the 95\u202f% interval of the line; the dashed bars are that of a new training. A "
                      "forecast holds only as far as the line does.");
        paragraph(fv_buffer_text(&text), out);
        fv_buffer_finish(&text, out);
    }
    paragraph(
        "Bars on the points are 95\u202f% Wilson intervals. An error of zero, which no logarithmic axis can show, is "
        "drawn open at half an image.",
        out);
    say_training(context, out);
}

void fv_recipe_mistakes(const fv_context *context, fv_buffer *out) {
    say_explained(context, out);
    paragraph("A mistake is a test image whose most probable class is not its label; worst means the largest loss, "
              "\u2212log p of the true class. A label can be wrong too: look before you blame the network.",
              out);
}

void fv_recipe_kernels(const fv_context *context, fv_buffer *out) {
    const json_t *kernels = fv_fact_part(context->facts, "kernels");
    json_int_t k = json_integer_value(json_array_get(json_object_get(kernels, "shape"), 0));
    say_explained(context, out);
    if (k == 8)
        paragraph(
            "The report this study follows asks for nine kernels; its network has eight, and all eight are shown.",
            out);
    paragraph("Kernels share one colour scale, responses another; white is zero in both. A response is what the "
              "convolution makes of the normalised image, bias included, before batch norm and relu.",
              out);
    paragraph(
        "A kernel is called an edge where a slope in some direction explains more than half of its squared weights, "
        "brightness where their mean does, and mixed otherwise.",
        out);
}

void fv_recipe_confusion(const fv_context *context, fv_buffer *out) {
    say_explained(context, out);
    paragraph("Rows are true classes, columns predicted ones. Errors are coloured on a logarithmic scale, so that one "
              "image can be seen beside twenty; the diagonal is muted.",
              out);
}

void fv_recipe_embedding(const fv_context *context, fv_buffer *out) {
    const json_t *embedding = fv_fact_part(context->facts, "embedding");
    say_explained(context, out);
    fv_buffer text = {0};
    fv_putf(&text,
            "t-SNE of the %.0f features that enter the last layer: perplexity %s, started from the first two "
            "principal components, early exaggeration; Kullback\u2013Leibler divergence %s. Nothing in it is random.",
            fv_fact_number(embedding, "n_features", 0),
            fv_significant(fv_fact_number(embedding, "perplexity", 30), 3).s,
            fv_decimal(fv_fact_number(embedding, "kl_divergence", 0), 3).s);
    paragraph(fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
    paragraph("Source: van der Maaten and Hinton 2008; Kobak and Berens 2019.", out);
}

void fv_recipe_neighbours(const fv_context *context, fv_buffer *out) {
    say_explained(context, out);
    paragraph(
        "Distances are Euclidean, between the features that enter the last layer, among the test images; an image "
        "is not its own neighbour.",
        out);
}

/* The first `n` words of a command. */
static size_t words_length(const char *command, int n) {
    const char *at = command;
    for (int i = 0; i < n; i++) {
        at += strspn(at, " ");
        at += strcspn(at, " ");
    }
    return (size_t)(at - command);
}

void fv_recipe_command(const fv_context *context, const char *part, fv_buffer *out) {
    const json_t *config = context->facts->config;
    const char *command = fv_fact_text(context->facts->root, "command", "fovea study");
    if (!part || context->facts->is_run) {
        fv_put(out, command);
        return;
    }
    fv_put_bytes(out, command, words_length(command, 3)); /* fovea study DATA */
    fv_putf(out, " --parts %s", part);
    double epochs = fv_fact_number(config, "epochs", 10);
    double seed = json_number_value(json_array_get(json_object_get(config, "seeds"), 0));
    if (epochs != 10) fv_putf(out, " --epochs %.0f", epochs);
    if (context->facts->n_seeds != 3) fv_putf(out, " --seeds %d", context->facts->n_seeds);
    if (seed != 1 && seed > 0) fv_putf(out, " --seed %.0f", seed);
}
