#include <stdio.h>
#include <string.h>

#include "cli.h"

int cli_threads(int asked) {
    return asked > 0 ? asked : fv_processors();
}

fv_status cli_dataset_open(const char *name, fv_dataset **out, fv_error *error) {
    enum { MOST = 64 };
    fv_dataset_entry entries[MOST];
    const char *names[MOST];
    fv_status status = fv_dataset_open(name, out, error);
    if (status != FV_E_NAME) return status;
    int n = 0;
    while (n < MOST && fv_dataset_list(n, &entries[n])) {
        names[n] = entries[n].name;
        n++;
    }
    const char *near = cli_nearest(name, names, (size_t)n);
    if (!near || strcmp(near, name) == 0) return status;
    char told[sizeof error->message];
    snprintf(told, sizeof told, "%s", error->message);
    return fv_fail(error, status, "%.440s\n    did you mean `%s`?", told, near);
}
