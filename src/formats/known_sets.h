/* Datasets that have names, and where names are looked for. */
#ifndef FV_KNOWN_SETS_H
#define FV_KNOWN_SETS_H

#include "fovea/data.h"

enum { FV_SET_PATH = 512 }; /* of fv_dataset.path */

typedef struct fv_known_set {
    const char *name;
    const char *what; /* one line */
    const char *get;  /* how it comes to this machine; NULL: embedded */
    int n_classes;
    const char *const *class_names; /* NULL: the files name them */
    int first_label;                /* the files count from it */
} fv_known_set;

/* Index 0, 1, ...; NULL at the end. */
const fv_known_set *fv_known_set_at(int index);
/* NULL when the name is not known. */
const fv_known_set *fv_known_set_find(const char *name);

/* The directories that hold datasets, in the order of search: $FOVEA_DATA, $XDG_CACHE_HOME/fovea (~/.cache/fovea),
 * /usr/share/datasets. Index 0, 1, 2; false where one is not set (or too long). */
enum { FV_SET_ROOTS = 3 };
bool fv_set_root(int index, char out[FV_SET_PATH]);

/* Finds the directory <root>/<name>. */
bool fv_set_locate(const char *name, char out[FV_SET_PATH]);

bool fv_is_directory(const char *path);

#endif
