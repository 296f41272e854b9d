/* SPDX-License-Identifier: Apache-2.0 */
/* collect.c - make the profile of this host */
#include "cpu/x86_64/collect.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define MODULE_FOLDER "/sys/module/%s/parameters"

static const char *const modules[] = { "kvm", "kvm_amd", "kvm_intel" };

static void cleanup_profile(struct profile **profile)
{
	profile_free(*profile);
}

/* ---- module parameters ---- */

/* The printable first line, or NULL: root's alone, empty, or too long. */
static char *read_value(const char *folder, const char *name)
{
	char text[PROFILE_TEXT_MAX + 2] = "";
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return NULL;
	return *text && strlen(text) <= PROFILE_TEXT_MAX ? strdup(text) : NULL;
}

static void add_param(struct profile *p, const char *module, const char *folder,
	const char *name)
{
	struct profile_param *param = &p->params[p->param_count];
	char full[PROFILE_TEXT_MAX + 1];
	int n = snprintf(full, sizeof(full), "%s.%s", module, name);

	if (p->param_count == PROFILE_PARAMS_MAX || *name == '.' ||
		n >= (int)sizeof(full))
		return;
	param->value = read_value(folder, name);
	if (!param->value)
		return;
	param->name = strdup(full);
	if (param->name)
		p->param_count++;
	else
		free(param->value);
}

static int compare_params(const void *a, const void *b)
{
	const struct profile_param *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void collect_params(struct profile *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(modules); i++) {
		char folder[64];
		struct dirent *entry;
		DIR *dir;

		snprintf(folder, sizeof(folder), MODULE_FOLDER, modules[i]);
		dir = opendir(folder);
		while (dir && (entry = readdir(dir)))
			add_param(p, modules[i], folder, entry->d_name);
		if (dir)
			closedir(dir);
	}
	qsort(p->params, p->param_count, sizeof(p->params[0]), compare_params);
}

/* ---- names ---- */

static int collect_names(const char *host_name, struct profile *p)
{
	struct utsname uts;

	if (uname(&uts))
		return err_set(-errno, "uname: %s", strerror(errno));
	p->host = strdup(host_name ? host_name : uts.nodename);
	p->kernel = strdup(uts.release);
	if (!p->host || !p->kernel)
		return err_set(-ENOMEM, "no memory for the profile");
	return 0;
}

int profile_collect(const char *host_name, struct profile **ret)
{
	CLEANUP(cleanup_profile) struct profile *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(-ENOMEM, "no memory for the profile");
	rc = collect_names(host_name, p);
	if (!rc)
		rc = collect_kvm(p);
	if (!rc)
		rc = collect_silicon(p);
	if (rc)
		return rc;
	collect_params(p);
	*ret = steal_ptr(&p);
	return 0;
}

int profile_collect_silicon(struct profile **ret)
{
	CLEANUP(cleanup_profile) struct profile *p = calloc(1, sizeof(*p));
	int rc = p ? collect_silicon(p)
		   : err_set(-ENOMEM, "no memory for the host's CPUs");

	if (!rc)
		*ret = steal_ptr(&p);
	return rc;
}
