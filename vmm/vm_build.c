/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_build.c - make the parts of a VM, in the order in which they depend on each
 * other; files on the host are created last, when nothing that the user wrote
 * can fail any more
 */
#include "vmm/vm_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/loader.h"
#include "cpu/cpu.h"
#include "cpu/cpu_clock.h"
#include "firmware/tables.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/core/irq.h"
#include "vmm/core/kvm.h"
#include "vmm/outfile.h"
#include "vmm/ucode_spool.h"
#include "vmm/vm_events.h"

/* ---- reports of the end ---- */

static void machine_event(void *owner, enum machine_event event, uint8_t value)
{
	static const enum outcome outcomes[] = {
		[MACHINE_POWER_OFF] = OUTCOME_POWER_OFF,
		[MACHINE_RESET] = OUTCOME_REBOOT,
		[MACHINE_PANIC] = OUTCOME_PANIC,
		[MACHINE_DEBUG_EXIT] = OUTCOME_DEBUG_EXIT,
	};
	struct vm *vm = owner;

	ending_report(&vm->control->ending, outcomes[event],
		event == MACHINE_DEBUG_EXIT ? value : 0, NULL);
}

static void vcpu_ended(
	void *owner, unsigned index, enum vcpu_end why, const char *detail)
{
	struct vm *vm = owner;

	log_info("vCPU %u: %s", index, detail);
	if (memory_guard_is_cut(&vm->guard)) {
		restore_memory_cut(vm);
		return;
	}
	ending_report(&vm->control->ending,
		why == VCPU_TRIPLE_FAULT ? OUTCOME_TRIPLE_FAULT
					 : OUTCOME_VMM_FAILED,
		0, why == VCPU_TRIPLE_FAULT ? NULL : detail);
}

static void guest_loads_ucode(
	void *owner, struct vcpu *vcpu, const struct cpu_load *load) ON_VCPU
{
	struct vm *vm = owner;

	guest_ucode_load(&vm->guest_ucode, vcpu, load);
}

static void escape_pressed(void *owner)
{
	struct vm *vm = owner;

	ending_report(&vm->control->ending, OUTCOME_STOPPED, 0,
		TTY_ESCAPE_NAME " was pressed");
}

static void device_failed(void *owner, const char *device, const char *why)
{
	struct vm *vm = owner;

	vm_tell_device_error(&vm->control->events, device, why);
}

void vm_timed_out(struct vm *vm)
{
	char detail[48];

	snprintf(detail, sizeof(detail), "%llu ms are over",
		(unsigned long long)vm->config->timeout_ms);
	ending_report(&vm->control->ending, OUTCOME_TIMEOUT, 0, detail);
}

static void timeout_expired(struct loop_timer *timer)
{
	vm_timed_out(container_of(timer, struct vm, timeout));
}

/* ---- the parts, in the order in which they are made ---- */

static int open_input(
	const char *option, const char *path, const char *remedy, int *ret_fd)
{
	/* Not to wait for the writer of a FIFO, which is refused later anyway. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct flock shared = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fd < 0)
		return err_set(-errno, "%s %s: cannot open: %s; %s", option,
			path, strerror(errno), remedy);
	/* So that outfile_open() knows it; a filesystem without locks will do. */
	(void)fcntl(fd, F_OFD_SETLK, &shared);
	*ret_fd = fd;
	return 0;
}

static int open_inputs(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	int rc = open_input("--kernel", config->kernel,
		"give a bzImage or an ELF vmlinux that you may read",
		&vm->kernel_fd);

	if (!rc && config->initrd)
		rc = open_input("--initrd", config->initrd,
			"give an initial RAM disk that you may read",
			&vm->initrd_fd);
	if (!rc)
		rc = devices_open(&vm->devices, config);
	return rc;
}

static int make_kvm(struct vm *vm)
{
	int rc = kvm_open(KVM_DEVICE, &vm->kvm_fd);

	if (!rc)
		rc = kvm_require_caps(vm->kvm_fd);
	if (!rc)
		rc = kvm_create_vm(vm->kvm_fd, &vm->fd);
	return rc;
}

static int make_cpu_model(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	const struct cpu_options options = {
		.cpus = config->cpus,
		.smt = config->smt,
		.cpu = config->cpu,
		.text = config->cpu_text,
		.nested = config->nested == NESTED_ON,
		.strict_msrs = config->msr == MSR_STRICT,
		.hide_hypervisor = config->hypervisor == HYPERVISOR_HIDDEN,
		.loader = guest_ucode_loader(config->guest_ucode),
	};

	return cpu_model_new(vm->kvm_fd, &options, &vm->model);
}

static int check_memory_limit(const struct vm *vm)
{
	const struct mem_region *top = &vm->mem.region[vm->mem.count - 1];
	uint64_t limit = cpu_physical_limit(vm->model);

	if (top->gpa.v + top->size_bytes <= limit)
		return 0;
	return err_set(-E2BIG,
		"--memory %llu MiB: this host's CPUs address %llu MiB; give "
		"less",
		(unsigned long long)(vm->config->memory_bytes / MIB),
		(unsigned long long)(limit / MIB));
}

static int make_memory(struct vm *vm)
{
	int rc = mem_init_pages(&vm->mem, vm->config->memory_bytes,
		(enum mem_page_kind)vm->config->huge_pages);

	if (!rc)
		rc = check_memory_limit(vm);
	if (!rc)
		rc = mem_map(&vm->mem, vm->fd);
	return rc ? err_wrap(rc, "--memory") : 0;
}

/*
 * After the memory: KVM registers these on its buses with a grace period each,
 * and a memory slot that comes later waits for all of them (8 ms of a start).
 */
static int make_interrupts(struct vm *vm)
{
	int rc = cpu_vm_init(vm->kvm_fd, vm->fd);

	return rc ? rc : irq_set_default_routes(vm->fd);
}

static void describe_machine(struct vm *vm)
{
	vm->machine = (struct machine){
		.mem = &vm->mem,
		.cpus = vm->config->cpus,
	};
	devices_plan(vm->config, &vm->machine);
}

/* What is in memory when the guest starts. */
static int fill_memory(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	const struct boot_files files = {
		.kernel_fd = vm->kernel_fd,
		.kernel_path = config->kernel,
		.initrd_fd = vm->initrd_fd,
		.initrd_path = config->initrd,
		.cmdline = config->cmdline,
	};
	gpa_t rsdp;
	int rc;

	describe_machine(vm);
	rc = firmware_install(&vm->machine, &rsdp);
	if (rc)
		return rc;
	return boot_load(&files, &vm->machine, rsdp, &vm->entry);
}

static int make_vcpus(struct vm *vm)
{
	vm->vcpu_env = (struct vcpu_env){
		.ports = &vm->ports,
		.mmio = &vm->mmio,
		.ended = vcpu_ended,
		.loads_ucode = guest_loads_ucode,
		.owner = vm,
	};
	vm->vcpus = calloc(vm->config->cpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return err_set(-ENOMEM, "--cpus: no memory");
	for (unsigned i = 0; i < vm->config->cpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];
		int rc = vcpu_init(vcpu, vm->kvm_fd, vm->fd, i, &vm->vcpu_env);

		if (rc)
			return rc;
	}
	return 0;
}

static int model_vcpus(struct vm *vm)
{
	int rc = cpu_model_settle(
		vm->model, vm->kvm_fd, vm->fd, vm->vcpus[0].fd);

	for (unsigned i = 0; !rc && i < vm->config->cpus; i++)
		rc = cpu_vcpu_init(vm->vcpus[i].fd, vm->model, i);
	return rc;
}

static int enter_kernel(struct vm *vm)
{
	return cpu_vcpu_enter(vm->vcpus[0].fd, &vm->entry);
}

static int make_clock(struct vm *vm)
{
	int fds[MACHINE_CPUS_MAX];

	for (unsigned i = 0; i < vm->config->cpus; i++)
		fds[i] = vm->vcpus[i].fd;
	return cpu_clock_new(vm->fd, fds, vm->config->cpus, &vm->clock);
}

static int make_loops(struct vm *vm)
{
	int rc = control_open(vm->control);

	if (!rc)
		rc = loop_timer_init(
			vm->control->loop, &vm->timeout, timeout_expired);
	if (!rc)
		rc = loop_new(
			(enum loop_engine)vm->config->loop_engine, &vm->io);
	return rc;
}

static int make_devices(struct vm *vm)
{
	const struct devices_env env = {
		.config = vm->config,
		.machine = &vm->machine,
		.loop = vm->io,
		.vm_fd = vm->fd,
		.ports = &vm->ports,
		.mmio = &vm->mmio,
		.event = machine_event,
		.escape = escape_pressed,
		.failed = device_failed,
		.owner = vm,
	};

	return devices_build(&vm->devices, &env);
}

static int make_pause(struct vm *vm)
{
	pause_init(&vm->pause, vm->vcpus, vm->config->cpus, &vm->devices,
		vm->clock);
	return 0;
}

static int check_spool(const struct vm_config *config)
{
	if (!config->ucode_spool)
		return 0;
	if (config->guest_ucode != GUEST_UCODE_STAGE)
		return err_set(-EINVAL,
			"--microcode-spool %s: nothing would be put there; "
			"give --guest-microcode stage too",
			text_shown(config->ucode_spool).s);
	return ucode_spool_check("--microcode-spool", config->ucode_spool);
}

static int make_guest_ucode(struct vm *vm)
{
	struct guest_ucode *guest = &vm->guest_ucode;
	int rc = check_spool(vm->config);

	guest->policy = vm->config->guest_ucode;
	guest->mem = &vm->mem;
	guest->control = vm->control;
	guest->spool = vm->config->ucode_spool;
	return rc ? rc : cpu_ucode_identify(vm->vcpus[0].fd, &guest->id);
}

/* Emptied when it is written: a run that does not start keeps the old. */
static int open_metrics(struct vm *vm)
{
	const char *path = vm->config->metrics_path;

	if (!path)
		return 0;
	vm->metrics_made = access(path, F_OK) != 0;
	return outfile_open("--metrics ", path, &vm->metrics_fd);
}

/* ---- a machine that goes on ---- */

static int open_disks(struct vm *vm)
{
	return devices_open(&vm->devices, vm->config);
}

static int plan_devices(struct vm *vm)
{
	describe_machine(vm);
	return 0;
}

/* ---- together ---- */

/* Whose fault a failing step is decides the exit status. */
struct step {
	int (*make)(struct vm *vm);
	enum outcome fault;
};

static const struct step boot_steps[] = {
	{ open_inputs, OUTCOME_BAD_CONFIG },
	{ make_kvm, OUTCOME_HOST_LACKS },
	{ make_cpu_model, OUTCOME_BAD_CONFIG },
	{ make_memory, OUTCOME_BAD_CONFIG },
	{ make_interrupts, OUTCOME_HOST_LACKS },
	{ fill_memory, OUTCOME_BAD_CONFIG },
	{ make_vcpus, OUTCOME_HOST_LACKS },
	{ model_vcpus, OUTCOME_BAD_CONFIG },
	{ enter_kernel, OUTCOME_HOST_LACKS },
	{ make_clock, OUTCOME_HOST_LACKS },
	{ make_loops, OUTCOME_HOST_LACKS },
	{ open_metrics, OUTCOME_BAD_CONFIG },
	{ make_devices, OUTCOME_BAD_CONFIG },
	{ make_pause, OUTCOME_VMM_FAILED },
	{ make_guest_ucode, OUTCOME_BAD_CONFIG },
	{ NULL, OUTCOME_VMM_FAILED },
};

static const struct step restore_steps[] = {
	{ open_disks, OUTCOME_BAD_CONFIG },
	{ make_kvm, OUTCOME_HOST_LACKS },
	{ restore_cpu_model, OUTCOME_BAD_CONFIG },
	{ restore_memory, OUTCOME_BAD_CONFIG },
	{ make_interrupts, OUTCOME_HOST_LACKS },
	{ plan_devices, OUTCOME_BAD_CONFIG },
	{ make_vcpus, OUTCOME_HOST_LACKS },
	{ model_vcpus, OUTCOME_BAD_CONFIG },
	{ make_clock, OUTCOME_HOST_LACKS },
	{ make_loops, OUTCOME_HOST_LACKS },
	{ restore_watch_handler, OUTCOME_VMM_FAILED },
	{ restore_guard_memory, OUTCOME_VMM_FAILED },
	{ open_metrics, OUTCOME_BAD_CONFIG },
	{ make_devices, OUTCOME_BAD_CONFIG },
	{ make_pause, OUTCOME_VMM_FAILED },
	{ make_guest_ucode, OUTCOME_BAD_CONFIG },
	{ restore_state, OUTCOME_BAD_CONFIG },
	{ NULL, OUTCOME_VMM_FAILED },
};

static const struct step cpu_steps[] = {
	{ make_kvm, OUTCOME_HOST_LACKS },
	{ restore_cpu_model, OUTCOME_BAD_CONFIG },
	{ make_interrupts, OUTCOME_HOST_LACKS },
	{ make_vcpus, OUTCOME_HOST_LACKS },
	{ model_vcpus, OUTCOME_BAD_CONFIG },
	{ NULL, OUTCOME_VMM_FAILED },
};

/* The host's own CPU is nothing that the user described. */
static enum outcome fault_of(const struct vm *vm, const struct step *step)
{
	bool of_cpu = step->make == make_cpu_model || step->make == model_vcpus;

	if (of_cpu && !vm->restore && !strcmp(vm->config->cpu, "host"))
		return OUTCOME_HOST_LACKS;
	return step->fault;
}

static int take_steps(
	struct vm *vm, const struct step *step, enum outcome *ret_fault)
{
	for (; step->make; step++) {
		int rc = step->make(vm);

		if (rc == -EMFILE) {
			*ret_fault = OUTCOME_HOST_LACKS;
			return err_wrap(rc, "raise the limit on open files "
					    "(ulimit -n)");
		}
		if (rc < 0) {
			*ret_fault = fault_of(vm, step);
			return rc;
		}
	}
	return 0;
}

int vm_build(struct vm *vm, enum outcome *ret_fault)
{
	return take_steps(
		vm, vm->restore ? restore_steps : boot_steps, ret_fault);
}

int vm_build_cpus(struct vm *vm, enum outcome *ret_fault)
{
	return take_steps(vm, cpu_steps, ret_fault);
}
