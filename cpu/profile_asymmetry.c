/* SPDX-License-Identifier: Apache-2.0 */
/* profile_asymmetry.c - the logical CPUs of a host that are not like the rest */
#include <inttypes.h>

#include "cpu/profile.h"
#include "cpu/x86_64/cpu_set_diff.h"

#define LINES_MAX 16 /* for one group; what differs more is another CPU model */

struct report {
	const struct profile_group *odd, *rest;
	unsigned lines;
	struct buf *out;
};

static void begin_line(struct report *r)
{
	buf_printf(
		r->out, "CPU%s ", cpu_list_count(&r->odd->cpus) > 1 ? "s" : "");
	cpu_list_print(&r->odd->cpus, r->out);
	buf_printf(r->out, ": ");
	r->lines++;
}

static void compare_microcode(struct report *r)
{
	if (r->odd->microcode == r->rest->microcode)
		return;
	begin_line(r);
	buf_printf(r->out, "microcode 0x%" PRIx64 ", others 0x%" PRIx64 "\n",
		r->odd->microcode, r->rest->microcode);
}

static void compare_access(struct report *r)
{
	if (r->odd->msrs_known == r->rest->msrs_known)
		return;
	begin_line(r);
	buf_printf(r->out, "MSRs %s be read, others' %s\n",
		r->odd->msrs_known ? "can" : "cannot",
		r->rest->msrs_known ? "can" : "cannot");
}

static void put_difference(void *ctx, const struct cpu_field *field)
{
	struct report *r = ctx;

	if (cpu_field_is_own(field))
		return;
	if (r->lines >= LINES_MAX) {
		r->lines++;
		return;
	}
	begin_line(r);
	cpu_field_put_name(field, r->out);
	buf_printf(r->out, " (%s) ", feature_row(field->row)->name);
	cpu_field_put_value(&r->odd->silicon, field, r->out);
	buf_printf(r->out, ", others ");
	cpu_field_put_value(&r->rest->silicon, field, r->out);
	buf_printf(r->out, "\n");
}

unsigned profile_print_asymmetry(const struct profile *p, struct buf *out)
{
	unsigned count = 0;

	for (unsigned i = 1; i < p->group_count; i++) {
		struct report r = {
			.odd = &p->groups[i],
			.rest = &p->groups[0],
			.out = out,
		};

		compare_microcode(&r);
		compare_access(&r);
		if (r.odd->msrs_known == r.rest->msrs_known)
			cpu_set_each_difference(&r.odd->silicon,
				&r.rest->silicon, put_difference, &r);
		if (r.lines > LINES_MAX) {
			unsigned more = r.lines - LINES_MAX;

			begin_line(&r);
			buf_printf(out, "%u fields more\n", more);
		}
		count += MIN(r.lines, LINES_MAX + 1);
	}
	return count;
}
