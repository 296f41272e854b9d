/* SPDX-License-Identifier: Apache-2.0 */
/* kvm.c - open /dev/kvm, name what is missing, wrap ioctl */
#include "vmm/core/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define CAP(cap, since, need, required)                               \
	{                                                             \
		KVM_CAP_##cap, "KVM_CAP_" #cap, since, need, required \
	}

const struct kvm_cap kvm_caps[] = {
	CAP(USER_MEMORY, "2.6.25", "guest memory", true),
	CAP(IRQCHIP, "2.6.25", "interrupt controllers in the kernel", true),
	CAP(MP_STATE, "2.6.25", "start of the second and later vCPUs", true),
	CAP(EXT_CPUID, "2.6.26", "the guest's CPUID", true),
	CAP(PIT2, "2.6.31", "the timer of kernels without ACPI", true),
	CAP(IRQ_ROUTING, "2.6.30", "interrupt lines of devices", true),
	CAP(IRQFD, "2.6.32", "device interrupts without a system call", true),
	CAP(IOEVENTFD, "2.6.32", "doorbells without an exit", true),
	CAP(SET_TSS_ADDR, "2.6.24", "real mode on Intel CPUs", false),
	CAP(SET_IDENTITY_MAP_ADDR, "2.6.31", "real mode on Intel CPUs", false),
	CAP(TSC_DEADLINE_TIMER, "3.3", "the guest's timer", false),
	CAP(TSC_CONTROL, "2.6.39", "a TSC of another frequency", false),
	CAP(VCPU_ATTRIBUTES, "5.16", "a TSC that stands while the VM is paused",
		false),
	CAP(NESTED_STATE, "4.20", "VMX or SVM for guests (--nested on)", false),
	CAP(X86_MSR_FILTER, "5.10", "--msr strict", false),
	CAP(IMMEDIATE_EXIT, "4.13", "stopping vCPUs without a race", true),
};
const unsigned kvm_caps_count = ARRAY_SIZE(kvm_caps);

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
	int rc;

	do {
		rc = ioctl(fd, request, arg);
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

int kvm_ioctl_val(int fd, unsigned long request, unsigned long value)
{
	return kvm_ioctl(fd, request, (void *)value);
}

static int explain_open(const char *path, int error)
{
	switch (error) {
	case ENOENT:
		return err_set(-error,
			"%s: absent; load the kvm_intel or kvm_amd module, "
			"enable virtualization in the firmware, or, in a "
			"container, pass the device in",
			path);
	case EACCES:
	case EPERM:
		return err_set(-error,
			"%s: no permission; join the group that owns it "
			"(usually: sudo usermod -aG kvm $USER, then log in "
			"again)",
			path);
	default:
		return err_set(
			-error, "%s: cannot open: %s", path, strerror(error));
	}
}

int kvm_open(const char *path, int *ret_fd)
{
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0)
		return explain_open(path, errno);
	version = kvm_ioctl(fd, KVM_GET_API_VERSION, NULL);
	if (version < 0)
		return err_set(-ENOTTY,
			"%s: not a KVM device; expected the character device "
			"of the kvm module",
			path);
	if (version != KVM_API_VERSION)
		return err_set(-ENOTSUP,
			"%s: KVM API version %d, but muster needs %d; use "
			"Linux 4.13 or newer",
			path, version, KVM_API_VERSION);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int kvm_check(int fd, int cap)
{
	int rc = kvm_ioctl_val(fd, KVM_CHECK_EXTENSION, (unsigned long)cap);

	return rc < 0 ? 0 : rc;
}

int kvm_require_caps(int kvm_fd)
{
	char list[ERR_TEXT_MAX / 2] = "";
	size_t used = 0;

	for (unsigned i = 0; i < kvm_caps_count; i++) {
		const struct kvm_cap *c = &kvm_caps[i];

		if (!c->required || kvm_check(kvm_fd, c->number))
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used,
			"%s%s (%s, since Linux %s)", used ? ", " : "", c->name,
			c->need, c->since);
		used = MIN(used, sizeof(list) - 1);
	}
	if (used)
		return err_set(-ENOTSUP,
			"KVM here lacks %s; use a newer kernel", list);
	return 0;
}

int kvm_create_vm(int kvm_fd, int *ret_fd)
{
	int fd = kvm_ioctl_val(kvm_fd, KVM_CREATE_VM, 0);

	if (fd < 0)
		return err_set(fd, "KVM_CREATE_VM: %s", strerror(-fd));
	*ret_fd = fd;
	return 0;
}
