#include "formats/known_sets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/set_format.h"

static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const garments[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                       "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

static const char *const kana[] = {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"};
static const char *const characters[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "E", "F",
                                         "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V",
                                         "W", "X", "Y", "Z", "a", "b", "d", "e", "f", "g", "h", "n", "q", "r", "t"};

static const fv_known_set known[] = {
    {"digits", "1,797 handwritten digits of 8x8 (UCI Optdigits)", NULL, 10, digits, 0},
    {"mnist", "70,000 handwritten digits of 28x28", "fovea data get mnist", 10, digits, 0},
    {"fashion-mnist", "70,000 garments of 28x28",
     "fovea data get fashion-mnist, or apt-get install dataset-fashion-mnist", 10, garments, 0},
    {"kmnist", "70,000 cursive kana of 28x28", "fovea data get kmnist", 10, kana, 0},
    {"qmnist", "120,000 handwritten digits of 28x28", "fovea data get qmnist", 10, digits, 0},
    {"emnist-digits", "280,000 handwritten digits of 28x28", "fovea data get emnist-digits", 10, digits, 0},
    {"emnist-letters", "145,600 handwritten letters of 28x28", "fovea data get emnist-letters", 26, characters + 10, 1},
    {"emnist-balanced", "131,600 digits and letters of 28x28", "fovea data get emnist-balanced", 47, characters, 0},
    {"cifar10", "60,000 photographs of 32x32, 10 classes", "fovea data get cifar10", 0, NULL, 0},
    {"cifar100", "60,000 photographs of 32x32, 100 classes", "fovea data get cifar100", 0, NULL, 0},
    {"svhn", "99,289 digits of house numbers, 32x32", "fovea data get svhn", 10, digits, 0},
};

const fv_known_set *fv_known_set_at(int index) {
    return index >= 0 && index < (int)(sizeof known / sizeof *known) ? &known[index] : NULL;
}

const fv_known_set *fv_known_set_find(const char *name) {
    for (int i = 0; fv_known_set_at(i); i++) {
        if (strcmp(known[i].name, name) == 0) return &known[i];
    }
    return NULL;
}

bool fv_is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool fv_set_root(int index, char out[FV_SET_PATH]) {
    const char *data = getenv("FOVEA_DATA"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = 0;
    if (index == 0 && data) n = snprintf(out, FV_SET_PATH, "%s", data);
    if (index == 1 && cache && *cache) n = snprintf(out, FV_SET_PATH, "%s/fovea", cache);
    if (index == 1 && !(cache && *cache) && home && *home) n = snprintf(out, FV_SET_PATH, "%s/.cache/fovea", home);
    if (index == 2) n = snprintf(out, FV_SET_PATH, "/usr/share/datasets");
    return n > 0 && n < FV_SET_PATH;
}

bool fv_set_locate(const char *name, char out[FV_SET_PATH]) {
    char root[FV_SET_PATH], path[FV_SET_PATH];
    for (int i = 0; i < FV_SET_ROOTS; i++) {
        if (!fv_set_root(i, root)) continue;
        int n = snprintf(path, sizeof path, "%s/%s", root, name);
        if (n < 0 || n >= FV_SET_PATH || !fv_is_directory(path)) continue;
        memcpy(out, path, (size_t)n + 1);
        return true;
    }
    return false;
}

static void describe(const fv_known_set *set, fv_dataset_entry *out) {
    snprintf(out->name, sizeof out->name, "%s", set->name);
    bool found = fv_set_locate(set->name, out->path);
    if (!found) snprintf(out->path, sizeof out->path, "%s", set->get ? "" : "embedded");
    snprintf(out->how, sizeof out->how, "%s%s%s", set->what, *out->path ? "" : "; ", *out->path ? "" : set->get);
}

/* The format of a directory that is no known set and that a name would find here; NULL: it is none. */
static const fv_set_format *format_of_other(const char *root, const char *name, char path[FV_SET_PATH]) {
    char first[FV_SET_PATH];
    if (name[0] == '.' || strlen(name) >= sizeof((fv_dataset_entry *)0)->name || fv_known_set_find(name)) return NULL;
    int n = snprintf(path, FV_SET_PATH, "%s/%s", root, name);
    bool found = n > 0 && n < FV_SET_PATH && fv_is_directory(path) && fv_set_locate(name, first);
    return found && strcmp(first, path) == 0 ? fv_set_format_of(path) : NULL;
}

/* The (*skip)th other set under a root, in the order of names; counts *skip down by those it passes. */
static bool other_set(const char *root, int *skip, fv_dataset_entry *out) {
    struct dirent **entries;
    int n = scandir(root, &entries, NULL, alphasort);
    bool found = false;
    for (int i = 0; i < n; i++) {
        const fv_set_format *format = found ? NULL : format_of_other(root, entries[i]->d_name, out->path);
        if (format && (*skip)-- == 0) {
            found = true;
            snprintf(out->name, sizeof out->name, "%.63s", entries[i]->d_name);
            snprintf(out->how, sizeof out->how, "%s", format->what);
        }
        free(entries[i]);
    }
    if (n >= 0) free(entries);
    return found;
}

bool fv_dataset_list(int index, fv_dataset_entry *out) {
    const fv_known_set *set = fv_known_set_at(index);
    fv_dataset_entry entry = {0};
    bool found = set != NULL;
    if (set) describe(set, &entry);
    int skip = index - (int)(sizeof known / sizeof *known);
    char root[FV_SET_PATH];
    for (int i = 0; !found && skip >= 0 && i < FV_SET_ROOTS; i++) {
        found = fv_set_root(i, root) && other_set(root, &skip, &entry);
    }
    if (found) *out = entry;
    return found;
}
