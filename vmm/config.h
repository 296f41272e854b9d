/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - every setting of a VM, described once
 *
 * Each configuration object is a plain struct and a table of fields (config.c):
 * name, type, range, default, help.  The command line, its help and the man page
 * are made from the tables; so will be the API.
 */
#ifndef MUSTER_VMM_CONFIG_H
#define MUSTER_VMM_CONFIG_H

#include "devices/backend/limiter.h"
#include "devices/boot_timer.h"
#include "vmm/base/log.h"
#include "vmm/base/util.h"
#include "vmm/config_field.h"
#include "vmm/core/loop.h"
#include "vmm/core/machine.h"

#define CONFIG_DISK_ID_MAX 64  /* as long as one in a path of the API */
#define CONFIG_SOCKET_MAX  107 /* sun_path, without its NUL */

struct disk_config {
	char *path;
	char *id; /* or NULL */
	bool readonly;
	bool direct;
	struct limits limits;
};

enum console_kind { CONSOLE_SERIAL, CONSOLE_FILE, CONSOLE_NONE };

enum nested_policy { NESTED_OFF, NESTED_ON };
enum msr_policy { MSR_DEFAULT, MSR_STRICT };
enum hypervisor_policy { HYPERVISOR_SHOWN, HYPERVISOR_HIDDEN };

/* What becomes of a VM whose CPU the host cannot show after a load of microcode. */
enum misfit_policy { MISFIT_RESUME, MISFIT_PAUSE };

/* Another file for a disk of a snapshot. */
struct disk_override {
	char *id; /* its id, or "vda", "vdb", … by its place */
	char *path;
};

/* What a VM is restored from; `state` is NULL for one that boots. */
struct restore_config {
	char *state;
	char *memory;   /* or NULL: there is a handler */
	char *handler;  /* or NULL */
	unsigned clock; /* enum clock_policy */
	bool resume;
	bool json; /* of `muster snapshot check`, which has the same files */
	unsigned disk_count;
	struct disk_override disk[MACHINE_VIRTIO_MAX];
};

/* All strings are owned. */
struct vm_config {
	char *kernel;
	char *initrd;  /* or NULL */
	char *cmdline; /* never NULL */
	unsigned cpus;
	bool smt;
	char *cpu;      /* "host", a built-in template or a file; never NULL */
	char *cpu_text; /* a template, of which `cpu` is only the name; or NULL */
	unsigned nested;      /* enum nested_policy */
	unsigned msr;         /* enum msr_policy */
	unsigned hypervisor;  /* enum hypervisor_policy */
	unsigned guest_ucode; /* enum guest_ucode_policy */
	uint64_t memory_bytes;
	unsigned huge_pages; /* enum mem_page_kind */
	unsigned disk_count;
	struct disk_config disk[MACHINE_VIRTIO_MAX];
	bool rng;
	struct limits rng_limits;
	unsigned console;   /* enum console_kind */
	char *console_path; /* CONSOLE_FILE */
	struct rate console_rate;
	uint64_t timeout_ms; /* 0: none */
	bool debug_exit;
	struct boot_timer boot_timer; /* clients' only: no option has it */
	unsigned loop_engine;         /* enum loop_engine */
	char *metrics_path;           /* or NULL */
	char *control_path;           /* or NULL */
	char *ucode_spool; /* or NULL: the guest hands no microcode over */
	unsigned microcode_misfit; /* enum misfit_policy */
	unsigned log_level;        /* enum log_level */
	struct restore_config restore;
};

/* The words of a log level, and of policies. */
extern const struct config_choice config_log_levels[], config_guest_ucode[],
	config_hypervisor[], config_misfit[];

/* Of a disk, and of a file that takes the place of one's. */
extern const struct config_object disk_config_object, disk_override_object;

/*
 * Windows on one table: what the machine is; that and how this process runs it;
 * how it is run and what it is restored from; all.
 */
extern const struct config_object vm_machine_object, vm_config_object,
	vm_restore_object, vm_check_object, vm_all_object;

/*
 * `muster run`: defaults, then the arguments, then vm_config_check().  0, or -errno
 * with a sentence; *ret is written only on success and then needs
 * vm_config_fini().
 */
int vm_config_parse(int argc, char *const argv[], struct vm_config *ret);

/* `muster restore`: the same; what the machine is comes from the snapshot. */
int vm_restore_parse(int argc, char *const argv[], struct vm_config *ret);

/*
 * What no single field can know: the same disk twice, more devices than the
 * machine has places for.  0 or -EINVAL with a sentence.
 */
int vm_config_check(const struct vm_config *config);

/*
 * The place of the disk with this id; one without an id is known as its guest
 * knows it: "vda", "vdb", …  -ENOENT if there is none.
 */
int vm_config_find_disk(const struct vm_config *config, const char *id);

/* `muster snapshot check`: the files of a restore. */
int vm_check_parse(int argc, char *const argv[], struct vm_config *ret);

void vm_config_fini(struct vm_config *config);

#endif
