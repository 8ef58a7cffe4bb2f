#include "report/page.h"

#include <stdio.h>
#include <string.h>

#include "report/numbers.h"
#include "report/recipes.h"
#include "report/tables.h"

extern const unsigned char fv_page_style[];

typedef void put_words(const fv_context *context, fv_buffer *out);

/* One question and all that answers it. */
typedef struct section {
    const char *id, *key; /* key: of study.json; the section is there where the key is */
    const char *question;
    put_words *glance, *answer, *figure, *table, *recipe;
} section;

/* <figure> for a chart that the script draws. */
static void put_chart(const char *name, const char *caption, fv_buffer *out) {
    fv_putf(out, "<figure class=\"chart\" data-chart=\"%s\"><figcaption>", name);
    fv_put_escaped(out, caption);
    fv_put(out, "</figcaption><div class=\"plot\"></div></figure>\n");
}

/* <figure> for pictures that the script lays out. */
static void put_pictures(const char *name, const char *caption, fv_buffer *out) {
    fv_putf(out, "<figure data-figure=\"%s\"><figcaption>", name);
    fv_put_escaped(out, caption);
    fv_put(out, "</figcaption><div class=\"stage\"></div></figure>\n");
}

static void figure_history(const fv_context *context, fv_buffer *out) {
    (void)context;
    put_chart("history-loss", "Loss per epoch, logarithmic. Train is dashed, validation solid.", out);
    put_chart("history-accuracy", "Accuracy per epoch.", out);
}

static void figure_augmentation(const fv_context *context, fv_buffer *out) {
    put_chart("augmentation",
              context->facts->n_seeds > 1
                  ? "Accuracy under each scheme: mean (dot), seeds (ticks) and 95\u202f% interval (bar)."
                  : "Accuracy under each scheme, with its 95\u202f% interval.",
              out);
    if (context->report->sheet.n_schemes > 0)
        put_pictures("sheet", "The same images before and after, as the network sees them in training.", out);
}

static void figure_architecture(const fv_context *context, fv_buffer *out) {
    bool band = context->facts->n_seeds > 1;
    put_chart(
        "architecture-loss",
        band ? "Loss per epoch, logarithmic, one scale for all. Train is dashed, validation solid; the band spans the "
               "seeds."
             : "Loss per epoch, logarithmic, one scale for all. Train is dashed, validation solid.",
        out);
    put_chart("architecture-accuracy", "Accuracy per epoch, one scale for all.", out);
    fv_table_models(context, out);
}

static void figure_scaling(const fv_context *context, fv_buffer *out) {
    (void)context;
    put_chart("scaling",
              "Error against training images, both axes logarithmic. Solid: measured and fitted. Dashed: "
              "forecast for two and four times the data.",
              out);
}

static void figure_mistakes(const fv_context *context, fv_buffer *out) {
    if (json_array_size(fv_fact_part(context->facts, "mistakes")) == 0) return;
    put_pictures("mistakes",
                 "True class \u2192 predicted class, worst first. The bars are the network\u2019s probabilities "
                 "of the true (blue) and of the predicted class (orange).",
                 out);
}

static void figure_kernels(const fv_context *context, fv_buffer *out) {
    int shape[4];
    size_t size;
    char caption[160];
    snprintf(caption, sizeof caption, "Each kernel of the first layer%s%s.",
             fv_kernel_shape(fv_fact_part(context->facts, "kernels"), shape, &size) && shape[1] > 1
                 ? ", its channels side by side"
                 : "",
             context->report->responses.n_images ? ", and what it makes of the same images" : "");
    put_pictures("kernels", caption, out);
}

static void figure_confusion(const fv_context *context, fv_buffer *out) {
    (void)context;
    fv_put(out, "<div class=\"beside\">");
    put_chart("confusion", "Test images by true and predicted class. Choose a cell to see its images.", out);
    fv_put(out, "<div class=\"pairs\" data-figure=\"pairs\"></div></div><div data-figure=\"cell\"></div>\n");
}

static void figure_embedding(const fv_context *context, fv_buffer *out) {
    if (!context->report->xy) return;
    fv_buffer caption = {0};
    fv_put(&caption,
           "Every point is a test image; mistakes are ringed. Point at one to see it, drag to list the images of "
           "an area.");
    if (context->facts->n_classes > 10) fv_put(&caption, " There are ten colours: they repeat.");
    put_pictures("embedding", fv_buffer_text(&caption), out);
    fv_buffer_finish(&caption, out);
}

static void figure_neighbours(const fv_context *context, fv_buffer *out) {
    (void)context;
    put_pictures("neighbours",
                 "Left the query, then its eight nearest with their distances. An image of another class than "
                 "the query has a dashed frame and its class written out.",
                 out);
}

static const section sections[] = {
    {"history", "history", "How did the training go?", fv_glance_history, fv_answer_history, figure_history,
     fv_table_history, fv_recipe_history},
    {"augmentation", "augmentation", "Does augmentation help?", fv_glance_augmentation, fv_answer_augmentation,
     figure_augmentation, fv_table_augmentation, fv_recipe_augmentation},
    {"architecture", "architecture", "Which architecture?", fv_glance_architecture, fv_answer_architecture,
     figure_architecture, fv_table_architecture, fv_recipe_architecture},
    {"scaling", "scaling", "How much data?", fv_glance_scaling, fv_answer_scaling, figure_scaling, fv_table_scaling,
     fv_recipe_scaling},
    {"mistakes", "mistakes", "Where does it fail?", fv_glance_mistakes, fv_answer_mistakes, figure_mistakes,
     fv_table_mistakes, fv_recipe_mistakes},
    {"kernels", "kernels", "What are its filters?", fv_glance_kernels, fv_answer_kernels, figure_kernels,
     fv_table_kernels, fv_recipe_kernels},
    {"confusion", "confusion", "What does it confuse?", fv_glance_confusion, fv_answer_confusion, figure_confusion,
     fv_table_confusion, fv_recipe_confusion},
    {"embedding", "embedding", "How does it see the set?", fv_glance_embedding, fv_answer_embedding, figure_embedding,
     fv_table_embedding, fv_recipe_embedding},
    {"neighbours", "neighbours", "What does it find alike?", fv_glance_neighbours, fv_answer_neighbours,
     figure_neighbours, fv_table_neighbours, fv_recipe_neighbours},
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

/* An empty list of mistakes is an answer too. */
static bool is_there(const fv_context *context, const section *of) {
    const json_t *part = json_object_get(context->facts->root, of->key);
    int shape[4];
    size_t size;
    if (!strcmp(of->key, "neighbours") && !context->report->nearest) return false;
    if (!strcmp(of->key, "kernels") && !fv_kernel_shape(part, shape, &size)) return false; /* the script trusts it */
    return part && !json_is_null(part) &&
           (json_array_size(part) > 0 || !strcmp(of->key, "mistakes") || json_is_object(part));
}

static void put_spoken(put_words *say, const fv_context *context, const char *tag, const char *class, fv_buffer *out) {
    fv_buffer text = {0};
    say(context, &text);
    fv_put_element(out, tag, class, fv_buffer_text(&text));
    fv_buffer_finish(&text, out);
}

static void put_section(const fv_context *context, const section *of, int number, fv_buffer *out) {
    fv_putf(out, "<section class=\"question\" id=\"%s\" aria-labelledby=\"%s-title\">\n", of->id, of->id);
    fv_putf(out, "<h2 id=\"%s-title\"><span class=\"number\">%d</span> %s</h2>\n", of->id, number, of->question);
    put_spoken(of->answer, context, "p", "answer", out);
    of->figure(context, out);
    fv_put(out, "<details><summary>The table behind it</summary><div class=\"fold\">\n");
    of->table(context, out);
    fv_put(out, "</div></details>\n<details><summary>How this was done</summary><div class=\"fold prose\">\n");
    of->recipe(context, out);
    fv_buffer command = {0};
    fv_recipe_command(context, of->key, &command);
    fv_put(out, "<pre tabindex=\"0\"><code>");
    fv_put_escaped(out, fv_buffer_text(&command));
    fv_put(out, "</code></pre></div></details>\n</section>\n");
    fv_buffer_finish(&command, out);
}

/* Where neighbours were asked for, of fewer images than have eight others each. */
static void put_too_few(const fv_context *context, fv_buffer *out) {
    const json_t *parts = json_object_get(context->facts->config, "parts");
    bool asked = false;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *part = json_string_value(json_array_get(parts, i));
        asked = asked || (part && strcmp(part, "neighbours") == 0);
    }
    if (!asked || !context->report->n || context->report->nearest) return;
    fv_putf(out,
            "<p class=\"prose\">What the network finds alike is not shown: %s test images are too few for eight "
            "neighbours each.</p>\n",
            fv_small_number(context->report->n).s);
}

static void put_glance(const fv_context *context, fv_buffer *out) {
    fv_put(out, "<section id=\"answers\" aria-labelledby=\"answers-title\"><h2 id=\"answers-title\">Answers at a "
                "glance</h2>\n<table class=\"glance\"><thead class=\"unseen\"><tr><th scope=\"col\">Number</th><th "
                "scope=\"col\">Question</th><th scope=\"col\">Answer</th><th scope=\"col\">Figure</th></tr></thead>"
                "<tbody>\n");
    int number = 0;
    for (int i = 0; i < N_SECTIONS; i++) {
        if (!is_there(context, &sections[i])) continue;
        fv_putf(out, "<tr><td class=\"number\">%d</td><th scope=\"row\"><a href=\"#%s\">%s</a></th>", ++number,
                sections[i].id, sections[i].question);
        put_spoken(sections[i].glance, context, "td", "answer", out);
        fv_putf(out, "<td class=\"thumb\" data-thumb=\"%s\" aria-hidden=\"true\"></td></tr>\n", sections[i].id);
    }
    fv_put(out, "</tbody></table></section>\n");
}

static void put_figure(const char *title, const char *value, const char *note, fv_buffer *out) {
    fv_put(out, "<div>");
    fv_put_element(out, "dt", NULL, title);
    fv_put_element(out, "dd", "value", value);
    fv_put_element(out, "dd", "note", note);
    fv_put(out, "</div>\n");
}

/* The five large figures; each only where it is known. */
static void put_figures(const fv_context *context, fv_buffer *out) {
    const json_t *final = context->facts->final, *root = context->facts->root;
    const size_t n = fv_counted(fv_fact_number(final, "test_total", 0));
    const size_t n_correct = fv_counted(fv_fact_number(final, "test_correct", 0));
    const double total = (double)n, correct = (double)n_correct;
    double time_s = fv_fact_number(final, "time_s", 0),
           study_s = fv_fact_number(json_object_get(root, "time_s"), "total", 0);
    double speed = fv_fact_number(root, "images_per_s", fv_fact_number(final, "images_per_s", 0));
    fv_words note;
    fv_put(out, "<dl class=\"figures\">\n");
    if (n) {
        fv_interval interval = fv_wilson(n_correct, n);
        int decimals = fv_percent_decimals((interval.high - interval.low) / 2);
        fv_macro_score macro;
        const bool differs = fv_fact_macro(final, "test", &macro);
        snprintf(note.s, sizeof note.s, "%.32s, 95\u202f%% interval%s%.12s", fv_interval_words(interval).s,
                 differs ? "; balanced\u00a0" : "", differs ? fv_percent(macro.accuracy, decimals).s : "");
        put_figure("Test accuracy", fv_percent(correct / total, decimals).s, note.s, out);
        snprintf(note.s, sizeof note.s, "of %.60s test images", fv_count_words(total).s);
        put_figure("Mistakes", fv_count_words(total - correct).s, note.s, out);
    }
    if (time_s > 0) {
        double epochs = fv_fact_number(context->facts->config, "epochs", 0);
        snprintf(note.s, sizeof note.s, "%.60s, %.24s epoch%s",
                 fv_cut_words(fv_fact_text(final, "model", "the model"), 60).s, fv_count_words(epochs).s,
                 epochs == 1 ? "" : "s");
        put_figure("Training time", fv_seconds(time_s).s, note.s, out);
    }
    if (speed > 0)
        put_figure("Speed", fv_significant(speed, 3).s,
                   context->facts->is_run ? "training images a second" : "training images a second, all trainings",
                   out);
    if (study_s > 0)
        put_figure(context->facts->is_run ? "Whole report" : "Whole study", fv_seconds(study_s).s,
                   context->facts->is_run ? "from data to this page" : "every training and this page", out);
    fv_put(out, "</dl>\n");
}

static void put_fact(const char *title, const char *value, fv_buffer *out) {
    if (!*value) return;
    fv_put(out, "<div>");
    fv_put_element(out, "dt", NULL, title);
    fv_put_element(out, "dd", NULL, value);
    fv_put(out, "</div>");
}

static void put_small_print(const fv_context *context, fv_buffer *out) {
    const fv_facts *facts = context->facts;
    const json_t *machine = json_object_get(facts->root, "machine"), *shape = json_object_get(facts->dataset, "shape");
    fv_buffer text = {0};
    fv_put(out, "<dl class=\"print\">");
    fv_putf(&text, "%s: %s train, %s test, %.0f\u00d7%.0f", fv_fact_text(facts->dataset, "name", ""),
            fv_count_words(fv_fact_number(facts->dataset, "n_train", 0)).s,
            fv_count_words(fv_fact_number(facts->dataset, "n_test", 0)).s, json_number_value(json_array_get(shape, 1)),
            json_number_value(json_array_get(shape, 2)));
    if (json_number_value(json_array_get(shape, 0)) > 1)
        fv_putf(&text, "\u00d7%.0f", json_number_value(json_array_get(shape, 0)));
    put_fact("Data", fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
    put_fact("Date", fv_date_words(fv_fact_text(facts->root, "date", "")).s, out);
    put_fact("Machine", fv_fact_text(machine, "processor", ""), out);
    put_fact("Instruction set", fv_fact_text(machine, "isa", ""), out);
    put_fact("Threads", fv_count_words(fv_fact_number(machine, "threads", 1)).s, out);
    const json_t *seeds = json_object_get(facts->config, "seeds");
    for (size_t i = 0; i < json_array_size(seeds); i++)
        fv_putf(&text, "%s%.0f", i ? ", " : "", json_number_value(json_array_get(seeds, i)));
    put_fact(json_array_size(seeds) == 1 ? "Seed" : "Seeds", fv_buffer_text(&text), out);
    fv_buffer_finish(&text, out);
    put_fact("Fovea", fv_fact_text(facts->root, "fovea", ""), out);
    put_fact("Command", fv_fact_text(facts->root, "command", ""), out);
    fv_put(out, "</dl>\n");
}

static void put_head(const fv_context *context, fv_buffer *out) {
    fv_buffer headline = {0};
    fv_say_headline(context, &headline);
    fv_put(out, "<header class=\"head\">\n");
    fv_putf(out, "<p class=\"kicker\">Fovea<span> %s</span></p>\n<h1>", context->facts->is_run ? "run" : "study");
    fv_put_escaped(out, fv_buffer_text(&headline));
    const size_t total = fv_counted(fv_fact_number(context->facts->final, "test_total", 0));
    const size_t correct = fv_counted(fv_fact_number(context->facts->final, "test_correct", 0));
    if (total) fv_putf(out, " <span class=\"interval\">(%s)</span>", fv_interval_words(fv_wilson(correct, total)).s);
    fv_put(out, "</h1>\n");
    if (json_is_true(json_object_get(context->facts->root, "interrupted")))
        fv_put_element(out, "p", "notice", "This study was interrupted: it shows what was finished.");
    put_figures(context, out);
    put_small_print(context, out);
    fv_put(out, "</header>\n");
    fv_buffer_finish(&headline, out);
}

static void put_foot(const fv_context *context, fv_buffer *out) {
    const fv_facts *facts = context->facts;
    fv_buffer command = {0};
    fv_recipe_command(context, NULL, &command);
    fv_putf(out, "<footer><h2>Repeat this %s</h2>\n<pre tabindex=\"0\"><code>", facts->is_run ? "report" : "study");
    fv_put_escaped(out, fv_buffer_text(&command));
    fv_put(out, "</code></pre>\n<dl class=\"print\">");
    if (facts->final) put_fact("Seed", fv_count_words(fv_fact_number(facts->final, "seed", 1)).s, out);
    put_fact("Weights, SHA-256", fv_fact_text(facts->final, "weights_sha256", ""), out);
    put_fact("Training data, SHA-256", fv_fact_text(facts->dataset, "train_sha256", ""), out);
    put_fact("Test data, SHA-256", fv_fact_text(facts->dataset, "test_sha256", ""), out);
    put_fact("Compiler", fv_fact_text(json_object_get(facts->root, "machine"), "compiler", ""), out);
    fv_put(out,
           "</dl>\n<p class=\"prose\">The same seed, data and model give the same weights, bit for bit, at any number "
           "of threads and on every instruction set.</p></footer>\n");
    fv_buffer_finish(&command, out);
}

/* Nothing may be loaded from anywhere: the page is whole. */
static const char policy[] = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
                             "img-src data: blob:";
/* An eye's fovea. */
static const char icon[] =
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Ccircle "
    "cx='16' cy='16' r='13' fill='none' stroke='%230a6ebd' stroke-width='3'/%3E%3Ccircle cx='16' "
    "cy='16' r='5' fill='%23c8500a'/%3E%3C/svg%3E";

void fv_page_write(const fv_context *context, fv_buffer *out) {
    fv_buffer title = {0};
    fv_say_headline(context, &title);
    fv_put(out,
           "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
           "content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
    fv_putf(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n<link rel=\"icon\" href=\"%s\">\n",
            policy, icon);
    fv_put_element(out, "title", NULL, fv_buffer_text(&title));
    fv_buffer_finish(&title, out);
    fv_put(out, "<style>\n");
    fv_put(out, (const char *)fv_page_style);
    fv_put(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#answers\">Skip to the answers</a>\n<div "
                "class=\"page\">\n<main>\n");
    put_head(context, out);
    put_glance(context, out);
    fv_put(out,
           "<noscript><p class=\"prose\">The figures are drawn by a script, which is off here; the sentences and the "
           "tables need none.</p></noscript>\n");
    int number = 0;
    for (int i = 0; i < N_SECTIONS; i++)
        if (is_there(context, &sections[i])) put_section(context, &sections[i], ++number, out);
    put_too_few(context, out);
    put_foot(context, out);
    fv_put(out, "</main>\n<aside id=\"inspector\" aria-label=\"Image inspector\"></aside>\n</div>\n");
}
