/* SPDX-License-Identifier: Apache-2.0 */
/* load_hold.c - prepare all VMs, hold all, release all */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/load.h"
#include "vmm/base/err.h"
#include "vmm/base/thread.h"
#include "vmm/vm_ops.h"

#define NS_PER_MS  ((uint64_t)1000000)
#define RELEASE_NS (2000 * NS_PER_MS)
/* For a VM that gave up at the last moment to say so. */
#define GRACE_NS   (200 * NS_PER_MS)

/* ---- asking all ---- */

static unsigned ask(struct load *load, enum api_method method,
	const char *target,
	void (*put_body)(void *ctx, unsigned index, struct buf *out),
	uint64_t until_ns)
{
	const struct crowd_question question = {
		.method = method,
		.target = target,
		.put_body = put_body,
		.ctx = load,
		.until_ns = until_ns,
	};

	return crowd_ask(&load->crowd, &question);
}

static const char *fault_of(const struct crowd_member *m)
{
	return m->fault ? m->fault : strerror(-m->rc);
}

static void note_fault(struct load_vm *vm, const char *sentence)
{
	if (!vm->fault)
		vm->fault = strdup(sentence);
}

/* The sentence of the first of those that failed, and how many more did. */
static int tell_first(struct load *load, unsigned failed, const char *what)
{
	const struct crowd_member *m = load->crowd.member;
	char more[32] = "";

	for (unsigned i = 0; i < load->vm_count; i++)
		if (m[i].asked && m[i].rc)
			note_fault(&load->vm[i], fault_of(&m[i]));
	while (!m->asked || !m->rc)
		m++;
	if (failed > 1)
		snprintf(more, sizeof(more), ", and %u more", failed - 1);
	return err_set(m->rc, "%s%s: cannot be %s: %s", m->path, more, what,
		fault_of(m));
}

static uint64_t number(const struct crowd_member *m, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(m->body, name));

	return n > 0 ? (uint64_t)n : 0;
}

/* "0x2b000650" */
static uint32_t revision(const struct crowd_member *m, const char *name)
{
	const char *text = json_string_value(json_object_get(m->body, name));

	return text ? (uint32_t)strtoul(text, NULL, 16) : 0;
}

static bool state_is(const struct crowd_member *m, enum vm_state state)
{
	const char *word = json_string_value(json_object_get(m->body, "state"));

	return word && !strcmp(word, vm_state_names[state]);
}

/* ---- prepare ---- */

static void put_prepare(void *ctx, unsigned index, struct buf *out)
{
	const struct load *load = ctx;

	(void)index;
	buf_printf(out,
		"{\"coordinator\": \"%s\", \"lease\": \"%" PRIu64 "ms\"}",
		load->coordinator, load->settings->lease_ms);
}

/* A socket without a process is what a VM that was killed leaves behind. */
static unsigned pass_over_stale(struct load *load)
{
	unsigned count = 0;

	for (unsigned i = 0; i < load->vm_count; i++) {
		struct crowd_member *m = &load->crowd.member[i];

		if (m->rc != -ECONNREFUSED && m->rc != -ENOENT)
			continue;
		load->vm[i].stale = true;
		m->asked = false;
		count++;
	}
	return count;
}

/*
 * That no vCPU ran while the kernel loaded is told by comparing times of different
 * processes: all must read one clock.
 */
static int check_clock(const struct crowd_member *m)
{
	uint64_t now = number(m, "now_ns");

	if (now >= m->asked_ns && now <= m->answered_ns)
		return 0;
	return err_set(-EINVAL,
		"%s: its clock is not ours; run this where the VMs run (time "
		"namespace)",
		m->path);
}

static int check_clocks(const struct load *load)
{
	int rc = 0;

	for (unsigned i = 0; i < load->vm_count && !rc; i++)
		if (load->vm[i].prepared)
			rc = check_clock(&load->crowd.member[i]);
	return rc;
}

static int take_cpu(struct load_vm *vm, const struct crowd_member *m)
{
	vm->revision_before = revision(m, "microcode");
	vm->template = calloc(1, sizeof(*vm->template));
	if (!vm->template)
		return err_set(-ENOMEM, "no memory for the CPU of %s", m->path);
	return template_parse_json(
		m->path, json_object_get(m->body, "template"), vm->template);
}

int load_learn_cpus(struct load *load)
{
	uint64_t until_ns = now_ns() + load->settings->deadline_ms * NS_PER_MS;
	unsigned failed;
	int rc = 0;

	for (unsigned i = 0; i < load->vm_count; i++) {
		struct crowd_member *m = &load->crowd.member[i];

		m->asked = load->vm[i].prepared && !load->vm[i].template &&
			   !state_is(m, VM_NOT_STARTED);
	}
	failed = ask(load, API_GET, "/cpu", NULL, until_ns);
	if (failed)
		return tell_first(load, failed, "asked for the CPU");
	for (unsigned i = 0; i < load->vm_count && !rc; i++)
		if (load->crowd.member[i].asked)
			rc = take_cpu(&load->vm[i], &load->crowd.member[i]);
	return rc;
}

int load_prepare(struct load *load)
{
	uint64_t until_ns = now_ns() + load->settings->deadline_ms * NS_PER_MS;
	unsigned failed;
	int rc;

	for (unsigned i = 0; i < load->vm_count; i++)
		load->crowd.member[i].asked = true;
	failed = ask(
		load, API_PUT, "/microcode/prepare", put_prepare, until_ns);
	failed -= pass_over_stale(load);
	for (unsigned i = 0; i < load->vm_count; i++)
		load->vm[i].prepared = !load->crowd.member[i].rc;
	if (failed)
		return tell_first(load, failed, "prepared");
	rc = check_clocks(load);
	return rc ? rc : load_learn_cpus(load);
}

/* ---- hold ---- */

struct hold {
	struct load *load;
	uint64_t until_ms;
};

static void put_hold(void *ctx, unsigned index, struct buf *out)
{
	const struct hold *hold = ctx;

	(void)index;
	buf_printf(out,
		"{\"coordinator\": \"%s\", \"lease\": \"%" PRIu64
		"ms\", \"until\": \"%" PRIu64 "ms\"}",
		hold->load->coordinator, hold->load->settings->lease_ms,
		hold->until_ms);
}

static unsigned ask_hold(struct load *load, uint64_t until_ns)
{
	struct hold hold = { load, until_ns / NS_PER_MS };
	const struct crowd_question question = {
		.method = API_PUT,
		.target = "/microcode/hold",
		.put_body = put_hold,
		.ctx = &hold,
		.until_ns = until_ns + GRACE_NS,
	};

	for (unsigned i = 0; i < load->vm_count; i++)
		load->crowd.member[i].asked = load->vm[i].prepared;
	return crowd_ask(&load->crowd, &question);
}

int load_hold(struct load *load)
{
	uint64_t until_ns = now_ns() + load->settings->deadline_ms * NS_PER_MS;
	unsigned failed = ask_hold(load, until_ns);

	for (unsigned i = 0; i < load->vm_count; i++) {
		struct load_vm *vm = &load->vm[i];

		if (!vm->prepared || load->crowd.member[i].rc)
			continue;
		vm->held = true;
		vm->held_ns = number(&load->crowd.member[i], "held_ns");
	}
	return failed ? tell_first(load, failed, "held") : 0;
}

/* Whoever is lost now is told of when it is released. */
void load_renew(struct load *load)
{
	ask_hold(load, now_ns() + load->settings->lease_ms / 3 * NS_PER_MS);
}

/* ---- release ---- */

/* What every CPU of the host has at least, if anything has changed. */
static uint32_t common_revision(const struct load *load)
{
	uint32_t least = 0;

	if (load->outcome != LOAD_DONE && load->outcome != LOAD_PARTLY)
		return 0;
	for (unsigned i = 0; i < load->cpus_count; i++)
		if (!i || load->cpus[i].after < least)
			least = load->cpus[i].after;
	return least;
}

static void put_release(void *ctx, unsigned index, struct buf *out)
{
	const struct load *load = ctx;

	buf_printf(out,
		"{\"coordinator\": \"%s\", \"revision\": %" PRIu32
		", \"fits\": %s}",
		load->coordinator, common_revision(load),
		load->vm[index].misfit_count ? "false" : "true");
}

static void take_release(struct load_vm *vm, const struct crowd_member *m)
{
	if (!m->asked)
		return;
	if (m->rc) {
		note_fault(vm, fault_of(m));
		return;
	}
	vm->runs = state_is(m, VM_RUNNING);
	vm->revision = revision(m, "revision");
	vm->released_ns = number(m, "released_ns");
}

/* One that cannot be told goes on when its lease runs out. */
int load_release(struct load *load)
{
	unsigned failed;

	for (unsigned i = 0; i < load->vm_count; i++)
		load->crowd.member[i].asked = load->vm[i].prepared;
	failed = ask(load, API_PUT, "/microcode/release", put_release,
		now_ns() + RELEASE_NS);
	for (unsigned i = 0; i < load->vm_count; i++)
		take_release(&load->vm[i], &load->crowd.member[i]);
	return failed ? tell_first(load, failed, "released") : 0;
}
