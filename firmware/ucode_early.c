/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ucode_early.c - put microcode in front of an initrd (Linux, x86/microcode.rst)
 *
 * The archive is "newc", not compressed, and has one member for each vendor.  Intel's
 * processors want the data of an update at a multiple of 16 (SDM Vol. 3A, 9.11.6),
 * and Linux hands them what lies in the initrd, which begins a page: an empty-handed
 * member in front of each brings it there.
 */
#include "firmware/ucode_early.h"

#include <errno.h>
#include <string.h>

#include "firmware/ucode_parts.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define FOLDER       "kernel/x86/microcode"
#define PAD          "kernel/x86/.pad"
#define TRAILER      "TRAILER!!!"

#define HEADER_BYTES 110
#define ALIGN        4
#define DATA_ALIGN   16
#define BLOCK_BYTES  512 /* archives end at a multiple, as cpio's do */
#define MODE_FOLDER  0040755
#define MODE_FILE    0100644

/* ---- cpio ---- */

struct archive {
	struct buf *out;
	unsigned members; /* so far: inode numbers */
};

static void pad_to(struct buf *out, size_t align)
{
	buf_fill(out, 0, align_up(out->len, align) - out->len);
}

static void put_member(struct archive *a, const char *name, unsigned mode,
	const struct buf *data)
{
	size_t name_len = strlen(name) + 1;
	const unsigned fields[] = {
		++a->members, mode, 0,             /* owner, group */
		0, mode == MODE_FOLDER ? 2 : 1,    /* links */
		0,                                 /* time */
		data ? (unsigned)data->len : 0, 0, /* devices */
		0, 0, 0, (unsigned)name_len, 0,    /* checksum: none */
	};

	buf_printf(a->out, "070701");
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		buf_printf(a->out, "%08x", fields[i]);
	buf_append(a->out, name, name_len);
	pad_to(a->out, ALIGN);
	if (data)
		buf_append(a->out, data->data, data->len);
	pad_to(a->out, ALIGN);
}

static size_t header_bytes(const char *name)
{
	return align_up(HEADER_BYTES + strlen(name) + 1, ALIGN);
}

/* So that the data of the member that comes next is aligned. */
static void put_pad(struct archive *a, const char *next)
{
	CLEANUP(buf_fini) struct buf zeros = BUF_INIT;
	size_t end = a->out->len + header_bytes(PAD) + header_bytes(next);

	buf_fill(&zeros, 0, align_up(end, DATA_ALIGN) - end);
	if (zeros.failed)
		a->out->failed = true;
	put_member(a, PAD, MODE_FILE, &zeros);
}

/* ---- what the members hold ---- */

/* Is there none like it in front of it? */
static bool is_first(const struct ucode_update *const *updates, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (ucode_is_same(updates[k], updates[i]))
			return false;
	return true;
}

static int put_intel(const struct ucode_update *const *updates, unsigned count,
	struct buf *out)
{
	for (unsigned i = 0; i < count; i++)
		if (updates[i]->vendor == UCODE_INTEL && is_first(updates, i))
			buf_append(
				out, updates[i]->data, updates[i]->size_bytes);
	return 0;
}

static const struct maker {
	const char *name;
	int (*put)(const struct ucode_update *const *updates, unsigned count,
		struct buf *out);
} makers[] = {
	{ FOLDER "/GenuineIntel.bin", put_intel },
	{ FOLDER "/AuthenticAMD.bin", ucode_put_amd },
};

static int put_vendor(struct archive *a, const struct maker *maker,
	const struct ucode_update *const *updates, unsigned count)
{
	CLEANUP(buf_fini) struct buf data = BUF_INIT;
	int rc = maker->put(updates, count, &data);

	if (rc || (!data.len && !data.failed))
		return rc;
	a->out->failed |= data.failed;
	put_pad(a, maker->name);
	put_member(a, maker->name, MODE_FILE, &data);
	return 0;
}

int ucode_put_early(const struct ucode_update *const *updates, unsigned count,
	struct buf *out)
{
	static const char *const folders[] = { "kernel", "kernel/x86", FOLDER };
	struct archive a = { .out = out };
	int rc = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++)
		put_member(&a, folders[i], MODE_FOLDER, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(makers) && !rc; i++)
		rc = put_vendor(&a, &makers[i], updates, count);
	put_member(&a, TRAILER, 0, NULL);
	pad_to(out, BLOCK_BYTES);
	if (!rc && out->failed)
		rc = err_set(-ENOMEM,
			"the archive would be longer than %llu bytes; put in "
			"less, as --host does",
			BUF_MAX_BYTES);
	return rc;
}
