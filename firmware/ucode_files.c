/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_files.c - microcode images from files and folders, and what is in them */
#include "firmware/ucode_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

static int read_folder(
	const char *path, unsigned depth, struct ucode_files *files);

void ucode_files_fini(struct ucode_files *files)
{
	for (unsigned i = 0; i < files->count; i++) {
		free(files->file[i].path);
		free(files->file[i].data);
		free(files->file[i].fault);
	}
	free(files->file);
	ucode_list_fini(&files->list);
	*files = (struct ucode_files){ 0 };
}

unsigned ucode_files_bad(const struct ucode_files *files)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < files->count; i++)
		bad += !!files->file[i].fault;
	return bad;
}

/* ---- one file ---- */

/* A file descriptor or -errno.  What others put there must not hold us. */
static int open_any(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

static int grow(struct ucode_files *files)
{
	unsigned room = files->room ? 2 * files->room : 16;
	struct ucode_file *file = realloc(files->file, room * sizeof(*file));

	if (!file)
		return -ENOMEM;
	files->file = file;
	files->room = room;
	return 0;
}

static int cannot_read(const struct ucode_file *file, int rc)
{
	return err_set(rc, "%s: cannot read: %s", text_shown(file->path).s,
		strerror(-rc));
}

/* How long it is, if it is something that can be looked at. */
static int measure(int fd, const struct ucode_file *file, size_t *ret)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return cannot_read(file, fd < 0 ? fd : -errno);
	if (!S_ISREG(st.st_mode))
		return err_set(-EINVAL,
			"%s: cannot read: not a regular file; copy what it "
			"has to one",
			text_shown(file->path).s);
	if ((uint64_t)st.st_size > UCODE_IMAGE_MAX)
		return err_set(-EFBIG,
			"%s: %llu bytes: too large, at most %llu are read",
			text_shown(file->path).s,
			(unsigned long long)st.st_size, UCODE_IMAGE_MAX);
	*ret = (size_t)st.st_size;
	return 0;
}

/* The bytes, as many as the file has now. */
static int load(int fd, struct ucode_file *file)
{
	size_t size;
	int rc = measure(fd, file, &size);

	if (rc)
		return rc;
	file->data = malloc(MAX(size, 1u));
	if (!file->data)
		return cannot_read(file, -ENOMEM);
	while (file->len < size) {
		ssize_t n = read(fd, file->data + file->len, size - file->len);

		if (n < 0 && errno != EINTR)
			return cannot_read(file, -errno);
		if (!n)
			break;
		file->len += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int load_and_parse(
	int fd, struct ucode_file *file, struct ucode_list *list)
{
	int rc = load(fd, file);

	return rc ? rc : ucode_parse(file->path, file->data, file->len, list);
}

/* `fd` as from open_any(). */
static int add_file(const char *path, int fd, struct ucode_files *files)
{
	struct ucode_list *list = &files->list;
	struct ucode_file *file;

	if (files->count == UCODE_FILES_MAX)
		return err_set(-E2BIG, "more than %d microcode files",
			UCODE_FILES_MAX);
	if (files->count == files->room && grow(files))
		return err_set(-ENOMEM, "no memory for another file");
	file = &files->file[files->count];
	*file = (struct ucode_file){
		.path = strdup(path),
		.first = list->count,
	};
	if (!file->path)
		return err_set(-ENOMEM, "no memory for another file");
	files->count++;
	if (load_and_parse(fd, file, list)) {
		file->fault = strdup(err_text());
		if (!file->fault)
			return err_set(-ENOMEM, "no memory for a sentence");
		/* It names the file, whose name may be anybody's. */
		text_make_plain(file->fault);
	}
	file->count = list->count - file->first;
	return 0;
}

/* ---- a folder ---- */

static bool is_hex(const char *s)
{
	return strspn(s, "0123456789abcdef") >= 2;
}

/* As the kernel asks for them: family-model-stepping, microcode_amd*.bin. */
static bool is_image_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (strlen(name) == 8 && name[2] == '-' && name[5] == '-')
		return is_hex(name) && is_hex(name + 3) && is_hex(name + 6);
	return !strncmp(name, "microcode_amd", 13) && dot &&
	       !strcmp(dot, ".bin");
}

static bool is_image(const char *name, int fd)
{
	uint8_t begin[UCODE_HEADER_BYTES];
	ssize_t n = pread(fd, begin, sizeof(begin), 0);

	return is_image_name(name) || (n > 0 && ucode_detect(begin, (size_t)n));
}

static int read_entry(
	const char *path, const char *name, struct ucode_files *files)
{
	CLEANUP_CLOSE int fd = open_any(path);
	struct stat st;

	if (fd < 0 ? !is_image_name(name)
		   : fstat(fd, &st) || !S_ISREG(st.st_mode) ||
				!is_image(name, fd))
		return 0;
	return add_file(path, fd, files);
}

static int read_below(const char *folder, const struct dirent *entry,
	unsigned depth, struct ucode_files *files)
{
	char path[PATH_MAX];
	struct stat st;

	if (entry->d_name[0] == '.' ||
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >=
			(int)sizeof(path))
		return 0;
	/* A link to a folder may lead back here. */
	if (!lstat(path, &st) && S_ISDIR(st.st_mode))
		return depth < UCODE_DEPTH_MAX
			       ? read_folder(path, depth + 1, files)
			       : 0;
	return read_entry(path, entry->d_name, files);
}

static int read_folder(
	const char *path, unsigned depth, struct ucode_files *files)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	int rc = 0;

	if (count < 0)
		return err_set(-errno, "%s: cannot list: %s",
			text_shown(path).s, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!rc)
			rc = read_below(path, entries[i], depth, files);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int ucode_files_read(const char *path, struct ucode_files *files)
{
	CLEANUP_CLOSE int fd = open_any(path);
	struct stat st;
	char plain[PATH_MAX];
	size_t len = strlen(path);
	int rc;

	if (fd < 0 || fstat(fd, &st)) {
		rc = fd < 0 ? fd : -errno;
		return err_set(rc, "%s: cannot open: %s", text_shown(path).s,
			strerror(-rc));
	}
	if (!S_ISDIR(st.st_mode))
		return add_file(path, fd, files);
	while (len > 1 && path[len - 1] == '/')
		len--;
	snprintf(plain, sizeof(plain), "%.*s", (int)len, path);
	return read_folder(plain, 1, files);
}
