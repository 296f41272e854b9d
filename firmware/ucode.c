/* SPDX-License-Identifier: Apache-2.0 */
/* ucode.c - lists of microcode updates, and whose format an image is in */
#include "firmware/ucode.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware/ucode_parts.h"
#include "vmm/base/err.h"

#define ROOM_FIRST 16

void ucode_list_fini(struct ucode_list *list)
{
	free(list->updates);
	*list = (struct ucode_list){ 0 };
}

/* ---- for the parsers ---- */

uint32_t ucode_sum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t at = 0; at < len; at += 4)
		sum += ucode_get32(data + at);
	return sum;
}

static int grow(struct ucode_list *list)
{
	unsigned room = list->room ? 2 * list->room : ROOM_FIRST;
	struct ucode_update *updates = realloc(
		list->updates, room * sizeof(*updates));

	if (!updates)
		return err_set(-ENOMEM, "no memory for %u updates", room);
	list->updates = updates;
	list->room = room;
	return 0;
}

int ucode_list_add(struct ucode_list *list, enum ucode_vendor vendor,
	const struct ucode_span *span, size_t at, struct ucode_update **ret)
{
	int rc = 0;

	if (list->count == UCODE_UPDATES_MAX)
		return err_set(-EBADMSG, "%s: more than %d updates",
			span->origin, UCODE_UPDATES_MAX);
	if (list->count == list->room)
		rc = grow(list);
	if (rc)
		return rc;
	*ret = &list->updates[list->count++];
	**ret = (struct ucode_update){
		.vendor = vendor,
		.origin = span->origin,
		.offset = span->offset + at,
		.data = span->data + at,
		.size_bytes = span->len - at,
	};
	return 0;
}

void ucode_fault(struct ucode_update *u, const char *fmt, ...)
{
	va_list ap;

	if (*u->fault)
		return;
	va_start(ap, fmt);
	vsnprintf(u->fault, sizeof(u->fault), fmt, ap);
	va_end(ap);
}

void ucode_add_sig(
	struct ucode_update *u, uint32_t signature, uint32_t platforms)
{
	if (u->sig_count == UCODE_SIGS_MAX) {
		ucode_fault(u, "for more than %d kinds of processor",
			UCODE_SIGS_MAX);
		return;
	}
	u->sigs[u->sig_count++] = (struct ucode_sig){ signature, platforms };
}

bool ucode_is_same(const struct ucode_update *a, const struct ucode_update *b)
{
	return a->vendor == b->vendor && a->size_bytes == b->size_bytes &&
	       !memcmp(a->data, b->data, a->size_bytes);
}

/* ---- an image ---- */

static const struct format {
	bool (*detect)(const struct ucode_span *span);
	int (*parse)(const struct ucode_span *span, struct ucode_list *list);
} formats[] = {
	{ ucode_cpio_detect, ucode_cpio_parse },
	{ ucode_amd_detect, ucode_amd_parse },
	{ ucode_intel_detect, ucode_intel_parse },
};

/* The last, for the sentence, where none is. */
static const struct format *format_of(const struct ucode_span *span)
{
	const struct format *f = formats;

	while (f < &formats[ARRAY_SIZE(formats) - 1] && !f->detect(span))
		f++;
	return f;
}

bool ucode_detect(const void *image, size_t len)
{
	const struct ucode_span span = { .data = image, .len = len };

	return format_of(&span)->detect(&span);
}

/* An image is as good as the worst of its updates: none of them is chosen. */
static void refuse_all(struct ucode_list *list, unsigned first, const char *why)
{
	for (unsigned i = first; i < list->count; i++)
		ucode_fault(
			&list->updates[i], "refused with its image: %s", why);
}

static int judge(const char *origin, struct ucode_list *list, unsigned first)
{
	for (unsigned i = first; i < list->count; i++) {
		const struct ucode_update *u = &list->updates[i];

		if (!*u->fault)
			continue;
		err_set(-EBADMSG, "%s: update %u, at 0x%llx: %s", origin,
			i - first + 1, (unsigned long long)u->offset, u->fault);
		refuse_all(list, first, "another update of it is bad");
		return -EBADMSG;
	}
	if (list->count == first)
		return err_set(-EBADMSG, "%s: has no microcode update", origin);
	return 0;
}

int ucode_parse(const char *origin, const void *image, size_t len,
	struct ucode_list *list)
{
	const struct ucode_span span = {
		.origin = origin,
		.data = image,
		.len = len,
	};
	unsigned first = list->count;
	int rc;

	if (len > UCODE_IMAGE_MAX)
		return err_set(-EBADMSG, "%s: %zu bytes; at most %llu are read",
			origin, len, UCODE_IMAGE_MAX);
	rc = format_of(&span)->parse(&span, list);
	if (!rc)
		return judge(origin, list, first);
	refuse_all(list, first, "it cannot be read to its end");
	return rc;
}

/* ---- what a processor is handed ---- */

/* A patch does not say how long it is; its family does. */
static size_t amd_bytes_max(const uint8_t *patch)
{
	return ucode_amd_bytes_max(ucode_amd_equivalence(patch));
}

int ucode_bytes_to_load(
	enum ucode_vendor vendor, const uint8_t header[UCODE_HEADER_BYTES])
{
	size_t bytes = vendor == UCODE_INTEL ? ucode_intel_bytes(header)
					     : amd_bytes_max(header);

	if (!bytes || bytes > UCODE_UPDATE_MAX)
		return err_set(-EBADMSG,
			"%zu bytes: not the header of a microcode update of "
			"%s's",
			bytes, ucode_vendor_name(vendor));
	return (int)bytes;
}

static void read_loaded_patch(struct ucode_update *u)
{
	size_t max = u->size_bytes < UCODE_HEADER_BYTES
			     ? 0
			     : amd_bytes_max(u->data);

	if (max)
		u->size_bytes = MIN(u->size_bytes, max);
	ucode_amd_read(u);
	if (!*u->fault)
		ucode_add_sig(u,
			ucode_amd_signature(ucode_amd_equivalence(u->data)), 0);
}

int ucode_parse_loaded(enum ucode_vendor vendor, const void *data, size_t len,
	struct ucode_update *ret)
{
	struct ucode_update u = {
		.vendor = vendor,
		.origin = "",
		.data = data,
		.size_bytes = len,
	};

	if (vendor == UCODE_INTEL)
		ucode_intel_read(&u);
	else
		read_loaded_patch(&u);
	if (*u.fault)
		return err_set(-EBADMSG, "microcode update: %s", u.fault);
	*ret = u;
	return 0;
}
