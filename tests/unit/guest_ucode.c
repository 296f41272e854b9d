/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_ucode.c - updates that a guest loads, whatever vendor this host has
 *
 * The vCPU does not run: it has no paging, so that a linear address is a physical
 * one, and its exit is made up.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware/ucode.h"
#include "tests/unit/cpu_vm.h"
#include "tests/unit/loop.h"
#include "tests/unit/ucodekit.h"
#include "vmm/control.h"
#include "vmm/guest_ucode.h"

#define SIGNATURE 0x806f8
#define PLATFORM  4u
#define OLD       0x2b000100u
#define NEW       0x2b000200u
#define AT        0x10000u

static struct cpu_vm vm;
static struct vcpu vcpu;
static struct guest_ucode guest;
static struct buf image;

static int setup(void **state)
{
	(void)state;
	cpu_vm_open(&vm, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cpu_vm_close(&vm);
	buf_fini(&image);
	return 0;
}

/* A guest that shows OLD, and has an update to that revision at AT. */
static void begin_revision(uint32_t revision)
{
	guest = (struct guest_ucode){
		.policy = GUEST_UCODE_EMULATE,
		.mem = &vm.mem,
		.id = { .signature = SIGNATURE, .platforms = PLATFORM },
	};
	vcpu = (struct vcpu){ .fd = vm.vcpu_fd[0], .run = vm.run[0] };
	ok(cpu_ucode_set(vcpu.fd, OLD));
	buf_fini(&image);
	kit_put_intel(&image, &(struct kit_intel){
				      .signature = SIGNATURE,
				      .platforms = PLATFORM | 1,
				      .revision = revision,
			      });
	ok(mem_write(&vm.mem, GPA(AT), image.data, image.len));
}

static void begin(void)
{
	begin_revision(NEW);
}

/* The revision that is shown after a load. */
static uint32_t load_by(bool amd, uint64_t linear)
{
	const struct cpu_load load = { amd, linear };
	uint32_t revision;

	claim_vcpu_thread();
	vcpu.run->msr.error = 1;
	guest_ucode_load(&guest, &vcpu, &load);
	assert_int_equal(vcpu.run->msr.error, 0);
	ok(cpu_ucode_get(vcpu.fd, &revision));
	return revision;
}

static uint32_t load_at(uint64_t linear)
{
	return load_by(guest.id.amd, linear);
}

static void poke(unsigned at, uint32_t value)
{
	ok(mem_write(&vm.mem, GPA(AT + at), &value, sizeof(value)));
}

static void an_update_is_shown(void **state)
{
	NEED_KVM(&vm);
	begin();
	assert_int_equal(load_at(AT), NEW);
	assert_int_equal(load_at(AT), NEW);
}

static void an_older_one_is_not(void **state)
{
	NEED_KVM(&vm);
	begin();
	ok(cpu_ucode_set(vcpu.fd, NEW + 1));
	assert_int_equal(load_at(AT), NEW + 1);
}

static void one_for_another_cpu_is_not(void **state)
{
	NEED_KVM(&vm);
	begin();
	guest.id.platforms = PLATFORM << 1;
	assert_int_equal(load_at(AT), OLD);
	guest.id.platforms = PLATFORM;
	guest.id.signature ^= 0x10;
	assert_int_equal(load_at(AT), OLD);
	guest.id.signature ^= 0x10;
	assert_int_equal(load_at(AT), NEW);
}

static void another_vendors_register_loads_nothing(void **state)
{
	NEED_KVM(&vm);
	begin();
	assert_int_equal(load_by(true, AT), OLD);
	assert_int_equal(load_by(false, AT), NEW);
}

static void assert_load(uint32_t msr, uint64_t value, bool amd, uint64_t header)
{
	struct kvm_run run = {
		.exit_reason = KVM_EXIT_X86_WRMSR,
		.msr = { .index = msr, .data = value },
	};
	struct cpu_load load;

	assert_true(cpu_loader_exit(&run, &load));
	assert_true(load.amd == amd);
	assert_int_equal(load.header, header);
	run.exit_reason = KVM_EXIT_X86_RDMSR;
	assert_false(cpu_loader_exit(&run, &load));
	run.exit_reason = KVM_EXIT_X86_WRMSR;
	run.msr.index++;
	assert_false(cpu_loader_exit(&run, &load));
}

/* Intel's register is written with the address of what lies behind the header. */
static void each_vendors_register_is_known(void **state)
{
	(void)state;
	assert_load(0x79, AT + 48, false, AT);
	assert_load(0xc0010020, AT, true, AT);
}

/* Each dword of the header counts, and none by itself. */
static void a_changed_header_is_not_loaded(void **state)
{
	NEED_KVM(&vm);
	for (unsigned at = 0; at < 48; at += 4) {
		begin();
		poke(at, 0x12345678);
		assert_int_equal(load_at(AT), OLD);
	}
}

static void lengths_that_lie_are_not_believed(void **state)
{
	static const uint32_t lengths[] = { 4, 47, 48, 1024, 4 * MIB - 1024,
		4 * MIB, 0x7fffffff, 0xffffffff };

	NEED_KVM(&vm);
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		begin();
		poke(32, lengths[i]);
		assert_int_equal(load_at(AT), OLD);
		begin();
		poke(28, lengths[i]);
		assert_int_equal(load_at(AT), OLD);
	}
}

static void what_is_not_all_ram_is_not_loaded(void **state)
{
	uint64_t end = vm.mem.size_bytes;

	NEED_KVM(&vm);
	begin();
	ok(mem_write(&vm.mem, GPA(end - image.len), image.data, image.len));
	assert_int_equal(load_at(end - image.len), NEW);
	begin();
	ok(mem_write(&vm.mem, GPA(end - 1024), image.data, 1024));
	assert_int_equal(load_at(end - 1024), OLD);
	assert_int_equal(load_at(end - 16), OLD);
	assert_int_equal(load_at(end), OLD);
	assert_int_equal(load_at(UINT64_MAX - 16), OLD);
}

/* One of AMD's for the guest, which wants `min` to run before it. */
static void begin_amd(uint32_t min)
{
	begin();
	guest.id = (struct cpu_ucode_id){ .amd = true, .signature = 0xa00f11 };
	ok(cpu_ucode_set(vcpu.fd, 0x0a0011d1));
	buf_fini(&image);
	kit_put_amd(&image, &(struct kit_amd){
				    .revision = 0x0a0011de,
				    .min_revision = min,
				    .signature = 0xa00f11,
				    .equivalence = 0xa011,
			    });
	ok(mem_write(&vm.mem, GPA(AT), image.data + KIT_AMD_PATCH_AT,
		KIT_AMD_BYTES));
}

static void a_patch_waits_for_the_revision_before_it(void **state)
{
	NEED_KVM(&vm);
	begin_amd(0x0a0011d9);
	assert_int_equal(load_at(AT), 0x0a0011d1);
	begin_amd(0x0a0011d1);
	assert_int_equal(load_at(AT), 0x0a0011de);
}

static atomic_bool over;

/* As a guest does it, of which a sanitizer knows nothing. */
__attribute__((no_sanitize("thread"))) static void *flip_length(void *arg)
{
	volatile uint32_t *length = arg;

	while (!over) {
		*length = 2 * MIB;
		*length = KIT_INTEL_BYTES;
	}
	return NULL;
}

/* The length that was checked is the one that is used: sanitizers watch. */
static void a_header_that_changes_meanwhile_is_harmless(void **state)
{
	pthread_t thread;
	uint8_t *header;

	NEED_KVM(&vm);
	begin();
	header = mem_ptr(&vm.mem, GPA(AT), KIT_INTEL_BYTES);
	over = false;
	assert_int_equal(
		pthread_create(&thread, NULL, flip_length, header + 32), 0);
	for (unsigned i = 0; i < 500; i++) {
		uint32_t shown = load_at(AT);

		assert_true(shown == OLD || shown == NEW);
	}
	over = true;
	pthread_join(thread, NULL);
}

static void without_a_spool_nothing_is_handed_over(void **state)
{
	NEED_KVM(&vm);
	begin();
	guest.policy = GUEST_UCODE_STAGE;
	assert_int_equal(load_at(AT), OLD);
	assert_false(guest.staged.busy);
}

static unsigned count_updates(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned count = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		count += !!strstr(e->d_name, ".ucode");
	closedir(dir);
	return count;
}

static void load_and_serve(struct loop *loop)
{
	assert_int_equal(load_at(AT), OLD);
	claim_loop_thread();
	run_for(loop, MS);
}

/* A burst is written, and the control thread gets on with its work. */
static void a_guest_that_hands_over_all_the_time_is_slowed_down(void **state)
{
	char folder[] = "/tmp/muster-spool-XXXXXX", command[64];
	struct control control = { 0 };
	unsigned written;

	NEED_KVM(&vm);
	ok(loop_new(LOOP_EPOLL, &control.loop));
	assert_non_null(mkdtemp(folder));
	for (unsigned i = 0; i < 32; i++) {
		begin_revision(NEW + i);
		guest.policy = GUEST_UCODE_STAGE;
		guest.control = &control;
		guest.spool = folder;
		load_and_serve(control.loop);
	}
	written = count_updates(folder);
	assert_in_range(written, 4, 16);
	loop_free(control.loop);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_update_is_shown),
		cmocka_unit_test(an_older_one_is_not),
		cmocka_unit_test(one_for_another_cpu_is_not),
		cmocka_unit_test(another_vendors_register_loads_nothing),
		cmocka_unit_test(each_vendors_register_is_known),
		cmocka_unit_test(a_changed_header_is_not_loaded),
		cmocka_unit_test(lengths_that_lie_are_not_believed),
		cmocka_unit_test(what_is_not_all_ram_is_not_loaded),
		cmocka_unit_test(a_patch_waits_for_the_revision_before_it),
		cmocka_unit_test(a_header_that_changes_meanwhile_is_harmless),
		cmocka_unit_test(without_a_spool_nothing_is_handed_over),
		cmocka_unit_test(
			a_guest_that_hands_over_all_the_time_is_slowed_down),
	};

	return cmocka_run_group_tests_name(
		"guest_ucode", tests, setup, teardown);
}
