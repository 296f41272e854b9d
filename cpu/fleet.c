/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.c - the greatest CPU that every member can show
 *
 * Theory of operation: the algebra is that of cpu/x86_64/meet.c.  Here members are
 * closed and met one after the other, wishes are applied to the result, and what
 * has no common setting is told with the names of the members that disagree.
 * Disagreements are judged on the result: two hosts that cannot agree on a VMX
 * control are a fleet if a third has no VMX at all.
 */
#include "cpu/fleet_field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/rules.h"
#include "vmm/base/buf.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* KVM takes a frequency for the host's own within this of it (tsc_tolerance_ppm). */
#define TSC_TOLERANCE_PPM 250
#define MILLION           1000000

/* ---- names of members that disagree ---- */

static struct cpu_set closed_copy(const struct fleet_member *member)
{
	struct cpu_set set = *member->cpu;

	cpu_set_close(&set);
	return set;
}

struct cpu_set *fleet_close_members(
	const struct fleet_member *members, unsigned count)
{
	struct cpu_set *closed = calloc(count, sizeof(*closed));

	for (unsigned i = 0; closed && i < count; i++)
		closed[i] = closed_copy(&members[i]);
	return closed;
}

static int refuse_vendors(
	const struct fleet_member *a, const struct fleet_member *b)
{
	char vendor_a[13];
	char vendor_b[13];

	cpu_set_vendor(a->cpu, vendor_a);
	cpu_set_vendor(b->cpu, vendor_b);
	if (!strcmp(vendor_a, vendor_b))
		return 0;
	return err_set(-EINVAL,
		"%s is %s and %s is %s: vendors do not mix in one fleet",
		a->name, vendor_a, b->name, vendor_b);
}

/* The member that says otherwise than the first about a field of EQUAL. */
static const struct fleet_member *find_unequal(
	const struct fleet_member *members, unsigned count, unsigned row,
	const struct feature *f)
{
	uint64_t first = cpu_set_field(members[0].cpu, row, f);

	for (unsigned i = 1; i < count; i++)
		if (cpu_set_field(members[i].cpu, row, f) != first)
			return &members[i];
	return NULL;
}

static int refuse_unequal_field(const struct fleet_member *members,
	unsigned count, unsigned row, const struct feature *f)
{
	const struct fleet_member *other = find_unequal(members, count, row, f);

	if (!other)
		return 0;
	return err_set(-EINVAL,
		"%s %s must be equal on all hosts: %#llx on %s, %#llx on %s",
		feature_row(row)->name, f->name,
		(unsigned long long)cpu_set_field(members[0].cpu, row, f),
		members[0].name,
		(unsigned long long)cpu_set_field(other->cpu, row, f),
		other->name);
}

static int refuse_unequal(const struct fleet_member *members, unsigned count,
	unsigned from, unsigned to)
{
	for (unsigned row = from; row < to; row++) {
		const struct feature_reg *reg = feature_row(row);

		for (unsigned i = 0; i < reg->count; i++) {
			int rc = reg->features[i].rule != RULE_EQUAL
					 ? 0
					 : refuse_unequal_field(members, count,
						   row, &reg->features[i]);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* VMX fell although all have it: what it stands on differs. */
static int refuse_unequal_vmx(const struct fleet_member *members,
	unsigned count, const struct cpu_set *met)
{
	struct feature_ref vmx = known_features()->vmx;

	if (ref_has(met, vmx))
		return 0;
	for (unsigned i = 0; i < count; i++) {
		struct cpu_set set = closed_copy(&members[i]);

		if (!ref_has(&set, vmx))
			return 0;
	}
	return refuse_unequal(members, count, cpuid_regs_count, feature_rows());
}

/* ---- must be 1 against may not be 1 ---- */

static const char *find_bit(const struct fleet_member *members, unsigned count,
	unsigned row, unsigned bit, bool is_set)
{
	for (unsigned i = 0; i < count; i++) {
		struct cpu_set set = closed_copy(&members[i]);

		if (!(row_value(&set, row) & BIT64(bit)) == !is_set)
			return members[i].name;
	}
	return NULL;
}

static int refuse_control(const struct fleet_member *members, unsigned count,
	unsigned row, unsigned bit)
{
	const struct feature *f = feature_of_bit(row, bit);
	const char *must = find_bit(members, count, row, bit, true);
	const char *may_not = find_bit(members, count, row, bit + 32, false);
	const char *reg = feature_row(row)->name;

	if (!must) /* of the default1 class, and bit 55 of BASIC was taken away */
		must = "guests without the TRUE MSRs";
	if (!may_not)
		return err_set(-EINVAL,
			"%s %s (bit %u) must be 1 on %s, and what it needs is "
			"gone",
			reg, f ? f->name : "unnamed control", bit, must);
	return err_set(-EINVAL,
		"%s %s (bit %u) must be 1 on %s and may not be 1 on %s", reg,
		f ? f->name : "unnamed control", bit, must, may_not);
}

int fleet_find_contradiction(const struct cpu_set *met, unsigned *ret_bit)
{
	for (unsigned row = cpuid_regs_count; row < feature_rows(); row++) {
		uint64_t value = row_value(met, row);
		uint32_t both = (uint32_t)(value & ~(value >> 32));

		if (feature_row(row)->space != SPACE_CONTROL || !both)
			continue;
		*ret_bit = (unsigned)__builtin_ctz(both);
		return (int)row;
	}
	return -ENOENT;
}

static int refuse_contradictions(const struct fleet_member *members,
	unsigned count, const struct cpu_set *met)
{
	unsigned bit;
	int row = fleet_find_contradiction(met, &bit);

	return row < 0 ? 0 : refuse_control(members, count, row, bit);
}

/* ---- wishes ---- */

static int find_wish(
	const char *option, const char *name, struct feature_ref *ret)
{
	*ret = feature_ref(name);
	if (ret->row < 0)
		return err_set(-EINVAL,
			"%s %s: no such feature; `muster fleet show` lists the "
			"names",
			option, name);
	return 0;
}

static int take_away(struct cpu_set *met, const char *name)
{
	struct feature_ref ref;
	int rc = find_wish("--without", name, &ref);

	if (rc < 0)
		return rc;
	if (ref.feature->rule != RULE_AND)
		return err_set(-EINVAL,
			"--without %s: guests must be told; only a feature can "
			"be taken away",
			name);
	cpu_set_drop(met, ref.row, ref.feature);
	return 0;
}

bool fleet_is_without(const struct fleet_wishes *wishes, const char *name)
{
	for (unsigned i = 0; i < wishes->without_count; i++)
		if (!strcmp(wishes->without[i], name))
			return true;
	return false;
}

/* "host-a, host-b" */
static void put_lacking(const struct fleet_member *members, unsigned count,
	struct feature_ref ref, struct buf *out)
{
	for (unsigned i = 0; i < count; i++)
		if (!ref_has(members[i].cpu, ref))
			buf_printf(out, "%s%s", out->len ? ", " : "",
				members[i].name);
}

static int refuse_lost(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const char *name,
	struct feature_ref ref)
{
	CLEANUP(buf_fini) struct buf lacking = BUF_INIT;

	if (fleet_is_without(wishes, name))
		return err_set(
			-EINVAL, "--require %s: --without takes it away", name);
	put_lacking(members, count, ref, &lacking);
	if (!lacking.len)
		return err_set(-ENOTSUP,
			"--require %s: all hosts have it, but not what it "
			"needs",
			name);
	return err_set(-ENOTSUP, "--require %s: missing on %.*s", name,
		(int)lacking.len, (const char *)lacking.data);
}

static int check_required(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, const struct cpu_set *met)
{
	for (unsigned i = 0; i < wishes->require_count; i++) {
		const char *name = wishes->require[i];
		struct feature_ref ref;
		int rc = find_wish("--require", name, &ref);

		if (rc < 0)
			return rc;
		if (!ref_has(met, ref))
			return refuse_lost(members, count, wishes, name, ref);
	}
	return 0;
}

int fleet_apply_without(const struct fleet_wishes *wishes, struct cpu_set *met)
{
	for (unsigned i = 0; i < wishes->without_count; i++) {
		int rc = take_away(met, wishes->without[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- the clock ---- */

/*
 * The slowest clock, if each faster host can scale down to it; else 0: each host's
 * own.  A template scales as long as all that it came from do.
 */
static void merge_clock(const struct fleet_member *members, unsigned count,
	struct template *ret)
{
	uint64_t slowest = UINT64_MAX;
	uint64_t fastest_fixed = 0;

	ret->tsc_scaling = true;
	for (unsigned i = 0; i < count; i++) {
		slowest = MIN(slowest, members[i].tsc_khz);
		ret->tsc_scaling &= members[i].tsc_scaling;
		if (!members[i].tsc_scaling)
			fastest_fixed = MAX(fastest_fixed, members[i].tsc_khz);
	}
	ret->tsc_khz = slowest;
	if (fastest_fixed > slowest && (fastest_fixed - slowest) * MILLION >
					       slowest * TSC_TOLERANCE_PPM)
		ret->tsc_khz = 0;
}

/* ---- together ---- */

static int meet_all(
	const struct fleet_member *members, unsigned count, struct cpu_set *met)
{
	int rc = 0;

	for (unsigned i = 1; i < count && !rc; i++)
		rc = refuse_vendors(&members[0], &members[i]);
	if (!rc)
		rc = refuse_unequal(members, count, 0, cpuid_regs_count);
	if (rc < 0)
		return rc;
	*met = closed_copy(&members[0]);
	for (unsigned i = 1; i < count && !rc; i++) {
		struct cpu_set set = closed_copy(&members[i]);

		rc = cpu_set_meet(met, &set);
	}
	cpu_set_close(met);
	return rc;
}

int fleet_merge(const struct fleet_member *members, unsigned count,
	const struct fleet_wishes *wishes, struct template *ret)
{
	static const struct fleet_wishes none;
	struct template t;
	int rc;

	if (!wishes)
		wishes = &none;
	if (!count)
		return err_set(-EINVAL,
			"a fleet needs at least one profile or template");
	rc = meet_all(members, count, &t.cpu);
	if (!rc && !fleet_is_without(wishes, "vmx"))
		rc = refuse_unequal_vmx(members, count, &t.cpu);
	if (!rc)
		rc = fleet_apply_without(wishes, &t.cpu);
	if (rc < 0)
		return rc;
	cpu_set_close(&t.cpu);
	rc = refuse_contradictions(members, count, &t.cpu);
	if (!rc)
		rc = check_required(members, count, wishes, &t.cpu);
	if (rc < 0)
		return rc;
	merge_clock(members, count, &t);
	*ret = t;
	return 0;
}
