/* SPDX-License-Identifier: Apache-2.0 */
/* cpus.c - CPUs for the tests of the fleet's algebra */
#include "tests/unit/cpus.h"

#include <stdio.h>

#include "cpu/profile.h"
#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/rules.h"
#include "tests/unit/unit.h"
#include "vmm/base/err.h"

static struct feature_ref ref_of(const char *name)
{
	struct feature_ref ref = feature_ref(name);

	if (ref.row < 0)
		fail_msg("no feature is called %s", name);
	return ref;
}

uint64_t cpus_get(const struct cpu_set *set, const char *name)
{
	struct feature_ref ref = ref_of(name);

	return cpu_set_field(set, ref.row, ref.feature);
}

void cpus_put(struct cpu_set *set, const char *name, uint64_t value)
{
	struct feature_ref ref = ref_of(name);

	cpu_set_put_field(set, ref.row, ref.feature, value);
}

void cpus_put_duty(struct cpu_set *set, const char *name)
{
	struct feature_ref ref = ref_of(name);

	row_put(set, ref.row,
		row_value(set, ref.row) | BIT64(ref.feature->low));
}

bool cpus_get_duty(const struct cpu_set *set, const char *name)
{
	struct feature_ref ref = ref_of(name);

	return row_value(set, ref.row) & BIT64(ref.feature->low);
}

static const struct {
	const char *name;
	uint64_t value;
} numbers[] = {
	{ "max_leaf", 0x29 },
	{ "max_subleaf_7", 2 },
	{ "max_ext_leaf", 0x80000022 },
	{ "max_centaur_leaf", 0xc0000001 },
	{ "vendor_ebx", 0x756e6547 },
	{ "vendor_edx", 0x49656e69 },
	{ "vendor_ecx", 0x6c65746e },
	{ "virt_bits", 57 },
	{ "phys_bits", 52 },
	{ "vmx-revision-id", 0x11e57ed0 },
	{ "vmx-region-size", 0x1000 },
	{ "vmx-memory-type", 6 },
	{ "vmx-preemption-timer-rate", 5 },
	{ "md_clear", 1 },
	{ "fb_clear", 0 },
	{ "rfds_clear", 0 },
	{ "verw_clear", 1 },
};

/* The default1 class less the controls that a TRUE MSR frees. */
static const struct {
	uint32_t msr;
	uint32_t duties;
} reserved[] = {
	{ 0x48d, 0x16 },
	{ 0x48e, 0x04006172 },
	{ 0x48f, 0x36dfb },
	{ 0x490, 0x11fb },
};

void cpus_full(struct cpu_set *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned row = 0; row < feature_rows(); row++) {
		const struct row_rules *rules = rules_of(row);

		row_put(ret, row, rules->shown & ~rules->or);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++)
		cpu_set_put_msr(ret, reserved[i].msr,
			cpu_set_msr(ret, reserved[i].msr) | reserved[i].duties);
	cpus_put(ret, "vmx-true-ctls", 1);
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++)
		cpus_put(ret, numbers[i].name, numbers[i].value);
}

uint64_t cpus_rand(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Each bit with a chance of 2^-rarity. */
static uint64_t rare_bits(uint64_t *seed, unsigned rarity)
{
	uint64_t bits = ~0ull;

	while (rarity--)
		bits &= cpus_rand(seed);
	return bits;
}

static void vary(struct cpu_set *set, unsigned row, const struct feature *f,
	uint64_t *seed)
{
	uint64_t value = cpu_set_field(set, row, f);

	switch (f->rule) {
	case RULE_MIN:
		value -= value ? cpus_rand(seed) % 3 : 0;
		break;
	case RULE_MAX:
		value += cpus_rand(seed) % 3;
		break;
	case RULE_EQUAL_0:
	case RULE_OLDEST:
	case RULE_BRAND:
	case RULE_LAYOUT:
		value ^= !(cpus_rand(seed) % 64);
		break;
	case RULE_CLEAR:
		value = cpus_rand(seed) & 1;
		break;
	default:
		return;
	}
	cpu_set_put_field(set, row, f, value);
}

static void vary_row(
	struct cpu_set *set, unsigned row, unsigned rarity, uint64_t *seed)
{
	const struct row_rules *rules = rules_of(row);
	const struct feature_reg *reg = feature_row(row);
	uint64_t gained = rules->or &rare_bits(seed, rarity);

	if (reg->space ==
		SPACE_CONTROL) /* duties agree, but where they may not */
		gained &= set->value[row] >> 32 & rare_bits(seed, 2);
	set->value[row] &= ~(rules->and &rare_bits(seed, rarity));
	set->value[row] |= gained;
	for (unsigned i = 0; i < reg->count; i++)
		if (!(cpus_rand(seed) % 4))
			vary(set, row, &reg->features[i], seed);
	if (row >= cpuid_regs_count && !(cpus_rand(seed) % 256))
		row_remove(set, row);
}

/* "Intel" and zeros; or nothing. */
static void vary_brand(struct cpu_set *set, uint64_t *seed)
{
	static const char brand[16] = "Intel(R) Fake";
	bool none = cpus_rand(seed) % 2;

	for (uint32_t i = 0; i < 12; i++) {
		uint32_t word = 0;

		if (!none && i < 4)
			memcpy(&word, brand + 4 * i, sizeof(word));
		cpu_set_put_cpuid(set, 0x80000002 + i / 4, 0, i % 4, word);
	}
}

void cpus_random(struct cpu_set *ret, uint64_t *seed)
{
	unsigned rarity = 3 + cpus_rand(seed) % 5;

	cpus_full(ret);
	for (unsigned row = 0; row < feature_rows(); row++)
		vary_row(ret, row, rarity, seed);
	if (cpus_rand(seed) % 4) {
		cpus_put(ret, "max_leaf", 0x29);
		cpus_put(ret, "max_ext_leaf", 0x80000022);
	}
	if (!(cpus_rand(seed) % 4))
		vary_brand(ret, seed);
	if (!(cpus_rand(seed) % 32))
		cpus_put(ret, "max_leaf", 3);
	if (!(cpus_rand(seed) % 32))
		cpus_put(ret, "max_ext_leaf", 0x80000000 + cpus_rand(seed) % 7);
}

void cpus_fingerprint(const char *name, struct cpu_set *ret)
{
	struct profile *profile;
	char path[128];

	snprintf(path, sizeof(path), "tests/data/fingerprints/%s.json", name);
	if (profile_read_firecracker(path, &profile) < 0)
		fail_msg("%s", err_text());
	*ret = profile->kvm;
	profile_free(profile);
}
