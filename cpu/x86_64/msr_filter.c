/* SPDX-License-Identifier: Apache-2.0 */
/* msr_filter.c - the MSRs that a guest may touch, by the features it is shown */
#include "cpu/x86_64/msr_filter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

/* The windows that the table's MSRs lie in, each with a bitmap for KVM. */
#define WINDOW_MSRS 0x2000u
static const uint32_t windows[] = { 0, 0x4b564000, 0xc0000000, 0xc0010000 };

/* For each window, one bitmap of what may be read and one of what may be written. */
struct filter {
	struct kvm_msr_filter arg;
	uint8_t bitmap[2 * ARRAY_SIZE(windows)][WINDOW_MSRS / 8];
};

static_assert(2 * ARRAY_SIZE(windows) <= KVM_MSR_FILTER_MAX_RANGES,
	"each bitmap is a range of the filter");
static_assert(WINDOW_MSRS / 8 <= KVM_MSR_FILTER_MAX_BITMAP_SIZE,
	"KVM bounds the bitmap of a range");

/* Hygon's CPUs are AMD's. */
static bool has_vendor(const struct cpu_set *cpu, const char *vendor)
{
	char shown[13];

	cpu_set_vendor(cpu, shown);
	return !strcmp(shown, vendor) ||
	       (!strcmp(shown, "HygonGenuine") &&
		       !strcmp(vendor, "AuthenticAMD"));
}

bool msr_filter_exists(const struct cpu_set *cpu, const struct msr_allowed *a)
{
	const struct feature *f;
	int row;

	if (a->vendor && !has_vendor(cpu, a->vendor))
		return false;
	if (!a->feature)
		return true;
	row = feature_find_name(a->feature, &f);
	return row >= 0 && cpu_set_field(cpu, (unsigned)row, f);
}

bool msr_filter_allows(const struct cpu_set *cpu, uint32_t msr, unsigned access)
{
	for (unsigned i = 0; i < msr_allowed_tab_count; i++) {
		const struct msr_allowed *a = &msr_allowed_tab[i];

		if (msr >= a->first && msr <= a->last && a->access & access &&
			msr_filter_exists(cpu, a))
			return true;
	}
	return false;
}

static void allow(struct filter *filter, uint32_t msr, unsigned access)
{
	for (unsigned i = 0; i < ARRAY_SIZE(windows); i++) {
		uint32_t bit = msr - windows[i];

		if (msr < windows[i] || bit >= WINDOW_MSRS)
			continue;
		if (access & MSR_READ)
			filter->bitmap[2 * i][bit / 8] |= 1u << bit % 8;
		if (access & MSR_WRITE)
			filter->bitmap[2 * i + 1][bit / 8] |= 1u << bit % 8;
	}
}

static void fill(struct filter *filter, const struct cpu_set *cpu)
{
	for (unsigned i = 0; i < msr_allowed_tab_count; i++) {
		const struct msr_allowed *a = &msr_allowed_tab[i];

		if (!msr_filter_exists(cpu, a))
			continue;
		for (uint32_t msr = a->first; msr <= a->last; msr++)
			allow(filter, msr, a->access);
	}
	filter->arg.flags = KVM_MSR_FILTER_DEFAULT_DENY;
	for (unsigned i = 0; i < ARRAY_SIZE(filter->bitmap); i++)
		filter->arg.ranges[i] = (struct kvm_msr_filter_range){
			.flags = i % 2 ? KVM_MSR_FILTER_WRITE
				       : KVM_MSR_FILTER_READ,
			.base = windows[i / 2],
			.nmsrs = WINDOW_MSRS,
			.bitmap = filter->bitmap[i],
		};
}

int msr_filter_apply(int vm_fd, const struct cpu_set *cpu)
{
	struct filter *filter;
	int rc;

	if (!kvm_check(vm_fd, KVM_CAP_X86_MSR_FILTER))
		return err_set(-ENOTSUP,
			"--msr strict: KVM here lacks KVM_CAP_X86_MSR_FILTER "
			"(since Linux 5.10); use a newer kernel, or leave it "
			"out");
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return err_set(-ENOMEM, "--msr strict: no memory");
	fill(filter, cpu);
	rc = kvm_ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter->arg);
	free(filter);
	if (rc < 0)
		return err_set(rc, "--msr strict: KVM_X86_SET_MSR_FILTER: %s",
			strerror(-rc));
	return 0;
}
