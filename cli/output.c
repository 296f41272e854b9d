/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - results to standard output, sentences to standard error */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/verb.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

int output(const struct buf *text)
{
	int rc = 0;

	if (text->failed)
		rc = -ENOMEM;
	else if ((text->len && fwrite(text->data, 1, text->len, stdout) !=
				       text->len) ||
		 fflush(stdout))
		rc = -errno;
	if (!rc)
		return STATUS_OK;
	err_clear();
	return output_error(
		STATUS_FAILED, err_wrap(rc, "cannot write standard output"));
}

/* ---- files ---- */

static int write_all(int fd, const struct buf *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int write_new(const char *path, int flags, const struct buf *text)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, text);
	/* A terminal or a pipe has nothing to sync. */
	if (!rc && fsync(fd) && errno != EINVAL && errno != EROFS)
		rc = -errno;
	return rc;
}

/* Another file until it is whole, then this one. */
static int replace(const char *path, const struct buf *text)
{
	char temporary[PATH_MAX];
	int rc;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >=
		(int)sizeof(temporary))
		return -ENAMETOOLONG;
	rc = write_new(temporary, O_CREAT | O_TRUNC | O_NOFOLLOW, text);
	if (!rc && rename(temporary, path))
		rc = -errno;
	if (rc)
		unlink(temporary);
	return rc;
}

int output_file(const char *path, const struct buf *text)
{
	CLEANUP_FREE char *real = realpath(path, NULL);
	struct stat st;
	int rc;

	if (text->failed)
		rc = -ENOMEM;
	else if (real && !stat(real, &st) && !S_ISREG(st.st_mode))
		rc = write_new(real, 0, text);
	else
		rc = replace(real ? real : path, text);
	if (!rc)
		return STATUS_OK;
	return output_error(
		STATUS_FAILED, err_set(rc, "%s: cannot write: %s",
				       text_shown(path).s, strerror(-rc)));
}

void output_put_json(json_t *root, struct buf *out)
{
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

	if (text)
		buf_printf(out, "%s\n", text);
	else
		out->failed = true;
	free(text);
	json_decref(root);
}

int output_error(int status, int rc)
{
	fprintf(stderr, "muster: %s\n", err_describe(rc));
	return status;
}
