/* SPDX-License-Identifier: Apache-2.0 */
/* mem_dirty.c - no write is lost between two snapshots, whoever makes it */
#include "tests/unit/memkit.h"
#include "tests/unit/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"
#include "vmm/core/mem_dirty.h"

/* A VM of one vCPU that writes; without KVM the test cannot run. */
struct kit_vm {
	int kvm_fd, fd, vcpu_fd;
	struct kvm_run *run;
	int run_bytes;
	struct mem mem;
};

static bool vm_init(struct kit_vm *vm, struct mem *mem)
{
	*vm = (struct kit_vm){ .mem = *mem };
	*mem = (struct mem){ 0 };
	if (kvm_open(KVM_DEVICE, &vm->kvm_fd))
		return false;
	assert_int_equal(kvm_create_vm(vm->kvm_fd, &vm->fd), 0);
	assert_int_equal(mem_map(&vm->mem, vm->fd), 0);
	vm->vcpu_fd = kvm_ioctl_val(vm->fd, KVM_CREATE_VCPU, 0);
	vm->run_bytes = kvm_ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	vm->run = mmap(NULL, (size_t)vm->run_bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED, vm->vcpu_fd, 0);
	assert_true(vm->run != MAP_FAILED);
	return true;
}

static void vm_fini(struct kit_vm *vm)
{
	munmap(vm->run, (size_t)vm->run_bytes);
	close_fd(vm->vcpu_fd);
	mem_fini(&vm->mem);
	close_fd(vm->fd);
	close_fd(vm->kvm_fd);
}

#define CODE_PAGE 1

/* Real mode: store a byte in page `page` of the first 64 KiB, and stop. */
static void vm_write(struct kit_vm *vm, uint8_t page)
{
	const uint8_t code[] = { 0xc6, 0x06, 0x00, (uint8_t)(page << 4), 0x77,
		0xe6, 0x80 }; /* movb $0x77,page*4096; outb %al,$0x80 */
	struct kvm_regs regs = { .rip = CODE_PAGE * MEM_PAGE_SIZE,
		.rflags = 2 };
	struct kvm_sregs sregs;

	memcpy(mem_ptr(&vm->mem, GPA(CODE_PAGE * MEM_PAGE_SIZE), sizeof(code)),
		code, sizeof(code));
	assert_int_equal(kvm_ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs), 0);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	assert_int_equal(kvm_ioctl(vm->vcpu_fd, KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(kvm_ioctl(vm->vcpu_fd, KVM_SET_REGS, &regs), 0);
	assert_int_equal(kvm_ioctl(vm->vcpu_fd, KVM_RUN, NULL), 0);
	assert_int_equal(vm->run->exit_reason, KVM_EXIT_IO);
}

static bool is_dirty(const struct mem *mem, uint64_t page)
{
	return mem_dirty_bits(mem)[page / 64] & BIT64(page % 64);
}

#define NEED_VM(vm, ram)                                                   \
	do {                                                               \
		if (!vm_init(&(vm), &(ram))) {                             \
			mem_fini(&(vm).mem);                               \
			printf("skipped, " KVM_DEVICE " is missing: %s\n", \
				__func__);                                 \
			skip();                                            \
		}                                                          \
	} while (0)

static void what_a_vcpu_writes_is_found_once(void **state)
{
	struct kit_vm vm;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, 16 * MIB), 0);
	NEED_VM(vm, mem);
	vm_write(&vm, 5);
	assert_int_equal(mem_dirty_start(&vm.mem, vm.fd), 0);
	assert_int_equal(mem_dirty_start(&vm.mem, vm.fd), 0);
	vm_write(&vm, 7);
	assert_int_equal(mem_dirty_collect(&vm.mem, vm.fd), 0);
	assert_true(is_dirty(&vm.mem, 7));
	assert_false(is_dirty(&vm.mem, 5));
	assert_int_equal(mem_dirty_pages(&vm.mem), 1);

	/* A snapshot that failed is followed by another. */
	vm_write(&vm, 9);
	assert_int_equal(mem_dirty_collect(&vm.mem, vm.fd), 0);
	assert_true(is_dirty(&vm.mem, 7) && is_dirty(&vm.mem, 9));
	mem_dirty_clear(&vm.mem);
	assert_int_equal(mem_dirty_collect(&vm.mem, vm.fd), 0);
	assert_int_equal(mem_dirty_pages(&vm.mem), 0);
	vm_write(&vm, 7);
	assert_int_equal(mem_dirty_collect(&vm.mem, vm.fd), 0);
	assert_true(is_dirty(&vm.mem, 7));
	vm_fini(&vm);
}

static void each_region_has_its_place_in_the_log(void **state)
{
	struct kit_vm vm;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	NEED_VM(vm, mem);
	assert_int_equal(mem_dirty_start(&vm.mem, vm.fd), 0);
	vm_write(&vm, 3);
	mem_wrote(&vm.mem, mem_ptr(&vm.mem, GPA(MEM_GAP_END), 1), 1);
	assert_int_equal(mem_write(&vm.mem, GPA(MEM_GAP_START - 1), "x", 1), 0);
	assert_int_equal(mem_dirty_collect(&vm.mem, vm.fd), 0);
	assert_true(is_dirty(&vm.mem, 3));
	assert_true(is_dirty(&vm.mem, MEM_GAP_START / MEM_PAGE_SIZE));
	assert_true(is_dirty(&vm.mem, MEM_GAP_START / MEM_PAGE_SIZE - 1));
	assert_int_equal(mem_dirty_pages(&vm.mem), 3);
	vm_fini(&vm);
}

static void a_log_that_cannot_be_read_counts_as_all_written(void **state)
{
	struct kit_vm vm;
	struct mem mem;
	int null;

	(void)state;
	assert_int_equal(mem_init(&mem, 16 * MIB), 0);
	NEED_VM(vm, mem);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(mem_dirty_start(&vm.mem, null) < 0);
	assert_null(mem_dirty_bits(&vm.mem));
	assert_int_equal(mem_dirty_start(&vm.mem, vm.fd), 0);
	assert_true(mem_dirty_collect(&vm.mem, null) < 0);
	assert_int_equal(mem_dirty_pages(&vm.mem), 16 * MIB / MEM_PAGE_SIZE);
	close_fd(null);
	vm_fini(&vm);
}

static void writes_are_marked_by_every_page_they_touch(void **state)
{
	struct kit_vm vm;
	struct mem mem;
	uint8_t *hva;

	(void)state;
	assert_int_equal(mem_init(&mem, 16 * MIB), 0);
	NEED_VM(vm, mem);
	assert_int_equal(mem_dirty_start(&vm.mem, vm.fd), 0);
	hva = mem_ptr(&vm.mem, GPA(0), 1);
	mem_wrote(&vm.mem, hva + 4095,
		4098); /* the end of 0, 1, the start of 2 */
	mem_wrote(&vm.mem, hva + 65 * 4096, 1);
	mem_wrote(&vm.mem, hva + 16 * MIB - 1, 1);
	mem_wrote(&vm.mem, hva + 16 * MIB, 1); /* behind the end */
	mem_wrote(&vm.mem, hva, 0);
	mem_wrote(&vm.mem, &mem, sizeof(mem));
	assert_int_equal(mem_dirty_bits(&vm.mem)[0], 7);
	assert_int_equal(mem_dirty_bits(&vm.mem)[1], 2);
	assert_true(is_dirty(&vm.mem, 16 * MIB / MEM_PAGE_SIZE - 1));
	assert_int_equal(mem_dirty_pages(&vm.mem), 5);
	vm_fini(&vm);
}

static void a_restored_machine_differs_from_its_file_where_it_wrote(
	void **state)
{
	struct memfile file;
	struct kit_vm vm;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, KIT_RAM), 0);
	kit_fill_pages(&mem, 1);
	kit_save("m", &mem, NULL, 1, NULL);
	mem_fini(&mem);
	kit_load("m", 1, &file, &mem);
	memfile_close(&file);
	NEED_VM(vm, mem);
	assert_true(kit_holds(&vm.mem, 63, 1)); /* reading is no change */
	kit_fill(&vm.mem, 63, 2);
	vm_write(&vm, 7);
	kit_clear(&vm.mem, MEM_GAP_START / MEM_PAGE_SIZE);
	assert_int_equal(mem_dirty_start(&vm.mem, vm.fd), 0);
	assert_int_equal(mem_dirty_collect(&vm.mem, vm.fd), 0);
	assert_true(is_dirty(&vm.mem, 63) && is_dirty(&vm.mem, 7));
	assert_true(is_dirty(&vm.mem, CODE_PAGE));
	assert_true(is_dirty(&vm.mem, MEM_GAP_START / MEM_PAGE_SIZE));
	assert_int_equal(mem_dirty_pages(&vm.mem), 4);
	vm_fini(&vm);
}

/* KVM sees neither the bytes of a request nor the rings that we write. */
static void what_devices_write_is_found(void **state)
{
	struct virtq_chain chain;
	struct kit_vm vm;
	struct ring ring;
	struct virtq q;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, 16 * MIB), 0);
	NEED_VM(vm, mem);
	ring_init(&ring, &vm.mem, 8, 0x10000);
	ring_set(ring.desc, 0, 0x20000, 16, NEXT, 1);
	ring_set(ring.desc, 1, 0x30ffe, 4, WRITE, 0);
	ring_offer(&ring, 0);
	assert_int_equal(virtq_init(&q, &vm.mem, &ring.config, 0), 0);
	assert_int_equal(mem_dirty_start(&vm.mem, vm.fd), 0);
	assert_int_equal(virtq_pop(&q, &chain), 1);
	assert_true(is_dirty(&vm.mem, 0x30) && is_dirty(&vm.mem, 0x31));
	assert_int_equal(mem_dirty_pages(&vm.mem), 2);
	mem_dirty_clear(&vm.mem);

	virtq_push(&q, chain.head, 4);
	assert_true(is_dirty(&vm.mem, 0x11)); /* where `used` is */
	assert_int_equal(mem_dirty_pages(&vm.mem), 1);
	mem_dirty_clear(&vm.mem);
	virtq_publish(&q);
	assert_int_equal(mem_dirty_pages(&vm.mem), 1);
	mem_dirty_clear(&vm.mem);
	virtq_disable_kick(&q);
	assert_int_equal(mem_dirty_pages(&vm.mem), 1);
	mem_dirty_clear(&vm.mem);
	virtq_enable_kick(&q);
	assert_int_equal(mem_dirty_pages(&vm.mem), 1);
	vm_fini(&vm);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_vcpu_writes_is_found_once),
		TEST(each_region_has_its_place_in_the_log),
		TEST(a_log_that_cannot_be_read_counts_as_all_written),
		TEST(writes_are_marked_by_every_page_they_touch),
		TEST(what_devices_write_is_found),
		TEST(a_restored_machine_differs_from_its_file_where_it_wrote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
