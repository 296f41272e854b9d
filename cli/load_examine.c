/* SPDX-License-Identifier: Apache-2.0 */
/* load_examine.c - what every CPU runs and has now, and what that means to each VM */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/load.h"
#include "cpu/x86_64/collect.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* ---- revisions ---- */

static bool intersect(const struct cpu_list *a, const struct cpu_list *b,
	struct cpu_list *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ret->bits); i++)
		ret->bits[i] = a->bits[i] & b->bits[i];
	return cpu_list_count(ret);
}

/* CPUs that were alike may be so no longer. */
static int split_cpus(struct load *load)
{
	const struct host_cpus *now = &load->host_after;
	struct load_cpus *cpus = calloc(
		(size_t)load->cpus_count * now->count + 1, sizeof(*cpus));
	unsigned count = 0;

	if (!cpus)
		return err_set(-ENOMEM, "no memory for a list of CPUs");
	for (unsigned i = 0; i < load->cpus_count; i++)
		for (unsigned k = 0; k < now->count; k++) {
			cpus[count] = load->cpus[i];
			cpus[count].after = now->kind[k].cpu.revision;
			count += intersect(&load->cpus[i].cpus,
				&now->kind[k].cpus, &cpus[count].cpus);
		}
	free(load->cpus);
	load->cpus = cpus;
	load->cpus_count = count;
	return 0;
}

/* What the CPUs say counts, and not what the kernel does. */
static enum load_outcome judge(const struct load *load)
{
	bool moved = false, missed = load->kernel_error;

	for (unsigned i = 0; i < load->cpus_count; i++) {
		const struct load_cpus *c = &load->cpus[i];

		moved |= c->after != c->before;
		missed |= c->after != c->wanted;
	}
	if (!load->answered)
		return LOAD_UNKNOWN;
	if (!missed)
		return LOAD_DONE;
	return moved ? LOAD_PARTLY : LOAD_REFUSED;
}

/* ---- silicon ---- */

static int read_silicon(struct load *load)
{
	char path[PATH_MAX];

	if (!*load->settings->root)
		return profile_collect_silicon(&load->silicon_after);
	snprintf(path, sizeof(path), "%s/profile.json", load->settings->root);
	return profile_read(path, &load->silicon_after);
}

/*
 * KVM's offer follows from what it saw when it was loaded.  It is asked again only
 * where the silicon has changed: that takes longer than all the rest.
 */
static int read_offer(struct load *load)
{
	struct profile *now = load->silicon_after;
	int rc = 0;

	if (load->changes.count && !*load->settings->root)
		rc = collect_kvm(now);
	else if (!*load->settings->root)
		now->kvm = load->profile->kvm;
	load->offer_after = now->kvm;
	return rc;
}

static int compare(struct load *load)
{
	const struct cpu_set *kvm = &load->profile->kvm;
	int rc = silicon_compare(
		load->profile, load->silicon_after, kvm, &load->changes);

	if (!rc)
		rc = read_offer(load);
	if (rc || !load->changes.count)
		return rc;
	silicon_changes_fini(&load->changes);
	rc = silicon_compare(load->profile, load->silicon_after,
		&load->offer_after, &load->changes);
	silicon_restrict(&load->offer_after, &load->changes);
	return rc;
}

int load_examine(struct load *load)
{
	int rc = host_cpus_read(load->settings->root, &load->host_after);

	if (!rc)
		rc = split_cpus(load);
	if (!rc && load->asked)
		load->outcome = judge(load);
	if (!rc)
		rc = read_silicon(load);
	return rc ? rc : compare(load);
}

/* ---- the VMs ---- */

int load_check(struct load *load)
{
	int rc = load->changes.count ? load_learn_cpus(load) : 0;

	for (unsigned i = 0; i < load->vm_count && load->changes.count; i++) {
		struct load_vm *vm = &load->vm[i];

		if (vm->template)
			vm->misfit_count = silicon_check(&load->profile->kvm,
				&load->offer_after, &vm->template->cpu,
				vm->misfits, LOAD_MISFITS);
	}
	return rc;
}
