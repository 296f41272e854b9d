/* SPDX-License-Identifier: Apache-2.0 */
/* bzimage.c - Linux bzImages: where they go and what is refused */
#include "tests/unit/kernels.h"

static void bzimage_goes_where_it_prefers(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t = trial_new(&k, sizeof(k));
	const uint8_t *body;

	(void)state;
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.entry.mode, BOOT_LONG_64);
	assert_int_equal(t.entry.entry.v, LOAD_AT + 0x200);
	body = guest(&t, LOAD_AT, BODY_BYTES + 1);
	assert_memory_equal(body, k.bytes + BODY_AT, BODY_BYTES);
	assert_int_equal(body[BODY_BYTES], 0);
	trial_free(&t);
}

static void bzimage_without_preference_is_aligned(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t;

	(void)state;
	setup_of(&k)->pref_address = 0;
	setup_of(&k)->kernel_alignment = 32 * MIB;
	t = trial_new(&k, sizeof(k));
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.entry.entry.v, 32 * MIB + 0x200);
	trial_free(&t);
}

static void bzimage_gets_a_zero_page(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t = trial_new(&k, sizeof(k));
	const struct boot_params *p;

	(void)state;
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	p = zero_page(&t);
	assert_int_equal(p->acpi_rsdp_addr, RSDP);
	assert_int_equal(p->hdr.type_of_loader, 0xff);
	assert_int_equal(p->hdr.init_size, 2 * MIB);
	assert_int_equal(p->sentinel, 0);
	assert_string_equal(
		guest(&t, p->hdr.cmd_line_ptr, sizeof(BOOT_CMDLINE_DEFAULT)),
		BOOT_CMDLINE_DEFAULT);
	assert_int_equal(p->e820_entries, 3);
	assert_int_equal(p->e820_table[1].addr, LOWMEM_EBDA);
	assert_int_equal(p->e820_table[1].type, 2);
	assert_int_equal(p->e820_table[2].addr, MIB);
	assert_int_equal(p->e820_table[2].size, RAM_BYTES - MIB);
	trial_free(&t);
}

static void long_mode_gets_tables_that_map_one_to_one(void **state)
{
	struct bzimage k = good_bzimage();
	struct trial t = trial_new(&k, sizeof(k));
	const uint64_t *pml4, *pdpt, *dir, *gdt;

	(void)state;
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	pml4 = guest(&t, LOWMEM_PAGE_TABLES, 4096);
	pdpt = guest(&t, pml4[0] & ~0xfffull, 4096);
	for (uint64_t gib = 0; gib < 4; gib++) {
		assert_int_equal(pdpt[gib] & 0x83, 3);
		dir = guest(&t, pdpt[gib] & ~0xfffull, 4096);
		assert_int_equal(dir[0], gib * GIB | 0x83);
		assert_int_equal(dir[511], (gib * GIB + 511 * 2 * MIB) | 0x83);
	}
	assert_int_equal(pdpt[4], 0);
	gdt = guest(&t, LOWMEM_GDT, 32);
	assert_int_equal(gdt[2], 0x00af9b000000ffff);
	assert_int_equal(gdt[3], 0x00cf93000000ffff);
	trial_free(&t);
}

static void bzimage_headers_that_lie_are_refused(void **state)
{
	struct bzimage k;

	(void)state;
	k = good_bzimage();
	setup_of(&k)->version = 0x020b;
	refused(&k, sizeof(k), -ENOEXEC, "boot protocol 2.11 is too old");
	k = good_bzimage();
	setup_of(&k)->xloadflags = 0;
	refused(&k, sizeof(k), -ENOEXEC, "32-bit kernel");
	k = good_bzimage();
	setup_of(&k)->syssize = 0x10000000;
	setup_of(&k)->init_size = 0;
	refused(&k, sizeof(k), -EBADMSG, "corrupt");
	k = good_bzimage();
	setup_of(&k)->setup_sects = 0;
	refused(&k, sizeof(k), -EBADMSG, "truncated");
	k = good_bzimage();
	setup_of(&k)->pref_address = UINT64_MAX - 4096;
	refused(&k, sizeof(k), -ENOEXEC, "below 3 GiB");
	k = good_bzimage();
	setup_of(&k)->pref_address = 0;
	setup_of(&k)->relocatable_kernel = 0;
	refused(&k, sizeof(k), -ENOEXEC, "no usable load address");
	k = good_bzimage();
	setup_of(&k)->pref_address = 0;
	setup_of(&k)->kernel_alignment = 3;
	refused(&k, sizeof(k), -ENOEXEC, "no usable load address");
}

static void bzimage_larger_than_memory_names_the_need(void **state)
{
	struct bzimage k = good_bzimage();

	(void)state;
	setup_of(&k)->init_size = RAM_BYTES - LOAD_AT;
	{
		struct trial t = trial_new(&k, sizeof(k));

		trial_load(&t);
		assert_int_equal(t.rc, 0);
		trial_free(&t);
	}
	setup_of(&k)->init_size++;
	refused(&k, sizeof(k), -ENOMEM,
		"needs 65 MiB of memory, the guest has 64 MiB; raise --memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bzimage_goes_where_it_prefers),
		cmocka_unit_test(bzimage_without_preference_is_aligned),
		cmocka_unit_test(bzimage_gets_a_zero_page),
		cmocka_unit_test(long_mode_gets_tables_that_map_one_to_one),
		cmocka_unit_test(bzimage_headers_that_lie_are_refused),
		cmocka_unit_test(bzimage_larger_than_memory_names_the_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
