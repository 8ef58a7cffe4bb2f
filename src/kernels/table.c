/* The table of one instruction set; compiled once per set. */
#include "kernels/isa.h"

extern const fv_kernels FV_K(kernels);
const fv_kernels FV_K(kernels) = {.name = FV_ISA,
#define FV_KERNEL_ROW(type, name, arguments) .name = FV_K(name),
                                  FV_KERNELS(FV_KERNEL_ROW)
#undef FV_KERNEL_ROW
};
