/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - find the verb and hand over */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/verb.h"
#include "vmm/base/cleanup.h"

/* The options that stand for a verb. */
static const struct {
	const char *option;
	const struct verb *verb;
} synonyms[] = {
	{ "--help", &verb_help },
	{ "-h", &verb_help },
	{ "--version", &verb_version },
	{ "-V", &verb_version },
};

/* An option of Firecracker's in the place of a verb: its callers know no verbs. */
static bool is_firecracker(const char *word)
{
	const struct config_object *options = verb_firecracker.options;
	size_t len = strcspn(word, "=");

	for (unsigned i = 0; i < options->count && !strncmp(word, "--", 2); i++)
		if (strlen(options->fields[i].name) == len - 2 &&
			!strncmp(options->fields[i].name, word + 2, len - 2))
			return true;
	return false;
}

/* A link of that name, for who knows no other. */
static bool is_called_firecracker(const char *self)
{
	const char *slash = self ? strrchr(self, '/') : NULL;

	return self && !strcmp(slash ? slash + 1 : self, verb_firecracker.name);
}

static const struct verb *find(
	const char *self, int argc, char *const words[], int *ret_used)
{
	bool linked = is_called_firecracker(self);

	*ret_used = 1;
	for (size_t i = 0; i < ARRAY_SIZE(synonyms) && argc && !linked; i++)
		if (!strcmp(synonyms[i].option, words[0]))
			return synonyms[i].verb;
	if (linked || is_firecracker(words[0])) {
		*ret_used = 0;
		return &verb_firecracker;
	}
	return verb_resolve(argc, words, ret_used);
}

/*
 * A standard descriptor that came closed would be the next file's, and the
 * console's output would go into a disk image.  /dev/null takes its place, opened
 * the wrong way round, so that using it fails as it should.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null",
				fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static int no_verb(void)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	help_put_overview(&text);
	fwrite(text.data, 1, text.len, stderr);
	return STATUS_USAGE;
}

/* No separate value begins with "--" (config_args.c): it is the option. */
static bool wants_help(int argc, char *const argv[])
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], "--help"))
			return true;
	return argc == 1 && !strcmp(argv[0], "-h");
}

int main(int argc, char *argv[])
{
	const struct verb *verb;
	int used;

	fill_standard_descriptors();
	/* A file that reaches a limit is an error of its write, not a VM's end. */
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2 && !is_called_firecracker(argv[0]))
		return no_verb();
	verb = find(argv[0], argc - 1, argv + 1, &used);
	if (!verb)
		return output_error(STATUS_USAGE, -EINVAL);
	if (wants_help(argc - 1 - used, argv + 1 + used)) {
		char *names[] = { (char *)verb->parent, (char *)verb->name };

		return verb->parent ? verb_help.run(2, names)
				    : verb_help.run(1, names + 1);
	}
	return verb->run(argc - 1 - used, argv + 1 + used);
}
