// SPDX-License-Identifier: Apache-2.0
/*
 * ucode.c - load microcode as a processor does, and tell what revision is shown
 *
 * The initial RAM disk begins with a table of loads.  They are done one after the
 * other, and after each it is said how the write went, and the revision then.  With
 * watch=1 on the command line the revision is said again and again.
 */
#include "tests/guests/rt/cpu.h"

#define MSR_SIGN_ID 0x8b

struct load {
	uint64_t msr;
	uint64_t relative; /* to the start of the RAM disk */
	uint64_t address;
};

struct table {
	uint64_t count;
	struct load load[];
};

struct writing {
	uint32_t msr;
	bool ok;
	uint64_t value;
};

static long write_in_ring0(long arg)
{
	struct writing *w = (void *)arg;
	uint32_t ok = 0;

	__asm__ volatile(TRY("wrmsr", "%0")
			 : "+r"(ok)
			 : "c"(w->msr), "a"((uint32_t)w->value),
			 "d"((uint32_t)(w->value >> 32))
			 : "memory");
	w->ok = ok;
	return 0;
}

/* Write 0, CPUID, read (SDM vol. 3, 11.11.7.1). */
static uint64_t revision(void)
{
	struct writing zero = { .msr = MSR_SIGN_ID };
	uint64_t value = 0;

	ring0_call(write_in_ring0, (long)&zero);
	cpuid(1, 0);
	CHECK(msr_read(MSR_SIGN_ID, &value));
	return value;
}

#define SOME_TIME (1ull << 28)

static void watch(void)
{
	for (;;) {
		uint64_t start = rdtsc();

		print("sees: %lx\n", revision());
		while (rdtsc() - start < SOME_TIME)
			relax();
	}
}

void payload(void)
{
	uint64_t bytes;
	const struct table *table = module(&bytes);

	CHECK(table && table->count < bytes / sizeof(table->load[0]));
	print("at first: %lx\n", revision());
	for (unsigned i = 0; i < table->count; i++) {
		const struct load *load = &table->load[i];
		struct writing w = {
			.msr = (uint32_t)load->msr,
			.value = load->address +
				 (load->relative ? (uint64_t)table : 0),
		};

		ring0_call(write_in_ring0, (long)&w);
		print("load %u: %s, %lx\n", i, w.ok ? "went" : "#GP",
			revision());
	}
	if (cmdline_number("watch", 0))
		watch();
}
