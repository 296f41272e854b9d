/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfile_open.c - open memory files, hostile ones too
 *
 * Opening costs what the trailer costs: of RAM, 1 part in 26,000 at most.  A file may
 * claim any RAM and be as long as it likes for next to nothing (holes): whoever
 * knows how much it must be compares that before the trailer is read.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/crc.h"
#include "vmm/base/err.h"
#include "vmm/memfile_parts.h"

/* ---- the trailer ---- */

static int wrong_size(const struct memfile *file, uint64_t file_bytes)
{
	return err_set(-EBADMSG,
		"%s: damaged: %llu bytes are not what its trailer says",
		file->name, (unsigned long long)file_bytes);
}

static bool is_size(enum memfile_kind kind, uint64_t ram, uint64_t file_bytes)
{
	uint64_t trailer = memfile_trailer_bytes(ram, kind);
	uint64_t pages = file_bytes - trailer;

	if (file_bytes < trailer)
		return false;
	return kind == MEMFILE_FULL ? pages == ram
				    : pages <= ram && !(pages % MEM_PAGE_SIZE);
}

static int check_seal(const struct memfile *file,
	const struct memfile_seal *seal, uint64_t file_bytes)
{
	uint32_t version = le32toh(seal->version);
	uint32_t kind = le32toh(seal->kind);
	uint64_t ram = le64toh(seal->ram_bytes);

	if (memcmp(seal->magic, MEMFILE_MAGIC, sizeof(seal->magic)))
		return err_set(-EBADMSG,
			"%s: not a memory file of muster, or cut short",
			file->name);
	if (version != MEMFILE_VERSION)
		return err_set(-EBADMSG,
			"%s: has format %u, but this muster reads %u; use "
			"the muster that wrote it",
			file->name, version, MEMFILE_VERSION);
	if (kind > MEMFILE_DIFF || !ram || ram % MEM_PAGE_SIZE ||
		ram > MEM_BYTES_MAX)
		return err_set(-EBADMSG,
			"%s: damaged: kind %u with %llu bytes of RAM",
			file->name, kind, (unsigned long long)ram);
	if (!is_size((enum memfile_kind)kind, ram, file_bytes))
		return wrong_size(file, file_bytes);
	return 0;
}

static int read_words(
	struct memfile *file, uint64_t count, uint64_t offset, uint64_t **ret)
{
	CLEANUP_FREE uint64_t *word = malloc(count * sizeof(*word));
	int rc;

	if (!word)
		return err_set(-ENOMEM, "%s: no memory to read its trailer",
			file->name);
	rc = memfile_pread(file, word, count * sizeof(*word), offset);
	if (rc)
		return rc;
	*ret = steal_ptr(&word);
	return 0;
}

/* No page behind the end of RAM, and exactly those that the file has room for. */
static int find_starts(struct memfile *file, uint64_t pages_bytes)
{
	uint64_t chunks = memfile_chunks(file->ram_bytes);
	uint64_t odd = file->ram_bytes / MEM_PAGE_SIZE % 64;
	uint64_t last = file->held[file->ram_bytes / MEM_PAGE_SIZE / 64 - !odd];
	uint64_t at = 0;

	file->start = malloc(chunks * sizeof(*file->start));
	if (!file->start)
		return err_set(-ENOMEM, "%s: no memory to read its trailer",
			file->name);
	for (uint64_t i = 0; i < chunks; i++) {
		file->start[i] = at;
		at += memfile_count_held(file->held, file->ram_bytes, i) *
		      MEM_PAGE_SIZE;
	}
	if (at != pages_bytes || (odd && last >> odd))
		return wrong_size(file, pages_bytes);
	return 0;
}

/* A file that is open and what its end says; its trailer was not read yet. */
struct sealed {
	struct memfile_seal seal;
	uint64_t file_bytes;
};

static int read_trailer(struct memfile *file, const struct sealed *sealed)
{
	const struct memfile_seal *seal = &sealed->seal;
	uint64_t pages_bytes = sealed->file_bytes -
			       memfile_trailer_bytes(
				       file->ram_bytes, file->kind);
	uint64_t sums = memfile_chunks(file->ram_bytes);
	uint64_t words = memfile_words(file->ram_bytes, file->kind);
	uint64_t at = pages_bytes, crc;
	int rc = read_words(file, sums, at, &file->sum);

	if (!rc && words)
		rc = read_words(
			file, words, at + sums * sizeof(uint64_t), &file->held);
	if (rc)
		return rc;
	crc = crc64(0, file->sum, sums * sizeof(*file->sum));
	if (words)
		crc = crc64(crc, file->held, words * sizeof(*file->held));
	crc = crc64(crc, seal, offsetof(struct memfile_seal, crc));
	if (crc != le64toh(seal->crc))
		return err_set(-EBADMSG,
			"%s: the checksum of its trailer does not match; it "
			"is damaged",
			file->name);
	memfile_swap(file->sum, sums);
	memfile_swap(file->held, words);
	return words ? find_starts(file, pages_bytes) : 0;
}

static int read_seal(struct memfile *file, struct sealed *ret)
{
	struct memfile_seal *seal = &ret->seal;
	int rc = 0;

	*seal = (struct memfile_seal){ .kind = 0 };
	if (ret->file_bytes >= sizeof(*seal))
		rc = memfile_pread(file, seal, sizeof(*seal),
			ret->file_bytes - sizeof(*seal));
	if (!rc)
		rc = check_seal(file, seal, ret->file_bytes);
	if (rc)
		return rc;
	file->kind = (enum memfile_kind)le32toh(seal->kind);
	file->ram_bytes = le64toh(seal->ram_bytes);
	file->id = seal->id;
	file->base = seal->base;
	return 0;
}

/* ---- opening ---- */

static int open_file(struct memfile *file, const char *path, struct sealed *ret)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct flock shared = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	struct stat st;

	file->fd = open(path, flags);
	if (file->fd < 0)
		return err_set(-errno,
			"%s: cannot open: %s; give the memory file of the "
			"snapshot",
			file->name, strerror(errno));
	if (fstat(file->fd, &st))
		return err_set(-errno, "%s: %s", file->name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(-EINVAL, "%s: not a regular file", file->name);
	/* A filesystem without locks will do. */
	(void)fcntl(file->fd, F_OFD_SETLK, &shared);
	ret->file_bytes = (uint64_t)st.st_size;
	return read_seal(file, ret);
}

static int open_sealed(const char *label, const char *path,
	struct memfile *file, struct sealed *ret)
{
	snprintf(file->name, sizeof(file->name), "%s%s", label, path);
	return open_file(file, path, ret);
}

static void hand_over(struct memfile *file, struct memfile *ret)
{
	*ret = *file;
	*file = (struct memfile)MEMFILE_INIT;
}

int memfile_open(const char *label, const char *path, struct memfile *ret)
{
	CLEANUP(memfile_close) struct memfile file = MEMFILE_INIT;
	struct sealed sealed;
	int rc = open_sealed(label, path, &file, &sealed);

	if (!rc)
		rc = read_trailer(&file, &sealed);
	if (!rc)
		hand_over(&file, ret);
	return rc;
}

void memfile_close(struct memfile *file)
{
	close_fd(steal_fd(&file->fd));
	free(steal_ptr(&file->sum));
	free(steal_ptr(&file->held));
	free(steal_ptr(&file->start));
}

static int check_is(const struct memfile *file, const struct memfile_id *id,
	uint64_t ram_bytes)
{
	if (!memfile_id_equal(&file->id, id))
		return err_set(-EINVAL,
			"%s: is the memory of snapshot %s, but the state is "
			"of %s; give the file that was written with it",
			file->name, memfile_id_text(&file->id).s,
			memfile_id_text(id).s);
	if (file->kind != MEMFILE_FULL)
		return err_set(-EINVAL,
			"%s: is a diff; make it full first: muster snapshot "
			"merge BASE DIFF... -o FULL",
			file->name);
	if (file->ram_bytes != ram_bytes)
		return err_set(-EINVAL,
			"%s: holds %llu MiB of RAM, but the state is of %llu "
			"MiB",
			file->name, (unsigned long long)(file->ram_bytes / MIB),
			(unsigned long long)(ram_bytes / MIB));
	return 0;
}

/* PATH.new into `ret`; false if even its name is too long. */
static bool name_new(const char *path, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s" NEWFILE_SUFFIX, path) < PATH_MAX;
}

int memfile_open_full(const char *label, const char *path,
	const struct memfile_id *id, uint64_t ram_bytes, struct memfile *ret)
{
	char temporary[PATH_MAX];
	/* Again PATH: another process may finish the rename between the two. */
	const char *const names[] = { path, temporary, path };
	int rc = -EINVAL;

	if (!name_new(path, temporary))
		temporary[0] = '\0';
	for (unsigned i = 0; rc && i < ARRAY_SIZE(names); i++) {
		CLEANUP(memfile_close) struct memfile file = MEMFILE_INIT;
		struct sealed sealed;

		rc = open_sealed(label, names[i], &file, &sealed);
		/* So much RAM has a trailer that we can afford. */
		if (!rc && file.ram_bytes == ram_bytes)
			rc = read_trailer(&file, &sealed);
		if (!rc)
			rc = check_is(&file, id, ram_bytes);
		if (!rc)
			hand_over(&file, ret);
	}
	return rc;
}

static bool has_id(
	const char *label, const char *path, const struct memfile_id *id)
{
	CLEANUP(memfile_close) struct memfile file = MEMFILE_INIT;
	struct sealed sealed;

	return !open_sealed(label, path, &file, &sealed) &&
	       memfile_id_equal(&file.id, id) && !read_trailer(&file, &sealed);
}

int memfile_settle(
	const char *label, const char *path, const struct memfile_id *id)
{
	char temporary[PATH_MAX];
	int rc;

	if (has_id(label, path, id) || !name_new(path, temporary) ||
		!has_id(label, temporary, id))
		return 0;
	rc = newfile_finish(label, path);
	return rc < 0 ? rc : 0;
}

int memfile_check_rest(
	const char *label, const char *path, const struct memfile_id *own)
{
	CLEANUP(memfile_close) struct memfile file = MEMFILE_INIT;
	char temporary[PATH_MAX];

	if (!name_new(path, temporary) ||
		memfile_open(label, temporary, &file) ||
		(own && memfile_id_equal(&file.id, own)))
		return 0;
	return err_set(-EEXIST,
		"%s: the memory of snapshot %s, whose last rename was cut off; "
		"its state may need it: give it another name, or remove it",
		file.name, memfile_id_text(&file.id).s);
}

int memfile_may_replace(const char *label, const char *path)
{
	CLEANUP(memfile_close) struct memfile file = MEMFILE_INIT;
	struct stat st;
	int rc;

	/* Absent, or newfile_create() says why not. */
	if (stat(path, &st) || (S_ISREG(st.st_mode) && !st.st_size))
		return 0;
	rc = memfile_open(label, path, &file);
	return rc ? err_wrap(rc, "not replaced, for it is no snapshot") : 0;
}
