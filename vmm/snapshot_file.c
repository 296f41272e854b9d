/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_file.c - sections with names and checksums, written and taken apart */
#include "vmm/snapshot_file.h"

#include <assert.h>
#include <config.h> /* not vmm/config.h */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "vmm/base/crc.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/core/machine.h"

#define MAGIC       "MUSTERSN"
#define MAGIC_BYTES 8
#define END         "end"
#define END_VERSION 1

/* Every section that a file may have, and of how many instances. */
static const struct {
	const char *name;
	unsigned instances;
} known[] = {
	{ "config", 1 },
	{ "profile", 1 },
	{ "template", 1 },
	{ "memory", 1 },
	{ "machine", 1 },
	{ "vcpu", MACHINE_CPUS_MAX },
	{ "platform", 1 },
	{ "serial", 1 },
	{ "i8042", 1 },
	{ "virtio", MACHINE_VIRTIO_MAX },
	{ "virtio-mmio", MACHINE_VIRTIO_MAX },
	{ "blk", MACHINE_VIRTIO_MAX },
	{ "rng", MACHINE_VIRTIO_MAX },
	{ END, 1 },
};

struct file_header {
	char magic[MAGIC_BYTES];
	uint32_t format;
	uint32_t zero;
	char arch[SNAPSHOT_NAME_BYTES];
	uint64_t crc; /* of what is before */
};

struct section_header {
	char name[SNAPSHOT_NAME_BYTES];
	uint32_t instance;
	uint32_t version;
	uint64_t len;
	uint64_t crc; /* of what is before, and of the payload */
};

_Static_assert(sizeof(struct file_header) == 40, "no padding");
_Static_assert(sizeof(struct section_header) == 40, "no padding");

static bool is_known(const char *name, uint32_t instance)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return instance < known[i].instances;
	return false;
}

/* ---- writing ---- */

/* The only header that there is on this host. */
static struct file_header header_here(void)
{
	struct file_header h = {
		.magic = MAGIC,
		.format = htole32(SNAPSHOT_FORMAT),
		.arch = MUSTER_ARCH,
	};

	h.crc = htole64(crc64(0, &h, offsetof(struct file_header, crc)));
	return h;
}

void snapshot_file_begin(struct buf *out)
{
	const struct file_header h = header_here();

	buf_append(out, &h, sizeof(h));
}

/* Put a header whose length and checksum are to come; returns where it is. */
static size_t open_section(
	struct buf *out, const char *name, unsigned instance, unsigned version)
{
	struct section_header h = {
		.instance = htole32(instance),
		.version = htole32(version),
	};
	size_t at = out->len;

	assert(is_known(name, instance));
	strncpy(h.name, name, sizeof(h.name) - 1);
	buf_append(out, &h, sizeof(h));
	return at;
}

static void close_section(struct buf *out, size_t at)
{
	const size_t crc_at = offsetof(struct section_header, crc);
	uint64_t len, crc;

	if (out->failed)
		return;
	len = htole64(out->len - at - sizeof(struct section_header));
	buf_patch(out, at + offsetof(struct section_header, len), &len,
		sizeof(len));
	crc = crc64(0, out->data + at, crc_at);
	crc = crc64(crc, out->data + at + sizeof(struct section_header),
		le64toh(len));
	crc = htole64(crc);
	buf_patch(out, at + crc_at, &crc, sizeof(crc));
}

void snapshot_file_add(struct buf *out, const char *name, unsigned instance,
	unsigned version, const void *data, size_t len)
{
	size_t at = open_section(out, name, instance, version);

	buf_append(out, data, len);
	close_section(out, at);
}

void snapshot_file_save(struct buf *out, unsigned instance,
	const struct state_desc *desc, const void *obj)
{
	size_t at = open_section(out, desc->name, instance, desc->version);

	state_save(desc, obj, out);
	close_section(out, at);
}

void snapshot_file_end(struct buf *out)
{
	uint64_t crc = htole64(crc64(0, out->data, out->len));

	snapshot_file_add(out, END, 0, END_VERSION, &crc, sizeof(crc));
}

/* ---- reading ---- */

struct parser {
	const char *path;
	const uint8_t *data;
	size_t len, at;
};

static int damaged(const struct parser *p, const char *what)
{
	return err_set(-EBADMSG, "%s: offset %zu: %s; the file is damaged",
		p->path, p->at, what);
}

static int refuse(const struct parser *p, const struct snapshot_section *s,
	const char *what)
{
	return err_set(-EBADMSG, "%s: offset %zu: section %s %u %s", p->path,
		p->at, text_shown(s->name).s, s->instance, what);
}

static int check_header(const struct parser *p, const struct file_header *h)
{
	const struct file_header want = header_here();
	const uint32_t format = le32toh(h->format);
	char arch[sizeof(h->arch) + 1] = "";

	if (memcmp(h->magic, MAGIC, MAGIC_BYTES))
		return err_set(-EBADMSG,
			"%s: not the state of a snapshot; give the file that "
			"`muster ctl snapshot --state` wrote",
			p->path);
	if (p->len < sizeof(*h))
		return damaged(p, "the header is cut short");
	if (format != SNAPSHOT_FORMAT)
		return err_set(-EBADMSG,
			"%s: format version %u; this muster reads version %d",
			p->path, format, SNAPSHOT_FORMAT);
	if (le64toh(h->crc) != crc64(0, h, offsetof(struct file_header, crc)))
		return damaged(p, "the checksum of the header is wrong");
	memcpy(arch, h->arch, sizeof(h->arch));
	if (strcmp(arch, MUSTER_ARCH))
		return err_set(-EBADMSG,
			"%s: a snapshot of a machine with %s processors; "
			"this host has %s",
			p->path, text_shown(arch).s, MUSTER_ARCH);
	if (memcmp(h, &want, sizeof(want)))
		return damaged(p, "the header is not as any muster writes it");
	return 0;
}

static int parse_header(struct parser *p, struct snapshot_file *ret)
{
	struct file_header h = { 0 };
	int rc;

	if (p->len)
		memcpy(&h, p->data, MIN(p->len, sizeof(h)));
	rc = check_header(p, &h);
	if (rc)
		return rc;
	ret->format = le32toh(h.format);
	p->at = sizeof(h);
	return 0;
}

/* A name fills its place with NULs, at least one. */
static bool is_padded(const char name[SNAPSHOT_NAME_BYTES])
{
	size_t len = strnlen(name, SNAPSHOT_NAME_BYTES);

	for (size_t i = len; i < SNAPSHOT_NAME_BYTES; i++)
		if (name[i])
			return false;
	return len < SNAPSHOT_NAME_BYTES;
}

static int check_section(const struct parser *p, const struct section_header *h,
	const struct snapshot_section *s, const struct snapshot_file *file)
{
	uint64_t crc = crc64(0, h, offsetof(struct section_header, crc));

	if (le64toh(h->len) > p->len - p->at - sizeof(*h))
		return refuse(p, s, "is cut short; the file is damaged");
	crc = crc64(crc, s->data, s->len);
	if (le64toh(h->crc) != crc)
		return refuse(
			p, s, "has a wrong checksum; the file is damaged");
	if (!is_padded(h->name) || !is_known(s->name, s->instance))
		return refuse(p, s,
			"is not known to this muster; use the one that wrote "
			"the file, or a newer one");
	if (snapshot_file_find(file, s->name, s->instance))
		return refuse(p, s, "is there twice");
	if (file->count == SNAPSHOT_SECTIONS_MAX)
		return refuse(p, s, "is one too many");
	return 0;
}

static int parse_section(struct parser *p, struct snapshot_file *ret)
{
	struct snapshot_section s = { .offset = p->at };
	struct section_header h;
	int rc;

	if (p->len - p->at < sizeof(h))
		return damaged(
			p, "a section, or the end of the file, is missing");
	memcpy(&h, p->data + p->at, sizeof(h));
	memcpy(s.name, h.name, sizeof(s.name) - 1);
	s.instance = le32toh(h.instance);
	s.version = le32toh(h.version);
	s.data = p->data + p->at + sizeof(h);
	s.len = le64toh(h.len);
	rc = check_section(p, &h, &s, ret);
	if (rc)
		return rc;
	ret->section[ret->count++] = s;
	p->at += sizeof(h) + s.len;
	return 0;
}

/* What the end section says covers the order and the number of all others. */
static int check_end(const struct parser *p, const struct snapshot_file *file)
{
	const struct snapshot_section *end = &file->section[file->count - 1];
	uint64_t crc;

	if (end->len != sizeof(crc) || end->version != END_VERSION)
		return damaged(p, "the end section is not as it should be");
	memcpy(&crc, end->data, sizeof(crc));
	if (le64toh(crc) != crc64(0, p->data, end->offset))
		return damaged(p, "the checksum of the file is wrong");
	if (p->at != p->len)
		return damaged(p, "there is something behind the end");
	return 0;
}

int snapshot_file_parse(const char *path, const void *data, size_t len,
	struct snapshot_file *ret)
{
	struct parser p = { path, data, len, 0 };
	int rc;

	ret->path = path;
	ret->count = 0;
	rc = parse_header(&p, ret);
	while (!rc && !snapshot_file_find(ret, END, 0))
		rc = parse_section(&p, ret);
	return rc ? rc : check_end(&p, ret);
}

const struct snapshot_section *snapshot_file_find(
	const struct snapshot_file *file, const char *name, unsigned instance)
{
	for (unsigned i = 0; i < file->count; i++) {
		const struct snapshot_section *s = &file->section[i];

		if (s->instance == instance && !strcmp(s->name, name))
			return s;
	}
	return NULL;
}

unsigned snapshot_file_count(const struct snapshot_file *file, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < file->count; i++)
		n += !strcmp(file->section[i].name, name);
	return n;
}

int snapshot_file_load(const struct snapshot_file *file, unsigned instance,
	const struct state_desc *desc, void *obj)
{
	const struct snapshot_section *s = snapshot_file_find(
		file, desc->name, instance);
	int rc;

	if (!s)
		return err_set(-EBADMSG, "there is no section %s %u",
			desc->name, instance);
	rc = state_load(desc, s->version, s->data, s->len, obj);
	return rc ? err_wrap(rc, "section %s %u", s->name, instance) : 0;
}
