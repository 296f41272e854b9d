/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_list.c - sets of logical CPUs */
#include "cpu/cpu_list.h"

#include <ctype.h>
#include <errno.h>

void cpu_list_add(struct cpu_list *list, unsigned cpu)
{
	list->bits[cpu / 64] |= BIT64(cpu % 64);
}

bool cpu_list_has(const struct cpu_list *list, unsigned cpu)
{
	return cpu < CPU_LIST_MAX && list->bits[cpu / 64] & BIT64(cpu % 64);
}

unsigned cpu_list_count(const struct cpu_list *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(list->bits); i++)
		count += (unsigned)__builtin_popcountll(list->bits[i]);
	return count;
}

bool cpu_list_overlaps(const struct cpu_list *a, const struct cpu_list *b)
{
	for (unsigned i = 0; i < ARRAY_SIZE(a->bits); i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

void cpu_list_print(const struct cpu_list *list, struct buf *out)
{
	const char *between = "";

	for (unsigned cpu = 0; cpu < CPU_LIST_MAX; cpu++) {
		unsigned first = cpu;

		if (!cpu_list_has(list, cpu))
			continue;
		while (cpu_list_has(list, cpu + 1))
			cpu++;
		buf_printf(out, "%s%u", between, first);
		if (cpu > first)
			buf_printf(out, "-%u", cpu);
		between = ",";
	}
}

/* A number below CPU_LIST_MAX; returns what follows it, or NULL. */
static const char *parse_number(const char *text, unsigned *ret)
{
	unsigned n = 0;

	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++) {
		n = n * 10 + (unsigned)(*text - '0');
		if (n >= CPU_LIST_MAX)
			return NULL;
	}
	*ret = n;
	return text;
}

int cpu_list_parse(const char *text, struct cpu_list *ret)
{
	struct cpu_list list = { 0 };
	unsigned next = 0;

	for (;; text++) {
		unsigned first = 0, last;

		text = parse_number(text, &first);
		last = first;
		if (text && *text == '-')
			text = parse_number(text + 1, &last);
		if (!text || first < next || last < first)
			return -EINVAL;
		for (unsigned cpu = first; cpu <= last; cpu++)
			cpu_list_add(&list, cpu);
		next = last + 1;
		if (*text != ',')
			break;
	}
	if (*text)
		return -EINVAL;
	*ret = list;
	return 0;
}
