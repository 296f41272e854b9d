/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb.h - the commands of muster, each described once
 *
 * A verb's file defines its struct verb; verbs.c lists them.  The overview, the
 * help and the man pages are made from this description and from the table of
 * the verb's options.
 */
#ifndef MUSTER_CLI_VERB_H
#define MUSTER_CLI_VERB_H

#include <jansson.h>

#include "vmm/base/buf.h"
#include "vmm/config_field.h"

#define STATUS_OK     0
#define STATUS_USAGE  2 /* as OUTCOME_BAD_CONFIG */
#define STATUS_FAILED 4 /* as OUTCOME_VMM_FAILED */

struct verb_example {
	const char *what; /* a phrase, no capital, no stop */
	const char *command;
};

struct verb {
	const char *name;
	const char *parent;      /* a subverb: the verb in front, or NULL */
	const char *arguments;   /* in the synopsis, behind the name */
	const char *summary;     /* a phrase for one line */
	const char *description; /* paragraphs, parted by "\n\n" */
	const struct config_object *options; /* or NULL: it takes none */
	const struct verb_example
		*examples; /* or NULL; ends with a NULL what */
	/* or NULL: the words of which one follows; ends with NULL */
	const struct verb *const *subverbs;
	/* The arguments behind the verb; returns the exit status. */
	int (*run)(int argc, char *const argv[]);
};

extern const struct verb verb_api, verb_firecracker, verb_ctl, verb_doctor,
	verb_fleet, verb_help, verb_microcode, verb_restore, verb_run,
	verb_snapshot, verb_version;

/* In the order of the overview; ends with NULL. */
extern const struct verb *const verbs[];

/* NULL, with a sentence, if there is no such verb. */
const struct verb *verb_find(const char *name);

/*
 * The verb that the first words name ("fleet", "merge"); *ret_used is how many
 * they are.  NULL, with a sentence, if the first names none.
 */
const struct verb *verb_resolve(int argc, char *const argv[], int *ret_used);

/* Run the subverb that argv[0] names; the exit status. */
int verb_run_subverb(const struct verb *verb, int argc, char *const argv[]);

/* ---- help.c; each appends to `out` ---- */

void help_put_overview(struct buf *out);
void help_put_verb(const struct verb *verb, struct buf *out);

/* ---- output.c: what reaches the user ---- */

/* Write to standard output.  The exit status: OK, or FAILED with a message. */
int output(const struct buf *text);

/* Put a file in the place of what is at `path`, whole or not at all; as output(). */
int output_file(const char *path, const struct buf *text);

/* Append a JSON object and drop it; NULL turns `out` failed. */
void output_put_json(json_t *root, struct buf *out);

/* Print "muster: SENTENCE" for `rc` to standard error and return `status`. */
int output_error(int status, int rc);

#endif
