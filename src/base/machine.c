#define _GNU_SOURCE
#include "fovea/machine.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* Whole processors that the cgroup's quota grants, rounded up; 0 without a quota. */
static int quota_processors(void) {
    double quota = -1, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (f) {
        if (fscanf(f, "%lf %lf", &quota, &period) != 2) quota = -1; /* "max" means none */
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r"))) {
        if (fscanf(f, "%lf", &quota) != 1) quota = -1;
        fclose(f);
        f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r");
        if (f) {
            if (fscanf(f, "%lf", &period) != 1) period = 0;
            fclose(f);
        }
    }
    if (quota <= 0 || period <= 0) return 0;
    int whole = (int)(quota / period);
    return whole * period < quota ? whole + 1 : whole;
}

int fv_processors(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1, quota = quota_processors();
    if (quota > 0 && quota < n) n = quota;
    return n > 0 ? n : 1;
}

void fv_machine_name(char *out, unsigned size) {
    snprintf(out, size, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f) return;
    char line[256];
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        char *at = strchr(line, ':');
        if (!at) continue;
        for (at++; isspace((unsigned char)*at); at++) {
        }
        at[strcspn(at, "\n")] = 0;
        snprintf(out, size, "%s", at);
        break;
    }
    fclose(f);
}

const char *fv_version(void) {
    return FOVEA_VERSION;
}

const char *fv_compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}
