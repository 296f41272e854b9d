/* SPDX-License-Identifier: Apache-2.0 */
/* cmdline.c - join, check and bound the kernel's command line */
#include "boot/cmdline.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/err.h"

#define BLANKS         " \t"
#define NO_ACPI        "acpi=off"
#define INIT_SEPARATOR "--"

/* The end of the word at `at`; as in the kernel, quotes hide blanks. */
static const char *word_end(const char *at)
{
	bool quoted = false;

	for (; *at && (quoted || !strchr(BLANKS, *at)); at++)
		if (*at == '"')
			quoted = !quoted;
	return at;
}

/* The first word that equals `word` in [line, end), or NULL. */
static const char *find_word(
	const char *line, const char *end, const char *word)
{
	size_t len = strlen(word);
	const char *at = line + strspn(line, BLANKS);

	while (at < end) {
		const char *after = word_end(at);

		if ((size_t)(after - at) == len && !memcmp(at, word, len))
			return at;
		at = after + strspn(after, BLANKS);
	}
	return NULL;
}

static void append_devices(struct buf *out, const struct machine *machine)
{
	for (unsigned i = 0; i < machine->virtio_count; i++) {
		const struct machine_virtio *v = &machine->virtio[i];

		buf_printf(out, "virtio_mmio.device=%lluK@0x%llx:%u ",
			(unsigned long long)(v->size_bytes / KIB),
			(unsigned long long)v->gpa.v, v->gsi);
	}
}

int cmdline_build(struct buf *out, const char *line,
	const struct machine *machine, uint64_t max)
{
	const char *end = line + strlen(line);
	const char *init = find_word(line, end, INIT_SEPARATOR);
	size_t at = out->len;
	uint64_t len;

	if (strchr(line, '\n'))
		return err_set(-EINVAL,
			"--cmdline: it holds a line break; give one line");
	if (!init)
		init = end;
	buf_append(out, line, (size_t)(init - line));
	if (find_word(line, init, NO_ACPI)) {
		buf_u8(out, ' ');
		append_devices(out, machine);
	}
	buf_append(out, init, (size_t)(end - init));
	buf_u8(out, '\0');
	if (out->failed)
		return err_set(-ENOMEM, "--cmdline: no memory to build it");
	len = out->len - at - 1;
	if (len > max)
		return err_set(-E2BIG,
			"--cmdline: %llu bytes%s, this kernel takes at most "
			"%llu; shorten it",
			(unsigned long long)len,
			len > strlen(line) ? " with the virtio devices" : "",
			(unsigned long long)max);
	return 0;
}
