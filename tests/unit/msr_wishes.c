/* SPDX-License-Identifier: Apache-2.0 */
/* msr_wishes.c - a KVM with many MSRs of its own, and one with too many */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "cpu/x86_64/model.h"
#include "cpu/x86_64/vcpu_state.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

#define UNKNOWN 0x20000 /* in no table */

/* ---- a KVM that lists so many ---- */

static unsigned listed;

int __wrap_kvm_ioctl(int fd, unsigned long request, void *arg);

int __wrap_kvm_ioctl(int fd, unsigned long request, void *arg)
{
	struct kvm_msr_list *list = arg;

	(void)fd;
	assert_int_equal(request, KVM_GET_MSR_INDEX_LIST);
	if (listed > list->nmsrs)
		return -E2BIG;
	for (unsigned i = 0; i < listed; i++)
		list->indices[i] = UNKNOWN + i;
	list->nmsrs = listed;
	return 0;
}

static struct cpu_model model;

static int tear_down(void **state)
{
	(void)state;
	free(model.wishes);
	model = (struct cpu_model){ 0 };
	return 0;
}

static unsigned count_without_any(void)
{
	unsigned count;

	listed = 0;
	assert_int_equal(msr_wish(&model), 0);
	count = model.wishes->count;
	tear_down(NULL);
	return count;
}

static void every_msr_has_a_place(void **state)
{
	unsigned own = count_without_any();

	(void)state;
	assert_in_range(own, 1, STATE_MSRS_MAX - 1);
	listed = STATE_MSRS_MAX - own;
	assert_int_equal(msr_wish(&model), 0);
	assert_int_equal(model.wishes->count, STATE_MSRS_MAX);
}

static void one_too_many_is_refused_and_not_left_out(void **state)
{
	(void)state;
	listed = STATE_MSRS_MAX - count_without_any() + 1;
	assert_int_equal(msr_wish(&model), -E2BIG);
	assert_non_null(strstr(err_text(), "more MSRs than the 1024"));
	assert_null(model.wishes);
}

static void a_list_that_kvm_cannot_give_is_refused(void **state)
{
	(void)state;
	listed = STATE_MSRS_MAX + 1;
	assert_int_equal(msr_wish(&model), -E2BIG);
	assert_non_null(strstr(err_text(), "KVM_GET_MSR_INDEX_LIST"));
	assert_null(model.wishes);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, NULL, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_msr_has_a_place),
		TEST(one_too_many_is_refused_and_not_left_out),
		TEST(a_list_that_kvm_cannot_give_is_refused),
	};

	return cmocka_run_group_tests_name("msr_wishes", tests, NULL, NULL);
}
