/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.h - what the commands of `muster fleet` share */
#ifndef MUSTER_CLI_FLEET_H
#define MUSTER_CLI_FLEET_H

#include <jansson.h>
#include <limits.h>

#include "cli/verb.h"
#include "cpu/fleet.h"
#include "cpu/x86_64/cpu_set_diff.h"

#define FLEET_DIFFERS   1 /* exit status: it does not fit, or differs */
#define FLEET_FILES_MAX 4096
#define FLEET_NAMES_MAX 256 /* of --without and --require */

/* Options that several commands have, in their `struct settings`. */
#define FLEET_FILES(most, word, text)                                  \
	{                                                              \
		.name = "file", .type = CONFIG_WORDS, .operand = true, \
		.required = true,                                      \
		.offset = CONFIG_AT(                                   \
			struct settings, files, struct config_words),  \
		.max = (most), .metavar = (word), .help = (text)       \
	}
#define FLEET_OUTPUT(word, text)                                      \
	{                                                             \
		.name = "output", .letter = 'o', .type = CONFIG_PATH, \
		.offset = CONFIG_AT(struct settings, output, char *), \
		.min = 1, .max = PATH_MAX - 1, .metavar = (word),     \
		.help = (text)                                        \
	}
#define FLEET_JSON(text)                                          \
	{                                                         \
		.name = "json", .type = CONFIG_BOOL,              \
		.offset = CONFIG_AT(struct settings, json, bool), \
		.help = (text)                                    \
	}

extern const struct verb fleet_profile, fleet_merge_verb, fleet_check_verb,
	fleet_diff, fleet_show, fleet_report;

/* A profile or a template. */
struct fleet_file {
	char *name;              /* the host's; a template's file */
	struct profile *profile; /* NULL: a template */
	struct template *template;
};

/* 0, or -errno with a sentence; *ret then needs nothing. */
int fleet_file_read(const char *path, struct fleet_file *ret);

/* This host. */
int fleet_file_here(struct fleet_file *ret);

void fleet_file_fini(struct fleet_file *file);

/* What a host offers, or what a template shows. */
const struct cpu_set *fleet_file_cpu(const struct fleet_file *file);

/* The files of a command line and, for cpu/fleet.h, what they offer. */
struct fleet_members {
	unsigned count;
	struct fleet_file *file;
	struct fleet_member *member;
};

/* 0 or -errno with a sentence; *ret, zeroed before, needs its fini in both cases. */
int fleet_members_read(
	const struct config_words *paths, struct fleet_members *ret);
void fleet_members_fini(struct fleet_members *members);

/* A field as `muster fleet diff` words it. */
json_t *fleet_value_json(
	const struct cpu_set *set, const struct cpu_field *field);

#endif
