/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.h - hold the machine still: first the vCPUs, then the devices
 *
 * One mechanism for everything that needs it.  Holds nest by owner: repeating one
 * is harmless, and the machine runs again when the last owner has let go.
 *
 * While held, no vCPU runs and none has an access half done, no request is in
 * flight, no ring is touched, and the guest gets no console input.  Its kicks are
 * served, and input is delivered, when it is released.  Its time stands still, except
 * where only a load of microcode or the change of a drive holds it.
 *
 * All functions are the control thread's.
 */
#ifndef MUSTER_VMM_PAUSE_H
#define MUSTER_VMM_PAUSE_H

#include "vmm/devices.h"
#include "vmm/vcpu.h"

enum pause_owner {
	PAUSE_USER,
	PAUSE_SNAPSHOT,
	PAUSE_MICROCODE,
	PAUSE_DRIVE,
	PAUSE_OWNERS,
};

/* "user", … */
extern const char *const pause_owner_names[PAUSE_OWNERS];

/* How long a hold may take, where nobody says otherwise. */
#define PAUSE_DEADLINE_NS 2000000000ull

struct cpu_clock;
struct events;

struct pause {
	struct vcpu *vcpus; /* borrowed */
	unsigned vcpu_count;
	struct devices *devices;     /* borrowed */
	struct cpu_clock *clock;     /* borrowed */
	unsigned owners;             /* BIT(enum pause_owner) */
	uint64_t since_ns;           /* held */
	uint64_t parked_ns, idle_ns; /* how long the hold took */
	struct events *events;       /* who is told, borrowed; NULL: nobody */
};

/* Running, untold.  The vCPUs exist, and the devices too. */
void pause_init(struct pause *pause, struct vcpu *vcpus, unsigned vcpu_count,
	struct devices *devices, struct cpu_clock *clock);

/*
 * Returns when everything is held, or has been let go again: -ETIMEDOUT with a
 * sentence that names the vCPU or device that was not still `deadline_ns` from
 * now.  Before vcpus_start() it makes a machine that starts held.
 */
int pause_hold(
	struct pause *pause, enum pause_owner owner, uint64_t deadline_ns);

/* 0 also if this owner holds nothing. */
int pause_release(struct pause *pause, enum pause_owner owner);

bool pause_held(const struct pause *pause);

/* Tell the state as it is now, and all changes from now on, as events. */
void pause_tell(struct pause *pause, struct events *events);

/* BIT(owner) of all that hold. */
unsigned pause_owners(const struct pause *pause);

/*
 * At the end of the machine, held or not: hold everything for good, and end the vCPU
 * threads.  False, after a warning that says what was late, when requests are in
 * flight that nobody can stop: what they use must stay as long as the process.
 */
bool pause_end(struct pause *pause);

extern const struct metric_group pause_metrics;

#endif
