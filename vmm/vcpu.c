/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu.c - one thread per vCPU
 *
 * Holding has no window: the gate is closed and immediate_exit set before the signal
 * is sent, so a thread that has not entered KVM_RUN yet will return from it at
 * once, and one that is inside is interrupted.  The handler is empty.
 *
 * A vCPU looks at the gate in one place, when KVM_RUN has said EINTR.  With
 * immediate_exit set KVM completes the access that we carried out (KVM API, 5:
 * kvm_run), and then says EINTR before the next instruction: no access is half done
 * in a vCPU that is held.  Only the thread that holds and releases writes
 * immediate_exit, and not while a vCPU may go on.
 */
#include "vmm/vcpu.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "cpu/cpu.h"
#include "cpu/cpu_clock.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

enum {
	EXITS,
	EXITS_PORT_IN,
	EXITS_PORT_OUT,
	EXITS_MMIO_READ,
	EXITS_MMIO_WRITE,
	EXITS_UNCLAIMED,
};

static struct metric metrics[] = {
	[EXITS] = { "exits", "returns from KVM_RUN", 0 },
	[EXITS_PORT_IN] = { "exits_port_in", "of these, for port input", 0 },
	[EXITS_PORT_OUT] = { "exits_port_out", "of these, for port output", 0 },
	[EXITS_MMIO_READ] = { "exits_mmio_read", "of these, for MMIO reads",
		0 },
	[EXITS_MMIO_WRITE] = { "exits_mmio_write", "of these, for MMIO writes",
		0 },
	[EXITS_UNCLAIMED] = { "exits_unclaimed",
		"MMIO accesses that no device decodes", 0 },
};

const struct metric_group vcpu_metrics = {
	.name = "vcpu", .metrics = metrics, .count = ARRAY_SIZE(metrics)
};

static int kick_signal(void)
{
	return SIGRTMIN;
}

static void empty_handler(int signal)
{
	(void)signal;
}

/* ---- running ---- */

static void handle_mmio(struct vcpu *vcpu) ON_VCPU
{
	struct kvm_run *run = vcpu->run;
	const struct bus *mmio = vcpu->env->mmio;
	unsigned len = MIN(run->mmio.len, sizeof(run->mmio.data));
	bool claimed;

	if (run->mmio.is_write)
		claimed = bus_write(
			mmio, run->mmio.phys_addr, run->mmio.data, len);
	else
		claimed = bus_read(
			mmio, run->mmio.phys_addr, run->mmio.data, len);
	metric_add(&metrics[run->mmio.is_write ? EXITS_MMIO_WRITE
					       : EXITS_MMIO_READ],
		1);
	metric_add(&metrics[EXITS_UNCLAIMED], !claimed);
}

static void end(struct vcpu *vcpu, enum vcpu_end why, const char *what,
	uint64_t code) ON_VCPU
{
	struct buf detail = BUF_INIT;

	buf_printf(&detail, "%s %llu: ", what, (unsigned long long)code);
	cpu_vcpu_dump(vcpu->fd, &detail);
	buf_u8(&detail, 0);
	vcpu->env->ended(vcpu->env->owner, vcpu->index, why,
		detail.failed ? what : (const char *)detail.data);
	buf_fini(&detail);
}

static void count_port(const struct kvm_run *run)
{
	bool out = run->io.direction == KVM_EXIT_IO_OUT;

	if (run->exit_reason == KVM_EXIT_IO)
		metric_add(&metrics[out ? EXITS_PORT_OUT : EXITS_PORT_IN], 1);
}

/* False when the vCPU cannot go on. */
static bool handle_exit(struct vcpu *vcpu) ON_VCPU
{
	struct kvm_run *run = vcpu->run;
	struct cpu_load load;

	metric_add(&metrics[EXITS], 1);
	if (cpu_loader_exit(run, &load)) {
		vcpu->env->loads_ucode(vcpu->env->owner, vcpu, &load);
		return true;
	}
	if (cpu_exit(run, vcpu->env->ports)) {
		count_port(run);
		return true;
	}
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		return true;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return true;
	case KVM_EXIT_SHUTDOWN:
		end(vcpu, VCPU_TRIPLE_FAULT, "triple fault", 0);
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		end(vcpu, VCPU_FAILED, "entry refused, reason",
			run->fail_entry.hardware_entry_failure_reason);
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		end(vcpu, VCPU_FAILED, "KVM internal error",
			run->internal.suberror);
		return false;
	default:
		end(vcpu, VCPU_FAILED, "unexpected exit", run->exit_reason);
		return false;
	}
}

static void wait_at_gate(struct vcpu *vcpu) ON_VCPU
{
	struct vcpu_env *env = vcpu->env;
	uint64_t ns;

	if (!park_closed(&env->park))
		return;
	cpu_vcpu_held(vcpu->fd);
	ns = park_here(&env->park, &vcpu->parker);
	if (ns && env->resumed)
		histogram_add(env->resumed, ns);
}

/* EAGAIN is a vCPU that was just started by another one. */
static bool run_once(struct vcpu *vcpu) ON_VCPU
{
	char what[64];
	int error;

	if (!ioctl(vcpu->fd, KVM_RUN, NULL))
		return handle_exit(vcpu);
	error = errno;
	if (error == EINTR)
		wait_at_gate(vcpu);
	if (error == EINTR || error == EAGAIN)
		return true;
	snprintf(what, sizeof(what), "KVM_RUN: %s, errno", strerror(error));
	end(vcpu, VCPU_FAILED, what, (uint64_t)error);
	return false;
}

static void *vcpu_main(void *arg)
{
	struct vcpu *vcpu = arg;
	struct park *park = &vcpu->env->park;
	sigset_t kick;

	claim_vcpu_thread();
	sigemptyset(&kick);
	sigaddset(&kick, kick_signal());
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	wait_at_gate(vcpu);
	while (!park_over(park) && run_once(vcpu))
		;
	/* A vCPU that cannot go on is held whenever the others are. */
	park_rest(park, &vcpu->parker);
	return NULL;
}

/* ---- life ---- */

int vcpu_init(struct vcpu *vcpu, int kvm_fd, int vm_fd, unsigned index,
	struct vcpu_env *env)
{
	int bytes = kvm_ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	void *run;

	*vcpu = (struct vcpu){ .index = index, .env = env };
	vcpu->fd = kvm_ioctl_val(vm_fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		return err_set(vcpu->fd,
			"--cpus: KVM cannot create vCPU %u: %s", index,
			strerror(-vcpu->fd));
	if (bytes < (int)sizeof(*vcpu->run))
		return err_set(
			-ENOTSUP, "KVM_GET_VCPU_MMAP_SIZE gives %d", bytes);
	run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		vcpu->fd, 0);
	if (run == MAP_FAILED)
		return err_set(-errno, "cannot map vCPU %u: %s", index,
			strerror(errno));
	vcpu->run = run;
	vcpu->run_bytes = (size_t)bytes;
	return 0;
}

void vcpu_fini(struct vcpu *vcpu)
{
	if (!vcpu->env)
		return;
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_bytes);
	close_fd(vcpu->fd);
}

int vcpus_start(struct vcpu *vcpus, unsigned count)
{
	struct sigaction action = { .sa_handler = empty_handler };

	sigaction(kick_signal(), &action, NULL);
	for (unsigned i = 0; i < count; i++) {
		char name[16];
		int rc;

		snprintf(name, sizeof(name), "vcpu%u", i);
		rc = thread_start(&vcpus[i].thread, name, vcpu_main, &vcpus[i]);
		if (rc) {
			vcpus_stop(vcpus, count);
			return rc;
		}
		vcpus[i].started = true;
	}
	return 0;
}

/* ---- all together ---- */

static unsigned started(const struct vcpu *vcpus, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += vcpus[i].started;
	return n;
}

static void set_immediate_exit(
	const struct vcpu *vcpus, unsigned count, uint8_t value)
{
	for (unsigned i = 0; i < count; i++)
		__atomic_store_n(
			&vcpus[i].run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

static unsigned first_late(const struct vcpu *vcpus, unsigned count)
{
	unsigned i = 0;

	while (i + 1 < count && park_has(&vcpus->env->park, &vcpus[i].parker))
		i++;
	return i;
}

int vcpus_hold(struct vcpu *vcpus, unsigned count, uint64_t until_ns,
	unsigned *ret_late)
{
	struct park *park = &vcpus->env->park;

	park_close(park, started(vcpus, count));
	set_immediate_exit(vcpus, count, 1);
	for (unsigned i = 0; i < count; i++)
		if (vcpus[i].started)
			pthread_kill(vcpus[i].thread, kick_signal());
	return vcpus_wait(vcpus, count, until_ns, ret_late);
}

int vcpus_wait(struct vcpu *vcpus, unsigned count, uint64_t until_ns,
	unsigned *ret_late)
{
	if (park_wait(&vcpus->env->park, until_ns))
		return 0;
	*ret_late = first_late(vcpus, count);
	return -ETIMEDOUT;
}

void vcpus_release(struct vcpu *vcpus, unsigned count)
{
	set_immediate_exit(vcpus, count, 0);
	park_open(&vcpus->env->park);
}

/*
 * One that is interrupted sees the end when it looks next; those that are held, or
 * have ended, wait for the gate to move.
 */
void vcpus_stop(struct vcpu *vcpus, unsigned count)
{
	if (!started(vcpus, count))
		return;
	set_immediate_exit(vcpus, count, 1);
	park_end(&vcpus->env->park);
	for (unsigned i = 0; i < count; i++)
		if (vcpus[i].started)
			pthread_kill(vcpus[i].thread, kick_signal());
	for (unsigned i = 0; i < count; i++) {
		if (vcpus[i].started)
			pthread_join(vcpus[i].thread, NULL);
		vcpus[i].started = false;
	}
}
