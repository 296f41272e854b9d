/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - every setting of a VM, described once
 *
 * Each configuration object is a plain struct and a table of fields: name, type,
 * range, default, help.  The command line, its help and the man page are made
 * from the tables; so will be the API.
 */
#ifndef MUSTER_VMM_CONFIG_H
#define MUSTER_VMM_CONFIG_H

#include "vmm/base/util.h"
#include "vmm/core/loop.h"
#include "vmm/core/machine.h"

struct disk_config {
	char *path;
	char *id; /* at most 20 bytes: what VIRTIO_BLK_T_GET_ID returns */
	bool readonly;
	bool direct;
};

enum console_kind { CONSOLE_SERIAL, CONSOLE_FILE, CONSOLE_NONE };

/* All strings are owned.  Zero, then config_defaults(), then the parsers. */
struct vm_config {
	char *kernel;
	char *initrd;  /* or NULL */
	char *cmdline; /* or NULL: BOOT_CMDLINE_DEFAULT */
	unsigned cpus;
	uint64_t memory_bytes;
	unsigned disk_count;
	struct disk_config disk[MACHINE_VIRTIO_MAX];
	bool rng;
	enum console_kind console;
	char *console_path;  /* CONSOLE_FILE */
	uint64_t timeout_ms; /* 0: none */
	bool debug_exit;
	unsigned loop_engine; /* enum loop_engine */
	char *metrics_path;   /* or NULL */
};

#endif
