/* SPDX-License-Identifier: Apache-2.0 */
/* microcode.h - what the commands of `muster microcode` share */
#ifndef MUSTER_CLI_MICROCODE_H
#define MUSTER_CLI_MICROCODE_H

#include <jansson.h>
#include <limits.h>

#include "cli/verb.h"
#include "firmware/ucode_files.h"
#include "vmm/host_cpus.h"

#define MICROCODE_REFUSED      1 /* exit status: an image is bad, or nothing fits */
#define MICROCODE_PATHS_MAX    256
#define MICROCODE_JSON_VERSION 1 /* of every object that --json prints */

/* Options that several commands have, in their `struct settings`. */
#define MICROCODE_FILES                                                \
	{                                                              \
		.name = "file", .type = CONFIG_WORDS, .operand = true, \
		.required = true,                                      \
		.offset = CONFIG_AT(                                   \
			struct settings, files, struct config_words),  \
		.max = MICROCODE_PATHS_MAX, .metavar = "FILE|DIR",     \
		.help = "an image, or a folder of them"                \
	}
#define MICROCODE_JSON                                            \
	{                                                         \
		.name = "json", .type = CONFIG_BOOL,              \
		.offset = CONFIG_AT(struct settings, json, bool), \
		.help = "print one JSON object"                   \
	}
#define MICROCODE_PROFILE(text)                                        \
	{                                                              \
		.name = "profile", .type = CONFIG_PATH,                \
		.offset = CONFIG_AT(struct settings, profile, char *), \
		.min = 1, .max = PATH_MAX - 1, .metavar = "FILE",      \
		.help = (text)                                         \
	}
/* Where tests have another host's /proc, /sys and /lib. */
#define MICROCODE_ROOT                                                     \
	{                                                                  \
		.name = "sysfs-root", .type = CONFIG_PATH, .hidden = true, \
		.offset = CONFIG_AT(struct settings, root, char *),        \
		.fallback = "", .max = PATH_MAX / 2, .metavar = "DIR",     \
		.help = "instead of /"                                     \
	}

extern const struct verb microcode_show, microcode_verify, microcode_select,
	microcode_image, microcode_status, microcode_load;

/*
 * The images at all paths, one at least.  0 or -errno with a sentence; *ret, zeroed
 * before, needs its fini in both cases.
 */
int microcode_read(const struct config_words *paths, struct ucode_files *ret);

/* Say on standard error which images are passed over, and why. */
void microcode_warn(const struct ucode_files *files);

/* This host, or that of the profile at `profile`.  As host_cpus_read(). */
int microcode_host(
	const char *root, const char *profile, struct host_cpus *ret);

/* ---- a host's kernel ---- */

enum microcode_rule { RULE_OFF, RULE_ON, RULE_UNKNOWN };

/* How it takes microcode while it runs. */
struct microcode_kernel {
	char release[64];
	bool loader;                     /* it has one, which is on */
	bool late;                       /* there is a trigger for late loads */
	enum microcode_rule late_config; /* CONFIG_MICROCODE_LATE_LOADING */
	enum microcode_rule force_minrev; /* minimum revisions are obeyed */
};

void microcode_kernel_read(const char *root, struct microcode_kernel *ret);

/* Append a line about it. */
void microcode_kernel_put(
	const struct microcode_kernel *kernel, struct buf *out);
json_t *microcode_kernel_json(const struct microcode_kernel *kernel);

/* ---- the VMs of a host ---- */

#define MICROCODE_VMS                                                  \
	{                                                              \
		.name = "vms", .type = CONFIG_WORDS,                   \
		.offset = CONFIG_AT(                                   \
			struct settings, vms, struct config_words),    \
		.max = MICROCODE_PATHS_MAX, .metavar = "DIR|SOCKET",   \
		.help = "the socket of a VM, or the folder of sockets" \
	}

/* Their sockets; zeroed: none. */
struct microcode_vms {
	unsigned count;
	char **path;
};

/*
 * What --vms names: sockets, and those in folders by name.  0 or -errno with a
 * sentence; *ret, zeroed before, needs its fini in both cases.
 */
int microcode_vms_find(
	const struct config_words *places, struct microcode_vms *ret);
void microcode_vms_fini(struct microcode_vms *vms);

/* ---- words ---- */

/* Append the name of a file, with control bytes as '?'. */
void microcode_put_name(const char *name, struct buf *out);

/* "0x2b000650" */
json_t *microcode_hex(uint32_t value);
json_t *microcode_update_json(const struct ucode_update *update);
json_t *microcode_cpus_json(const struct cpu_list *cpus);

/* Append "CPUs 0-63, signature …, revision …", a line. */
void microcode_put_kind(const struct host_cpu_kind *kind, struct buf *out);

/* Append "  WHEN: 0x… is newer than 0x… (FILE, DATE)", a line. */
void microcode_put_choice(
	const char *when, const struct host_cpu_kind *kind, struct buf *out);

/* A list of the kinds, each with its choice. */
json_t *microcode_choices_json(const struct host_cpus *host);

#endif
