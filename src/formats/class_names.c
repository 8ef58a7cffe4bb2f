#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/images.h"
#include "formats/class_names.h"
#include "formats/files.h"
#include "fovea/net.h"

enum { MAX_NAME = 100 /* bytes */ };

/* The code of the first control character, of those beyond ASCII (U+0080 to U+009F), too; 0: there is none. */
static int control_in(const char *name) {
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        if (*at < ' ' || *at == 127) return *at;
        if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) return at[1];
    }
    return 0;
}

bool fv_class_name_good(const char *name) {
    return *name && !control_in(name) && strlen(name) <= MAX_NAME && fv_is_utf8(name);
}

/* Checks name number i against itself and those before it. */
static fv_status check_name(const char *path, char *const *names, int i, fv_error *error) {
    const char *name = names[i];
    if (*name == 0)
        return fv_fail(error, FV_E_DATA, "%s: line %d is empty; it must hold the name of class %d", fv_path_shown(path),
                       i + 1, i);
    if (strlen(name) > MAX_NAME || !fv_is_utf8(name))
        return fv_fail(error, FV_E_DATA, "%s: line %d is no class name: UTF-8 of at most %d bytes is",
                       fv_path_shown(path), i + 1, MAX_NAME);
    const int code = control_in(name);
    if (code)
        return fv_fail(error, FV_E_DATA, "%s: line %d holds a control character (code %d); a class name is text",
                       fv_path_shown(path), i + 1, code);
    for (int j = 0; j < i; j++) {
        if (strcmp(names[j], name) == 0)
            return fv_fail(error, FV_E_DATA, "%s: lines %d and %d are both \"%s\"; every class needs a name of its own",
                           fv_path_shown(path), j + 1, i + 1, name);
    }
    return FV_OK;
}

/* Cuts the text into lines, in place: blanks at a line's ends and empty lines at the end do not count. At most
 * FV_MAX_CLASSES + 1 are noted. */
static int cut_lines(char *text, char *lines[FV_MAX_CLASSES + 1]) {
    int n = 0;
    char *end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1])) *--end = 0;
    for (char *at = end > text ? text : NULL; at && n <= FV_MAX_CLASSES; n++) {
        char *next = strchr(at, '\n'), *last = next ? next : at + strlen(at);
        while (last > at && strchr(" \t\r", last[-1])) last--;
        *last = 0;
        lines[n] = at + strspn(at, " \t");
        at = next ? next + 1 : NULL;
    }
    return n;
}

fv_status fv_class_names_read_file(const char *path, char ***names, int *n, fv_error *error) {
    char *text, *lines[FV_MAX_CLASSES + 1];
    size_t size;
    *names = NULL;
    *n = 0;
    FV_TRY(fv_file_read(path, 1 << 20, &text, &size, error));
    int count = cut_lines(text, lines);
    fv_status status = FV_OK;
    if (count < 2 || count > FV_MAX_CLASSES)
        status = fv_fail(error, FV_E_DATA, "%s: names %s%d class%s; 2 to %d are allowed, a line each",
                         fv_path_shown(path), count > FV_MAX_CLASSES ? "more than " : "",
                         count > FV_MAX_CLASSES ? FV_MAX_CLASSES : count, count == 1 ? "" : "es", FV_MAX_CLASSES);
    for (int i = 0; status == FV_OK && i < count; i++) status = check_name(path, lines, i, error);
    if (status == FV_OK) {
        *names = fv_copy_names((const char *const *)lines, count);
        *n = *names ? count : 0;
        if (!*names) status = fv_fail(error, FV_E_MEMORY, "%s: not enough memory to read it", fv_path_shown(path));
    }
    free(text);
    return status;
}

fv_status fv_class_names_read(const char *set, char ***names, int *n, fv_error *error) {
    char path[640];
    struct stat info;
    const char *slash = strrchr(set, '/');
    if (stat(set, &info) != 0 || S_ISDIR(info.st_mode))
        snprintf(path, sizeof path, "%s/classes.txt", set);
    else
        snprintf(path, sizeof path, "%.*sclasses.txt", slash ? (int)(slash - set) + 1 : 0, set);
    *names = NULL;
    *n = 0;
    if (stat(path, &info) != 0 && errno == ENOENT) return FV_OK;
    return fv_class_names_read_file(path, names, n, error);
}
