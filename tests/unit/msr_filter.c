/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msr_filter.c - which MSRs a guest may touch, and #GP for the others
 *
 * The guest is eight instructions in real mode: RDMSR, then OUT of a 1; #GP goes to
 * an OUT of a 2.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/mman.h>

#include "cpu/x86_64/msr_filter.h"
#include "cpu/x86_64/x86.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

static struct cpu_set cpu;

static void show(const char *name)
{
	const struct feature *f;
	int row = feature_find_name(name, &f);

	assert_true(row >= 0);
	cpu_set_put_field(&cpu, (unsigned)row, f, 1);
}

static void show_vendor(const char *vendor)
{
	uint32_t part[3];

	cpu = (struct cpu_set){ 0 };
	memcpy(part, vendor, sizeof(part));
	cpu_set_put_cpuid(&cpu, 0, 0, REG_EBX, part[0]);
	cpu_set_put_cpuid(&cpu, 0, 0, REG_EDX, part[1]);
	cpu_set_put_cpuid(&cpu, 0, 0, REG_ECX, part[2]);
}

/* ---- the table ---- */

static void every_feature_of_the_table_exists(void **state)
{
	(void)state;
	for (unsigned i = 0; i < msr_allowed_tab_count; i++) {
		const struct msr_allowed *a = &msr_allowed_tab[i];
		const struct feature *f;

		assert_true(a->first <= a->last);
		if (a->feature && feature_find_name(a->feature, &f) < 0)
			fail_msg(
				"MSR %#x: no feature %s", a->first, a->feature);
	}
}

static void an_msr_comes_with_its_feature(void **state)
{
	(void)state;
	show_vendor("GenuineIntel");
	assert_false(msr_filter_allows(&cpu, 0xda0, MSR_READ));
	show("xsaves");
	assert_true(msr_filter_allows(&cpu, 0xda0, MSR_READ));
	assert_true(msr_filter_allows(&cpu, 0xda0, MSR_WRITE));
}

static void read_only_msrs_are_not_written(void **state)
{
	(void)state;
	show_vendor("GenuineIntel");
	show("arch_capabilities");
	assert_true(msr_filter_allows(&cpu, 0x10a, MSR_READ));
	assert_false(msr_filter_allows(&cpu, 0x10a, MSR_WRITE));
}

static void vendors_have_their_own(void **state)
{
	(void)state;
	show_vendor("GenuineIntel");
	assert_true(msr_filter_allows(&cpu, 0x1a0, MSR_READ));
	assert_false(msr_filter_allows(&cpu, 0xc0010015, MSR_READ));
	show_vendor("AuthenticAMD");
	assert_false(msr_filter_allows(&cpu, 0x1a0, MSR_READ));
	assert_true(msr_filter_allows(&cpu, 0xc0010015, MSR_READ));
	show_vendor("HygonGenuine");
	assert_true(msr_filter_allows(&cpu, 0xc0010015, MSR_READ));
}

static void vmx_msrs_are_gone_without_vmx(void **state)
{
	(void)state;
	show_vendor("GenuineIntel");
	for (uint32_t msr = 0x480; msr <= 0x493; msr++)
		assert_false(msr_filter_allows(&cpu, msr, MSR_READ));
	assert_false(msr_filter_allows(&cpu, 0x3a, MSR_READ));
	show("vmx");
	assert_true(msr_filter_allows(&cpu, 0x480, MSR_READ));
	assert_false(msr_filter_allows(&cpu, 0x48c, MSR_READ));
	assert_false(msr_filter_allows(&cpu, 0x480, MSR_WRITE));
}

/* ---- in a guest ---- */

#define CODE   0x1000u
#define ON_GP  0x1100u
#define GP     13
#define PORT   0xf4
#define OUT(n) 0xb0, n, 0xe6, PORT /* mov al, n; out PORT, al */

struct guest {
	int kvm_fd, vm_fd, vcpu_fd;
	uint8_t *memory;
	struct kvm_run *run;
	size_t run_bytes;
};

static bool make_guest(struct guest *g)
{
	struct kvm_userspace_memory_region slot = { .memory_size = 64 * KIB };
	struct kvm_sregs sregs;

	if (kvm_open(KVM_DEVICE, &g->kvm_fd))
		return false;
	assert_int_equal(kvm_create_vm(g->kvm_fd, &g->vm_fd), 0);
	g->memory = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	slot.userspace_addr = (uintptr_t)g->memory;
	assert_int_equal(
		kvm_ioctl(g->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot), 0);
	assert_int_equal(cpu_vm_init(g->kvm_fd, g->vm_fd), 0);
	g->vcpu_fd = kvm_ioctl_val(g->vm_fd, KVM_CREATE_VCPU, 0);
	g->run_bytes = (size_t)kvm_ioctl_val(
		g->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	g->run = mmap(NULL, g->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		g->vcpu_fd, 0);
	assert_true(g->run != MAP_FAILED);
	assert_int_equal(kvm_ioctl(g->vcpu_fd, KVM_GET_SREGS, &sregs), 0);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	sregs.idt.limit = 0x3ff;
	assert_int_equal(kvm_ioctl(g->vcpu_fd, KVM_SET_SREGS, &sregs), 0);
	return true;
}

static void free_guest(struct guest *g)
{
	munmap(g->run, g->run_bytes);
	munmap(g->memory, 64 * KIB);
	close_fd(g->vcpu_fd);
	close_fd(g->vm_fd);
	close_fd(g->kvm_fd);
}

static void load_code(struct guest *g, const uint8_t *code, size_t len)
{
	static const uint8_t on_gp[] = { OUT(2) };
	static const uint16_t vector[] = { ON_GP, 0 };
	struct kvm_regs regs = { .rip = CODE, .rsp = 0x8000, .rflags = 2 };

	memcpy(g->memory + CODE, code, len);
	memcpy(g->memory + ON_GP, on_gp, sizeof(on_gp));
	memcpy(g->memory + GP * sizeof(vector), vector, sizeof(vector));
	assert_int_equal(kvm_ioctl(g->vcpu_fd, KVM_SET_REGS, &regs), 0);
}

/* Until the code's OUT, whose byte is returned. */
static uint8_t run_to_out(struct guest *g)
{
	struct kvm_run *run = g->run;

	do
		assert_int_equal(kvm_ioctl_val(g->vcpu_fd, KVM_RUN, 0), 0);
	while (run->exit_reason != KVM_EXIT_IO && cpu_exit(run, NULL));
	assert_int_equal(run->exit_reason, KVM_EXIT_IO);
	assert_int_equal(run->io.port, PORT);
	return ((const uint8_t *)run)[run->io.data_offset];
}

#define MOV_ECX(msr)                                       \
	0x66, 0xb9, (uint8_t)(msr), (uint8_t)((msr) >> 8), \
		(uint8_t)((msr) >> 16), (uint8_t)((msr) >> 24)

/* 1: read, 2: #GP. */
static uint8_t rdmsr(struct guest *g, uint32_t msr)
{
	const uint8_t code[] = { MOV_ECX(msr), 0x0f, 0x32, OUT(1) };

	load_code(g, code, sizeof(code));
	return run_to_out(g);
}

/* Of 0x1030. */
static void load_wrmsr(struct guest *g, uint32_t msr)
{
	const uint8_t code[] = { MOV_ECX(msr), 0x66, 0xb8, 0x30, 0x10, 0, 0,
		0x66, 0x31, 0xd2, 0x0f, 0x30, OUT(1) };

	load_code(g, code, sizeof(code));
}

#define TSC      0x10
#define SYSENTER 0x174
#define UNKNOWN  0x12345

static void an_unlisted_msr_raises_gp(void **state)
{
	struct guest g;

	(void)state;
	if (!make_guest(&g)) {
		printf("skipped, " KVM_DEVICE " is missing: %s\n", __func__);
		skip();
	}
	assert_int_equal(rdmsr(&g, TSC), 1);
	assert_int_equal(rdmsr(&g, SYSENTER), 1);
	show_vendor("GenuineIntel");
	assert_int_equal(
		msr_filter_apply(g.vm_fd, &cpu, CPU_LOADER_IGNORED), 0);
	assert_int_equal(rdmsr(&g, TSC), 1);
	assert_int_equal(rdmsr(&g, SYSENTER), 2);
	assert_int_equal(rdmsr(&g, UNKNOWN), 2);
	show("sep");
	assert_int_equal(
		msr_filter_apply(g.vm_fd, &cpu, CPU_LOADER_IGNORED), 0);
	assert_int_equal(rdmsr(&g, SYSENTER), 1);
	free_guest(&g);
}

#define LOADER 0x79

static void a_load_of_microcode_is_refused(void **state)
{
	struct guest g;

	(void)state;
	if (!make_guest(&g)) {
		printf("skipped, " KVM_DEVICE " is missing: %s\n", __func__);
		skip();
	}
	assert_int_equal(
		msr_filter_apply(g.vm_fd, NULL, CPU_LOADER_REFUSED), 0);
	load_wrmsr(&g, LOADER);
	assert_int_equal(run_to_out(&g), 2);
	assert_int_equal(rdmsr(&g, SYSENTER), 1);
	free_guest(&g);
}

/* What happens is the caller's: nothing, or #GP; other MSRs are as before. */
static void a_load_of_microcode_exits(void **state)
{
	struct guest g;
	struct cpu_load load;

	(void)state;
	if (!make_guest(&g)) {
		printf("skipped, " KVM_DEVICE " is missing: %s\n", __func__);
		skip();
	}
	show_vendor("GenuineIntel");
	assert_int_equal(msr_filter_apply(g.vm_fd, &cpu, CPU_LOADER_EXITS), 0);
	for (unsigned refused = 0; refused < 2; refused++) {
		load_wrmsr(&g, LOADER);
		assert_int_equal(kvm_ioctl_val(g.vcpu_fd, KVM_RUN, 0), 0);
		assert_true(cpu_loader_exit(g.run, &load));
		assert_int_equal(load.header, 0x1000);
		cpu_loader_end(g.run, refused);
		assert_int_equal(run_to_out(&g), 1 + refused);
	}
	assert_int_equal(rdmsr(&g, SYSENTER), 2);
	assert_int_equal(rdmsr(&g, TSC), 1);
	free_guest(&g);
}

static void a_kvm_without_filters_is_named(void **state)
{
	(void)state;
	show_vendor("GenuineIntel");
	assert_true(msr_filter_apply(-1, &cpu, CPU_LOADER_IGNORED) < 0);
	assert_non_null(strstr(err_text(), "KVM_CAP_X86_MSR_FILTER"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_feature_of_the_table_exists),
		cmocka_unit_test(an_msr_comes_with_its_feature),
		cmocka_unit_test(read_only_msrs_are_not_written),
		cmocka_unit_test(vendors_have_their_own),
		cmocka_unit_test(vmx_msrs_are_gone_without_vmx),
		cmocka_unit_test(an_unlisted_msr_raises_gp),
		cmocka_unit_test(a_load_of_microcode_is_refused),
		cmocka_unit_test(a_load_of_microcode_exits),
		cmocka_unit_test(a_kvm_without_filters_is_named),
	};

	return cmocka_run_group_tests_name("msr_filter", tests, NULL, NULL);
}
