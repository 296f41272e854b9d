/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.c - 64-bit x86 ELF kernels: by their PVH note, else by the entry point
 *
 * The note is XEN_ELFNOTE_PHYS32_ENTRY (Xen, docs/misc/pvh.pandoc): a 32-bit
 * physical entry point.  Without it the kernel is taken for a Linux vmlinux,
 * whose e_entry is the physical address of its 64-bit entry.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "boot/image.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define SEGMENTS_MAX             64
#define NOTES_MAX_BYTES          (64 * KIB)
#define XEN_OWNER                "Xen"
#define XEN_ELFNOTE_PHYS32_ENTRY 18

struct elf {
	const struct boot_file *file;
	Elf64_Ehdr header;
	Elf64_Phdr segment[SEGMENTS_MAX];
};

bool elf_detect(const struct boot_file *file)
{
	uint8_t magic[SELFMAG];

	return boot_file_read(file, 0, magic, sizeof(magic)) == 0 &&
	       memcmp(magic, ELFMAG, SELFMAG) == 0;
}

static int read_headers(struct elf *elf)
{
	const struct boot_file *file = elf->file;
	Elf64_Ehdr *h = &elf->header;
	int rc = boot_file_read(file, 0, h, sizeof(*h));

	if (rc < 0)
		return rc;
	if (h->e_ident[EI_CLASS] != ELFCLASS64 ||
		h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
		return boot_file_err(file, -ENOEXEC,
			"an ELF file, but not for 64-bit x86; give a kernel "
			"built for x86-64");
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return boot_file_err(file, -ENOEXEC,
			"an ELF file of type %u, not an executable; give the "
			"kernel itself (vmlinux)",
			h->e_type);
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum ||
		h->e_phnum > SEGMENTS_MAX)
		return boot_file_err(file, -EBADMSG,
			"%u program headers of %u bytes; 1 to %u of %zu are "
			"understood",
			h->e_phnum, h->e_phentsize, SEGMENTS_MAX,
			sizeof(Elf64_Phdr));
	return boot_file_read(file, h->e_phoff, elf->segment,
		h->e_phnum * sizeof(elf->segment[0]));
}

static bool is_loaded(const Elf64_Phdr *segment)
{
	return segment->p_type == PT_LOAD && segment->p_memsz;
}

/*
 * Check what the segments want of memory, all of them before any is loaded: the
 * user is to learn the whole need at once.  *ret_end is where the last one ends.
 */
static int check_segments(
	const struct elf *elf, const struct mem *mem, uint64_t *ret_end)
{
	uint64_t start = UINT64_MAX, end = 0;

	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &elf->segment[i];
		uint64_t after;

		if (!is_loaded(segment))
			continue;
		if (segment->p_filesz > segment->p_memsz ||
			__builtin_add_overflow(
				segment->p_paddr, segment->p_memsz, &after))
			return boot_file_err(elf->file, -EBADMSG,
				"the segment at 0x%llx has an impossible size",
				(unsigned long long)segment->p_paddr);
		start = MIN(start, segment->p_paddr);
		end = MAX(end, after);
	}
	if (!end)
		return boot_file_err(elf->file, -EBADMSG,
			"it has no segment to load; give the kernel itself "
			"(vmlinux)");
	*ret_end = end;
	return boot_file_fits(elf->file, mem, start, end - start);
}

static int load_segments(const struct elf *elf, const struct mem *mem)
{
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &elf->segment[i];
		int rc;

		if (!is_loaded(segment))
			continue;
		rc = boot_file_load(elf->file, segment->p_offset,
			segment->p_filesz, mem, GPA(segment->p_paddr));
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool in_segments(const struct elf *elf, uint64_t addr)
{
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &elf->segment[i];

		if (is_loaded(segment) &&
			addr - segment->p_paddr < segment->p_memsz)
			return true;
	}
	return false;
}

/* The description of a PHYS32_ENTRY note: 4 bytes, or 8 in Linux. */
static bool is_pvh_note(
	const Elf64_Nhdr *note, const uint8_t *name, size_t desc_bytes)
{
	return note->n_type == XEN_ELFNOTE_PHYS32_ENTRY &&
	       note->n_namesz == sizeof(XEN_OWNER) &&
	       memcmp(name, XEN_OWNER, sizeof(XEN_OWNER)) == 0 &&
	       (desc_bytes == sizeof(uint32_t) ||
		       desc_bytes == sizeof(uint64_t));
}

/* Walk the notes in `data` for the PVH entry; what is malformed ends the walk. */
static bool find_pvh_note(
	const uint8_t *data, uint64_t len, uint64_t align, uint64_t *ret)
{
	Elf64_Nhdr note;

	while (len >= sizeof(note)) {
		uint64_t desc_at, next;

		memcpy(&note, data, sizeof(note));
		desc_at = align_up(sizeof(note) + note.n_namesz, align);
		next = align_up(desc_at + note.n_descsz, align);
		if (desc_at > len || note.n_descsz > len - desc_at)
			return false;
		if (is_pvh_note(&note, data + sizeof(note), note.n_descsz)) {
			*ret = 0;
			memcpy(ret, data + desc_at, note.n_descsz);
			return true;
		}
		if (next > len)
			return false;
		data += next;
		len -= next;
	}
	return false;
}

/* 1 and *ret if one of the note segments names a PVH entry, 0 if none does. */
static int find_pvh_entry(const struct elf *elf, uint64_t *ret)
{
	for (unsigned i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &elf->segment[i];
		uint64_t len = segment->p_filesz;
		CLEANUP_FREE uint8_t *notes = NULL;
		int rc;

		if (segment->p_type != PT_NOTE || !len)
			continue;
		if (len > NOTES_MAX_BYTES)
			return boot_file_err(elf->file, -EBADMSG,
				"0x%llx bytes of notes; at most 0x%llx are "
				"understood",
				(unsigned long long)len, NOTES_MAX_BYTES);
		notes = malloc(len);
		if (!notes)
			return boot_file_err(elf->file, -ENOMEM, "no memory");
		rc = boot_file_read(elf->file, segment->p_offset, notes, len);
		if (rc < 0)
			return rc;
		if (find_pvh_note(
			    notes, len, segment->p_align == 8 ? 8 : 4, ret))
			return 1;
	}
	return 0;
}

int elf_load(const struct boot_file *file, const struct mem *mem,
	struct boot_image *ret)
{
	struct elf elf = { .file = file };
	uint64_t end = 0, entry;
	bool pvh;
	int rc = read_headers(&elf);

	if (rc < 0)
		return rc;
	entry = elf.header.e_entry;
	rc = find_pvh_entry(&elf, &entry);
	if (rc < 0)
		return rc;
	pvh = rc;
	rc = check_segments(&elf, mem, &end);
	if (rc < 0)
		return rc;
	if (!in_segments(&elf, entry))
		return boot_file_err(file, -EBADMSG,
			"its entry point 0x%llx lies outside what it loads",
			(unsigned long long)entry);
	rc = load_segments(&elf, mem);
	if (rc < 0)
		return rc;
	*ret = (struct boot_image){
		.mode = pvh ? BOOT_PROTECTED_32 : BOOT_LONG_64,
		.entry = GPA(entry),
		.end = end,
		.initrd_limit = MEM_GAP_START,
		.cmdline_max = LOWMEM_CMDLINE_BYTES - 1,
	};
	return 0;
}
