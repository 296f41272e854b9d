/* SPDX-License-Identifier: Apache-2.0 */
/* livevm.c - build a machine in this process, and check the numbers it shows */
#include "tests/unit/unit.h"

#include "tests/unit/livevm.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

/* As in tests/guests/counters.c. */
#define COUNT_PORT  0x700
#define COUNT_MMIO  0xd0100000u
#define STEP        16
#define BYTES       (STEP * LIVEVM_CPUS_MAX)

#define PATIENCE_NS 10000000000ull

/* ---- the numbers ---- */

static void counted(void *dev, uint64_t offset, const void *data, unsigned len)
{
	struct livevm *live = dev;
	_Atomic uint32_t *count = &live->count[offset / STEP];
	uint32_t n = 0;

	memcpy(&n, data, MIN(len, sizeof(n)));
	if (atomic_fetch_add(count, 1) + 1 != n)
		atomic_fetch_add(&live->wrong, 1);
}

static void give_next(void *dev, uint64_t offset, void *data, unsigned len)
{
	struct livevm *live = dev;
	uint32_t n = atomic_fetch_add(&live->count[offset / STEP], 1) + 1;

	memset(data, 0, len);
	memcpy(data, &n, MIN(len, sizeof(n)));
}

static const struct bus_ops counter_ops = { give_next, counted };

/* ---- life ---- */

bool livevm_available(void)
{
	CLEANUP_CLOSE int fd = -1;

	if (!kvm_open(KVM_DEVICE, &fd))
		return true;
	print_message("skipped, %s\n", err_text());
	return false;
}

/* The payloads lie beside the tests: DIR/tests/unit/NAME and DIR/guests/NAME. */
static void guest_path(const char *payload, char ret[PATH_MAX])
{
	char self[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(ret, PATH_MAX, "%s/guests/%s", dirname(dirname(dirname(self))),
		payload);
}

static void configure(struct livevm *live, const char *payload, unsigned cpus,
	const char *cmdline, const char *disk)
{
	char kernel[PATH_MAX], count[16];
	char *args[] = { "--kernel", kernel, "--cpus", count, "--memory", "64M",
		"--console", "none", "--debug-exit", "--cmdline",
		(char *)cmdline, "--disk", (char *)disk };

	guest_path(payload, kernel);
	snprintf(count, sizeof(count), "%u", cpus);
	if (vm_config_parse(
		    ARRAY_SIZE(args) - (disk ? 0 : 2), args, &live->config))
		fail_msg("%s", err_text());
}

void livevm_build(struct livevm *live, const char *payload, unsigned cpus,
	const char *cmdline, const char *disk)
{
	enum outcome fault;

	*live = (struct livevm){ 0 };
	configure(live, payload, cpus, cmdline, disk);
	live->control = control_new();
	assert_non_null(live->control);
	live->vm = vm_new(&live->config, live->control);
	assert_non_null(live->vm);
	if (vm_build(live->vm, &fault) ||
		bus_add(&live->vm->ports, COUNT_PORT, BYTES, &counter_ops,
			live) ||
		bus_add(&live->vm->mmio, COUNT_MMIO, BYTES, &counter_ops, live))
		fail_msg("%s", err_text());
}

void livevm_end(struct livevm *live)
{
	live->vm = vm_free(live->vm);
	live->control = control_free(live->control);
	vm_config_fini(&live->config);
}

bool livevm_counts(struct livevm *live, unsigned cpus, uint32_t more)
{
	uint64_t until_ns = now_ns() + PATIENCE_NS;
	uint32_t from[LIVEVM_CPUS_MAX];

	for (unsigned i = 0; i < cpus; i++)
		from[i] = atomic_load(&live->count[i]);
	for (unsigned i = 0; i < cpus;) {
		if (atomic_load(&live->count[i]) - from[i] >= more)
			i++;
		else if (now_ns() > until_ns)
			return false;
		else
			usleep(20);
	}
	return true;
}
