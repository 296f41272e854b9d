/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - hold vCPUs, then devices; let go of all when one is late */
#include "vmm/pause.h"

#include "vmm/base/err.h"

void pause_init(struct pause *pause, struct vcpu *vcpus, unsigned vcpu_count,
	struct devices *devices)
{
	*pause = (struct pause){
		.vcpus = vcpus,
		.vcpu_count = vcpu_count,
		.devices = devices,
	};
}

static int hold_vcpus(
	struct pause *pause, uint64_t until_ns, uint64_t deadline_ns)
{
	unsigned late;
	int rc = vcpus_hold(pause->vcpus, pause->vcpu_count, until_ns, &late);

	if (!rc)
		return 0;
	vcpus_release(pause->vcpus, pause->vcpu_count);
	return err_set(rc, "vCPU %u did not stop within %g s", late,
		(double)deadline_ns / 1e9);
}

int pause_hold(
	struct pause *pause, enum pause_owner owner, uint64_t deadline_ns)
{
	uint64_t until_ns = now_ns() + deadline_ns;
	int rc = 0;

	if (!pause->owners)
		rc = hold_vcpus(pause, until_ns, deadline_ns);
	if (!rc)
		pause->owners |= BIT(owner);
	return rc;
}

int pause_release(struct pause *pause, enum pause_owner owner)
{
	if (!(pause->owners & BIT(owner)))
		return 0;
	pause->owners &= ~BIT(owner);
	if (!pause->owners)
		vcpus_release(pause->vcpus, pause->vcpu_count);
	return 0;
}

bool pause_held(const struct pause *pause)
{
	return pause->owners;
}

unsigned pause_owners(const struct pause *pause)
{
	return pause->owners;
}
