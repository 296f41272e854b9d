/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_select.c - `muster microcode select`: which update each CPU would take */
#include "cli/microcode.h"
#include "vmm/base/cleanup.h"

struct settings {
	struct config_words files;
	char *profile;
	char *root;
	bool late;
	bool json;
};

static const struct config_field fields[] = {
	MICROCODE_FILES,
	MICROCODE_PROFILE("choose for the CPUs of this profile's host, instead "
			  "of this one's"),
	{
		.name = "late",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct settings, late, bool),
		.help = "while the host runs, when Intel's minimum revisions "
			"bind, instead of at boot",
	},
	MICROCODE_JSON,
	MICROCODE_ROOT,
};

static const struct config_object object = {
	.name = "microcode select",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

static void put_text(const struct host_cpus *host, bool late, struct buf *out)
{
	for (unsigned i = 0; i < host->count; i++) {
		microcode_put_kind(&host->kind[i], out);
		microcode_put_choice(
			late ? "late" : "at boot", &host->kind[i], out);
	}
}

static void put_json(const struct host_cpus *host, struct buf *out)
{
	output_put_json(
		json_pack("{s:i, s:o}", "version", MICROCODE_JSON_VERSION,
			"cpus", microcode_choices_json(host)),
		out);
}

static int choose(const struct settings *s, struct buf *out)
{
	CLEANUP(ucode_files_fini) struct ucode_files files = { 0 };
	CLEANUP(host_cpus_fini) struct host_cpus host = { 0 };
	int rc = microcode_read(&s->files, &files);

	if (!rc)
		rc = microcode_host(s->root, s->profile, &host);
	if (rc)
		return rc;
	microcode_warn(&files);
	host_cpus_choose(
		&host, &files.list, s->late ? UCODE_LATE : UCODE_AT_BOOT);
	if (s->json)
		put_json(&host, out);
	else
		put_text(&host, s->late, out);
	return 0;
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = config_defaults(&object, &s);

	if (!rc)
		rc = config_parse_args(&object, argc, argv, &s);
	if (!rc)
		rc = choose(&s, &text);
	return rc ? output_error(STATUS_USAGE, rc) : output(&text);
}

static const struct verb_example examples[] = {
	{ "what a reboot of this host would bring",
		"muster microcode select /lib/firmware/intel-ucode" },
	{ "what another host could load while it runs",
		"muster microcode select intel-ucode --profile host-b.json "
		"--late" },
	{ NULL, NULL },
};

const struct verb microcode_select = {
	.name = "select",
	.parent = "microcode",
	.arguments = " FILE|DIR... [OPTION]...",
	.summary = "tell which update each CPU would take",
	.description =
		"Chooses as a processor would: by signature and platform, the "
		"newest, but none that wants a later revision to run before "
		"it. All images are looked at for all CPUs at once. Images "
		"that are refused are passed over, with a line each on "
		"standard error.",
	.options = &object,
	.examples = examples,
	.run = run,
};
