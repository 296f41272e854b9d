/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - what every device model promises
 *
 * A model is the behaviour that a guest sees.  It knows no transport register,
 * no path and no KVM descriptor: a transport maps registers to it, a backend does
 * its input and output.  Register accesses run on vCPU threads, everything else
 * on the loop that owns the device; a model says in its own header how it keeps
 * the two apart.
 *
 * Nothing that a guest does may end the process.  A model that cannot go on says
 * so to the guest in the guest's own terms (an error bit, NEEDS_RESET).
 */
#ifndef MUSTER_DEVICES_DEVICE_H
#define MUSTER_DEVICES_DEVICE_H

#include "vmm/base/thread.h"
#include "vmm/core/state.h"

/* static const, one per model. */
struct device_ops {
	const char *name;
	/*
	 * Go back to the state after power-on.  0: done; -EINPROGRESS: requests
	 * are in flight, and the owner's drained() follows when none is left.
	 */
	int (*reset)(void *dev);
	/*
	 * The machine is to stand still: no work comes until it goes on, which
	 * needs nothing of a model, as its owner then gives it what came
	 * meanwhile.  0 or -EINPROGRESS and drained(), as reset().
	 */
	int (*pause)(void *dev);
	/* What a snapshot keeps of the model; only read and written while held. */
	const struct state_desc *state;
	/*
	 * After state_load: refuse what no guest could have brought about, with
	 * a sentence, and derive what was not saved.  NULL: nothing to do.
	 */
	int (*loaded)(void *dev);
};

/* What a guest can ask of the machine as a whole; devices report it upwards. */
enum machine_event {
	MACHINE_POWER_OFF,
	MACHINE_RESET,
	MACHINE_PANIC,
	MACHINE_DEBUG_EXIT,
};

/*
 * Called on the vCPU thread that made the access; `value` is the byte that the
 * guest wrote.  Must not block.
 */
typedef void (*machine_event_fn)(
	void *owner, enum machine_event event, uint8_t value);

#endif
