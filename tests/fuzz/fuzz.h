/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - the entry that each target in this folder defines.  It must return 0
 * for any input, keep no state from one input to the next, and leak nothing.
 */
#ifndef MUSTER_TESTS_FUZZ_H
#define MUSTER_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
