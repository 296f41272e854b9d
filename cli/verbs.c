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
	&verb_restore,
	&verb_api,
	&verb_firecracker,
	&verb_ctl,
	&verb_snapshot,
	&verb_fleet,
	&verb_microcode,
	&verb_doctor,
	&verb_help,
	&verb_version,
	NULL,
};

static const struct verb *find_in(
	const struct verb *const *list, const char *name)
{
	for (const struct verb *const *v = list; *v; v++)
		if (!strcmp((*v)->name, name))
			return *v;
	return NULL;
}

static const struct verb *find_near(
	const struct verb *const *list, const char *name)
{
	for (const struct verb *const *v = list; *v; v++)
		if (text_is_near(name, (*v)->name))
			return *v;
	return NULL;
}

const struct verb *verb_find(const char *name)
{
	const struct verb *verb = find_in(verbs, name);
	const struct verb *near = find_near(verbs, name);

	if (verb)
		return verb;
	if (near)
		err_set(-EINVAL, "%s: unknown command; did you mean %s?",
			text_shown(name).s, near->name);
	else
		err_set(-EINVAL,
			"%s: unknown command; `muster help` lists them",
			text_shown(name).s);
	return NULL;
}

const struct verb *verb_resolve(int argc, char *const argv[], int *ret_used)
{
	const struct verb *verb = verb_find(argv[0]);
	const struct verb *sub = NULL;

	if (verb && verb->subverbs && argc > 1)
		sub = find_in(verb->subverbs, argv[1]);
	*ret_used = sub ? 2 : 1;
	return sub ? sub : verb;
}

int verb_run_subverb(const struct verb *verb, int argc, char *const argv[])
{
	const struct verb *sub, *near;
	int rc;

	if (!argc)
		return output_error(STATUS_USAGE,
			err_set(-EINVAL,
				"%s: says nothing to do; `muster help %s` "
				"lists its commands",
				verb->name, verb->name));
	sub = find_in(verb->subverbs, argv[0]);
	if (sub)
		return sub->run(argc - 1, argv + 1);
	near = find_near(verb->subverbs, argv[0]);
	if (near)
		rc = err_set(-EINVAL, "%s %s: unknown; did you mean %s?",
			verb->name, text_shown(argv[0]).s, near->name);
	else
		rc = err_set(-EINVAL,
			"%s %s: unknown; `muster help %s` lists its commands",
			verb->name, text_shown(argv[0]).s, verb->name);
	return output_error(STATUS_USAGE, rc);
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
	int used;

	if (!argc) {
		help_put_overview(&text);
		return output(&text);
	}
	verb = verb_resolve(argc, argv, &used);
	if (!verb)
		return output_error(STATUS_USAGE, -EINVAL);
	if (argc > used)
		return too_many("help", argv[used]);
	help_put_verb(verb, &text);
	return output(&text);
}

const struct verb verb_help = {
	.name = "help",
	.arguments = " [COMMAND [SUBCOMMAND]]",
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
