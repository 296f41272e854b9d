/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - the merge rules of feature.h as one mask a row, and small steps on sets
 *
 * For the files of the algebra (meet, closure, check).  The masks are computed at
 * the first call, on any thread.
 */
#ifndef MUSTER_CPU_X86_64_RULES_H
#define MUSTER_CPU_X86_64_RULES_H

#include "cpu/x86_64/cpu_set.h"

struct row_rules {
	uint64_t and; /* RULE_AND; of a control row, what may be 1 */
	uint64_t or ; /* RULE_OR; of a control row, what must be 1 */
	uint64_t oldest, brand, layout; /* identity.h */
	uint64_t shown;                 /* what a closed set may hold */
	bool numbers; /* some fields are not a matter of masks */
};

const struct row_rules *rules_of(unsigned row);

/* The bits of a field in its register; a control's "may be 1" bits. */
uint64_t field_mask(unsigned row, const struct feature *f);

/* The value, 0 where the register is absent. */
uint64_t row_value(const struct cpu_set *set, unsigned row);

void row_put(struct cpu_set *set, unsigned row, uint64_t value);
void row_remove(struct cpu_set *set, unsigned row);

/* A feature by name; row is -ENOENT where the tables do not have it. */
struct feature_ref {
	int row;
	const struct feature *feature;
};

struct feature_ref feature_ref(const char *name);
bool ref_has(const struct cpu_set *set, struct feature_ref ref);

/* Those that the files of the algebra know by name. */
struct known_features {
	struct feature_ref vmx, true_ctls, ibrs_all, rsba, rrsba, la57,
		virt_bits;
};

const struct known_features *known_features(void);

/*
 * How well a set stands towards a flaw that VERW can clear (RULE_CLEAR).  A host
 * that is immune can pass for any level below: telling its guests to clear is
 * harmless.  So the levels are a chain, and merging takes the lowest.
 */
enum clear_level {
	CLEAR_NONE,        /* vulnerable, and VERW does not help */
	CLEAR_VERW,        /* vulnerable, and VERW helps */
	CLEAR_IMMUNE_VERW, /* immune, and says that VERW helps */
	CLEAR_IMMUNE,
};

#define CLEARINGS_MAX 8

/* The RULE_CLEAR features of closure_tab.c, in its order. */
unsigned clearings(void);
struct feature_ref clearing_feature(unsigned i);
enum clear_level clearing_level(const struct cpu_set *set, unsigned i);
/* Set the RULE_CLEAR bit as the level has it; the immune bits stay. */
void clearing_put(struct cpu_set *set, unsigned i, enum clear_level level);
/* The clearing that a feature is, or -ENOENT. */
int clearing_find(unsigned row, const struct feature *f);

#endif
