/* SPDX-License-Identifier: Apache-2.0 */
/* microcode.c - a lease on a VM: given, renewed, used to hold it, run out */
#include "vmm/microcode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cpu/cpu_state.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/instance.h"

#define NS_PER_MS ((uint64_t)1000000)

static void post(struct instance *in, const char *action)
{
	events_post(&in->control->events, "microcode",
		json_pack("{s:s, s:s}", "action", action, "coordinator",
			in->microcode.coordinator));
}

static void post_release(struct instance *in, const struct microcode_wish *wish)
{
	char revision[16];

	snprintf(revision, sizeof(revision), "0x%x",
		in->vm ? cpu_model_microcode(in->vm->model) : 0);
	events_post(&in->control->events, "microcode",
		json_pack("{s:s, s:s, s:s, s:b}", "action", "released",
			"coordinator", in->microcode.coordinator, "revision",
			revision, "fits", wish->fits));
}

/* ---- the lease ---- */

static void calm_down(struct loop_defer *defer)
{
	struct microcode *m = container_of(defer, struct microcode, calm_down);

	if (m->urgent && m->phase == LEASE_NONE)
		m->urgent = !thread_be_urgent(false);
}

static void end_lease(struct instance *in)
{
	struct microcode *m = &in->microcode;

	m->phase = LEASE_NONE;
	loop_timer_set(&m->end, 0);
	claim_loop_thread();
	m->calm_down.fn = calm_down;
	loop_defer(in->control->loop, &m->calm_down);
}

/* The VM runs again, unless somebody else holds it; *ret_ns says since when. */
static int let_go(struct instance *in, uint64_t *ret_ns)
{
	struct microcode *m = &in->microcode;
	int rc = 0;

	if (m->phase == LEASE_HELD && in->vm)
		rc = pause_release(&in->vm->pause, PAUSE_MICROCODE);
	*ret_ns = now_ns();
	if (m->phase == LEASE_HELD)
		log_info("microcode: no vCPU ran from %" PRIu64 " to %" PRIu64
			 " ns",
			m->held_ns, *ret_ns);
	end_lease(in);
	return rc;
}

static void ran_out(struct loop_timer *timer)
{
	struct microcode *m = container_of(timer, struct microcode, end);
	struct instance *in = container_of(m, struct instance, microcode);
	bool held = m->phase == LEASE_HELD;
	uint64_t now;

	if (m->phase == LEASE_NONE)
		return;
	if (let_go(in, &now))
		log_warn("microcode: %s", err_text());
	if (!held)
		return;
	log_warn("microcode: nothing was heard of %s; the VM goes on",
		m->coordinator);
	post(in, "lease ran out");
}

static int make_timer(struct instance *in)
{
	struct microcode *m = &in->microcode;
	int rc;

	if (m->timed)
		return 0;
	rc = loop_timer_init(in->control->loop, &m->end, ran_out);
	m->timed = !rc;
	return rc;
}

static void renew(struct microcode *m, uint64_t ms)
{
	m->end_ns = now_ns() + ms * NS_PER_MS;
	loop_timer_set(&m->end, ms * NS_PER_MS);
}

static bool is_theirs(
	const struct microcode *m, const struct microcode_wish *wish)
{
	return m->phase != LEASE_NONE &&
	       !strcmp(m->coordinator, wish->coordinator);
}

static int refuse_stranger(
	const struct microcode *m, const struct microcode_wish *wish)
{
	uint64_t now = now_ns();

	if (m->phase == LEASE_NONE)
		return err_set(-ESTALE,
			"coordinator %s: has no lease of this VM, or it has "
			"run out; prepare comes first",
			wish->coordinator);
	return err_set(-EBUSY,
		"coordinator %s: another one, %s, has this VM for %" PRIu64
		" ms more unless it renews",
		wish->coordinator, m->coordinator,
		m->end_ns > now ? (m->end_ns - now) / NS_PER_MS : 0);
}

/* ---- what coordinators ask ---- */

int microcode_prepare(struct instance *in, const struct microcode_wish *wish,
	struct microcode_answer *ret)
{
	struct microcode *m = &in->microcode;
	int rc;

	if (m->phase != LEASE_NONE && !is_theirs(m, wish))
		return refuse_stranger(m, wish);
	rc = make_timer(in);
	if (rc)
		return rc;
	if (m->phase == LEASE_NONE) {
		m->phase = LEASE_PREPARED;
		m->urgent = m->urgent || thread_be_urgent(true);
		strcpy(m->coordinator, wish->coordinator);
	}
	renew(m, wish->lease_ms);
	*ret = (struct microcode_answer){ .now_ns = now_ns() };
	return 0;
}

static int hold_by(struct instance *in, uint64_t until_ns)
{
	uint64_t now = now_ns();

	if (now >= until_ns)
		return err_set(-ETIMEDOUT,
			"until: this was %" PRIu64 " ms ago; the VM was busy",
			(now - until_ns) / NS_PER_MS);
	return in->vm ? pause_hold(
				&in->vm->pause, PAUSE_MICROCODE, until_ns - now)
		      : 0;
}

int microcode_hold(struct instance *in, const struct microcode_wish *wish,
	struct microcode_answer *ret)
{
	struct microcode *m = &in->microcode;

	if (!is_theirs(m, wish))
		return refuse_stranger(m, wish);
	if (m->phase == LEASE_PREPARED) {
		int rc = hold_by(in, wish->until_ms * NS_PER_MS);

		if (rc) {
			end_lease(in);
			return rc;
		}
		m->phase = LEASE_HELD;
		m->held_ns = now_ns();
		post(in, "held");
	}
	renew(m, wish->lease_ms);
	*ret = (struct microcode_answer){
		.now_ns = now_ns(),
		.held_ns = m->held_ns,
	};
	return 0;
}

/* Of a VM that this holds: what has changed below it. */
static int adapt(struct instance *in, const struct microcode_wish *wish)
{
	struct vm *vm = in->vm;
	int rc;

	if (wish->revision) {
		rc = cpu_model_follow_host(
			vm->model, vm->clock, wish->revision);
		if (rc)
			log_warn("microcode: the guest sees its old revision: "
				 "%s",
				err_describe(rc));
	}
	if (wish->fits)
		return 0;
	log_warn("microcode: this host cannot show the guest's CPU any more; "
		 "%s",
		vm->config->microcode_misfit == MISFIT_PAUSE
			? "the VM stays paused"
			: "the VM goes on");
	if (vm->config->microcode_misfit == MISFIT_RESUME)
		return 0;
	return pause_hold(&vm->pause, PAUSE_USER, PAUSE_DEADLINE_NS);
}

int microcode_release(struct instance *in, const struct microcode_wish *wish,
	struct microcode_answer *ret)
{
	struct microcode *m = &in->microcode;
	bool held = m->phase == LEASE_HELD;
	int adapted = 0, rc;

	if (!is_theirs(m, wish))
		return refuse_stranger(m, wish);
	*ret = (struct microcode_answer){
		.now_ns = now_ns(),
		.held_ns = held ? m->held_ns : 0,
	};
	if (held && in->vm)
		adapted = adapt(in, wish);
	rc = let_go(in, &ret->released_ns);
	if (in->vm)
		ret->revision = cpu_model_microcode(in->vm->model);
	if (held)
		post_release(in, wish);
	return adapted ? adapted : rc;
}

int microcode_start(struct instance *in)
{
	if (in->microcode.phase != LEASE_HELD)
		return 0;
	return pause_hold(&in->vm->pause, PAUSE_MICROCODE, PAUSE_DEADLINE_NS);
}

void microcode_fini(struct instance *in)
{
	if (in->microcode.timed)
		loop_timer_fini(in->control->loop, &in->microcode.end);
	in->microcode = (struct microcode){ 0 };
}
