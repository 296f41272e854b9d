/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_spool.c - microcode that guests hand over, as files for the operator */
#include "vmm/ucode_spool.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/ucode.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/newfile.h"

#define LABEL  "the spool "
#define SUFFIX ".ucode"

int ucode_spool_check(const char *label, const char *directory)
{
	struct text_shown shown = text_shown(directory);
	struct stat st;

	if (stat(directory, &st))
		return err_set(-errno,
			"%s %s: %s; give a directory that exists", label,
			shown.s, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(
			-ENOTDIR, "%s %s: is no directory", label, shown.s);
	if (access(directory, W_OK | X_OK))
		return err_set(-errno, "%s %s: cannot be written to: %s", label,
			shown.s, strerror(errno));
	return 0;
}

static bool is_update(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) &&
	       !strcmp(name + len - strlen(SUFFIX), SUFFIX);
}

static int check_room(const char *directory)
{
	DIR *dir = opendir(directory);
	unsigned count = 0;

	if (!dir)
		return err_set(-errno, LABEL "%s: %s", text_shown(directory).s,
			strerror(errno));
	for (struct dirent *e; (e = readdir(dir));)
		count += is_update(e->d_name);
	closedir(dir);
	return count < UCODE_SPOOL_MAX
		       ? 0
		       : err_set(-ENOSPC,
				 LABEL "%s: has %u updates that nobody took; "
				       "take some away",
				 text_shown(directory).s, count);
}

/* The CPU that it is for, and the revision. */
static int name_file(const char *directory, const struct ucode_update *update,
	uint32_t signature, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%08x_%08x" SUFFIX, directory,
		signature, update->revision);

	return n < PATH_MAX ? 0 : err_set(-ENAMETOOLONG, LABEL "too long");
}

static int write_file(const char *path, const struct ucode_handover *update)
{
	CLEANUP(newfile_fini) struct newfile file = NEWFILE_INIT;
	struct iovec iov = { (void *)update->data, update->size_bytes };
	int rc = newfile_create(&file, LABEL, path);

	if (!rc)
		rc = newfile_write(
			&file, (struct iov_list){ .iov = &iov, .count = 1 }, 0);
	if (!rc)
		rc = newfile_sync(&file);
	if (!rc)
		rc = newfile_commit(&file);
	return MIN(rc, 0);
}

int ucode_spool_put(const char *directory, const struct ucode_handover *update,
	struct events *events)
{
	enum ucode_vendor vendor = update->id.amd ? UCODE_AMD : UCODE_INTEL;
	struct ucode_update parsed;
	char path[PATH_MAX];
	int rc = ucode_parse_loaded(
		vendor, update->data, update->size_bytes, &parsed);

	if (!rc)
		rc = check_room(directory);
	if (!rc)
		rc = name_file(directory, &parsed, update->id.signature, path);
	if (!rc)
		rc = write_file(path, update);
	if (rc) {
		log_warn(
			"microcode of the guest is lost: %s", err_describe(rc));
		events_post(events, "microcode_staged",
			json_pack("{s:i, s:o}", "vcpu", update->vcpu, "error",
				events_text(err_describe(rc))));
		return rc;
	}
	log_info("the guest handed over microcode: %s", path);
	events_post(events, "microcode_staged",
		json_pack("{s:i, s:o, s:I}", "vcpu", update->vcpu, "path",
			events_text(path), "revision",
			(json_int_t)parsed.revision));
	return 0;
}
