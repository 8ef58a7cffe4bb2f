/* The sections of study.json (docs/study-json.md), a file for what the trainings came to and one for the explained
 * model.
 */
#ifndef FV_STUDY_JSON_H
#define FV_STUDY_JSON_H

#include <math.h>

#include "formats/json_text.h"
#include "study/study.h"

static inline json_t *fv_json_number(double x) { /* null: not finite */
    return isfinite(x) ? json_real(x) : json_null();
}
static inline json_t *fv_json_count(size_t n) {
    return json_integer((json_int_t)n);
}
json_t *fv_json_floats(const float *x, size_t n);

/* Questions 1 and 2: rows, McNemar's tests per seed, differences over the seeds. */
void fv_json_put_comparison(json_t **root, const fv_study *study, unsigned part);
/* Question 3: rows and the fitted power law. */
void fv_json_put_scaling(json_t **root, const fv_study *study);
/* The epochs of a run, as they were while training. */
json_t *fv_json_run_history(const fv_job *job);
/* Questions 4 to 8. */
void fv_json_put_findings(json_t **root, const fv_study *study);

#endif
