#include "formats/library_load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool fv_library_load(const char *library, const fv_symbol *symbols, size_t n, char *reason, size_t size) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(reason, size, "%s", dlerror());
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        void *address = dlsym(handle, symbols[i].name);
        _Static_assert(sizeof address == sizeof(void (*)(void)), "dlsym returns functions, too");
        memcpy(symbols[i].place, &address, sizeof address);
        if (address) continue;
        snprintf(reason, size, "%s holds no %s", library, symbols[i].name);
        return false;
    }
    return true;
}
