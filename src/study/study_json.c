/* study.json: see docs/study-json.md. */
#include "study/study_json.h"

#include <string.h>
#include <time.h>

#include "fovea/machine.h"

json_t *fv_json_floats(const float *x, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) fv_json_append(&list, fv_json_number(x[i]));
    return list;
}

/* ---- what was asked, of what, where ---- */

static json_t *dataset_json(const fv_study *s) {
    const fv_dataset *d = s->dataset;
    json_t *o = json_object(), *names = json_array();
    float mean[FV_MAX_CHANNELS], std[FV_MAX_CHANNELS];
    size_t c = (size_t)d->train.shape.c;
    for (int i = 0; i < d->n_classes; i++) fv_json_append(&names, json_string(d->class_names[i]));
    fv_json_put(&o, "name", json_string(d->name));
    fv_json_put(&o, "path", json_string(d->path));
    fv_json_put(&o, "shape", json_pack("[iii]", d->train.shape.c, d->train.shape.h, d->train.shape.w));
    fv_json_put(&o, "n_classes", json_integer(d->n_classes));
    fv_json_put(&o, "class_names", names);
    fv_json_put(&o, "n_train", fv_json_count(d->train.n));
    fv_json_put(&o, "n_test", fv_json_count(d->test.n));
    fv_json_put(&o, "n_training", fv_json_count(s->training.n));
    fv_json_put(&o, "n_validation", fv_json_count(s->validation.n));
    fv_json_put(&o, "test_set_aside", json_boolean(d->test_set_aside));
    fv_json_put(&o, "train_sha256", json_string(d->train_sha256));
    fv_json_put(&o, "test_sha256", json_string(d->test_sha256));
    if (fv_pixel_statistics(&d->train, &s->training, mean, std) == FV_OK) {
        fv_json_put(&o, "mean", fv_json_floats(mean, c));
        fv_json_put(&o, "std", fv_json_floats(std, c));
    }
    return o;
}

static json_t *machine_json(const fv_study *s) {
    char name[128];
    fv_machine_name(name, sizeof name);
    return json_pack("{ss si si ss ss}", "processor", name, "processors", fv_processors(), "threads", s->threads, "isa",
                     fv_isa_name(), "compiler", fv_compiler());
}

static json_t *parts_json(unsigned parts) {
    json_t *list = json_array();
    for (int i = 0; fv_study_part_name(i); i++)
        if (parts >> i & 1) fv_json_append(&list, json_string(fv_study_part_name(i)));
    return list;
}

static json_t *config_json(const fv_study *s) {
    const fv_study_options *o = s->options;
    json_t *seeds = json_array();
    for (int i = 0; i < o->n_seeds; i++) fv_json_append(&seeds, json_integer((json_int_t)o->seed + i));
    json_t *schemes = json_array();
    for (int i = 0; i < s->n_schemes && o->parts & FV_PART_AUGMENTATION; i++)
        fv_json_append(&schemes, json_string(s->schemes[i]));
    const fv_run_config data = fv_study_data_config(s);
    json_t *config = json_pack("{so so si si so sI ss sf ss sf si ss ss ss si si si}", "parts", parts_json(o->parts),
                               "augmentations", schemes, "epochs", o->epochs, "batch", o->batch, "seeds", seeds,
                               "split_seed", (json_int_t)o->split_seed, "optimizer", o->optimizer, "learning_rate",
                               o->learning_rate, "schedule", o->schedule, "validation", o->validation, "pad", s->pad,
                               "explain", s->explain_model, "size", data.size, "fit", data.fit, "channels",
                               data.channels, "skip_bad", data.skip_bad, "transpose", data.transpose);
    if (o->n_queries) {
        json_t *queries = json_array();
        for (int i = 0; i < o->n_queries; i++) fv_json_append(&queries, json_integer((json_int_t)o->queries[i]));
        fv_json_put(&config, "queries", queries);
    }
    return config;
}

/* ---- the whole ---- */

static double part_time(const fv_study *s, unsigned part) {
    double sum = 0;
    for (int i = 0; i < s->n_jobs; i++) sum += s->jobs[i].parts & part ? s->jobs[i].time_s : 0;
    return sum;
}

static json_t *time_json(const fv_study *s) {
    json_t *o =
        json_pack("{so so}", "total", fv_json_number(s->total_s), "training", fv_json_number(s->training_wall_s));
    const fv_findings *f = &s->findings;
    const double own[] = {part_time(s, FV_PART_AUGMENTATION),
                          part_time(s, FV_PART_ARCHITECTURE),
                          part_time(s, FV_PART_SCALING),
                          f->mistakes_s,
                          0,
                          0,
                          f->embedding_s,
                          f->neighbours_s};
    for (int i = 0; fv_study_part_name(i); i++)
        if (s->options->parts >> i & 1) fv_json_put(&o, fv_study_part_name(i), fv_json_number(own[i]));
    return o;
}

static double images_per_s(const fv_study *s) {
    double images = 0;
    for (int i = 0; i < s->n_jobs; i++)
        images += s->jobs[i].done ? (double)s->jobs[i].n_train * s->jobs[i].n_epochs : 0;
    return images / s->training_wall_s;
}

static void add_date(json_t **root) {
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) && strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc))
        fv_json_put(root, "date", json_string(date));
}

fv_status fv_study_json(const fv_study *s, char **out) {
    json_t *root = json_object();
    unsigned parts = s->options->parts;
    fv_json_put(&root, "fovea", json_string(fv_version()));
    fv_json_put(&root, "kind", json_string(s->kind));
    fv_json_put(&root, "command", json_string(s->options->command ? s->options->command : ""));
    add_date(&root);
    if (s->interrupted) fv_json_put(&root, "interrupted", json_true());
    fv_json_put(&root, "dataset", dataset_json(s));
    fv_json_put(&root, "machine", machine_json(s));
    fv_json_put(&root, "config", config_json(s));
    fv_json_put(&root, "time_s", time_json(s));
    fv_json_put(&root, "images_per_s", fv_json_number(images_per_s(s)));
    if (strcmp(s->kind, "run") == 0) fv_json_put(&root, "history", fv_json_run_history(&s->jobs[s->final_job]));
    if (parts & FV_PART_AUGMENTATION) fv_json_put_comparison(&root, s, FV_PART_AUGMENTATION);
    if (parts & FV_PART_ARCHITECTURE) fv_json_put_comparison(&root, s, FV_PART_ARCHITECTURE);
    if (parts & FV_PART_SCALING) fv_json_put_scaling(&root, s);
    if (s->findings.done) fv_json_put_findings(&root, s);
    *out = fv_json_text(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(root);
    return *out ? FV_OK : FV_E_MEMORY;
}
