/* SPDX-License-Identifier: Apache-2.0 */
/*
 * irq.c - lines and doorbells against a real VM.  Without a /dev/kvm the tests are
 * skipped, and say so.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/core/irq.h"
#include "vmm/core/kvm.h"

#define CODE_GPA     0x1000u
#define DOORBELL_GPA 0x5000u
#define VECTOR       0x45u

static int kvm_fd;

static int open_kvm(void **state)
{
	int rc = kvm_open(KVM_DEVICE, &kvm_fd);

	(void)state;
	if (rc != -ENOENT)
		return rc;
	printf("skipped, capability missing: kvm (%s)\n", err_text());
	kvm_fd = -1;
	return 0;
}

static int new_vm(void)
{
	int vm_fd;

	if (kvm_fd < 0)
		skip();
	assert_int_equal(kvm_create_vm(kvm_fd, &vm_fd), 0);
	return vm_fd;
}

static int new_vm_with_routes(void)
{
	int vm_fd = new_vm();

	assert_int_equal(kvm_ioctl(vm_fd, KVM_CREATE_IRQCHIP, NULL), 0);
	assert_int_equal(irq_set_default_routes(vm_fd), 0);
	return vm_fd;
}

/* KVM delivers from a work queue: wait for up to a second. */
static bool appears(bool (*seen)(int fd, unsigned pin), int fd, unsigned pin)
{
	for (int i = 0; i < 1000; i++) {
		if (seen(fd, pin))
			return true;
		usleep(1000);
	}
	return false;
}

static bool pic_requests(int vm_fd, unsigned input)
{
	struct kvm_irqchip chip = {
		.chip_id = input < 8 ? KVM_IRQCHIP_PIC_MASTER
				     : KVM_IRQCHIP_PIC_SLAVE
	};

	assert_int_equal(kvm_ioctl(vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	return chip.chip.pic.irr & BIT(input % 8);
}

static void a_line_reaches_its_pic_input(void **state)
{
	static const unsigned inputs[] = { 4, 10 };
	int vm_fd = new_vm_with_routes();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct irq_line line;

		assert_int_equal(irq_line_init(&line, vm_fd, inputs[i]), 0);
		assert_false(pic_requests(vm_fd, inputs[i]));
		irq_line_raise(&line);
		assert_true(appears(pic_requests, vm_fd, inputs[i]));
		irq_line_fini(&line);
		assert_int_equal(line.fd, -1);
	}
	close(vm_fd);
}

static bool lapic_requests(int vcpu_fd, unsigned vector)
{
	struct kvm_lapic_state lapic;
	uint32_t irr;

	assert_int_equal(kvm_ioctl(vcpu_fd, KVM_GET_LAPIC, &lapic), 0);
	memcpy(&irr, &lapic.regs[0x200 + 0x10 * (vector / 32)], sizeof(irr));
	return irr & BIT(vector % 32);
}

/* Software-enable the local APIC: bit 8 of the spurious vector register. */
static void enable_lapic(int vcpu_fd)
{
	struct kvm_lapic_state lapic;

	assert_int_equal(kvm_ioctl(vcpu_fd, KVM_GET_LAPIC, &lapic), 0);
	lapic.regs[0xf1] |= 1;
	assert_int_equal(kvm_ioctl(vcpu_fd, KVM_SET_LAPIC, &lapic), 0);
}

/* A vCPU that I/O APIC pin 23 interrupts with VECTOR: fixed, edge, to 0. */
static int new_vcpu_on_pin_23(int vm_fd)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	int vcpu_fd = kvm_ioctl_val(vm_fd, KVM_CREATE_VCPU, 0);

	assert_true(vcpu_fd >= 0);
	enable_lapic(vcpu_fd);
	assert_int_equal(kvm_ioctl(vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	chip.chip.ioapic.redirtbl[23].bits = VECTOR;
	assert_int_equal(kvm_ioctl(vm_fd, KVM_SET_IRQCHIP, &chip), 0);
	return vcpu_fd;
}

static void a_line_past_the_pic_reaches_its_ioapic_pin(void **state)
{
	int vm_fd = new_vm_with_routes();
	int vcpu_fd = new_vcpu_on_pin_23(vm_fd);
	struct irq_line line;

	(void)state;
	assert_int_equal(irq_line_init(&line, vm_fd, 23), 0);
	assert_false(lapic_requests(vcpu_fd, VECTOR));
	irq_line_raise(&line);
	assert_true(appears(lapic_requests, vcpu_fd, VECTOR));
	irq_line_fini(&line);
	close(vcpu_fd);
	close(vm_fd);
}

static void a_pulse_is_with_the_vcpu_at_once(void **state)
{
	int vm_fd = new_vm_with_routes();
	int vcpu_fd = new_vcpu_on_pin_23(vm_fd);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	(void)state;
	assert_false(lapic_requests(vcpu_fd, VECTOR));
	assert_int_equal(irq_pulse(vm_fd, 23), 0);
	assert_true(lapic_requests(vcpu_fd, VECTOR));
	/* The pin is low again: the next one is an edge, too. */
	assert_int_equal(kvm_ioctl(vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	assert_false(chip.chip.ioapic.irr & BIT(23));
	close(vcpu_fd);
	close(vm_fd);
}

static void a_pulse_on_a_masked_pin_leaves_nothing_behind(void **state)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	int vm_fd = new_vm_with_routes();

	(void)state;
	assert_int_equal(irq_pulse(vm_fd, 23), 0);
	assert_int_equal(kvm_ioctl(vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	assert_false(chip.chip.ioapic.irr & BIT(23));
	close(vm_fd);
}

static void a_pulse_needs_an_interrupt_controller(void **state)
{
	int vm_fd = new_vm();

	(void)state;
	assert_true(irq_pulse(vm_fd, 23) < 0);
	assert_non_null(strstr(err_text(), "GSI 23"));
	close(vm_fd);
}

static void a_line_needs_an_interrupt_controller(void **state)
{
	int vm_fd = new_vm();
	struct irq_line line;

	(void)state;
	assert_true(irq_line_init(&line, vm_fd, 4) < 0);
	assert_non_null(strstr(err_text(), "GSI 4"));
	assert_int_equal(line.fd, -1);
	irq_line_fini(&line);
	close(vm_fd);
}

/* One page of real-mode code at CODE_GPA; everything else is MMIO. */
static int new_real_mode_vcpu(int vm_fd, const void *code, size_t len)
{
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = CODE_GPA,
		.memory_size = 4096,
		.userspace_addr = (uintptr_t)page,
	};
	struct kvm_regs regs = { .rip = CODE_GPA, .rflags = 2 };
	struct kvm_sregs sregs;
	int fd;

	assert_ptr_not_equal(page, MAP_FAILED);
	memcpy(page, code, len);
	kvm_ioctl_val(vm_fd, KVM_SET_TSS_ADDR, 0xfffbd000);
	assert_int_equal(
		kvm_ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &slot), 0);
	fd = kvm_ioctl_val(vm_fd, KVM_CREATE_VCPU, 0);
	assert_true(fd >= 0);
	assert_int_equal(kvm_ioctl(fd, KVM_GET_SREGS, &sregs), 0);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	assert_int_equal(kvm_ioctl(fd, KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(kvm_ioctl(fd, KVM_SET_REGS, &regs), 0);
	return fd;
}

static void a_doorbell_rings_for_any_value_at_its_address_only(void **state)
{
	/* clang-format off */
	static const uint8_t code[] = {
		0x66, 0xb8, 7, 0, 0, 0, /* mov eax, 7 */
		0x66, 0xa3, 0x00, 0x50, /* mov [0x5000], eax */
		0x66, 0xb8, 8, 0, 0, 0, /* mov eax, 8 */
		0x66, 0xa3, 0x00, 0x50, /* mov [0x5000], eax */
		0x66, 0xa3, 0x04, 0x50, /* mov [0x5004], eax */
		0xf4,
	};
	/* clang-format on */
	int event_fd = eventfd(0, EFD_NONBLOCK);
	int vm_fd = new_vm();
	struct kvm_run *run;
	uint64_t rings;
	int vcpu_fd, size;

	(void)state;
	vcpu_fd = new_real_mode_vcpu(vm_fd, code, sizeof(code));
	assert_int_equal(irq_doorbell(vm_fd, event_fd, GPA(DOORBELL_GPA)), 0);
	size = kvm_ioctl_val(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		vcpu_fd, 0);
	assert_ptr_not_equal(run, MAP_FAILED);
	/* The first exit is the write beside the doorbell. */
	assert_int_equal(kvm_ioctl(vcpu_fd, KVM_RUN, NULL), 0);
	assert_int_equal(run->exit_reason, KVM_EXIT_MMIO);
	assert_int_equal(run->mmio.phys_addr, DOORBELL_GPA + 4);
	assert_int_equal(run->mmio.data[0], 8);
	assert_int_equal(read(event_fd, &rings, sizeof(rings)), 8);
	assert_int_equal(rings, 2);
	munmap(run, (size_t)size);
	close(vcpu_fd);
	close(vm_fd);
	close(event_fd);
}

static void two_doorbells_alike_are_refused(void **state)
{
	int event_fd = eventfd(0, EFD_NONBLOCK);
	int vm_fd = new_vm();

	(void)state;
	assert_int_equal(irq_doorbell(vm_fd, event_fd, GPA(DOORBELL_GPA)), 0);
	assert_int_equal(
		irq_doorbell(vm_fd, event_fd, GPA(DOORBELL_GPA)), -EEXIST);
	assert_non_null(strstr(err_text(), "0x5000"));
	close(vm_fd);
	close(event_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_reaches_its_pic_input),
		cmocka_unit_test(a_line_past_the_pic_reaches_its_ioapic_pin),
		cmocka_unit_test(a_line_needs_an_interrupt_controller),
		cmocka_unit_test(a_pulse_is_with_the_vcpu_at_once),
		cmocka_unit_test(a_pulse_on_a_masked_pin_leaves_nothing_behind),
		cmocka_unit_test(a_pulse_needs_an_interrupt_controller),
		cmocka_unit_test(
			a_doorbell_rings_for_any_value_at_its_address_only),
		cmocka_unit_test(two_doorbells_alike_are_refused),
	};

	return cmocka_run_group_tests_name("irq", tests, open_kvm, NULL);
}
