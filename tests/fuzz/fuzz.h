/* A fuzz target: one entry that libFuzzer calls too, and sound inputs to start from.
 *
 * Under ctest each target is linked with fuzz_main.c, which changes the seeds at random, but the same way every time,
 * for about a second. For longer: clang -g -fsanitize=fuzzer,address,undefined -Iinclude -Isrc -Itests
 * tests/fuzz/fuzz_idx.c <sources of the library> -lz -lmd -ljansson. */
#ifndef FV_FUZZ_H
#define FV_FUZZ_H

#define _GNU_SOURCE

#include <stddef.h>
#include <stdint.h>

#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seed 0, 1, ...; `at` NULL at the end. The caller frees. */
bytes fuzz_seed(int index);

/* How many changed inputs make about a second. */
extern const unsigned fuzz_rounds;

/* For what must hold whatever the input. */
#define FUZZ_NEED(what) scratch_need(what, #what)

#endif
