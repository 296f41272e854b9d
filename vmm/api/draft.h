/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.h - a VM in the making, as its clients describe it
 *
 * Everything that they told is kept as they told it, and becomes a vm_config when
 * the VM is started.
 */
#ifndef MUSTER_API_DRAFT_H
#define MUSTER_API_DRAFT_H

#include <jansson.h>

#include "vmm/api/bodies.h"

struct draft {
	bool begun; /* something that makes a machine was told */
	struct machine_body machine;
	struct boot_body boot; /* without a kernel: not told */
	unsigned drive_count;
	struct drive_body drive[MACHINE_VIRTIO_MAX];
	bool entropy;
	struct entropy_body rng; /* if there is entropy */
	char *cpu_text;          /* /cpu-config as it came, or NULL */
	struct microcode_body microcode;
	struct serial_body serial;
	bool serial_told;
};

/* The defaults.  0 or -ENOMEM. */
int draft_init(struct draft *draft);
void draft_fini(struct draft *draft);

/* Put a drive in the place of the one with its id, or behind the others; taken over. */
int draft_put_drive(struct draft *draft, struct drive_body *drive);

/* The drive with this id, or NULL. */
struct drive_body *draft_find_drive(struct draft *draft, const char *id);

/* 0 or -ENOENT. */
int draft_delete_drive(struct draft *draft, const char *id);

/* 0, or -errno with a sentence: what is missing, or does not go together. */
int draft_compile(const struct draft *draft, struct vm_config *ret);

/* The serial port only, which a VM that goes on can have too.  0 or -ENOMEM. */
int draft_plug_serial(const struct draft *draft, struct vm_config *config);

/* The reverse, as far as clients have words for it.  0 or -ENOMEM. */
int draft_describe(struct draft *draft, const struct vm_config *config);

/* GET /machine-config and GET /vm/config; NULL without memory. */
json_t *draft_machine_json(const struct draft *draft);
json_t *draft_json(const struct draft *draft);

#endif
