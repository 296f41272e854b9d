/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_vms.c - the sockets of the VMs that --vms names */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/microcode.h"
#include "vmm/api/crowd.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

void microcode_vms_fini(struct microcode_vms *vms)
{
	for (unsigned i = 0; i < vms->count; i++)
		free(vms->path[i]);
	free(vms->path);
	*vms = (struct microcode_vms){ 0 };
}

static int add(const char *path, struct microcode_vms *vms)
{
	char **grown;

	if (vms->count == CROWD_MAX)
		return err_set(-E2BIG, "--vms: more than %d VMs", CROWD_MAX);
	grown = realloc(vms->path, (vms->count + 1) * sizeof(*grown));
	if (!grown)
		return err_set(-ENOMEM, "no memory for a list of VMs");
	vms->path = grown;
	grown[vms->count] = strdup(path);
	if (!grown[vms->count])
		return err_set(-ENOMEM, "no memory for a list of VMs");
	vms->count++;
	return 0;
}

/* What is no socket is none of ours: a lock, a log. */
static int add_below(
	const char *folder, const char *name, struct microcode_vms *vms)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
			(int)sizeof(path) ||
		stat(path, &st) || !S_ISSOCK(st.st_mode))
		return 0;
	return add(path, vms);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int add_folder(const char *folder, struct microcode_vms *vms)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, not_hidden, versionsort);
	int rc = 0;

	if (count < 0)
		return err_set(-errno, "--vms %s: cannot list: %s",
			text_shown(folder).s, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!rc)
			rc = add_below(folder, entries[i]->d_name, vms);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int add_place(const char *place, struct microcode_vms *vms)
{
	struct stat st;
	int rc = stat(place, &st) ? -errno : 0;

	if (!rc && S_ISDIR(st.st_mode))
		return add_folder(place, vms);
	if (!rc && !S_ISSOCK(st.st_mode))
		rc = -ENOTSOCK;
	if (!rc)
		return add(place, vms);
	return err_set(rc,
		"--vms %s: %s; give the socket of a VM, or the folder of "
		"their sockets",
		text_shown(place).s, strerror(-rc));
}

int microcode_vms_find(
	const struct config_words *places, struct microcode_vms *ret)
{
	int rc = 0;

	for (unsigned i = 0; i < places->count && !rc; i++)
		rc = add_place(places->word[i], ret);
	return rc;
}
