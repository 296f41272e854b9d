/* SPDX-License-Identifier: Apache-2.0 */
/* template.c - templates: what is accepted prints as what gives it again */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/template.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf first = BUF_INIT, again = BUF_INIT;
	struct template t, copy;

	if (template_parse("-", data, len, &t))
		return 0;
	template_print(&t, &first);
	must(!first.failed);
	must(!template_parse("-", first.data, first.len, &copy));
	must(cpu_set_equal(&t.cpu, &copy.cpu) && t.tsc_khz == copy.tsc_khz &&
		t.tsc_scaling == copy.tsc_scaling);
	template_print(&copy, &again);
	must(again.len == first.len &&
		!memcmp(again.data, first.data, first.len));
	buf_fini(&first);
	buf_fini(&again);
	return 0;
}
