#include "formats/vips.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libvips.so.42"

/* Filled once, then only read. */
static struct {
    pthread_once_t once;
    fv_vips functions;
    bool ready;
    char reason[256];
} opened = {.once = PTHREAD_ONCE_INIT};

static void swallow(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {
    (void)domain, (void)level, (void)message, (void)data;
}

/* A function's address; object and function pointers have one size on every system with dlsym. */
static bool look_up(void *library, const char *name, void *place, size_t size) {
    void *address = dlsym(library, name);
    _Static_assert(sizeof address == sizeof(void (*)(void)), "dlsym returns functions, too");
    memcpy(place, &address, size);
    if (!address) snprintf(opened.reason, sizeof opened.reason, LIBRARY " holds no %s", name);
    return address != NULL;
}

static void open_library(void) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(opened.reason, sizeof opened.reason, "%s", dlerror());
        return;
    }
    fv_vips *f = &opened.functions;
#define LOOK_UP(name)                                                                                                  \
    if (!look_up(library, #name, &f->name, sizeof f->name)) return;
    FV_VIPS_FUNCTIONS(LOOK_UP)
    if (f->vips_init("fovea") != 0) {
        snprintf(opened.reason, sizeof opened.reason, LIBRARY " could not be started");
        return;
    }
    f->vips_concurrency_set(1); /* threads take whole pictures */
    f->vips_cache_set_max(0);   /* no picture is read twice */
    f->g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, swallow, NULL);
    opened.ready = true;
}

fv_status fv_vips_get(const fv_vips **out, fv_error *error) {
    pthread_once(&opened.once, open_library);
    if (!opened.ready)
        return fv_fail(error, FV_E_UNSUPPORTED,
                       "images are read by libvips, which is not here (%s): install it, on Debian with "
                       "`apt-get install libvips42`",
                       opened.reason);
    *out = &opened.functions;
    return FV_OK;
}
