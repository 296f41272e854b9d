/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - the options of the command line, and the fields that say the same */
#include "vmm/api/words.h"

#include <ctype.h>
#include <string.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

/* The longer one of two that begin alike is the first. */
const struct word words_of_boot[] = {
	{ "--kernel", "kernel_image_path" },
	{ "--initrd", "initrd_path" },
	{ "--cmdline", "boot_args" },
	{ "--memory", "mem_size_mib" },
	{ "--cpus", "vcpu_count" },
	{ "--cpu cpu-config", "cpu-config" },
	{ "--cpu host", "the host's CPU" },
	{ "--cpu", "cpu_template" },
	{ "--disk path=", "path_on_host " },
	{ "--disk id=", "drive_id " },
	{ "--disk", "drives" },
	{ "readonly=on", "is_read_only" },
	{ "--rng", "entropy" },
	{ "--console file=", "serial_out_path " },
	{ "--microcode-spool", "spool_path" },
	{ "--guest-microcode", "guest" },
	{ NULL, NULL },
};

const struct word words_of_load[] = {
	{ "--state", "snapshot_path" },
	{ "--memory-handler", "backend_path" },
	{ "--memory", "mem_backend" },
	{ "--disk path=", "path_on_host " },
	{ "--disk id=", "drive_id " },
	{ "--disk", "drive_overrides" },
	{ "--console file=", "serial_out_path " },
	{ NULL, NULL },
};

const struct word words_of_snapshot[] = {
	{ "--state", "snapshot_path" },
	{ "--memory", "mem_file_path" },
	{ "--diff", "snapshot_type Diff" },
	{ NULL, NULL },
};

/* "--cpu" is not in "--cpus", nor in "x--cpu"; a value may follow on '='. */
static bool stands_at(const char *sentence, const char *at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(at, word, len) || (at > sentence && at[-1] != ' '))
		return false;
	return word[len - 1] == '=' || word[len - 1] == ' ' ||
	       !(isalnum((unsigned char)at[len]) || at[len] == '-' ||
		       at[len] == '_');
}

/* A command, `muster doctor --json`, is one for whoever reads it. */
static void translate(const char *sentence, const struct word *words,
	bool to_fields, struct buf *out)
{
	bool within_command = false;

	for (const char *at = sentence; *at;) {
		const struct word *w = words;

		within_command ^= *at == '`';
		while (!within_command && w->option &&
			!stands_at(
				sentence, at, to_fields ? w->option : w->field))
			w++;
		if (within_command || !w->option) {
			buf_u8(out, (uint8_t)*at++);
			continue;
		}
		buf_printf(out, "%s", to_fields ? w->field : w->option);
		at += strlen(to_fields ? w->option : w->field);
	}
}

int words_for_clients(int rc, const struct word *words)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;

	if (rc >= 0)
		return rc;
	translate(err_text(), words, true, &out);
	buf_u8(&out, '\0');
	if (out.len > 1 && !out.failed)
		err_set(rc, "%s", (char *)out.data);
	return rc;
}

void words_for_options(
	const char *sentence, const struct word *words, struct buf *out)
{
	translate(sentence, words, false, out);
}
