/* SPDX-License-Identifier: Apache-2.0 */
/* ucode.c - the microcode that a guest sees, and its attempts to load some */
#include "cpu/cpu_ucode.h"

#include <errno.h>
#include <string.h>

#include "cpu/x86_64/ucode.h"
#include "cpu/x86_64/x86.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

#define MSR_SIGN_ID        0x8b
#define MSR_PLATFORM_ID    0x17
#define PLATFORM_ID_SHIFT  50

/* IA32_BIOS_UPDT_TRIG takes the address of the data, behind the header. */
#define INTEL_HEADER_BYTES 48

/* ---- what is shown ---- */

static bool is_intel(struct cpuid *cpuid)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(cpuid, 0, 0);

	return e && e->ebx == 0x756e6547 && e->edx == 0x49656e69 &&
	       e->ecx == 0x6c65746e; /* "GenuineIntel" */
}

int cpu_ucode_identify(int vcpu_fd, struct cpu_ucode_id *ret)
{
	struct cpuid cpuid;
	const struct kvm_cpuid_entry2 *e;
	uint64_t platform = 0;
	int rc = cpuid_read(vcpu_fd, &cpuid);

	if (rc)
		return rc;
	e = cpuid_find(&cpuid, 1, 0);
	/* KVM shows platform 0, where it knows the register at all. */
	(void)msr_read(vcpu_fd, MSR_PLATFORM_ID, &platform);
	*ret = (struct cpu_ucode_id){
		.amd = !is_intel(&cpuid),
		.signature = e ? e->eax : 0,
		.platforms = 1u << (platform >> PLATFORM_ID_SHIFT & 7),
	};
	return 0;
}

/* Intel's revision is the upper half. */
static int revision_shift(int vcpu_fd, unsigned *ret)
{
	struct cpuid cpuid;
	int rc = cpuid_read(vcpu_fd, &cpuid);

	if (!rc)
		*ret = is_intel(&cpuid) ? 32 : 0;
	return rc;
}

int cpu_ucode_get(int vcpu_fd, uint32_t *ret)
{
	uint64_t value;
	unsigned shift;
	int rc = revision_shift(vcpu_fd, &shift);

	if (!rc)
		rc = msr_read(vcpu_fd, MSR_SIGN_ID, &value);
	if (rc)
		return err_set(rc, "KVM does not tell MSR %#x: %s", MSR_SIGN_ID,
			strerror(-rc));
	*ret = (uint32_t)(value >> shift);
	return 0;
}

int cpu_ucode_set(int vcpu_fd, uint32_t revision)
{
	unsigned shift;
	int rc = revision_shift(vcpu_fd, &shift);

	if (!rc)
		rc = msr_write(
			vcpu_fd, MSR_SIGN_ID, (uint64_t)revision << shift);
	return rc ? err_set(rc, "KVM refuses MSR %#x = %#x: %s", MSR_SIGN_ID,
			    revision, strerror(-rc))
		  : 0;
}

/* ---- what the guest does ---- */

bool cpu_loader_exit(const struct kvm_run *run, struct cpu_load *ret)
{
	if (run->exit_reason != KVM_EXIT_X86_WRMSR)
		return false;
	switch (run->msr.index) {
	case MSR_INTEL_LOADER:
		*ret = (struct cpu_load){
			.header = run->msr.data - INTEL_HEADER_BYTES,
		};
		return true;
	case MSR_AMD_LOADER:
		*ret = (struct cpu_load){
			.amd = true,
			.header = run->msr.data,
		};
		return true;
	default:
		return false;
	}
}

void cpu_loader_end(struct kvm_run *run, bool refused)
{
	run->msr.error = refused;
}

size_t cpu_read_linear(int vcpu_fd, const struct mem *mem, uint64_t linear,
	void *to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		struct kvm_translation t = { .linear_address = linear + done };
		size_t n = MIN(len - done,
			MEM_PAGE_SIZE - (linear + done) % MEM_PAGE_SIZE);
		int rc = kvm_ioctl(vcpu_fd, KVM_TRANSLATE, &t);

		if (rc < 0 || !t.valid ||
			mem_read(mem, GPA(t.physical_address),
				(uint8_t *)to + done, n))
			break;
		done += n;
	}
	return done;
}
