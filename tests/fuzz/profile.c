/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - profiles of hosts: what is accepted prints as what gives it again */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/profile.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_bounds(const struct profile *p)
{
	must(p->host && *p->host && p->kernel);
	must(p->group_count <= PROFILE_GROUPS_MAX);
	must(p->param_count <= PROFILE_PARAMS_MAX);
	for (unsigned i = 0; i < p->group_count; i++)
		must(cpu_list_count(&p->groups[i].cpus) > 0);
}

static void check_round_trip(const struct profile *p)
{
	struct buf first = BUF_INIT, again = BUF_INIT;
	struct profile *copy;

	profile_print(p, &first);
	must(!first.failed);
	must(!profile_parse("-", first.data, first.len, &copy));
	profile_print(copy, &again);
	must(again.len == first.len &&
		!memcmp(again.data, first.data, first.len));
	profile_free(copy);
	buf_fini(&first);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf odd = BUF_INIT;
	struct profile *p;

	if (profile_parse("-", data, len, &p))
		return 0;
	check_bounds(p);
	check_round_trip(p);
	profile_print_asymmetry(p, &odd);
	buf_fini(&odd);
	profile_free(p);
	return 0;
}
