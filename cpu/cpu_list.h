/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_list.h - sets of logical CPUs, written as Linux does: "0-63,128-191" */
#ifndef MUSTER_CPU_CPU_LIST_H
#define MUSTER_CPU_CPU_LIST_H

#include "vmm/base/buf.h"

#define CPU_LIST_MAX 4096 /* CPUs */

struct cpu_list {
	uint64_t bits[CPU_LIST_MAX / 64];
};

void cpu_list_add(struct cpu_list *list, unsigned cpu);
bool cpu_list_has(const struct cpu_list *list, unsigned cpu);
unsigned cpu_list_count(const struct cpu_list *list);
bool cpu_list_overlaps(const struct cpu_list *a, const struct cpu_list *b);

void cpu_list_print(const struct cpu_list *list, struct buf *out);

/* Ascending numbers and ranges below CPU_LIST_MAX, or -EINVAL. */
int cpu_list_parse(const char *text, struct cpu_list *ret);

#endif
