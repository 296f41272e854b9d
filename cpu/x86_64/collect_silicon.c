/* SPDX-License-Identifier: Apache-2.0 */
/* collect_silicon.c - this host's logical CPUs, one after the other */
#include "cpu/x86_64/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define ONLINE "/sys/devices/system/cpu/online"

/* Where we are, and the way to its MSRs. */
struct place {
	unsigned cpu;
	int msr_fd; /* -1: /dev/cpu/N/msr does not open */
	uint32_t revisions[CPU_LIST_MAX];
};

static int open_msrs(unsigned cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* cpu_set_t ends at 1024 CPUs; hosts do not. */
static int go_to(unsigned cpu)
{
	size_t size = CPU_ALLOC_SIZE(CPU_LIST_MAX);
	cpu_set_t *set = CPU_ALLOC(CPU_LIST_MAX);
	int rc;

	if (!set)
		return err_set(-ENOMEM, "no memory for a set of CPUs");
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	rc = sched_setaffinity(0, size, set) ? -errno : 0;
	CPU_FREE(set);
	if (rc)
		return err_set(rc,
			"CPU %u: cannot run there: %s; a profile needs every "
			"CPU: run outside of cpusets and containers",
			cpu, strerror(-rc));
	return 0;
}

static int visit(void *ctx, unsigned cpu)
{
	struct place *here = ctx;
	int rc = go_to(cpu);

	if (rc)
		return rc;
	if (here->msr_fd >= 0)
		close_fd(here->msr_fd);
	here->cpu = cpu;
	here->msr_fd = open_msrs(cpu);
	return 0;
}

static void cpuid(void *ctx, uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
	(void)ctx;
	__asm__ volatile("cpuid"
			 : "=a"(ret[REG_EAX]), "=b"(ret[REG_EBX]),
			 "=c"(ret[REG_ECX]), "=d"(ret[REG_EDX])
			 : "a"(leaf), "c"(subleaf));
}

static int rdmsr(void *ctx, uint32_t msr, uint64_t *ret)
{
	const struct place *here = ctx;
	ssize_t n;

	if (here->msr_fd < 0)
		return -ENODEV;
	n = pread(here->msr_fd, ret, sizeof(*ret), msr);
	if (n < 0)
		return -errno;
	return n == sizeof(*ret) ? 0 : -ENODEV;
}

static uint64_t microcode(void *ctx)
{
	const struct place *here = ctx;

	return here->revisions[here->cpu];
}

/* The revisions as the kernel knows them, for hosts whose MSRs do not open. */
static void read_revisions(uint32_t ret[CPU_LIST_MAX])
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	unsigned cpu = CPU_LIST_MAX, value;
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "processor : %u", &cpu);
		if (sscanf(line, "microcode : %x", &value) == 1 &&
			cpu < CPU_LIST_MAX)
			ret[cpu] = value;
	}
	if (f)
		fclose(f);
}

static int read_online(struct cpu_list *ret)
{
	char text[4096] = "";
	FILE *f = fopen(ONLINE, "re");

	if (!f)
		return err_set(
			-errno, ONLINE ": cannot open: %s", strerror(errno));
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	if (cpu_list_parse(text, ret))
		return err_set(-EBADMSG,
			ONLINE ": %s: not a list of CPUs below %d", text,
			CPU_LIST_MAX);
	return 0;
}

int collect_silicon(struct profile *ret)
{
	struct place here = { .msr_fd = -1 };
	const struct silicon_reader reader = {
		.ctx = &here,
		.visit = visit,
		.cpuid = cpuid,
		.rdmsr = rdmsr,
		.microcode = microcode,
	};
	size_t size = CPU_ALLOC_SIZE(CPU_LIST_MAX);
	cpu_set_t *home = CPU_ALLOC(CPU_LIST_MAX);
	struct cpu_list cpus;
	int rc;

	read_revisions(here.revisions);
	if (!home || sched_getaffinity(0, size, home) < 0) {
		rc = err_set(-errno, "sched_getaffinity: %s", strerror(errno));
	} else {
		rc = read_online(&cpus);
		if (!rc)
			rc = collect_groups(&reader, &cpus, ret);
		sched_setaffinity(0, size, home);
	}
	CPU_FREE(home);
	if (here.msr_fd >= 0)
		close_fd(here.msr_fd);
	return rc;
}
