/* SPDX-License-Identifier: Apache-2.0 */
/* elf.c - ELF kernels: PVH note or entry point, and what is refused */
#include "tests/unit/kernels.h"

static void elf_with_a_note_enters_by_pvh(void **state)
{
	static const uint64_t map[][3] = {
		{ 0, LOWMEM_EBDA, 1 },
		{ LOWMEM_EBDA, LOWMEM_END - LOWMEM_EBDA, 2 },
		{ LOWMEM_END, RAM_BYTES - LOWMEM_END, 1 },
	};
	struct elf_kernel k = good_elf();
	struct trial t = trial_new(&k, sizeof(k));
	const uint32_t *info;
	const uint64_t *wide;

	(void)state;
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.entry.mode, BOOT_PROTECTED_32);
	assert_int_equal(t.entry.entry.v, LOAD_AT + 16);
	assert_memory_equal(guest(&t, LOAD_AT, 64), k.text, 64);
	info = guest(&t, t.entry.arg.v, 56);
	wide = (const uint64_t *)(const void *)info;
	assert_int_equal(info[0], 0x336ec578);
	assert_int_equal(info[1], 1);
	assert_int_equal(info[3], 0);
	assert_string_equal(guest(&t, wide[3], 8), BOOT_CMDLINE_DEFAULT);
	assert_int_equal(wide[4], RSDP);
	assert_int_equal(info[12], ARRAY_SIZE(map));
	wide = guest(&t, wide[5], sizeof(map));
	assert_memory_equal(wide, map, sizeof(map));
	trial_free(&t);
}

static void elf_without_a_note_enters_in_long_mode(void **state)
{
	struct elf_kernel k = good_elf();
	struct trial t;

	(void)state;
	k.pvh.header.n_type = 17;
	t = trial_new(&k, sizeof(k));
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.entry.mode, BOOT_LONG_64);
	assert_int_equal(t.entry.entry.v, LOAD_AT + 8);
	assert_int_equal(zero_page(&t)->hdr.boot_flag, 0xaa55);
	assert_int_equal(zero_page(&t)->hdr.header, 0x53726448);
	trial_free(&t);
}

static void pvh_note_is_found_behind_another(void **state)
{
	struct {
		struct elf_kernel k;
		struct {
			Elf64_Nhdr header;
			char owner[8];
			char text[4];
		} first;
		Elf64_Nhdr header;
		char owner[4];
		uint32_t entry;
	} f = {
		.k = good_elf(),
		.first = { { 5, 3, 18 }, "Xenx", "v1" },
		.header = { 4, 4, 18 },
		.owner = "Xen",
		.entry = LOAD_AT + 24,
	};
	struct trial t;

	(void)state;
	f.k.note.p_offset = sizeof(f.k);
	f.k.note.p_filesz = sizeof(f) - sizeof(f.k);
	t = trial_new(&f, sizeof(f));
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.entry.mode, BOOT_PROTECTED_32);
	assert_int_equal(t.entry.entry.v, LOAD_AT + 24);
	trial_free(&t);
}

static void elf_headers_that_lie_are_refused(void **state)
{
	struct elf_kernel k;

	(void)state;
	k = good_elf();
	k.header.e_machine = EM_AARCH64;
	refused(&k, sizeof(k), -ENOEXEC, "not for 64-bit x86");
	k = good_elf();
	k.header.e_ident[EI_CLASS] = ELFCLASS32;
	refused(&k, sizeof(k), -ENOEXEC, "not for 64-bit x86");
	k = good_elf();
	k.header.e_type = ET_REL;
	refused(&k, sizeof(k), -ENOEXEC, "not an executable");
	k = good_elf();
	k.header.e_phnum = 0xffff;
	refused(&k, sizeof(k), -EBADMSG, "65535 program headers");
	k = good_elf();
	k.header.e_phoff = UINT64_MAX - 8;
	refused(&k, sizeof(k), -EBADMSG, "truncated");
	k = good_elf();
	k.load.p_type = PT_NULL;
	refused(&k, sizeof(k), -EBADMSG, "no segment to load");
	k = good_elf();
	k.load.p_filesz = k.load.p_memsz + 1;
	refused(&k, sizeof(k), -EBADMSG, "impossible size");
	k = good_elf();
	k.load.p_memsz = UINT64_MAX;
	refused(&k, sizeof(k), -EBADMSG, "impossible size");
	k = good_elf();
	k.load.p_offset = UINT64_MAX;
	refused(&k, sizeof(k), -EBADMSG, "truncated");
	k = good_elf();
	k.load.p_paddr = 0x7000;
	refused(&k, sizeof(k), -ENOEXEC, "first MiB");
	k = good_elf();
	k.load.p_paddr = MEM_GAP_START;
	refused(&k, sizeof(k), -ENOEXEC, "below 3 GiB");
	k = good_elf();
	k.load.p_memsz = RAM_BYTES;
	refused(&k, sizeof(k), -ENOMEM, "needs 80 MiB");
	k = good_elf();
	k.pvh.entry = LOAD_AT - 1;
	refused(&k, sizeof(k), -EBADMSG, "entry point 0xffffff");
	k = good_elf();
	k.note.p_filesz = GIB;
	refused(&k, sizeof(k), -EBADMSG, "bytes of notes");
}

static void malformed_notes_end_the_walk(void **state)
{
	struct elf_kernel k = good_elf();
	struct trial t;

	(void)state;
	k.pvh.header.n_namesz = UINT32_MAX;
	k.pvh.header.n_descsz = UINT32_MAX;
	t = trial_new(&k, sizeof(k));
	trial_load(&t);
	assert_int_equal(t.rc, 0);
	assert_int_equal(t.entry.mode, BOOT_LONG_64);
	trial_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_with_a_note_enters_by_pvh),
		cmocka_unit_test(elf_without_a_note_enters_in_long_mode),
		cmocka_unit_test(pvh_note_is_found_behind_another),
		cmocka_unit_test(elf_headers_that_lie_are_refused),
		cmocka_unit_test(malformed_notes_end_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
