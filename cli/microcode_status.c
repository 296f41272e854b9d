/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_status.c - `muster microcode status`: what runs, and what could */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/microcode.h"
#include "vmm/api/crowd.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/base/thread.h"
#include "vmm/events.h"

#define ANSWER_MS    2000 /* for all VMs */
#define INTEL_FOLDER "/lib/firmware/intel-ucode"
#define AMD_FOLDER   "/lib/firmware/amd-ucode"

struct settings {
	struct config_words files;
	struct config_words vms;
	char *root;
	bool json;
};

static const struct config_field fields[] = {
	{
		.name = "file",
		.type = CONFIG_WORDS,
		.operand = true,
		.offset = CONFIG_AT(
			struct settings, files, struct config_words),
		.max = MICROCODE_PATHS_MAX,
		.metavar = "FILE|DIR",
		.help = "images, instead of those where the kernel looks",
	},
	MICROCODE_VMS,
	MICROCODE_JSON,
	MICROCODE_ROOT,
};

static const struct config_object object = {
	.name = "microcode status",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

struct status {
	struct ucode_files files;
	struct host_cpus host;
	struct microcode_kernel kernel;
	struct crowd vms;
};

static void cleanup_status(struct status *status)
{
	ucode_files_fini(&status->files);
	host_cpus_fini(&status->host);
	crowd_fini(&status->vms);
}

/* ---- look ---- */

/* Where the kernel looks; a host may have neither. */
static int read_firmware(const char *root, struct ucode_files *files)
{
	static const char *const folders[] = { INTEL_FOLDER, AMD_FOLDER };
	char path[PATH_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
		int rc = 0;

		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		if (!access(path, F_OK))
			rc = ucode_files_read(path, files);
		if (rc)
			return rc;
	}
	return 0;
}

static int ask_vms(const struct config_words *places, struct crowd *crowd,
	struct microcode_vms *vms)
{
	const struct crowd_question question = {
		.method = API_GET,
		.target = "/cpu",
		.until_ns = now_ns() + ANSWER_MS * 1000000ull,
	};
	int rc = microcode_vms_find(places, vms);

	if (!rc)
		rc = crowd_init(crowd, vms->path, vms->count);
	if (rc)
		return rc;
	for (unsigned i = 0; i < crowd->count; i++)
		crowd->member[i].asked = true;
	crowd_ask(crowd, &question);
	return 0;
}

static int look(
	const struct settings *s, struct microcode_vms *vms, struct status *ret)
{
	int rc = s->files.count ? microcode_read(&s->files, &ret->files)
				: read_firmware(s->root, &ret->files);

	if (!rc)
		rc = host_cpus_read(s->root, &ret->host);
	if (!rc)
		rc = ask_vms(&s->vms, &ret->vms, vms);
	if (rc)
		return rc;
	microcode_warn(&ret->files);
	microcode_kernel_read(s->root, &ret->kernel);
	return 0;
}

/* ---- tell ---- */

/* What its guest sees, or NULL. */
static const char *revision_of(const struct crowd_member *vm)
{
	return vm->rc ? NULL
		      : json_string_value(
				json_object_get(vm->body, "microcode"));
}

static const char *fault_of(const struct crowd_member *vm)
{
	if (vm->fault)
		return vm->fault;
	return vm->rc ? strerror(-vm->rc) : "does not say";
}

static void put_vm(const struct crowd_member *vm, struct buf *out)
{
	const char *revision = revision_of(vm);
	char line[ERR_TEXT_MAX];

	/* What a socket of a folder says may be anybody's words. */
	snprintf(line, sizeof(line), "VM %s: %s%s", vm->path,
		revision ? "its guest sees " : "",
		revision ? revision : fault_of(vm));
	text_make_plain(line);
	buf_printf(out, "%s\n", line);
}

/* What a late load would bring is said where a boot would bring something else. */
static void put_kind(const struct ucode_list *list,
	const struct host_cpu_kind *kind, struct buf *out)
{
	struct host_cpu_kind late = *kind;

	late.choice = ucode_select(list, &kind->cpu, UCODE_LATE);
	microcode_put_kind(kind, out);
	microcode_put_choice("at boot", kind, out);
	if (late.choice.update != kind->choice.update ||
		late.choice.verdict != kind->choice.verdict)
		microcode_put_choice("late", &late, out);
}

static void put_text(struct status *status, struct buf *out)
{
	struct host_cpus *host = &status->host;

	host_cpus_choose(host, &status->files.list, UCODE_AT_BOOT);
	for (unsigned i = 0; i < host->count; i++)
		put_kind(&status->files.list, &host->kind[i], out);
	if (!status->files.count)
		buf_printf(out,
			"nothing on disk: no image in " INTEL_FOLDER
			" or " AMD_FOLDER "; name images, or install your "
			"distribution's package of them\n");
	microcode_kernel_put(&status->kernel, out);
	for (unsigned i = 0; i < status->vms.count; i++)
		put_vm(&status->vms.member[i], out);
}

static json_t *vm_json(const struct crowd_member *vm)
{
	const char *revision = revision_of(vm);

	return json_pack("{s:o, s:o}", "socket", events_text(vm->path),
		revision ? "revision" : "fault",
		events_text(revision ? revision : fault_of(vm)));
}

static json_t *choices_json(struct status *status, enum ucode_moment moment)
{
	host_cpus_choose(&status->host, &status->files.list, moment);
	return microcode_choices_json(&status->host);
}

static void put_json(struct status *status, struct buf *out)
{
	json_t *vms = json_array();

	for (unsigned i = 0; i < status->vms.count; i++)
		json_array_append_new(vms, vm_json(&status->vms.member[i]));
	output_put_json(
		json_pack("{s:i, s:o, s:o, s:o, s:o}", "version",
			MICROCODE_JSON_VERSION, "at_boot",
			choices_json(status, UCODE_AT_BOOT), "late",
			choices_json(status, UCODE_LATE), "kernel",
			microcode_kernel_json(&status->kernel), "vms", vms),
		out);
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(microcode_vms_fini) struct microcode_vms vms = { 0 };
	CLEANUP(cleanup_status) struct status status = { 0 };
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = config_defaults(&object, &s);

	if (!rc)
		rc = config_parse_args(&object, argc, argv, &s);
	if (!rc)
		rc = look(&s, &vms, &status);
	if (rc)
		return output_error(STATUS_USAGE, rc);
	(s.json ? put_json : put_text)(&status, &text);
	return output(&text);
}

static const struct verb_example examples[] = {
	{ "this host and its VMs", "muster microcode status --vms /run/vms" },
	{ NULL, NULL },
};

const struct verb microcode_status = {
	.name = "status",
	.parent = "microcode",
	.arguments = " [FILE|DIR]... [OPTION]...",
	.summary = "tell what runs on this host, and what could",
	.description =
		"Of each kind of CPU: the revision that runs, and what is on "
		"disk (/lib/firmware) for it. Then whether the kernel can "
		"load late and by which rules, and of each VM the revision "
		"that its guest sees. Changes nothing.",
	.options = &object,
	.examples = examples,
	.run = run,
};
