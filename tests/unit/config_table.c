/* SPDX-License-Identifier: Apache-2.0 */
/* config_table.c - the table of a VM's settings: its windows, its words for people */
#include "tests/unit/unit.h"

#include "vmm/config.h"

static void the_words_for_help_name_range_and_default(void **state)
{
	static const char want[] =
		"cpus N: 1 to 254; default 1\n"
		"smt[=on|off]: default off\n"
		"cpu CPU: default host\n"
		"nested off|on: default off\n"
		"msr default|strict: default default\n"
		"hypervisor shown|hidden: default shown\n"
		"guest-microcode ignore|refuse|emulate|stage: default ignore\n"
		"memory SIZE: 2M to 64T, a multiple of 4K; default 512M\n"
		"huge-pages none|transparent|2M: default transparent\n"
		"disk path=FILE[,KEY=VALUE]...: up to 16 times\n"
		"rng[=on|off]: default off\n"
		"rng-bandwidth RATE: \n"
		"rng-ops RATE: \n"
		"debug-exit[=on|off]: default off\n"
		"console serial|file=FILE|none: default serial\n";
	struct buf out = BUF_INIT;

	(void)state;
	for (unsigned i = 3; i < 18; i++) {
		config_put_synopsis(&vm_config_object.fields[i], ' ', &out);
		buf_printf(&out, ": ");
		config_put_notes(&vm_config_object.fields[i], &out);
		buf_printf(&out, "\n");
	}
	buf_u8(&out, '\0');
	assert_string_equal((char *)out.data, want);
	buf_fini(&out);
}

/* The numbers at which they begin are written down, and a hole has no name. */
static void the_windows_begin_with_their_first_field(void **state)
{
	const struct config_object *all = &vm_all_object;

	(void)state;
	for (unsigned i = 0; i < all->count; i++)
		assert_non_null(all->fields[i].name);
	assert_string_equal(
		vm_machine_object.fields[vm_machine_object.count].name,
		"console");
	assert_string_equal(
		vm_config_object.fields[vm_config_object.count].name, "clock");
	assert_string_equal(
		vm_restore_object.fields[vm_restore_object.count].name, "json");
	assert_string_equal(vm_check_object.fields[0].name, "state");
	assert_ptr_equal(vm_check_object.fields + vm_check_object.count,
		all->fields + all->count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_for_help_name_range_and_default),
		cmocka_unit_test(the_windows_begin_with_their_first_field),
	};

	return cmocka_run_group_tests_name("config_table", tests, NULL, NULL);
}
