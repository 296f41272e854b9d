/* SPDX-License-Identifier: Apache-2.0 */
/* load_report.c - what a load did, for people */
#include <errno.h>
#include <string.h>

#include "cli/load.h"

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

static void put_cpus(const struct cpu_list *cpus, struct buf *out)
{
	buf_printf(out, "CPU%s ", plural(cpu_list_count(cpus)));
	cpu_list_print(cpus, out);
}

/* ---- the host ---- */

static void put_revision(
	const struct load *load, const struct load_cpus *c, struct buf *out)
{
	put_cpus(&c->cpus, out);
	buf_printf(out, " (0x%x): 0x%x", c->signature, c->before);
	if (c->after != c->before)
		buf_printf(out, " -> 0x%x", c->after);
	if (c->wanted == c->before)
		buf_printf(out, ", nothing newer");
	else if (c->after != c->wanted)
		buf_printf(out, ", %s 0x%x",
			load->asked ? "and not" : "would get", c->wanted);
	buf_printf(out, "\n");
}

/* What the kernel means (arch/x86/kernel/cpu/microcode/core.c). */
const char *load_kernel_words(int error)
{
	static const struct {
		int error;
		const char *words;
	} known[] = {
		{ 0, "done" },
		{ ENOENT, "it found nothing newer for CPU 0 that it may load" },
		{ EBUSY, "a core whose first thread is offline cannot take "
			 "part" },
		{ EBADFD, "it does not take the image" },
		{ EIO, "not every CPU has taken it" },
		{ EINVAL, "its loader is off" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].error == error)
			return known[i].words;
	return strerror(error);
}

static void put_kernel(const struct load *load, struct buf *out)
{
	if (!load->asked)
		return;
	if (!load->answered)
		buf_printf(out, "kernel: no answer within %.1f ms\n",
			ms(load->ended_ns - load->begun_ns));
	else
		buf_printf(out, "kernel: %s, in %.1f ms\n",
			load_kernel_words(load->kernel_error),
			ms(load->ended_ns - load->begun_ns));
	for (unsigned i = 0; i < load->line_count; i++)
		buf_printf(out, "  %s\n", load->lines[i]);
}

static void put_change(const struct silicon_change *c, struct buf *out)
{
	put_cpus(&c->cpus, out);
	buf_printf(out, ": ");
	cpu_field_put_name(&c->field, out);
	buf_printf(out, " (%s) ", feature_row(c->field.row)->name);
	cpu_field_put_value(c->before, &c->field, out);
	buf_printf(out, " -> ");
	cpu_field_put_value(c->after, &c->field, out);
	if (c->kvm_differs)
		buf_printf(out, "; %s",
			c->kind == SILICON_GONE ? "KVM offers it still"
						: "KVM does not offer it yet");
	buf_printf(out, "\n");
}

static void put_host(const struct load *load, struct buf *out)
{
	for (unsigned i = 0; i < load->cpus_count; i++)
		put_revision(load, &load->cpus[i], out);
	put_kernel(load, out);
	for (unsigned i = 0; i < load->changes.count; i++)
		put_change(&load->changes.change[i], out);
	if (load->silicon_after)
		profile_print_asymmetry(load->silicon_after, out);
	if (load->placed)
		buf_printf(out, "placed %s%s\n", load->target,
			load->kept_old ? "; the old one is beside it (.old)"
				       : "");
}

/* ---- the VMs ---- */

static void put_misfits(const struct load_vm *vm, struct buf *out)
{
	buf_printf(out, ", no longer fits this host:");
	for (unsigned i = 0; i < MIN(vm->misfit_count, LOAD_MISFITS); i++) {
		const struct fleet_misfit *m = &vm->misfits[i];

		buf_printf(out, " ");
		cpu_field_put_name(
			&(struct cpu_field){ m->row, m->feature }, out);
	}
}

static void put_vm(const struct load_vm *vm, struct buf *out)
{
	buf_printf(out, "%s: ", vm->path);
	if (vm->stale) {
		buf_printf(out, "no VM\n");
		return;
	}
	if (vm->held && vm->released_ns)
		buf_printf(out, "held %.1f ms, ",
			ms(vm->released_ns - vm->held_ns));
	if (vm->fault)
		buf_printf(out, "%s", vm->fault);
	else
		buf_printf(out, "%s",
			!vm->template ? "not started"
			: vm->runs    ? "runs"
				      : "stays paused");
	if (vm->revision != vm->revision_before && vm->released_ns)
		buf_printf(out, ", sees 0x%x", vm->revision);
	if (vm->misfit_count)
		put_misfits(vm, out);
	buf_printf(out, "\n");
}

static void put_times(const struct load *load, struct buf *out)
{
	const struct load_vm *longest = load_longest(load);
	const char *between = "";

	for (unsigned i = 0; i < STEPS; i++) {
		if (!load->step_ns[i])
			continue;
		buf_printf(out, "%s%s %.1f ms", between, load_step_names[i],
			ms(load->step_ns[i]));
		between = ", ";
	}
	buf_printf(out, "\n");
	if (longest)
		buf_printf(out, "longest hold: %.1f ms (%s)\n",
			ms(longest->released_ns - longest->held_ns),
			longest->path);
}

void load_put_text(const struct load *load, struct buf *out)
{
	put_host(load, out);
	for (unsigned i = 0; i < load->vm_count; i++)
		put_vm(&load->vm[i], out);
	put_times(load, out);
	buf_printf(out, "%s\n", load_outcome_names[load->outcome]);
}
