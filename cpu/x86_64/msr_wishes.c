/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msr_wishes.c - which MSRs are a vCPU's state
 *
 * Theory of operation: kept are
 *   - what a guest of this CPU may read and write (msr_filter_tab.c; KVM's own list
 *     lacks the MTRRs), so that another host that can show the CPU has them too;
 *   - all that KVM lists in its own window, whatever the guest was told of it;
 *   - what KVM lists and no table knows, where it is not as at reset.
 * Not kept is what describes the CPU (feature.h), for the model is applied and not
 * loaded, but for what can change while it runs (`changing`); nor what is part of
 * another structure (`elsewhere`).  What KVM cannot read is left out, and logged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x86_64/model.h"
#include "cpu/x86_64/msr_filter.h"
#include "cpu/x86_64/vcpu_state.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

#define KVM_WINDOW_FIRST    0x4b564d00
#define KVM_WINDOW_LAST     0x4b564dff
/* Hyper-V's, which muster never offers; one of them is a clock. */
#define HYPERV_WINDOW_FIRST 0x40000000
#define HYPERV_WINDOW_LAST  0x400001ff

/* Saved and loaded as a part of something else. */
static const uint32_t elsewhere[] = {
	MSR_TSC,          /* the clock */
	MSR_TSC_DEADLINE, /* the clock */
	0x1b,             /* APIC_BASE: special registers */
	0xc0000080,       /* EFER: special registers */
	0xc0000100,       /* FS base: special registers */
	0xc0000101,       /* GS base: special registers */
};

static const uint32_t changing[] = {
	0x3a, /* FEATURE_CONTROL, which firmware locks */
	0x8b, /* BIOS_SIGN_ID: an update of the microcode */
};

static bool is_among(uint32_t msr, const uint32_t *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (msr == list[i])
			return true;
	return false;
}

bool msr_is_elsewhere(uint32_t msr)
{
	if (is_among(msr, changing, ARRAY_SIZE(changing)))
		return false;
	return is_among(msr, elsewhere, ARRAY_SIZE(elsewhere)) ||
	       feature_find_row(SPACE_MSR, msr, 0, 0) >= 0;
}

static bool in_table(uint32_t msr)
{
	for (unsigned i = 0; i < msr_allowed_tab_count; i++)
		if (msr >= msr_allowed_tab[i].first &&
			msr <= msr_allowed_tab[i].last)
			return true;
	return false;
}

static void add(struct msr_wishes *w, uint32_t msr, bool maybe)
{
	if (msr_is_elsewhere(msr))
		return;
	if (w->count < ARRAY_SIZE(w->wish))
		w->wish[w->count++] = (struct wish){ msr, maybe };
	else
		w->too_many = true;
}

static void add_of_guest(const struct cpu_model *model, struct msr_wishes *w)
{
	struct cpu_set shown = model->wanted;

	/* Also what each machine adds has its MSRs. */
	cpu_set_from_cpuid(&shown, &model->cpuid);
	for (unsigned i = 0; i < msr_allowed_tab_count; i++) {
		const struct msr_allowed *a = &msr_allowed_tab[i];

		if (a->access != MSR_RW || !msr_filter_exists(&shown, a))
			continue;
		for (uint32_t msr = a->first; msr <= a->last; msr++)
			add(w, msr, false);
	}
}

static int add_of_host(int kvm_fd, struct msr_wishes *w)
{
	struct {
		struct kvm_msr_list head;
		uint32_t index[STATE_MSRS_MAX];
	} list = { .head.nmsrs = STATE_MSRS_MAX };
	int rc = kvm_ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, &list);

	if (rc < 0)
		return err_set(rc, "KVM_GET_MSR_INDEX_LIST: %s", strerror(-rc));
	for (unsigned i = 0; i < list.head.nmsrs; i++) {
		uint32_t msr = list.index[i];

		if (msr >= KVM_WINDOW_FIRST && msr <= KVM_WINDOW_LAST)
			add(w, msr, false);
		else if (!in_table(msr) && (msr < HYPERV_WINDOW_FIRST ||
						   msr > HYPERV_WINDOW_LAST))
			add(w, msr, true);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct wish *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

static void sort_unique(struct msr_wishes *w)
{
	unsigned kept = 0;

	qsort(w->wish, w->count, sizeof(w->wish[0]), compare);
	for (unsigned i = 0; i < w->count; i++)
		if (!kept || w->wish[kept - 1].index != w->wish[i].index)
			w->wish[kept++] = w->wish[i];
	w->count = kept;
}

int msr_wish(struct cpu_model *model)
{
	struct msr_wishes *w = model->wishes;
	int rc;

	if (w)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(-ENOMEM, "no memory for the list of MSRs");
	add_of_guest(model, w);
	rc = add_of_host(model->kvm_fd, w);
	/* One that is left out would be another value in the restored guest. */
	if (!rc && w->too_many)
		rc = err_set(-E2BIG,
			"KVM on this host has more MSRs than the %d that a "
			"state can hold",
			STATE_MSRS_MAX);
	if (rc) {
		free(w);
		return rc;
	}
	sort_unique(w);
	model->wishes = w;
	return 0;
}
