/* What this machine is. */
#ifndef FOVEA_MACHINE_H
#define FOVEA_MACHINE_H

#include "fovea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Processors this process may use: affinity and cgroup quota respected; at least 1. */
int fv_processors(void);

/* The processor's own name ("AMD EPYC"); "unknown" where the system does not tell. Writes at most `size` bytes. */
void fv_machine_name(char *out, unsigned size);

/* The instruction set in use: "generic", "avx2", "avx512" or "neon". Chosen once from what the processor and the
 * operating system support; FOVEA_ISA forces one. */
const char *fv_isa_name(void);

/* Chooses the instruction set now. FV_E_ARGUMENT where FOVEA_ISA names none, FV_E_UNSUPPORTED where it names one that
 * this machine lacks; programs call it before anything else, since later calls could not report it. */
fv_status fv_isa_choose(fv_error *error) FV_MUST_CHECK;

/* "0.1.0" */
const char *fv_version(void);
/* "gcc 12.2.0" */
const char *fv_compiler(void);

#ifdef __cplusplus
}
#endif
#endif
