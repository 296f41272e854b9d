/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_ops.h - what can be done to the VM of a process, for whoever controls it
 *
 * The functions are the control thread's and return when it is done.
 */
#ifndef MUSTER_VMM_VM_OPS_H
#define MUSTER_VMM_VM_OPS_H

#include "vmm/base/buf.h"

struct events;
struct instance;
struct microcode_answer;
struct microcode_wish;
struct logger_body; /* the server's */
struct metrics_body;
struct loop;
struct vm_config;
struct vm_result;

enum vm_state { VM_NOT_STARTED, VM_RUNNING, VM_PAUSED, VM_STATES };

enum microcode_step {
	MICROCODE_PREPARE,
	MICROCODE_HOLD,
	MICROCODE_RELEASE,
	MICROCODE_STEPS,
};

extern const char *const vm_state_names[VM_STATES];

struct vm_status {
	enum vm_state state;
	unsigned owners; /* who holds it: BIT(enum pause_owner) */
};

struct vm_snapshot_args {
	const char *state_path;
	const char *memory_path;
	bool diff; /* only what changed since the last one */
};

/* The CPU that the guest was given. */
struct vm_cpu {
	struct buf template; /* its text (cpu/template.h), the caller's to free */
	uint32_t microcode; /* the revision that the guest sees; 0: none */
};

/* What of a disk that a VM has is to be another. */
struct vm_drive_change {
	const char *id; /* or "vda", "vdb", ... by its place */
	/* NULL: as it is. */
	const char *path;
	const struct rate *bandwidth, *ops;
};

/*
 * 0, or -errno with a sentence; then the VM is as it was, but for one that resumes:
 * it runs, and the sentence says what of its time is wrong.
 */
struct vm_ops {
	void (*status)(const struct instance *instance, struct vm_status *ret);
	/* What the VM was made from; NULL before. */
	const struct vm_config *(*config)(const struct instance *instance);
	/*
	 * Before there is a VM: make and run it, or go on from the snapshot that
	 * config->restore names.  Then *config has been taken over.
	 */
	int (*start)(struct instance *instance, struct vm_config *config);
	/* A late load of microcode: microcode.h. */
	int (*microcode[MICROCODE_STEPS])(struct instance *instance,
		const struct microcode_wish *wish,
		struct microcode_answer *ret);
	/* The others need a VM. */
	int (*cpu)(const struct instance *instance, struct vm_cpu *ret);
	int (*pause)(struct instance *instance);
	int (*resume)(struct instance *instance);
	/* Press Ctrl-Alt-Del; -EAGAIN if the guest does not listen. */
	int (*ctrl_alt_del)(struct instance *instance);
	/* Whether it is paused or not; it is so again afterwards. */
	int (*snapshot)(
		struct instance *instance, const struct vm_snapshot_args *args);
	/* In the words of the API; the change is in later snapshots too. */
	int (*change_drive)(struct instance *instance,
		const struct vm_drive_change *change);
};

/* A socket, and what its clients may do. */
struct vm_service {
	const char *path; /* NULL: there is none */
	int listen_fd; /* a listening socket instead, to be closed; 0: none */
	const char *label;            /* in front of either in sentences */
	const char *id;               /* of the instance */
	const char *config;           /* JSON of a VM to start with, or NULL */
	struct logger_body *logger;   /* to log so, taken over; or NULL */
	struct metrics_body *metrics; /* the same */
	/*
	 * When the process began, by the monotonic clock and by its CPU time, and the
	 * CPU time of what it was started by: for the metrics.
	 */
	uint64_t began_us, began_cpu_us, parent_cpu_us;
	bool boot_timer;
	size_t body_max; /* of a request; 0: the usual */
	int ready_fd;    /* see readiness_tell() */
	/* The exit status, should the process have to end at once; NULL: usual. */
	int (*status_of)(const struct vm_result *result);
	struct loop *loop;
	const struct vm_ops *ops;
	struct instance *instance;
	struct events *events;
};

/*
 * Who makes these known on a socket.  vmm/api does, which this layer does not
 * see: the caller of vm_run() hands it in.
 */
struct vm_server {
	/* *ret is stop()'s. */
	int (*start)(const struct vm_service *service, void **ret);
	void (*stop)(void *served); /* NULL is fine */
};

extern const struct vm_ops vm_ops;

#endif
