/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.c - print how many microseconds the profile of a host with 128 logical
 * CPUs takes, one line for each run
 *
 * The 128 are made up, from this machine's CPUID and a table: of two kinds, as on
 * a host where a microcode update went half way, with every leaf and every MSR.  What
 * it takes to ask them is real: going to a CPU of this machine, the CPUID
 * instruction, a system call for each MSR.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/x86_64/collect.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define CPUS      128
#define REVISION  0x2b000603
#define LAST_LEAF 0x1f
#define LAST_EXT  0x80000008

/* As in /dev/cpu/N/msr, a read at an offset; of zeros. */
#define MSR_FILE  "/dev/zero"

struct table {
	unsigned here;
	int msr_fd;
	cpu_set_t online;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Round this machine's CPUs, each time to another one. */
static int visit(void *ctx, unsigned cpu)
{
	struct table *t = ctx;
	cpu_set_t there;

	CPU_ZERO(&there);
	for (unsigned i = 0, n = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &t->online) &&
			n++ == cpu % (unsigned)CPU_COUNT(&t->online))
			CPU_SET(i, &there);
	if (sched_setaffinity(0, sizeof(there), &there))
		return err_set(-1, "cannot run on each CPU of this machine");
	close_fd(t->msr_fd);
	t->msr_fd = open(MSR_FILE, O_RDONLY | O_CLOEXEC);
	t->here = cpu;
	return 0;
}

static void cpuid(void *ctx, uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
	const struct table *t = ctx;

	__asm__ volatile("cpuid"
			 : "=a"(ret[REG_EAX]), "=b"(ret[REG_EBX]),
			 "=c"(ret[REG_ECX]), "=d"(ret[REG_EDX])
			 : "a"(leaf), "c"(subleaf));
	if (leaf == 0)
		ret[REG_EAX] = LAST_LEAF;
	if (leaf == 0x80000000)
		ret[REG_EAX] = LAST_EXT;
	if (leaf == 1) {
		ret[REG_EBX] = t->here << 24;
		ret[REG_ECX] |= BIT(5); /* VMX: all its MSRs are read */
	}
}

static int rdmsr(void *ctx, uint32_t msr, uint64_t *ret)
{
	const struct table *t = ctx;

	if (pread(t->msr_fd, ret, sizeof(*ret), 0) != sizeof(*ret))
		return -1;
	*ret = ~0ull;
	if (msr == 0x8b)
		*ret = (uint64_t)(REVISION + (t->here >= CPUS / 2)) << 32;
	return 0;
}

static uint64_t microcode(void *ctx)
{
	(void)ctx;
	return REVISION;
}

static int collect(struct table *t, struct profile *ret)
{
	const struct silicon_reader reader = {
		.ctx = t,
		.visit = visit,
		.cpuid = cpuid,
		.rdmsr = rdmsr,
		.microcode = microcode,
	};
	struct cpu_list cpus = { 0 };
	int rc;

	for (unsigned i = 0; i < CPUS; i++)
		cpu_list_add(&cpus, i);
	rc = collect_kvm(ret);
	return rc ? rc : collect_groups(&reader, &cpus, ret);
}

static int measure(struct table *t)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct profile *p = calloc(1, sizeof(*p));
	double start = now_us();
	int rc;

	if (!p)
		return err_set(-1, "no memory for a profile");
	p->host = strdup("table");
	p->kernel = strdup("none");
	rc = collect(t, p);
	if (!rc) {
		profile_print_asymmetry(p, &text);
		profile_print(p, &text);
		printf("%.1f\n", now_us() - start);
	}
	profile_free(p);
	return rc;
}

int main(int argc, char *argv[])
{
	int runs = argc > 1 ? atoi(argv[1]) : 10;
	struct table t = { .msr_fd = -1 };
	int rc = 0;

	sched_getaffinity(0, sizeof(t.online), &t.online);
	for (int i = 0; !rc && i < runs; i++)
		rc = measure(&t);
	if (rc)
		fprintf(stderr, "%s\n", err_describe(rc));
	close_fd(t.msr_fd);
	return rc != 0;
}
