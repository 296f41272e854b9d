/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_checks.c - look at KVM, its capabilities and the loop engines */
#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "vmm/base/cleanup.h"
#include "vmm/core/kvm.h"
#include "vmm/core/loop.h"

PRINTF(4, 5)
static void add(struct checks *checks, enum check_state state, const char *name,
	const char *fmt, ...)
{
	struct check *check;
	va_list ap;

	assert(checks->count < CHECKS_MAX);
	check = &checks->check[checks->count++];
	check->name = name;
	check->state = state;
	va_start(ap, fmt);
	vsnprintf(check->text, sizeof(check->text), fmt, ap);
	va_end(ap);
}

static void examine_cap(
	int kvm_fd, const struct kvm_cap *cap, struct checks *ret)
{
	enum check_state lack = cap->required ? CHECK_MISSING : CHECK_WARN;

	if (kvm_check(kvm_fd, cap->number) > 0)
		add(ret, CHECK_OK, cap->name, "%s", cap->need);
	else
		add(ret, lack, cap->name,
			"%s; Linux %s brought it: boot that "
			"or a newer kernel",
			cap->need, cap->since);
}

static void examine_kvm(struct checks *ret)
{
	CLEANUP_CLOSE int kvm_fd = -1;
	CLEANUP_CLOSE int vm_fd = -1;
	int rc = kvm_open(KVM_DEVICE, &kvm_fd);

	if (rc) {
		add(ret, CHECK_MISSING, "kvm", "%s", err_describe(rc));
		return;
	}
	add(ret, CHECK_OK, "kvm", "%s opens", KVM_DEVICE);
	for (unsigned i = 0; i < kvm_caps_count; i++)
		examine_cap(kvm_fd, &kvm_caps[i], ret);
	rc = kvm_create_vm(kvm_fd, &vm_fd);
	if (rc)
		add(ret, CHECK_MISSING, "vm", "%s", err_describe(rc));
	else
		add(ret, CHECK_OK, "vm", "a VM can be created");
}

/* Can this engine be had?  If not, err_describe() says why. */
static int try_engine(enum loop_engine engine)
{
	struct loop *loop = NULL;
	int rc;

	err_clear();
	rc = loop_new(engine, &loop);
	loop_free(loop);
	return rc;
}

static void examine_loop(struct checks *ret)
{
	int rc = try_engine(LOOP_IO_URING);
	char why[ERR_TEXT_MAX];

	if (!rc) {
		add(ret, CHECK_OK, "loop-engine", "io_uring");
		return;
	}
	snprintf(why, sizeof(why), "%s", err_describe(rc));
	rc = try_engine(LOOP_EPOLL);
	if (!rc)
		add(ret, CHECK_WARN, "loop-engine",
			"epoll, slower, because of io_uring: %.400s", why);
	else
		add(ret, CHECK_MISSING, "loop-engine", "%s", err_describe(rc));
}

/* The first byte of a module's parameter, or 0 if there is none. */
static char read_param(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = 0;

	return fd >= 0 && read(fd, &c, 1) == 1 ? c : 0;
}

/*
 * Which module serves /dev/kvm, and may guests run VMs of their own (they need
 * not)?  A module with code in the kernel image shows its parameters as well.
 */
static void examine_module(struct checks *ret)
{
	static const struct {
		const char *name, *path;
	} modules[] = {
		{ "kvm_intel", "/sys/module/kvm_intel/parameters/nested" },
		{ "kvm_amd", "/sys/module/kvm_amd/parameters/nested" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		char nested = read_param(modules[i].path);

		if (!nested)
			continue;
		add(ret, CHECK_OK, "kvm-module",
			"%s, nested virtualization is %s", modules[i].name,
			strchr("Y1", nested) ? "on" : "off");
		return;
	}
	add(ret, CHECK_WARN, "kvm-module",
		"neither kvm_intel nor kvm_amd; where /dev/kvm comes from "
		"another module, not every Linux kernel may boot");
}

void doctor_examine(struct checks *ret)
{
	ret->count = 0;
	examine_kvm(ret);
	examine_module(ret);
	examine_loop(ret);
}
