/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_image.c - `muster microcode image`: microcode for the front of an initrd */
#include <errno.h>

#include "cli/microcode.h"
#include "firmware/ucode_early.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

struct settings {
	struct config_words files;
	char *output;
	char *profile;
	char *root;
	bool host;
};

static const struct config_field fields[] = {
	MICROCODE_FILES,
	{
		.name = "output",
		.letter = 'o',
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct settings, output, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "the archive to write",
	},
	{
		.name = "host",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct settings, host, bool),
		.help = "only what this host's CPUs would choose",
	},
	MICROCODE_PROFILE("only what the CPUs of this profile's host would "
			  "choose"),
	MICROCODE_ROOT,
};

static const struct config_object object = {
	.name = "microcode image",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

/* The updates that go into the archive. */
struct pick {
	const struct ucode_update **updates;
	unsigned count;
};

/* What fits is put in, newer or not. */
static void pick_chosen(const struct host_cpus *host, struct pick *pick)
{
	for (unsigned i = 0; i < host->count; i++) {
		const struct ucode_choice *choice = &host->kind[i].choice;

		if (choice->verdict <= UCODE_OLDER)
			pick->updates[pick->count++] = choice->update;
	}
}

/*
 * By what runs, and by what its firmware may leave behind: a boot begins there, and
 * an update that follows the running revision need not follow that one.
 */
static void pick_for_cpus(struct host_cpus *host, const struct ucode_list *list,
	struct pick *pick)
{
	host_cpus_choose(host, list, UCODE_AT_BOOT);
	pick_chosen(host, pick);
	for (unsigned i = 0; i < host->count; i++)
		host->kind[i].cpu.revision = 0;
	host_cpus_choose(host, list, UCODE_AT_BOOT);
	pick_chosen(host, pick);
}

static int pick_for_host(const struct settings *s,
	const struct ucode_files *files, struct pick *pick)
{
	CLEANUP(host_cpus_fini) struct host_cpus host = { 0 };
	int rc = microcode_host(s->root, s->profile, &host);

	if (rc)
		return rc;
	pick->updates = calloc(2ul * host.count, sizeof(*pick->updates));
	if (!pick->updates)
		return err_set(-ENOMEM, "no memory for the updates");
	pick_for_cpus(&host, &files->list, pick);
	if (!pick->count)
		return err_set(-ENODATA,
			"nothing there for these CPUs; `muster microcode "
			"select` says why");
	return 0;
}

static int pick_all(const struct ucode_list *list, struct pick *pick)
{
	pick->updates = calloc(list->count, sizeof(*pick->updates));
	if (!pick->updates)
		return err_set(-ENOMEM, "no memory for the updates");
	for (; pick->count < list->count; pick->count++)
		pick->updates[pick->count] = &list->updates[pick->count];
	return 0;
}

/* What a host boots with is not made from a folder that has a bad image. */
static int refuse_bad(const struct ucode_files *files)
{
	for (unsigned i = 0; i < files->count; i++)
		if (files->file[i].fault)
			return err_set(-EBADMSG, "%s", files->file[i].fault);
	return 0;
}

static int make(const struct settings *s, struct buf *out)
{
	CLEANUP(ucode_files_fini) struct ucode_files files = { 0 };
	struct pick pick = { 0 };
	int rc = microcode_read(&s->files, &files);

	if (!rc)
		rc = refuse_bad(&files);
	if (!rc)
		rc = s->host || s->profile ? pick_for_host(s, &files, &pick)
					   : pick_all(&files.list, &pick);
	if (!rc)
		rc = ucode_put_early(pick.updates, pick.count, out);
	free(pick.updates);
	return rc;
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(buf_fini) struct buf archive = BUF_INIT;
	int rc = config_defaults(&object, &s);

	if (!rc)
		rc = config_parse_args(&object, argc, argv, &s);
	if (!rc && s.host && s.profile)
		rc = err_set(-EINVAL, "--host: --profile names another host; "
				      "give one of them");
	if (rc)
		return output_error(STATUS_USAGE, rc);
	rc = make(&s, &archive);
	if (rc)
		return output_error(rc == -EBADMSG || rc == -ENODATA
					    ? MICROCODE_REFUSED
					    : STATUS_USAGE,
			rc);
	return output_file(s.output, &archive);
}

static const struct verb_example examples[] = {
	{ "a guest that loads microcode when it boots",
		"muster microcode image /lib/firmware/amd-ucode -o early.cpio\n"
		"  cat early.cpio initrd.img >both.img" },
	{ NULL, NULL },
};

const struct verb microcode_image = {
	.name = "image",
	.parent = "microcode",
	.arguments = " FILE|DIR... -o FILE [OPTION]...",
	.summary = "put microcode in front of an initrd",
	.description =
		"Makes the cpio archive that Linux looks for at the beginning "
		"of an initrd, and from which it loads microcode before all "
		"else. The initrd follows: `cat early.cpio initrd.img`, or a "
		"boot loader's list of both. An update that is there twice is "
		"put once; if any image is bad, none is made.",
	.options = &object,
	.examples = examples,
	.run = run,
};
