/* What the explained model showed: questions 4 to 8 in study.json. */
#include <stdlib.h>

#include "study/study_json.h"

static json_t *final_json(const fv_study *s) {
    const fv_job *job = &s->jobs[s->final_job];
    const fv_score *score = &s->findings.score;
    char hash[65];
    fv_net_hash(job->net, hash);
    return json_pack("{ss ss sI sI sI sI sI sI so so so ss so so}", "model", job->model, "text", job->text, "seed",
                     (json_int_t)job->seed, "parameters", (json_int_t)job->n_weights, "multiply_adds",
                     (json_int_t)job->n_multiply_adds, "n_train", (json_int_t)job->n_train, "test_correct",
                     (json_int_t)score->correct, "test_total", (json_int_t)score->n, "test_loss",
                     fv_json_number(score->loss), "test_macro_accuracy", fv_json_number(s->findings.macro.accuracy),
                     "test_macro_f1", fv_json_number(s->findings.macro.f1), "weights_sha256", hash, "time_s",
                     fv_json_number(job->time_s), "images_per_s",
                     fv_json_number((double)job->n_train * job->n_epochs / job->time_s));
}

static json_t *mistakes_json(const fv_findings *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_mistakes; i++) {
        const fv_prediction *p = &f->predictions[f->mistakes[i]];
        fv_json_append(&list, json_pack("{sI si si so so so}", "index", (json_int_t)p->index, "true", p->truth,
                                        "predicted", p->predicted, "p_true", fv_json_number(p->p_true), "p_predicted",
                                        fv_json_number(p->p_predicted), "loss", fv_json_number(p->loss)));
    }
    return list;
}

/* Of the first convolution. */
static json_t *kernels_json(const fv_net *net) {
    fv_tensor_info info;
    fv_net_tensor(net, 0, &info);
    float *values = malloc(info.n * sizeof *values);
    if (!values) return NULL;
    fv_net_tensor_get(net, 0, values);
    json_t *o = json_pack("{ss s[iiii] so}", "layer", info.name, "shape", info.size[0], info.size[1], info.size[2],
                          info.size[3], "values", fv_json_floats(values, info.n));
    free(values);
    return o;
}

static json_t *confusion_json(const fv_study *s) {
    json_t *rows = json_array();
    size_t k = (size_t)s->dataset->n_classes;
    for (size_t i = 0; i < k; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < k; j++) fv_json_append(&row, fv_json_count(s->findings.confusion[i * k + j]));
        fv_json_append(&rows, row);
    }
    return rows;
}

static json_t *embedding_json(const fv_study *s) {
    const fv_findings *f = &s->findings;
    json_t *points = json_array();
    for (size_t i = 0; i < f->embedding.n; i++)
        fv_json_append(&points, json_pack("[ffiiI]", (double)f->embedding.xy[2 * i], (double)f->embedding.xy[2 * i + 1],
                                          f->shown[i].truth, f->shown[i].predicted, (json_int_t)f->shown[i].index));
    return json_pack("{so so so si so}", "perplexity", fv_json_number(f->embedding.perplexity), "kl_divergence",
                     fv_json_number(f->embedding.kl_divergence), "neighbour_agreement",
                     fv_json_number(f->embedding.neighbour_agreement), "n_features",
                     fv_net_n_features(s->jobs[s->final_job].net), "points", points);
}

static json_t *neighbours_json(const fv_findings *f) {
    enum { NEAREST = 8 };
    json_t *list = json_array();
    for (int q = 0; q < f->n_queries; q++) {
        json_t *indices = json_array();
        size_t row = (size_t)f->queries[q] * NEAREST;
        for (size_t i = 0; i < NEAREST; i++)
            fv_json_append(&indices, fv_json_count(f->shown[f->nearest[row + i]].index));
        fv_json_append(&list, json_pack("{sI so so}", "query", (json_int_t)f->shown[f->queries[q]].index, "distances",
                                        fv_json_floats(f->nearest_distances + row, NEAREST), "indices", indices));
    }
    return list;
}

void fv_json_put_findings(json_t **root, const fv_study *s) {
    const fv_findings *f = &s->findings;
    unsigned parts = s->options->parts;
    const fv_net *net = s->jobs[s->final_job].net;
    fv_shape response;
    fv_json_put(root, "final", final_json(s));
    if (parts & FV_PART_MISTAKES) fv_json_put(root, "mistakes", mistakes_json(f));
    if (parts & FV_PART_KERNELS && fv_net_first_response(net, NULL, &response, NULL) == FV_OK)
        fv_json_put(root, "kernels", kernels_json(net));
    if (parts & FV_PART_CONFUSION) fv_json_put(root, "confusion", confusion_json(s));
    if (f->embedding.n) fv_json_put(root, "embedding", embedding_json(s));
    if (parts & FV_PART_NEIGHBOURS && f->nearest) fv_json_put(root, "neighbours", neighbours_json(f));
}
