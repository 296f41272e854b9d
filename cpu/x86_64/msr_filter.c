/* SPDX-License-Identifier: Apache-2.0 */
/* msr_filter.c - the MSRs that a guest may touch, by the features it is shown */
#include "cpu/x86_64/msr_filter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x86_64/ucode.h"
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

static int find_window(uint32_t msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(windows); i++)
		if (msr >= windows[i] && msr - windows[i] < WINDOW_MSRS)
			return (int)i;
	return -1;
}

static void allow(struct filter *filter, uint32_t msr, unsigned access)
{
	int i = find_window(msr);
	uint32_t bit = i < 0 ? 0 : msr - windows[i];

	if (i >= 0 && access & MSR_READ)
		filter->bitmap[2 * i][bit / 8] |= 1u << bit % 8;
	if (i >= 0 && access & MSR_WRITE)
		filter->bitmap[2 * i + 1][bit / 8] |= 1u << bit % 8;
}

static void deny_write(struct filter *filter, uint32_t msr)
{
	int i = find_window(msr);
	uint32_t bit = i < 0 ? 0 : msr - windows[i];

	if (i >= 0)
		filter->bitmap[2 * i + 1][bit / 8] &= (uint8_t) ~(
			1u << bit % 8);
}

/* By the CPU's features, or all where there is none. */
static void fill(struct filter *filter, const struct cpu_set *cpu)
{
	if (!cpu)
		memset(filter->bitmap, 0xff, sizeof(filter->bitmap));
	for (unsigned i = 0; cpu && i < msr_allowed_tab_count; i++) {
		const struct msr_allowed *a = &msr_allowed_tab[i];

		if (!msr_filter_exists(cpu, a))
			continue;
		for (uint32_t msr = a->first; msr <= a->last; msr++)
			allow(filter, msr, a->access);
	}
	filter->arg.flags = cpu ? KVM_MSR_FILTER_DEFAULT_DENY
				: KVM_MSR_FILTER_DEFAULT_ALLOW;
	for (unsigned i = 0; i < ARRAY_SIZE(filter->bitmap); i++)
		filter->arg.ranges[i] = (struct kvm_msr_filter_range){
			.flags = i % 2 ? KVM_MSR_FILTER_WRITE
				       : KVM_MSR_FILTER_READ,
			.base = windows[i / 2],
			.nmsrs = WINDOW_MSRS,
			.bitmap = filter->bitmap[i],
		};
}

/* Denied accesses become exits instead of #GP. */
static int let_exit(int vm_fd)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = { KVM_MSR_EXIT_REASON_FILTER },
	};
	int rc = kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap);

	return rc < 0 ? err_set(rc, "KVM_CAP_X86_USER_SPACE_MSR: %s",
				strerror(-rc))
		      : 0;
}

static int set_filter(
	int vm_fd, const struct cpu_set *cpu, enum cpu_loader loader)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	int rc;

	if (!filter)
		return err_set(-ENOMEM, "no memory for the filter of MSRs");
	fill(filter, cpu);
	if (loader != CPU_LOADER_IGNORED) {
		deny_write(filter, MSR_INTEL_LOADER);
		deny_write(filter, MSR_AMD_LOADER);
	}
	rc = kvm_ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter->arg);
	free(filter);
	return rc < 0 ? err_set(rc, "KVM_X86_SET_MSR_FILTER: %s", strerror(-rc))
		      : 0;
}

int msr_filter_apply(
	int vm_fd, const struct cpu_set *cpu, enum cpu_loader loader)
{
	const char *option = cpu ? "--msr strict" : "--guest-microcode";
	int rc = 0;

	if (!cpu && loader == CPU_LOADER_IGNORED)
		return 0;
	if (!kvm_check(vm_fd, KVM_CAP_X86_MSR_FILTER))
		return err_set(-ENOTSUP,
			"%s: KVM here lacks KVM_CAP_X86_MSR_FILTER (since "
			"Linux 5.10); use a newer kernel, or leave it out",
			option);
	if (loader == CPU_LOADER_EXITS)
		rc = let_exit(vm_fd);
	if (!rc)
		rc = set_filter(vm_fd, cpu, loader);
	return rc ? err_wrap(rc, "%s", option) : 0;
}
