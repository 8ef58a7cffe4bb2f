/* study.json, parsed, and the groupings that sentences, tables and charts share. Everything is borrowed from `root`. */
#ifndef FV_FACTS_H
#define FV_FACTS_H

#include <jansson.h>
#include <stdbool.h>

#include "fovea/statistics.h"
#include "fovea/status.h"

typedef struct fv_facts {
    json_t *root;
    const json_t *dataset, *config, *final; /* final may be NULL */
    char name[80];                          /* of the dataset, as people write it: MNIST, Fashion-MNIST */
    bool is_run;                            /* the page of one run, not of a study */
    int n_classes, n_seeds;
} fv_facts;

/* FV_E_DATA where the text does not parse or lacks the dataset and its classes. */
fv_status fv_facts_read(const char *study_json, fv_facts *out, fv_error *error) FV_MUST_CHECK;
void fv_facts_deinit(fv_facts *facts);

/* A part of the study; NULL where it was not asked for. */
const json_t *fv_fact_part(const fv_facts *facts, const char *key);
/* "7", "Ankle boot"; "?" where there is no such class. */
const char *fv_class_name(const fv_facts *facts, size_t class);

/* A member of an object, with a fallback where it is absent or of another type. `object` may be NULL. */
double fv_fact_number(const json_t *object, const char *key, double fallback);
/* The same of an error, which a fitted line may put above all images: 1 at most; NaN stays it. */
double fv_fact_error(const json_t *object, const char *key, double fallback);
const char *fv_fact_text(const json_t *object, const char *key, const char *fallback);
/* A number of images that a file tells, rounded: 0 where it is negative or beyond what a double counts. */
size_t fv_counted(double number);

/* One measure of one group of rows: its seeds' values. */
typedef struct fv_measure {
    double correct, total;      /* mean over seeds */
    double accuracy, loss;      /* mean over seeds */
    double low_seed, high_seed; /* lowest and highest accuracy of a seed */
    fv_interval interval;       /* Wilson, of `correct` out of `total` */
    fv_macro_score macro;       /* mean over seeds; NaN where the study does not say */
    bool macro_differs;         /* it is worth telling: fv_macro_differs */
} fv_measure;

enum { FV_MAX_GROUPS = 64 };

/* Rows of one scheme, architecture or fraction: a row per seed. */
typedef struct fv_group {
    const char *name;
    const json_t *first;
    int n;                  /* rows */
    double time_s;          /* mean over seeds */
    double n_train;         /* scaling only */
    fv_measure train, held; /* held: validation, or test in scaling */
} fv_group;

/* Whether the balanced accuracy of `<split>_correct` of `<split>_total` is worth telling; *macro gets both averages. */
bool fv_fact_macro(const json_t *object, const char *split, fv_macro_score *macro);

/* Groups `rows` by `key` ("name", or "n_train" for scaling), in order of appearance; `held` is "validation" or "test".
 * Returns how many. */
size_t fv_group_rows(const json_t *rows, const char *key, const char *held, fv_group *out);

/* How the held-out accuracy of a differs from that of b. */
typedef struct fv_comparison {
    bool known;        /* the study holds a test of this pair */
    bool by_seeds;     /* paired t interval over seeds; otherwise McNemar's test of one pair of networks */
    double difference; /* a - b, fraction */
    double low, high;  /* by_seeds */
    double p;          /* not by_seeds */
    bool distinct;     /* the interval excludes 0, or p < 0.05 */
} fv_comparison;
/* `part` is "augmentation" or "architecture". */
fv_comparison fv_compare_groups(const fv_facts *facts, const char *part, const fv_group *a, const fv_group *b);

#endif
