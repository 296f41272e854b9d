/* SPDX-License-Identifier: Apache-2.0 */
/* host_cpus.c - the logical CPUs of a host as microcode sees them, by kind */
#include "vmm/host_cpus.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define CPUINFO     "/proc/cpuinfo"
#define SYSFS       "/sys/devices/system/cpu/cpu%u/microcode/%s"

#define MSR_ID      0x17 /* IA32_PLATFORM_ID: bits 52:50 */
#define MSR_ID_BITS 50

static const struct {
	const char *name;
	enum ucode_vendor vendor;
} vendors[] = {
	{ "GenuineIntel", UCODE_INTEL },
	{ "AuthenticAMD", UCODE_AMD },
};

static int vendor_of(const char *name, enum ucode_vendor *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vendors); i++)
		if (!strcmp(vendors[i].name, name)) {
			*ret = vendors[i].vendor;
			return 0;
		}
	return err_set(-ENOTSUP,
		"a CPU of %s: microcode of Intel and AMD only is known", name);
}

void host_cpus_fini(struct host_cpus *host)
{
	free(host->kind);
	*host = (struct host_cpus){ 0 };
}

/* ---- kinds ---- */

static bool alike(const struct ucode_cpu *a, const struct ucode_cpu *b)
{
	return a->vendor == b->vendor && a->signature == b->signature &&
	       a->platforms == b->platforms && a->revision == b->revision;
}

static struct host_cpu_kind *add_kind(
	struct host_cpus *host, const struct ucode_cpu *cpu)
{
	if (host->count == host->room) {
		unsigned room = host->room ? 2 * host->room : 4;
		struct host_cpu_kind *kind = realloc(
			host->kind, room * sizeof(*kind));

		if (!kind) {
			err_set(-ENOMEM, "no memory for a list of CPUs");
			return NULL;
		}
		host->kind = kind;
		host->room = room;
	}
	host->kind[host->count] = (struct host_cpu_kind){ .cpu = *cpu };
	return &host->kind[host->count++];
}

static struct host_cpu_kind *kind_of(
	struct host_cpus *host, const struct ucode_cpu *cpu)
{
	for (unsigned i = 0; i < host->count; i++)
		if (alike(&host->kind[i].cpu, cpu))
			return &host->kind[i];
	return add_kind(host, cpu);
}

/* ---- this host ---- */

/* What /proc/cpuinfo says about one CPU. */
struct lines {
	unsigned number;
	char vendor[16];
	unsigned family, model, stepping, microcode;
};

/* CPUID.1:EAX again (SDM Vol. 2A, CPUID: display family and model). */
static uint32_t signature_of(const struct lines *lines)
{
	unsigned base = MIN(lines->family, 0xfu);

	return (lines->family - base) << 20 | (lines->model >> 4) << 16 |
	       base << 8 | (lines->model & 0xf) << 4 | (lines->stepping & 0xf);
}

static uint32_t read_hex(
	const char *root, unsigned number, const char *name, uint32_t fallback)
{
	char path[PATH_MAX];
	unsigned value;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s" SYSFS, root, number, name);
	f = fopen(path, "re");
	if (!f)
		return fallback;
	n = fscanf(f, "%x", &value);
	fclose(f);
	return n == 1 ? value : fallback;
}

static int add_cpu(
	const char *root, const struct lines *lines, struct host_cpus *host)
{
	struct ucode_cpu cpu = {
		.signature = signature_of(lines),
		.platforms = read_hex(
			root, lines->number, "processor_flags", 0),
		.revision = read_hex(
			root, lines->number, "version", lines->microcode),
	};
	struct host_cpu_kind *kind;
	int rc = vendor_of(lines->vendor, &cpu.vendor);

	if (rc)
		return rc;
	if (cpu.vendor == UCODE_AMD)
		cpu.platforms = 0;
	kind = kind_of(host, &cpu);
	if (!kind)
		return -ENOMEM;
	cpu_list_add(&kind->cpus, lines->number);
	return 0;
}

static void read_line(const char *line, struct lines *ret)
{
	sscanf(line, "vendor_id : %15s", ret->vendor);
	sscanf(line, "cpu family : %u", &ret->family);
	sscanf(line, "model : %u", &ret->model);
	sscanf(line, "stepping : %u", &ret->stepping);
	sscanf(line, "microcode : %x", &ret->microcode);
}

/* A CPU's lines begin with its number. */
static int read_cpuinfo(const char *root, FILE *f, struct host_cpus *host)
{
	const struct lines none = { .number = CPU_LIST_MAX };
	struct lines lines = none;
	char line[4096];
	unsigned number;
	int rc = 0;

	while (!rc && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "processor : %u", &number) != 1) {
			read_line(line, &lines);
			continue;
		}
		if (lines.number < CPU_LIST_MAX)
			rc = add_cpu(root, &lines, host);
		lines = none;
		lines.number = number;
	}
	if (!rc && lines.number < CPU_LIST_MAX)
		rc = add_cpu(root, &lines, host);
	return rc;
}

int host_cpus_read(const char *root, struct host_cpus *ret)
{
	struct host_cpus host = { 0 };
	char path[PATH_MAX];
	FILE *f;
	int rc;

	snprintf(path, sizeof(path), "%s" CPUINFO, root);
	f = fopen(path, "re");
	if (!f)
		return err_set(
			-errno, "%s: cannot open: %s", path, strerror(errno));
	rc = read_cpuinfo(root, f, &host);
	fclose(f);
	if (!rc && !host.count)
		rc = err_set(-EBADMSG, "%s: names no CPU", path);
	if (rc)
		host_cpus_fini(&host);
	else
		*ret = host;
	return rc;
}

/* ---- of a profile ---- */

static int add_group(const struct profile_group *group, struct host_cpus *host)
{
	uint64_t id = cpu_set_msr(&group->silicon, MSR_ID) >> MSR_ID_BITS & 7;
	struct ucode_cpu cpu = {
		.signature = cpu_set_cpuid(&group->silicon, 1, 0, REG_EAX),
		.revision = (uint32_t)group->microcode,
	};
	struct host_cpu_kind *kind;
	char vendor[13];
	int rc;

	cpu_set_vendor(&group->silicon, vendor);
	rc = vendor_of(vendor, &cpu.vendor);
	if (rc)
		return rc;
	if (cpu.vendor == UCODE_INTEL && group->msrs_known)
		cpu.platforms = BIT(id);
	kind = add_kind(host, &cpu);
	if (!kind)
		return -ENOMEM;
	kind->cpus = group->cpus;
	return 0;
}

int host_cpus_of_profile(const struct profile *profile, struct host_cpus *ret)
{
	struct host_cpus host = { 0 };
	int rc = 0;

	if (!profile->group_count)
		return err_set(-ENODATA,
			"%s: the profile does not say what CPUs the host has; "
			"make it there by `muster fleet profile`",
			profile->host);
	for (unsigned i = 0; i < profile->group_count && !rc; i++)
		rc = add_group(&profile->groups[i], &host);
	if (rc)
		host_cpus_fini(&host);
	else
		*ret = host;
	return rc;
}

unsigned host_cpus_choose(struct host_cpus *host, const struct ucode_list *list,
	enum ucode_moment moment)
{
	unsigned found = 0;

	for (unsigned i = 0; i < host->count; i++) {
		struct host_cpu_kind *kind = &host->kind[i];

		kind->choice = ucode_select(list, &kind->cpu, moment);
		found += kind->choice.verdict == UCODE_NEWER;
	}
	return found;
}
