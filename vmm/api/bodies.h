/* SPDX-License-Identifier: Apache-2.0 */
/* bodies.h - what clients send and are told, as structs; their tables describe them */
#ifndef MUSTER_API_BODIES_H
#define MUSTER_API_BODIES_H

#include "vmm/config.h"

#define API_CPUS_MAX 32 /* as clients know it */

enum cpu_template_name { CPU_NONE, CPU_TEMPLATE_NAMES = 6 };

struct machine_body {
	unsigned vcpu_count;
	unsigned mem_size_mib;
	unsigned cpu_template; /* CPU_NONE, or an index of its choices */
	unsigned huge_pages;
	bool smt;
	bool track_dirty_pages;
};

/* Strings are owned, and NULL if not given. */
struct boot_body {
	char *kernel;
	char *initrd;
	char *args;
};

/* A rate of which size or time is 0 limits nothing. */
struct bucket_body {
	struct rate rate;
	bool given;
};

struct limiter_body {
	struct bucket_body bandwidth, ops;
	bool given;
};

struct drive_body {
	char *id;
	char *path;
	char *partuuid;
	struct limiter_body limiter;
	unsigned cache_type;
	unsigned io_engine;
	bool root;
	bool readonly;
};

/* Of a VM that has started. */
struct drive_change_body {
	char *id;
	char *path;
	struct limiter_body limiter;
};

struct entropy_body {
	struct limiter_body limiter;
};

/* What is muster's own: the policies of a VM. */
struct microcode_body {
	unsigned guest;      /* enum guest_ucode_policy */
	char *spool;         /* or NULL */
	unsigned hypervisor; /* enum hypervisor_policy */
	unsigned misfit;     /* enum misfit_policy */
};

struct serial_body {
	char *path; /* NULL: standard output */
	struct bucket_body limiter;
};

enum api_action { ACTION_START, ACTION_FLUSH, ACTION_CTRL_ALT_DEL };

struct action_body {
	unsigned type; /* enum api_action */
};

extern const struct config_object machine_body_object, boot_body_object,
	drive_body_object, drive_change_body_object, entropy_body_object,
	serial_body_object, action_body_object, microcode_body_object;

/* What clients say of rates, and what a machine has of them. */
struct limits limits_of_body(const struct limiter_body *body);
struct limiter_body limits_to_body(const struct limits *limits);
struct bucket_body rate_to_body(const struct rate *rate);

/* Let a drive be as it was changed; what is given is taken over. */
void drive_body_change(
	struct drive_body *drive, struct drive_change_body *change);

/* What a cpu_template is called. */
const char *cpu_template_name(unsigned index);

#endif
