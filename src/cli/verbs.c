#include <stdio.h>
#include <string.h>

#include "cli.h"

const cli_verb cli_verbs[] = {
    {"data", "shows datasets: what there is, what one holds", cli_data},
    {"train", "trains a model on a dataset, into a run directory", cli_train},
    {"eval", "evaluates a run: accuracy, precision, recall, F1", cli_eval},
    {"predict", "classifies images with a run's model", cli_predict},
    {"compare", "puts runs side by side, tested on the same images", cli_compare},
    {"study", "trains all that answers the eight questions, and writes the page", cli_study},
    {"report", "writes the page of a run, or of a study again", cli_report},
    {"export", "writes a run's model as ONNX, safetensors, npz or C source", cli_export},
    {"verify", "trains a run again and compares its weights, bit by bit", cli_verify},
    {"bench", "measures this machine, and where a model spends its time", cli_bench},
    {"version", "tells version, compiler and machine", cli_version},
    {"help", "explains a verb", cli_help},
    {NULL, NULL, NULL},
};

const cli_verb *cli_verb_find(const char *name) {
    for (const cli_verb *verb = cli_verbs; verb->name; verb++)
        if (strcmp(verb->name, name) == 0) return verb;
    return NULL;
}

fv_status cli_verb_unknown(const char *name, fv_error *error) {
    const char *names[32];
    char list[200] = "";
    size_t n = 0, used = 0;
    for (; cli_verbs[n].name; n++) {
        names[n] = cli_verbs[n].name;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", n ? ", " : "", names[n]);
    }
    const char *near = cli_nearest(name, names, n);
    if (near)
        return fv_fail(error, FV_E_ARGUMENT, "%.60s: no such verb: did you mean `%s`? Verbs: %s", name, near, list);
    return fv_fail(error, FV_E_ARGUMENT, "%.60s: no such verb: give one of %s", name, list);
}
