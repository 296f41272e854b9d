/* SPDX-License-Identifier: Apache-2.0 */
/* microcode.c - `muster microcode`: its commands, and what they share */
#include "cli/microcode.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"

static const struct verb *const subverbs[] = {
	&microcode_show,
	&microcode_verify,
	&microcode_select,
	&microcode_image,
	&microcode_status,
	&microcode_load,
	NULL,
};

int microcode_read(const struct config_words *paths, struct ucode_files *ret)
{
	for (unsigned i = 0; i < paths->count; i++) {
		unsigned before = ret->count;
		int rc = ucode_files_read(paths->word[i], ret);

		if (rc)
			return rc;
		if (ret->count == before)
			return err_set(-ENODATA, "%s: holds no microcode image",
				text_shown(paths->word[i]).s);
	}
	return 0;
}

void microcode_warn(const struct ucode_files *files)
{
	for (unsigned i = 0; i < files->count; i++)
		if (files->file[i].fault)
			log_say("%s; passed over", files->file[i].fault);
}

int microcode_host(const char *root, const char *profile, struct host_cpus *ret)
{
	struct profile *p;
	int rc;

	if (!profile)
		return host_cpus_read(root, ret);
	rc = profile_read(profile, &p);
	if (rc)
		return rc;
	rc = host_cpus_of_profile(p, ret);
	profile_free(p);
	return rc;
}

void microcode_put_name(const char *name, struct buf *out)
{
	CLEANUP_FREE char *plain = strdup(name);

	if (plain)
		text_make_plain(plain);
	buf_printf(out, "%s", plain ? plain : "?");
}

void microcode_put_kind(const struct host_cpu_kind *kind, struct buf *out)
{
	const struct ucode_cpu *cpu = &kind->cpu;

	buf_printf(out, "CPU%s ", cpu_list_count(&kind->cpus) > 1 ? "s" : "");
	cpu_list_print(&kind->cpus, out);
	buf_printf(out, ", signature 0x%08x", cpu->signature);
	if (cpu->platforms)
		buf_printf(out, ", platform 0x%02x", cpu->platforms);
	buf_printf(out, ", revision 0x%08x\n", cpu->revision);
}

void microcode_put_choice(
	const char *when, const struct host_cpu_kind *kind, struct buf *out)
{
	const struct ucode_update *u = kind->choice.update;

	buf_printf(out, "  %s: ", when);
	ucode_put_choice(&kind->choice, &kind->cpu, out);
	if (u) {
		buf_printf(out, " (");
		microcode_put_name(u->origin, out);
		buf_printf(out, ", ");
		ucode_put_date(u->date, out);
		buf_u8(out, ')');
	}
	buf_u8(out, '\n');
}

static int microcode(int argc, char *const argv[])
{
	return verb_run_subverb(&verb_microcode, argc, argv);
}

static const struct verb_example examples[] = {
	{ "whether all published updates are whole",
		"muster microcode verify /lib/firmware/intel-ucode" },
	{ NULL, NULL },
};

const struct verb verb_microcode = {
	.name = "microcode",
	.arguments = " COMMAND [OPTION]...",
	.summary = "look at microcode images, and load them",
	.description =
		"An image is an update file of Intel's, a container of AMD's, "
		"or a cpio archive that has them at the front of an initrd. "
		"One that has a bad update is refused whole, as Linux does."
		"\n\n"
		"The exit status is 0; 1 when an image is refused; 2 when an "
		"option or a file is bad; 4 when the host fails."
		"\n\n"
		"`muster help microcode COMMAND` explains a command.",
	.subverbs = subverbs,
	.examples = examples,
	.run = microcode,
};
