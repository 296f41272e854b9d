/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_file.c - read a profile or a template, whichever the file is */
#include "cli/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/document.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_template(const json_t *root)
{
	const char *format = json_string_value(json_object_get(root, "format"));

	return format && !strcmp(format, TEMPLATE_FORMAT);
}

static int read_template(
	const char *path, const json_t *root, struct fleet_file *ret)
{
	ret->template = calloc(1, sizeof(*ret->template));
	if (!ret->template)
		return err_set(-ENOMEM, "no memory for %s", path);
	return template_parse_json(path, root, ret->template);
}

static int parse(const char *path, const json_t *root, struct fleet_file *ret)
{
	int rc = is_template(root)
			 ? read_template(path, root, ret)
			 : profile_parse_json(path, root, &ret->profile);

	if (rc)
		return rc;
	ret->name = strdup(ret->profile ? ret->profile->host : base_name(path));
	return ret->name ? 0 : err_set(-ENOMEM, "no memory for %s", path);
}

int fleet_file_read(const char *path, struct fleet_file *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct fleet_file file = { 0 };
	json_t *root;
	int rc = document_load(path, &text);

	if (!rc)
		rc = document_parse(path, text.data, text.len, &root);
	if (rc)
		return rc;
	rc = parse(path, root, &file);
	json_decref(root);
	if (rc)
		fleet_file_fini(&file);
	else
		*ret = file;
	return rc;
}

int fleet_file_here(struct fleet_file *ret)
{
	struct fleet_file file = { 0 };
	int rc = profile_collect(NULL, &file.profile);

	if (rc)
		return rc;
	file.name = strdup(file.profile->host);
	if (!file.name) {
		fleet_file_fini(&file);
		return err_set(-ENOMEM, "no memory for this host's profile");
	}
	*ret = file;
	return 0;
}

void fleet_file_fini(struct fleet_file *file)
{
	free(file->name);
	profile_free(file->profile);
	free(file->template);
}

const struct cpu_set *fleet_file_cpu(const struct fleet_file *file)
{
	return file->profile ? &file->profile->kvm : &file->template->cpu;
}

/* ---- many ---- */

static struct fleet_member member_of(const struct fleet_file *file)
{
	const struct profile *p = file->profile;

	return (struct fleet_member){
		.name = file->name,
		.cpu = fleet_file_cpu(file),
		.tsc_khz = p ? p->tsc_khz : file->template->tsc_khz,
		.tsc_scaling = p ? p->tsc_scaling : file->template->tsc_scaling,
		.profile = p,
	};
}

int fleet_members_read(
	const struct config_words *paths, struct fleet_members *ret)
{
	int rc = 0;

	ret->file = calloc(paths->count, sizeof(*ret->file));
	ret->member = calloc(paths->count, sizeof(*ret->member));
	if (!ret->file || !ret->member)
		return err_set(-ENOMEM, "no memory for %u hosts", paths->count);
	for (unsigned i = 0; i < paths->count && !rc; i++) {
		rc = fleet_file_read(paths->word[i], &ret->file[i]);
		if (rc)
			break;
		ret->member[i] = member_of(&ret->file[i]);
		ret->count++;
	}
	return rc;
}

void fleet_members_fini(struct fleet_members *members)
{
	for (unsigned i = 0; i < members->count; i++)
		fleet_file_fini(&members->file[i]);
	free(members->file);
	free(members->member);
}
