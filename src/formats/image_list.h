/* Image files with labels, to be decoded into a data set: what a folder of images and a manifest come to. */
#ifndef FV_IMAGE_LIST_H
#define FV_IMAGE_LIST_H

#include "formats/picture.h"
#include "formats/set_format.h"

enum { FV_CACHE_PATH = 600 };

typedef enum fv_list_split { FV_LIST_TRAIN, FV_LIST_VALIDATION, FV_LIST_TEST } fv_list_split;

typedef struct fv_listed {
    char *file; /* below the root, or an absolute path */
    uint16_t label;
    uint8_t split;       /* fv_list_split */
    bool bad, colour;    /* filled by decoding */
    bool unread;         /* likewise: bad, because the system did not give it, which has it */
    fv_origin origin;    /* likewise; its file is `file` */
    uint64_t size_bytes; /* as the system tells, with its time in ns */
    int64_t time_ns;
} fv_listed;

typedef struct fv_image_list {
    const char *root;     /* the directory of its files */
    const char *name;     /* what messages name: the folder, the manifest */
    const char *add_test; /* where its test images would stand, for a message */
    size_t n, room;
    fv_listed *at;
    char **class_names; /* [n_classes] */
    int n_classes;
} fv_image_list;
void fv_image_list_deinit(fv_image_list *list);
/* Appends a file; FV_E_MEMORY. */
fv_status fv_image_list_add(fv_image_list *list, const char *file, int label, fv_list_split split) FV_MUST_CHECK;

/* Decodes the list as content->options say (fv_dataset_options), or takes what was decoded before from the cache;
 * sets 15 % of each class aside for testing where there is no test split. Order within a split stays. Class names are
 * given away. FV_E_IO, FV_E_DATA (more than 1 % of the files are bad and options->skip_bad is not set),
 * FV_E_INTERRUPTED, FV_E_UNSUPPORTED, FV_E_MEMORY. */
fv_status fv_image_list_read(fv_image_list *list, fv_set_content *content, fv_error *error) FV_MUST_CHECK;

/* Decodes one file of the list; the message is exact when no other thread decodes. */
fv_status fv_image_list_decode(const fv_image_list *list, fv_listed *file, fv_shape shape, fv_fit fit, uint8_t *out,
                               fv_error *error) FV_MUST_CHECK;
/* Height and width of images where options do not say: the medians of up to 1,001 of the training files, evenly
 * spread; shrunk to 64 where the longer is more. FV_E_DATA where none can be read. */
fv_status fv_image_list_size(const fv_image_list *list, fv_shape *shape, fv_error *error) FV_MUST_CHECK;

/* The cache: one file per folder and options, $XDG_CACHE_HOME/fovea/.images/<hash>, valid as long as the names, sizes
 * and times of all files are the same. */
typedef struct fv_image_cache {
    char path[FV_CACHE_PATH]; /* empty: there is no place for it */
    char key[65];             /* of files and options */
} fv_image_cache;
/* Finds both from a list whose sizes and times are known. */
void fv_image_cache_find(const fv_image_list *list, const fv_dataset_options *options, fv_image_cache *out);
/* False where there is none that is whole and of this key. */
bool fv_image_cache_read(const fv_image_cache *cache, fv_set_content *content);
/* Waits until no other program decodes these images; what it did is then in the cache, if that could be
 * written. *lock is for the other function; -1: there is no place for a lock, all is done as if alone. FV_E_INTERRUPTED
 * where options->cancelled said so. */
fv_status fv_image_cache_lock(const fv_image_cache *cache, const fv_dataset_options *options, int *lock, bool *waited,
                              fv_error *error) FV_MUST_CHECK;
void fv_image_cache_unlock(const fv_image_cache *cache, int lock);
fv_status fv_image_cache_write(const fv_image_cache *cache, const fv_set_content *content,
                               fv_error *error) FV_MUST_CHECK;

#endif
