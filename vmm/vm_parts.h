/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_parts.h - what a VM consists of while vm.c runs it and vm_build.c makes it
 */
#ifndef MUSTER_VMM_VM_PARTS_H
#define MUSTER_VMM_VM_PARTS_H

#include "vmm/control.h"
#include "vmm/devices.h"
#include "vmm/guest_ucode.h"
#include "vmm/mem_handler.h"
#include "vmm/memory_guard.h"
#include "vmm/pause.h"
#include "vmm/restore.h"
#include "vmm/snapshot.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmm/watchdog.h"

struct cpu_clock;
struct cpu_model;

struct vm {
	const struct vm_config *config;
	struct control *control; /* borrowed */
	int kernel_fd;
	int initrd_fd;
	int metrics_fd;
	bool metrics_made; /* the file was not there before */
	int kvm_fd;
	int fd;
	struct cpu_model *model;
	struct mem mem;
	struct machine machine;
	struct boot_entry entry;
	struct bus ports;
	struct bus mmio;

	struct loop_timer timeout; /* of the control loop */

	struct loop *io;
	pthread_t io_thread;
	bool io_runs;

	struct devices devices;
	struct vcpu_env vcpu_env;
	struct vcpu *vcpus;
	struct cpu_clock *clock;
	struct pause pause;
	struct guest_ucode guest_ucode;

	const struct restore *restore; /* borrowed; NULL: it boots */
	struct mem_handler handler;
	struct watchdog watchdog;  /* of a handler */
	struct memory_guard guard; /* of a memory file */
	struct snapshot_lineage lineage;
	struct buf host_profile; /* for snapshots; empty until the first */
};

/* Nothing made yet; NULL without memory.  Both are borrowed until vm_free(). */
struct vm *vm_new(const struct vm_config *config, struct control *control);

/*
 * Make every part, in order.  0, or -errno with a sentence and in *ret_fault whose
 * fault it is; what was made stays in `vm`, to be taken down.
 */
int vm_build(struct vm *vm, enum outcome *ret_fault);

/* Only the vCPUs of a snapshot, to see whether this host can show their CPU. */
int vm_build_cpus(struct vm *vm, enum outcome *ret_fault);

/*
 * Let it run, or stand still if it is held: the I/O loop and the vCPUs get their
 * threads.  The caller then runs the control loop.  0 or -errno with a sentence.
 */
int vm_start(struct vm *vm);

/* Report that config->timeout_ms are over.  Any thread. */
void vm_timed_out(struct vm *vm);

/* Stop what runs and take down what was made.  NULL is fine. */
struct vm *vm_free(struct vm *vm);

#endif
