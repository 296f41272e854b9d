/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fc_template.c - Firecracker's custom CPU templates: a bit that is set is one that
 * the template decides, and applying it twice changes nothing more
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "cpu/template_firecracker.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cpu_set once = { 0 }, twice;
	struct fc_template t;

	if (fc_parse("input", data, len, &t))
		return 0;
	must(t.count <= FC_MODIFIERS_MAX);
	must(t.capability_count <= FC_CAPABILITIES_MAX);
	for (unsigned i = 0; i < t.count; i++)
		must(!(t.modifier[i].value & ~t.modifier[i].mask));
	fc_apply(&t, &once);
	twice = once;
	fc_apply(&t, &twice);
	must(cpu_set_equal(&once, &twice));
	fc_fini(&t);
	return 0;
}
