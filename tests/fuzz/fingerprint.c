/* SPDX-License-Identifier: Apache-2.0 */
/* fingerprint.c - Firecracker's fingerprints: what is accepted is a profile */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "cpu/profile.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf text = BUF_INIT;
	struct profile *p, *copy;

	if (profile_parse_firecracker("-", data, len, &p))
		return 0;
	profile_print(p, &text);
	must(!text.failed);
	must(!profile_parse("-", text.data, text.len, &copy));
	must(cpu_set_equal(&p->kvm, &copy->kvm));
	profile_free(p);
	profile_free(copy);
	buf_fini(&text);
	return 0;
}
