/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.c - the list of verbs, and the two that only print */
#include <errno.h>
#include <string.h>

#include "cli/verb.h"
#include "config.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

const struct verb *const verbs[] = {
	&verb_run,
	&verb_doctor,
	&verb_help,
	&verb_version,
	NULL,
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *const *v = verbs; *v; v++)
		if (!strcmp((*v)->name, name))
			return *v;
	for (const struct verb *const *v = verbs; *v; v++)
		if (text_is_near(name, (*v)->name)) {
			err_set(-EINVAL,
				"%s: unknown command; did you mean %s?",
				text_shown(name).s, (*v)->name);
			return NULL;
		}
	err_set(-EINVAL, "%s: unknown command; `muster help` lists them",
		text_shown(name).s);
	return NULL;
}

static int too_many(const char *verb, const char *argument)
{
	return output_error(STATUS_USAGE,
		err_set(-EINVAL,
			"%s: unexpected; `muster help %s` says what "
			"%s takes",
			text_shown(argument).s, verb, verb));
}

static int help(int argc, char *const argv[])
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	const struct verb *verb;

	if (argc > 1)
		return too_many("help", argv[1]);
	if (!argc) {
		help_put_overview(&text);
		return output(&text);
	}
	verb = verb_find(argv[0]);
	if (!verb)
		return output_error(STATUS_USAGE, -EINVAL);
	help_put_verb(verb, &text);
	return output(&text);
}

const struct verb verb_help = {
	.name = "help",
	.arguments = " [COMMAND]",
	.summary = "explain a command, its options and its exit status",
	.description = "Without a command, list the commands.",
	.run = help,
};

static int version(int argc, char *const argv[])
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	if (argc)
		return too_many("version", argv[0]);
	buf_printf(&text, "muster %s\n", MUSTER_VERSION);
	return output(&text);
}

const struct verb verb_version = {
	.name = "version",
	.arguments = "",
	.summary = "print the version",
	.description = "The same as muster --version.",
	.run = version,
};
