/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices_pause.c - bring the devices to rest, and let them go on
 *
 * The control thread says what is wanted and calls the loop, which brings the
 * devices there whenever it comes round to it: a hold that was given up before the
 * loop saw it is never seen, and one that the loop sees late is undone by the
 * call that follows.
 */
#include <errno.h>

#include "vmm/base/futex.h"
#include "vmm/devices.h"

static bool is_hold(uint32_t wanted)
{
	return wanted & 1;
}

/* ---- on the loop ---- */

/* Called for each device, and once for the rest. */
static void came_to_rest(void *owner)
{
	struct devices *devices = owner;
	struct devices_hold *hold = &devices->hold;

	if (--hold->busy)
		return;
	atomic_store(&hold->idle, hold->applied);
	futex_wake(&hold->idle, 1);
}

static void pause_all(struct devices *devices) ON_LOOP
{
	devices->hold.busy = devices->virtio_count + 1;
	if (devices->tty)
		tty_pause(devices->tty);
	for (unsigned i = 0; i < devices->virtio_count; i++)
		virtio_pause(devices->virtio[i], came_to_rest, devices);
	came_to_rest(devices);
}

static void resume_all(struct devices *devices) ON_LOOP
{
	for (unsigned i = 0; i < devices->virtio_count; i++)
		virtio_resume(devices->virtio[i]);
	if (devices->tty)
		tty_resume(devices->tty);
}

static void apply(struct loop_call *call)
{
	struct devices *devices = container_of(call, struct devices, hold.call);
	struct devices_hold *hold = &devices->hold;
	uint32_t wanted = atomic_load(&hold->wanted);

	claim_loop_thread();
	if (wanted == hold->applied)
		return;
	if (is_hold(hold->applied))
		resume_all(devices);
	hold->applied = wanted;
	if (is_hold(wanted))
		pause_all(devices);
}

static void abandon_resets(struct loop_call *call)
{
	struct devices *devices = container_of(
		call, struct devices, hold.abandon);

	claim_loop_thread();
	for (unsigned i = 0; i < devices->virtio_count; i++)
		virtio_abandon_reset(devices->virtio[i]);
}

/* ---- on the control thread ---- */

/* Once: the loop reads them whenever it likes. */
void devices_hold_init(struct devices *devices)
{
	devices->hold.call.fn = apply;
	devices->hold.abandon.fn = abandon_resets;
}

/* Before the loop has its thread this one is as good. */
static void call_loop(struct devices *devices, struct loop_call *call)
{
	if (devices->served)
		loop_call(devices->loop, call);
	else
		call->fn(call);
}

static const char *find_late(const struct devices *devices)
{
	for (unsigned i = 0; i < devices->virtio_count; i++)
		if (atomic_load(&devices->virtio[i]->draining))
			return devices->virtio[i]->name;
	return NULL;
}

int devices_pause(
	struct devices *devices, uint64_t until_ns, const char **ret_late)
{
	struct devices_hold *hold = &devices->hold;
	uint32_t wanted = (atomic_load(&hold->wanted) + 1) | 1;
	uint32_t idle;
	bool late = false;

	atomic_store(&hold->wanted, wanted);
	call_loop(devices, &hold->call);
	while ((idle = atomic_load(&hold->idle)) != wanted) {
		if (late) {
			*ret_late = find_late(devices);
			return -ETIMEDOUT;
		}
		late = !futex_wait(&hold->idle, idle, until_ns);
	}
	return 0;
}

void devices_resume(struct devices *devices)
{
	struct devices_hold *hold = &devices->hold;

	if (!is_hold(atomic_load(&hold->wanted)))
		return;
	atomic_fetch_add(&hold->wanted, 1);
	call_loop(devices, &hold->call);
}

void devices_abandon_resets(struct devices *devices)
{
	call_loop(devices, &devices->hold.abandon);
}
