/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - hold vCPUs, then devices; let go of all when one is late */
#include "vmm/pause.h"

#include "cpu/cpu_clock.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/events.h"
#include "vmm/vm_ops.h"

/* A disk may take its time to flush; a supervisor may not wait much longer. */
#define END_DEADLINE_NS 5000000000ull

const char *const pause_owner_names[PAUSE_OWNERS] = {
	[PAUSE_USER] = "user",
	[PAUSE_SNAPSHOT] = "snapshot",
	[PAUSE_MICROCODE] = "microcode",
	[PAUSE_DRIVE] = "drive",
};

enum { PARKED, IDLE, HELD, RESUMED };

static struct histogram histograms[] = {
	[PARKED] = { .name = "parked_ns",
		.help = "from the request until all vCPUs are parked" },
	[IDLE] = { .name = "idle_ns",
		.help = "from then until all devices are idle" },
	[HELD] = { .name = "held_ns", .help = "from then until the release" },
	[RESUMED] = { .name = "resumed_ns",
		.help = "from the release until the first vCPU runs" },
};

const struct metric_group pause_metrics = {
	.name = "pause",
	.histograms = histograms,
	.histogram_count = ARRAY_SIZE(histograms),
};

void pause_init(struct pause *pause, struct vcpu *vcpus, unsigned vcpu_count,
	struct devices *devices, struct cpu_clock *clock)
{
	*pause = (struct pause){
		.clock = clock,
		.vcpus = vcpus,
		.vcpu_count = vcpu_count,
		.devices = devices,
	};
	vcpus->env->resumed = &histograms[RESUMED];
}

/* ---- who is told ---- */

static void tell_state(const struct pause *pause)
{
	enum vm_state state = pause->owners ? VM_PAUSED : VM_RUNNING;

	events_post(pause->events, "state",
		json_pack("{s:s}", "state", vm_state_names[state]));
}

void pause_tell(struct pause *pause, struct events *events)
{
	pause->events = events;
	tell_state(pause);
}

static void tell_paused(const struct pause *pause, enum pause_owner by)
{
	if (!pause->events)
		return;
	events_post(pause->events, "paused",
		json_pack("{s:s, s:I, s:I}", "by", pause_owner_names[by],
			"parked_ns", (json_int_t)pause->parked_ns, "idle_ns",
			(json_int_t)pause->idle_ns));
	tell_state(pause);
}

static void tell_resumed(
	const struct pause *pause, enum pause_owner by, uint64_t held_ns)
{
	if (!pause->events)
		return;
	events_post(pause->events, "resumed",
		json_pack("{s:s, s:I}", "by", pause_owner_names[by], "held_ns",
			(json_int_t)held_ns));
	tell_state(pause);
}

/* ---- one step each ---- */

struct deadline {
	uint64_t until_ns;
	double seconds; /* for messages */
};

static struct deadline deadline_in(uint64_t ns)
{
	return (struct deadline){ now_ns() + ns, (double)ns / 1e9 };
}

static int say_vcpu(int rc, unsigned late, const struct deadline *deadline)
{
	return rc ? err_set(rc, "vCPU %u did not stop within %g s", late,
			    deadline->seconds)
		  : 0;
}

static int hold_vcpus(struct pause *pause, const struct deadline *deadline)
{
	unsigned late = 0;
	int rc = vcpus_hold(
		pause->vcpus, pause->vcpu_count, deadline->until_ns, &late);

	return say_vcpu(rc, late, deadline);
}

static int hold_devices(struct pause *pause, const struct deadline *deadline)
{
	const char *late = NULL;
	int rc = devices_pause(pause->devices, deadline->until_ns, &late);

	if (!rc)
		return 0;
	if (!late)
		return err_set(rc, "the I/O loop did not answer within %g s",
			deadline->seconds);
	return err_set(rc, "%s: a request is still in flight after %g s", late,
		deadline->seconds);
}

/*
 * Devices first: what a vCPU asks of the loop from now on comes behind this in the
 * queue of its calls.
 */
static void let_go(struct pause *pause)
{
	devices_resume(pause->devices);
	vcpus_release(pause->vcpus, pause->vcpu_count);
}

/* ---- holding and releasing ---- */

static int hold_all(struct pause *pause, const struct deadline *deadline)
{
	uint64_t asked_ns = now_ns(), parked_ns;
	int rc = hold_vcpus(pause, deadline);

	if (rc)
		return rc;
	parked_ns = now_ns();
	rc = hold_devices(pause, deadline);
	if (rc)
		return rc;
	pause->since_ns = now_ns();
	pause->parked_ns = parked_ns - asked_ns;
	pause->idle_ns = pause->since_ns - parked_ns;
	histogram_add(&histograms[PARKED], pause->parked_ns);
	histogram_add(&histograms[IDLE], pause->idle_ns);
	return 0;
}

/* For the others the guest's time goes on: they are over in milliseconds. */
#define STOP_CLOCK (BIT(PAUSE_USER) | BIT(PAUSE_SNAPSHOT))

int pause_hold(
	struct pause *pause, enum pause_owner owner, uint64_t deadline_ns)
{
	struct deadline deadline = deadline_in(deadline_ns);
	bool ran = !pause->owners;
	int rc = ran ? hold_all(pause, &deadline) : 0;

	if (!rc && (BIT(owner) & STOP_CLOCK))
		rc = cpu_clock_stop(pause->clock);
	if (!rc)
		pause->owners |= BIT(owner);
	else if (ran)
		let_go(pause);
	if (!rc && ran)
		tell_paused(pause, owner);
	return rc;
}

int pause_release(struct pause *pause, enum pause_owner owner)
{
	uint64_t held_ns;
	int rc;

	if (!(pause->owners & BIT(owner)))
		return 0;
	pause->owners &= ~BIT(owner);
	rc = pause->owners & STOP_CLOCK ? 0 : cpu_clock_start(pause->clock);
	if (pause->owners)
		return rc;
	/*
	 * KVM takes an irqfd's edge in a work queue: one from before the hold, or
	 * from a snapshot, may have come just as the clock set a local APIC.
	 */
	devices_raise(pause->devices);
	held_ns = now_ns() - pause->since_ns;
	histogram_add(&histograms[HELD], held_ns);
	let_go(pause);
	tell_resumed(pause, owner, held_ns);
	return rc;
}

bool pause_held(const struct pause *pause)
{
	return pause->owners;
}

unsigned pause_owners(const struct pause *pause)
{
	return pause->owners;
}

/* ---- the end ---- */

/* A vCPU may be late because it waits for a disk that does not answer. */
static int end_vcpus(struct pause *pause)
{
	struct deadline deadline = deadline_in(END_DEADLINE_NS);
	unsigned late = 0;
	int rc = hold_vcpus(pause, &deadline);

	if (!rc)
		return 0;
	devices_abandon_resets(pause->devices);
	deadline = deadline_in(END_DEADLINE_NS);
	rc = vcpus_wait(
		pause->vcpus, pause->vcpu_count, deadline.until_ns, &late);
	return say_vcpu(rc, late, &deadline);
}

bool pause_end(struct pause *pause)
{
	struct deadline deadline;
	int rc = pause->owners ? 0 : end_vcpus(pause);

	if (!rc) {
		vcpus_stop(pause->vcpus, pause->vcpu_count);
		deadline = deadline_in(END_DEADLINE_NS);
		rc = pause->owners ? 0 : hold_devices(pause, &deadline);
	}
	if (rc)
		log_warn("%s; it is abandoned", err_text());
	return !rc;
}
