/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels.h - small synthetic kernels, and one trial of loading them into 64 MiB
 */
#ifndef MUSTER_TESTS_UNIT_KERNELS_H
#define MUSTER_TESTS_UNIT_KERNELS_H

#include "tests/unit/unit.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/loader.h"
#include "vmm/base/err.h"

#define RAM_BYTES  (64 * MIB)
#define RSDP       0xe0000
#define LOAD_AT    (16 * MIB)
#define SETUP_AT   0x1f1
#define BODY_AT    (2 * 512)
#define BODY_BYTES 4096

/* ---- synthetic kernels ---- */

struct bzimage {
	uint8_t bytes[BODY_AT + BODY_BYTES];
};

static inline struct setup_header *setup_of(struct bzimage *k)
{
	return (struct setup_header *)(void *)(k->bytes + SETUP_AT);
}

static inline struct bzimage good_bzimage(void)
{
	struct bzimage k = { 0 };
	struct setup_header *s = setup_of(&k);

	s->setup_sects = 1;
	s->boot_flag = 0xaa55;
	s->jump = 0x6aeb;
	s->header = 0x53726448;
	s->version = 0x020f;
	s->xloadflags = XLF_KERNEL_64;
	s->syssize = BODY_BYTES / 16;
	s->init_size = 2 * MIB;
	s->pref_address = LOAD_AT;
	s->kernel_alignment = 2 * MIB;
	s->relocatable_kernel = 1;
	s->initrd_addr_max = 0x7fffffff;
	s->cmdline_size = 2047;
	memset(k.bytes + BODY_AT, 0x90, BODY_BYTES);
	return k;
}

struct elf_kernel {
	Elf64_Ehdr header;
	Elf64_Phdr load;
	Elf64_Phdr note;
	struct {
		Elf64_Nhdr header;
		char owner[4];
		uint64_t entry;
	} pvh;
	uint8_t text[64];
};

static inline struct elf_kernel good_elf(void)
{
	struct elf_kernel k = {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
				ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_entry = LOAD_AT + 8,
			.e_phoff = offsetof(struct elf_kernel, load),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
		},
		.load = {
			.p_type = PT_LOAD,
			.p_offset = offsetof(struct elf_kernel, text),
			.p_paddr = LOAD_AT,
			.p_filesz = sizeof(k.text),
			.p_memsz = MIB,
		},
		.note = {
			.p_type = PT_NOTE,
			.p_offset = offsetof(struct elf_kernel, pvh),
			.p_filesz = sizeof(k.pvh),
			.p_align = 4,
		},
		.pvh = {
			.header = { 4, 8, 18 },
			.owner = "Xen",
			.entry = LOAD_AT + 16,
		},
	};

	memset(k.text, 0xcc, sizeof(k.text));
	return k;
}

/* ---- loading them ---- */

struct trial {
	struct mem mem;
	struct machine machine;
	struct boot_files files;
	struct boot_entry entry;
	int rc;
};

static inline int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("boot", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), len);
	return fd;
}

static inline struct trial trial_new(const void *kernel, size_t len)
{
	struct trial t = {
		.files = {
			.kernel_fd = file_of(kernel, len),
			.kernel_path = "k",
			.initrd_fd = -1,
			.initrd_path = "i",
			.cmdline = BOOT_CMDLINE_DEFAULT,
		},
	};

	assert_int_equal(mem_init(&t.mem, RAM_BYTES), 0);
	t.machine.cpus = 1;
	return t;
}

static inline void trial_load(struct trial *t)
{
	t->machine.mem = &t->mem;
	t->rc = boot_load(&t->files, &t->machine, GPA(RSDP), &t->entry);
}

static inline void trial_free(struct trial *t)
{
	close(t->files.kernel_fd);
	if (t->files.initrd_fd >= 0)
		close(t->files.initrd_fd);
	mem_fini(&t->mem);
}

static inline const void *guest(
	const struct trial *t, uint64_t gpa, uint64_t len)
{
	const void *p = mem_ptr(&t->mem, GPA(gpa), len);

	assert_non_null(p);
	return p;
}

static inline const struct boot_params *zero_page(const struct trial *t)
{
	return guest(t, t->entry.arg.v, sizeof(struct boot_params));
}

/* The file is refused with `rc` and a sentence that has `words` in it. */
static inline void refused(
	const void *kernel, size_t len, int rc, const char *words)
{
	struct trial t = trial_new(kernel, len);

	trial_load(&t);
	if (t.rc != rc || !strstr(err_text(), words) ||
		strncmp(err_text(), "--kernel k: ", 12) != 0)
		fail_msg("%d: %s", t.rc, err_text());
	trial_free(&t);
}

#endif
