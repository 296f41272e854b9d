/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ucode_amd_put.c - one AMD container of patches that came from several
 *
 * Linux takes the first container that has a patch for the processor, and of it the
 * last: the newest patch of an id stands behind the others.
 */
#include <errno.h>
#include <stdlib.h>

#include "firmware/ucode_parts.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define ENTRY_BYTES 16

static int put_entry(
	struct buf *out, size_t table, uint32_t signature, uint16_t id)
{
	for (size_t at = table; at + ENTRY_BYTES <= out->len;
		at += ENTRY_BYTES) {
		const uint8_t *entry = out->data + at;

		if (ucode_get32(entry) != signature)
			continue;
		if (ucode_get16(entry + 12) == id)
			return 0;
		return err_set(-EBADMSG,
			"signature 0x%08x: 0x%04x in one container's table, "
			"0x%04x in another's",
			signature, ucode_get16(entry + 12), id);
	}
	if (out->len - table >= (UCODE_AMD_ENTRIES_MAX - 1) * ENTRY_BYTES)
		return err_set(-EBADMSG,
			"AMD's patches are for more than %d kinds of processor",
			UCODE_AMD_ENTRIES_MAX - 1);
	buf_u32(out, signature);
	buf_u64(out, 0);
	buf_u16(out, id);
	buf_u16(out, 0);
	return 0;
}

static int put_table(const struct ucode_update *const *patches, unsigned count,
	struct buf *out)
{
	size_t length_at = out->len;
	uint32_t len;
	int rc = 0;

	buf_u32(out, 0);
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < patches[i]->sig_count && !rc; k++)
			rc = put_entry(out, length_at + 4,
				patches[i]->sigs[k].signature,
				ucode_amd_equivalence(patches[i]->data));
	buf_fill(out, 0, ENTRY_BYTES);
	len = htole32((uint32_t)(out->len - length_at - 4));
	buf_patch(out, length_at, &len, sizeof(len));
	return rc;
}

static int by_revision(const void *a, const void *b)
{
	uint32_t ra = (*(const struct ucode_update *const *)a)->revision;
	uint32_t rb = (*(const struct ucode_update *const *)b)->revision;

	return (ra > rb) - (ra < rb);
}

/* AMD's among them, the oldest first and each once; how many. */
static unsigned sort(const struct ucode_update *const *updates, unsigned count,
	const struct ucode_update **ret)
{
	unsigned n = 0, kept = 0;

	for (unsigned i = 0; i < count; i++)
		if (updates[i]->vendor == UCODE_AMD)
			ret[n++] = updates[i];
	qsort(ret, n, sizeof(*ret), by_revision);
	for (unsigned i = 0; i < n; i++)
		if (!kept || !ucode_is_same(ret[kept - 1], ret[i]))
			ret[kept++] = ret[i];
	return kept;
}

int ucode_put_amd(const struct ucode_update *const *updates, unsigned count,
	struct buf *out)
{
	CLEANUP_FREE const struct ucode_update **patches = calloc(
		count, sizeof(const struct ucode_update *));
	unsigned n;
	int rc;

	if (!patches)
		return err_set(-ENOMEM, "no memory for %u patches", count);
	n = sort(updates, count, patches);
	if (!n)
		return 0;
	buf_u32(out, UCODE_AMD_MAGIC);
	buf_u32(out, UCODE_AMD_TABLE);
	rc = put_table(patches, n, out);
	for (unsigned i = 0; i < n; i++) {
		buf_u32(out, UCODE_AMD_PATCH);
		buf_u32(out, (uint32_t)patches[i]->size_bytes);
		buf_append(out, patches[i]->data, patches[i]->size_bytes);
	}
	return rc;
}
