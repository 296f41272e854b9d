/* SPDX-License-Identifier: Apache-2.0 */
/* microcode_kernel.c - whether a host's kernel can load microcode late, and how */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/microcode.h"
#include "vmm/base/text.h"

#define SYSFS       "/sys/devices/system/cpu/microcode"
#define TRIGGER     SYSFS "/reload"
#define LINE_BYTES  4096
#define LATE_CONFIG "CONFIG_MICROCODE_LATE_LOADING"
#define FORCE       "CONFIG_MICROCODE_LATE_FORCE_MINREV"

static FILE *open_file(const char *root, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s", root, name) >=
		(int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

static bool is_there(const char *root, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return !access(path, F_OK);
}

/* The first line of a file, or "". */
static void read_line(const char *root, const char *name, char *ret, int size)
{
	FILE *f = open_file(root, name);

	if (!f || !fgets(ret, size, f))
		*ret = '\0';
	if (f)
		fclose(f);
	ret[strcspn(ret, "\n")] = '\0';
	text_make_plain(ret);
}

/* What a kernel's configuration says: "NAME=y", or that it is not set, or nothing. */
static void read_config(const char *root, struct microcode_kernel *ret)
{
	char name[128], line[LINE_BYTES];
	FILE *f;

	snprintf(name, sizeof(name), "/boot/config-%s", ret->release);
	f = open_file(root, name);
	if (!f)
		return;
	ret->late_config = RULE_OFF;
	ret->force_minrev = RULE_OFF;
	while (fgets(line, sizeof(line), f)) {
		if (!strcmp(line, LATE_CONFIG "=y\n"))
			ret->late_config = RULE_ON;
		if (!strcmp(line, FORCE "=y\n"))
			ret->force_minrev = RULE_ON;
	}
	fclose(f);
}

/* "microcode=" takes a list of words. */
static void read_cmdline(const char *root, struct microcode_kernel *ret)
{
	char line[LINE_BYTES];
	char *word, *rest = line;

	read_line(root, "/proc/cmdline", line, sizeof(line));
	while ((word = strsep(&rest, " "))) {
		if (!strcmp(word, "dis_ucode_ldr"))
			ret->loader = false;
		if (strncmp(word, "microcode=", 10))
			continue;
		if (strstr(word, "dis_ucode_ldr"))
			ret->loader = false;
		if (strstr(word, "force_minrev"))
			ret->force_minrev = RULE_ON;
	}
}

void microcode_kernel_read(const char *root, struct microcode_kernel *ret)
{
	*ret = (struct microcode_kernel){
		.loader = is_there(root, SYSFS),
		.late = is_there(root, TRIGGER),
		.late_config = RULE_UNKNOWN,
		.force_minrev = RULE_UNKNOWN,
	};
	read_line(root, "/proc/sys/kernel/osrelease", ret->release,
		sizeof(ret->release));
	read_config(root, ret);
	read_cmdline(root, ret);
}

static const char *why_not(const struct microcode_kernel *kernel)
{
	if (!kernel->loader)
		return "its loader is off, as in guests of a hypervisor and "
		       "with dis_ucode_ldr";
	if (kernel->late_config == RULE_ON)
		return "it has no " TRIGGER;
	return "it is built without " LATE_CONFIG;
}

void microcode_kernel_put(
	const struct microcode_kernel *kernel, struct buf *out)
{
	static const char *const rules[] = {
		[RULE_OFF] = "whatever minimum revision an update has",
		[RULE_ON] = "minimum revisions are obeyed",
		[RULE_UNKNOWN] = "by rules that are not known here",
	};

	buf_printf(out, "kernel %s: ", kernel->release);
	if (kernel->late)
		buf_printf(
			out, "loads late, %s\n", rules[kernel->force_minrev]);
	else
		buf_printf(out, "cannot load late: %s\n", why_not(kernel));
}

static json_t *rule_json(enum microcode_rule rule)
{
	return rule == RULE_UNKNOWN ? json_null()
				    : json_boolean(rule == RULE_ON);
}

json_t *microcode_kernel_json(const struct microcode_kernel *kernel)
{
	json_t *root = json_pack("{s:s, s:b, s:b, s:o, s:o}", "release",
		kernel->release, "loader", kernel->loader, "late", kernel->late,
		LATE_CONFIG, rule_json(kernel->late_config), "force_minrev",
		rule_json(kernel->force_minrev));

	if (!kernel->late)
		json_object_set_new(root, "why", json_string(why_not(kernel)));
	return root;
}
