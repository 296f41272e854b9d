/* SPDX-License-Identifier: Apache-2.0 */
/* cmdline.c - the line that the kernel gets */
#include "tests/unit/unit.h"

#include <errno.h>

#include "boot/cmdline.h"
#include "vmm/base/err.h"

#define DEVICES                               \
	"virtio_mmio.device=4K@0xd0000000:5 " \
	"virtio_mmio.device=4K@0xd0001000:16 "

static struct machine two_devices(void)
{
	return (struct machine){
		.virtio_count = 2,
		.virtio = {
			{ GPA(0xd0000000), 4096, 5 },
			{ GPA(0xd0001000), 4096, 16 },
		},
	};
}

static void cmdline_becomes(const char *line, const char *want)
{
	struct machine machine = two_devices();
	struct buf b = BUF_INIT;

	assert_int_equal(cmdline_build(&b, line, &machine, 2047), 0);
	assert_string_equal((const char *)b.data, want);
	assert_int_equal(b.len, strlen(want) + 1);
	buf_fini(&b);
}

static void cmdline_is_the_users_with_acpi(void **state)
{
	(void)state;
	cmdline_becomes("", "");
	cmdline_becomes("a b -- c", "a b -- c");
	cmdline_becomes("xacpi=off acpi=offx", "xacpi=off acpi=offx");
}

static void cmdline_names_the_devices_without_acpi(void **state)
{
#define DEVICES                               \
	"virtio_mmio.device=4K@0xd0000000:5 " \
	"virtio_mmio.device=4K@0xd0001000:16 "

	(void)state;
	cmdline_becomes("acpi=off", "acpi=off " DEVICES);
	cmdline_becomes("a  acpi=off b", "a  acpi=off b " DEVICES);
}

static void arguments_of_init_stay_last(void **state)
{
	(void)state;
	cmdline_becomes("acpi=off -- sh -c", "acpi=off  " DEVICES "-- sh -c");
	cmdline_becomes("a -- acpi=off", "a -- acpi=off");
	cmdline_becomes("p=\"x -- y\" acpi=off -- z",
		"p=\"x -- y\" acpi=off  " DEVICES "-- z");
	cmdline_becomes("a--b acpi=off", "a--b acpi=off " DEVICES);
}

static void cmdline_with_a_line_break_is_refused(void **state)
{
	struct machine machine = two_devices();
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(cmdline_build(&b, "a\nb", &machine, 99), -EINVAL);
	assert_non_null(strstr(err_text(), "--cmdline"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cmdline_is_the_users_with_acpi),
		cmocka_unit_test(cmdline_names_the_devices_without_acpi),
		cmocka_unit_test(arguments_of_init_stay_last),
		cmocka_unit_test(cmdline_with_a_line_break_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
