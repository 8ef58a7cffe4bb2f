/* `fovea help --complete WORD...`: what may stand in the place of the last word, for the shells' completions. A line
 * for each: the word, a tab, what it means; or ":files", ":directories", which the shell knows better. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* What is typed already: candidates begin with `prefix` + `typed`. */
typedef struct unfinished {
    const char *prefix; /* "--model=", or "" */
    const char *typed;
} unfinished;

static void offer(const unfinished *word, const char *candidate, const char *about) {
    if (strncmp(candidate, word->typed, strlen(word->typed)) != 0) return;
    if (!about) about = "";
    printf("%s%s\t%.*s\n", word->prefix, candidate, (int)strcspn(about, "\n"), about);
}

static void offer_datasets(const unfinished *word, bool here) {
    fv_dataset_entry entry;
    for (int i = 0; fv_dataset_list(i, &entry); i++)
        if ((*entry.path != 0) == here) offer(word, entry.name, here ? entry.path : entry.how);
}

static void offer_verbs(const unfinished *word) {
    for (const cli_verb *verb = cli_verbs; verb->name; verb++) offer(word, verb->name, verb->about);
}

static void offer_models(const unfinished *word) {
    for (int i = 0; fv_model_name(i); i++) offer(word, fv_model_name(i), fv_model_text(fv_model_name(i)));
}

static void offer_words(const unfinished *word, const char *words) {
    char one[32];
    for (const char *at = words; *at; at += strspn(at, " ")) {
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, " "), at);
        offer(word, one, NULL);
        at += strlen(one);
    }
}

/* By an option's name or what stands for a value in the help. */
static const struct {
    const char *name, *words;
} choices[] = {
    {"--optimizer", "adadelta sgd adam adamw"},
    {"--schedule", "constant step cosine onecycle"},
    {"SPLIT", "test validation train"},
    {"FORMAT", "onnx safetensors npz c"},
    {"PIXELS", "uint8 float"},
};

/* `kind`: "DATA", "RUN", "--augment". Whether it is one that we know. */
static bool offer_kind(const unfinished *word, const char *kind) {
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(kind, choices[i].name) == 0) return offer_words(word, choices[i].words), true;
    if (strcmp(kind, "DATA") == 0) return offer_datasets(word, true), puts(":files"), true;
    if (strcmp(kind, "NAME") == 0) return offer_datasets(word, false), true;
    if (strcmp(kind, "MODEL") == 0) return offer_models(word), puts(":files"), true;
    if (strcmp(kind, "VERB") == 0) return offer_verbs(word), true;
    if (strcmp(kind, "FILE") == 0) return puts(":files"), true;
    if (strcmp(kind, "RUN") == 0 || strcmp(kind, "DIR") == 0) return puts(":directories"), true;
    const char *(*list)(int index) = strcmp(kind, "HOW") == 0       ? fv_fit_name
                                     : strcmp(kind, "--parts") == 0 ? fv_study_part_name
                                                                    : NULL;
    for (int i = 0; list && list(i); i++) offer(word, list(i), NULL);
    const char *name, *text;
    for (int i = 0; strcmp(kind, "--augment") == 0 && (name = fv_augment_preset(i, &text)); i++)
        offer(word, name, text);
    return list != NULL;
}

static const cli_option *find(const cli_usage *usage, const char *name, size_t length) {
    for (const cli_option *o = usage->options; o && o->name; o++)
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0) return o;
    return NULL;
}

/* The option whose value `word` is, if it is a word of its own. */
static const cli_option *waiting(const cli_usage *usage, const char *word) {
    if (strcmp(word, "-o") == 0) word = "--out";
    const cli_option *option = strncmp(word, "--", 2) == 0 ? find(usage, word + 2, strlen(word + 2)) : NULL;
    return option && option->argument ? option : NULL;
}

static void offer_value(const unfinished *word, const cli_option *option) {
    char kind[40];
    snprintf(kind, sizeof kind, "--%s", option->name);
    if (!offer_kind(word, kind)) offer_kind(word, option->argument);
}

static void offer_options(const cli_usage *usage, const unfinished *word) {
    char name[40];
    for (const cli_option *o = usage->options; o && o->name; o++) {
        snprintf(name, sizeof name, "--%s", o->name);
        offer(word, name, o->help);
    }
    offer(word, "--help", "show this");
}

/* Argument number `at` of "RUN|FILE [DATA]", or a word of "list | info DATA"; the last one goes on where it ends in
 * dots or there are more than are named. */
static void offer_argument(const cli_usage *usage, const unfinished *word, int at) {
    char text[160], *state, *next;
    snprintf(text, sizeof text, "%s", usage->arguments);
    bool parts = strstr(text, " | ") != NULL, begins = true;
    int n = 0;
    for (char *token = strtok_r(text, " ", &state); token; token = next, n++) {
        next = strtok_r(NULL, " ", &state);
        if (parts) {
            if (begins && at == 0) offer(word, token, NULL);
            begins = strcmp(token, "|") == 0;
        } else if (n == at || (n < at && !next && usage->max_arguments > n + 1)) {
            char *rest;
            for (char *kind = strtok_r(token, "[]|.", &rest); kind; kind = strtok_r(NULL, "[]|.", &rest))
                offer_kind(word, kind);
        }
    }
}

void cli_complete(const cli_usage *usage, int n, const char *const *words) {
    const char *last = n ? words[n - 1] : "", *equals = strchr(last, '=');
    unfinished word = {"", last};
    const cli_option *option = n > 1 ? waiting(usage, words[n - 2]) : NULL;
    int arguments = 0;
    for (int i = 0; i + 1 < n; i++) {
        if (waiting(usage, words[i]))
            i++;
        else
            arguments += words[i][0] != '-' || !words[i][1];
    }
    if (option) {
        offer_value(&word, option);
    } else if (strncmp(last, "--", 2) == 0 && equals) {
        char prefix[48];
        snprintf(prefix, sizeof prefix, "%.*s", (int)(equals + 1 - last), last);
        option = find(usage, last + 2, (size_t)(equals - last - 2));
        word = (unfinished){prefix, equals + 1};
        if (option && option->argument) offer_value(&word, option);
    } else if (last[0] == '-') {
        offer_options(usage, &word);
    } else {
        offer_argument(usage, &word, arguments);
    }
}

int cli_complete_verb(int n, const char **words) {
    const cli_verb *verb = n > 1 ? cli_verb_find(words[0]) : NULL;
    if (n <= 1) offer_verbs(&(unfinished){"", n ? words[0] : ""});
    if (!verb) return CLI_DONE;
    const char **all = calloc((size_t)n + 2, sizeof *all);
    if (!all) return CLI_FAILED;
    memcpy(all, words, (size_t)n * sizeof *all);
    all[n] = CLI_COMPLETE;
    int end = verb->run(n + 1, all);
    free(all);
    return end;
}
