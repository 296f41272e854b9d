// SPDX-License-Identifier: Apache-2.0
/* cpu.c - MSRs that may not be there */
#include "tests/guests/rt/cpu.h"

struct reading {
	uint32_t msr;
	bool ok;
	uint64_t value;
};

bool msr_read_ring0(uint32_t msr, uint64_t *ret)
{
	uint32_t low, high, ok = 0;

	__asm__ volatile(TRY("rdmsr", "%2")
			 : "=a"(low), "=d"(high), "+r"(ok)
			 : "c"(msr)
			 : "memory");
	if (ok)
		*ret = (uint64_t)high << 32 | low;
	return ok;
}

static long read_in_ring0(long arg)
{
	struct reading *r = (void *)arg;

	r->ok = msr_read_ring0(r->msr, &r->value);
	return 0;
}

bool msr_read(uint32_t msr, uint64_t *ret)
{
	struct reading r = { .msr = msr };

	ring0_call(read_in_ring0, (long)&r);
	if (r.ok)
		*ret = r.value;
	return r.ok;
}
