/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_model_text.c - the CPU that is shown, as a template's text and back */
#include <errno.h>
#include <stdlib.h>

#include "cpu/fleet.h"
#include "cpu/profile.h"
#include "cpu/x86_64/model.h"
#include "tests/unit/cpu_vm.h"
#include "tests/unit/unit.h"
#include "vmm/base/err.h"

static struct cpu_vm from;

static int open_vm(void **state)
{
	(void)state;
	cpu_vm_open(&from, NULL);
	return 0;
}

static int close_vm(void **state)
{
	(void)state;
	cpu_vm_close(&from);
	return 0;
}

static int from_text(const char *text, size_t len, struct cpu_model **ret)
{
	const struct cpu_options options = { .cpus = CPU_VM_CPUS,
		.cpu = "vm.state" };

	return cpu_model_from_text(from.kvm_fd, &options, text, len, ret);
}

static void the_cpu_is_the_same_after_its_text(void **state)
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct cpu_model *model;
	struct cpu_vm vm;

	NEED_KVM(&from);
	ok(cpu_model_save(from.model, from.clock, &one));
	ok(from_text((char *)one.data, one.len, &model));
	assert_true(cpu_vm_open(&vm, model));
	ok(cpu_model_save(vm.model, vm.clock, &two));
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	cpu_vm_close(&vm);
	buf_fini(&one);
	buf_fini(&two);
}

/* What `--cpu host` can show, loaded on what the text describes. */
static void a_state_loads_on_the_model_from_its_text(void **state)
{
	struct machine_state good = { 0 };
	struct buf text = BUF_INIT;
	struct cpu_model *model;
	struct cpu_vm vm;

	NEED_KVM(&from);
	machine_save(&from, &good);
	ok(cpu_model_save(from.model, from.clock, &text));
	ok(from_text((char *)text.data, text.len, &model));
	assert_true(cpu_vm_open(&vm, model));
	machine_load(&vm, &good, CLOCK_KEEP);
	machine_fini(&good);
	ok(cpu_clock_start(from.clock));
	cpu_vm_close(&vm);
	buf_fini(&text);
}

/* The text of this host's CPU with a feature more; false: it has that already. */
static bool put_with(const char *name, struct buf *text)
{
	struct template t = { .cpu = from.model->wanted };
	const struct feature *f;
	int row = feature_find_name(name, &f);

	assert_true(row >= 0);
	if (cpu_set_field(&t.cpu, (unsigned)row, f))
		return false;
	cpu_set_put_field(&t.cpu, (unsigned)row, f, 1);
	cpu_set_close(&t.cpu);
	template_print(&t, text);
	return cpu_set_field(&t.cpu, (unsigned)row, f);
}

static void a_text_that_this_host_cannot_show_names_the_bits(void **state)
{
	/* AMD's and Intel's: every CPU lacks one of them. */
	static const char *const names[] = { "sse4a", "hle" };
	struct cpu_model *model;

	NEED_KVM(&from);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf text = BUF_INIT;

		if (put_with(names[i], &text)) {
			ok(from_text((char *)text.data, text.len, &model));
			assert_int_equal(cpu_model_settle(model, from.kvm_fd,
						 from.fd, from.vcpu_fd[0]),
				-ENOTSUP);
			assert_non_null(strstr(err_text(), names[i]));
			assert_int_equal(
				strncmp(err_text(), "vm.state: ", 10), 0);
			cpu_model_free(model);
		}
		buf_fini(&text);
	}
}

/* Some bits that this host lacks, and what says that it is a newer CPU. */
static unsigned put_with_many(
	const char *const names[], unsigned count, struct buf *text, bool put[])
{
	struct template t = { .cpu = from.model->wanted };
	const struct feature *f;
	unsigned lacks = 0;
	int row;

	for (unsigned i = 0; i < count; i++) {
		row = feature_find_name(names[i], &f);
		assert_true(row >= 0);
		put[i] = !cpu_set_field(&t.cpu, (unsigned)row, f);
		cpu_set_put_field(&t.cpu, (unsigned)row, f, 1);
	}
	row = feature_find_name("signature", &f);
	cpu_set_put_field(&t.cpu, (unsigned)row, f, 0xfff0fff);
	cpu_set_close(&t.cpu);
	for (unsigned i = 0; i < count; i++) {
		row = feature_find_name(names[i], &f);
		put[i] = put[i] && cpu_set_field(&t.cpu, (unsigned)row, f);
		lacks += put[i];
	}
	template_print(&t, text);
	return lacks;
}

static void every_bit_that_lacks_is_named_before_numbers(void **state)
{
	static const char *const names[] = { "hle", "rtm", "sse4a",
		"misalignsse", "3dnowprefetch", "fma4", "xop", "tbm", "lwp",
		"3dnow", "3dnowext" };
	bool put[ARRAY_SIZE(names)];
	struct buf text = BUF_INIT;
	struct cpu_model *model;

	NEED_KVM(&from);
	assert_true(put_with_many(names, ARRAY_SIZE(names), &text, put) >= 3);
	ok(from_text((char *)text.data, text.len, &model));
	assert_int_equal(
		cpu_model_settle(model, from.kvm_fd, from.fd, from.vcpu_fd[0]),
		-ENOTSUP);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		const char *at = strstr(err_text(), names[i]);

		if (put[i])
			assert_true(at && at < strstr(err_text(), "signature"));
	}
	cpu_model_free(model);
	buf_fini(&text);
}

static void a_broken_text_is_refused_with_its_file(void **state)
{
	struct cpu_model *model;

	NEED_KVM(&from);
	assert_int_equal(from_text("{ \"format\": ", 12, &model), -EBADMSG);
	assert_non_null(strstr(err_text(), "vm.state"));
}

static void the_profile_of_this_host_is_one_that_can_be_read(void **state)
{
	struct buf text = BUF_INIT;
	struct profile *profile;

	NEED_KVM(&from);
	ok(cpu_host_profile(&text));
	ok(profile_parse("profile", text.data, text.len, &profile));
	profile_free(profile);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cpu_is_the_same_after_its_text),
		cmocka_unit_test(a_state_loads_on_the_model_from_its_text),
		cmocka_unit_test(
			a_text_that_this_host_cannot_show_names_the_bits),
		cmocka_unit_test(every_bit_that_lacks_is_named_before_numbers),
		cmocka_unit_test(a_broken_text_is_refused_with_its_file),
		cmocka_unit_test(
			the_profile_of_this_host_is_one_that_can_be_read),
	};

	return cmocka_run_group_tests_name(
		"cpu_model_text", tests, open_vm, close_vm);
}
