/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.c - print how many microseconds it takes from the request until every vCPU
 * is parked, one line for each cycle
 *
 * pause muster|plain CPUS CYCLES KERNEL.  The guest spins on all CPUs, in ring 3.
 * `plain` is the barrier that one writes first: set a flag, signal all threads,
 * sleep until the last of them says that it has come.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/base/futex.h"
#include "vmm/vm_parts.h"

#define BOOT_US     300000
#define GAP_US_MIN  1000
#define GAP_US_MASK 1023

/* ---- the plain barrier ---- */

static struct {
	_Atomic uint32_t wanted, parked;
	atomic_bool over;
	unsigned count;
} plain;

static void nothing(int signal)
{
	(void)signal;
}

static void plain_immediate_exit(const struct vcpu *vcpu, uint8_t value)
{
	__atomic_store_n(&vcpu->run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

static void plain_park(const struct vcpu *vcpu)
{
	if (atomic_fetch_add(&plain.parked, 1) + 1 == plain.count)
		futex_wake(&plain.parked, 1);
	while (atomic_load(&plain.wanted))
		futex_wait(&plain.wanted, 1, FUTEX_FOREVER);
	plain_immediate_exit(vcpu, 0);
	atomic_fetch_sub(&plain.parked, 1);
}

static void *plain_main(void *arg)
{
	struct vcpu *vcpu = arg;
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	while (!atomic_load(&plain.over)) {
		if (!ioctl(vcpu->fd, KVM_RUN, NULL))
			continue;
		if (errno != EINTR && errno != EAGAIN)
			break;
		if (atomic_load(&plain.wanted))
			plain_park(vcpu);
	}
	return NULL;
}

static void plain_kick(struct vm *vm)
{
	for (unsigned i = 0; i < plain.count; i++) {
		plain_immediate_exit(&vm->vcpus[i], 1);
		pthread_kill(vm->vcpus[i].thread, SIGUSR1);
	}
}

static int plain_start(struct vm *vm)
{
	int rc = 0;

	signal(SIGUSR1, nothing);
	plain.count = vm->config->cpus;
	for (unsigned i = 0; !rc && i < plain.count; i++)
		rc = thread_start(&vm->vcpus[i].thread, "plain", plain_main,
			&vm->vcpus[i]);
	return rc;
}

static int plain_hold(struct vm *vm)
{
	uint32_t parked;

	atomic_store(&plain.wanted, 1);
	plain_kick(vm);
	while ((parked = atomic_load(&plain.parked)) < plain.count)
		futex_wait(&plain.parked, parked, FUTEX_FOREVER);
	return 0;
}

static void plain_release(struct vm *vm)
{
	(void)vm;
	atomic_store(&plain.wanted, 0);
	futex_wake(&plain.wanted, FUTEX_ALL);
	while (atomic_load(&plain.parked))
		usleep(50);
}

static void plain_stop(struct vm *vm)
{
	atomic_store(&plain.over, true);
	plain_kick(vm);
	for (unsigned i = 0; i < plain.count; i++)
		pthread_join(vm->vcpus[i].thread, NULL);
}

/* ---- muster's ---- */

static int muster_hold(struct vm *vm)
{
	unsigned late;

	return vcpus_hold(vm->vcpus, vm->config->cpus,
		now_ns() + PAUSE_DEADLINE_NS, &late);
}

static void muster_release(struct vm *vm)
{
	vcpus_release(vm->vcpus, vm->config->cpus);
}

static void muster_stop(struct vm *vm)
{
	(void)vm; /* vm_free() does */
}

static const struct barrier {
	const char *name;
	int (*start)(struct vm *vm);
	int (*hold)(struct vm *vm);
	void (*release)(struct vm *vm);
	void (*stop)(struct vm *vm);
} barriers[] = {
	{ "muster", vm_start, muster_hold, muster_release, muster_stop },
	{ "plain", plain_start, plain_hold, plain_release, plain_stop },
};

/* ---- measuring ---- */

static int measure(struct vm *vm, const struct barrier *barrier, int cycles)
{
	int rc = 0;

	usleep(BOOT_US);
	for (int i = 0; !rc && i < cycles; i++) {
		uint64_t start_ns;

		usleep(GAP_US_MIN + (unsigned)(random() & GAP_US_MASK));
		start_ns = now_ns();
		rc = barrier->hold(vm);
		printf("%.1f\n", (double)(now_ns() - start_ns) / 1e3);
		barrier->release(vm);
	}
	return rc;
}

static int run(
	const struct barrier *barrier, char *cpus, int cycles, char *kernel)
{
	char cmdline[32];
	char *const args[] = { "--kernel", kernel, "--cpus", cpus, "--memory",
		"64M", "--console", "none", "--cmdline", cmdline };
	struct vm_config config;
	enum outcome fault;
	struct control *control;
	struct vm *vm;
	int rc;

	snprintf(cmdline, sizeof(cmdline), "cpus=%s", cpus);
	rc = vm_config_parse(ARRAY_SIZE(args), args, &config);
	if (rc)
		return rc;
	control = control_new();
	vm = control ? vm_new(&config, control) : NULL;
	rc = vm ? vm_build(vm, &fault) : -ENOMEM;
	if (!rc)
		rc = barrier->start(vm);
	if (!rc) {
		rc = measure(vm, barrier, cycles);
		barrier->stop(vm);
	}
	vm_free(vm);
	control_free(control);
	vm_config_fini(&config);
	return rc;
}

int main(int argc, char *argv[])
{
	int rc = -EINVAL;

	if (argc == 5)
		for (unsigned i = 0; i < ARRAY_SIZE(barriers); i++)
			if (!strcmp(argv[1], barriers[i].name))
				rc = run(&barriers[i], argv[2], atoi(argv[3]),
					argv[4]);
	if (rc)
		fprintf(stderr, "%s\n", err_describe(rc));
	return rc ? 1 : 0;
}
