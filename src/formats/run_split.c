#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "formats/run_config.h"

/* How many of n images the text means. */
static fv_status subset_count(const char *subset, const fv_dataset *dataset, size_t n, size_t *count, fv_error *error) {
    double value;
    bool fraction;
    if (!fv_subset_parse(subset, &value, &fraction))
        return fv_fail(error, FV_E_ARGUMENT, "subset: \"%s\": give a fraction (0.25 or 1/4) or a count of images",
                       subset);
    double images = fraction ? nearbyint(value * (double)n) : value;
    if (images < 1 || images > (double)n)
        return fv_fail(error, FV_E_ARGUMENT,
                       "subset: \"%s\" means %.0f of the %zu training images of %s: give 1 to %zu, or a fraction",
                       subset, images, n, dataset->name, n);
    *count = (size_t)images;
    return FV_OK;
}

/* Splits images[all] by class: positions in `all` first, then mapped back to the set. */
static fv_status split_subset(const fv_run_config *config, const fv_dataset *dataset, const fv_indices *all,
                              fv_indices *training, fv_indices *validation) {
    uint16_t *labels = fv_alloc(all->n, sizeof *labels);
    if (!labels) return FV_E_MEMORY;
    for (size_t i = 0; i < all->n; i++) labels[i] = dataset->train.labels[all->at[i]];
    fv_images part = {.n = all->n, .shape = dataset->train.shape, .labels = labels};
    fv_status status =
        fv_split_stratified(&part, dataset->n_classes, config->validation, config->split_seed, training, validation);
    free(labels);
    FV_TRY(status);
    for (size_t i = 0; i < training->n; i++) training->at[i] = all->at[training->at[i]];
    for (size_t i = 0; i < validation->n; i++) validation->at[i] = all->at[validation->at[i]];
    return FV_OK;
}

/* A part of the training images, split. */
static fv_status draw_and_split(const fv_run_config *config, const fv_dataset *dataset, size_t count,
                                fv_indices *training, fv_indices *validation) {
    fv_indices all = {0}, part = {0};
    fv_status status = fv_indices_all(dataset->train.n, &all);
    if (status == FV_OK)
        status = fv_subset_stratified(&dataset->train, dataset->n_classes, &all, count, config->split_seed, &part);
    if (status == FV_OK) status = split_subset(config, dataset, &part, training, validation);
    fv_indices_deinit(&all);
    fv_indices_deinit(&part);
    return status;
}

/* Where the set has a validation split of its own, that split stays whole. */
static fv_status split_and_draw(const fv_run_config *config, const fv_dataset *dataset, size_t count,
                                fv_indices *training, fv_indices *validation) {
    fv_indices part = {0};
    FV_TRY(fv_dataset_split(dataset, config->validation, config->split_seed, training, validation));
    fv_status status =
        fv_subset_stratified(&dataset->train, dataset->n_classes, training, count, config->split_seed, &part);
    fv_indices_deinit(training);
    if (status == FV_OK)
        *training = part;
    else
        fv_indices_deinit(validation);
    return status;
}

fv_status fv_run_split(const fv_run_config *config, const fv_dataset *dataset, fv_indices *training,
                       fv_indices *validation, fv_error *error) {
    fv_status status;
    if (*config->subset) {
        bool own = dataset->n_validation > 0 && config->validation > 0;
        size_t count = 0, n = dataset->train.n - (own ? dataset->n_validation : 0);
        FV_TRY(subset_count(config->subset, dataset, n, &count, error));
        status = own ? split_and_draw(config, dataset, count, training, validation)
                     : draw_and_split(config, dataset, count, training, validation);
    } else {
        status = fv_dataset_split(dataset, config->validation, config->split_seed, training, validation);
    }
    return status == FV_OK
               ? FV_OK
               : fv_fail(error, status, "%s: could not be split: %s", dataset->name, fv_status_text(status));
}
