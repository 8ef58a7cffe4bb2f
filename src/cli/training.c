#define _GNU_SOURCE
#include "training.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model_choose.h"
#include "run_open.h"
#include "terminal.h"

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A row of the table. Columns: epoch 5, loss 6, accuracy 8, val loss 8, val accuracy 12, images/s 8. */
static void on_epoch(void *context, const fv_epoch *e) {
    cli_training *t = context;
    t->epoch_start_s = now_s();
    if (!t->rows) return;
    cli_bar_clear();
    fprintf(t->rows, "%5d   %6.4f   %8s   ", e->epoch, e->train_loss, cli_percent(e->train_accuracy, 1).s);
    if (t->validation.n)
        fprintf(t->rows, "%8.4f   %12s   ", e->validation_loss, cli_percent(e->validation_accuracy, 1).s);
    fprintf(t->rows, "%8s\n", cli_rate(e->images_per_s).s);
}

/* The bar stands in the place of the next row. */
static void on_step(void *context, int epoch, size_t done, size_t n, double loss, double accuracy) {
    cli_training *t = context;
    double now = now_s(), part = n ? (double)done / (double)n : 0, epochs = epoch - 1 + part;
    double rate = now > t->epoch_start_s ? (double)done / (now - t->epoch_start_s) : 0;
    double left = epochs > 0 ? (t->before_s + now - t->start_s) / epochs * (t->config.epochs - epochs) : 0;
    char before[160], after[160];
    snprintf(before, sizeof before, "%5d   %6.4f   %8s   ", epoch, loss, cli_percent(accuracy, 1).s);
    snprintf(after, sizeof after, "   %8s · %s left", cli_rate(rate).s, cli_left(left).s);
    cli_bar_draw(before, part, 23, after);
}

static bool state_due(void *context) {
    const cli_training *t = context;
    return now_s() - t->saved_s >= t->checkpoint_every_s;
}

static fv_status on_state(void *context, const fv_train_state *state, fv_error *error) {
    cli_training *t = context;
    double time_s = t->before_s + now_s() - t->start_s;
    FV_TRY(fv_checkpoint_write(t->directory, &t->config, t->net, t->dataset, state, time_s, error));
    t->saved_s = now_s();
    return FV_OK;
}

static fv_status normalise(cli_training *t, fv_error *error) {
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    fv_status status = fv_pixel_statistics(&t->dataset->train, &t->training, mean, std);
    if (status != FV_OK) return fv_fail(error, status, "%s: %s", t->config.dataset, fv_status_text(status));
    fv_net_set_normalisation(t->net, mean, std);
    return FV_OK;
}

fv_status cli_training_prepare(cli_training *t, fv_error *error) {
    fv_run_config *c = &t->config;
    t->threads = cli_threads(c->threads);
    FV_TRY(fv_run_config_resolve(c, error));
    t->options = (fv_train_options){.epochs = c->epochs,
                                    .batch = c->batch,
                                    .optimizer = c->optimizer,
                                    .learning_rate = c->learning_rate,
                                    .schedule = c->schedule,
                                    .label_smoothing = c->label_smoothing,
                                    .balanced = strcmp(c->sampling, "balanced") == 0,
                                    .ema = c->ema,
                                    .patience = c->patience,
                                    .seed = c->seed,
                                    .threads = t->threads,
                                    .context = t,
                                    .on_epoch = on_epoch,
                                    .on_step = t->bar && cli_is_terminal(stderr) ? on_step : NULL,
                                    .cancelled = cli_cancelled};
    FV_TRY(fv_train_check(&t->options, error));
    FV_TRY(cli_dataset_open(c, NULL, &t->dataset, error));
    fv_run_config_pictures(c, t->dataset);
    fv_shape shape = t->dataset->train.shape;
    if (c->pad < 0) c->pad = cli_model_pad(c->model, shape);
    FV_TRY(fv_augment_create(c->augment, shape, &t->augment, error));
    t->options.augment = t->augment;
    FV_TRY(fv_run_split(c, t->dataset, &t->training, &t->validation, error));
    FV_TRY(fv_run_class_weights(c, t->dataset, &t->training, &t->class_weights, error));
    t->options.class_weights = t->class_weights;
    FV_TRY(fv_train_check(&t->options, error));
    if (c->patience > 0 && t->validation.n == 0)
        return fv_fail(error, FV_E_ARGUMENT,
                       "--patience: watches the validation loss, and there is no validation "
                       "split: give --validation above 0");
    FV_TRY(fv_net_create(c->model, shape, t->dataset->n_classes, c->pad, c->seed, &t->net, error));
    FV_TRY(normalise(t, error));
    bool normalised; /* by the file: as its weights are used to */
    if (*c->init) {
        FV_TRY(fv_net_load_weights(t->net, c->init, &normalised, error));
        fv_net_hash(t->net, t->init_sha256);
    }
    t->history = calloc((size_t)c->epochs, sizeof *t->history);
    t->predictions = calloc(t->validation.n + 1, sizeof *t->predictions);
    return t->history && t->predictions ? FV_OK : fv_fail(error, FV_E_MEMORY, "out of memory");
}

fv_status cli_training_same(const cli_training *t, const fv_run_info *info, const char *run, fv_error *error) {
    if (!cli_run_same_data(info, t->dataset))
        return fv_fail(error, FV_E_DATA,
                       "%s: not the data that %.200s began with (their checksums differ): bring those back, or train "
                       "from the beginning",
                       t->dataset->name, run);
    if (*info->init_sha256 && strcmp(info->init_sha256, t->init_sha256) != 0)
        return fv_fail(error, FV_E_DATA,
                       "%.200s: not the weights that %.200s began with (their checksums differ): bring those back, or "
                       "train from the beginning",
                       t->config.init, run);
    return FV_OK;
}

/* Widths of the summary's columns, with the blank before each but the first. */
typedef struct widths {
    int text, shape, weights, multiply_adds;
} widths;

static int most(int a, int b) {
    return a > b ? a : b;
}

static void shrink(int *over, int *width, int least) {
    int less = *over < *width - least ? *over : *width - least;
    if (less <= 0) return;
    *over -= less;
    *width -= less;
}

/* Comfortable columns, which give way to a long text until they hold no more than what stands in them. */
static widths find_widths(const fv_net *net) {
    widths least = {0}, w = {29, 12, 10, 11};
    fv_layer_info layer;
    for (int i = 0; i < fv_net_n_layers(net); i++) {
        fv_net_layer(net, i, &layer);
        if (layer.n_weights || layer.n_multiply_adds)
            least.text = most(least.text, (int)strlen(layer.text) + 2 * layer.depth);
        least.shape = most(least.shape, 1 + (int)strlen(cli_shape(layer.out.c, layer.out.h, layer.out.w).s));
        least.weights = most(least.weights, 1 + (int)strlen(cli_count(layer.n_weights).s));
        least.multiply_adds = most(least.multiply_adds, 1 + (int)strlen(cli_metric((double)layer.n_multiply_adds).s));
    }
    int over = most(0, least.text - w.text - 8); /* 8: to the right edge of 80 columns */
    w.text = most(w.text, least.text);
    shrink(&over, &w.shape, least.shape + 1);
    shrink(&over, &w.weights, least.weights + 1);
    shrink(&over, &w.multiply_adds, least.multiply_adds);
    return w;
}

/* Says only what is there: weights and multiply-adds of layers that have some, shapes where they change. */
static void print_layer(const fv_layer_info *layer, bool same_shape, widths w, FILE *to) {
    char text[128];
    snprintf(text, sizeof text, "%*s%s", 2 * layer->depth, "", layer->text);
    if (same_shape && !layer->n_weights && !layer->n_multiply_adds) {
        fprintf(to, "  %s\n", text);
        return;
    }
    fprintf(to, "  %-*s%*s", w.text, text, w.shape, cli_shape(layer->out.c, layer->out.h, layer->out.w).s);
    if (layer->n_weights)
        fprintf(to, "%*s weights", w.weights, cli_count(layer->n_weights).s);
    else if (layer->n_multiply_adds)
        fprintf(to, "%*s", w.weights + 8, "");
    if (layer->n_multiply_adds) fprintf(to, "%*s", w.multiply_adds, cli_metric((double)layer->n_multiply_adds).s);
    fputc('\n', to);
}

static void print_layers(const fv_net *net, FILE *to) {
    widths w = find_widths(net);
    fv_layer_info layer;
    fv_shape last = fv_net_input(net);
    for (int i = 0; i < fv_net_n_layers(net); i++) {
        fv_net_layer(net, i, &layer);
        bool same = layer.out.c == last.c && layer.out.h == last.h && layer.out.w == last.w;
        print_layer(&layer, same, w, to);
        last = layer.out;
    }
}

static void print_recipe(const cli_training *t, FILE *to) {
    const fv_run_config *c = &t->config;
    char *optimizer = cli_shown(c->optimizer), *schedule = cli_shown(c->schedule); /* with a stranger's comments */
    fprintf(to, "    %s, learning rate %g, %s · batch %d · seed %llu · %s, %d thread%s\n", optimizer, c->learning_rate,
            schedule, c->batch, (unsigned long long)c->seed, fv_isa_name(), t->threads, t->threads == 1 ? "" : "s");
    free(optimizer);
    free(schedule);
    if (*c->init) {
        char *init = cli_shown(c->init);
        fprintf(to, "    init %s\n", init);
        free(init);
    }
    if (t->augment) fprintf(to, "    augment %s\n", fv_augment_text(t->augment));
    char more[320] = "";
    size_t n = 0;
    char *weights = cli_shown(c->class_weights);
    if (t->class_weights) n += (size_t)snprintf(more + n, sizeof more - n, " · class weights %.60s", weights);
    free(weights);
    if (t->options.balanced) n += (size_t)snprintf(more + n, sizeof more - n, " · every class drawn alike");
    if (c->label_smoothing > 0)
        n += (size_t)snprintf(more + n, sizeof more - n, " · label smoothing %g", c->label_smoothing);
    if (c->ema > 0) n += (size_t)snprintf(more + n, sizeof more - n, " · averaged weights %g", c->ema);
    if (c->patience > 0) n += (size_t)snprintf(more + n, sizeof more - n, " · patience %d", c->patience);
    if (n) fprintf(to, "    %s\n", more + strlen(" · "));
}

void cli_training_print(const cli_training *t, FILE *to) {
    const fv_dataset *d = t->dataset;
    fv_shape s = d->train.shape;
    const char *name = fv_model_text(t->config.model) ? t->config.model : "model";
    int width = most(12, most((int)strlen(d->name), (int)strlen(name)));
    fprintf(to, "%-*s %s train, %s validation, %s test · %s · %d classes\n", width, d->name, cli_count(t->training.n).s,
            cli_count(t->validation.n).s, cli_count(d->test.n).s, cli_shape(s.c, s.h, s.w).s, d->n_classes);
    fprintf(to, "%-*s %s weights · %s multiply-adds an image%s\n", width, name, cli_count(fv_net_n_weights(t->net)).s,
            cli_metric((double)fv_net_n_multiply_adds(t->net)).s,
            t->config.pad ? " · pad 1, the images are small" : "");
    print_layers(t->net, to);
    print_recipe(t, to);
}

/* The head of the table that on_epoch fills. */
static void print_head(const cli_training *t) {
    if (!t->rows) return;
    fprintf(t->rows, "%sepoch   loss     accuracy   %simages/s%s\n", cli_escape(t->rows, CLI_DIM),
            t->validation.n ? "val loss   val accuracy   " : "", cli_escape(t->rows, CLI_PLAIN));
}

fv_status cli_training_run(cli_training *t, fv_error *error) {
    print_head(t);
    t->start_s = t->epoch_start_s = t->saved_s = now_s();
    if (t->directory) t->options.on_state = on_state;
    if (t->directory && t->checkpoint_every_s > 0) t->options.state_due = state_due;
    if (t->from) {
        t->options.resume = fv_checkpoint_state(t->from, &t->before_s);
        t->epoch_start_s -= t->options.resume->time_s;
    }
    fv_status status = fv_train(t->net, &t->dataset->train, &t->training, &t->validation, &t->options, t->history,
                                &t->epochs_done, error);
    cli_bar_clear();
    t->time_s = t->before_s + now_s() - t->start_s;
    bool ended = status == FV_OK || status == FV_E_INTERRUPTED || status == FV_E_DIVERGED;
    if (!ended || t->validation.n == 0) return status;
    fv_status evaluated =
        fv_evaluate(t->net, &t->dataset->train, &t->validation, t->threads, NULL, 0, 0, &t->score, t->predictions);
    if (evaluated == FV_OK) evaluated = fv_macro_of(t->predictions, t->score.n, t->dataset->n_classes, &t->macro);
    if (status == FV_OK && evaluated != FV_OK)
        return fv_fail(error, evaluated, "validation: %s", fv_status_text(evaluated));
    return status;
}

void cli_training_deinit(cli_training *t) {
    fv_net_destroy(t->net);
    fv_augment_destroy(t->augment);
    free(t->class_weights);
    fv_indices_deinit(&t->training);
    fv_indices_deinit(&t->validation);
    fv_dataset_destroy(t->dataset);
    free(t->history);
    free(t->predictions);
    fv_checkpoint_destroy(t->from);
    *t = (cli_training){0};
}
