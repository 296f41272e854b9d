/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - the parts of `muster microcode load`
 *
 * Theory of operation: the steps of microcode_load.c fill one struct load, in order.
 * Whichever fails, the VMs are released, with what is known by then, and load_report.c
 * tells what happened.  The time between the first hold and the last release is
 * the guests': whatever can be done before or after is not done there.
 */
#ifndef MUSTER_CLI_LOAD_H
#define MUSTER_CLI_LOAD_H

#include "cli/microcode.h"
#include "cpu/silicon.h"
#include "vmm/api/crowd.h"
#include "vmm/microcode.h"

#define LOAD_FAILED    1  /* exit status: not done, or not without loss */
#define LOAD_MISFITS   64 /* stored of one VM */
#define LOAD_LINES_MAX 32 /* of the kernel's log */

struct settings {
	struct config_words files; /* one or none */
	struct config_words vms;
	uint64_t deadline_ms;
	uint64_t lease_ms;
	uint64_t kernel_ms;
	bool downgrade;
	bool dry;
	bool json;
	char *root;
};

/* What becomes of one kind of CPUs. */
struct load_cpus {
	struct cpu_list cpus;
	uint32_t signature;
	uint32_t before, wanted, after; /* wanted == before: stays */
};

struct load_vm {
	const char *path; /* borrowed */
	bool stale;       /* nobody listens: not a VM any more */
	bool prepared;    /* has a lease of ours */
	bool held;
	bool runs;                 /* after the release */
	struct template *template; /* owned; NULL: it has not started */
	uint32_t revision_before, revision;
	uint64_t held_ns, released_ns;
	unsigned misfit_count;
	struct fleet_misfit misfits[LOAD_MISFITS];
	char *fault; /* owned; a sentence, or NULL */
};

enum load_step {
	STEP_VERIFY,
	STEP_PLACE,
	STEP_PREPARE,
	STEP_HOLD,
	STEP_LOAD,
	STEP_EXAMINE,
	STEP_CHECK,
	STEP_RELEASE,
	STEPS,
};

extern const char *const load_step_names[STEPS];

enum load_outcome {
	LOAD_STOPPED, /* before the kernel was asked */
	LOAD_NOTHING, /* to do */
	LOAD_DRY,
	LOAD_DONE,
	LOAD_PARTLY,  /* some CPUs have what they should, others do not */
	LOAD_REFUSED, /* by the kernel; nothing has changed */
	LOAD_UNSEEN,  /* it has answered, but the CPUs cannot be read */
	LOAD_UNKNOWN, /* it has not answered in time */
};

extern const char *const load_outcome_names[];

struct load {
	const struct settings *settings;
	int lock_fd;

	/* Verify. */
	struct ucode_files files;
	struct host_cpus host, host_after;
	struct profile *profile, *silicon_after;
	unsigned cpus_count;
	struct load_cpus *cpus; /* owned */

	/* Place. */
	char target[PATH_MAX]; /* "": what is there is what is loaded */
	bool placed, kept_old;

	/* The VMs. */
	struct microcode_vms found;
	char coordinator[MICROCODE_NAME_MAX + 1];
	unsigned vm_count;
	struct load_vm *vm; /* owned */
	struct crowd crowd;

	/* The kernel. */
	bool asked;                  /* it was */
	bool answered;               /* it has */
	int kernel_error;            /* an errno, or 0 */
	uint64_t begun_ns, ended_ns; /* of its work */
	unsigned line_count;
	char *lines[LOAD_LINES_MAX]; /* of its log; owned */

	/* What it changed. */
	struct silicon_changes changes;
	struct cpu_set offer_after;

	enum load_outcome outcome;
	char *fault; /* owned; why it stopped, or NULL */
	uint64_t step_ns[STEPS];
};

/* Each step: 0, or -errno with a sentence. */

/* ---- load_image.c ---- */

int load_verify(struct load *load);
int load_place(struct load *load);
/* Put back what load_place() replaced. */
void load_unplace(struct load *load);

/* ---- load_vms.c, load_hold.c ---- */

/* The sockets that --vms names; before the others. */
int load_find_vms(struct load *load);
int load_prepare(struct load *load);
int load_hold(struct load *load);
/* The CPUs of those that have started since they were asked last. */
int load_learn_cpus(struct load *load);
/* Hold on: leases start anew. */
void load_renew(struct load *load);
int load_release(struct load *load);
void load_free_vms(struct load *load);

/* ---- load_kernel.c ---- */

/* One load at a time: until the process ends, and the kernel has answered. */
int load_lock(struct load *load);
/* Can this kernel load late at all? */
int load_check_kernel(const char *root);
int load_ask_kernel(struct load *load);

/* ---- load_examine.c ---- */

int load_examine(struct load *load);
int load_check(struct load *load);

/* ---- load_report.c, load_json.c; each appends to `out` ---- */

void load_put_text(const struct load *load, struct buf *out);
void load_put_json(const struct load *load, struct buf *out);

/* What an errno of the kernel's, or 0, means. */
const char *load_kernel_words(int error);
/* The one that was held longest, or NULL. */
const struct load_vm *load_longest(const struct load *load);

#endif
