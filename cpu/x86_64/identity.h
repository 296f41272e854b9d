/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h - fields that mean something only together, and so merge together
 *
 * RULE_OLDEST: what a CPU is taken for and how its caches are built.  All of them
 * are those of one host, the least when their registers are compared in the order
 * of the table: the signature comes first, and grows with the generations.
 *
 * RULE_BRAND: the brand string.  That of all hosts, or where they differ one that
 * names nothing but the vendor, or none where a host has none.
 *
 * RULE_LAYOUT: a subleaf that describes one thing, such as a state component of
 * XSAVE.  The same on all hosts, or 0.
 *
 * Each of the three is a tree whose meets are unique: a chain; all strings above the
 * vendor's above none; all layouts above 0.
 */
#ifndef MUSTER_CPU_X86_64_IDENTITY_H
#define MUSTER_CPU_X86_64_IDENTITY_H

#include "cpu/x86_64/cpu_set.h"

/* Write into *ret, whose fields of these rules are 0, what `a` and `b` make. */
void identity_meet(
	struct cpu_set *ret, const struct cpu_set *a, const struct cpu_set *b);

/* Of a field of these rules: is what `wanted` has there not above `offer`? */
bool identity_fits(const struct cpu_set *offer, const struct cpu_set *wanted,
	unsigned row, const struct feature *f);

#endif
