/* SPDX-License-Identifier: Apache-2.0 */
/* cpus.h - CPUs for the tests of the fleet's algebra */
#ifndef MUSTER_TESTS_UNIT_CPUS_H
#define MUSTER_TESTS_UNIT_CPUS_H

#include "cpu/x86_64/cpu_set.h"

/* Everything that the tables show, coherent but for what needs hidden things. */
void cpus_full(struct cpu_set *ret);

/* cpus_full() with much taken away at random; not closed. */
void cpus_random(struct cpu_set *ret, uint64_t *seed);

/* xorshift; the seed is never 0. */
uint64_t cpus_rand(uint64_t *seed);

/* A file of tests/data/fingerprints/, without its ".json". */
void cpus_fingerprint(const char *name, struct cpu_set *ret);

/* By name; a name that the tables lack fails the test. */
uint64_t cpus_get(const struct cpu_set *set, const char *name);
void cpus_put(struct cpu_set *set, const char *name, uint64_t value);
/* A control's "must be 1". */
void cpus_put_duty(struct cpu_set *set, const char *name);
bool cpus_get_duty(const struct cpu_set *set, const char *name);

#endif
