#include <stdlib.h>

#include "data/images.h"
#include "formats/set_format.h"
#include "fovea/net.h"

static const fv_set_format *const formats[] = {&fv_set_idx,      &fv_set_cifar, &fv_set_svhn,  &fv_set_numpy,
                                               &fv_set_manifest, &fv_set_csv,   &fv_set_folder};

const fv_set_format *fv_set_format_of(const char *path) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i]->is_here(path)) return formats[i];
    }
    return NULL;
}

void fv_set_content_deinit(fv_set_content *content) {
    fv_images_deinit(&content->train);
    fv_images_deinit(&content->validation);
    fv_images_deinit(&content->test);
    fv_strings_free(content->class_names, content->n_classes);
    fv_strings_free(content->notes, content->n_notes);
    free(content->origins);
    free(content->origin_names);
    *content = (fv_set_content){0};
}
