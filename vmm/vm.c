/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm.c - start a VM that was built, and take it down
 *
 * Theory of operation: vm_build() makes the parts; vm_start() starts the I/O loop
 * and the vCPUs; the calling thread serves the control loop until something
 * reports the end (ending.h).  vm_free() is the reverse: the vCPUs first, then
 * requests in flight, then the I/O loop, then the rest.
 */
#include "vmm/vm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "cpu/cpu_clock.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/metric_groups.h"
#include "vmm/vm_parts.h"

/* ---- running ---- */

static void *io_main(void *arg)
{
	struct vm *vm = arg;

	loop_run(vm->io);
	return NULL;
}

static void announce(const struct vm *vm)
{
	log_info("%u vCPUs, %llu MiB, I/O by %s", vm->config->cpus,
		(unsigned long long)(vm->config->memory_bytes / MIB),
		loop_engine_name(vm->io));
	if (vm->devices.tty && tty_is_raw(vm->devices.tty))
		log_say("this terminal is the guest's console; " TTY_ESCAPE_NAME
			" stops the VM");
}

int vm_start(struct vm *vm)
{
	int rc = 0;

	/*
	 * One that goes on is held, with its clock, until somebody lets it: before
	 * its devices could look at what waits in their rings.
	 */
	if (vm->restore)
		rc = pause_hold(&vm->pause, PAUSE_USER, PAUSE_DEADLINE_NS);
	if (!rc)
		rc = thread_start(&vm->io_thread, "io", io_main, vm);
	if (rc)
		return rc;
	vm->io_runs = true;
	vm->devices.served = true;
	announce(vm);
	loop_timer_set(&vm->timeout, vm->config->timeout_ms * 1000000);
	rc = vcpus_start(vm->vcpus, vm->config->cpus);
	if (!rc && vm->restore && vm->config->restore.resume)
		rc = pause_release(&vm->pause, PAUSE_USER);
	if (!rc)
		pause_tell(&vm->pause, &vm->control->events);
	return rc;
}

/* ---- the end ---- */

static void write_metrics(struct vm *vm)
{
	struct buf out = BUF_INIT;
	ssize_t n = -1;

	if (vm->metrics_fd < 0 || !vm->io_runs)
		return;
	metrics_print_json(&out, metric_groups, metric_groups_count);
	(void)!ftruncate(vm->metrics_fd, 0); /* a FIFO has no length */
	if (!out.failed)
		n = write(vm->metrics_fd, out.data, out.len);
	if (n != (ssize_t)out.len)
		log_warn("--metrics %s: not written: %s",
			vm->config->metrics_path,
			n < 0 ? strerror(errno) : "no room");
	buf_fini(&out);
}

static void stop_io(struct vm *vm)
{
	loop_stop(vm->io);
	pthread_join(vm->io_thread, NULL);
}

/*
 * Requests in flight may use anything that belongs to the machine, until the
 * process ends.  The terminal is the user's.
 */
static struct vm *abandon(struct vm *vm)
{
	static struct vm *abandoned; /* for leak checkers: not lost */

	abandoned = vm;
	vm->control->kept = true;
	tty_restore(vm->devices.tty);
	write_metrics(abandoned);
	return NULL;
}

struct vm *vm_free(struct vm *vm)
{
	if (!vm)
		return NULL;
	watchdog_stop(&vm->watchdog);
	if (vm->io_runs && !pause_end(&vm->pause))
		return abandon(vm);
	if (vm->io_runs)
		stop_io(vm);
	devices_fini(&vm->devices);
	write_metrics(vm);
	for (unsigned i = 0; vm->vcpus && i < vm->config->cpus; i++)
		vcpu_fini(&vm->vcpus[i]);
	free(vm->vcpus);
	guest_ucode_fini(&vm->guest_ucode);
	cpu_clock_free(vm->clock);
	loop_free(vm->io);
	if (vm->control->loop) {
		loop_timer_fini(vm->control->loop, &vm->timeout);
		memory_guard_fini(&vm->guard);
	}
	mem_fini(&vm->mem);
	mem_handler_fini(&vm->handler);
	memfile_close(&vm->lineage.source);
	buf_fini(&vm->host_profile);
	cpu_model_free(vm->model);
	close_fd(vm->fd);
	close_fd(vm->kvm_fd);
	close_fd(vm->metrics_fd);
	close_fd(vm->initrd_fd);
	close_fd(vm->kernel_fd);
	/* A run that did not start leaves nothing behind. */
	if (vm->metrics_made && !vm->io_runs)
		unlink(vm->config->metrics_path);
	free(vm);
	return NULL;
}

struct vm *vm_new(const struct vm_config *config, struct control *control)
{
	struct vm *vm = malloc(sizeof(*vm));

	if (!vm)
		return NULL;
	*vm = (struct vm){
		.config = config,
		.control = control,
		.kernel_fd = -1,
		.initrd_fd = -1,
		.metrics_fd = -1,
		.kvm_fd = -1,
		.fd = -1,
		.devices = { .console_fd = -1, .serial_irq = { .fd = -1 } },
		.handler = MEM_HANDLER_INIT,
		.watchdog = WATCHDOG_INIT,
		.guard = MEMORY_GUARD_INIT,
		.lineage.source = MEMFILE_INIT,
	};
	return vm;
}
