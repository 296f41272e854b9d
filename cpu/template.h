/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - the CPU that every guest of a fleet sees: a versioned JSON file
 *
 * Exactly these registers with exactly these values, but for what RULE_MACHINE
 * leaves to the VM.  A register that is absent is not there for the guest.
 */
#ifndef MUSTER_CPU_TEMPLATE_H
#define MUSTER_CPU_TEMPLATE_H

#include <jansson.h>

#include "cpu/x86_64/cpu_set.h"
#include "vmm/base/buf.h"

#define TEMPLATE_FORMAT  "muster-template"
#define TEMPLATE_VERSION 1

struct template
{
	struct cpu_set cpu;
	uint64_t tsc_khz; /* 0: each host's own */
	bool tsc_scaling; /* all hosts can scale: a slower one may join */
};

/* 0, or -EBADMSG with a sentence that names `origin`. */
int template_parse(
	const char *origin, const void *json, size_t len, struct template *ret);
int template_parse_json(
	const char *origin, const json_t *root, struct template *ret);

/* The file at `path`; "-" is standard input. */
int template_read(const char *path, struct template *ret);

/* Byte-identical for equal templates. */
void template_print(const struct template *t, struct buf *out);

#endif
