/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_profile.c - `muster fleet profile`: write down what this host offers */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fleet.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

struct settings {
	char *output;
	char *name;
	char *fingerprint;
};

static const struct config_field fields[] = {
	FLEET_OUTPUT("FILE", "write the profile there, instead of printing it"),
	{
		.name = "name",
		.type = CONFIG_NAME,
		.offset = CONFIG_AT(struct settings, name, char *),
		.min = 1,
		.max = PROFILE_TEXT_MAX,
		.metavar = "NAME",
		.help = "what to call the host, instead of its node name",
	},
	{
		.name = "import-firecracker",
		.type = CONFIG_PATH,
		.offset = CONFIG_AT(struct settings, fingerprint, char *),
		.min = 1,
		.max = PATH_MAX - 1,
		.metavar = "FILE",
		.help = "make the profile from a fingerprint that "
			"Firecracker's cpu-template-helper wrote, instead of "
			"from this host",
	},
};

static const struct config_object object = {
	.name = "fleet profile",
	.fields = fields,
	.count = ARRAY_SIZE(fields),
	.size_bytes = sizeof(struct settings),
};

static int make(const struct settings *s, struct profile **ret)
{
	char *name;
	int rc;

	if (!s->fingerprint)
		return profile_collect(s->name, ret);
	rc = profile_read_firecracker(s->fingerprint, ret);
	if (rc || !s->name)
		return rc;
	name = strdup(s->name);
	if (!name)
		return err_set(-ENOMEM, "no memory for the name");
	free((*ret)->host);
	(*ret)->host = name;
	return 0;
}

/* Logical CPUs that differ are the user's to know, whatever the output is. */
static void warn_of_asymmetry(const struct profile *profile)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	if (profile_print_asymmetry(profile, &text) && !text.failed)
		fwrite(text.data, 1, text.len, stderr);
}

static void cleanup_profile(struct profile **profile)
{
	profile_free(*profile);
}

static void cleanup_settings(struct settings *s)
{
	config_fini(&object, s);
}

static int run(int argc, char *const argv[])
{
	CLEANUP(cleanup_settings) struct settings s = { 0 };
	CLEANUP(cleanup_profile) struct profile *profile = NULL;
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	int rc = config_parse_args(&object, argc, argv, &s);

	if (rc)
		return output_error(STATUS_USAGE, rc);
	rc = make(&s, &profile);
	if (rc)
		return output_error(
			rc == -EBADMSG ? STATUS_USAGE : STATUS_FAILED, rc);
	warn_of_asymmetry(profile);
	profile_print(profile, &text);
	return s.output ? output_file(s.output, &text) : output(&text);
}

static const struct verb_example examples[] = {
	{ "the profile of this host, as root",
		"muster fleet profile -o a.json" },
	{ "a fingerprint as a profile",
		"muster fleet profile --import-firecracker fp.json --name "
		"icelake \\\n      -o icelake.json" },
	{ NULL, NULL },
};

const struct verb fleet_profile = {
	.name = "profile",
	.parent = "fleet",
	.arguments = " [OPTION]...",
	.summary = "write down what this host offers",
	.description =
		"Visits each logical CPU in turn and reads its CPUID and, "
		"where "
		"/dev/cpu/N/msr opens (as root, with the msr module), its VMX "
		"capabilities and microcode revision; then tries on a vCPU "
		"that never runs what KVM offers. Logical CPUs that differ "
		"are listed on standard error.",
	.options = &object,
	.examples = examples,
	.run = run,
};
